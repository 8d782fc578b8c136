//! What a person says to all tasks of a project.

use shared::entry::Kind;
use shared::id::ProjectId;

use super::Desk;

impl Desk {
    /// Lets the project's memory be this text, where it is another.
    pub fn remember(self, project: ProjectId, text: String) {
        let former = self.peek(|state| state.projects.get(&project).map(|known| known.memory.clone()));
        let Some(former) = former.filter(|former| *former != text) else { return };
        self.say("Saved the project's memory.".to_owned(), true);
        self.can_undo_memory(project.clone(), former, text.clone());
        self.intend(Some(project), vec![Kind::MemorySet { text }]);
    }
}
