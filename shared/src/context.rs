//! What an agent is told beside our own words, by where it comes from, and what of it did not fit.

use serde::Serialize;
use shared_derive::FromJson;

use crate::unit::Bytes;

/// Bytes of a project's memory at most; a turn is told as much of it as fits.
pub const MEMORY: usize = 64 * 1024;

/// Facts that a goal may have.
pub const FACTS: usize = 100;
/// Bytes of a fact's value at most.
pub const VALUE: usize = 4 * 1024;

/// What all tasks of a goal are told when they begin, as the person sets it; the log keeps what it was before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, FromJson)]
pub struct Charter {
    /// How its tasks go about it, in Markdown; at most [`MEMORY`] bytes.
    #[serde(default)]
    pub rules: String,
    /// At most [`FACTS`], each key once.
    #[serde(default)]
    pub facts: Vec<Fact>,
}

/// Something to know by name, such as the address of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
pub struct Fact {
    /// A line that is not empty.
    pub key: String,
    /// At most [`VALUE`] bytes.
    pub value: String,
}

impl Charter {
    /// What is wrong with it, for the person; nothing where it can be set.
    pub fn problem(&self) -> Option<String> {
        if self.rules.len() > MEMORY {
            return Some(format!("the rules have {} bytes, and {MEMORY} are allowed", self.rules.len()));
        }
        if self.facts.len() > FACTS {
            return Some(format!("there are {} facts, and {FACTS} are allowed", self.facts.len()));
        }
        for (place, Fact { key, value }) in self.facts.iter().enumerate() {
            if key.trim().is_empty() || key.contains('\n') {
                return Some("a fact needs a name of one line".to_owned());
            }
            if self.facts[..place].iter().any(|other| other.key == *key) {
                return Some(format!("the fact {key:?} is there twice"));
            }
            if key.len() + value.len() > VALUE {
                return Some(format!("the fact {key:?} is longer than {VALUE} bytes"));
            }
        }
        None
    }

    /// Nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Takes these rules instead where there are any, and each of these facts as [`Charter::set`] does.
    pub fn amend<'a>(
        &mut self,
        rules: Option<String>,
        facts: impl IntoIterator<Item = (&'a String, &'a String)>,
    ) {
        if let Some(rules) = rules {
            self.rules = rules;
        }
        facts.into_iter().for_each(|(key, value)| self.set(key, value));
    }

    /// Lets the fact be this, in its place if it is there; without a value it is forgotten.
    pub fn set(&mut self, key: &str, value: &str) {
        if value.is_empty() {
            self.facts.retain(|fact| fact.key != key);
            return;
        }
        let value = value.to_owned();
        match self.facts.iter_mut().find(|fact| fact.key == key) {
            Some(fact) => fact.value = value,
            None => self.facts.push(Fact { key: key.to_owned(), value }),
        }
    }
}

/// Where words come from. The earlier ones give way before the later ones, so that what a task is about stands longest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, FromJson)]
#[serde(rename_all = "snake_case")]
pub enum Section {
    /// The goal and the groups that it is a part of.
    Above,
    /// How the attempt before this one failed.
    Attempt,
    /// The project's memory.
    Memory,
    /// The agents that a planner may name.
    Agents,
    /// What it is like itself.
    Character,
    /// Those of its template.
    Guidelines,
    /// What others came to: tasks before it, its parts, or whose work is reviewed.
    Results,
    /// The plan as it stands.
    Plan,
    /// Those of its goal.
    Facts,
    /// Those of its goal.
    Rules,
    /// What it needs and what is expected of it.
    Wares,
    /// What a check, a review or a look at its plan found.
    Found,
    /// What the person wrote to a session that is gone.
    Before,
    Objective,
    /// What the person wrote.
    Said,
}

impl Section {
    /// The first to give way first.
    pub const ALL: [Self; 15] = [
        Self::Above,
        Self::Attempt,
        Self::Memory,
        Self::Agents,
        Self::Character,
        Self::Guidelines,
        Self::Results,
        Self::Plan,
        Self::Facts,
        Self::Rules,
        Self::Wares,
        Self::Found,
        Self::Before,
        Self::Objective,
        Self::Said,
    ];

    /// As it goes on behind "bytes of".
    pub fn name(self) -> &'static str {
        match self {
            Self::Above => "what it is a part of",
            Self::Attempt => "the failure before",
            Self::Memory => "the memory",
            Self::Agents => "the agents",
            Self::Character => "who it is",
            Self::Guidelines => "the guidelines",
            Self::Results => "results",
            Self::Plan => "the plan",
            Self::Facts => "the goal's facts",
            Self::Rules => "the goal's rules",
            Self::Wares => "its inputs and outputs",
            Self::Found => "what was found",
            Self::Before => "what the person said before",
            Self::Objective => "the objective",
            Self::Said => "the person's words",
        }
    }
}

/// What of a section did not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, FromJson)]
pub struct Cut {
    pub section: Section,
    /// That are not told.
    pub bytes: Bytes,
    /// That there are.
    pub of: Bytes,
}
