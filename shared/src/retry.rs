//! What becomes of a task that failed: whether it is tried anew, how often, and how a turn that did not come to its
//! end is taken up again.

#[cfg(test)]
use schemars::JsonSchema;
use serde::Serialize;
use shared_derive::FromJson;

use crate::agent::HarnessId;

/// What happens when a task's work failed, and the same may not fail it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, FromJson)]
#[serde(default)]
pub struct Retry {
    pub policy: Policy,
    /// Tries in all, the first among them.
    pub attempts: u32,
}

impl Default for Retry {
    fn default() -> Self {
        Self { policy: Policy::None, attempts: 3 }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, FromJson)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// It asks the person.
    #[default]
    None,
    /// The same task in a new session.
    Same,
    /// A light model looks first at what went wrong, and the next try is told.
    Analyze,
}

/// What a plan says of it: "usual" is what the person set for all tasks.
// Variants carry no docs of their own: with them the schema becomes a union, which strict providers refuse.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, FromJson)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RetryWish {
    #[default]
    Usual,
    None,
    Same,
    Analyze,
}

impl RetryWish {
    pub fn policy(self) -> Option<Policy> {
        match self {
            Self::Usual => None,
            Self::None => Some(Policy::None),
            Self::Same => Some(Policy::Same),
            Self::Analyze => Some(Policy::Analyze),
        }
    }
}

impl From<Policy> for RetryWish {
    fn from(policy: Policy) -> Self {
        match policy {
            Policy::None => Self::None,
            Policy::Same => Self::Same,
            Policy::Analyze => Self::Analyze,
        }
    }
}

/// How a turn that did not come to its end is taken up again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, FromJson)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Again {
    /// In its session.
    #[default]
    GoOn,
    /// As a new attempt.
    Anew,
    /// As a new attempt, which is told what a look at the failure brought.
    Diagnosed,
    /// By another agent, in a session of that one's own.
    Instead { harness: HarnessId },
}

impl Again {
    pub fn is_go_on(&self) -> bool {
        *self == Self::GoOn
    }
}
