//! What a person can do about a task that waits for them or failed, as commands of a terminal.

use conductor::budget::Cap;
use conductor::state::{State, Task};
use conductor::status::{Kind, Reason, status};
use shared::limits::Stage;

use super::task::reference;

/// The commands that help, the likeliest first; nothing where it goes on by itself, or where its parts ask.
pub(super) fn step(state: &State, task: &Task) -> Option<String> {
    let status = status(state, task);
    if !matches!(status.kind, Kind::Waiting | Kind::Failed) {
        return None;
    }
    let named = reference(state, task);
    // A goal is summed up without it; a task of it may count as done as it is.
    let give_up = if task.is_goal() { format!("close {named}") } else { format!("done {named}") };
    let words = match &status.reason {
        Reason::Approve { .. } if task.is_planned_again() && task.is_goal() => {
            format!("approve {named}, answer {named} \"…\" with what to change, or reject {named}")
        }
        Reason::Approve { .. } if task.is_goal() => {
            format!("approve {named}, or answer {named} \"…\" with what to change")
        }
        Reason::Approve { .. } => format!("approve {named}, or reject {named}"),
        Reason::NoTasks => format!("add {named} \"…\", then approve {named}"),
        Reason::Yours => format!("done {named} \"…\", or give-up {named} \"…\""),
        Reason::Permission(_) => format!("allow {named}, or deny {named}"),
        Reason::Asks(_) | Reason::PlanProblem(_) => format!("answer {named} \"…\""),
        Reason::Begin | Reason::YourTurn => format!("answer {named} \"…\", or {give_up}"),
        Reason::Used { cap, stage, above } => {
            let holder = above.as_ref().and_then(|above| state.task(above)).unwrap_or(task);
            // The task above asks for those below it, while it is not over.
            if above.is_some() && !holder.is_over() {
                return None;
            }
            format!("{}, or cancel {named}", raise(*cap, *stage, &reference(state, holder)))
        }
        Reason::Unattended(_) if task.is_goal() => format!("resume {named}, or limits --unattended USD"),
        Reason::Stuck(by) => {
            let first = by.first().and_then(|id| state.task(id))?;
            let first = reference(state, first);
            let close = if task.is_goal() { format!(", or close {named}") } else { String::new() };
            format!("retry {first}, or done {first}{close}")
        }
        Reason::Failure { .. } if task.is_goal() => format!("retry {named}, or archive {named}"),
        Reason::Failure { .. } => format!("retry {named}, or {give_up}"),
        _ => return None,
    };
    Some(format!("orchestrator {words}"))
}

fn raise(cap: Cap, stage: Option<Stage>, named: &str) -> String {
    let (what, unit) = match cap {
        Cap::Budget(_) => ("budget", "USD"),
        Cap::Turns(_) => ("requests", "N"),
        Cap::Time(_) => ("time", "SPAN"),
        Cap::Tokens(_) => ("tokens", "N"),
    };
    match stage {
        None if what == "budget" => format!("budget {named} USD"),
        None => format!("caps {named} --{what} {unit}"),
        Some(Stage::Review) => format!("caps {named} --review {what}={unit}"),
        Some(Stage::Repair) => format!("caps {named} --repair {what}={unit}"),
    }
}
