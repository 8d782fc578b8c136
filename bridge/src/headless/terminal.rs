//! `orchestrator terminal` and `attach`: the person's own terminal, attached to that of a task. What is drawn here comes
//! from the picture that we keep of it, so nothing that a program writes reaches the person's terminal but text,
//! colours and the cursor: no title, no clipboard, no link, no question that this terminal would answer.

use std::io::{self, IsTerminal, Read, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::Args;
use conductor::plan::name;
use conductor::state::{Phase, State};
use conductor::terminal::{last, opened};
use crossterm::terminal::{disable_raw_mode, enable_raw_mode, size};
use serde::Deserialize;
use shared::agent::HarnessId;
use shared::api::Screen;
use shared::entry::{Draft, Kind};
use shared::harness::Decoder;
use shared::id::{RunId, TaskId};
use shared::run::Window;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::TaskArgs;
use super::client::Client;
use super::place::Place;
use super::task::{find, reference};
use super::word::Word;
use crate::cli::{say, tame};
use crate::system::Resizes;

mod picture;

use picture::Picture;

/// Ctrl-].
const LEAVE: u8 = 0x1d;
/// Pieces of what is typed that wait to be sent. When it is full, typing waits.
const TYPED: usize = 16;
/// Bytes that are taken from the person's terminal at once.
const CHUNK: usize = 4 * 1024;
/// What was ordered has begun by then, unless something keeps it.
const PATIENCE: Duration = Duration::from_secs(10);
/// Of a terminal that nobody looks at.
const USUAL: Window = Window { rows: 24, cols: 80 };

#[derive(Debug, Args)]
pub struct TerminalArgs {
    #[command(flatten)]
    task: TaskArgs,
    #[command(flatten)]
    deed: Deed,
    /// With --show: also what was scrolled away
    #[arg(long, requires = "show")]
    all: bool,
}

/// In the place of opening it here.
#[derive(Debug, Args)]
#[group(multiple = false)]
struct Deed {
    /// Open it and do not attach to it
    #[arg(long)]
    detached: bool,
    /// Print what stands on it, or stood there when it ended
    #[arg(long)]
    show: bool,
    /// Type this there, and Enter
    #[arg(long = "type", value_name = "TEXT")]
    typed: Option<String>,
    /// End it; the task stays as it is
    #[arg(long)]
    close: bool,
}

/// Opens a task's terminal, or does something with an open one.
pub(super) async fn open(args: &TerminalArgs) -> anyhow::Result<ExitCode> {
    match &args.deed {
        Deed { close: true, .. } => return super::task::tell(&args.task, Word::CloseTerminal).await,
        Deed { show: true, .. } => return show(&args.task, args.all).await,
        Deed { typed: Some(text), .. } => {
            return super::task::tell(&args.task, Word::Type(format!("{text}\r"))).await;
        }
        Deed { .. } => {}
    }
    let detached = args.deed.detached;
    let window = if detached { USUAL } else { own_window()? };
    let mut place = Place::find_or_start(&args.task.data.dir()?, true).await?;
    let mut client = Client::connect(&place, "terminal").await?;
    let task = find(client.state(), &args.task.task)?;
    let (id, drafts) = (task.id.clone(), Word::Open(window).to(client.state(), task)?);
    client.intend(drafts).await?;
    let run = begun(&mut client, &id).await?;
    place.stay().iter().for_each(|line| say(line));
    if detached {
        let task = client.state().task(&id).context("the task is gone")?;
        say(&format!(
            "The terminal of {} is open. Next: orchestrator attach {}",
            name(task),
            reference(client.state(), task)
        ));
        return Ok(ExitCode::SUCCESS);
    }
    Attached::to(client, &place, &id, run).await?.stay().await
}

/// What is printed of the answer about a terminal.
#[derive(Debug, Deserialize)]
struct Shown {
    text: String,
}

/// Prints what stands on a task's last terminal; with `all`, what was scrolled away before it.
async fn show(args: &TaskArgs, all: bool) -> anyhow::Result<ExitCode> {
    let place = Place::find_or_start(&args.data.dir()?, false).await?;
    let client = Client::connect(&place, "terminal").await?;
    let task = find(client.state(), &args.task)?;
    if last(client.state(), task).is_none() {
        let by = reference(client.state(), task);
        bail!("{} never had a terminal. Next: orchestrator terminal {by}", name(task))
    }
    let shown = place.call("GET", &format!("/api/tasks/{}/terminal?all={all}", task.id), "").await?;
    let Shown { text } = serde_json::from_str(&shown).context("the bridge speaks another language")?;
    say(&tame(text.trim_end()));
    drop(client);
    place.leave().await?;
    Ok(ExitCode::SUCCESS)
}

async fn screen(place: &Place, run: &RunId) -> anyhow::Result<Screen> {
    let screen = place.call("GET", &format!("/api/runs/{run}/screen"), "").await?;
    serde_json::from_str(&screen).context("the bridge speaks another language")
}

/// Attaches to a task's open terminal.
pub(super) async fn attach(args: &TaskArgs) -> anyhow::Result<ExitCode> {
    own_window()?;
    let mut place = Place::find_or_start(&args.data.dir()?, true).await?;
    let client = Client::connect(&place, "terminal").await?;
    let task = find(client.state(), &args.task)?;
    let Some(run) = opened(client.state(), task) else {
        let by = reference(client.state(), task);
        bail!("{} has no terminal open. Next: orchestrator terminal {by}", name(task))
    };
    let (id, run) = (task.id.clone(), run.id.clone());
    place.stay().iter().for_each(|line| say(line));
    Attached::to(client, &place, &id, run).await?.stay().await
}

/// The size that the task's terminal has here: one row is ours.
fn own_window() -> anyhow::Result<Window> {
    ensure!(
        io::stdin().is_terminal() && io::stdout().is_terminal(),
        "this is no terminal, so there is nothing to attach. Next: run it in one, or open it with --detached, read it with --show and answer with --type"
    );
    let (cols, rows) = size().context("cannot find out how large this terminal is")?;
    Ok(Window { rows: rows.saturating_sub(1), cols }.bounded())
}

/// The task's terminal, once its program has begun or could not.
async fn begun(client: &mut Client, task: &TaskId) -> anyhow::Result<RunId> {
    let waits = async {
        loop {
            let run = client.state().task(task).and_then(|task| last(client.state(), task));
            let wanted = client.state().task(task).is_some_and(|task| task.terminal.is_some());
            if let Some(run) = run.filter(|run| !wanted && run.phase != Phase::Requested) {
                return Ok(run.id.clone());
            }
            client.step().await?;
        }
    };
    let waited: anyhow::Result<_> = timeout(PATIENCE, waits).await.unwrap_or_else(|_| {
        bail!("the terminal is not open yet. Next: `orchestrator tasks` says what it waits for, `orchestrator attach` goes there when it is open")
    });
    waited
}

/// The person at the task's terminal.
struct Attached {
    client: Client,
    task: TaskId,
    run: RunId,
    picture: Picture,
    /// What stands below it.
    words: String,
    /// Bytes of a character that is not whole yet.
    part: Vec<u8>,
}

/// Why nobody is attached any more.
enum Left {
    ByKey,
    Ended(String),
}

impl Attached {
    async fn to(mut client: Client, place: &Place, task: &TaskId, run: RunId) -> anyhow::Result<Self> {
        let screen = screen(place, &run).await?;
        client.listen(&run, screen.line).await?;
        let state = client.state();
        let known = state.task(task).context("the task is gone")?;
        let words = format!(
            " {} {}  ·  Ctrl-] leaves it, and it goes on",
            reference(state, known),
            tame(known.title.trim())
        );
        let (task, part) = (task.clone(), Vec::new());
        Ok(Self { client, task, run, picture: Picture::of(&screen), words, part })
    }

    /// Until the person leaves or the program ends.
    async fn stay(mut self) -> anyhow::Result<ExitCode> {
        let mut resizes = Resizes::listen()?;
        let raw = Raw::enter()?;
        let mut typed = keys();
        let left = self.attend(&mut typed, &mut resizes).await;
        drop(raw);
        let by = self.client.state().task(&self.task).map(|task| reference(self.client.state(), task));
        let by = by.unwrap_or_default();
        match left.with_context(|| format!("the terminal goes on. Next: orchestrator attach {by}"))? {
            Left::ByKey => say(&format!("Left; it goes on. Next: orchestrator attach {by}")),
            Left::Ended(how) => say(&format!("{how} Next: orchestrator done {by}, or answer {by} \"…\"")),
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn attend(
        &mut self,
        typed: &mut mpsc::Receiver<Vec<u8>>,
        resizes: &mut Resizes,
    ) -> anyhow::Result<Left> {
        self.fit().await?;
        let mut anew = true;
        loop {
            let (heard, next) = self.client.heard();
            self.picture.hear(&heard);
            // Another client may have given it another size.
            anew |= self.window().is_some_and(|window| self.picture.resize(window));
            if anew || !heard.is_empty() {
                self.picture.show(&self.words, std::mem::take(&mut anew))?;
            }
            if let Some(how) = ended(self.client.state(), &self.run, next) {
                return Ok(Left::Ended(how));
            }
            tokio::select! {
                keys = typed.recv() => {
                    let mut keys = keys.context("this terminal is gone")?;
                    while let Ok(more) = typed.try_recv() {
                        keys.extend(more);
                    }
                    let end = keys.iter().position(|key| *key == LEAVE);
                    self.hand_on(&keys[..end.unwrap_or(keys.len())]).await?;
                    if end.is_some() {
                        return Ok(Left::ByKey);
                    }
                }
                () = resizes.next() => {
                    self.fit().await?;
                    anew = true;
                }
                step = self.client.step() => drop(step?),
            }
        }
    }

    /// Who types has their size.
    async fn hand_on(&mut self, keys: &[u8]) -> anyhow::Result<()> {
        let text = whole(&mut self.part, keys);
        if text.is_empty() {
            return Ok(());
        }
        self.fit().await?;
        self.order(Kind::TerminalTyped { run: self.run.clone(), text }).await
    }

    /// Gives it the size of this terminal, where that is another.
    async fn fit(&mut self) -> anyhow::Result<()> {
        let window = own_window()?;
        if self.window() != Some(window) {
            self.order(Kind::TerminalResized { run: self.run.clone(), window }).await?;
        }
        Ok(())
    }

    fn window(&self) -> Option<Window> {
        self.client.state().run(&self.run)?.window
    }

    async fn order(&mut self, kind: Kind) -> anyhow::Result<()> {
        let project = self.client.state().task(&self.task).map(|task| task.project.clone());
        self.client.intend(vec![Draft::new(project, kind)]).await
    }
}

/// How it ended, when all that it wrote was heard.
fn ended(state: &State, run: &RunId, next: u64) -> Option<String> {
    let run = state.run(run)?;
    let (end, lines) = match &run.phase {
        Phase::Ended { end, lines, .. } | Phase::Read { end, lines, .. } => (end, *lines),
        Phase::Requested | Phase::Running { .. } => return None,
    };
    let (_, report) = Decoder::new(HarnessId::Command).finish(end);
    let how = match report.error {
        _ if run.signalled.is_some() => "The terminal was closed.".to_owned(),
        Some(error) => error.message,
        None => "The terminal has ended.".to_owned(),
    };
    (next >= lines).then_some(how)
}

/// The text of what was typed; a character whose bytes are not all there waits for the rest, what is no text is marked.
fn whole(part: &mut Vec<u8>, keys: &[u8]) -> String {
    part.extend_from_slice(keys);
    let open = match std::str::from_utf8(part) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        _ => part.len(),
    };
    let rest = part.split_off(open);
    String::from_utf8_lossy(&std::mem::replace(part, rest)).into_owned()
}

/// What the person types, as it comes. The thread ends with the process: nothing else ends a read of a terminal.
fn keys() -> mpsc::Receiver<Vec<u8>> {
    let (send, typed) = mpsc::channel(TYPED);
    std::thread::spawn(move || {
        let (mut stdin, mut chunk) = (io::stdin().lock(), [0; CHUNK]);
        while let Ok(count @ 1..) = stdin.read(&mut chunk) {
            if send.blocking_send(chunk[..count].to_vec()).is_err() {
                break;
            }
        }
    });
    typed
}

/// The person's terminal while each key goes on to another; then as it was.
struct Raw;

impl Raw {
    fn enter() -> anyhow::Result<Self> {
        enable_raw_mode().context("this terminal cannot be used key by key")?;
        let raw = Self;
        io::stdout().write_all(b"\x1b[?1049h")?;
        Ok(raw)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // One that is gone does not have to be put back.
        let _ = picture::leave(&mut io::stdout());
        let _ = disable_raw_mode();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_in_two_pieces_is_typed_once_it_is_whole() {
        let mut part = Vec::new();
        assert_eq!(whole(&mut part, b"a\xc3"), "a");
        assert_eq!(whole(&mut part, b"\xa4\x1b[A"), "\u{e4}\u{1b}[A");
        assert_eq!(whole(&mut part, b"\xf0\x9f"), "");
        assert_eq!(whole(&mut part, b"\xa6\x80"), "\u{1f980}");
        // What is no text at all is passed on as such, and nothing waits for more of it.
        assert_eq!(whole(&mut part, b"\xff\xf0\x9f"), "\u{fffd}\u{fffd}");
        assert!(part.is_empty());
    }
}
