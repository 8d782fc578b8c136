//! What a person does with agents of their own. Its chances are its own, so that a world without them is as it was.

use conductor::State;
use shared::agent::HarnessId;
use shared::entry::Kind;
use shared::id::{PersonaId, TaskId};
use shared::persona::{Character, Persona};
use shared::plan::PlanEdit;

use crate::chance::Chance;
use crate::watch::LIKE;

const NAMES: [&str; 3] = ["Ann", "Bob", "Cem"];

#[derive(Debug)]
pub struct Cast {
    chance: Chance,
    saved: u32,
}

impl Cast {
    /// In one of four worlds.
    pub fn of(seed: u64) -> Option<Self> {
        let mut chance = Chance::new(seed ^ 0x00ca_5700);
        chance.one_in(4).then_some(Self { chance, saved: 0 })
    }

    /// What it begins with: all of them, and one for the goal.
    pub fn begins(&mut self, goal: &TaskId) -> Vec<Kind> {
        let saved = NAMES.map(|name| self.save(name)).to_vec();
        saved.into_iter().chain([self.give(goal, goal)]).collect()
    }

    /// Something that comes to mind about who does what, now and then.
    pub fn whim(&mut self, seen: &State) -> Option<Kind> {
        if !self.chance.one_in(4) {
            return None;
        }
        let goal = self.chance.pick(&seen.goals)?.clone();
        let tasks = seen.subtree(&goal);
        let task = self.chance.pick(&tasks)?.id.clone();
        let name = self.chance.pick(&NAMES)?;
        Some(match self.chance.below(6) {
            0 | 1 => self.save(name),
            2 => Kind::PersonaRetired { persona: id(name) },
            _ => self.give(&goal, &task),
        })
    }

    fn give(&mut self, goal: &TaskId, task: &TaskId) -> Kind {
        let name = self.chance.pick(&NAMES).copied().filter(|_| !self.chance.one_in(5));
        let edit = PlanEdit::SetPersona { task: task.clone(), persona: name.map(id) };
        Kind::PlanEdited { goal: goal.clone(), edit }
    }

    fn save(&mut self, name: &str) -> Kind {
        self.saved += 1;
        let words = Character::Words { text: format!("{LIKE}{name} by save {}.", self.saved) };
        let file = Character::File { path: "Soul.md".to_owned() };
        let far = name == "Bob";
        Kind::PersonaSaved {
            persona: Persona {
                persona: id(name),
                name: name.to_owned(),
                role: "does it".to_owned(),
                character: if self.chance.one_in(4) { file } else { words },
                harness: far.then_some(HarnessId::Codex),
                model: self.chance.one_in(3).then(|| "opus".to_owned()),
                folder: (far && self.chance.one_in(2)).then(|| format!("/p/{}", self.saved)),
            },
        }
    }
}

fn id(name: &str) -> PersonaId {
    PersonaId::new(name).unwrap_or_else(|_| unreachable!("an id"))
}
