//! `orchestrator evidence`: what a task has to show before it counts as done. The REST API says it in the same words.

use std::str::FromStr;

use clap::Args;
use serde::{Deserialize, Deserializer};
use shared::evidence::{Check, Evidence, NoCheck};
use utoipa::ToSchema;

use super::TaskArgs;

#[derive(Debug, Args)]
pub struct EvidenceArgs {
    #[command(flatten)]
    pub(super) task: TaskArgs,
    #[command(flatten)]
    pub(super) wanted: Wanted,
}

/// What becomes other of what a task has to show; what is not given stays.
#[derive(Debug, Clone, Default, Args, Deserialize, ToSchema)]
#[group(required = true, multiple = true)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// outputs_exist, diff_not_empty, no_error_in_output or custom_command:COMMAND. May be given again; these are all of them, and one empty word is none
    #[arg(long = "check", value_name = "CHECK")]
    #[schema(value_type = Option<Vec<String>>)]
    checks: Option<Vec<Named>>,
    /// Whether another agent reviews it: true, false, or usual (null over HTTP) as the goal's preset says
    #[arg(long, value_name = "BOOL|usual", value_parser = Say::of)]
    #[serde(default, deserialize_with = "Say::read")]
    #[schema(value_type = Option<bool>)]
    review: Option<Say>,
    /// Whether what it made is committed when all else is shown, likewise
    #[arg(long, value_name = "BOOL|usual", value_parser = Say::of)]
    #[serde(default, deserialize_with = "Say::read")]
    #[schema(value_type = Option<bool>)]
    commit: Option<Say>,
}

impl Wanted {
    /// What is wanted then of a task of which this is known; nothing where nothing is said.
    pub(super) fn of(self, known: &Evidence) -> Option<Evidence> {
        let Self { checks, review, commit } = self;
        if checks.is_none() && review.is_none() && commit.is_none() {
            return None;
        }
        let named = |checks: Vec<Named>| checks.into_iter().filter_map(|Named(check)| check).collect();
        Some(Evidence {
            checks: checks.map_or_else(|| known.checks.clone(), named),
            review: review.map_or(known.review, Say::word),
            commit: commit.map_or(known.commit, Say::word),
        })
    }
}

/// A check by its name; an empty word is none.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
struct Named(Option<Check>);

impl FromStr for Named {
    type Err = NoCheck;

    fn from_str(text: &str) -> Result<Self, NoCheck> {
        if text.trim().is_empty() { Ok(Self(None)) } else { text.parse().map(|check| Self(Some(check))) }
    }
}

impl TryFrom<String> for Named {
    type Error = NoCheck;

    fn try_from(text: String) -> Result<Self, NoCheck> {
        text.parse()
    }
}

/// A person's word on what the goal's preset says too.
#[derive(Debug, Clone, Copy)]
enum Say {
    /// As that says.
    Usual,
    Is(bool),
}

impl Say {
    /// From the command line.
    fn of(text: &str) -> Result<Self, String> {
        match text {
            "usual" => Ok(Self::Usual),
            "true" => Ok(Self::Is(true)),
            "false" => Ok(Self::Is(false)),
            _ => Err("say true, false or usual".to_owned()),
        }
    }

    /// From JSON, where null is a word and its absence is none.
    fn read<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Self>, D::Error> {
        Option::deserialize(value).map(|word| Some(word.map_or(Self::Usual, Self::Is)))
    }

    fn word(self) -> Option<bool> {
        match self {
            Self::Usual => None,
            Self::Is(wanted) => Some(wanted),
        }
    }
}
