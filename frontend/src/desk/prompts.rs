//! What a person does to the library of prompts.

use conductor::library::Shelf;
use leptos::prelude::Set;
use shared::entry::Kind;
use shared::id::TemplateId;
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
        match template.problem() {
            Some(problem) => {
                self.say(format!("Not saved: {problem}."), false);
                false
            }
            None => {
                self.intend(None, vec![Kind::TemplateSaved { template }]);
                self.toast.set(None);
                true
            }
        }
    }

    pub fn retire_template(self, template: TemplateId) {
        self.intend(None, vec![Kind::TemplateRetired { template }]);
    }
}
