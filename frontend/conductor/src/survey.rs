//! How every task stands at one moment, and what a folded branch says of all below it: the worst status, how far it is,
//! and how many wait for the person. Each task is asked once, parts before what they are parts of; when the state goes
//! on, only those are asked again of whom it may say something else (`renewed`).

use std::collections::BTreeMap;

use shared::id::TaskId;

use crate::state::{State, Task};
use crate::status::{Kind, Reason, Status, status, status_beside};

mod renewed;

use renewed::Seen;

/// The tasks of some goals. A whole tree costs little more than its goal's status alone would.
#[derive(Debug, Default)]
pub struct Survey {
    rows: BTreeMap<TaskId, Row>,
    /// Becomes another when tasks come, go or change places, and now and then when they do not.
    pub shape: u64,
    seen: Seen,
}

/// A task and its subtree. The task itself counts in `worst`; the others count leaves, `done` and `all` without itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub status: Status,
    pub worst: Kind,
    pub done: u32,
    pub all: u32,
    pub waiting: u32,
    /// A run of the task or of one below it is under way or not judged.
    pub busy: bool,
    /// All tasks below, by how they stand.
    below: [u32; Kind::ALL.len()],
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
        let mut survey = Self::default();
        survey.renew(state);
        survey
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
        let below = [0; Kind::ALL.len()];
        let busy = task.current.is_some();
        let mut row = Row { worst: status.kind, status, done: 0, all: 0, waiting: own, busy, below };
        for part in task.children.iter().filter_map(|part| Some((state.task(part)?, self.row(part)?))) {
            let (part, below) = part;
            row.worst = row.worst.min(below.worst);
            row.waiting += below.waiting;
            row.busy |= below.busy;
            row.done += below.done;
            row.all += below.all;
            row.below[below.status.kind as usize] += 1;
            row.below.iter_mut().zip(below.below).for_each(|(sum, count)| *sum += count);
            if !part.is_group() {
                row.all += 1;
                row.done += u32::from(below.status.kind == Kind::Completed);
            }
        }
        row
    }

    /// How many tasks below a goal are in each status; the goal itself is not counted.
    pub fn counts(&self, goal: &TaskId) -> Vec<(Kind, u32)> {
        let counts = self.row(goal).into_iter().flat_map(|row| Kind::ALL.into_iter().zip(row.below));
        counts.filter(|(_, count)| *count > 0).collect()
    }
}

/// Whose plan waits for a word while its parts go on says so itself.
pub(crate) fn asks(task: &Task) -> bool {
    task.is_planned_again()
}

/// It is asked for itself, and not for its parts.
fn speaks(task: &Task) -> bool {
    !task.is_group() || asks(task)
}
