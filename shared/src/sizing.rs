//! Sizes that nobody chose: whether they are found out, and what a model answers that is asked for one.

#[cfg(test)]
use schemars::JsonSchema;
use serde::Serialize;
use shared_derive::FromJson;

use crate::plan::Size;

/// Who says how hard a task is that nobody gave a size.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, FromJson)]
#[serde(rename_all = "snake_case")]
pub enum Sizing {
    /// Nobody: it is of standard size.
    Off,
    /// A rule, from its words.
    Rule,
    /// The rule, and where that is not sure the light model of its agent, once.
    #[default]
    Ask,
}

/// What a planner says of a task's size: "auto" leaves it to be found out.
// Variants carry no docs of their own: with them the schema becomes a union, which strict providers refuse.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, FromJson)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SizeWish {
    #[default]
    Auto,
    Light,
    Standard,
    Heavy,
}

impl SizeWish {
    pub fn size(self) -> Option<Size> {
        match self {
            Self::Auto => None,
            Self::Light => Some(Size::Light),
            Self::Standard => Some(Size::Standard),
            Self::Heavy => Some(Size::Heavy),
        }
    }
}

impl From<Option<Size>> for SizeWish {
    fn from(size: Option<Size>) -> Self {
        match size {
            None => Self::Auto,
            Some(Size::Light) => Self::Light,
            Some(Size::Standard) => Self::Standard,
            Some(Size::Heavy) => Self::Heavy,
        }
    }
}

/// The answer of a model that is asked for a task's size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
#[cfg_attr(test, derive(JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
pub struct SizeAnswer {
    /// "light" for what is mechanical, "standard" for usual work, "heavy" for what has to be thought through.
    pub size: Size,
    /// Why, in at most twelve words.
    #[serde(default)]
    pub why: String,
}

/// The JSON schema of [`SizeAnswer`] as one line.
pub const SIZE_ANSWER: &str = include_str!("plan/size_answer.schema.json").trim_ascii_end();
