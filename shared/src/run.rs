//! A run: one process, as it is ordered and as it ends. Any process is a run: an agent's turn, a
//! command, a check. The bridge carries orders out and knows nothing of what a run is for.

use std::collections::BTreeMap;

use serde::Serialize;
use shared_derive::FromJson;

use crate::unit::{Bytes, Millis};

/// What to start, exactly. Nothing is inherited but what the bridge's configuration lets through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
pub struct RunSpec {
    pub program: Program,
    pub args: Vec<Arg>,
    /// Added to the small environment that the bridge builds from its allow-list.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Absolute; must lie in an opened project.
    pub cwd: String,
    pub stdin: Stdin,
    /// Written into the run's own folder before the start.
    #[serde(default)]
    pub files: Vec<RunFile>,
    /// What is put into the text of stdin when it starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inserts: Vec<Insert>,
    /// How its agent may use the tools of the person's own that the bridge's configuration gives in its folder.
    #[serde(default, skip_serializing_if = "Tools::are_none")]
    pub tools: Tools,
    #[serde(default)]
    pub runner: Runner,
    #[serde(default)]
    pub limits: RunLimits,
}

impl RunSpec {
    /// The program alone, in the absolute folder `cwd`: without arguments, input, files and tools, within the usual limits.
    pub fn new(program: Program, cwd: impl Into<String>) -> Self {
        Self {
            program,
            args: Vec::new(),
            env: BTreeMap::new(),
            cwd: cwd.into(),
            stdin: Stdin::Null,
            files: Vec::new(),
            inserts: Vec::new(),
            tools: Tools::None,
            runner: Runner::Local,
            limits: RunLimits::default(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Program {
    /// The bridge's own binary, for its built-in subcommands.
    Own,
    /// A name to be found on PATH, or an absolute path; the configuration says which are allowed.
    Named { name: String },
    /// `command` given to the system's shell.
    Shell { command: String },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Arg {
    Text {
        text: String,
    },
    /// The absolute path of the [`RunFile`] of this name.
    RunFile {
        name: String,
    },
}

impl Arg {
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into() }
    }
}

/// A file that a command line refers to, such as a JSON schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
pub struct RunFile {
    /// A plain file name, same alphabet as an id.
    pub name: String,
    pub text: String,
}

/// A file of the bridge's machine whose text stands in stdin, in the place of a mark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
pub struct Insert {
    /// Words of stdin's text; the first of them gives way.
    pub mark: String,
    /// From the run's folder, or absolute. UTF-8, at most [`Self::LARGEST`]; it lies in an opened project, or where the
    /// bridge's configuration says.
    pub path: String,
}

impl Insert {
    /// The largest file that is put in.
    pub const LARGEST: Bytes = Bytes(64 * 1024);
}

/// How a run's agent may use the person's own tools. Which there are is the configuration's to say: an order names none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, FromJson)]
#[serde(rename_all = "snake_case")]
pub enum Tools {
    /// It gets none.
    #[default]
    None,
    /// Each call is asked for, as its harness asks.
    Asked,
    /// As it likes.
    Free,
}

impl Tools {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
    fn are_none(&self) -> bool {
        *self == Self::None
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Stdin {
    /// `/dev/null`.
    Null,
    /// This text, then end of file.
    Text { text: String },
    /// Stays open for `InputSent` orders, until `InputClosed`.
    Pipe,
    /// This text, which is lines of JSON, and then as [`Self::Pipe`].
    Open { text: String },
    /// As [`Self::Open`], where the agent names its session itself: when its output has the name, `turn` follows, a line of
    /// JSON with that name in the place of its first [`SESSION`](crate::harness::SESSION). Where the agent refuses one,
    /// its input ends instead.
    Dialog { text: String, turn: String },
    /// A terminal of its own, for input and all output, which then comes as stdout. `InputSent` is what is typed
    /// there, `TerminalResized` gives it another size.
    Pty { window: Window },
}

/// The size of a terminal in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, FromJson)]
pub struct Window {
    pub rows: u16,
    pub cols: u16,
}

impl Window {
    /// The nearest size that a terminal is given: 2 to 500 rows, 2 to 1,000 columns.
    #[must_use]
    pub fn bounded(self) -> Self {
        // A wide character has no place in a single column, nor a line that goes on in a single row.
        Self { rows: self.rows.clamp(2, 500), cols: self.cols.clamp(2, 1_000) }
    }
}

/// Where the process lives.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, FromJson)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Runner {
    #[default]
    Local,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
#[serde(default)]
pub struct RunLimits {
    /// Wall time after which the run is ended as [`RunEnd::TimedOut`].
    pub wall: Option<Millis>,
    /// What it may write at most, of each stream, before it is ended as [`RunEnd::TooMuchOutput`]; the bridge's
    /// configuration sets a bound of its own.
    pub output: Option<Bytes>,
    /// No output for this long is reported as a fact, once per silence.
    pub silence: Option<Millis>,
    /// What asks the process to end.
    pub polite: Signal,
    /// From the polite signal to SIGKILL.
    pub grace: Millis,
}

impl Default for RunLimits {
    fn default() -> Self {
        Self {
            wall: None,
            output: None,
            silence: None,
            polite: Signal::Terminate,
            grace: Millis::from_secs(10),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, FromJson)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// SIGINT.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// SIGKILL.
    Kill,
}

/// How a run ended: the whole space of ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum RunEnd {
    /// The program is not there.
    NotFound {
        program: String,
    },
    /// The configuration does not allow this order.
    Refused {
        why: String,
    },
    /// The system would not start it: not executable, no such folder, argument list too long, ….
    CouldNotStart {
        why: String,
    },
    Exited {
        code: i32,
    },
    Signalled {
        signal: i32,
    },
    /// Ended by us at its wall-time limit.
    TimedOut,
    /// Ended by us because it wrote more than that. What it wrote until then is stored.
    TooMuchOutput {
        limit: Bytes,
    },
    /// The bridge was gone when it ended, so nobody knows how.
    Lost {
        why: String,
    },
}

/// What a run used of the machine, as the system counted it at its end: its program's process and all those below it
/// that had ended by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, FromJson)]
pub struct Resources {
    /// In user and kernel mode, of all of them together.
    pub cpu: Millis,
    /// The most that any one of them had resident at once; on Windows only the program itself is asked.
    pub memory: Bytes,
}

/// Whether the output ended with the process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, FromJson)]
#[serde(rename_all = "snake_case")]
pub enum Pipes {
    #[default]
    Closed,
    /// The process is gone, but a process that it left behind still held its output; that one was ended too.
    Leaky,
}

/// Where a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, FromJson)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    Stdout,
    Stderr,
}
