//! Plans: the word on one that waits, and changes of what it holds.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use super::desk::Desk;
use super::named::Named;
use super::{Answer, Committed, Empty, Sent};
use crate::headless::edit::Changes;
use crate::headless::word::Word;

/// Approve the plan that waits
#[utoipa::path(post, path = "/api/tasks/{task}/approve", params(("task" = String, Path)), request_body = Empty, responses((status = OK, body = Committed)))]
pub(super) async fn approve(
    State(desk): State<Arc<Desk>>,
    Named(task): Named,
    sent: Sent<Empty>,
) -> Answer<Committed> {
    let Json(Empty {}) = sent?;
    desk.tell(&task, Word::Approve).await
}

/// What a planner is told.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SplitWish {
    /// What should be different, or what matters; may be left out.
    #[serde(default)]
    words: String,
}

/// Have a planner split a task, or plan a goal or what is below a task again; its plan then waits for approval
#[utoipa::path(post, path = "/api/tasks/{task}/split", params(("task" = String, Path)), request_body = SplitWish, responses((status = OK, body = Committed)))]
pub(super) async fn split(
    State(desk): State<Arc<Desk>>,
    Named(task): Named,
    sent: Sent<SplitWish>,
) -> Answer<Committed> {
    let Json(SplitWish { words }) = sent?;
    desk.tell(&task, Word::Split(words)).await
}

/// Leave what is below a task, or a goal that is planned again, as it was before
#[utoipa::path(post, path = "/api/tasks/{task}/reject", params(("task" = String, Path)), request_body = Empty, responses((status = OK, body = Committed)))]
pub(super) async fn reject(
    State(desk): State<Arc<Desk>>,
    Named(task): Named,
    sent: Sent<Empty>,
) -> Answer<Committed> {
    let Json(Empty {}) = sent?;
    desk.tell(&task, Word::Reject).await
}

/// Put a copy of a task and of all below it behind it
#[utoipa::path(post, path = "/api/tasks/{task}/clone", params(("task" = String, Path)), request_body = Empty, responses((status = OK, body = Committed)))]
pub(super) async fn copy(
    State(desk): State<Arc<Desk>>,
    Named(task): Named,
    sent: Sent<Empty>,
) -> Answer<Committed> {
    let Json(Empty {}) = sent?;
    desk.tell(&task, Word::Clone).await
}

/// Say what a task is to reach, who does it with which model and template, what it needs and makes, and who reviews it
#[utoipa::path(post, path = "/api/tasks/{task}/edit", params(("task" = String, Path)), request_body = Changes, responses((status = OK, body = Committed)))]
pub(super) async fn edit(
    State(desk): State<Arc<Desk>>,
    Named(task): Named,
    sent: Sent<Changes>,
) -> Answer<Committed> {
    let Json(changes) = sent?;
    desk.tell(&task, Word::Edit(changes)).await
}
