//! Words that bring something to an end, and a fresh try: done as it is, closed without what failed, hidden, begun anew.

use conductor::plan::name;
use conductor::state::{Standing, State, Task};
use conductor::status::{Reason, status};
use conductor::terminal::opened;
use shared::entry::Kind;

use super::Unsaid;

/// The task is done as it is, with the person's words about it, whatever its agent, its checks or its review say.
pub(super) fn done(state: &State, task: &Task, words: &str) -> Result<Kind, Unsaid> {
    let why = match &task.standing {
        _ if task.is_goal() => "is a goal; close it, and it is summed up without what is not done",
        _ if opened(state, task).is_some() => "has a terminal open; close that first",
        _ if task.current.is_some() => "is at work; cancel it first, or wait until its turn is over",
        Standing::Completed => "is done already",
        Standing::Proposed => "is part of a plan that waits for a yes; approve that first",
        Standing::Removed { .. } => "is no longer in the plan",
        Standing::Open | Standing::Limited { .. } if task.is_group() && !is_capped(state, task) => {
            "is done when its parts are; say it of those that hold it up"
        }
        _ => return Ok(Kind::TaskAccepted { task: task.id.clone(), words: words.trim().to_owned() }),
    };
    Err(Unsaid(format!("{} {why}", name(task))))
}

fn is_capped(state: &State, task: &Task) -> bool {
    matches!(status(state, task).reason, Reason::Used { above: None, .. })
}

/// The goal is summed up; what is not done is left.
pub(super) fn close(task: &Task) -> Result<Kind, Unsaid> {
    let why = match &task.goal {
        None => "is a part of a goal; call it done, or close the goal",
        Some(_) if task.is_over() => "is over already",
        Some(_) if task.is_planned() && !task.is_planned_again() => {
            "has done nothing yet that could be summed up; cancel it"
        }
        Some(goal) if goal.closing.is_some() => "is being closed already",
        Some(_) => return Ok(Kind::GoalClosed { goal: task.id.clone() }),
    };
    Err(Unsaid(format!("{} {why}", name(task))))
}

/// The goal is hidden from the lists.
pub(super) fn archive(state: &State, task: &Task) -> Result<Kind, Unsaid> {
    let works = || state.subtree(&task.id).into_iter().any(|task| task.current.is_some());
    let why = match &task.goal {
        None => "is a part of a goal; only goals are archived",
        Some(goal) if goal.archived.is_some() => "is archived already",
        Some(_) if !task.is_over() || works() => "is not over; close or cancel it first",
        Some(_) => return Ok(Kind::GoalArchived { goal: task.id.clone() }),
    };
    Err(Unsaid(format!("{} {why}", name(task))))
}

/// A fresh attempt of the task, and of what failed or was stopped below it.
pub(super) fn retry(state: &State, task: &Task) -> Result<Kind, Unsaid> {
    let dead = |task: &&Task| matches!(task.standing, Standing::Failed { .. } | Standing::Cancelled);
    let why = match &task.standing {
        _ if task.current.is_some() => "is at work; `requeue` ends its turn and begins it anew",
        Standing::Proposed => "is part of a plan that waits for a yes; approve that first",
        Standing::Removed { .. } => "is no longer in the plan",
        Standing::Yielded => "waits for you; answer it, or cancel it and retry it then",
        Standing::Open if !state.subtree(&task.id).iter().any(dead) => {
            "goes on by itself, and nothing of it failed; there is nothing to try anew"
        }
        _ => return Ok(Kind::TaskRetried { task: task.id.clone() }),
    };
    Err(Unsaid(format!("{} {why}", name(task))))
}
