//! A run's output in pages, for a view that never holds it whole. What comes from now on it follows by its socket.

use std::sync::Arc;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use shared::id::RunId;

use super::{Relay, frame};
use crate::access::problem;
use crate::store::Piece;

/// Bytes of output in one page: some hundred lines of an agent, a frame's work for a page to decode.
const PAGE: usize = 256 * 1024;

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Wanted {
    /// The lines before this one.
    before: Option<u64>,
    /// The lines from this one on, where `before` is not given.
    from: Option<u64>,
}

/// `GET /api/runs/RUN/output?before=N` or `?from=N`; neither: its end. The answer is
/// [`shared::wire::OutputFrame::all`]; an empty one says that there are no such lines.
pub(crate) async fn page(
    State(relay): State<Relay>,
    run: Result<Path<String>, PathRejection>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Response {
    let bad =
        |why: String| problem(StatusCode::BAD_REQUEST, &why, "Ask for before=N or from=N, a line's number.");
    let run = match run.map_err(|error| error.body_text()).map(|Path(run)| RunId::new(&run)) {
        Ok(Ok(run)) => run,
        Ok(Err(error)) => return bad(error.to_string()),
        Err(why) => return bad(why),
    };
    let wanted = match wanted {
        Ok(Query(wanted)) => wanted,
        Err(error) => return bad(error.body_text()),
    };
    let store = &relay.store;
    let read = match (wanted.before, wanted.from) {
        (None, Some(from)) => store.output_from(&run, from, PAGE).await.map(|pieces| (from, pieces)),
        (before, _) => store.output_before(&run, before.unwrap_or(u64::MAX), PAGE).await,
    };
    match read {
        Ok((first, pieces)) => {
            ([(CONTENT_TYPE, "application/octet-stream")], body(&run, first, pieces)).into_response()
        }
        Err(error) => problem(
            StatusCode::INTERNAL_SERVER_ERROR,
            &error.to_string(),
            "Try again; `orchestrator doctor` looks at the database.",
        ),
    }
}

fn body(run: &RunId, first: u64, pieces: Vec<Piece>) -> Vec<u8> {
    let pieces: Vec<_> = pieces.into_iter().map(Arc::new).collect();
    let (mut body, mut line) = (Vec::new(), first);
    for pieces in frame::cut(&pieces) {
        let frame = frame::encode(run, line, pieces);
        line += u64::try_from(pieces.len()).unwrap_or(0);
        body.extend_from_slice(&u32::try_from(frame.len()).unwrap_or(u32::MAX).to_be_bytes());
        body.extend_from_slice(&frame);
    }
    body
}
