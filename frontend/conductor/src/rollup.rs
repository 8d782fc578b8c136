//! What a folded branch says of everything below it: the worst status, how far it is, what it cost, and
//! how many wait for the person.

use std::collections::BTreeMap;

use shared::id::TaskId;

use crate::state::{Spend, Standing, State, Task};
use crate::status::{Kind, status};

/// A subtree summed up. The task itself counts in `worst` and `spend`; `done` and `all` count leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollup {
    pub worst: Kind,
    pub done: u32,
    pub all: u32,
    pub waiting: u32,
    pub spend: Spend,
    /// The children's statuses in plan order.
    pub pips: Vec<Kind>,
}

/// Sums up the task and all below it.
pub fn rollup(state: &State, task: &Task) -> Rollup {
    let own = status(state, task).kind;
    let spend = task.account.spend;
    let mut sum = Rollup { worst: own, done: 0, all: 0, waiting: 0, spend, pips: Vec::new() };
    for below in state.subtree(&task.id) {
        let kind = status(state, below).kind;
        sum.worst = sum.worst.min(kind);
        if below.id != task.id && below.parent.as_ref() == Some(&task.id) {
            sum.pips.push(kind);
        }
        if below.is_group() {
            sum.waiting += u32::from(kind == Kind::Waiting && !below.is_goal() && below.is_planned());
            continue;
        }
        if kind == Kind::Waiting {
            sum.waiting += 1;
        }
        if below.id != task.id {
            sum.all += 1;
            sum.done += u32::from(kind == Kind::Completed);
        }
    }
    sum
}

/// How many tasks below a goal are in each status; the goal itself is not counted.
pub fn counts(state: &State, goal: &TaskId) -> BTreeMap<Kind, u32> {
    let mut counts = BTreeMap::new();
    for task in state.subtree(goal).into_iter().skip(1) {
        *counts.entry(status(state, task).kind).or_insert(0) += 1;
    }
    counts
}

/// The tasks that wait for the person, of all goals that are not archived, in order of the tree.
pub fn waiting(state: &State) -> Vec<&Task> {
    let live = state.goals.iter().filter_map(|goal| state.task(goal));
    live.filter(|goal| goal.goal.as_ref().is_some_and(|goal| goal.archived.is_none()))
        .flat_map(|goal| state.subtree(&goal.id))
        .filter(|task| !matches!(task.standing, Standing::Removed { .. }))
        .filter(|task| status(state, task).kind == Kind::Waiting && speaks_itself(state, task))
        .collect()
}

/// A group that waits only because a part does leaves the word to the part.
fn speaks_itself(state: &State, task: &Task) -> bool {
    let parts = || task.children.iter().filter_map(|id| state.task(id));
    task.is_planned() || !parts().any(|part| status(state, part).kind == Kind::Waiting)
}

/// Runs that have a process or are about to.
pub fn active_runs(state: &State) -> usize {
    state.unread.iter().filter_map(|run| state.run(run)).filter(|run| run.is_active()).count()
}
