//! The part of the fold that keeps the library of prompts, the person's agents and their lists.

use shared::id::PersonaId;
use shared::list::TaskList;
use shared::persona::Persona;
use shared::template::Template;

use crate::library::Shelf;
use crate::list;
use crate::persona::Known;
use crate::state::{Run, State};

impl State {
    /// Takes a template as its next version, where it can be used and is not what it was.
    pub(super) fn shelve(&mut self, template: &Template) {
        let former = self.templates.get(&template.template);
        let same = former.is_some_and(|shelf| shelf.template == *template && !shelf.retired);
        if same || template.problem().is_some() {
            return;
        }
        let version = former.map_or(0, |shelf| shelf.version) + 1;
        let shelf = Shelf { template: template.clone(), version, retired: false };
        self.templates.insert(template.template.clone(), shelf);
    }

    /// Takes an agent as it is now, where it can be used.
    pub(super) fn cast(&mut self, persona: &Persona) {
        if persona.problem().is_none() {
            let known = Known { persona: persona.clone(), retired: false };
            self.personas.insert(persona.persona.clone(), known);
        }
    }

    /// Takes a list as it is now, where it is one.
    pub(super) fn keep_list(&mut self, list: &TaskList) {
        if list.problem().is_none() {
            self.lists.insert(list.list.clone(), list::Known { list: list.clone(), retired: false });
        }
    }

    /// Who began the session that a turn may go on with; nothing for a look at the work.
    pub(super) fn speaks_as(&self, run: &Run) -> Option<PersonaId> {
        let task = self.task(&run.task).filter(|_| run.purpose.is_conversation())?;
        let mut runs = task.runs.iter().rev().filter_map(|run| self.run(run));
        runs.find(|run| run.purpose.is_conversation())?.persona.clone()
    }
}
