//! Full-text search over what was said and what agents wrote. The index is a file of its own beside the log,
//! filled by a thread of its own as entries and lines arrive: it follows the store like any client, delays nobody,
//! and can be thrown away. It reads an agent's output only to find it again; nothing is decided by it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use shared::api::{Found, SearchIn};
use tokio::sync::watch;

use crate::access::problem;
use crate::store::{Store, StoreError};
use crate::system::{self, Behind};

mod index;
mod query;
mod said;
#[cfg(test)]
mod tests;

use index::Index;
use query::Words;

/// The index, in the data folder.
const FILE: &str = "search.db";
/// How long new lines gather before they are indexed together.
const GATHER: Duration = Duration::from_millis(300);
/// Hits in one answer, at most.
const HITS: usize = 50;
/// The longest question, in bytes.
const QUESTION: usize = 1_000;

/// Why something could not be indexed or found.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    #[error("the search index {} cannot be used: {}. Remove it; it is made anew at the next start.", .0.display(), .1)]
    Index(PathBuf, #[source] rusqlite::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(
        "the search index cannot be kept: {0}. Look at the data folder's permissions and the limits of threads."
    )]
    Io(#[from] std::io::Error),
}

/// Answers questions while the index is filled. The filling ends with the last handle.
#[derive(Debug, Clone)]
pub struct Search {
    store: Store,
    file: Arc<Path>,
    _fills: watch::Sender<()>,
}

impl Search {
    /// Opens or makes the index in `data_dir` and begins to fill it.
    ///
    /// # Errors
    /// The file can neither be used nor made anew, or there is no thread.
    pub fn start(data_dir: &Path, store: Store) -> Result<Self, SearchError> {
        let file: Arc<Path> = data_dir.join(FILE).into();
        let index = Index::open(&file)?;
        let (fills, ended) = watch::channel(());
        let own = store.clone();
        // A runtime of its own: what it waits for and reads gives way with it, and the bridge's may end before it.
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().max_blocking_threads(1).build()?;
        std::thread::Builder::new().name("search".to_owned()).spawn(move || {
            give_way();
            runtime.block_on(fill(index, own, ended));
        })?;
        Ok(Self { store, file, _fills: fills })
    }

    /// What holds all of `question`'s words, newest first, older than `before`.
    ///
    /// # Errors
    /// The index or the store cannot be read.
    pub async fn find(
        &self,
        question: &str,
        place: SearchIn,
        before: Option<u64>,
    ) -> Result<Found, SearchError> {
        let began = Instant::now();
        let words = Words::of(question);
        let (file, wanted) = (Arc::clone(&self.file), words.clone());
        let places = tokio::task::spawn_blocking(move || index::find(&file, &wanted, place, before, HITS));
        let places = places.await.map_err(|_| StoreError::Closed)??;
        let more = (places.len() == HITS).then(|| places.last().map(index::Place::cursor)).flatten();
        let mut hits = Vec::with_capacity(places.len());
        for place in &places {
            hits.extend(said::hit(&self.store, place, &words).await?);
        }
        let took = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        Ok(Found { hits, more, micros: took })
    }
}

/// Throws the index of a data folder away, such as before its log becomes another one.
///
/// # Errors
/// A file of it cannot be removed.
pub fn forget(data_dir: &Path) -> std::io::Result<()> {
    index::remove(&data_dir.join(FILE))
}

/// Its turn comes after the relay's and the agents'.
fn give_way() {
    system::give_way(Behind::Answers);
}

async fn fill(mut index: Index, store: Store, mut ended: watch::Receiver<()>) {
    let wake = store.hub().subscribe();
    loop {
        let filled = async {
            while index.take_more(&store).await? {}
            wake.notified().await;
            tokio::time::sleep(GATHER).await;
            Ok::<_, SearchError>(())
        };
        tokio::select! {
            filled = filled => if let Err(error) = filled {
                // Such as a full disk. The next commit tries again.
                tracing::error!(%error, "the search index lags behind");
                wake.notified().await;
            },
            _ = ended.changed() => return,
        }
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct Wanted {
    q: String,
    #[serde(rename = "in")]
    place: SearchIn,
    before: Option<u64>,
}

/// `GET /api/search?q=WORDS&in=said|output&before=CURSOR`.
pub(crate) async fn answer(
    State(search): State<Search>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Response {
    let wanted = match wanted {
        Ok(Query(wanted)) if wanted.q.len() <= QUESTION => wanted,
        Ok(_) => {
            return problem(StatusCode::BAD_REQUEST, "the question is too long", "Use fewer words.");
        }
        Err(error) => {
            return problem(
                StatusCode::BAD_REQUEST,
                &error.body_text(),
                "Ask with q=WORDS and in=said or output.",
            );
        }
    };
    match search.find(&wanted.q, wanted.place, wanted.before).await {
        Ok(found) => Json(found).into_response(),
        Err(error) => problem(
            StatusCode::INTERNAL_SERVER_ERROR,
            &error.to_string(),
            "Try again; `orchestrator doctor` looks at the database.",
        ),
    }
}
