//! What a person says of the tasks of a plan beside what planners say of them: how far each goes by itself, who does it and
//! how, and when it gets its turn.

use std::collections::BTreeMap;

use serde::Serialize;
use shared_derive::FromJson;

use crate::agent::HarnessId;
use crate::id::TemplateId;
use crate::limits::Caps;
use crate::models::Effort;
use crate::unit::Millis;

/// The same of all tasks of a plan, by their keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Own {
    pub caps: BTreeMap<String, Caps>,
    pub choices: BTreeMap<String, Choice>,
}

/// Who does a task, how, and when. What is left out is as for what it is a part of. A time before which it does not begin is none
/// of it: a plan that is carried out again has another.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, FromJson)]
#[serde(default)]
pub struct Choice {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub harness: Option<HarnessId>,
    /// Whatever its size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// How hard that thinks, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effort: Option<Effort>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<TemplateId>,
    /// -10 to 10.
    pub priority: i32,
    /// It is done anew so long after each success.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeat: Option<Millis>,
    /// Whether another agent reviews it; nothing for what the goal's preset says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review: Option<bool>,
    /// Whether what it made is committed, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<bool>,
}
