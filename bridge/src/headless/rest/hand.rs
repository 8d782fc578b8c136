//! Calls about who does a task: the person themselves, or an agent that begins anew.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use shared::plan::Mode;
use utoipa::ToSchema;

use super::desk::Desk;
use super::named::Named;
use super::{Answer, Committed, Empty, Sent};
use crate::headless::hand::NewTask;
use crate::headless::word::Word;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct How {
    /// `autonomous`, `hybrid`, `interactive`, or `manual`: the person does it.
    #[schema(value_type = String)]
    mode: Mode,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Outcome {
    /// What came of it, in Markdown; whatever comes after it is told.
    #[serde(default)]
    words: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Why {
    why: String,
}

/// Put a new task behind the last part of a goal or task
#[utoipa::path(post, path = "/api/tasks/{task}/add", params(("task" = String, Path)), request_body = NewTask, responses((status = OK, body = Committed)))]
pub(super) async fn add(
    State(desk): State<Arc<Desk>>,
    Named(task): Named,
    sent: Sent<NewTask>,
) -> Answer<Committed> {
    let Json(new) = sent?;
    desk.tell(&task, Word::Add(new)).await
}

/// Say how much of the person a task needs
#[utoipa::path(post, path = "/api/tasks/{task}/mode", params(("task" = String, Path)), request_body = How, responses((status = OK, body = Committed)))]
pub(super) async fn mode(
    State(desk): State<Arc<Desk>>,
    Named(task): Named,
    sent: Sent<How>,
) -> Answer<Committed> {
    let Json(How { mode }) = sent?;
    desk.tell(&task, Word::Mode(mode)).await
}

/// Say that a task is done, with what came of it
#[utoipa::path(post, path = "/api/tasks/{task}/done", params(("task" = String, Path)), request_body = Outcome, responses((status = OK, body = Committed)))]
pub(super) async fn done(
    State(desk): State<Arc<Desk>>,
    Named(task): Named,
    sent: Sent<Outcome>,
) -> Answer<Committed> {
    let Json(Outcome { words }) = sent?;
    desk.tell(&task, Word::Done(words)).await
}

/// Say that a task which is the person's to do cannot be done
#[utoipa::path(post, path = "/api/tasks/{task}/give-up", params(("task" = String, Path)), request_body = Why, responses((status = OK, body = Committed)))]
pub(super) async fn give_up(
    State(desk): State<Arc<Desk>>,
    Named(task): Named,
    sent: Sent<Why>,
) -> Answer<Committed> {
    let Json(Why { why }) = sent?;
    desk.tell(&task, Word::GiveUp(why)).await
}

/// End the turn of a task that is at work, and put it back in the queue for a fresh attempt
#[utoipa::path(post, path = "/api/tasks/{task}/requeue", params(("task" = String, Path)), request_body = Empty, responses((status = OK, body = Committed)))]
pub(super) async fn requeue(
    State(desk): State<Arc<Desk>>,
    Named(task): Named,
    sent: Sent<Empty>,
) -> Answer<Committed> {
    let Json(Empty {}) = sent?;
    desk.tell(&task, Word::Requeue).await
}
