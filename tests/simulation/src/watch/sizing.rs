//! Sizes: one that was chosen is never touched, and a model is asked for one at most once, before the work begins.

use anyhow::{Context, Result, ensure};
use conductor::State;
use conductor::state::Task;
use shared::entry::Purpose;
use shared::id::{RunId, TaskId};
use shared::plan::{PlanEdit, PlannedTask, Size};

use super::{Processes, Watch};
use crate::agent::{JUDGED, Truth};

impl Watch {
    /// What a plan or a person says of sizes; a plan that says none leaves what is known.
    pub(super) fn choose(&mut self, tasks: &[PlannedTask]) {
        for planned in tasks {
            let known = self.sizes.get(&planned.task).copied().flatten();
            self.sizes.insert(planned.task.clone(), planned.size.or(known));
        }
    }

    /// After an edit was folded in; one that could not be made changed nothing.
    pub(super) fn rechoose(&mut self, state: &State, edit: &PlanEdit) {
        match edit {
            PlanEdit::SetSize { task, size }
                if state.task(task).is_some_and(|task| task.chosen_size() == *size) =>
            {
                self.sizes.insert(task.clone(), *size);
            }
            PlanEdit::Add { planned, .. } if !self.sizes.contains_key(&planned.task) => {
                self.choose(std::slice::from_ref(planned));
            }
            // What was chosen for the original holds for the copy.
            PlanEdit::Clone { task, copy } => {
                for (original, copy) in state.subtree(task).into_iter().zip(state.subtree(copy)) {
                    let chosen = self.sizes.get(&original.id).copied().flatten();
                    self.sizes.entry(copy.id.clone()).or_insert(chosen);
                }
            }
            _ => {}
        }
    }

    /// After the parts that were proposed for a task went; that the others are as they were is looked at elsewhere.
    pub(super) fn unchoose(&mut self, state: &State, task: &TaskId) {
        for below in state.subtree(task).into_iter().skip(1) {
            self.sizes.insert(below.id.clone(), below.chosen_size());
        }
    }

    pub(super) fn check_asked(&mut self, state: &State, task: &Task, purpose: Purpose) -> Result<()> {
        if purpose == Purpose::Classify {
            ensure!(self.sizes.get(&task.id) == Some(&None), "asks for a size that was chosen");
            ensure!(self.asked.insert(task.id.clone()), "asks for the same size twice");
            // A planner may have been at it, or who sums up, and its parts may be elsewhere by now.
            let mut runs = task.runs.iter().filter_map(|run| state.run(run));
            let worked = runs.any(|run| matches!(run.purpose, Purpose::Work | Purpose::Repair));
            let begun = worked && self.sessions.contains_key(&task.id) && task.planning.is_none();
            ensure!(!begun, "asks for the size of what has begun");
        }
        Ok(())
    }

    pub(super) fn sized(
        &mut self,
        state: &State,
        id: &TaskId,
        run: Option<&RunId>,
        size: Size,
        processes: &Processes,
    ) -> Result<()> {
        let task = state.task(id).context("a task that never was")?;
        ensure!(self.sizes.get(id) == Some(&None), "{id} is given another size than the one that was chosen");
        let Some(run) = run else { return Ok(()) };
        self.judge(id, run)?;
        ensure!(task.stop.is_none(), "it was stopped, and is not called so");
        let said = processes.get(run).context("a run that never was")?.truth() == Truth::Holds;
        let expected = if said { JUDGED } else { Size::Standard };
        ensure!(size == expected, "{run} said {said}, and it is {size:?}");
        Ok(())
    }

    /// Whatever is found out, a choice holds.
    pub(super) fn check_sizes(&self, state: &State, id: &TaskId) -> Result<()> {
        if let (Some(Some(chosen)), Some(task)) = (self.sizes.get(id), state.task(id)) {
            ensure!(task.size == *chosen, "{id} was to be {chosen:?} and is {:?}", task.size);
        }
        Ok(())
    }
}
