//! The life of one run, from its order to the record of its end.

use std::sync::Arc;
use std::time::Duration;

use shared::entry::{Draft, Kind};
use shared::id::{ProjectId, RunId};
use shared::run::{Pipes, RunEnd, RunSpec, Signal};
use shared::unit::Millis;
use tokio::process::Child;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::end::{self, after, reached};
use super::output::Output;
use super::tree::{Process, Tree};
use super::{Inner, PARTING, input, prepare, reaper, unix};

/// From a process's end to the end of its output, before what holds it open is ended.
const DRAIN: Duration = Duration::from_secs(1);
/// What a process that outlives its run's first one gets to end by itself.
const SURVIVE: Duration = Duration::from_secs(1);

pub(super) struct Watched {
    pub inner: Arc<Inner>,
    pub project: Option<ProjectId>,
    pub run: RunId,
    pub spec: RunSpec,
}

/// Watches over a run until its end is recorded.
pub(super) async fn watch(
    run: Arc<Watched>,
    texts: mpsc::Receiver<String>,
    signals: watch::Receiver<Option<Signal>>,
) {
    let (end, lines, pipes) = match start(&run).await {
        // The order stays in the log, and the next bridge finds no claim.
        Ok(None) => return,
        Ok(Some(started)) => live(&run, started, texts, signals).await,
        Err(end) => (end, 0, Pipes::Closed),
    };
    run.inner.record_end(run.project.clone(), &run.run, end, lines, pipes).await;
}

/// Claims the run and starts its process; nothing when the bridge is about to end.
async fn start(run: &Arc<Watched>) -> Result<Option<unix::Started>, RunEnd> {
    let _turn = run.inner.starts.acquire().await;
    if *run.inner.closing.borrow() {
        return Ok(None);
    }
    let starting = Arc::clone(run);
    // Files and fork block.
    let started = tokio::task::spawn_blocking(move || {
        let prepared = prepare::command(&starting.inner, &starting.run, &starting.spec)?;
        unix::spawn(prepared, &starting.spec.stdin)
    });
    let failed = |error: tokio::task::JoinError| RunEnd::CouldNotStart { why: error.to_string() };
    started.await.unwrap_or_else(|error| Err(failed(error))).map(Some)
}

async fn live(
    run: &Watched,
    unix::Started { mut child, process }: unix::Started,
    texts: mpsc::Receiver<String>,
    signals: watch::Receiver<Option<Signal>>,
) -> (RunEnd, u64, Pipes) {
    let pid = u32::try_from(process.pid).unwrap_or(0);
    let started = Kind::RunStarted { run: run.run.clone(), pid, started: process.started };
    run.inner.record(Draft::new(run.project.clone(), started)).await;
    input::feed(child.stdin.take(), &run.spec.stdin, texts);
    let mut output = Output::of(&mut child, &run.inner, &run.run);
    let mut vigil = Vigil::over(run, process);
    let status = vigil.until_its_end(&mut child, &mut output, signals).await;
    reaper::forget(process.pid);
    let pipes = vigil.clear_away(&mut output).await;
    let end = match status {
        _ if vigil.timed_out => RunEnd::TimedOut,
        Ok(status) => unix::end_of(status),
        Err(error) => RunEnd::Lost { why: format!("its end could not be read: {error}") },
    };
    (end, output.lines(), pipes)
}

/// The bridge is about to end.
async fn closed(closing: &mut watch::Receiver<bool>) {
    let _ = closing.wait_for(|closing| *closing).await;
}

/// What is due for a living run, and when.
struct Vigil<'a> {
    run: &'a Watched,
    process: Process,
    wall: Option<Instant>,
    /// When it is made to end, once it was asked.
    kill: Option<Instant>,
    asked: bool,
    silent: Option<Instant>,
    timed_out: bool,
}

impl<'a> Vigil<'a> {
    fn over(run: &'a Watched, process: Process) -> Self {
        let limits = &run.spec.limits;
        let due = |span: Option<Millis>| span.and_then(|span| after(Duration::from_millis(span.0)));
        let (wall, silent) = (due(limits.wall), due(limits.silence));
        Self { run, process, wall, kill: None, asked: false, silent, timed_out: false }
    }

    fn tree(&self) -> Tree {
        Tree::new(&self.run.run, Some(self.process))
    }

    async fn until_its_end(
        &mut self,
        child: &mut Child,
        output: &mut Output,
        mut signals: watch::Receiver<Option<Signal>>,
    ) -> std::io::Result<std::process::ExitStatus> {
        let mut closing = self.run.inner.closing.subscribe();
        let mut parted = false;
        loop {
            let waits_for_word = self.silent.is_none() && self.run.spec.limits.silence.is_some();
            tokio::select! {
                status = child.wait() => return status,
                Ok(()) = signals.changed() => {
                    let signal = *signals.borrow_and_update();
                    self.ask(signal.unwrap_or(Signal::Terminate), None).await;
                }
                () = closed(&mut closing), if !parted => {
                    parted = true;
                    self.ask(Signal::Terminate, Some(PARTING)).await;
                }
                () = reached(self.wall) => {
                    self.wall = None;
                    self.timed_out = true;
                    self.ask(Signal::Terminate, None).await;
                }
                () = reached(self.kill) => {
                    self.kill = None;
                    end::end(self.tree(), None, None).await;
                }
                () = reached(self.silent) => self.listen(output).await,
                Ok(()) = output.heard.changed(), if waits_for_word => self.listen(output).await,
            }
        }
    }

    /// Asks everything of the run to end, and sets the moment when it is made to.
    async fn ask(&mut self, signal: Signal, at_most: Option<Duration>) {
        let limits = &self.run.spec.limits;
        // The order says to end; how this program likes to be asked is in its spec.
        let polite = if signal == Signal::Terminate { limits.polite } else { signal };
        self.asked = true;
        if polite == Signal::Kill {
            self.kill = None;
            end::end(self.tree(), None, None).await;
            return;
        }
        end::signal(self.tree(), polite).await;
        let grace = Duration::from_millis(limits.grace.0);
        let due = after(at_most.map_or(grace, |most| grace.min(most)));
        // Who is asked again does not get more time.
        self.kill = match (self.kill, due) {
            (Some(before), Some(due)) => Some(before.min(due)),
            (before, due) => before.or(due),
        };
    }

    /// Says once per silence that nothing came for as long as the limit says.
    async fn listen(&mut self, output: &mut Output) {
        let Some(limit) = self.run.spec.limits.silence else { return };
        let heard = *output.heard.borrow_and_update();
        self.silent = heard.moment.checked_add(Duration::from_millis(limit.0));
        if self.silent.is_some_and(|due| due <= Instant::now()) {
            self.silent = None;
            let kind = Kind::RunSilent { run: self.run.run.clone(), since: heard.at };
            self.run.inner.record(Draft::new(self.run.project.clone(), kind)).await;
        }
    }

    /// The process is gone: reads what is left, and ends what it left behind.
    async fn clear_away(&mut self, output: &mut Output) -> Pipes {
        let drained = output.ends_within(DRAIN).await;
        // What was asked already has its grace from then, but not for ever; the others get a moment.
        let (polite, until) = if self.asked {
            let most = after(PARTING);
            (None, self.kill.map(|kill| most.map_or(kill, |most| kill.min(most))))
        } else {
            (Some(self.run.spec.limits.polite), after(SURVIVE))
        };
        let left = end::end(self.tree(), polite, until).await;
        if drained {
            return Pipes::Closed;
        }
        // What held it is gone now, unless it was no process of ours: then reading ends all the same.
        let closed = output.finish().await;
        tracing::info!(run = %self.run.run, left, closed, "the output was open after the process ended");
        if left == 0 && closed { Pipes::Closed } else { Pipes::Leaky }
    }
}
