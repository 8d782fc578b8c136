//! What a person does to the library of prompts, and to the agents of their own.

use conductor::library::Shelf;
use leptos::prelude::Set;
use shared::entry::Kind;
use shared::id::{PersonaId, TemplateId};
use shared::persona::Persona;
use shared::template::Template;

use super::Desk;

impl Desk {
    /// The templates that are offered, by name; tracked.
    pub fn templates(self) -> Vec<Shelf> {
        let mut shelves = self.read(|state| {
            state.templates.values().filter(|shelf| !shelf.retired).cloned().collect::<Vec<_>>()
        });
        shelves.sort_by(|one, other| one.template.name.cmp(&other.template.name));
        shelves
    }

    /// Saves it, or says why it cannot be used.
    pub fn save_template(self, template: Template) -> bool {
        let problem = template.problem();
        self.save(problem, Kind::TemplateSaved { template })
    }

    pub fn retire_template(self, template: TemplateId) {
        self.intend(None, vec![Kind::TemplateRetired { template }]);
    }

    /// The agents of the person's own that are offered, by name; tracked.
    pub fn personas(self) -> Vec<Persona> {
        self.read(|state| conductor::persona::offered(state).into_iter().cloned().collect())
    }

    /// Saves it, or says why it cannot be used.
    pub fn save_persona(self, persona: Persona) -> bool {
        let problem = self.peek(|state| conductor::persona::problem(state, &persona));
        self.save(problem, Kind::PersonaSaved { persona })
    }

    pub fn retire_persona(self, persona: PersonaId) {
        self.intend(None, vec![Kind::PersonaRetired { persona }]);
    }

    fn save(self, problem: Option<String>, kind: Kind) -> bool {
        match &problem {
            Some(problem) => self.say(format!("Not saved: {problem}."), false),
            None => {
                self.intend(None, vec![kind]);
                self.toast.set(None);
            }
        }
        problem.is_none()
    }
}
