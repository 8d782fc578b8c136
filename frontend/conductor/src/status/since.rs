//! Since when a task stands as it does. Where others made it wait, that is when the last of them came to what it is.

use shared::unit::Millis;

use super::{Kind, Reason};
use crate::budget::Cap;
use crate::planning::Plan;
use crate::state::{Phase, State, Task};

/// When a task of this status came to it.
pub(super) fn since(state: &State, task: &Task, kind: Kind, reason: &Reason) -> Millis {
    match (kind, state.current(task)) {
        (Kind::Active | Kind::Review, Some(run)) => return run.requested,
        (Kind::Waiting, Some(run)) => return run.asks_now().map_or(task.since, |asked| asked.at),
        _ => {}
    }
    match reason {
        Reason::Approve { .. } | Reason::NoTasks => {
            match task.planning.as_ref().map(|planning| &planning.plan) {
                Some(Plan::Proposed { at, .. }) => *at,
                _ => task.since,
            }
        }
        Reason::Slot => ready(state, task),
        Reason::Outage { harness, .. } => ready(state, task).max(state.outages.row(*harness).opened()),
        Reason::Begin | Reason::Yours => ready(state, task).max(task.changed.mode),
        Reason::StartsAt(at) => {
            let holders = || std::iter::once(task).chain(state.ancestors(task));
            let set = holders().filter(|holder| holder.schedule.start == Some(*at));
            set.map(|holder| holder.changed.start).fold(ready(state, task), Millis::max)
        }
        Reason::After(_) => {
            let holders = std::iter::once(task).chain(state.ancestors(task));
            holders.map(|holder| holder.changed.after).fold(task.since, Millis::max)
        }
        Reason::Stuck(by) => {
            by.iter().filter_map(|id| state.task(id)).fold(task.since, |at, by| at.max(by.since))
        }
        // What was spent last made it wait, be it by a task far below.
        Reason::Used { .. } | Reason::Unattended(_) if kind == Kind::Waiting => {
            let spent = state.subtree(&task.id).into_iter().map(|part| moved(state, part));
            spent.fold(task.since.max(capped(state, task, reason)), Millis::max)
        }
        Reason::Used { .. } => moved(state, task).max(capped(state, task, reason)),
        Reason::Unattended(_) | Reason::Held | Reason::PlanProblem(_) => moved(state, task),
        _ => task.since,
    }
}

/// When the cap that is used up was last set to less: its own, of a task above it, or of all tasks.
fn capped(state: &State, task: &Task, reason: &Reason) -> Millis {
    let Reason::Used { cap, stage, above } = reason else { return Millis(0) };
    let holder = above.as_ref().and_then(|above| state.task(above)).unwrap_or(task);
    let caps = holder.caps.of(*stage);
    let own = match cap {
        Cap::Budget(_) => caps.budget.is_some(),
        Cap::Turns(_) => caps.turns.is_some(),
        Cap::Time(_) => caps.time.is_some(),
        Cap::Tokens(_) => caps.tokens.is_some(),
    };
    if own { holder.changed.caps } else { state.capped }
}

/// When nothing but room was missing any more.
fn ready(state: &State, task: &Task) -> Millis {
    let above = state.ancestors(task);
    let before = std::iter::once(task).chain(above).flat_map(|task| &task.after).chain(&task.children);
    before.filter_map(|id| state.task(id)).map(|before| before.since).fold(moved(state, task), Millis::max)
}

/// When something last happened to the task itself: a turn that ended, or a word of the person's.
fn moved(state: &State, task: &Task) -> Millis {
    let run = task.runs.last().and_then(|run| state.run(run)).map(|run| match run.phase {
        Phase::Requested | Phase::Running { .. } => run.requested,
        Phase::Ended { at, .. } | Phase::Read { at, .. } => at,
    });
    let said = task.queue.iter().rev().find(|message| !message.held).map(|message| message.at);
    run.into_iter().chain(said).fold(task.since, Millis::max)
}
