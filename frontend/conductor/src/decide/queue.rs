//! The queue: which of the turns that are wished for go first, and how many agents may run side by side.

use shared::agent::HarnessId;
use shared::unit::Millis;

use crate::state::{Run, State, Task};

/// The higher goes first: a task's own and those of the tasks above it, together.
pub(super) fn priority(state: &State, task: &Task) -> i32 {
    let above = state.ancestors(task).map(|above| above.schedule.priority);
    above.fold(task.schedule.priority, i32::saturating_add)
}

/// When a task that never ran may begin: not before any of the tasks above it.
pub(crate) fn starts_at(state: &State, task: &Task) -> Option<Millis> {
    if !task.runs.is_empty() {
        return None;
    }
    let above = state.ancestors(task).filter_map(|above| above.schedule.start);
    above.chain(task.schedule.start).max()
}

/// The runs of one state, to which those are added that begin now.
pub(super) struct Room<'a> {
    state: &'a State,
    taken: Vec<(&'a Task, HarnessId)>,
}

impl<'a> Room<'a> {
    pub(super) fn of(state: &'a State) -> Self {
        let active = state.unread.iter().filter_map(|run| state.run(run)).filter(|run| run.is_active());
        let place = |run: &'a Run| Some((state.task(&run.task)?, run.harness));
        Self { state, taken: active.filter_map(place).collect() }
    }

    /// Nothing more may run, whatever it is.
    pub(super) fn is_taken(&self) -> bool {
        self.taken.len() >= usize::try_from(self.state.limits.parallel).unwrap_or(usize::MAX)
    }

    /// Whether one more of this kind may run in the task's folder.
    pub(super) fn has(&self, task: &Task, harness: HarnessId) -> bool {
        let limits = &self.state.limits;
        let below = |taken: usize, limit: Option<u32>| {
            limit.is_none_or(|limit| taken < usize::try_from(limit).unwrap_or(usize::MAX))
        };
        let taken =
            |same: &dyn Fn(&(&Task, HarnessId)) -> bool| self.taken.iter().filter(|run| same(run)).count();
        !self.is_taken()
            && below(taken(&|run| run.1 == harness), limits.each.of(harness))
            && below(taken(&|run| run.0.project == task.project), limits.per_folder)
    }

    pub(super) fn take(&mut self, task: &'a Task, harness: HarnessId) {
        self.taken.push((task, harness));
    }
}
