//! What waits for the writer, in order. Lines that followers have already wait beside it for more of their kind: nobody
//! waits for their commit, and one for each would take the time in which the next are passed on. They are written in
//! slices while they wait, or the commit would take that time in one piece, and lines that come in it would be late.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use shared::id::RunId;
use tokio::runtime::{self, Runtime};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use super::writer::{Counted, Job};
use super::{Piece, StoreError};

/// Jobs that wait. When it is full, who sends waits: a client is slowed through its socket, an agent's output
/// stays in its file, and memory stays as it is.
const LONGEST: usize = 1_024;
/// Jobs in one transaction, beside told lines: enough to share an fsync, few enough to answer soon.
const GROUP: usize = 256;
/// For so long told lines wait for more. Each run's go to another page of the file, so the more of them a commit has,
/// the less there is to write: with 200 runs a commit takes some milliseconds, in which lines that come are late.
const GATHER: Duration = Duration::from_millis(500);
/// Bytes of told lines that wait for a commit, of all runs together, at most; then it comes at once.
const MOST: usize = 2 * 1024 * 1024;
/// Bytes of told lines in one slice, at least: so few that their writing is hardly felt, and not so few that waking the
/// writer costs more than what it then does.
const SLICE: usize = 4 * 1024;
/// Bytes that were written in slices when they are committed, for each run of them: so many that the page on which a
/// run's next line comes is seldom written twice. Where few runs write much, that is long before they have gathered, and
/// the commit is over before anybody misses its processor. One slice with more is of a run that outpaces the writer,
/// whose commits should be few.
const WRITTEN: usize = 24 * 1024;

#[derive(Debug)]
pub(super) enum Next {
    Job(Job),
    /// Told lines wait, the first or enough for a slice.
    Told,
    /// Somebody waits for the told lines.
    Hurry,
}

/// What the writer does next.
pub(super) enum Work {
    /// To be written, not committed yet.
    Slice(Vec<Slice>),
    /// To be committed, with all that was written.
    Group(Vec<Job>),
}

/// Told lines of a run, as those from this number on. The answer to them goes with the group.
pub(super) type Slice = (RunId, u64, Vec<Arc<Piece>>);

/// Lines that were told and are not committed. Bounded by their readers, which wait for the store when too many of a
/// run are under way.
#[derive(Debug, Default)]
struct Told {
    /// Of each run those that are not written either.
    runs: HashMap<RunId, Lines>,
    /// Of these, all together.
    unwritten: usize,
    /// Of all.
    bytes: usize,
}

/// Lines of one run that follow each other.
#[derive(Debug)]
pub(super) struct Lines {
    /// The number of the first.
    pub first: u64,
    pub pieces: Vec<Arc<Piece>>,
    pub reply: oneshot::Sender<Counted>,
}

pub(super) fn queue() -> std::io::Result<(Sender, Receiver)> {
    let (jobs, waiting) = mpsc::channel(LONGEST);
    let told = Arc::default();
    let clock = runtime::Builder::new_current_thread().enable_time().build()?;
    Ok((
        Sender { jobs, told: Arc::clone(&told) },
        Receiver { jobs: waiting, told, clock, until: None, enough: false },
    ))
}

/// The end of those who want something stored; the writer ends with the last of them.
#[derive(Debug, Clone)]
pub(super) struct Sender {
    jobs: mpsc::Sender<Next>,
    told: Arc<Mutex<Told>>,
}

impl Sender {
    pub(super) async fn send(&self, job: Job) -> Result<(), StoreError> {
        self.jobs.send(Next::Job(job)).await.map_err(|_| StoreError::Closed)
    }

    pub(super) fn downgrade(&self) -> mpsc::WeakSender<Next> {
        self.jobs.downgrade()
    }

    /// Puts lines to those that wait, as those from `first` on. Gives where the answer to them comes, or nothing where
    /// they joined the run's last ones, and the answer to those is theirs too.
    pub(super) fn gather(
        &self,
        run: &RunId,
        first: u64,
        pieces: &[Arc<Piece>],
    ) -> Result<Option<oneshot::Receiver<Counted>>, StoreError> {
        let mut told = lock(&self.told);
        let size: usize = pieces.iter().map(|piece| piece.bytes.len()).sum();
        let first_or_enough =
            told.runs.is_empty() || (told.unwritten < SLICE && told.unwritten + size >= SLICE);
        let too_many = told.bytes < MOST && told.bytes + size >= MOST;
        told.unwritten += size;
        told.bytes += size;
        let mut answered = None;
        if let Some(lines) = told.runs.get_mut(run) {
            lines.pieces.extend_from_slice(pieces);
        } else {
            let (reply, answer) = oneshot::channel();
            told.runs.insert(run.clone(), Lines { first, pieces: pieces.to_vec(), reply });
            answered = Some(answer);
        }
        drop(told);
        if first_or_enough && let Err(mpsc::error::TrySendError::Closed(_)) = self.jobs.try_send(Next::Told) {
            return Err(StoreError::Closed);
        }
        if too_many {
            self.hurry();
        }
        Ok(answered)
    }

    /// Has told lines wait no longer.
    pub(super) fn hurry(&self) {
        // A queue that is full keeps the writer awake by itself, and each of its groups takes them along.
        let _ = self.jobs.try_send(Next::Hurry);
    }
}

/// The writer's end.
pub(super) struct Receiver {
    jobs: mpsc::Receiver<Next>,
    told: Arc<Mutex<Told>>,
    clock: Runtime,
    /// When told lines have waited long enough, while there are any.
    until: Option<Instant>,
    /// Those that are written are worth a commit.
    enough: bool,
}

impl Receiver {
    /// Waits for what is to be done next; nothing when nobody is left who could want anything, and nothing waits.
    pub(super) fn next(&mut self) -> Option<Work> {
        if self.enough {
            return Some(Work::Group(self.group(None)));
        }
        let word = match self.until {
            None => Some(self.jobs.blocking_recv()?),
            // Nothing at the end of the time, and when all senders are gone.
            Some(until) => {
                self.clock.block_on(async { timeout_at(until, self.jobs.recv()).await }).ok().flatten()
            }
        };
        let first = match word {
            Some(Next::Told) => {
                self.until.get_or_insert_with(|| Instant::now() + GATHER);
                return Some(Work::Slice(self.slice()));
            }
            Some(Next::Job(job)) => Some(job),
            Some(Next::Hurry) | None => None,
        };
        Some(Work::Group(self.group(first)))
    }

    /// What of the told lines is to be written now.
    fn slice(&mut self) -> Vec<Slice> {
        let mut told = lock(&self.told);
        if told.unwritten < SLICE {
            return Vec::new();
        }
        let size = std::mem::take(&mut told.unwritten);
        self.enough = size <= WRITTEN && told.bytes >= WRITTEN * told.runs.len();
        told.runs.iter_mut().filter_map(|(run, lines)| lines.slice(run)).collect()
    }

    fn group(&mut self, first: Option<Job>) -> Vec<Job> {
        let mut jobs: Vec<Job> = first.into_iter().collect();
        while jobs.len() < GROUP
            && let Ok(word) = self.jobs.try_recv()
        {
            jobs.extend(if let Next::Job(job) = word { Some(job) } else { None });
        }
        self.until = None;
        self.enough = false;
        // Taken after the jobs and stored before them: what an append follows from was told before it was sent.
        let told = std::mem::take(&mut *lock(&self.told));
        let told = told.runs.into_iter().map(|(run, lines)| Job::Output { run, lines, told: true });
        told.chain(jobs).collect()
    }
}

impl Lines {
    /// Takes the lines; those that come next follow them.
    fn slice(&mut self, run: &RunId) -> Option<Slice> {
        let first = self.first;
        let pieces = std::mem::take(&mut self.pieces);
        self.first += u64::try_from(pieces.len()).unwrap_or(0);
        (!pieces.is_empty()).then(|| (run.clone(), first, pieces))
    }
}

fn lock(told: &Mutex<Told>) -> MutexGuard<'_, Told> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
