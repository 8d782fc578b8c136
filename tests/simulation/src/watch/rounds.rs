//! What is done anew: not before its time, as if it had never been done, and never summed up in between.

use anyhow::{Result, ensure};
use conductor::State;
use conductor::state::{Standing, Task};
use shared::entry::{Kind, Purpose};
use shared::id::TaskId;

use super::Watch;

impl Watch {
    /// Before an entry: a task that is not done comes to be.
    pub(super) fn note_done(&mut self, state: &State, id: &TaskId) {
        if state.task(id).is_some_and(|task| task.standing != Standing::Completed) {
            self.done.insert(id.clone(), self.at);
        }
    }

    /// The person said that it is done again and again, and it is time.
    pub(super) fn comes_round(&self, task: &Task) -> bool {
        let (repeat, done) = (task.schedule.repeat, self.done.get(&task.id));
        let alone = task.goal.is_none() && task.children.is_empty();
        let due = repeat.zip(done).is_some_and(|(repeat, done)| *done + repeat <= self.latest);
        alone && due && task.standing == Standing::Completed
    }

    /// Before an order: what is done anew begins with nothing of what was before.
    pub(super) fn begin_round(&mut self, task: &Task, kind: &Kind) {
        let Kind::RunRequested { purpose: Purpose::Work | Purpose::Base, carries, .. } = kind else { return };
        if !carries.is_empty() || !self.comes_round(task) {
            return;
        }
        let id = &task.id;
        self.words.forget(id);
        self.sessions.remove(id);
        self.bases.remove(id);
        self.shown.remove(id);
        self.repairs.remove(id);
        self.refused.remove(id);
        self.found.remove(id);
    }

    /// What is done again and again is never through for those who sum it up.
    pub(super) fn check_rounds(state: &State, task: &Task) -> Result<()> {
        for part in task.children.iter().filter_map(|id| state.task(id)) {
            let again = part.schedule.repeat.is_some() && part.children.is_empty();
            let round = again && part.standing == Standing::Completed;
            ensure!(!round, "sums up beside {}, which is done again and again", part.id);
        }
        Ok(())
    }
}
