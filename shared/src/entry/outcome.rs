//! What came of a turn for its task.

use serde::Serialize;
use shared_derive::FromJson;

use crate::agent::ErrorClass;
use crate::retry::Again;
use crate::unit::Millis;

/// How a task came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Outcome {
    Completed {
        /// Markdown, at most a page.
        summary: String,
        #[serde(default)]
        outputs: Vec<String>,
        #[serde(default)]
        not_done: Vec<String>,
    },
    Failed {
        class: ErrorClass,
        /// What failed, and what to do about it.
        why: String,
    },
    /// The turn is over and the person is asked.
    Asked {
        question: String,
        #[serde(default)]
        options: Vec<String>,
    },
    /// The turn is over and the person has the word: an interactive task.
    Yielded {
        summary: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        outputs: Vec<String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        not_done: Vec<String>,
    },
    /// Is taken up again at `until`.
    Limited {
        until: Millis,
        /// What cut the turn short.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        class: Option<ErrorClass>,
        #[serde(default, skip_serializing_if = "Again::is_go_on")]
        again: Again,
        /// What failed, where the next turn is not the same one again.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        why: String,
    },
    Cancelled,
}
