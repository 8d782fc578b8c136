//! What ends a goal, what waits for a task's next turn, and its plan's versions.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::task::find;
use super::super::versions::VersionView;
use super::desk::Desk;
use super::named::Named;
use super::{Answer, Committed, Empty, Sent, Word};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    /// Of what `GET /api/tasks/ID` lists under `waiting`.
    message: String,
}

/// Sum a goal up without what is not done
#[utoipa::path(post, path = "/api/tasks/{task}/close", params(("task" = String, Path)), request_body = Empty, responses((status = OK, body = Committed)))]
pub(super) async fn close(
    State(desk): State<Arc<Desk>>,
    Named(task): Named,
    sent: Sent<Empty>,
) -> Answer<Committed> {
    let Json(Empty {}) = sent?;
    desk.tell(&task, Word::Close).await
}

/// Hide a goal that is over from the lists; nothing is deleted
#[utoipa::path(post, path = "/api/tasks/{task}/archive", params(("task" = String, Path)), request_body = Empty, responses((status = OK, body = Committed)))]
pub(super) async fn archive(
    State(desk): State<Arc<Desk>>,
    Named(task): Named,
    sent: Sent<Empty>,
) -> Answer<Committed> {
    let Json(Empty {}) = sent?;
    desk.tell(&task, Word::Archive).await
}

/// Take back what waits for a task's next turn
#[utoipa::path(post, path = "/api/tasks/{task}/withdraw", params(("task" = String, Path)), request_body = Which, responses((status = OK, body = Committed)))]
pub(super) async fn withdraw(
    State(desk): State<Arc<Desk>>,
    Named(task): Named,
    sent: Sent<Which>,
) -> Answer<Committed> {
    let Json(Which { message }) = sent?;
    desk.tell(&task, Word::Withdraw(message)).await
}

/// What each version of a task's plan changed against the one before it, the oldest first
#[utoipa::path(get, path = "/api/tasks/{task}/versions", params(("task" = String, Path)), responses((status = OK, body = [VersionView])))]
pub(super) async fn versions(State(desk): State<Arc<Desk>>, Named(task): Named) -> Answer<Vec<VersionView>> {
    let state = desk.state().await?;
    Ok(Json(VersionView::all(&state, find(&state, &task)?)))
}
