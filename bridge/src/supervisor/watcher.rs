//! The life of one run, from its order to the record of its end; also of one that an earlier bridge began.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use shared::entry::{Draft, Kind};
use shared::id::{ProjectId, RunId};
use shared::run::{Pipes, RunEnd, RunSpec, Signal, Stdin};
use shared::unit::{Bytes, Millis, Seq};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout};

use super::bell::Bell;
use super::end::{self, after, reached};
use super::folder::RunFolder;
use super::os::{self, Hung, Tree, age, is_there, may_write};
use super::output::{Output, Shape};
use super::{Inner, Over, PARTING, Parting, Process, elsewhere, input, prepare};
use crate::store::Sizes;

/// What a process that outlives its run's first one, and could still write, gets to end unasked.
const DRAIN: Duration = Duration::from_secs(1);
/// What a process that outlives its run's first one gets to end by itself.
const SURVIVE: Duration = Duration::from_secs(1);
/// What the keeper gets to see that nothing is left, before it is looked for. To look reads all of `/proc`,
/// which many runs that end together would pay for with their neighbours' output.
const SETTLE: Duration = Duration::from_millis(50);

pub(super) struct Watched {
    pub inner: Arc<Inner>,
    pub project: Option<ProjectId>,
    /// Where in the log its order stands.
    pub ordered: Seq,
    pub run: RunId,
    pub spec: RunSpec,
}

/// How a watch begins.
pub(super) enum Begin {
    /// The order is to be carried out.
    New,
    /// An earlier bridge did; whether the log has the start of the process.
    Adopt { recorded: bool },
}

/// A run that was started, by this bridge or an earlier one.
struct Begun {
    folder: RunFolder,
    hung: Hung,
    /// The process that sees the program through and leaves word of it: its shim, or on Windows this bridge.
    /// Nothing when it is gone.
    keeper: Option<Process>,
    /// For words about it.
    program: PathBuf,
    /// By an earlier bridge.
    adopted: bool,
}

/// Watches over a run until its end is recorded, or until the bridge leaves it to the next one.
pub(super) async fn watch(
    run: Arc<Watched>,
    begin: Begin,
    told: Arc<Notify>,
    signals: watch::Receiver<Option<Signal>>,
) {
    let recorded = matches!(begin, Begin::Adopt { recorded: true });
    let begun = match begin {
        Begin::New => start(&run).await,
        Begin::Adopt { .. } => adopt(&run).map(Some),
    };
    let ended = match begun {
        // The order stays in the log, and the next bridge finds no claim.
        Ok(None) => None,
        Ok(Some(begun)) => live(&run, begun, recorded, told, signals).await,
        Err(end) => Some(Over::unseen(end)),
    };
    if let Some(over) = ended {
        run.inner.record_end(run.project.clone(), &run.run, over).await;
    }
}

/// Claims the run and starts it; nothing when the bridge is about to end.
async fn start(run: &Arc<Watched>) -> Result<Option<Begun>, RunEnd> {
    let _turn = run.inner.starts.acquire().await;
    if run.inner.is_closing() {
        return Ok(None);
    }
    let starting = Arc::clone(run);
    // Files and fork block.
    let started = tokio::task::spawn_blocking(move || {
        let prepared = prepare::program(&starting.inner, &starting.run, &starting.spec)?;
        let (folder, program) = (prepared.folder.clone(), prepared.program.clone());
        let hung = hang(&starting.inner, &folder)?;
        let keeper = Some(os::spawn(&starting.inner.own, prepared, &hung.bell)?);
        Ok(Begun { folder, hung, keeper, program, adopted: false })
    });
    let failed = |error: tokio::task::JoinError| RunEnd::CouldNotStart { why: error.to_string() };
    started.await.unwrap_or_else(|error| Err(failed(error))).map(Some)
}

fn adopt(run: &Watched) -> Result<Begun, RunEnd> {
    let folder = run.inner.folder(&run.run);
    let hung = hang(&run.inner, &folder)?;
    let keeper = folder.shim();
    Ok(Begun { folder, hung, keeper, program: PathBuf::from("the program"), adopted: true })
}

fn hang(inner: &Inner, folder: &RunFolder) -> Result<Hung, RunEnd> {
    inner.bells.hang(folder.path()).map_err(|error| RunEnd::CouldNotStart {
        why: format!("the system does not watch another folder: {error}. Raise fs.inotify.max_user_watches."),
    })
}

/// The program's process, as soon as its keeper has started it.
async fn leader(begun: &Begun) -> Result<Process, RunEnd> {
    loop {
        // Looked at before the files: what it has left is all there is.
        let over = begun.keeper.is_none_or(|keeper| !is_there(keeper));
        if let Some(leader) = begun.folder.leader() {
            return Ok(leader);
        }
        if let Some(error) = begun.folder.failure() {
            return Err(os::why_not(&begun.program, &error));
        }
        if over {
            return Err(RunEnd::Lost { why: "its shim ended before the program was started".to_owned() });
        }
        word(begun).await;
    }
}

/// How the program ended, as soon as its keeper has left word of it.
async fn end_of(begun: &Begun, leader: Process) -> RunEnd {
    loop {
        let over = begun.keeper.is_none_or(|keeper| !is_there(keeper));
        if let Some(end) = begun.folder.end() {
            return end;
        }
        if over {
            // Nobody is left who could say how; the program may go on, and is then watched by its number.
            end::over(leader).await;
            let why = "its shim was ended from outside";
            return RunEnd::Lost { why: why.to_owned() };
        }
        word(begun).await;
    }
}

/// Something new stands in the run's folder, or the keeper is gone.
async fn word(begun: &Begun) {
    let bell: &Bell = &begun.hung.bell;
    match begun.keeper {
        Some(keeper) => tokio::select! {
            () = bell.word.notified() => {}
            () = end::over(keeper) => {}
        },
        None => bell.word.notified().await,
    }
}

/// Nothing when the bridge leaves the run to the next one.
async fn live(
    run: &Watched,
    begun: Begun,
    recorded: bool,
    told: Arc<Notify>,
    signals: watch::Receiver<Option<Signal>>,
) -> Option<Over> {
    let process = match leader(&begun).await {
        Ok(process) => process,
        Err(end) => return Some(Over::unseen(end)),
    };
    let pid = u32::try_from(process.pid).unwrap_or(0);
    if !recorded {
        let started = Kind::RunStarted { run: run.run.clone(), pid, started: process.started };
        run.inner.record(Draft::new(run.project.clone(), started)).await;
    }
    // A run of this bridge's own has nothing stored yet.
    let stored =
        if begun.adopted { run.inner.store.output_sizes(&run.run).await } else { Ok(Sizes::default()) };
    let shape = Shape::of(&run.inner.config, Some(&run.spec));
    let listens = !matches!(run.spec.stdin, Stdin::Null | Stdin::Text { .. });
    let bell = Arc::clone(&begun.hung.bell);
    let output = match stored {
        Ok(stored) => Output::of(&begun.folder, bell, &run.inner, &run.run, Some(&run.spec), stored)
            .map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    let mut output = match output {
        Ok(output) => output,
        Err(why) => {
            end::end(Tree::new(begun.folder.path(), Some(process)), None, None).await;
            return Some(Over::unseen(RunEnd::Lost { why: format!("its output cannot be read: {why}") }));
        }
    };
    let mut vigil = Vigil::over(run, &begun, process);
    let end = tokio::select! {
        end = vigil.until_its_end(&mut output, signals) => end,
        never = input::feed(&run.inner.store, &run.run, &begun.folder, run.ordered, told), if listens => match never {},
    };
    let Some(end) = end else {
        output.leave().await;
        return None;
    };
    let pipes = vigil.clear_away().await;
    elsewhere::stop(&run.inner, &run.run, &run.spec).await;
    let read = output.finish().await;
    let end = match end {
        _ if read.too_much => RunEnd::TooMuchOutput { limit: Bytes(shape.limit) },
        _ if vigil.timed_out => RunEnd::TimedOut,
        end => end,
    };
    Some(Over { end, lines: read.lines, pipes, used: begun.folder.used() })
}

/// The bridge is about to end; how it parts.
async fn closed(closing: &mut watch::Receiver<Option<Parting>>) -> Parting {
    match closing.wait_for(Option::is_some).await {
        Ok(parting) => parting.unwrap_or(Parting::Leave),
        Err(_) => Parting::Leave,
    }
}

/// What is due for a living run, and when.
struct Vigil<'a> {
    run: &'a Watched,
    begun: &'a Begun,
    process: Process,
    wall: Option<Instant>,
    /// When it is made to end, once it was asked.
    kill: Option<Instant>,
    asked: bool,
    silent: Option<Instant>,
    timed_out: bool,
}

impl<'a> Vigil<'a> {
    fn over(run: &'a Watched, begun: &'a Begun, process: Process) -> Self {
        let limits = &run.spec.limits;
        let span = |span: Option<Millis>| span.map(|span| Duration::from_millis(span.0));
        // Counted from the start of the program, whichever bridge saw it.
        let wall =
            span(limits.wall).and_then(|wall| after(wall.saturating_sub(age(process).unwrap_or_default())));
        let silent = span(limits.silence).and_then(after);
        Self { run, begun, process, wall, kill: None, asked: false, silent, timed_out: false }
    }

    fn tree(&self) -> Tree {
        Tree::new(self.begun.folder.path(), Some(self.process))
    }

    /// Nothing when the bridge leaves it.
    async fn until_its_end(
        &mut self,
        output: &mut Output,
        mut signals: watch::Receiver<Option<Signal>>,
    ) -> Option<RunEnd> {
        let mut closing = self.run.inner.closing.subscribe();
        let mut parted = false;
        let mut ended = std::pin::pin!(end_of(self.begun, self.process));
        loop {
            let waits_for_word = self.silent.is_none() && self.run.spec.limits.silence.is_some();
            tokio::select! {
                end = &mut ended => return Some(end),
                Ok(()) = signals.changed() => {
                    let signal = *signals.borrow_and_update();
                    self.ask(signal.unwrap_or(Signal::Terminate), None).await;
                }
                parting = closed(&mut closing), if !parted => {
                    if parting == Parting::Leave {
                        return None;
                    }
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
                Ok(()) = output.too_much.changed() => {
                    // Not asked: it would write for as long as it may take to answer.
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

    /// Says once per silence that nothing came for as long as the limit says, and that it is over.
    async fn listen(&mut self, output: &mut Output) {
        let Some(limit) = self.run.spec.limits.silence else { return };
        let was_told = self.silent.is_none();
        let heard = *output.heard.borrow_and_update();
        self.silent = heard.moment.checked_add(Duration::from_millis(limit.0));
        if self.silent.is_some_and(|due| due <= Instant::now()) {
            self.silent = None;
            self.record(Kind::RunSilent { run: self.run.run.clone(), since: heard.at }).await;
        } else if was_told {
            self.record(Kind::RunHeard { run: self.run.run.clone() }).await;
        }
    }

    async fn record(&self, kind: Kind) {
        self.run.inner.record(Draft::new(self.run.project.clone(), kind)).await;
    }

    /// Waits for the keeper's word that nothing is left.
    async fn cleared(&self) {
        while !self.begun.folder.is_clear() {
            self.begun.hung.bell.word.notified().await;
        }
    }

    /// The process is gone: ends what it left behind, and says whether any of it could still write.
    async fn clear_away(&self) -> Pipes {
        if timeout(SETTLE, self.cleared()).await.is_ok() {
            return Pipes::Closed;
        }
        let folder = self.begun.folder.clone();
        let holders = end::those(self.tree(), move |process| may_write(&folder, process)).await;
        let leaky = !holders.is_empty() && !end::go(holders, after(DRAIN)).await;
        // What was asked already has its grace from then, but not for ever; the others get a moment.
        let (polite, until) = if self.asked {
            let most = after(PARTING);
            (None, self.kill.map(|kill| most.map_or(kill, |most| kill.min(most))))
        } else {
            (Some(self.run.spec.limits.polite), after(SURVIVE))
        };
        let left = end::end(self.tree(), polite, until).await;
        if let Some(most) = os::PIPED {
            let _ = timeout(most, self.cleared()).await;
        }
        if leaky {
            tracing::info!(run = %self.run.run, left, "the output was open after the process ended");
            return Pipes::Leaky;
        }
        Pipes::Closed
    }
}
