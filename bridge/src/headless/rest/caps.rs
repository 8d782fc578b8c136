//! How far a task goes by itself.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::super::caps::{CapsJson, NoCap};
use super::desk::Desk;
use super::named::Named;
use super::{Answer, Committed, Refused, Sent, Word};

impl From<NoCap> for Refused {
    fn from(none: NoCap) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, none, "Send more, or null to lift it.")
    }
}

/// Say how far a task goes by itself; what paused for want of it goes on
#[utoipa::path(post, path = "/api/tasks/{task}/caps", params(("task" = String, Path)), request_body = CapsJson, responses((status = OK, body = Committed)))]
pub(super) async fn caps(
    State(desk): State<Arc<Desk>>,
    Named(task): Named,
    sent: Sent<CapsJson>,
) -> Answer<Committed> {
    let Json(caps) = sent?;
    desk.tell(&task, Word::Caps(caps.wish()?)).await
}
