//! Who reviews a task's work, where the person or a planner says so.

use std::fmt;

use serde::Serialize;
use shared_derive::FromJson;

use crate::agent::HarnessId;
use crate::id::PersonaId;
use crate::models::is_model;

/// A choice of who reviews. Whoever it is was not in the room: it begins a session of its own and only reads.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, FromJson)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Reviewer {
    /// The worker's kind of agent, with a model of another size.
    #[default]
    Auto,
    /// Another kind of agent than the worker's: Codex for what Claude Code did, and the other way round.
    Other,
    /// This kind of agent; without a model, with that of the size that reviews.
    Agent {
        harness: HarnessId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        model: Option<String>,
    },
    /// The worker's kind of agent, with this model.
    Model { model: String },
    /// An agent of the person's own.
    Persona { persona: PersonaId },
}

impl Reviewer {
    pub fn is_auto(&self) -> bool {
        *self == Self::Auto
    }

    /// The choice that these words name, where they name no agent of the person's own: `auto`, `other`, `claude`, `codex`,
    /// `demo`, one of these three with a model as in `codex:gpt-5`, or `model:opus` for the worker's kind of agent.
    pub fn named(words: &str) -> Option<Self> {
        let (kind, model) = match words.trim().split_once(':') {
            Some((kind, model)) if is_model(model) => (kind, Some(model.to_owned())),
            Some(_) => return None,
            None => (words.trim(), None),
        };
        match (kind, model) {
            ("auto", None) => Some(Self::Auto),
            ("other", None) => Some(Self::Other),
            ("model", Some(model)) => Some(Self::Model { model }),
            (kind, model) => {
                let (_, harness) = KINDS.into_iter().find(|(name, _)| *name == kind)?;
                Some(Self::Agent { harness, model })
            }
        }
    }
}

/// The kinds of agent that can review, by their names.
const KINDS: [(&str, HarnessId); 3] =
    [("claude", HarnessId::Claude), ("codex", HarnessId::Codex), ("demo", HarnessId::Demo)];

/// As [`Reviewer::named`] reads it; an agent of the person's own by its id.
impl fmt::Display for Reviewer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Other => f.write_str("other"),
            Self::Agent { harness, model } => {
                let kind = KINDS.iter().find(|(_, kind)| kind == harness);
                f.write_str(kind.map_or("command", |(name, _)| name))?;
                model.iter().try_for_each(|model| write!(f, ":{model}"))
            }
            Self::Model { model } => write!(f, "model:{model}"),
            Self::Persona { persona } => f.write_str(persona.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reviewer_reads_as_it_is_written() {
        for words in ["auto", "other", "claude", "codex", "demo", "codex:gpt-5.1", "model:opus"] {
            assert_eq!(Reviewer::named(words).expect("a reviewer").to_string(), words);
        }
        for words in ["", "Ann", "claude:", "model:", "model", "auto:opus", "command"] {
            assert_eq!(Reviewer::named(words), None, "{words:?}");
        }
    }
}
