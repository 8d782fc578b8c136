//! What all tasks of a goal are told.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use shared::context::{Charter, Fact};
use utoipa::ToSchema;

use super::desk::Desk;
use super::named::Named;
use super::{Answer, Committed, Sent};
use crate::headless::word::Word;

/// All of it from now on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewCharter {
    /// How its tasks go about it, in Markdown.
    #[serde(default)]
    rules: String,
    /// What they should know, by name.
    #[serde(default)]
    facts: BTreeMap<String, String>,
}

/// Say what all tasks of a goal are told when they begin
#[utoipa::path(put, path = "/api/goals/{goal}/charter", params(("goal" = String, Path)), request_body = NewCharter, responses((status = OK, body = Committed)))]
pub(super) async fn set(
    State(desk): State<Arc<Desk>>,
    Named(goal): Named,
    sent: Sent<NewCharter>,
) -> Answer<Committed> {
    let Json(NewCharter { rules, facts }) = sent?;
    let facts = facts.into_iter().map(|(key, value)| Fact { key, value }).collect();
    desk.tell(&goal, Word::Charter(Charter { rules, facts })).await
}
