//! What a person does to the library of prompts, to the agents of their own, and to their lists.

use conductor::State;
use conductor::library::Shelf;
use conductor::plan::given::advised;
use leptos::prelude::Set;
use shared::agent::HarnessId;
use shared::entry::Kind;
use shared::id::{ListId, PersonaId, TaskId, TemplateId};
use shared::list::{Fillings, TaskList};
use shared::persona::Persona;
use shared::template::Template;

use super::{Desk, Planner};

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

    /// Saves it, or says why it cannot be used.
    pub fn save_list(self, list: TaskList) -> bool {
        let problem = self.peek(|state| conductor::list::problem(state, &list));
        self.save(problem, Kind::ListSaved { list })
    }

    pub fn retire_list(self, list: ListId) {
        self.intend(None, vec![Kind::ListRetired { list }]);
    }

    /// A list with its blanks filled, where and with what it is carried out; or says why that cannot be.
    pub fn fill_list(
        self,
        list: &TaskList,
        words: &Fillings,
        folder: Option<String>,
        harness: Option<HarnessId>,
    ) -> Option<(TaskList, String, HarnessId)> {
        let works =
            |state: &State| state.agents.iter().find(|agent| agent.problem.is_none()).map(|it| it.harness);
        let usual = |state: &State| advised(state, &list.terms).or_else(|| works(state));
        let filled = match (list.filled(words), folder, harness.or_else(|| self.peek(usual))) {
            (Err(unfilled), ..) => Err(unfilled.to_string()),
            (_, None, _) => Err("choose a folder first".to_owned()),
            (.., None) => Err("no agent is there yet; is the bridge connected?".to_owned()),
            (Ok(list), Some(folder), Some(harness)) => Ok((list, folder, harness)),
        };
        filled.map_err(|why| self.say(format!("Not started: {why}."), false)).ok()
    }

    /// Carries out what [`Desk::fill_list`] gave, in this folder, as a goal; or says why that cannot be.
    pub fn run_list(self, list: TaskList, folder: &str, harness: HarnessId) -> Option<TaskId> {
        let (words, terms) = (list.words().to_owned(), list.terms.clone());
        let stated = self.state_goal(folder, words, harness, terms, Planner::List(Box::new(list)));
        stated.map_err(|why| self.say(format!("Not started: {why}."), false)).ok()
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
