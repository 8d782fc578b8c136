//! Which model does a task of which size, for each kind of agent that has a choice.

use serde::Serialize;
use shared_derive::FromJson;

use crate::agent::HarnessId;
use crate::plan::Size;

/// The table of models; a person may change it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
#[serde(default)]
pub struct Models {
    pub claude: Tiers,
    pub codex: Tiers,
}

/// A model's name for each size, as its CLI takes it; nothing for the CLI's own choice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, FromJson)]
#[serde(default)]
pub struct Tiers {
    pub light: Option<String>,
    pub standard: Option<String>,
    pub heavy: Option<String>,
    /// While the one above has reached its limit.
    pub instead: Instead,
}

/// The models that step in for each size, the best first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, FromJson)]
#[serde(default)]
pub struct Instead {
    pub light: Vec<String>,
    pub standard: Vec<String>,
    pub heavy: Vec<String>,
}

impl Default for Models {
    fn default() -> Self {
        let name = |name: &str| Some(name.to_owned());
        let claude = Tiers {
            light: name("haiku"),
            standard: name("sonnet"),
            heavy: name("opus"),
            instead: Instead::default(),
        };
        Self { claude, codex: Tiers::default() }
    }
}

impl Models {
    /// The model for work of this size; nothing where the agent chooses itself.
    pub fn of(&self, harness: HarnessId, size: Size) -> Option<&str> {
        self.tiers(harness)?.get(size)
    }

    /// Nothing for an agent that has no choice.
    pub fn tiers(&self, harness: HarnessId) -> Option<&Tiers> {
        match harness {
            HarnessId::Claude => Some(&self.claude),
            HarnessId::Codex => Some(&self.codex),
            HarnessId::Demo | HarnessId::Command => None,
        }
    }
}

impl Tiers {
    pub fn get(&self, size: Size) -> Option<&str> {
        match size {
            Size::Light => self.light.as_deref(),
            Size::Standard => self.standard.as_deref(),
            Size::Heavy => self.heavy.as_deref(),
        }
    }

    /// Who steps in for the model of this size, the best first.
    pub fn instead(&self, size: Size) -> &[String] {
        match size {
            Size::Light => &self.instead.light,
            Size::Standard => &self.instead.standard,
            Size::Heavy => &self.instead.heavy,
        }
    }
}

/// Whether a text can be a model's name: it goes to a command line, where it must not be taken for an option.
pub fn is_model(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:/@[]".contains(&byte);
    (1..=100).contains(&name.len()) && name.as_bytes()[0].is_ascii_alphanumeric() && name.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_option_and_no_sentence() {
        for name in ["opus", "claude-opus-4-5[1m]", "gpt-5.1-codex", "us.anthropic/x:0", "a@b"] {
            assert!(is_model(name), "{name}");
        }
        for name in ["", "--dangerous", "-m", "two words", "ä", "a\nb", &"x".repeat(101)] {
            assert!(!is_model(name), "{name:?}");
        }
    }
}
