//! A supervisor with a store and a project of its own. Waiting is for the store's word.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bridge::config::Config;
use bridge::store::{Page, Store};
use bridge::supervisor::Supervisor;
use shared::entry::{Actor, Draft, Kind};
use shared::id::{ProjectId, RunId, TaskId};
use shared::run::{Pipes, Program, Resources, RunEnd, RunLimits, RunSpec, Signal};
use shared::unit::{Millis, Seq};
use tempfile::TempDir;
use tests::world::ordered;
use tokio::time::timeout;

/// A healthy test never waits so long.
const PATIENCE: Duration = Duration::from_secs(120);

pub struct Bench {
    pub dir: TempDir,
    pub project: PathBuf,
    pub store: Store,
    pub supervisor: Supervisor,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Ended {
    pub end: RunEnd,
    pub lines: u64,
    pub pipes: Pipes,
}

impl Bench {
    pub async fn new(config: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let project = dir.path().join("project");
        std::fs::create_dir(&project).unwrap();
        let bench = Self::open(dir, config);
        bench.supervisor.reconcile().await.unwrap();
        let folder = project.to_str().unwrap().to_owned();
        bench.append(Kind::ProjectOpened { folder, name: "project".to_owned() }).await;
        bench
    }

    /// On a folder that another bench has left.
    pub fn open(dir: TempDir, config: &str) -> Self {
        let store = Store::open(dir.path()).unwrap();
        let config: Config = toml::from_str(config).unwrap();
        let (runs, shim) = (dir.path().join("runs"), PathBuf::from(env!("CARGO_BIN_EXE_orchestrator")));
        let supervisor = Supervisor::new(store.clone(), Arc::new(config), &runs, shim).unwrap();
        Self { project: dir.path().join("project"), dir, store, supervisor }
    }

    /// Commits an entry and carries it out, as the bridge does.
    pub async fn append(&self, kind: Kind) {
        for stored in self.commit(vec![kind]).await {
            self.supervisor.carry_out(&stored.entry);
        }
    }

    pub async fn commit(&self, kinds: Vec<Kind>) -> Vec<Arc<bridge::store::Stored>> {
        let project = ProjectId::new("p").unwrap();
        let drafts = kinds.into_iter().map(|kind| Draft::new(Some(project.clone()), kind)).collect();
        self.store.append(Actor::Bridge, drafts).await.unwrap()
    }

    pub fn spec(&self, program: Program) -> RunSpec {
        RunSpec::new(program, self.project.to_str().unwrap())
    }

    pub fn sh(&self, command: impl Into<String>) -> RunSpec {
        self.spec(Program::Shell { command: command.into() })
    }

    pub async fn start(&self, spec: RunSpec) -> RunId {
        let run = new_run();
        self.append(requested(&run, spec)).await;
        run
    }

    /// Starts and waits for the end.
    pub async fn run(&self, spec: RunSpec) -> (RunId, Ended) {
        let run = self.start(spec).await;
        let ended = self.ended(&run).await;
        (run, ended)
    }

    pub async fn signal(&self, run: &RunId, signal: Signal) {
        self.append(Kind::SignalSent { run: run.clone(), signal, budget: None }).await;
    }

    pub async fn kinds(&self) -> Vec<Kind> {
        let (mut kinds, mut after) = (Vec::new(), Seq(0));
        loop {
            let page = Page { entries: 1_000, bytes: 1 << 24 };
            let entries = self.store.entries_after(after, page).await.unwrap();
            let Some(last) = entries.last() else { return kinds };
            after = last.entry.seq;
            kinds.extend(entries.iter().filter_map(|stored| stored.entry.body.known().cloned()));
        }
    }

    /// What `wanted` makes of the log, as soon as it makes something of it.
    pub async fn until<T>(&self, what: &str, wanted: impl Fn(&[Kind]) -> Option<T>) -> T {
        let wake = self.store.hub().subscribe();
        let found = async {
            loop {
                if let Some(found) = wanted(&self.kinds().await) {
                    return found;
                }
                wake.notified().await;
            }
        };
        timeout(PATIENCE, found).await.unwrap_or_else(|_| panic!("no {what}"))
    }

    pub async fn ended(&self, wanted: &RunId) -> Ended {
        let find = |kinds: &[Kind]| {
            kinds.iter().find_map(|kind| match kind {
                Kind::RunEnded { run, end, lines, pipes, .. } if run == wanted => {
                    Some(Ended { end: end.clone(), lines: *lines, pipes: *pipes })
                }
                _ => None,
            })
        };
        self.until("end", find).await
    }

    /// What a run used, once it is over.
    pub async fn used(&self, wanted: &RunId) -> Option<Resources> {
        let find = |kinds: &[Kind]| {
            kinds.iter().find_map(|kind| match kind {
                Kind::RunEnded { run, used, .. } if run == wanted => Some(*used),
                _ => None,
            })
        };
        self.until("end", find).await
    }

    /// Everything that a run wrote, once it wrote `text`.
    pub async fn said(&self, run: &RunId, text: &str) -> String {
        let wake = self.store.hub().subscribe();
        let said = async {
            loop {
                let all = String::from_utf8_lossy(&self.bytes(run).await).into_owned();
                if all.contains(text) {
                    return all;
                }
                wake.notified().await;
            }
        };
        timeout(PATIENCE, said).await.unwrap_or_else(|_| panic!("never said {text}"))
    }

    pub async fn bytes(&self, run: &RunId) -> Vec<u8> {
        let pieces = self.store.output_from(run, 0, usize::MAX).await.unwrap();
        pieces.into_iter().flat_map(|piece| piece.bytes).collect()
    }
}

pub fn requested(run: &RunId, spec: RunSpec) -> Kind {
    ordered(run.clone(), TaskId::new("t").unwrap(), spec)
}

/// No two tests may have a run of the same name: its mark is how processes are found.
pub fn new_run() -> RunId {
    RunId::new(&uuid::Uuid::now_v7().to_string()).unwrap()
}

/// Whether a process is there and no zombie.
pub fn lives(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

pub fn grace(millis: u64) -> RunLimits {
    RunLimits { grace: Millis(millis), ..RunLimits::default() }
}

/// Starts a run that says "ready", and then cuts its bridge off as a crash does.
pub fn crashed(spec: impl Fn(&Bench) -> RunSpec) -> (TempDir, RunId) {
    cut_off(async || {
        let bench = Bench::new("").await;
        let run = bench.start(spec(&bench)).await;
        bench.said(&run, "ready").await;
        (bench, run)
    })
}

/// Goes on with a bench's folder as the next bridge.
pub fn next<T>(dir: TempDir, then: impl AsyncFnOnce(&Bench) -> T) -> T {
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let bench = Bench::open(dir, "");
        bench.supervisor.reconcile().await.unwrap();
        then(&bench).await
    })
}

/// Cuts a bridge off, when it has done this.
pub fn cut_off<T>(doing: impl AsyncFnOnce() -> (Bench, T)) -> (TempDir, T) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (bench, done) = runtime.block_on(doing());
    let Bench { dir, store, supervisor, .. } = bench;
    // It does not end its runs, but it is gone when the next one comes: with its tasks, and with what its store still writes.
    runtime.shutdown_timeout(PATIENCE);
    drop((store, supervisor));
    let log = dir.path().join("log.db");
    let is_open = || {
        let files = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
        files.filter_map(|file| std::fs::read_link(file.path()).ok()).any(|file| file == log)
    };
    while is_open() {
        std::thread::yield_now();
    }
    (dir, done)
}
