//! What waits for the writer, in order. Lines that followers have already wait beside it for more of their kind: nobody
//! waits for their commit, and one for each would take the time in which the next are passed on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use shared::id::RunId;
use tokio::runtime::{self, Runtime};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::writer::{Counted, Job};
use super::{Piece, StoreError};

/// Jobs that wait. When it is full, who sends waits: a client is slowed through its socket, an agent's output
/// stays in its file, and memory stays as it is.
const LONGEST: usize = 1_024;
/// Jobs in one transaction, beside told lines: enough to share an fsync, few enough to answer soon.
const GROUP: usize = 256;
/// For so long told lines wait for more. Each run's go to another page of the file, so the more of them a commit has,
/// the less there is to write.
const GATHER: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub(super) enum Next {
    Job(Job),
    /// Told lines wait.
    Told,
}

/// Told lines of each run. Bounded by its reader, which waits for the store when too many are under way.
type Told = Mutex<HashMap<RunId, Lines>>;

/// Lines of one run that follow each other.
#[derive(Debug)]
pub(super) struct Lines {
    /// The number of the first, where it is known.
    pub first: Option<u64>,
    pub pieces: Vec<Arc<Piece>>,
    pub reply: oneshot::Sender<Counted>,
}

pub(super) fn queue() -> std::io::Result<(Sender, Receiver)> {
    let (jobs, waiting) = mpsc::channel(LONGEST);
    let told = Arc::default();
    let clock = runtime::Builder::new_current_thread().enable_time().build()?;
    Ok((Sender { jobs, told: Arc::clone(&told) }, Receiver { jobs: waiting, told, clock }))
}

/// The end of those who want something stored; the writer ends with the last of them.
#[derive(Debug, Clone)]
pub(super) struct Sender {
    jobs: mpsc::Sender<Next>,
    told: Arc<Told>,
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
        if let Some(lines) = told.get_mut(run) {
            lines.pieces.extend_from_slice(pieces);
            return Ok(None);
        }
        let (reply, answer) = oneshot::channel();
        let wakes = told.is_empty();
        told.insert(run.clone(), Lines { first: Some(first), pieces: pieces.to_vec(), reply });
        drop(told);
        if wakes && let Err(mpsc::error::TrySendError::Closed(_)) = self.jobs.try_send(Next::Told) {
            return Err(StoreError::Closed);
        }
        Ok(Some(answer))
    }

    /// Has told lines wait no longer.
    pub(super) fn hurry(&self) {
        // A queue that is full keeps the writer awake by itself, and each of its groups takes them along.
        let _ = self.jobs.try_send(Next::Told);
    }
}

/// The writer's end.
pub(super) struct Receiver {
    jobs: mpsc::Receiver<Next>,
    told: Arc<Told>,
    clock: Runtime,
}

impl Receiver {
    /// Waits for the next group; nothing when nobody is left who could want anything.
    pub(super) fn next(&mut self) -> Option<Vec<Job>> {
        let mut words = vec![self.jobs.blocking_recv()?];
        if let [Next::Told] = words[..] {
            // Whatever comes next ends the gathering, also that word once more.
            let next = self.clock.block_on(async { timeout(GATHER, self.jobs.recv()).await });
            words.extend(next.ok().flatten());
        }
        while words.len() < GROUP
            && let Ok(word) = self.jobs.try_recv()
        {
            words.push(word);
        }
        let jobs =
            words.into_iter().filter_map(|word| if let Next::Job(job) = word { Some(job) } else { None });
        // Taken after the jobs and stored before them: what an append follows from was told before it was sent.
        let told = std::mem::take(&mut *lock(&self.told));
        let told = told.into_iter().map(|(run, lines)| Job::Output { run, lines, told: true });
        Some(told.chain(jobs).collect())
    }
}

fn lock(told: &Told) -> MutexGuard<'_, HashMap<RunId, Lines>> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
