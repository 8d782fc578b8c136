//! The part of the fold that keeps the library of prompts.

use shared::template::Template;

use crate::library::Shelf;
use crate::state::State;

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
}
