//! The queue: which of the turns that are wished for go first, and how many agents may run side by side.

use shared::agent::HarnessId;
use shared::entry::Purpose;
use shared::unit::Millis;

use crate::state::{Run, Standing, State, Task};

/// The higher goes first: a task's own and those of the tasks above it, together.
pub(super) fn priority(state: &State, task: &Task) -> i32 {
    let above = state.ancestors(task).map(|above| above.schedule.priority);
    above.fold(task.schedule.priority, i32::saturating_add)
}

/// When a task that never ran may begin: not before any of the tasks above it. That somebody sat at its terminal, and left it as open
/// as it was, is no beginning.
pub(crate) fn starts_at(state: &State, task: &Task) -> Option<Millis> {
    let mut runs = task.runs.iter().filter_map(|run| state.run(run));
    let begun = match task.standing {
        Standing::Open => runs.any(|run| run.purpose != Purpose::Terminal),
        _ => !task.runs.is_empty(),
    };
    if begun {
        return None;
    }
    start(state, task)
}

/// When a task that is done is done anew, if it is: so long after it was done, and no sooner than the person said since that it or
/// what is above it may begin.
pub(crate) fn repeats_at(state: &State, task: &Task) -> Option<Millis> {
    let at = task.again()?;
    Some(start(state, task).map_or(at, |start| start.max(at)))
}

fn start(state: &State, task: &Task) -> Option<Millis> {
    let above = state.ancestors(task).filter_map(|above| above.schedule.start);
    above.chain(task.schedule.start).max()
}

/// A bound on the agents that run side by side, and how many it lets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    Agents(u32),
    OfKind(HarnessId, u32),
    InFolder(u32),
}

/// The bound that the task's next turn waits at; nothing where there is room.
pub fn bound(state: &State, task: &Task) -> Option<Bound> {
    Room::of(state).bound(task, super::harness(state, task, super::next_purpose(state, task)))
}

/// The runs of one state, to which those are added that begin now.
pub(super) struct Room<'a> {
    state: &'a State,
    taken: Vec<(&'a Task, HarnessId)>,
}

impl<'a> Room<'a> {
    pub(super) fn of(state: &'a State) -> Self {
        // Who sits at a terminal takes no agent's place.
        let turns = state.unread.iter().filter_map(|run| state.run(run));
        let active = turns.filter(|run| run.is_active() && run.purpose != Purpose::Terminal);
        let place = |run: &'a Run| Some((state.task(&run.task)?, run.harness));
        Self { state, taken: active.filter_map(place).collect() }
    }

    /// Nothing more may run, whatever it is.
    pub(super) fn is_taken(&self) -> bool {
        self.taken.len() >= usize::try_from(self.state.limits.parallel).unwrap_or(usize::MAX)
    }

    /// Whether one more of this kind may run in the task's folder.
    pub(super) fn has(&self, task: &Task, harness: HarnessId) -> bool {
        self.bound(task, harness).is_none()
    }

    /// What keeps one more of this kind from running in the task's folder.
    fn bound(&self, task: &Task, harness: HarnessId) -> Option<Bound> {
        let limits = &self.state.limits;
        let reached = |limit: u32, taken: usize| taken >= usize::try_from(limit).unwrap_or(usize::MAX);
        let taken =
            |same: &dyn Fn(&(&Task, HarnessId)) -> bool| self.taken.iter().filter(|run| same(run)).count();
        let all = self.is_taken().then_some(limits.parallel);
        let kind = limits.each.of(harness).filter(|limit| reached(*limit, taken(&|run| run.1 == harness)));
        let folder =
            limits.per_folder.filter(|limit| reached(*limit, taken(&|run| run.0.project == task.project)));
        let all = all.map(Bound::Agents);
        all.or(kind.map(|limit| Bound::OfKind(harness, limit))).or(folder.map(Bound::InFolder))
    }

    pub(super) fn take(&mut self, task: &'a Task, harness: HarnessId) {
        self.taken.push((task, harness));
    }
}
