//! What a person says to all tasks of a project, and how that and edits of a plan are taken back.

use conductor::plan::edit::inverse;
use leptos::prelude::*;
use shared::entry::Kind;
use shared::id::{ProjectId, TaskId};
use shared::plan::PlanEdit;

use super::{Desk, UNDO};

/// What takes back what a person did.
#[derive(Debug, Clone)]
pub(super) enum Back {
    /// An edit of the goal's plan, and what makes it once more.
    Edit {
        goal: TaskId,
        back: Box<PlanEdit>,
        again: Option<Box<PlanEdit>>,
    },
    Memory(ProjectId, String),
}

impl Desk {
    /// Lets the project's memory be this text, where it is another.
    pub fn remember(self, project: ProjectId, text: String) {
        let former = self.peek(|state| state.projects.get(&project).map(|known| known.memory.clone()));
        let Some(former) = former.filter(|former| *former != text) else { return };
        self.say("Saved the project's memory.".to_owned(), true);
        self.can_undo(Back::Memory(project.clone(), former));
        self.intend(Some(project), vec![Kind::MemorySet { text }]);
    }

    pub(super) fn can_undo(self, back: Back) {
        self.inner.update_value(|inner| {
            inner.undo.push(back);
            let over = inner.undo.len().saturating_sub(UNDO);
            inner.undo.drain(..over);
        });
    }

    /// Takes the last edit back, unless somebody has changed the same again or it can no longer be: then says so.
    pub fn undo(self) {
        match self.inner.try_update_value(|inner| inner.undo.pop()).flatten() {
            Some(Back::Edit { goal, back, again }) => {
                if self.is_other(&back, again.as_deref()) {
                    let why = "Not taken back: it was changed again since, in another place.";
                    return self.say(why.to_owned(), false);
                }
                if let Err(problem) = self.check(&goal, &back) {
                    return self.say(format!("It cannot be taken back: {problem}."), false);
                }
                let undone = again.map(|again| Back::Edit {
                    goal: goal.clone(),
                    back: again,
                    again: Some(back.clone()),
                });
                self.inner.update_value(|inner| inner.redo.extend(undone));
                self.make(&goal, *back);
            }
            Some(Back::Memory(project, text)) => {
                self.intend(Some(project), vec![Kind::MemorySet { text }]);
            }
            None => return self.say("Nothing to undo.".to_owned(), false),
        }
        self.toast.set(None);
    }

    /// Makes the edit once more that was taken back last.
    pub fn redo(self) {
        let undone = self.inner.try_update_value(|inner| inner.redo.pop()).flatten();
        let Some(Back::Edit { goal, back, again: Some(again) }) = undone else {
            return self.say("Nothing to make again.".to_owned(), false);
        };
        if self.is_other(&back, Some(&again)) || self.check(&goal, &back).is_err() {
            return self.say("It cannot be made again: the plan is another since.".to_owned(), false);
        }
        self.can_undo(Back::Edit { goal: goal.clone(), back: again, again: Some(back.clone()) });
        self.make(&goal, *back);
    }

    /// Whether what `back` would change is no longer as it was left, and so another's work.
    fn is_other(self, back: &PlanEdit, left: Option<&PlanEdit>) -> bool {
        let now = self.foresee(|state| inverse(state, back));
        let place = |edit: &PlanEdit| matches!(edit, PlanEdit::Move { .. });
        let (Some(now), Some(left)) = (&now, left) else { return false };
        !place(now) && std::mem::discriminant(now) == std::mem::discriminant(left) && now != left
    }
}
