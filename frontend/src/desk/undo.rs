//! How a person's edits of plans and memories are taken back and made again. What somebody else has changed since is never
//! lost by it.

use conductor::State;
use conductor::plan::edit::inverse;
use conductor::state::Task;
use leptos::prelude::*;
use shared::entry::Kind;
use shared::id::{ProjectId, TaskId};
use shared::plan::{Mode, PlanEdit};

use super::{Desk, UNDO};

/// What takes back what a person did, or makes it again.
#[derive(Debug, Clone)]
pub(super) enum Back {
    /// Edits of the goal's plan that were made as one, each with how it left what it changed.
    Edits(TaskId, Vec<(PlanEdit, Left)>),
    /// The project's memory: as it was before, and as it was left.
    Memory(ProjectId, String, String),
}

/// How that which an edit would change stood when it was kept. It is another's work where it stands otherwise now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Left {
    /// As this edit would set it.
    Set(Option<Box<PlanEdit>>),
    /// Within this task. Its place there moves with whatever comes and goes beside it.
    Within(Option<TaskId>),
    /// The tasks that it would remove.
    Tasks(Vec<Traits>),
}

/// What a person, or a planner, says of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Traits {
    task: TaskId,
    title: String,
    objective: String,
    mode: Mode,
    after: Vec<TaskId>,
    lists: [Vec<String>; 2],
}

impl Traits {
    fn of(task: &Task) -> Self {
        Self {
            task: task.id.clone(),
            title: task.title.clone(),
            objective: task.objective.clone(),
            mode: task.mode,
            after: task.after.clone(),
            lists: [task.inputs.clone(), task.outputs.clone()],
        }
    }
}

impl Left {
    fn of(state: &State, edit: &PlanEdit) -> Self {
        match edit {
            PlanEdit::Move { task, .. } => {
                Self::Within(state.task(task).and_then(|task| task.parent.clone()))
            }
            PlanEdit::Remove { task } => {
                Self::Tasks(state.subtree(task).into_iter().map(Traits::of).collect())
            }
            edit => Self::Set(inverse(state, edit).map(Box::new)),
        }
    }
}

impl Desk {
    /// Keeps what takes back an edit that was just made.
    pub(super) fn can_undo(self, goal: &TaskId, back: Vec<PlanEdit>) {
        self.inner.update_value(|inner| inner.redo.clear());
        self.keep(|inner| &mut inner.undo, self.kept(goal, back));
    }

    /// The same of a project's memory.
    pub(super) fn can_undo_memory(self, project: ProjectId, before: String, left: String) {
        self.inner.update_value(|inner| inner.redo.clear());
        self.keep(|inner| &mut inner.undo, Back::Memory(project, before, left));
    }

    fn kept(self, goal: &TaskId, edits: Vec<PlanEdit>) -> Back {
        let kept = self.foresee(|state| {
            edits.into_iter().map(|edit| (edit.clone(), Left::of(state, &edit))).collect::<Vec<_>>()
        });
        Back::Edits(goal.clone(), kept)
    }

    fn keep(self, stack: fn(&mut super::Inner) -> &mut Vec<Back>, back: Back) {
        self.inner.update_value(|inner| {
            let stack = stack(inner);
            stack.push(back);
            let over = stack.len().saturating_sub(UNDO);
            stack.drain(..over);
        });
    }

    /// Takes the last edit back, unless somebody has changed the same again or it can no longer be: then says so.
    pub fn undo(self) {
        let last = self.inner.try_update_value(|inner| inner.undo.pop()).flatten();
        let Some(back) = last else { return self.say("Nothing to undo.".to_owned(), false) };
        match self.carry(back) {
            Ok(again) => {
                self.keep(|inner| &mut inner.redo, again);
                self.toast.set(None);
            }
            Err(why) => self.say(format!("Not taken back: {why}."), false),
        }
    }

    /// Makes the edit once more that was taken back last.
    pub fn redo(self) {
        let last = self.inner.try_update_value(|inner| inner.redo.pop()).flatten();
        let Some(back) = last else { return self.say("Nothing to make again.".to_owned(), false) };
        match self.carry(back) {
            Ok(again) => {
                self.keep(|inner| &mut inner.undo, again);
                self.toast.set(None);
            }
            Err(why) => self.say(format!("Not made again: {why}."), false),
        }
    }

    /// Does it, and gives what takes that back.
    fn carry(self, back: Back) -> Result<Back, String> {
        const OTHER: &str = "it was changed again since, in another place";
        match back {
            Back::Edits(goal, edits) => {
                if self.foresee(|state| edits.iter().any(|(edit, left)| Left::of(state, edit) != *left)) {
                    return Err(OTHER.to_owned());
                }
                let edits: Vec<PlanEdit> = edits.into_iter().map(|(edit, _)| edit).collect();
                edits
                    .iter()
                    .try_for_each(|edit| self.check(&goal, edit))
                    .map_err(|problem| problem.to_string())?;
                let again: Vec<PlanEdit> = self
                    .foresee(|state| edits.iter().rev().filter_map(|edit| inverse(state, edit)).collect());
                self.make(&goal, edits);
                Ok(self.kept(&goal, again))
            }
            Back::Memory(project, text, left) => {
                let now = self.peek(|state| state.projects.get(&project).map(|known| known.memory.clone()));
                // Also as it was before: then the other change is still on its way.
                if now.is_none_or(|now| now != left && now != text) {
                    return Err(OTHER.to_owned());
                }
                self.intend(Some(project.clone()), vec![Kind::MemorySet { text: text.clone() }]);
                Ok(Back::Memory(project, left, text))
            }
        }
    }
}
