//! What is said of a group whose parts wait for money, or for anybody to look what is spent.

use shared::id::TaskId;

use super::{Kind, Known, Reason, Status};
use crate::state::{State, Task};

/// Where something below cannot be paid for by this task: whatever else its parts ask for, which they say themselves, nobody
/// but the task asks for the money.
pub(super) fn unpaid(state: &State, task: &Task, of: Known<'_>) -> Option<(Kind, Reason)> {
    let mut left: Vec<&TaskId> = task.children.iter().collect();
    while let Some(part) = left.pop().and_then(|id| state.task(id)) {
        let status = of(part);
        // Also below what the person took as done, or what waits for something else.
        if state.is_restless_below(&part.id) {
            left.extend(&part.children);
        }
        if let asks @ Some((Kind::Waiting, _)) = used_above(task, &[status]) {
            return asks;
        }
    }
    None
}

/// Where parts cannot be paid for: the task whose budget it is asks, those between wait for it.
pub(super) fn used_above(task: &Task, parts: &[Status]) -> Option<(Kind, Reason)> {
    parts.iter().find_map(|part| match &part.reason {
        Reason::Used { cap, stage, above: Some(above) } if *above == task.id => {
            Some((Kind::Waiting, Reason::Used { cap: *cap, stage: *stage, above: None }))
        }
        reason @ Reason::Used { above: Some(_), .. } => Some((Kind::Pending, reason.clone())),
        reason @ Reason::Unattended(_) => {
            Some((if task.is_goal() { Kind::Waiting } else { Kind::Pending }, reason.clone()))
        }
        _ => None,
    })
}
