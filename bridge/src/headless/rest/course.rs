//! How a task goes by itself: when it gets its turn, what becomes of it when it fails, and what it has to show.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use shared::unit::Millis;
use utoipa::ToSchema;

use super::desk::Desk;
use super::named::Named;
use super::{Answer, Committed, Sent};
use crate::headless::OnFailure as Policy;
use crate::headless::evidence::Wanted;
use crate::headless::word::Word;

/// What is not given stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Turn {
    /// -10 to 10; the higher goes first where not all can start.
    priority: Option<i32>,
    /// Not before, in milliseconds since 1970; 0 ends that.
    start: Option<u64>,
    /// Done anew so long after each success; 0 ends that.
    repeat_seconds: Option<u64>,
}

/// What becomes of a task that fails.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OnFailure {
    /// `ask` asks the person, `same` tries it again, `analyze` finds out why and tries it again; `usual` or nothing for
    /// what holds for all tasks.
    #[schema(value_type = Option<String>)]
    policy: Option<Policy>,
    /// Tries in all, 1 to 20.
    attempts: Option<u32>,
}

/// Say when a task gets its turn, and whether it is done again and again
#[utoipa::path(post, path = "/api/tasks/{task}/schedule", params(("task" = String, Path)), request_body = Turn, responses((status = OK, body = Committed)))]
pub(super) async fn schedule(
    State(desk): State<Arc<Desk>>,
    Named(task): Named,
    sent: Sent<Turn>,
) -> Answer<Committed> {
    let Json(Turn { priority, start, repeat_seconds }) = sent?;
    let (start, repeat) = (start.map(Millis), repeat_seconds.map(Millis::from_secs));
    desk.tell(&task, Word::Schedule { priority, start, repeat }).await
}

/// Say what becomes of a task when it fails
#[utoipa::path(post, path = "/api/tasks/{task}/on-failure", params(("task" = String, Path)), request_body = OnFailure, responses((status = OK, body = Committed)))]
pub(super) async fn on_failure(
    State(desk): State<Arc<Desk>>,
    Named(task): Named,
    sent: Sent<OnFailure>,
) -> Answer<Committed> {
    let Json(OnFailure { policy, attempts }) = sent?;
    let policy = policy.and_then(Policy::policy);
    desk.tell(&task, Word::OnFailure { policy, attempts }).await
}

/// Say what has to be shown before a task counts as done; what is not named stays
#[utoipa::path(post, path = "/api/tasks/{task}/evidence", params(("task" = String, Path)), request_body = Wanted, responses((status = OK, body = Committed)))]
pub(super) async fn evidence(
    State(desk): State<Arc<Desk>>,
    Named(task): Named,
    sent: Sent<Wanted>,
) -> Answer<Committed> {
    desk.tell(&task, Word::Evidence(sent?.0)).await
}
