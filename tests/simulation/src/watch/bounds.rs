//! Who begins: not more at once than may be, nobody before its time, nobody before who goes first, and by the model that the
//! person chose.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use conductor::State;
use conductor::state::{Run, Task};
use conductor::status::{Reason, status};
use shared::agent::HarnessId;
use shared::entry::{Kind, Purpose};
use shared::id::TaskId;
use shared::plan::{PlanEdit, PlannedTask};

use super::Watch;

impl Watch {
    /// A run that is ordered has room, and its turn has come.
    pub(super) fn check_place(&self, state: &State, task: &Task, kind: &Kind) -> Result<()> {
        let Kind::RunRequested { harness, purpose, .. } = kind else { return Ok(()) };
        // Who sits at a terminal takes no agent's place, and begins when they wish.
        if *purpose == Purpose::Terminal {
            return Ok(());
        }
        ensure!(self.has_room(state, task, *harness)?, "too many of {harness} or in one folder");
        for holder in std::iter::once(task).chain(state.ancestors(task)).filter(|_| task.runs.is_empty()) {
            let start = holder.schedule.start;
            ensure!(start.is_none_or(|at| at <= self.latest), "begins before {start:?}, by {}", holder.id);
        }
        check_model(state, task, kind)?;
        self.check_priority(state, task)
    }

    /// The bounds on one kind of agent and on one folder let one more begin.
    fn has_room(&self, state: &State, task: &Task, harness: HarnessId) -> Result<bool> {
        let takes = |run: &&Arc<Run>| !self.ended.contains(&run.id) && run.purpose != Purpose::Terminal;
        let active = || state.runs.values().filter(takes);
        let of_kind = active().filter(|run| run.harness == harness).count();
        let here = |id: &TaskId| state.task(id).is_some_and(|other| other.project == task.project);
        let in_folder = active().filter(|run| here(&run.task)).count();
        let room = |bound: Option<u32>, taken: usize| -> Result<bool> {
            Ok(bound.map(usize::try_from).transpose()?.is_none_or(|bound| taken < bound))
        };
        Ok(room(state.limits.each.of(harness), of_kind)? && room(state.limits.per_folder, in_folder)?)
    }

    /// Nobody of a higher priority waits for nothing but a place.
    fn check_priority(&self, state: &State, task: &Task) -> Result<()> {
        let plain = state.tasks.values().all(|task| task.schedule.priority == 0);
        // Whoever decided did not know of the place that is free since.
        if plain || self.seen < self.freed {
            return Ok(());
        }
        let own = priority(state, task);
        let first =
            |other: &&Task| priority(state, other) > own && other.current.is_none() && !other.is_by_hand();
        for other in state.tasks.values().map(AsRef::as_ref).filter(first) {
            let waits = status(state, other).reason == Reason::Slot;
            // What it needs next may be an agent or a look by the bridge.
            let room = HarnessId::ALL
                .into_iter()
                .try_fold(true, |room, harness| anyhow::Ok(room && self.has_room(state, other, harness)?))?;
            ensure!(!(waits && room), "begins before {}, which goes first", other.id);
        }
        Ok(())
    }

    /// A plan has no more tasks than may be.
    pub(super) fn check_width(&self, state: &State, owner: &TaskId, tasks: &[PlannedTask]) -> Result<()> {
        let again = state.task(owner).is_some_and(|owner| owner.is_goal() && self.is_again(owner));
        // What is there already counts as well where a whole goal is planned again.
        let there = if again { state.subtree(owner).len() - 1 } else { 0 };
        let most = usize::try_from(state.limits.plan_max)? + there;
        ensure!(tasks.len() <= most, "{} tasks, of {most} at most", tasks.len());
        Ok(())
    }

    /// Before an edit: what the task is a part of that it puts somewhere.
    pub(super) fn note_place(&mut self, state: &State, edit: &PlanEdit) {
        let parent = |task: &TaskId| state.task(task).and_then(|task| task.parent.clone());
        self.place = put(edit).and_then(parent);
    }

    /// After it: nothing came to stand deeper than may be.
    pub(super) fn check_depth(&self, state: &State, edit: &PlanEdit) -> Result<()> {
        let Some(task) = put(edit).and_then(|task| state.task(task)) else { return Ok(()) };
        let level = state.ancestors(task).count();
        let may = level <= usize::try_from(state.limits.depth)?;
        ensure!(may || task.parent == self.place, "{} is {level} levels deep", task.id);
        Ok(())
    }
}

/// Whom an edit puts somewhere.
fn put(edit: &PlanEdit) -> Option<&TaskId> {
    match edit {
        PlanEdit::Add { planned: PlannedTask { task, .. }, .. } | PlanEdit::Move { task, .. } => Some(task),
        _ => None,
    }
}

/// Its own and those of the tasks above it, together.
fn priority(state: &State, task: &Task) -> i32 {
    std::iter::once(task).chain(state.ancestors(task)).map(|holder| holder.schedule.priority).sum()
}

/// Whoever works by a model of the person's choice works by that one.
fn check_model(state: &State, task: &Task, kind: &Kind) -> Result<()> {
    let Kind::RunRequested { harness, model, purpose, .. } = kind else { return Ok(()) };
    let chosen =
        task.model.as_ref().filter(|_| task.alternate.is_none() && *harness == state.harness_of(task));
    let own = !matches!(
        purpose,
        Purpose::Review
            | Purpose::Diagnose
            | Purpose::Classify
            | Purpose::Base
            | Purpose::Check
            | Purpose::Commit
            | Purpose::After
    );
    let Some(chosen) = chosen.filter(|_| own && *harness != HarnessId::Command) else { return Ok(()) };
    let used = model.as_ref().context("no model, and the person chose one")?;
    ensure!(used == chosen, "the person chose {chosen}, and it is {used}");
    Ok(())
}
