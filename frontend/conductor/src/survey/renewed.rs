//! A survey that goes on with its state. Tasks and runs are shared pointers in shared tables, so what changed is another
//! pointer: what a change costs is a look at those beside it, and then what it touches.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use shared::agent::HarnessId;
use shared::id::{PersonaId, RunId, TaskId};
use shared::limits::Limits;
use shared::unit::{MicroUsd, Millis, Seq};

use super::Survey;
use crate::budget::envelope;
use crate::decide::{is_probed, outage, unattended};
use crate::persona::Known;
use crate::planning::level;
use crate::state::{Run, State, Table, Task};

/// What the rows were made of.
#[derive(Debug, Default)]
pub(super) struct Seen {
    seq: Seq,
    goals: Vec<TaskId>,
    tasks: Table<TaskId, Arc<Task>>,
    /// Runs that were not read to their end; no other changes.
    runs: BTreeMap<RunId, Arc<Run>>,
    common: Option<Common>,
    /// Who waits for a task by name.
    dependents: BTreeMap<TaskId, Vec<TaskId>>,
    /// Those that a planner thought of or is to think of, which no task ceases to be.
    planned: BTreeSet<TaskId>,
}

/// What makes tasks wait that have nothing else in common.
#[derive(Debug, Clone, PartialEq)]
struct Common {
    limits: Limits,
    personas: BTreeMap<PersonaId, Known>,
    unattended: Option<MicroUsd>,
    outages: [(Option<Millis>, bool); HarnessId::ALL.len()],
}

impl Common {
    fn of(state: &State) -> Self {
        let outage = |harness| {
            let until = outage(state, harness);
            (until, until.is_some() && is_probed(state, harness))
        };
        Self {
            limits: state.limits.clone(),
            personas: state.personas.clone(),
            unattended: unattended(state),
            outages: HarnessId::ALL.map(outage),
        }
    }
}

impl Survey {
    /// Who waits for a task by name.
    pub fn dependents(&self, task: &TaskId) -> &[TaskId] {
        self.seen.dependents.get(task).map_or(&[], Vec::as_slice)
    }

    /// Those that a planner thought of or is to think of, wherever they are.
    pub(crate) fn planned(&self) -> impl Iterator<Item = &TaskId> {
        self.seen.planned.iter()
    }

    /// Takes in what happened since; says whether any task stands otherwise than before.
    pub fn renew(&mut self, state: &State) -> bool {
        if self.seen.seq == state.seq && self.seen.common.is_some() {
            return false;
        }
        self.seen.seq = state.seq;
        let common = Common::of(state);
        match self.changed(state).filter(|_| self.seen.common.as_ref() == Some(&common)) {
            Some(changed) => self.touch(state, &changed),
            None => {
                self.begin(state, common);
                true
            }
        }
    }

    /// Asks each task anew.
    fn begin(&mut self, state: &State, common: Common) {
        let goals: Vec<TaskId> = live(state).cloned().collect();
        let Self { rows, .. } = Self::of(state, &goals);
        let mut dependents: BTreeMap<TaskId, Vec<TaskId>> = BTreeMap::new();
        for (id, dep) in state.tasks.values().flat_map(|task| task.after.iter().map(|dep| (&task.id, dep))) {
            dependents.entry(dep.clone()).or_default().push(id.clone());
        }
        let planned = state.tasks.values().filter(|task| task.planning.is_some());
        let planned = planned.map(|task| task.id.clone()).collect();
        let (tasks, runs) = (state.tasks.clone(), unread(state).collect());
        let seen = Seen { seq: state.seq, goals, tasks, runs, common: Some(common), dependents, planned };
        *self = Self { rows, shape: self.shape + 1, seen };
    }

    /// The tasks that are others than before, or whose run is; nothing where tasks came, went or have other places.
    fn changed(&mut self, state: &State) -> Option<Vec<Change>> {
        let Seen { goals, tasks, runs, planned, .. } = &mut self.seen;
        if !goals.iter().eq(live(state)) {
            return None;
        }
        let mut changes = Vec::new();
        for (former, task) in tasks.follow(&state.tasks)? {
            // The same pointer is the same task.
            if !Arc::ptr_eq(task, &former) {
                changes.push(Change::of(state, &former, task)?);
                planned.extend(task.planning.is_some().then(|| task.id.clone()));
            }
        }
        // What was read since has changed its task as well.
        let former = std::mem::replace(runs, unread(state).collect());
        for (id, run) in runs {
            if former.get(id).is_none_or(|former| !Arc::ptr_eq(former, run)) {
                changes.push(Change { task: run.task.clone(), below: false, settled: false });
            }
        }
        Some(changes)
    }

    /// Asks those again that a change may touch, parts first.
    fn touch(&mut self, state: &State, changes: &[Change]) -> bool {
        let mut touched: Vec<&Task> = Vec::new();
        for Change { task, below, settled } in changes {
            if *below {
                state.gather(task, &mut touched);
            } else {
                touched.extend(state.task(task));
            }
            let dependents = self.seen.dependents.get(task).filter(|_| *settled);
            dependents.into_iter().flatten().for_each(|task| state.gather(task, &mut touched));
        }
        let above: Vec<&Task> = touched.iter().flat_map(|task| state.ancestors(task)).collect();
        let touched = touched.into_iter().chain(above);
        let touched: BTreeSet<_> = touched.map(|task| (Reverse(level(state, task)), &task.id)).collect();
        let mut differs = false;
        for task in touched.into_iter().filter_map(|(_, id)| state.task(id)) {
            let row = self.look(state, task);
            // What is archived or taken out of the plan has no row.
            if let Some(known) = self.rows.get_mut(&task.id).filter(|known| **known != row) {
                *known = row;
                differs = true;
            }
        }
        differs
    }
}

/// A task that is another than before.
struct Change {
    task: TaskId,
    /// What is said of the tasks below may hang on it.
    below: bool,
    /// It stands otherwise, or anew, which those who wait for it look at.
    settled: bool,
}

impl Change {
    /// Nothing where it has another place in the tree or in the order.
    fn of(state: &State, former: &Task, task: &Task) -> Option<Self> {
        let place = |task: &Task| (task.parent.clone(), task.root.clone());
        if place(former) != place(task) || former.children != task.children || former.after != task.after {
            return None;
        }
        let settled = former.standing != task.standing || former.since != task.since;
        let own = |task: &Task| {
            // Of its money only whether there is any, which is as good for all.
            let purse =
                envelope(state, task).map(|it| (it.budget, it.spent >= it.budget, it.free() == MicroUsd(0)));
            (
                task.is_planned(),
                task.schedule.start,
                task.harness,
                task.alternate,
                task.caps,
                purse,
                task.changed,
            )
        };
        let below = settled
            || own(former) != own(task)
            || former.persona != task.persona
            || former.goal != task.goal
            || former.work != task.work;
        Some(Self { task: task.id.clone(), below, settled })
    }
}

/// Goals that are not archived.
fn live(state: &State) -> impl Iterator<Item = &TaskId> {
    let goals = state.goals.iter().filter_map(|goal| state.task(goal));
    goals.filter(|task| task.goal.as_ref().is_some_and(|goal| goal.archived.is_none())).map(|task| &task.id)
}

fn unread(state: &State) -> impl Iterator<Item = (RunId, Arc<Run>)> {
    state.unread.iter().filter_map(|id| Some((id.clone(), Arc::clone(state.runs.get(id)?))))
}
