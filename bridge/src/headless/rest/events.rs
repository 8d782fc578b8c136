//! The log as server-sent events. A monitor that was cut off sends the last number that it has and misses nothing.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures_util::{Stream, stream};
use serde::Deserialize;
use shared::unit::Seq;
use tokio::sync::{Notify, OwnedSemaphorePermit};
use utoipa::IntoParams;

use super::desk::Desk;
use super::{Queried, Refused};
use crate::store::{Page, Store, Stored};

/// What one follower has in memory at most; it is pulled, so a slow one waits in the store.
const PAGE: Page = Page { entries: 256, bytes: 1024 * 1024 };

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct From {
    /// The number of the last entry that is known, 0 for the whole log. `Last-Event-ID` goes before it; without
    /// both it begins with what happens from now on.
    after: Option<u64>,
}

/// The log from an entry on, one event for each entry, with its number as id
#[utoipa::path(get, path = "/api/events", params(From, ("Last-Event-ID" = Option<u64>, Header)),
    responses((status = OK, description = "Events named `entry`, each an entry of the log in JSON", content_type = "text/event-stream")))]
pub(super) async fn follow(
    State(desk): State<Arc<Desk>>,
    from: Queried<From>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Refused> {
    let Query(from) = from?;
    let busy = |_| {
        Refused::new(StatusCode::SERVICE_UNAVAILABLE, "too many follow the log", "Close one, or come later.")
    };
    let place = Arc::clone(&desk.followers).try_acquire_owned().map_err(busy)?;
    let last = headers.get("last-event-id").map(numbered).transpose()?;
    let head = desk.store.hub().head();
    let after = last.or(from.after).map_or(head, Seq);
    if after > head {
        let error = format!(
            "the log ends at {head}, so {after} is of another one, such as before a backup was put back"
        );
        return Err(Refused::new(
            StatusCode::CONFLICT,
            error,
            "Follow it from ?after=0, without a Last-Event-ID.",
        ));
    }
    let wake = desk.store.hub().subscribe();
    let follower = Follower { store: desk.store.clone(), wake, after, read: VecDeque::new(), _place: place };
    Ok(Sse::new(stream::unfold(follower, Follower::next)).keep_alive(KeepAlive::default()))
}

/// The number of an entry, as a monitor says it that was cut off. To begin with what happens now would leave out what it missed.
fn numbered(id: &HeaderValue) -> Result<u64, Refused> {
    let number = id.to_str().ok().and_then(|id| id.parse().ok());
    let next = "Send the id of the last event, or none.";
    number
        .ok_or_else(|| Refused::new(StatusCode::BAD_REQUEST, "Last-Event-ID is no number of an entry", next))
}

struct Follower {
    store: Store,
    wake: Arc<Notify>,
    after: Seq,
    read: VecDeque<Arc<Stored>>,
    /// Given back when the connection ends.
    _place: OwnedSemaphorePermit,
}

impl Follower {
    /// The next event; none when the store cannot be read, so that the monitor connects anew.
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        loop {
            if let Some(stored) = self.read.pop_front() {
                let Seq(seq) = stored.entry.seq;
                let event = Event::default().event("entry").id(seq.to_string()).data(&*stored.json);
                return Some((Ok(event), self));
            }
            let entries = self.store.entries_after(self.after, PAGE).await.ok()?;
            match entries.last() {
                Some(last) => {
                    self.after = last.entry.seq;
                    self.read = entries.into();
                }
                None => self.wake.notified().await,
            }
        }
    }
}
