//! Words about how a task comes to its parts: that a planner looks at it, and yes or no to what that one thinks of.

use conductor::plan::name;
use conductor::planning::{Planning, Unplannable, may_plan, planned_below, wanted};
use conductor::state::{State, Task};
use shared::entry::Kind;
use shared::id::MessageId;

use super::Unsaid;
use crate::headless::statement::drawn;
use crate::headless::task::reference;

/// The plan that waits is carried out.
pub(super) fn approve(task: &Task) -> Result<Kind, Unsaid> {
    if !task.is_group() && task.is_planned() {
        return Err(Unsaid(format!("the plan of {} has no tasks yet; add some first", name(task))));
    }
    match task.planning.as_ref().filter(|planning| planning.is_proposed()) {
        Some(Planning { version, .. }) => Ok(Kind::PlanApproved { goal: task.id.clone(), version: *version }),
        None => Err(Unsaid(format!("{} has no plan that waits for a yes", name(task)))),
    }
}

/// A planner is to look at it, and is told these words.
pub(super) fn split(state: &State, task: &Task, words: String) -> Result<Vec<Kind>, Unsaid> {
    may_plan(state, task).map_err(|problem| Unsaid(with_way(state, task, &problem)))?;
    Ok(wanted(&task.id, drawn(MessageId::new), words))
}

/// Why it is not planned now, with the commands that come first.
fn with_way(state: &State, task: &Task, problem: &Unplannable) -> String {
    match (problem, planned_below(state, task)) {
        (Unplannable::Below(_), Some(part)) => {
            let part = reference(state, part);
            format!("{problem}: orchestrator approve {part}, or orchestrator reject {part}")
        }
        _ => problem.to_string(),
    }
}

/// What was below it before it was planned stays.
pub(super) fn reject(task: &Task) -> Result<Kind, Unsaid> {
    let why = match task.planning.as_ref().filter(|_| task.is_planned()) {
        Some(_) if task.is_goal() && !task.is_planned_again() => {
            "is a goal that was never planned before; write to it what to change, or cancel it"
        }
        Some(_) if task.current.is_some() && !task.is_goal() => {
            "has a planner who is at it; cancel that first"
        }
        Some(planning) => {
            return Ok(Kind::PlanRejected { task: task.id.clone(), version: planning.version });
        }
        None => "has no plan that waits for a word",
    };
    Err(Unsaid(format!("{} {why}", name(task))))
}
