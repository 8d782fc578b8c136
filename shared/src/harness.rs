//! Harness adapters: how each agent CLI is called and what its output means. Data plus pure functions;
//! adding a harness touches one file, one enum variant and one fixture folder.
//! The conductor builds orders with [`command_line`] and reads output with [`Decoder`]; so does `decode`.

use std::collections::BTreeMap;

use crate::agent::{AgentEvent, HarnessId, Progress, TurnReport};
use crate::id::{MessageId, SessionId};
use crate::models::Effort;
use crate::permission::{Ask, Permit};
use crate::plan::{Access, Size};
use crate::run::{Arg, Program, RunEnd, RunFile, RunLimits, RunSpec, Signal, Stdin, Stream, Tools, Window};
use crate::unit::MicroUsd;

mod claude;
mod codex;
mod command;
mod demo;
mod fault;
mod lines;
mod loose;
mod naming;
mod tools;
mod tried;

pub use lines::{MAX_LINE, RAW_KEPT};
pub use naming::{Naming, SESSION, naming, turn_in};
pub use tools::{ToolServer, with_tools};
pub use tried::{Tried, recorded, tried};

/// One turn of a conversation, as the conductor wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    pub prompt: String,
    pub session: Start,
    pub size: Size,
    /// Nothing for the harness's own choice.
    pub model: Option<String>,
    /// Likewise; Codex is told one by the size then.
    pub effort: Option<Effort>,
    pub access: Access,
    /// JSON schema of the answer, where one is wanted.
    pub schema: Option<String>,
    /// What it may spend, where the harness can be told so.
    pub budget: Option<MicroUsd>,
    /// Model requests that it may make, likewise.
    pub turns: Option<u32>,
    /// It should hear what it is told while it works, where the harness can.
    pub listens: bool,
}

/// Where a turn begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// A new session; harnesses that let the caller choose take this id (Claude: it must be a UUID).
    New { session: SessionId },
    /// Goes on with a session that the harness has.
    Resume { session: SessionId },
}

/// The harness that a person picks from, in the order of preference.
pub const HARNESSES: [HarnessId; 3] = [HarnessId::Claude, HarnessId::Codex, HarnessId::Demo];

/// The longest text that is passed as one argument, in bytes; Linux ends at 128 KiB.
const MAX_ARG: usize = 100 * 1024;

/// How a turn is started: a [`RunSpec`] without what the conductor alone knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    pub program: Program,
    pub args: Vec<Arg>,
    pub env: BTreeMap<String, String>,
    pub stdin: Stdin,
    pub files: Vec<RunFile>,
    /// How it may use the person's own tools, where it is an agent.
    pub tools: Tools,
    /// The signal after which this CLI ends most cleanly.
    pub polite: Signal,
}

impl CommandLine {
    /// The order for it: `cwd` absolute, `limits.polite` is replaced by the CLI's own.
    pub fn into_spec(self, cwd: impl Into<String>, limits: RunLimits) -> RunSpec {
        RunSpec {
            args: self.args,
            env: self.env,
            stdin: self.stdin,
            files: self.files,
            tools: self.tools,
            limits: RunLimits { polite: self.polite, ..limits },
            ..RunSpec::new(self.program, cwd)
        }
    }
}

/// How `harness` is called for `turn`. For [`HarnessId::Command`] the prompt is the shell command.
pub fn command_line(harness: HarnessId, turn: &Turn) -> CommandLine {
    match harness {
        HarnessId::Claude => claude::command_line(turn),
        HarnessId::Codex => codex::command_line(turn),
        HarnessId::Demo => demo::command_line(turn),
        HarnessId::Command => command::command_line(turn),
    }
}

/// How `harness` is opened in a terminal of its own, for a person: with the turn's prompt as its first words, or going on
/// with its session. Budget, schema and listening are not for terminals. For [`HarnessId::Command`] as [`command_line`].
pub fn terminal(harness: HarnessId, turn: &Turn, window: Window) -> CommandLine {
    let command = match harness {
        HarnessId::Claude => claude::terminal(turn),
        HarnessId::Codex => codex::terminal(turn),
        HarnessId::Demo => demo::terminal(turn),
        HarnessId::Command => command::command_line(turn),
    };
    CommandLine { stdin: Stdin::Pty { window }, ..command }
}

/// The first words of a terminal as the last argument, where they are no option whatever they begin with; none where its
/// session goes on.
fn first_words(turn: &Turn) -> impl Iterator<Item = Arg> {
    let end = turn.prompt.floor_char_boundary(MAX_ARG);
    let new = matches!(turn.session, Start::New { .. });
    let words = [Arg::text("--"), Arg::text(&turn.prompt[..end])];
    words.into_iter().filter(move |_| new)
}

/// What a run has told of the turn that goes on.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ongoing<'a> {
    pub session: Option<&'a SessionId>,
    /// By [`AgentEvent::TurnBegan`].
    pub turn: Option<&'a str>,
}

/// What to send to a run that listens, so that its agent reads `text` at its next step. Its output has
/// [`AgentEvent::Told`] when it did; one that is over before never reads it. Nothing for a harness that reads its prompt
/// alone, nor as long as its turn has not begun.
pub fn tell(harness: HarnessId, turn: Ongoing<'_>, message: &MessageId, text: &str) -> Option<String> {
    match harness {
        HarnessId::Claude | HarnessId::Demo => Some(claude::user_line(text, Some(message))),
        HarnessId::Codex => codex::tell(turn, message, text),
        HarnessId::Command => None,
    }
}

/// What to send to a run that asked to be allowed something; `word` tells its agent why not. Nothing for a harness that cannot ask.
pub fn answer(
    harness: HarnessId,
    turn: Ongoing<'_>,
    ask: &Ask,
    permit: Permit,
    word: &str,
) -> Option<String> {
    match harness {
        HarnessId::Claude | HarnessId::Demo => Some(claude::answer(&ask.request, permit, word)),
        HarnessId::Codex => codex::answer(ask, turn, permit, word),
        HarnessId::Command => None,
    }
}

/// The words that an order gives its agent to begin with, whatever the form in which its harness takes them.
pub fn prompt(spec: &RunSpec) -> String {
    match &spec.stdin {
        Stdin::Text { text } => text.clone(),
        Stdin::Open { text } => claude::words_of(text).unwrap_or_default(),
        Stdin::Dialog { turn, .. } => codex::words_of(turn).unwrap_or_default(),
        Stdin::Null | Stdin::Pipe | Stdin::Pty { .. } => String::new(),
    }
}

/// Whether its agents keep the budget and the number of requests that a turn is given by themselves, and end at them.
pub const fn keeps_budget(harness: HarnessId) -> bool {
    match harness {
        HarnessId::Claude | HarnessId::Demo => true,
        HarnessId::Codex | HarnessId::Command => false,
    }
}

/// Whether its agents can be told anything while they work.
pub const fn hears(harness: HarnessId) -> bool {
    match harness {
        HarnessId::Claude | HarnessId::Codex | HarnessId::Demo => true,
        HarnessId::Command => false,
    }
}

/// Reads one run's output as it comes, in pieces cut anywhere. It never fails: what it does not
/// understand becomes [`AgentEvent::Unknown`]. A line over [`MAX_LINE`] is not read as one; its first
/// [`RAW_KEPT`] bytes are kept. Reading the same result line again changes no cost.
#[derive(Debug, Clone)]
pub struct Decoder {
    stdout: lines::Lines,
    stderr: lines::Lines,
    reader: Reader,
}

/// What each harness's lines mean; the demo agent speaks Claude's format.
#[derive(Debug, Clone)]
enum Reader {
    Claude(Box<claude::Reader>),
    Codex(Box<codex::Reader>),
    Command(Box<command::Reader>),
}

impl Reader {
    fn line(&mut self, stream: Stream, line: lines::Line<'_>, events: &mut Vec<AgentEvent>) {
        match self {
            Self::Claude(reader) => reader.line(stream, line, events),
            Self::Codex(reader) => reader.line(stream, line, events),
            Self::Command(reader) => reader.line(stream, line, events),
        }
    }
}

impl Decoder {
    pub fn new(harness: HarnessId) -> Self {
        let reader = match harness {
            HarnessId::Claude | HarnessId::Demo => Reader::Claude(Box::new(claude::Reader::new(harness))),
            HarnessId::Codex => Reader::Codex(Box::default()),
            HarnessId::Command => Reader::Command(Box::default()),
        };
        // Nobody reads meaning from a command's lines, so there is nothing to gain from long ones.
        let limit = if harness == HarnessId::Command { RAW_KEPT } else { MAX_LINE };
        Self { stdout: lines::Lines::new(limit), stderr: lines::Lines::new(RAW_KEPT), reader }
    }

    /// Takes the next bytes of a stream and gives what the lines that they complete say, in order.
    pub fn push(&mut self, stream: Stream, bytes: &[u8]) -> Vec<AgentEvent> {
        let Self { stdout, stderr, reader } = self;
        let lines = match stream {
            Stream::Stdout => stdout,
            Stream::Stderr => stderr,
        };
        let mut events = Vec::new();
        lines.push(bytes, |line| reader.line(stream, line, &mut events));
        events
    }

    /// Reads what is left of a last line without its end, and says how the run came out. Call it once,
    /// when all output was pushed.
    pub fn finish(&mut self, end: &RunEnd) -> (Vec<AgentEvent>, TurnReport) {
        let Self { stdout, stderr, reader } = self;
        let mut events = Vec::new();
        stderr.finish(|line| reader.line(Stream::Stderr, line, &mut events));
        stdout.finish(|line| reader.line(Stream::Stdout, line, &mut events));
        let report = match reader {
            Reader::Claude(reader) => reader.report(end),
            Reader::Codex(reader) => reader.report(end),
            Reader::Command(reader) => reader.report(end),
        };
        (events, report)
    }

    /// What the run has come to so far.
    pub fn progress(&self) -> Progress {
        match &self.reader {
            Reader::Claude(reader) => reader.progress(),
            Reader::Codex(reader) => reader.progress(),
            Reader::Command(_) => Progress::default(),
        }
    }

    /// The last running total in US dollars, as the stream itself says it; for a resumed session it covers
    /// more than this run. What the run cost is in its [`TurnReport`].
    pub fn total_cost_usd(&self) -> Option<f64> {
        match &self.reader {
            Reader::Claude(reader) => reader.total_cost_usd(),
            Reader::Codex(_) | Reader::Command(_) => None,
        }
    }
}
