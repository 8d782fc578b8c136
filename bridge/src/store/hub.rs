//! What was committed last, and output that is about to be, for those who follow. Nobody has a queue here: a follower knows what it has,
//! is woken, and takes what is newer from these windows, or from the database when it fell behind. So a
//! slow client costs nothing and nothing is skipped.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use shared::id::RunId;
use shared::unit::Seq;
use tokio::sync::Notify;

use super::follower::Follower;
use super::{Page, Piece, Stored};

/// Entries, and bytes of their JSON, kept in memory for followers that keep up.
const ENTRIES: usize = 2_048;
const BYTES: usize = 4 * 1024 * 1024;
/// Bytes of each live run's output kept for followers that keep up, beside what is not committed yet.
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
    recent_bytes: usize,
    tails: HashMap<RunId, TailWindow>,
    /// Who reads the store, and who follows the windows.
    readers: Vec<Weak<Notify>>,
    followers: Vec<Weak<Follower>>,
}

#[derive(Debug, Default)]
struct TailWindow {
    /// The line after the last.
    next: u64,
    pieces: VecDeque<Arc<Piece>>,
    bytes: usize,
    /// The line after the last that is known to be committed. What is not cannot be read elsewhere, and stays.
    stored: u64,
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
    /// No window: the run has written nothing since the bridge started, or is over. The store has all of it.
    Quiet,
}

impl Hub {
    pub(super) fn new(head: Seq) -> Self {
        let inner = Inner {
            head,
            recent: VecDeque::new(),
            recent_bytes: 0,
            tails: HashMap::new(),
            readers: Vec::new(),
            followers: Vec::new(),
        };
        Self { inner: Mutex::new(inner) }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes this from now on whenever something was committed, until it is dropped.
    pub fn subscribe(&self) -> Arc<Notify> {
        let notify = Arc::new(Notify::new());
        self.inner().readers.push(Arc::downgrade(&notify));
        notify
    }

    /// Somebody who is woken from now on whenever there is a new entry, or anything new of a run that it follows;
    /// until it is dropped.
    pub fn follower(&self) -> Arc<Follower> {
        let follower = Arc::default();
        self.inner().followers.push(Arc::downgrade(&follower));
        follower
    }

    pub fn head(&self) -> Seq {
        self.inner().head
    }

    /// The page of entries after `since`; nothing when the window does not reach back that far.
    pub(super) fn entries_after(&self, since: Seq, page: Page) -> Option<Vec<Arc<Stored>>> {
        let inner = self.inner();
        if since >= inner.head {
            return Some(Vec::new());
        }
        let first = inner.recent.front()?.entry.seq;
        let skip = (since.0 + 1).checked_sub(first.0)?;
        let skip = usize::try_from(skip).ok()?;
        let mut entries = Vec::new();
        let mut size = 0;
        for stored in inner.recent.iter().skip(skip) {
            if !page.has_room(entries.len(), size) {
                break;
            }
            size += stored.json.len();
            entries.push(Arc::clone(stored));
        }
        Some(entries)
    }

    /// Lines of a run from `from` on.
    pub fn tail(&self, run: &RunId, from: u64) -> Tail {
        let inner = self.inner();
        let Some(window) = inner.tails.get(run) else { return Tail::Quiet };
        if from >= window.next {
            return Tail::UpToDate;
        }
        match from.checked_sub(window.first()).and_then(|skip| usize::try_from(skip).ok()) {
            Some(skip) => Tail::Lines(window.pieces.iter().skip(skip).cloned().collect()),
            None => Tail::InStore,
        }
    }

    pub(super) fn publish(&self, entries: Vec<Arc<Stored>>, output: Vec<(RunId, u64, Vec<Arc<Piece>>)>) {
        let mut inner = self.inner();
        let has_entries = !entries.is_empty();
        for stored in entries {
            inner.head = stored.entry.seq;
            inner.recent_bytes += stored.json.len();
            inner.recent.push_back(stored);
        }
        while inner.recent.len() > ENTRIES || inner.recent_bytes > BYTES {
            let Some(oldest) = inner.recent.pop_front() else { break };
            inner.recent_bytes -= oldest.json.len();
        }
        for (run, next, pieces) in output {
            let window = inner.tails.entry(run.clone()).or_default();
            window.stored = window.stored.max(next);
            // An empty one was told already, and what was told since stands behind it.
            if pieces.is_empty() {
                window.trim();
            } else {
                window.push(next, pieces);
                each(&mut inner.followers, |follower| follower.look(&run));
            }
        }
        each(&mut inner.readers, Notify::notify_one);
        if has_entries {
            each(&mut inner.followers, Follower::wake);
        }
    }

    /// Hands lines to followers that the writer has not committed yet.
    pub(super) fn tell(&self, run: &RunId, first: u64, pieces: &[Arc<Piece>]) {
        let mut inner = self.inner();
        let next = first + u64::try_from(pieces.len()).unwrap_or(0);
        let window = inner.tails.entry(run.clone()).or_default();
        // Told once, however often they have to be stored.
        if next > window.next {
            window.push(next, pieces.to_vec());
            each(&mut inner.followers, |follower| follower.look(run));
        }
    }

    /// The run is over; who still follows reads the store.
    pub(super) fn close(&self, run: &RunId) {
        self.inner().tails.remove(run);
    }
}

fn each<T>(waiting: &mut Vec<Weak<T>>, tell: impl Fn(&T)) {
    waiting.retain(|waiting| {
        let alive = waiting.upgrade();
        if let Some(waiting) = &alive {
            tell(waiting);
        }
        alive.is_some()
    });
}

impl TailWindow {
    fn push(&mut self, next: u64, pieces: Vec<Arc<Piece>>) {
        self.next = next;
        for piece in pieces {
            self.bytes += piece.bytes.len();
            self.pieces.push_back(piece);
        }
        self.trim();
    }

    fn first(&self) -> u64 {
        self.next - u64::try_from(self.pieces.len()).unwrap_or(0)
    }

    fn trim(&mut self) {
        while self.bytes > TAIL && self.first() < self.stored {
            let Some(oldest) = self.pieces.pop_front() else { break };
            self.bytes -= oldest.bytes.len();
        }
    }
}
