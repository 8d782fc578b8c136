//! The part of the fold for edits of one task's own. What an open plan would bring back when it is rejected is changed
//! with it, so that no edit is undone by a no.

use std::sync::Arc;

use shared::id::TaskId;
use shared::plan::PlanEdit;
use shared::unit::Millis;

use super::planned::sized;
use crate::state::{State, Task};

/// When the person last changed what may make it wait; zero where nobody did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Changed {
    pub mode: Millis,
    /// When it may begin.
    pub start: Millis,
    /// One of its caps to less.
    pub caps: Millis,
    /// What it comes after to more.
    pub after: Millis,
}

impl State {
    /// Changes the task that the edit is about, where that is an edit of one task's own.
    pub(super) fn alter(&mut self, edit: &PlanEdit, at: Millis) {
        let Some(id) = altered(edit) else { return };
        self.with(id, |task| task.alter(edit, at));
        let above = self.task(id).and_then(|task| self.planner_above(task)).map(|above| above.id.clone());
        above.iter().for_each(|above| {
            self.with_planning(above, |planning| {
                let former = planning.former.iter_mut().filter_map(|former| former.tasks.as_mut()).flatten();
                former.filter(|task| task.id == *id).for_each(|task| Arc::make_mut(task).alter(edit, at));
            });
        });
    }
}

/// The task that an edit changes in itself, and not in its place among others.
fn altered(edit: &PlanEdit) -> Option<&TaskId> {
    match edit {
        PlanEdit::Rename { task, .. }
        | PlanEdit::SetObjective { task, .. }
        | PlanEdit::SetMode { task, .. }
        | PlanEdit::SetSize { task, .. }
        | PlanEdit::SetInputs { task, .. }
        | PlanEdit::SetOutputs { task, .. }
        | PlanEdit::SetHarness { task, .. }
        | PlanEdit::SetModel { task, .. }
        | PlanEdit::SetTemplate { task, .. }
        | PlanEdit::SetPersona { task, .. }
        | PlanEdit::SetReviewer { task, .. }
        | PlanEdit::SetSchedule { task, .. }
        | PlanEdit::SetRetry { task, .. }
        | PlanEdit::SetEvidence { task, .. }
        | PlanEdit::SetPreset { task, .. }
        | PlanEdit::SetCharter { task, .. }
        | PlanEdit::SetCaps { task, .. } => Some(task),
        PlanEdit::Add { .. }
        | PlanEdit::Clone { .. }
        | PlanEdit::Remove { .. }
        | PlanEdit::Restore { .. }
        | PlanEdit::Move { .. }
        | PlanEdit::AddDependency { .. }
        | PlanEdit::DropDependency { .. } => None,
    }
}

impl Task {
    fn alter(&mut self, edit: &PlanEdit, at: Millis) {
        match edit {
            PlanEdit::Rename { title, .. } => self.title.clone_from(title),
            PlanEdit::SetObjective { objective, .. } => self.objective.clone_from(objective),
            PlanEdit::SetMode { mode, .. } => {
                if self.is_by_hand() {
                    self.take_from_hand(at);
                }
                self.mode = *mode;
                self.changed.mode = at;
            }
            PlanEdit::SetSize { size, .. } => (self.size, self.sized) = sized(*size),
            PlanEdit::SetInputs { inputs, .. } => self.inputs.clone_from(inputs),
            PlanEdit::SetOutputs { outputs, .. } => self.outputs.clone_from(outputs),
            PlanEdit::SetHarness { harness, .. } => (self.harness, self.alternate) = (*harness, None),
            PlanEdit::SetModel { model, effort, .. } => {
                (self.model, self.effort) = (model.clone(), *effort);
            }
            PlanEdit::SetTemplate { template, .. } => self.template.clone_from(template),
            PlanEdit::SetPersona { persona, .. } => self.persona.clone_from(persona),
            PlanEdit::SetReviewer { reviewer, .. } => self.reviewer.clone_from(reviewer),
            PlanEdit::SetSchedule { schedule, .. } => {
                if self.schedule.start != schedule.start {
                    self.changed.start = at;
                }
                self.schedule = *schedule;
                if self.is_by_hand() {
                    self.take_from_hand(at);
                }
            }
            PlanEdit::SetRetry { retry, .. } => self.retry = *retry,
            PlanEdit::SetEvidence { evidence, .. } => self.evidence.clone_from(evidence),
            PlanEdit::SetPreset { preset, .. } => {
                self.goal.iter_mut().for_each(|goal| goal.preset = *preset);
            }
            PlanEdit::SetCharter { charter, .. } => {
                self.goal.iter_mut().for_each(|goal| goal.charter.clone_from(charter));
            }
            PlanEdit::SetCaps { caps, .. } => {
                if caps.is_less(self.caps) {
                    self.changed.caps = at;
                }
                self.caps = *caps;
                self.resumptions = 0;
                self.helped.clear();
            }
            _ => {}
        }
    }
}
