//! The life of one run, from its order to the record of its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use shared::entry::{Draft, Kind};
use shared::id::{ProjectId, RunId};
use shared::run::{Pipes, RunEnd, RunSpec, Signal, Stdin, Stream};
use shared::unit::Millis;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::ChildStdin;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use super::lines::Splitter;
use super::tree::{Process, kill_all, signal_all};
use super::{Inner, Order, prepare, unix};
use crate::clock;
use crate::store::{Piece, StoreError};

/// Between tries to store what the disk had no room for.
pub(super) const AGAIN: Duration = Duration::from_millis(500);
/// From a process's end to the end of its output, before what holds it open is ended.
const DRAIN: Duration = Duration::from_secs(1);
/// Bytes that are read at once, and so the most that waits for the store per stream.
const CHUNK: usize = 64 * 1024;

pub(super) async fn watch(
    inner: &Arc<Inner>,
    project: Option<ProjectId>,
    run: &RunId,
    spec: &RunSpec,
    orders: mpsc::Receiver<Order>,
) {
    let lines = Arc::new(AtomicU64::new(0));
    let (end, pipes) =
        match prepare::command(inner, run, spec).and_then(|command| unix::spawn(command, &spec.stdin)) {
            Ok(started) => live(inner, project.clone(), run, spec, started, orders, &lines).await,
            Err(end) => (end, Pipes::Closed),
        };
    inner.record_end(project, run, end, lines.load(Ordering::Acquire), pipes).await;
}

async fn live(
    inner: &Arc<Inner>,
    project: Option<ProjectId>,
    run: &RunId,
    spec: &RunSpec,
    unix::Started { mut child, process }: unix::Started,
    mut orders: mpsc::Receiver<Order>,
    lines: &Arc<AtomicU64>,
) -> (RunEnd, Pipes) {
    let pid = u32::try_from(process.pid).unwrap_or(0);
    let started = Kind::RunStarted { run: run.clone(), pid, started: process.started };
    let stdin = child.stdin.take();
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    inner.record(Draft::new(project, started)).await;
    let mut readers = JoinSet::new();
    if let Some(stdout) = stdout {
        readers.spawn(read(Arc::clone(inner), run.clone(), Stream::Stdout, stdout, Arc::clone(lines)));
    }
    if let Some(stderr) = stderr {
        readers.spawn(read(Arc::clone(inner), run.clone(), Stream::Stderr, stderr, Arc::clone(lines)));
    }
    let mut pipe = Input::open(stdin, &spec.stdin);
    let mut deadlines = Deadlines { wall: spec.limits.wall.map(after), kill: None };
    let mut timed_out = false;
    let status = loop {
        tokio::select! {
            status = child.wait() => break status,
            Some(order) = orders.recv() => match order {
                Order::Input(text) => pipe.send(text),
                Order::Signal(signal) => deadlines.kill = ask_to_end(run, process, spec, signal).await,
            },
            () = reached(deadlines.wall) => {
                timed_out = true;
                deadlines.wall = None;
                deadlines.kill = ask_to_end(run, process, spec, Signal::Terminate).await;
            }
            () = reached(deadlines.kill) => {
                deadlines.kill = None;
                end_all(run, process).await;
            }
        }
    };
    let pipes = drain(run, process, readers).await;
    let end = match status {
        _ if timed_out => RunEnd::TimedOut,
        Ok(status) => unix::end_of(status),
        Err(error) => RunEnd::Lost { why: format!("its end could not be read: {error}") },
    };
    (end, pipes)
}

struct Deadlines {
    wall: Option<Instant>,
    kill: Option<Instant>,
}

fn after(span: Millis) -> Instant {
    Instant::now() + Duration::from_millis(span.0)
}

async fn reached(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// Asks everything of the run to end; gives the moment when it is made to.
async fn ask_to_end(run: &RunId, process: Process, spec: &RunSpec, signal: Signal) -> Option<Instant> {
    // The order says to end; how this program likes to be asked is in its spec.
    let polite = match signal {
        Signal::Terminate => spec.limits.polite,
        Signal::Interrupt | Signal::Kill => signal,
    };
    if polite == Signal::Kill {
        end_all(run, process).await;
        return None;
    }
    let run = run.clone();
    let asked = tokio::task::spawn_blocking(move || signal_all(&run, Some(process), unix::number(polite)));
    if let Err(error) = asked.await {
        tracing::error!(%error, "a run could not be signalled");
    }
    Some(after(spec.limits.grace))
}

async fn end_all(run: &RunId, process: Process) -> usize {
    let run = run.clone();
    tokio::task::spawn_blocking(move || kill_all(&run, Some(process))).await.unwrap_or(0)
}

/// Reads what is left, and ends what the process left behind.
async fn drain(run: &RunId, process: Process, mut readers: JoinSet<()>) -> Pipes {
    let drained = timeout(DRAIN, async { while readers.join_next().await.is_some() {} }).await.is_ok();
    let left = end_all(run, process).await;
    if drained {
        return Pipes::Closed;
    }
    tracing::info!(%run, left, "the output was still open after the process ended");
    // What held it open is gone now; a bound all the same, for what even SIGKILL does not reach.
    let _ = timeout(DRAIN, async { while readers.join_next().await.is_some() {} }).await;
    Pipes::Leaky
}

/// Reads one stream to its end. It reads on only when the store has what it read: an agent that writes
/// faster than the disk is slowed by its pipe.
async fn read(
    inner: Arc<Inner>,
    run: RunId,
    stream: Stream,
    mut pipe: impl AsyncRead + Unpin,
    lines: Arc<AtomicU64>,
) {
    let mut splitter = Splitter::new(stream);
    let mut chunk = vec![0; CHUNK];
    loop {
        let pieces = match pipe.read(&mut chunk).await {
            Ok(0) | Err(_) => break,
            Ok(count) => splitter.push(&chunk[..count]),
        };
        store(&inner, &run, pieces, &lines).await;
    }
    store(&inner, &run, splitter.finish().into_iter().collect(), &lines).await;
}

async fn store(inner: &Inner, run: &RunId, pieces: Vec<Piece>, lines: &AtomicU64) {
    if pieces.is_empty() {
        return;
    }
    loop {
        match inner.store.append_output(run, pieces.clone()).await {
            Ok(stored) => {
                lines.fetch_max(stored, Ordering::AcqRel);
                return;
            }
            Err(StoreError::Closed) => return,
            Err(error) => {
                tracing::error!(%error, %run, at = clock::now().0, "output waits for the store");
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

/// The run's standard input.
struct Input {
    /// Texts to be written. When it is full, input is refused: the process does not read.
    texts: Option<mpsc::Sender<String>>,
}

impl Input {
    fn open(stdin: Option<ChildStdin>, kind: &Stdin) -> Self {
        let Some(mut stdin) = stdin else { return Self { texts: None } };
        let (texts, mut queue) = mpsc::channel::<String>(64);
        let keep = match kind {
            Stdin::Pipe => Some(texts),
            Stdin::Text { text } => {
                let _ = texts.try_send(text.clone());
                None
            }
            Stdin::Null => None,
        };
        // A task of its own: a process that does not read must not keep its output from being read.
        tokio::spawn(async move {
            while let Some(text) = queue.recv().await {
                // A process that closed its input has no use for more.
                if stdin.write_all(text.as_bytes()).await.is_err() {
                    break;
                }
            }
            let _ = stdin.shutdown().await;
        });
        Self { texts: keep }
    }

    fn send(&mut self, text: String) {
        if let Some(texts) = &self.texts
            && let Err(error) = texts.try_send(text)
        {
            tracing::error!(%error, "input was not taken");
        }
    }
}
