//! What a turn is told while it runs: a message that the person would not have wait, and that there is no more to come.

use shared::agent::HarnessId;
use shared::entry::{Draft, Kind};
use shared::harness;

use super::draft;
use crate::state::{Ear, Run, State, Task};

/// Whether what is written to a task can be read by the turn that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hearing {
    /// At its agent's next step.
    Now,
    /// Nothing runs: it starts the next turn, or goes along with it.
    Idle,
    /// Agents of this kind read nothing while they work.
    Never(HarnessId),
    /// What runs is no turn of its conversation, or as good as over.
    NotThis,
}

pub fn hearing(state: &State, task: &Task) -> Hearing {
    match state.current(task) {
        None => Hearing::Idle,
        Some(run) if listens(task, run) => Hearing::Now,
        Some(run) if run.purpose.is_conversation() && !harness::hears(run.harness) => {
            Hearing::Never(run.harness)
        }
        Some(_) => Hearing::NotThis,
    }
}

fn listens(task: &Task, run: &Run) -> bool {
    let hears = run.ear == Ear::Open && run.is_active() && run.signalled.is_none();
    hears && run.purpose.is_conversation() && task.stop.is_none()
}

/// Tells each turn that listens what is urgent, in the order in which it was written.
pub(super) fn tells(under_way: &[(&Task, &Run)]) -> impl Iterator<Item = Draft> {
    let listening = under_way.iter().filter(|(task, run)| listens(task, run));
    listening.flat_map(|(task, run)| {
        task.queue.iter().filter(|message| message.urged).filter_map(|message| {
            let text = harness::tell(run.harness, run.ongoing(), &message.id, message.text.trim())?;
            let (run, message) = (run.id.clone(), Some(message.id.clone()));
            Some(draft(task, Kind::InputSent { run, text, message, answers: None }))
        })
    })
}

/// Ends the input of programs whose turn is over, so that they end too. What they were told before that they still read.
pub(super) fn closes(state: &State) -> impl Iterator<Item = Draft> {
    let waiting = state.unread.iter().filter_map(|run| state.run(run));
    let waiting = waiting.filter(|run| run.ear == Ear::Waits && run.is_active());
    waiting.filter_map(|run| Some(draft(state.task(&run.task)?, Kind::InputClosed { run: run.id.clone() })))
}
