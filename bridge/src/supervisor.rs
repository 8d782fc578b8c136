//! The supervisor: carries orders out. Each run is a process in a session of its own, watched by a task of
//! its own from start to end; its lines go to the store, its end is a fact in the log. Nothing that it
//! started outlives it, and nothing that is not ours is signalled. It does not know what a run is for.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use shared::entry::{Actor, Draft, Entry, Kind};
use shared::id::{ProjectId, RunId};
use shared::run::{Pipes, RunEnd, RunSpec, Signal};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::config::Config;
use crate::store::{OpenRun, Store, StoreError};

mod end;
mod input;
mod lines;
mod output;
mod prepare;
mod reaper;
mod tree;
mod unix;
mod watcher;

pub(crate) use prepare::environment;

/// Texts for a run's standard input that its process has not read yet. When it is full, a further text is
/// dropped with an error in the bridge's own log: the process does not read.
const INPUTS: usize = 64;
/// Processes that are being started at once; further orders wait their turn.
const STARTS: usize = 8;
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
    config: Arc<Config>,
    runs_dir: PathBuf,
    // Std mutexes: held for a look-up, never over an await.
    live: Mutex<HashMap<RunId, Reins>>,
    /// Folders of opened projects, as given.
    projects: Mutex<Vec<PathBuf>>,
    /// How many runs are alive; the shut-down waits for none.
    count: watch::Sender<usize>,
    closing: watch::Sender<bool>,
    starts: Semaphore,
}

/// What leads to a run while it lives.
#[derive(Debug)]
struct Reins {
    inputs: mpsc::Sender<String>,
    /// The strongest signal that was ordered. Not a queue: a stop must get through however busy the run is.
    signal: watch::Sender<Option<Signal>>,
}

impl Supervisor {
    /// `runs_dir` gets one folder per run while it is open. Nothing happens before [`Self::reconcile`].
    pub fn new(store: Store, config: Arc<Config>, runs_dir: PathBuf) -> Self {
        unix::raise_file_limit();
        let inner = Inner {
            store,
            config,
            runs_dir,
            live: Mutex::default(),
            projects: Mutex::default(),
            count: watch::Sender::new(0),
            closing: watch::Sender::new(false),
            starts: Semaphore::new(STARTS),
        };
        Self { inner: Arc::new(inner) }
    }

    /// At start: knows the projects again, starts what was ordered and not begun, and records as lost what
    /// ran when the last bridge ended, after ending what is left of it. Errs when the store cannot be read.
    pub async fn reconcile(&self) -> Result<(), StoreError> {
        reaper::adopt_orphans(self.inner.closing.subscribe());
        for stored in self.inner.store.all_of_kind("project_opened").await? {
            self.carry_out(&stored.entry);
        }
        let mut lost = JoinSet::new();
        for open in self.inner.store.open_runs().await? {
            if prepare::is_claimed(&self.inner.runs_dir, &open.run) {
                let inner = Arc::clone(&self.inner);
                lost.spawn(async move { inner.give_up(&open).await });
            } else {
                self.carry_out(&open.request.entry);
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
            Some(Kind::ProjectOpened { folder, .. }) => {
                let mut projects = self.inner.projects.lock().unwrap_or_else(PoisonError::into_inner);
                projects.push(PathBuf::from(folder));
            }
            Some(Kind::RunRequested { run, spec, .. }) => self.start(entry.project.clone(), run, spec),
            Some(Kind::SignalSent { run, signal }) => self.signal(run, *signal),
            Some(Kind::InputSent { run, text }) => self.input(run, text),
            _ => {}
        }
    }

    fn start(&self, project: Option<ProjectId>, run: &RunId, spec: &RunSpec) {
        let (inputs, texts) = mpsc::channel(INPUTS);
        let (signal, signals) = watch::channel(None);
        {
            let mut live = self.inner.live();
            if live.contains_key(run) {
                tracing::error!(%run, "a run was ordered twice; the second order is not carried out");
                return;
            }
            live.insert(run.clone(), Reins { inputs, signal });
        }
        self.inner.count.send_modify(|count| *count += 1);
        let inner = Arc::clone(&self.inner);
        let watched =
            watcher::Watched { inner: Arc::clone(&inner), project, run: run.clone(), spec: spec.clone() };
        let run = run.clone();
        let task = tokio::spawn(watcher::watch(Arc::new(watched), texts, signals));
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

    fn input(&self, run: &RunId, text: &str) {
        if let Some(reins) = self.inner.live().get(run)
            && let Err(error) = reins.inputs.try_send(text.to_owned())
        {
            tracing::error!(%run, %error, "input was not taken");
        }
    }

    /// Ends all runs politely, side by side, and returns when their ends are recorded, at the latest after
    /// [`SHUT`]. What was ordered and not begun stays an order for the next bridge.
    pub async fn shut_down(&self) {
        self.inner.closing.send_replace(true);
        let mut count = self.inner.count.subscribe();
        let all = count.wait_for(|count| *count == 0);
        if timeout(SHUT, all).await.is_err() {
            tracing::error!("some runs could not be ended; the next start sees to them");
        }
    }
}

impl Inner {
    fn live(&self) -> MutexGuard<'_, HashMap<RunId, Reins>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a folder lies in an opened project that the configuration allows.
    fn is_open(&self, folder: &Path) -> bool {
        let within = |root: &PathBuf| root.canonicalize().is_ok_and(|root| folder.starts_with(root));
        let projects = self.projects.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let opened = projects.iter().any(within);
        opened && (self.config.folders.is_empty() || self.config.folders.iter().any(within))
    }

    /// Ends what an earlier bridge left of a run, and says that nobody knows how it ended.
    async fn give_up(&self, open: &OpenRun) -> Result<(), StoreError> {
        let own = self.runs_dir.join(open.run.as_str());
        let leader = unix::left_behind(&own, open.process);
        let spec = match open.request.entry.body.known() {
            Some(Kind::RunRequested { spec, .. }) => Some(spec),
            _ => None,
        };
        let polite = spec.map_or(Signal::Terminate, |spec| spec.limits.polite);
        let left = end::end(tree::Tree::new(&open.run, leader), Some(polite), end::after(PARTING)).await;
        let why = match left {
            0 => "the bridge ended while this ran, and so nobody saw its end. Try again; an agent takes up its session.".to_owned(),
            left => format!(
                "the bridge ended while this ran. {left} processes of it were still there and were ended. Try again; an agent takes up its session."
            ),
        };
        let lines = self.store.append_output(&open.run, Vec::new()).await?;
        let project = open.request.entry.project.clone();
        self.record_end(project, &open.run, RunEnd::Lost { why }, lines, Pipes::Closed).await;
        Ok(())
    }

    /// Records the end, after which the run's folder has no use.
    async fn record_end(
        &self,
        project: Option<ProjectId>,
        run: &RunId,
        end: RunEnd,
        lines: u64,
        pipes: Pipes,
    ) {
        let kind = Kind::RunEnded { run: run.clone(), end, lines, pipes };
        let recorded = self.record(Draft::new(project, kind)).await;
        let own = self.runs_dir.join(run.as_str());
        if recorded
            && let Err(error) = tokio::fs::remove_dir_all(&own).await
            && error.kind() != std::io::ErrorKind::NotFound
        {
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
            if *self.closing.borrow() {
                return false;
            }
            sleep(AGAIN).await;
        }
    }
}
