//! Plans of goals that have one, and of tasks below: who may make one, what one may change, and that what is rejected
//! leaves nothing behind.

use std::collections::BTreeSet;
use std::mem::discriminant;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use conductor::State;
use conductor::planning::Plan;
use conductor::state::{Standing, Task};
use shared::entry::{Kind, Purpose};
use shared::id::{RunId, TaskId};
use shared::plan::{PlanEdit, PlannedTask};

use super::result::check_released;
use super::{Processes, Watch};
use crate::agent::Truth;

/// A part as a plan has it: where it is, what it is to reach, and what comes before it.
type Part = (TaskId, Option<TaskId>, String, Vec<TaskId>);

/// What comes back when the plan of a task is rejected.
#[derive(Debug, Default)]
pub(super) struct Former {
    parts: Vec<Part>,
    /// How the person changed those since, the last of each kind.
    edits: Vec<PlanEdit>,
}

impl Former {
    fn below(state: &State, owner: &TaskId) -> Self {
        Self { parts: below(state, owner), edits: Vec::new() }
    }
}

/// What an entry about a plan leaves as it is: what is elsewhere, and what has begun below.
#[derive(Debug, Default)]
pub(super) struct Before {
    elsewhere: Vec<(TaskId, Arc<Task>)>,
    begun: Vec<(TaskId, Arc<Task>)>,
}

/// Tasks of the script's plan that is bad because it has too few.
const LITTLE: usize = 2;

/// A plan of it is made or waits.
pub(super) fn is_open(task: &Task) -> bool {
    let plan = task.planning.as_ref().map(|planning| &planning.plan);
    plan.is_some_and(|plan| !matches!(plan, Plan::Approved { .. } | Plan::Unsplit { .. } | Plan::Rejected))
}

fn below(state: &State, owner: &TaskId) -> Vec<Part> {
    let part =
        |task: &Task| (task.id.clone(), task.parent.clone(), task.objective.clone(), task.after.clone());
    state.subtree(owner).into_iter().skip(1).map(part).collect()
}

/// What was done and said there, and what it was to be.
fn has_begun(task: &Task) -> bool {
    task.standing == Standing::Completed
        || !task.runs.is_empty() && !matches!(task.standing, Standing::Failed { .. } | Standing::Cancelled)
}

fn goes_on_as(was: &Task, is: &Task) -> bool {
    let done =
        |task: &Task| (task.runs.clone(), task.result.clone(), task.session.clone(), task.current.clone());
    done(was) == done(is) && was.attempt == is.attempt
}

fn is_same(was: &Task, is: &Task) -> bool {
    was.objective == is.objective && was.after == is.after
}

fn levels(state: &State, task: &Task) -> u32 {
    u32::try_from(state.ancestors(task).count()).unwrap_or(u32::MAX)
}

impl Watch {
    /// What comes back below the task, and what is below that, when open plans there are rejected.
    pub(super) fn away(&self, state: &State, task: &TaskId) -> Vec<TaskId> {
        let below = state.subtree(task).into_iter().filter(|below| is_open(below));
        let parts = below.filter_map(|owner| self.formers.get(&owner.id)).flat_map(|former| &former.parts);
        let removed = |id: &TaskId| {
            state.task(id).is_some_and(|task| matches!(task.standing, Standing::Removed { .. }))
        };
        parts.map(|part| part.0.clone()).filter(removed).collect()
    }

    /// A plan comes from a planner, or from a worker that may split its task.
    pub(super) fn propose(
        &mut self,
        state: &State,
        goal: &TaskId,
        run: &RunId,
        version: u32,
        processes: &Processes,
    ) -> Result<()> {
        self.judge(goal, run)?;
        let process = processes.get(run).context("a run that never was")?;
        let owner = state.task(goal).context("a task that never was")?;
        let truth = process.truth();
        if process.purpose == Purpose::Plan {
            // What is too little for a first plan may be all that is left to do.
            let little = truth == Truth::BadPlan && owner.is_goal() && self.is_again(owner);
            let may = truth == Truth::Plan || (little && process.names() == LITTLE);
            ensure!(may, "{run} did {truth:?}");
            ensure!(is_open(owner), "nobody asked for a plan");
        } else {
            ensure!(truth == Truth::Split && process.purpose == Purpose::Work, "{run} did {truth:?}");
            ensure!(owner.children.is_empty() && !owner.is_goal(), "splits what has parts");
            let above = state.ancestors(owner).find(|above| is_open(above));
            ensure!(above.is_none(), "splits a part of {above:?}, which is planned");
            ensure!(!self.whole.contains(goal), "the person said that it is not to be split");
        }
        let last = self.versions.entry(goal.clone()).or_default();
        ensure!(version == *last + 1, "version {version} after {last}");
        *last = version;
        self.refused.remove(goal);
        if !is_open(owner) {
            self.formers.insert(goal.clone(), Former::below(state, goal));
        }
        Ok(())
    }

    /// What is refused was no plan, or none for this place.
    pub(super) fn refuse(
        &mut self,
        state: &State,
        goal: &TaskId,
        run: &RunId,
        processes: &Processes,
    ) -> Result<()> {
        self.judge(goal, run)?;
        let process = processes.get(run).context("a run that never was")?;
        let owner = state.task(goal).context("a task that never was")?;
        let (tasks, levels_of) = process.proposes();
        let is_big = tasks > usize::try_from(state.limits.plan_max)? || levels_of > state.limits.depth;
        let told = match process.truth() {
            Truth::BadPlan | Truth::Nothing => process.purpose == Purpose::Plan,
            Truth::BadSplit => process.purpose == Purpose::Work,
            // The script's plans know nothing of the place: it may be too deep, too much, or leave out what must stay.
            Truth::Plan => {
                let first = owner.is_goal() && !self.is_again(owner);
                (!first || is_big) && process.purpose == Purpose::Plan
            }
            Truth::Split => {
                let room = usize::try_from(state.limits.tasks)? < state.subtree(&owner.root).len() + 12;
                room || is_big
                    || levels(state, owner) + 2 > state.limits.depth
                    || !owner.children.is_empty()
                    || owner.schedule.repeat.is_some()
                    || self.whole.contains(goal)
                    || state.ancestors(owner).any(is_open)
            }
            _ => false,
        };
        ensure!(told, "{run} did {:?}", process.truth());
        let times = self.refused.entry(goal.clone()).or_default();
        *times += 1;
        let most = state.limits.repairs + 1;
        ensure!(*times <= most || owner.is_goal(), "refused {times} times, of {most}");
        Ok(())
    }

    /// Before an entry that is about the plan of a task.
    pub(super) fn plans(&mut self, state: &State, kind: &Kind) {
        self.before = Before::default();
        let owner = match kind {
            Kind::PlanWanted { task } => {
                if let Some(found) =
                    state.task(task).filter(|found| conductor::planning::may_plan(state, found).is_ok())
                {
                    self.formers.insert(task.clone(), Former::below(state, task));
                    self.added.remove(task);
                    // A goal's planner is whoever it was.
                    if !found.is_goal() {
                        self.sessions.remove(task);
                    }
                    self.afresh(task);
                    self.refused.remove(task);
                    self.found.remove(task);
                    self.whole.remove(task);
                    self.stopped.remove(&found.id);
                    self.reopened(state, task);
                }
                return;
            }
            Kind::PlanRejected { task, .. }
            | Kind::TaskAccepted { task, .. }
            | Kind::GoalClosed { goal: task } => {
                let at_once = !matches!(kind, Kind::TaskAccepted { .. });
                // A later version may have left it out.
                let there: BTreeSet<&TaskId> = state.subtree(task).into_iter().map(|task| &task.id).collect();
                self.added.entry(task.clone()).or_default().retain(|id| there.contains(id));
                let said = match kind {
                    Kind::PlanRejected { version, .. } => Some(*version),
                    _ => None,
                };
                if let Some(found) = state.task(task).filter(|found| is_open(found) && may_go(found, at_once))
                    && let Some(planning) = &found.planning
                    && said.is_none_or(|version| version == planning.version)
                    && let Some(former) = &planning.former
                {
                    if former.session != found.session && !found.is_goal() {
                        self.sessions.remove(task);
                    }
                    self.dismiss(task);
                    if former.plan == Plan::Rejected {
                        self.whole.insert(task.clone());
                    }
                }
                task
            }
            Kind::PlanApproved { goal, version } | Kind::PlanAdopted { goal, version } => {
                let planning = state.task(goal).and_then(|task| task.planning.as_ref());
                if planning.is_some_and(|planning| planning.is_proposed() && planning.version == *version) {
                    self.formers.remove(goal);
                }
                goal
            }
            Kind::PlanProposed { goal, .. } => goal,
            _ => return,
        };
        let Some(task) = state.task(owner) else { return };
        // What is new in a plan goes with it, also where the person called a part of it done beforehand; what is to be tried
        // again is what it was before.
        let former = self.formers.get(owner);
        let new =
            |part: &Task| !former.is_some_and(|former| former.parts.iter().any(|(id, ..)| *id == part.id));
        let undone = |part: &Task| part.standing == Standing::Proposed || part.runs.is_empty() && new(part);
        let goes = |part: &Task| matches!(kind, Kind::PlanRejected { .. }) && undone(part);
        let below = state.subtree(owner).into_iter().skip(1);
        let begun = below.filter(|part| has_begun(part) && !goes(part));
        self.before.begun =
            begun.filter_map(|part| Some((part.id.clone(), state.tasks.get(&part.id)?.clone()))).collect();
        // Also what was removed from it is inside, and may come back.
        let inside =
            |other: &Task| other.id == *owner || state.ancestors(other).any(|above| above.id == *owner);
        let elsewhere = state.tasks.iter().filter(|(_, other)| other.root == task.root && !inside(other));
        self.before.elsewhere = elsewhere.map(|(id, task)| (id.clone(), task.clone())).collect();
    }

    /// There is something that comes back when its plan is rejected.
    pub(super) fn is_again(&self, task: &Task) -> bool {
        is_open(task) && self.formers.contains_key(&task.id)
    }

    /// A planner who has answered and was not judged has answered in vain.
    pub(super) fn dismiss(&mut self, task: &TaskId) {
        if self.open.get(task).is_some_and(|run| self.read.contains(run)) {
            self.open.remove(task);
            self.requeues.stop(task);
        }
    }

    /// Of what is edited while a plan waits for a yes, only what a part is to reach is no part of what comes back.
    fn edited(&mut self, state: &State, edit: &PlanEdit) {
        for (owner, former) in &mut self.formers {
            let planning = state.task(owner).and_then(|owner| owner.planning.as_ref());
            let waits = planning.and_then(|planning| planning.former.as_ref()?.tasks.as_ref()).is_some();
            if let PlanEdit::Add { planned: PlannedTask { task, .. }, .. }
            | PlanEdit::Clone { copy: task, .. } = edit
                && state.task(owner).is_some_and(Task::is_goal)
                && state.task(task).is_some_and(|task| state.ancestors(task).any(|above| above.id == *owner))
            {
                self.added.entry(owner.clone()).or_default().insert(task.clone());
            }
            if !waits {
                *former = Former::below(state, owner);
            } else if let Some(task) = subject(edit).filter(|_| holds(state, edit))
                && let Some(part) = former.parts.iter_mut().find(|(id, ..)| id == task)
            {
                if let PlanEdit::SetObjective { objective, .. } = edit {
                    part.2.clone_from(objective);
                }
                let is_same = |known: &PlanEdit| {
                    discriminant(known) == discriminant(edit) && subject(known) == Some(task)
                };
                former.edits.retain(|known| !is_same(known));
                former.edits.push(edit.clone());
            }
        }
    }

    /// After it: nothing elsewhere in the tree changed, and what was rejected left nothing behind.
    pub(super) fn planned(&mut self, state: &State, kind: &Kind) -> Result<()> {
        if let Kind::PlanProposed { .. }
        | Kind::PlanRejected { .. }
        | Kind::PlanApproved { .. }
        | Kind::PlanAdopted { .. } = kind
        {
            for (id, was) in &self.before.elsewhere {
                let is = state.task(id).context("a task that is gone")?;
                if let Kind::PlanRejected { .. } = kind {
                    check_released(state, id, &was.after)?;
                    let was = Task { after: is.after.clone(), ..was.as_ref().clone() };
                    ensure!(*is == was, "{id} changed, which is not in the plan");
                } else {
                    ensure!(is == was.as_ref(), "{id} changed, which is not in the plan");
                }
            }
            for (id, was) in &self.before.begun {
                let is = state.task(id).context("a task that is gone")?;
                // What a person took as done after the plan had made it another is done, and what it was before.
                let back = matches!(kind, Kind::PlanRejected { .. }) && is.runs.is_empty();
                let goes_on = goes_on_as(was, is) && (back || is_same(was, is));
                ensure!(goes_on, "{id} had begun, and is not as it was: {was:?}, {is:?}");
                // What comes back below a group opens it again.
                let stands = !back || !is.children.is_empty() || is.standing == was.standing;
                ensure!(stands, "{id} was taken as done: {:?}", is.standing);
                ensure!(!matches!(is.standing, Standing::Removed { .. }), "{id} had begun, and is gone");
            }
        }
        if let Kind::GoalClosed { goal } = kind {
            let open = state.task(goal).is_some_and(|goal| self.is_again(goal));
            ensure!(!open, "{goal} is closed, and what it was planned anew is not gone");
        }
        match kind {
            Kind::PlanProposed { goal, .. } => {
                let owner = state.task(goal).context("a task that never was")?;
                let all = state.subtree(&owner.root).len() - 1;
                ensure!(owner.is_goal() || all <= usize::try_from(state.limits.tasks)?, "{all} tasks");
                for task in state.subtree(goal).into_iter().skip(1) {
                    let level = levels(state, task);
                    // What has begun stays where it is, also where less is allowed since.
                    let begun = |task: &&Task| !task.runs.is_empty() || has_begun(task);
                    let stays = state.subtree(&task.id).iter().any(begun);
                    ensure!(stays || level <= state.limits.depth, "{} is {level} levels deep", task.id);
                }
            }
            Kind::PlanRejected { task, .. } | Kind::GoalClosed { goal: task }
                if !state.task(task).is_some_and(is_open) =>
            {
                self.came_back(state, task)?;
            }
            Kind::TaskAccepted { task, .. } if !state.task(task).is_some_and(is_open) => {
                self.formers.remove(task);
            }
            Kind::PlanEdited { edit, .. } => self.edited(state, edit),
            _ => {}
        }
        Ok(())
    }
    /// What is below it is what was there before it was planned, and what the person put there since.
    fn came_back(&mut self, state: &State, owner: &TaskId) -> Result<()> {
        let added = self.added.remove(owner).unwrap_or_default();
        let Some(Former { parts: former, edits }) = self.formers.remove(owner) else { return Ok(()) };
        let is_added = |(id, ..): &Part| {
            let line = state.task(id).into_iter().flat_map(|task| state.ancestors(task));
            added.contains(id) || line.into_iter().any(|above| added.contains(&above.id))
        };
        let task = state.task(owner).context("a task that never was")?;
        let planner = state.current(task).filter(|run| run.purpose == Purpose::Plan);
        ensure!(planner.is_none() || task.stop.is_some(), "{owner} has a planner at work for nothing");
        let mut now = below(state, owner);
        now.retain(|part| !is_added(part) || former.iter().any(|(id, ..)| *id == part.0));
        let mut was = former.clone();
        for ((id, .., after), (.., left)) in was.iter_mut().zip(&now) {
            check_released(state, id, after)?;
            after.clone_from(left);
        }
        ensure!(was == now, "{now:?} below {owner}, and before it was {former:?}");
        let undone: Vec<&PlanEdit> = edits.iter().filter(|edit| !holds(state, edit)).collect();
        ensure!(undone.is_empty(), "a no to the plan of {owner} undid {undone:?}");
        let lost = added.iter().filter(|id| {
            let parent = state.task(id).and_then(|task| state.task(task.parent.as_ref()?));
            let there = parent.is_some_and(|parent| !matches!(parent.standing, Standing::Removed { .. }));
            there && !parent.is_some_and(|parent| parent.children.contains(id))
        });
        let lost: Vec<&TaskId> = lost.filter(|id| !former.iter().any(|(known, ..)| known == *id)).collect();
        ensure!(lost.is_empty(), "the person added {lost:?} below {owner}, and a no took it away");
        Ok(())
    }
}

/// The task whose name, aim or caps the edit says.
fn subject(edit: &PlanEdit) -> Option<&TaskId> {
    match edit {
        PlanEdit::Rename { task, .. }
        | PlanEdit::SetObjective { task, .. }
        | PlanEdit::SetCaps { task, .. } => Some(task),
        _ => None,
    }
}

/// The task is as the edit says.
fn holds(state: &State, edit: &PlanEdit) -> bool {
    let holds = |task: &Task| match edit {
        PlanEdit::Rename { title, .. } => task.title == *title,
        PlanEdit::SetObjective { objective, .. } => task.objective == *objective,
        PlanEdit::SetCaps { caps, .. } => task.caps == *caps,
        _ => false,
    };
    subject(edit).and_then(|id| state.task(id)).is_some_and(holds)
}

/// Whether a no ends the plan of the task now.
fn may_go(task: &Task, at_once: bool) -> bool {
    task.current.is_none() || (at_once && task.is_goal())
}
