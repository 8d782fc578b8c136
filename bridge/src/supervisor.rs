//! The supervisor: carries orders out. Each run is a process in a session of its own, watched by a task of
//! its own from start to end; its lines go to the store, its end is a fact in the log. Nothing that it
//! started outlives it, and nothing that is not ours is signalled. It does not know what a run is for.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use shared::entry::{Actor, Draft, Entry, Kind};
use shared::id::{ProjectId, RunId};
use shared::run::{Pipes, RunEnd, RunSpec, Signal};
use tokio::sync::{mpsc, watch};

use crate::config::Config;
use crate::store::{Store, StoreError};

mod lines;
mod prepare;
mod tree;
mod unix;
mod watcher;

pub(crate) use prepare::environment;

/// Orders to a run that wait to be carried out. A run that does not take them is being ended already.
const ORDERS: usize = 64;

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
    live: Mutex<HashMap<RunId, mpsc::Sender<Order>>>,
    /// Folders of opened projects, as given.
    projects: Mutex<Vec<PathBuf>>,
    /// How many runs are alive; the shut-down waits for none.
    count: watch::Sender<usize>,
}

#[derive(Debug)]
enum Order {
    Signal(Signal),
    Input(String),
}

impl Supervisor {
    pub fn new(store: Store, config: Arc<Config>, runs_dir: PathBuf) -> Self {
        let inner = Inner {
            store,
            config,
            runs_dir,
            live: Mutex::default(),
            projects: Mutex::default(),
            count: watch::Sender::new(0),
        };
        Self { inner: Arc::new(inner) }
    }

    /// At start: knows the projects again, starts what was ordered and not begun, and records as lost what
    /// ran when the last bridge ended, after ending what is left of it.
    pub async fn reconcile(&self) -> Result<(), StoreError> {
        for stored in self.inner.store.all_of_kind("project_opened").await? {
            self.carry_out(&stored.entry);
        }
        for open in self.inner.store.open_runs().await? {
            if !self.inner.runs_dir.join(open.run.as_str()).join("claim").exists() {
                self.carry_out(&open.request.entry);
                continue;
            }
            let (run, process) = (open.run.clone(), open.process);
            let left =
                tokio::task::spawn_blocking(move || tree::end_leftovers(&run, process)).await.unwrap_or(0);
            let why = if left > 0 {
                format!(
                    "the bridge ended while this ran; {left} processes of it were still there and were ended"
                )
            } else {
                "the bridge ended while this ran".to_owned()
            };
            let project = open.request.entry.project.clone();
            let lines = self.inner.store.append_output(&open.run, Vec::new()).await?;
            self.inner.record_end(project, &open.run, RunEnd::Lost { why }, lines, Pipes::Closed).await;
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
            Some(Kind::SignalSent { run, signal }) => self.order(run, Order::Signal(*signal)),
            Some(Kind::InputSent { run, text }) => self.order(run, Order::Input(text.clone())),
            _ => {}
        }
    }

    fn start(&self, project: Option<ProjectId>, run: &RunId, spec: &RunSpec) {
        let (sender, orders) = mpsc::channel(ORDERS);
        self.inner.live().insert(run.clone(), sender);
        self.inner.count.send_modify(|count| *count += 1);
        let (inner, run, spec) = (Arc::clone(&self.inner), run.clone(), spec.clone());
        tokio::spawn(async move {
            watcher::watch(&inner, project, &run, &spec, orders).await;
            inner.live().remove(&run);
            inner.count.send_modify(|count| *count -= 1);
        });
    }

    fn order(&self, run: &RunId, order: Order) {
        let sender = self.inner.live().get(run).cloned();
        // A run that is over needs no signal, and its end is in the log for who gave it input.
        if let Some(sender) = sender
            && let Err(mpsc::error::TrySendError::Full(order)) = sender.try_send(order)
        {
            tracing::error!(%run, ?order, "a run takes no more orders");
        }
    }

    /// Ends all runs politely, side by side, and returns when their ends are recorded.
    pub async fn shut_down(&self) {
        let senders: Vec<_> = self.inner.live().values().cloned().collect();
        for sender in senders {
            let _ = sender.try_send(Order::Signal(Signal::Terminate));
        }
        let _ = self.inner.count.subscribe().wait_for(|count| *count == 0).await;
    }
}

impl Inner {
    fn live(&self) -> std::sync::MutexGuard<'_, HashMap<RunId, mpsc::Sender<Order>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a folder lies in an opened project that the configuration allows.
    fn is_open(&self, folder: &Path) -> bool {
        let within = |root: &PathBuf| root.canonicalize().is_ok_and(|root| folder.starts_with(root));
        let projects = self.projects.lock().unwrap_or_else(PoisonError::into_inner);
        let opened = projects.iter().any(within);
        opened && (self.config.folders.is_empty() || self.config.folders.iter().any(within))
    }

    async fn record_end(
        &self,
        project: Option<ProjectId>,
        run: &RunId,
        end: RunEnd,
        lines: u64,
        pipes: Pipes,
    ) {
        let kind = Kind::RunEnded { run: run.clone(), end, lines, pipes };
        self.record(Draft::new(project, kind)).await;
    }

    /// Appends a fact. A disk that is full now may have room later, and a fact must not be lost meanwhile.
    async fn record(&self, draft: Draft) {
        while let Err(error) = self.store.append(Actor::Bridge, vec![draft.clone()]).await {
            if matches!(error, StoreError::Closed) {
                return;
            }
            tracing::error!(%error, "a fact could not be recorded; trying again");
            tokio::time::sleep(watcher::AGAIN).await;
        }
    }
}
