//! What a person says to all tasks of a project, and how that and edits of a plan are taken back.

use leptos::prelude::*;
use shared::entry::Kind;
use shared::id::{ProjectId, TaskId};
use shared::plan::PlanEdit;

use super::{Desk, UNDO};

/// What takes back what a person did.
#[derive(Debug, Clone)]
pub(super) enum Back {
    Edit(TaskId, Box<PlanEdit>),
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

    /// Takes the last edit back.
    pub fn undo(self) {
        match self.inner.try_update_value(|inner| inner.undo.pop()).flatten() {
            Some(Back::Edit(goal, edit)) => self.make(&goal, *edit),
            Some(Back::Memory(project, text)) => {
                self.intend(Some(project), vec![Kind::MemorySet { text }]);
            }
            None => return self.say("Nothing to undo.".to_owned(), false),
        }
        self.toast.set(None);
    }
}
