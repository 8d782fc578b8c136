//! Calls about a task's terminal: opened, read as text, typed into, ended.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use conductor::terminal::{last, opened};
use serde::{Deserialize, Serialize};
use shared::run::Window;
use utoipa::{IntoParams, ToSchema};

use super::desk::Desk;
use super::named::Named;
use super::{Answer, Committed, Empty, Queried, Refused, Sent};
use crate::headless::task::find;
use crate::headless::word::Word;
use crate::relay::screen::read;

/// Rows and columns that a terminal has where nobody says more.
const ROWS: u16 = 24;
const COLS: u16 = 80;

/// A terminal's size.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Size {
    /// 2 to 500, 24 unless given.
    rows: Option<u16>,
    /// 2 to 1,000, 80 unless given.
    cols: Option<u16>,
}

/// Text and the escape sequences of keys.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Typed {
    /// At most 64 KiB; Enter is a carriage return.
    text: String,
}

/// How much of it.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Reach {
    /// Also what was scrolled away before it, as far as 10,000 rows and 1 MiB of output go.
    #[serde(default)]
    all: bool,
}

/// What stands on a task's last terminal.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Shown {
    run: String,
    open: bool,
    rows: u16,
    cols: u16,
    /// As text, line by line, without colours.
    text: String,
}

/// What stands on the terminal that the task has or had last
#[utoipa::path(get, path = "/api/tasks/{task}/terminal", params(("task" = String, Path), Reach), responses((status = OK, body = Shown)))]
pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    Named(task): Named,
    reach: Queried<Reach>,
) -> Answer<Shown> {
    let Query(Reach { all }) = reach?;
    let (run, open) = {
        let state = desk.state().await?;
        let task = find(&state, &task)?;
        (last(&state, task).map(|run| run.id.clone()), opened(&state, task).is_some())
    };
    let next = "POST to the same path opens one.";
    let none = || Refused::new(StatusCode::NOT_FOUND, "the task never had a terminal", next);
    let run = run.ok_or_else(none)?;
    let past = read(&desk.store, &run, None).await?.ok_or_else(none)?;
    // Drawing takes its time.
    let drawn = tokio::task::spawn_blocking(move || past.text(all)).await;
    let next = "Read its output instead.";
    let broken = |error| Refused::new(StatusCode::INTERNAL_SERVER_ERROR, error, next);
    let (Window { rows, cols }, text) = drawn.map_err(broken)?;
    Ok(Json(Shown { run: run.to_string(), open, rows, cols, text }))
}

/// Open a terminal for a task, with its agent or command
#[utoipa::path(post, path = "/api/tasks/{task}/terminal", params(("task" = String, Path)), request_body = Size, responses((status = OK, body = Committed)))]
pub(super) async fn open(
    State(desk): State<Arc<Desk>>,
    Named(task): Named,
    sent: Sent<Size>,
) -> Answer<Committed> {
    let Json(Size { rows, cols }) = sent?;
    let window = Window { rows: rows.unwrap_or(ROWS), cols: cols.unwrap_or(COLS) };
    desk.tell(&task, Word::Open(window)).await
}

/// Type into a task's open terminal
#[utoipa::path(post, path = "/api/tasks/{task}/terminal/type", params(("task" = String, Path)), request_body = Typed, responses((status = OK, body = Committed)))]
pub(super) async fn type_there(
    State(desk): State<Arc<Desk>>,
    Named(task): Named,
    sent: Sent<Typed>,
) -> Answer<Committed> {
    let Json(Typed { text }) = sent?;
    desk.tell(&task, Word::Type(text)).await
}

/// End a task's terminal; the task stays as it is
#[utoipa::path(post, path = "/api/tasks/{task}/terminal/close", params(("task" = String, Path)), request_body = Empty, responses((status = OK, body = Committed)))]
pub(super) async fn close(
    State(desk): State<Arc<Desk>>,
    Named(task): Named,
    sent: Sent<Empty>,
) -> Answer<Committed> {
    let Json(Empty {}) = sent?;
    desk.tell(&task, Word::CloseTerminal).await
}
