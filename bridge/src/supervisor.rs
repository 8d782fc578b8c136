//! The supervisor: carries orders out. Each run is a process of its own, on Unix behind a shim, which outlives
//! the bridge (`unix.rs`), on Windows in a job, which ends with it (`windows.rs`). A task of its own watches over
//! it from start to end, or from where an earlier bridge left it. Its lines go to the store, its end is a fact in
//! the log. When a run is over nothing of it is left, and nothing that is not ours is signalled. It does not know
//! what a run is for.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use shared::entry::{Actor, Draft, Entry, Kind};
use shared::id::{ProjectId, RunId};
use shared::run::{Pipes, Resources, RunEnd, RunSpec, Signal};
use shared::unit::Bytes;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::config::{Config, below};
use crate::store::{OpenRun, Store, StoreError};

use grounds::Grounds;
use os::Bells;
use secrets::Secrets;
use watcher::Begin;

mod bell;
mod elsewhere;
mod end;
mod flight;
mod folder;
mod grounds;
mod inbox;
mod input;
mod insert;
pub mod lines;
mod lookout;
mod output;
mod prepare;
mod process;
pub mod secrets;
mod stray;
mod tools;
#[cfg(unix)]
mod unix;
mod usage;
mod watcher;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as os;
#[cfg(windows)]
use windows as os;

pub(crate) use end::over;
pub(crate) use folder::RunFolder;
pub(crate) use inbox::{Told, Word};
pub(crate) use lookout::{Lookout, turn};
pub(crate) use os::{END_WITH_BRIDGE, running};
pub(crate) use prepare::{MARK, environment};
pub(crate) use process::Process;
pub(crate) use stray::{set_aside, strays};
#[cfg(unix)]
pub(crate) use unix::{own_session, stand_alone, stat, used_by_children};
pub use usage::{ProcessUsage, RunProcesses, run_processes};

/// Processes that are being started at once; further orders wait their turn.
const STARTS: usize = 8;
/// Times that an ended run's folder is removed at most, while its shim may still leave its last two words there: each comes under
/// one name and gets another.
const REMOVALS: u32 = 5;
/// Between tries to store what the disk had no room for.
const AGAIN: Duration = Duration::from_millis(500);
/// What a run gets at most to end by itself when the bridge ends or finds it left behind.
const PARTING: Duration = Duration::from_secs(5);
/// After that the bridge ends without the record of runs that do not die, and the next one sees to them.
const SHUT: Duration = Duration::from_secs(20);

/// Starts, watches and ends runs; copies share it.
#[derive(Debug, Clone)]
pub struct Supervisor {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Store,
    /// What must not be stored of what runs write.
    secrets: Arc<Secrets>,
    config: Arc<Config>,
    runs_dir: PathBuf,
    /// This program: on Unix its `shim` subcommand is started for each run.
    own: PathBuf,
    bells: Bells,
    // Std mutexes: held for a look-up, never over an await.
    live: Mutex<HashMap<RunId, Reins>>,
    grounds: Mutex<Grounds>,
    /// How many runs are alive; the shut-down waits for none.
    count: watch::Sender<usize>,
    closing: watch::Sender<Option<Parting>>,
    starts: Semaphore,
}

/// What becomes of the runs when the bridge ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parting {
    /// They go on, and the next bridge takes them over.
    Leave,
    /// They are asked to end, and then made to.
    End,
}

/// A run that is over, as it is recorded.
#[derive(Debug)]
struct Over {
    end: RunEnd,
    /// Of its output, in the store.
    lines: u64,
    pipes: Pipes,
    used: Option<Resources>,
}

impl Over {
    /// Of which nothing is known but that.
    fn unseen(end: RunEnd) -> Self {
        Self { end, lines: 0, pipes: Pipes::Closed, used: None }
    }
}

/// What leads to a run while it lives.
#[derive(Debug)]
struct Reins {
    /// The log has something new to tell it.
    told: Arc<Notify>,
    /// The strongest signal that was ordered. Not a queue: a stop must get through however busy the run is.
    signal: watch::Sender<Option<Signal>>,
}

impl Supervisor {
    /// `runs_dir` gets one folder per run while it is open; `own` is the path of this program. Nothing
    /// happens before [`Self::reconcile`].
    ///
    /// # Errors
    /// The folder cannot be made, the system has no more inotify instances, or a newer version began a run that is not over.
    pub fn new(store: Store, config: Arc<Config>, runs_dir: &Path, own: PathBuf) -> io::Result<Self> {
        os::make_room();
        std::fs::create_dir_all(runs_dir)?;
        // Absolute, and the same by whatever way the folder is reached: runs are known by it.
        let runs_dir = dunce::canonicalize(runs_dir)?;
        folder::readable(&runs_dir)?;
        let inner = Inner {
            store,
            secrets: Arc::new(Secrets::among(environment(&config).chain(tools::all_variables(&config)))),
            config,
            runs_dir,
            own,
            bells: Bells::new()?,
            live: Mutex::default(),
            grounds: Mutex::default(),
            count: watch::Sender::new(0),
            closing: watch::Sender::new(None),
            starts: Semaphore::new(STARTS),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// At start: knows the projects again, starts what was ordered and not begun, goes on with what runs,
    /// records what ended meanwhile, and calls lost what nobody can tell the end of. Errs when the store
    /// cannot be read.
    pub async fn reconcile(&self) -> Result<(), StoreError> {
        for kind in ["project_opened", "worktree_made"] {
            for stored in self.inner.store.all_of_kind(kind).await? {
                self.carry_out(&stored.entry);
            }
        }
        let mut lost = JoinSet::new();
        let open_runs = self.inner.store.open_runs().await?;
        // Before any order: a stray may have the id of a run that is ordered again, and work in its folder.
        self.inner.clear_strays(&open_runs).await;
        for open in open_runs {
            match self.inner.finding(&open) {
                Finding::Untouched => self.carry_out(&open.request.entry),
                Finding::Begun => self.adopt(&open),
                Finding::Broken => {
                    let inner = Arc::clone(&self.inner);
                    lost.spawn(async move { inner.give_up(&open).await });
                }
            }
        }
        while let Some(recorded) = lost.join_next().await {
            recorded.unwrap_or_else(|error| Err(StoreError::Read(error.to_string())))?;
        }
        Ok(())
    }

    /// Carries a committed entry out where it is an order. Does not block; call it in the order of the log.
    pub fn carry_out(&self, entry: &Entry) {
        match entry.body.known() {
            Some(kind @ (Kind::ProjectOpened { .. } | Kind::WorktreeMade { .. })) => {
                self.inner.grounds.lock().unwrap_or_else(PoisonError::into_inner).learn(kind);
            }
            Some(Kind::RunRequested { run, spec, .. }) => {
                self.watch(entry, run, spec, Begin::New);
            }
            Some(Kind::SignalSent { run, signal, .. }) => self.signal(run, *signal),
            Some(
                Kind::InputSent { run, .. }
                | Kind::InputClosed { run }
                | Kind::TerminalTyped { run, .. }
                | Kind::TerminalResized { run, .. },
            ) => {
                // A run that is over is told nothing.
                if let Some(reins) = self.inner.live().get(run) {
                    reins.told.notify_one();
                }
            }
            _ => {}
        }
    }

    fn adopt(&self, open: &OpenRun) {
        if let Some(Kind::RunRequested { run, spec, .. }) = open.request.entry.body.known() {
            let begin = Begin::Adopt { recorded: open.process.is_some() };
            self.watch(&open.request.entry, run, spec, begin);
        }
    }

    fn watch(&self, order: &Entry, run: &RunId, spec: &RunSpec, begin: Begin) {
        let told = Arc::new(Notify::new());
        let (signal, signals) = watch::channel(None);
        {
            let mut live = self.inner.live();
            if live.contains_key(run) {
                tracing::error!(%run, "a run was ordered twice; the second order is not carried out");
                return;
            }
            live.insert(run.clone(), Reins { told: Arc::clone(&told), signal });
        }
        self.inner.count.send_modify(|count| *count += 1);
        let inner = Arc::clone(&self.inner);
        let watched = watcher::Watched {
            inner: Arc::clone(&inner),
            project: order.project.clone(),
            ordered: order.seq,
            run: run.clone(),
            spec: spec.clone(),
        };
        let run = run.clone();
        let task = tokio::spawn(watcher::watch(Arc::new(watched), begin, told, signals));
        tokio::spawn(async move {
            if let Err(error) = task.await {
                tracing::error!(%error, %run, "the watch over a run broke off");
            }
            inner.live().remove(&run);
            inner.count.send_modify(|count| *count -= 1);
        });
    }

    fn signal(&self, run: &RunId, signal: Signal) {
        // A run that is over needs none.
        if let Some(reins) = self.inner.live().get(run) {
            reins.signal.send_modify(|strongest| {
                if *strongest != Some(Signal::Kill) {
                    *strongest = Some(signal);
                }
            });
        }
    }

    /// Parts from all runs, side by side. To end them takes at most [`SHUT`], and their ends are recorded
    /// when this returns. What was ordered and not begun stays an order for the next bridge. Gives how many
    /// runs go on.
    pub async fn shut_down(&self, parting: Parting) -> usize {
        let there = *self.inner.count.borrow();
        self.inner.closing.send_replace(Some(parting));
        let mut count = self.inner.count.subscribe();
        let all = count.wait_for(|count| *count == 0);
        let slow = timeout(SHUT, all).await.is_err();
        if slow && parting == Parting::End {
            tracing::error!("some runs could not be ended; the next start sees to them");
        }
        if parting == Parting::Leave { there } else { 0 }
    }
}

/// How an earlier bridge left a run that has no end in the log.
enum Finding {
    /// No shim began with it and none ever will: it is to be started.
    Untouched,
    /// Its shim lives or has left word.
    Begun,
    /// Its shim is gone without a word of the end, or its folder cannot be read.
    Broken,
}

impl Inner {
    fn live(&self) -> MutexGuard<'_, HashMap<RunId, Reins>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn folder(&self, run: &RunId) -> RunFolder {
        RunFolder::new(self.runs_dir.join(run.as_str()))
    }

    fn is_closing(&self) -> bool {
        self.closing.borrow().is_some()
    }

    fn finding(&self, open: &OpenRun) -> Finding {
        let folder = self.folder(&open.run);
        // What the log has a process of was begun, whatever became of its folder.
        let begun = open.process.is_some();
        if !begun && !folder.is_claimed() {
            return Finding::Untouched;
        }
        match folder.lock_claim() {
            Ok(None) => Finding::Begun,
            Ok(Some(_)) if folder.is_over() => Finding::Begun,
            // While the lock is held no late shim can begin; and once the folder is gone it finds another.
            Ok(Some(_))
                if !begun && !folder.has_begun() && std::fs::remove_dir_all(folder.path()).is_ok() =>
            {
                Finding::Untouched
            }
            Ok(Some(_)) | Err(_) => Finding::Broken,
        }
    }

    /// Whether a folder lies in an opened project that the configuration allows.
    fn is_open(&self, folder: &Path) -> bool {
        self.grounds().is_open(folder, &self.config.folders)
    }

    /// As they are now; to ask them takes looks at the disk, which nobody is to wait for.
    fn grounds(&self) -> Grounds {
        self.grounds.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether a file may be put into what an agent is told.
    fn may_read(&self, file: &Path) -> bool {
        self.is_open(file) || below(&self.config.characters, file)
    }

    /// Ends what is left of a run whose shim is gone. How it ended is known where that was before the machine was started
    /// again; of others it is said that nobody knows.
    async fn give_up(self: &Arc<Self>, open: &OpenRun) -> Result<(), StoreError> {
        let folder = self.folder(&open.run);
        let spec = match open.request.entry.body.known() {
            Some(Kind::RunRequested { spec, .. }) => Some(spec),
            _ => None,
        };
        let recorded = open.process.and_then(|(pid, started)| {
            Some(Process { pid: i32::try_from(pid).ok()?, started }).filter(|process| os::is_there(*process))
        });
        // What the log says of it has no word of when the machine was started; where the folder has, that counts.
        let leader = if folder.names_leader() { folder.leader() } else { recorded };
        // What it writes until it is gone is kept, as far as its files are there, and what it was given is known as long as
        // it is not.
        let bell = Arc::new(bell::Bell::default());
        let stored = self.store.output_sizes(&open.run).await?;
        let output = output::Output::of(&folder, bell, self, &open.run, spec, stored);
        let polite = spec.map_or(Signal::Terminate, |spec| spec.limits.polite);
        let left = end::end(os::Tree::new(folder.path(), leader), Some(polite), end::after(PARTING)).await;
        let why = match left {
            0 => format!(
                "{}, and so nobody saw its end. Try again; an agent takes up its session.",
                os::UNSEEN
            ),
            left => format!(
                "{}. {left} processes of it were still there and were ended. Try again; an agent takes up its session.",
                os::UNSEEN
            ),
        };
        let limit = Bytes(output::Shape::of(&self.config, spec).limit);
        let (lines, unread) = match output {
            Ok(output) => {
                let read = output.finish().await;
                (read.lines, read.too_much.then_some(RunEnd::TooMuchOutput { limit }))
            }
            Err(error) => {
                let why = format!("its output cannot be read: {error}");
                (stored.lines, Some(RunEnd::Lost { why }))
            }
        };
        if let Some(spec) = spec {
            elsewhere::stop(self, &open.run, spec).await;
        }
        let project = open.request.entry.project.clone();
        let end = unread.or_else(|| folder.end()).unwrap_or(RunEnd::Lost { why });
        let over = Over { used: folder.used(), lines, ..Over::unseen(end) };
        self.record_end(project, &open.run, over).await;
        Ok(())
    }

    /// Records the end, after which the run's folder has no use.
    async fn record_end(&self, project: Option<ProjectId>, run: &RunId, over: Over) {
        let Over { end, lines, pipes, used } = over;
        let kind = Kind::RunEnded { run: run.clone(), end, lines, pipes, used };
        let recorded = self.record(Draft::new(project, kind)).await;
        let folder = self.folder(run);
        let own = folder.path();
        if !recorded {
            return;
        }
        if let Err(error) = take_away(own).await {
            tracing::warn!(%error, folder = %own.display(), "a run's folder stays behind");
        }
    }

    /// Appends a fact. A disk that is full now may have room later, and a fact must not be lost meanwhile;
    /// but a bridge that ends does not wait for that. Says whether it is in the log.
    async fn record(&self, draft: Draft) -> bool {
        loop {
            match self.store.append(Actor::Bridge, vec![draft.clone()]).await {
                Ok(_) => return true,
                Err(StoreError::Closed) => return false,
                Err(error) => tracing::error!(%error, "a fact could not be recorded"),
            }
            if self.is_closing() {
                return false;
            }
            sleep(AGAIN).await;
        }
    }
}

/// Removes the folder of a run that is over. That it is gone already is no error.
async fn take_away(folder: &Path) -> io::Result<()> {
    for rest in (0..REMOVALS).rev() {
        match tokio::fs::remove_dir_all(folder).await {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty && rest > 0 => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            done => return done,
        }
    }
    Ok(())
}
