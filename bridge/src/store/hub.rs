//! What was committed last, for those who follow. Nobody has a queue here: a follower knows what it has,
//! is woken, and takes what is newer from these windows, or from the database when it fell behind. So a
//! slow client costs nothing and nothing is skipped.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use shared::id::RunId;
use shared::unit::Seq;
use tokio::sync::Notify;

use super::{Piece, Stored};

/// Entries kept in memory for followers that keep up.
const ENTRIES: usize = 2_048;
/// Bytes of each live run's output kept for followers that keep up.
const TAIL: usize = 64 * 1024;

#[derive(Debug)]
pub struct Hub {
    // A std mutex: it is held for a few copies of pointers and never over an await.
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    head: Seq,
    recent: VecDeque<Arc<Stored>>,
    tails: HashMap<RunId, TailWindow>,
    waiting: Vec<Weak<Notify>>,
}

#[derive(Debug, Default)]
struct TailWindow {
    /// The line after the last.
    next: u64,
    pieces: VecDeque<Arc<Piece>>,
    bytes: usize,
}

/// What a follower gets of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tail {
    /// The pieces from the wished line on.
    Lines(Vec<Arc<Piece>>),
    /// There is nothing newer yet.
    UpToDate,
    /// Older than the window: read it from the store.
    InStore,
}

impl Hub {
    pub(super) fn new(head: Seq) -> Self {
        let inner = Inner { head, recent: VecDeque::new(), tails: HashMap::new(), waiting: Vec::new() };
        Self { inner: Mutex::new(inner) }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes this from now on whenever something was committed, until it is dropped.
    pub fn subscribe(&self) -> Arc<Notify> {
        let notify = Arc::new(Notify::new());
        self.inner().waiting.push(Arc::downgrade(&notify));
        notify
    }

    pub fn head(&self) -> Seq {
        self.inner().head
    }

    /// Entries after `since`, at most `limit`; nothing when the window does not reach back that far.
    pub fn entries_after(&self, since: Seq, limit: usize) -> Option<Vec<Arc<Stored>>> {
        let inner = self.inner();
        if since >= inner.head {
            return Some(Vec::new());
        }
        let first = inner.recent.front()?.entry.seq;
        let skip = (since.0 + 1).checked_sub(first.0)?;
        let skip = usize::try_from(skip).ok()?;
        Some(inner.recent.iter().skip(skip).take(limit).cloned().collect())
    }

    /// Lines of a run from `from` on.
    pub fn tail(&self, run: &RunId, from: u64) -> Tail {
        let inner = self.inner();
        let Some(window) = inner.tails.get(run) else { return Tail::InStore };
        if from >= window.next {
            return Tail::UpToDate;
        }
        let first = window.next - u64::try_from(window.pieces.len()).unwrap_or(0);
        match from.checked_sub(first).and_then(|skip| usize::try_from(skip).ok()) {
            Some(skip) => Tail::Lines(window.pieces.iter().skip(skip).cloned().collect()),
            None => Tail::InStore,
        }
    }

    pub(super) fn publish(&self, entries: Vec<Arc<Stored>>, output: Vec<(RunId, u64, Vec<Arc<Piece>>)>) {
        let mut inner = self.inner();
        for stored in entries {
            inner.head = stored.entry.seq;
            inner.recent.push_back(stored);
        }
        let over = inner.recent.len().saturating_sub(ENTRIES);
        inner.recent.drain(..over);
        for (run, next, pieces) in output {
            inner.tails.entry(run).or_default().push(next, pieces);
        }
        inner.waiting.retain(|waiting| {
            let alive = waiting.upgrade();
            if let Some(notify) = &alive {
                notify.notify_one();
            }
            alive.is_some()
        });
    }

    /// The run is over; who still follows reads the store.
    pub(super) fn close(&self, run: &RunId) {
        self.inner().tails.remove(run);
    }
}

impl TailWindow {
    fn push(&mut self, next: u64, pieces: Vec<Arc<Piece>>) {
        self.next = next;
        for piece in pieces {
            self.bytes += piece.bytes.len();
            self.pieces.push_back(piece);
        }
        while self.bytes > TAIL {
            let Some(oldest) = self.pieces.pop_front() else { break };
            self.bytes -= oldest.bytes.len();
        }
    }
}
