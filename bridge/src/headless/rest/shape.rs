//! Where a task stands in its tree.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::desk::Desk;
use super::named::Named;
use super::{Answer, Committed, Empty, Sent};
use crate::headless::shape::{Order, Place};
use crate::headless::word::Word;

/// Take a task that has not begun and all below it out of the plan
#[utoipa::path(post, path = "/api/tasks/{task}/remove", params(("task" = String, Path)), request_body = Empty, responses((status = OK, body = Committed)))]
pub(super) async fn remove(
    State(desk): State<Arc<Desk>>,
    Named(task): Named,
    sent: Sent<Empty>,
) -> Answer<Committed> {
    let Json(Empty {}) = sent?;
    desk.tell(&task, Word::Remove).await
}

/// Bring a task back that was removed, or a goal that is archived
#[utoipa::path(post, path = "/api/tasks/{task}/bring-back", params(("task" = String, Path)), request_body = Empty, responses((status = OK, body = Committed)))]
pub(super) async fn bring_back(
    State(desk): State<Arc<Desk>>,
    Named(task): Named,
    sent: Sent<Empty>,
) -> Answer<Committed> {
    let Json(Empty {}) = sent?;
    desk.tell(&task, Word::Restore).await
}

/// Put a task in another place, with all below it
#[utoipa::path(post, path = "/api/tasks/{task}/move", params(("task" = String, Path)), request_body = Place, responses((status = OK, body = Committed)))]
pub(super) async fn put(
    State(desk): State<Arc<Desk>>,
    Named(task): Named,
    sent: Sent<Place>,
) -> Answer<Committed> {
    let Json(place) = sent?;
    desk.tell(&task, Word::Move(place)).await
}

/// Say what a task comes after, or comes after no more
#[utoipa::path(post, path = "/api/tasks/{task}/after", params(("task" = String, Path)), request_body = Order, responses((status = OK, body = Committed)))]
pub(super) async fn after(
    State(desk): State<Arc<Desk>>,
    Named(task): Named,
    sent: Sent<Order>,
) -> Answer<Committed> {
    let Json(order) = sent?;
    desk.tell(&task, Word::After(order)).await
}
