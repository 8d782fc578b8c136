//! Since when a task stands as it does. Where others made it wait, that is when the last of them came to what it is.

use shared::unit::Millis;

use super::{Kind, Reason};
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
        Reason::Slot | Reason::Begin => ready(state, task),
        Reason::Stuck(by) => {
            by.iter().filter_map(|id| state.task(id)).fold(task.since, |at, by| at.max(by.since))
        }
        // What was spent last made it wait, be it by a task far below.
        Reason::Used { .. } | Reason::Unattended(_) if kind == Kind::Waiting => {
            state.subtree(&task.id).into_iter().map(|part| moved(state, part)).fold(task.since, Millis::max)
        }
        Reason::Used { .. } | Reason::Unattended(_) | Reason::Held | Reason::PlanProblem(_) => {
            moved(state, task)
        }
        _ => task.since,
    }
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
