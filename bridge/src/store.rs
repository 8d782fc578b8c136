//! The store: the log and the raw output of runs in one SQLite file. A writer thread owns the write
//! connection and commits in groups; an append is acknowledged after its commit and published after that.
//! Readers have connections of their own. It knows nothing of sockets and processes.

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use rusqlite::types::Type;
use shared::entry::{Actor, Draft, Entry};
use shared::id::{AppendId, LogId, RunId};
use shared::run::Stream;
use shared::unit::{Millis, Seq};
use tokio::sync::oneshot;

use crate::clock;
use crate::system::{self, Behind};

mod backup;
mod block;
mod checkpoint;
mod compact;
mod follower;
mod hub;
mod missing;
mod output;
mod pool;
mod queue;
mod read;
mod schema;
mod transfer;
mod writer;

pub use backup::{BackupError, Copied, copies, restore, without_end};
use checkpoint::Checkpoints;
use compact::Compactor;
pub use follower::Follower;
pub use hub::{Hub, Tail};
pub use missing::nothing_lost;
pub use output::{Removable, Sizes};
use pool::Pool;
use queue::{Lines, queue};
pub use read::{OpenRun, Page};
pub(crate) use schema::private;
pub use schema::{Look, OpenError, SCHEMA, look};
pub use transfer::{Counts, TransferError, export, import, replayed};
use writer::{Appended, Counted, Job};

/// A handle to the store; copies share it.
#[derive(Debug, Clone)]
pub struct Store {
    jobs: queue::Sender,
    hub: Arc<Hub>,
    readers: Arc<Pool>,
    log: LogId,
}

/// An entry with its JSON as the wire sends it, encoded once for all clients.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    pub entry: Entry,
    pub json: Arc<str>,
}

/// A line of output with its newline, or a piece of one: of a line that is too long, or the unended last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    pub stream: Stream,
    pub at: Millis,
    pub bytes: Vec<u8>,
}

/// Why something was not stored or not read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    #[error("the database could not be written: {0}")]
    Write(String),
    #[error("the database could not be read: {0}")]
    Read(String),
    #[error(
        "{0}. The rest can be read. The newest backup may still have it: see the data folder's `backups`."
    )]
    Damaged(String),
    #[error("run {0} exists already")]
    RunExists(RunId),
    #[error("run {0} was never requested")]
    NoSuchRun(RunId),
    #[error("earlier lines of run {0} are not stored")]
    TooEarly(RunId),
    #[error("decided without knowing what a person said in entry {0}")]
    Overtaken(Seq),
    #[error("the entry could not be encoded: {0}")]
    Encode(String),
    #[error("the store is closed")]
    Closed,
}

impl Store {
    /// Opens or makes `log.db` in `dir`, migrates it and checks it. Starts the writer thread, which ends
    /// when the last handle is gone.
    pub fn open(dir: &Path) -> Result<Self, OpenError> {
        let file = dir.join("log.db");
        let connection = schema::open(&file)?;
        Self::start(connection, Pool::new(file), clock::now)
    }

    fn start(connection: Connection, readers: Pool, clock: fn() -> Millis) -> Result<Self, OpenError> {
        let failed = |error| OpenError::Sqlite(readers.file().to_owned(), error);
        let head = read::head(&connection).map_err(failed)?;
        let log = read::identity(&connection).map_err(failed)?;
        let hub = Arc::new(Hub::new(head.0));
        let checkpoints = Checkpoints::start(&connection, readers.file())?;
        let (jobs, queue) = queue().map_err(|error| OpenError::Thread(error.to_string()))?;
        let compactor = Compactor::start(jobs.downgrade(), readers.file().to_owned())?;
        let writer = writer::Writer::new(connection, checkpoints, compactor, Arc::clone(&hub), clock, head);
        std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || {
                // Whoever hands lines over goes on to tell them.
                system::give_way(Behind::Wakers);
                writer.run(queue);
            })
            .map_err(|error| OpenError::Thread(error.to_string()))?;
        Ok(Self { jobs, hub, readers: Arc::new(readers), log })
    }

    /// Commits the drafts together and gives them as entries, in order.
    pub async fn append(&self, actor: Actor, drafts: Vec<Draft>) -> Result<Vec<Arc<Stored>>, StoreError> {
        self.submit(actor, None, None, drafts).await?.committed().await.map(|(entries, _)| entries)
    }

    /// Like [`Store::append`], once per `id`: again gives no entries and the sequence number of the first
    /// time. With `seen` it is refused when a person's entry came after that one. Takes its place in the log's order when it returns, and is committed when [`Pending`] says so,
    /// which it is also when nobody waits for that.
    pub async fn append_once(
        &self,
        actor: Actor,
        id: AppendId,
        seen: Option<Seq>,
        drafts: Vec<Draft>,
    ) -> Result<Pending, StoreError> {
        self.submit(actor, Some(id), seen, drafts).await
    }

    async fn submit(
        &self,
        actor: Actor,
        id: Option<AppendId>,
        seen: Option<Seq>,
        drafts: Vec<Draft>,
    ) -> Result<Pending, StoreError> {
        let (reply, answer) = oneshot::channel();
        let job = Job::Append { actor, id, seen, drafts, reply };
        self.jobs.send(job).await?;
        Ok(Pending(answer))
    }

    /// Commits lines of a run's output behind those that it has; gives how many it has then.
    #[cfg(test)]
    pub(crate) async fn append_output(&self, run: &RunId, pieces: Vec<Piece>) -> Result<u64, StoreError> {
        let first = self.output_sizes(run).await?.lines;
        let pieces: Vec<_> = pieces.into_iter().map(Arc::new).collect();
        self.put_output(run, first, &pieces).await?.committed().await
    }

    /// Takes lines of a run's output as those from `first` on, to be committed when [`Committing`] says so. What of
    /// them is stored is not stored again; while earlier ones are missing they are refused.
    pub async fn put_output(
        &self,
        run: &RunId,
        first: u64,
        pieces: &[Arc<Piece>],
    ) -> Result<Committing, StoreError> {
        let (reply, answer) = oneshot::channel();
        let job = Job::Output {
            run: run.clone(),
            lines: Lines { first, pieces: pieces.to_vec(), reply },
            told: false,
        };
        self.jobs.send(job).await?;
        Ok(Committing(answer))
    }

    /// The same, and followers have them at once: for lines of which the caller knows that they will have these
    /// numbers, whatever happens to the bridge before the commit. Nobody then waits for that, so it may take some
    /// milliseconds more. Gives nothing where the answer to the run's last ones is the answer to these, too.
    pub fn tell_output(
        &self,
        run: &RunId,
        first: u64,
        pieces: &[Arc<Piece>],
    ) -> Result<Option<Committing>, StoreError> {
        let answer = self.jobs.gather(run, first, pieces)?;
        // Whatever a client concludes from them is now behind them.
        self.hub.tell(run, first, pieces);
        Ok(answer.map(Committing))
    }

    /// Has lines that were told be committed at once, as somebody waits for it.
    pub fn hurry(&self) {
        self.jobs.hurry();
    }

    /// Which history this is: the same as long as the log only grows, another after [`restore`] or [`import`].
    pub fn log(&self) -> &LogId {
        &self.log
    }

    /// What was committed last, and who waits for more.
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// The entries that follow `since`, a page of them; none when it is the newest.
    pub async fn entries_after(&self, since: Seq, page: Page) -> Result<Vec<Arc<Stored>>, StoreError> {
        match self.hub.entries_after(since, page) {
            Some(entries) => Ok(entries),
            None => self.read(move |connection| read::entries_after(connection, since, page)).await,
        }
    }

    /// Lines of a run from `from` on, about `bytes` bytes of them and at least one.
    pub async fn output_from(&self, run: &RunId, from: u64, bytes: usize) -> Result<Vec<Piece>, StoreError> {
        let run = run.clone();
        self.read(move |connection| output::from(connection, &run, from, bytes)).await
    }

    /// The last lines of a run before `before`, about `bytes` bytes of them, with the number of the first. It
    /// begins where a line of the agent begins, unless that line is very long and stored in many pieces.
    pub async fn output_before(
        &self,
        run: &RunId,
        before: u64,
        bytes: usize,
    ) -> Result<(u64, Vec<Piece>), StoreError> {
        let run = run.clone();
        self.read(move |connection| output::before(connection, &run, before, bytes)).await
    }

    /// How much of a run's output is stored.
    pub async fn output_sizes(&self, run: &RunId) -> Result<Sizes, StoreError> {
        let run = run.clone();
        self.read(move |connection| output::sizes(connection, &run)).await
    }

    /// Runs that ended before `before`, were read to their end and still have output; the first of many.
    pub async fn removable(&self, before: Millis) -> Result<Vec<Removable>, StoreError> {
        self.read(move |connection| output::removable(connection, before)).await
    }

    /// Runs that were requested and have not ended, oldest first.
    pub async fn open_runs(&self) -> Result<Vec<OpenRun>, StoreError> {
        self.read(read::open_runs).await
    }

    /// The order of a run.
    pub async fn order_of(&self, run: &RunId) -> Result<Option<Arc<Stored>>, StoreError> {
        let run = run.clone();
        self.read(move |connection| read::order_of(connection, &run)).await
    }

    /// What a run is told while it lives, a page of what follows `since`.
    pub async fn orders_to(
        &self,
        run: &RunId,
        since: Seq,
        page: Page,
    ) -> Result<Vec<Arc<Stored>>, StoreError> {
        let run = run.clone();
        self.read(move |connection| read::orders_to(connection, &run, since, page)).await
    }

    /// The newest entry of a kind.
    pub async fn last_of_kind(&self, kind: &'static str) -> Result<Option<Arc<Stored>>, StoreError> {
        self.read(move |connection| read::last_of_kind(connection, kind)).await
    }

    /// All entries of a kind, oldest first.
    pub async fn all_of_kind(&self, kind: &'static str) -> Result<Vec<Arc<Stored>>, StoreError> {
        self.read(move |connection| read::all_of_kind(connection, kind)).await
    }

    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let readers = Arc::clone(&self.readers);
        let task = tokio::task::spawn_blocking(move || readers.with(query));
        match task.await {
            Ok(found) => found.map_err(|error| match error {
                rusqlite::Error::FromSqlConversionFailure(_, Type::Blob, why) => {
                    StoreError::Damaged(why.to_string())
                }
                error => StoreError::Read(error.to_string()),
            }),
            // The runtime is being shut down.
            Err(error) if error.is_cancelled() => Err(StoreError::Closed),
            Err(error) => Err(StoreError::Read(error.to_string())),
        }
    }
}

/// An append that waits for its commit.
#[derive(Debug)]
pub struct Pending(oneshot::Receiver<Appended>);

impl Pending {
    /// The entries as committed, and the number of the last.
    pub async fn committed(self) -> Result<(Vec<Arc<Stored>>, Seq), StoreError> {
        self.0.await.map_err(|_| StoreError::Closed)?
    }
}

/// Lines that wait for their commit.
#[derive(Debug)]
pub struct Committing(oneshot::Receiver<Counted>);

impl Committing {
    /// How many lines the run has then. May be dropped and called again until it has answered.
    pub async fn committed(&mut self) -> Result<u64, StoreError> {
        (&mut self.0).await.map_err(|_| StoreError::Closed)?
    }
}

impl Stored {
    fn new(entry: Entry) -> Result<Self, StoreError> {
        let json = serde_json::to_string(&entry).map_err(|error| StoreError::Encode(error.to_string()))?;
        Ok(Self { entry, json: json.into() })
    }
}

#[cfg(test)]
pub(crate) mod tests;
