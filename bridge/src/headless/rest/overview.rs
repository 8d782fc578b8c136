//! What waits for the person, and what the work has used.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use serde::Deserialize;
use shared::unit::Millis;
use utoipa::IntoParams;

use super::desk::Desk;
use super::{Answer, Queried};
use crate::clock;
use crate::headless::inbox::WaitView;
use crate::headless::usage::UsageView;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct From {
    /// Runs that ended at this time or later, in milliseconds since 1970, or are under way; without it, all.
    since: Option<u64>,
}

/// All that waits for the person, the oldest first
#[utoipa::path(get, path = "/api/inbox", responses((status = OK, body = [WaitView])))]
pub(super) async fn inbox(State(desk): State<Arc<Desk>>) -> Answer<Vec<WaitView>> {
    Ok(Json(WaitView::all(&*desk.state().await?, clock::now())))
}

/// What agents have used, each kind and all together
#[utoipa::path(get, path = "/api/usage", params(From), responses((status = OK, body = UsageView)))]
pub(super) async fn usage(State(desk): State<Arc<Desk>>, from: Queried<From>) -> Answer<UsageView> {
    let Query(from) = from?;
    Ok(Json(UsageView::since(&*desk.state().await?, Millis(from.since.unwrap_or(0)))))
}
