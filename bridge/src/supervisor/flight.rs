//! A run's lines between its reader and the store: what was handed over and is not committed yet. It gives lines their
//! numbers, tells followers of those whose number is certain, and hands over again, in order, what the store refused.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use shared::id::RunId;
use shared::run::Stream;
use tokio::time::sleep;

use super::{AGAIN, Inner};
use crate::store::{Committing, Piece, StoreError};

/// Bytes of one run that wait for their commit. When there are as many, its reader waits; what it has not read stays
/// in the file.
const MOST: usize = 256 * 1024;
/// With so many the store is asked to hurry. A commit costs nearly the same with few lines as with many.
const MANY: usize = MOST / 4 * 3;

pub(super) struct Flight {
    inner: Arc<Inner>,
    run: RunId,
    /// Whether a next bridge would give lines of stdout the same numbers.
    certain: bool,
    /// The number of the next line.
    next: u64,
    /// How many lines are stored.
    stored: Arc<AtomicU64>,
    batches: VecDeque<Batch>,
    bytes: usize,
    /// The store was asked to hurry since the last answer.
    hurried: bool,
}

struct Batch {
    first: u64,
    pieces: Vec<Arc<Piece>>,
    told: bool,
    committing: Committing,
}

/// The store is gone, or refuses while the bridge ends: the next one goes on.
#[derive(Debug)]
pub(super) struct Grounded;

impl Flight {
    /// For lines of a run behind the first `stored`, which is kept as it grows. Those of stdout are told before they are stored if their numbers
    /// are `certain`: a next bridge cuts them as this one does.
    pub(super) fn new(inner: &Arc<Inner>, run: &RunId, stored: Arc<AtomicU64>, certain: bool) -> Self {
        let (inner, run, batches) = (Arc::clone(inner), run.clone(), VecDeque::new());
        let next = stored.load(Ordering::Acquire);
        Self { inner, run, certain, next, stored, batches, bytes: 0, hurried: false }
    }

    /// Takes what was read, once there is room.
    pub(super) async fn take(&mut self, pieces: Vec<Arc<Piece>>) -> Result<(), Grounded> {
        if pieces.is_empty() {
            return Ok(());
        }
        while self.bytes >= MOST {
            self.land().await?;
        }
        // A next bridge reads the same file from where the store ends, and stdout first: so lines of stdout have
        // these numbers in any case, but not behind some of stderr that are not stored.
        let told = self.certain
            && self.batches.back().is_none_or(|last| last.told)
            && pieces.iter().all(|piece| piece.stream == Stream::Stdout);
        self.hand_over(pieces, told).await
    }

    /// Waits until the oldest lines are stored; for ever when there are none. Nothing is lost when it is dropped.
    pub(super) async fn answer(&mut self) -> Result<u64, StoreError> {
        match self.batches.front_mut() {
            Some(oldest) => oldest.committing.committed().await,
            None => std::future::pending().await,
        }
    }

    /// Takes what [`Flight::answer`] gave.
    pub(super) async fn landed(&mut self, answer: Result<u64, StoreError>) -> Result<(), Grounded> {
        let Some(oldest) = self.batches.pop_front() else { return Ok(()) };
        self.hurried = false;
        match answer {
            Ok(stored) => {
                self.stored.fetch_max(stored, Ordering::AcqRel);
                self.bytes -= size(&oldest.pieces);
                Ok(())
            }
            Err(StoreError::Closed) => Err(Grounded),
            Err(error) => {
                tracing::error!(%error, run = %self.run, "output waits for the store");
                self.go_again(oldest).await
            }
        }
    }

    /// Waits until all is stored.
    pub(super) async fn empty(&mut self) -> Result<(), Grounded> {
        while !self.batches.is_empty() {
            self.land().await?;
        }
        Ok(())
    }

    async fn land(&mut self) -> Result<(), Grounded> {
        self.hurry();
        let answer = self.answer().await;
        self.landed(answer).await
    }

    fn hurry(&mut self) {
        if !std::mem::replace(&mut self.hurried, true) {
            self.inner.store.hurry();
        }
    }

    async fn hand_over(&mut self, pieces: Vec<Arc<Piece>>, told: bool) -> Result<(), Grounded> {
        let (first, store) = (self.next, &self.inner.store);
        let committing = if told {
            store.tell_output(&self.run, first, &pieces)
        } else {
            store.put_output(&self.run, first, &pieces).await.map(Some)
        };
        self.next += u64::try_from(pieces.len()).unwrap_or(0);
        self.bytes += size(&pieces);
        match (committing, self.batches.back_mut()) {
            (Ok(Some(committing)), _) => self.batches.push_back(Batch { first, pieces, told, committing }),
            (Ok(None), Some(last)) => last.pieces.extend(pieces),
            (Ok(None), None) | (Err(_), _) => return Err(Grounded),
        }
        if self.bytes >= MANY {
            self.hurry();
        }
        Ok(())
    }

    /// Hands over what was refused once more, and all behind it, which the store refuses for its sake.
    async fn go_again(&mut self, refused: Batch) -> Result<(), Grounded> {
        let mut again = vec![refused];
        for mut later in std::mem::take(&mut self.batches) {
            let _ = later.committing.committed().await;
            again.push(later);
        }
        if self.inner.is_closing() {
            return Err(Grounded);
        }
        sleep(AGAIN).await;
        self.next = again.first().map_or(self.next, |refused| refused.first);
        self.bytes = 0;
        for Batch { pieces, told, .. } in again {
            self.hand_over(pieces, told).await?;
        }
        Ok(())
    }
}

fn size(pieces: &[Arc<Piece>]) -> usize {
    pieces.iter().map(|piece| piece.bytes.len()).sum()
}
