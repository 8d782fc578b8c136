//! Health: what deserves a person's look although it goes on by itself. It comes from facts and from time,
//! and decides nothing: no run is ended, put off or judged by it.

use shared::entry::Purpose;
use shared::id::TaskId;
use shared::unit::{Bytes, Millis};

use crate::budget::{self, Near};
use crate::permission::Reply;
use crate::state::{Phase, Run, State, Task};

/// Why somebody should look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Warning {
    /// Nothing came from its program since.
    Stalled { since: Millis },
    /// There is output, and it has been at the same thing since.
    Slow { since: Millis },
    /// One turn of it goes on since.
    Long { since: Millis },
    /// So much of a cap is used.
    Near(Near),
    /// Its programs hold so much memory.
    Heavy { memory: Bytes },
}

/// The warnings of one task at a moment, the most urgent first.
pub fn warnings(state: &State, task: &Task, now: Millis) -> Vec<Warning> {
    let mut found = Vec::new();
    if let Some((run, started)) = pulse(state, task) {
        let (health, vitals) = (state.limits.health, run.vitals);
        let past = |since: Millis, bound: Millis| since + bound <= now;
        match stalled(run) {
            // It waits for the person.
            _ if run.asks_now().is_some() => {}
            Some(since) => found.push(Warning::Stalled { since }),
            None if past(vitals.moved, health.slow) => found.push(Warning::Slow { since: vitals.moved }),
            None => {}
        }
        found.extend(vitals.heavy.map(|memory| Warning::Heavy { memory }));
        if past(started, health.long) {
            found.push(Warning::Long { since: started });
        }
    }
    // When it has stopped at the cap its status says more.
    let goes_on = |percent| (percent < 100 || task.current.is_some()) && !task.is_over();
    let near = budget::near(state, task, now).filter(|near| goes_on(near.percent));
    found.extend(near.map(Warning::Near));
    found
}

/// Since when nothing came from it. Where that was because it waited for an answer, it counts anew from there.
fn stalled(run: &Run) -> Option<Millis> {
    let answered = run.asks.iter().filter_map(|asked| match asked.reply {
        Reply::Sent { at, .. } => Some(at),
        Reply::None | Reply::Said { .. } | Reply::Withdrawn => None,
    });
    let answered = answered.max();
    run.vitals.silent.filter(|since| answered.is_none_or(|at| *since >= at))
}

/// When, after `after`, time alone brings the next warning, and to which task.
pub fn next_change(state: &State, after: Millis) -> Option<(Millis, TaskId)> {
    let due = running(state).flat_map(|task| {
        let health = state.limits.health;
        let pulse = pulse(state, task).map(|(run, started)| {
            let slow =
                (stalled(run).is_none() && run.asks_now().is_none()).then(|| run.vitals.moved + health.slow);
            [slow, Some(started + health.long)]
        });
        let times = pulse.into_iter().flatten().flatten().chain(budget::time_is_near(state, task));
        times.map(|at| (at, task.id.clone()))
    });
    due.filter(|(at, _)| *at > after).min()
}

/// The tasks at work that somebody should look at, and those above them, each once, in the order of the log.
pub fn unwell(state: &State, now: Millis) -> Vec<(&Task, Vec<Warning>)> {
    let mut found: Vec<(&Task, Vec<Warning>)> = Vec::new();
    for task in running(state).flat_map(|task| std::iter::once(task).chain(state.ancestors(task))) {
        if !found.iter().any(|(known, _)| known.id == task.id) {
            let warnings = warnings(state, task, now);
            if !warnings.is_empty() {
                found.push((task, warnings));
            }
        }
    }
    found
}

fn running(state: &State) -> impl Iterator<Item = &Task> {
    let active = state.unread.iter().filter_map(|run| state.run(run)).filter(|run| run.is_active());
    active.filter_map(|run| state.task(&run.task))
}

/// The task's run whose program lives, and its start.
fn pulse<'a>(state: &'a State, task: &Task) -> Option<(&'a Run, Millis)> {
    // The person at a terminal sees how it is.
    let run = state.current(task).filter(|run| run.purpose != Purpose::Terminal)?;
    match run.phase {
        Phase::Running { started } => Some((run, started)),
        Phase::Requested | Phase::Ended { .. } | Phase::Read { .. } => None,
    }
}
