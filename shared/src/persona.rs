//! Personas: the agents of a person's own, by name. What they are like is told once, where a session begins.

use serde::Serialize;
use shared_derive::FromJson;

use crate::agent::HarnessId;
use crate::id::PersonaId;
use crate::template::wrong_choice;

/// Longest name and role, in bytes: a planner reads those of all of them.
const NAME: usize = 80;
const ROLE: usize = 300;

/// An agent as a person saves it; saving the same id again changes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
pub struct Persona {
    pub persona: PersonaId,
    /// By which people and planners refer to it.
    pub name: String,
    /// What it is good for, in one line; may be empty.
    #[serde(default)]
    pub role: String,
    #[serde(default)]
    pub character: Character,
    /// Of tasks that are given to it, and of goals that are stated with it.
    #[serde(default)]
    pub harness: Option<HarnessId>,
    /// Of its turns, where no person chose one for the task.
    #[serde(default)]
    pub model: Option<String>,
    /// Absolute; where tasks work that are given to it before they begin, and what goals that are stated with it are for.
    /// The bridge starts nothing outside of opened projects.
    #[serde(default)]
    pub folder: Option<String>,
}

/// What an agent is like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Character {
    /// Markdown; may be empty.
    Words { text: String },
    /// A file such as `Soul.md`, read when a session begins: from the folder that it works in, or absolute.
    File { path: String },
}

impl Default for Character {
    fn default() -> Self {
        Self::Words { text: String::new() }
    }
}

impl Persona {
    /// What is wrong with it, in words; nothing for one that can be used.
    pub fn problem(&self) -> Option<String> {
        let path = match &self.character {
            Character::File { path } => Some(path),
            Character::Words { .. } => None,
        };
        let of_one_line = |text: &str| !text.chars().any(char::is_control);
        if self.name.trim().is_empty() {
            Some("an agent needs a name".to_owned())
        } else if self.name.len() > NAME || !of_one_line(&self.name) {
            Some(format!("an agent's name is one line of at most {NAME} bytes"))
        } else if self.role.len() > ROLE || !of_one_line(&self.role) {
            Some(format!(
                "an agent's role is one line of at most {ROLE} bytes; the character has room for more"
            ))
        } else if path.is_some_and(|path| path.trim().is_empty() || !of_one_line(path)) {
            Some("the character's file needs a path, such as Soul.md".to_owned())
        } else {
            wrong_choice(self.model.as_ref(), self.folder.as_ref())
        }
    }
}
