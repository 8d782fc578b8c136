//! How every task stands at one moment, and what a folded branch says of all below it: the worst status, how far it is,
//! and how many wait for the person. Each task is asked once, parts before what they are parts of.

use std::collections::BTreeMap;

use shared::id::TaskId;

use crate::state::{Standing, State, Task};
use crate::status::{Kind, Reason, Status, status, status_beside};

/// The tasks of some goals. A whole tree costs little more than its goal's status alone would.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    rows: BTreeMap<TaskId, Row>,
}

/// A task and its subtree. The task itself counts in `worst`; the others count leaves, `done` and `all` without itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub status: Status,
    pub worst: Kind,
    pub done: u32,
    pub all: u32,
    pub waiting: u32,
}

impl Survey {
    pub fn of<'a>(state: &State, goals: impl IntoIterator<Item = &'a TaskId>) -> Self {
        let mut survey = Self::default();
        for task in goals.into_iter().flat_map(|goal| state.subtree(goal).into_iter().rev()) {
            let row = survey.look(state, task);
            survey.rows.insert(task.id.clone(), row);
        }
        survey
    }

    /// Of all goals that are not archived.
    pub fn live(state: &State) -> Self {
        let goals = state.goals.iter().filter_map(|goal| state.task(goal));
        let live = goals.filter(|goal| goal.goal.as_ref().is_some_and(|goal| goal.archived.is_none()));
        Self::of(state, live.map(|goal| &goal.id))
    }

    pub fn row(&self, task: &TaskId) -> Option<&Row> {
        self.rows.get(task)
    }

    /// By the rows of its parts.
    fn look(&self, state: &State, task: &Task) -> Row {
        let known =
            |part: &Task| self.row(&part.id).map_or_else(|| status(state, part), |row| row.status.clone());
        let status = status_beside(state, task, &known);
        let speaks = speaks(task) || matches!(status.reason, Reason::Permission(_));
        let own = u32::from(speaks && status.kind == Kind::Waiting);
        let mut row = Row { worst: status.kind, status, done: 0, all: 0, waiting: own };
        for part in task.children.iter().filter_map(|part| Some((state.task(part)?, self.row(part)?))) {
            let (part, below) = part;
            row.worst = row.worst.min(below.worst);
            row.waiting += below.waiting;
            row.done += below.done;
            row.all += below.all;
            if !part.is_group() {
                row.all += 1;
                row.done += u32::from(below.status.kind == Kind::Completed);
            }
        }
        row
    }

    /// How many tasks below a goal are in each status; the goal itself is not counted.
    pub fn counts(&self, state: &State, goal: &TaskId) -> BTreeMap<Kind, u32> {
        let mut counts = BTreeMap::new();
        for row in state.subtree(goal).into_iter().skip(1).filter_map(|task| self.row(&task.id)) {
            *counts.entry(row.status.kind).or_insert(0) += 1;
        }
        counts
    }

    /// The tasks that wait for the person, in the order of their goals and trees. A group that waits only because a part
    /// does leaves the word to the part.
    pub fn waiting<'a>(&self, state: &'a State) -> Vec<&'a Task> {
        let waits = |id: &TaskId| self.row(id).is_some_and(|row| row.status.kind == Kind::Waiting);
        let surveyed = state.goals.iter().filter(|goal| self.rows.contains_key(*goal));
        surveyed
            .flat_map(|goal| state.subtree(goal))
            .filter(|task| !matches!(task.standing, Standing::Removed { .. }))
            .filter(|task| waits(&task.id) && (asks(task) || !task.children.iter().any(waits)))
            .collect()
    }
}

/// A group whose plan waits for a word says so itself.
fn asks(task: &Task) -> bool {
    task.is_planned() && !task.is_goal()
}

/// It is asked for itself, and not for its parts.
fn speaks(task: &Task) -> bool {
    !task.is_group() || asks(task)
}
