//! What agents say, in one vocabulary for all harnesses, after ACP's session updates: text and thinking in
//! deltas and whole, tool calls and results, usage, limits, the end of a turn. Adapters produce it.

use std::fmt;

use serde::Serialize;
use serde_json::Value;
use shared_derive::FromJson;

use crate::id::SessionId;
use crate::permission::Ask;
use crate::unit::{MicroUsd, Millis};

/// A kind of agent CLI that an adapter exists for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, FromJson)]
#[serde(rename_all = "snake_case")]
pub enum HarnessId {
    Claude,
    Codex,
    /// Built in; needs no key and no network.
    Demo,
    /// A plain command: each line of its output is text.
    Command,
}

impl HarnessId {
    pub const ALL: [Self; 4] = [Self::Claude, Self::Codex, Self::Demo, Self::Command];

    /// The other kind of agent CLI, which may do what this one does; nothing for what stands alone.
    pub fn other(self) -> Option<Self> {
        match self {
            Self::Claude => Some(Self::Codex),
            Self::Codex => Some(Self::Claude),
            Self::Demo | Self::Command => None,
        }
    }
}

impl fmt::Display for HarnessId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Claude => "Claude Code",
            Self::Codex => "Codex",
            Self::Demo => "Demo agent",
            Self::Command => "Command",
        })
    }
}

/// An agent CLI on the bridge's machine, as found when the bridge started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
pub struct FoundAgent {
    pub harness: HarnessId,
    /// For people: "Claude Code".
    pub name: String,
    /// Absolute path of the program; empty for the built-in one.
    pub program: String,
    /// As the CLI prints it; nothing when it could not say.
    pub version: Option<String>,
    /// Why it cannot be used although it was found.
    #[serde(default)]
    pub problem: Option<String>,
    /// Tools of the person's own that the configuration gives it, in some project or everywhere, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<String>,
    /// Who starts its program instead of the bridge, by the configuration's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
}

impl FoundAgent {
    /// One that can be used, of whose version nothing is known.
    pub fn new(harness: HarnessId, program: impl Into<String>) -> Self {
        Self {
            harness,
            name: harness.to_string(),
            program: program.into(),
            version: None,
            problem: None,
            tools: Vec::new(),
            worker: None,
        }
    }
}

/// One thing that an agent said or did, or that its harness reported.
#[derive(Debug, Clone, PartialEq, Serialize, FromJson)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum AgentEvent {
    /// A turn began in this session.
    Session {
        session: SessionId,
        model: Option<String>,
        version: Option<String>,
    },
    /// More of a message that is being written; `message` names it until its whole text comes.
    TextDelta {
        message: String,
        text: String,
    },
    ThinkingDelta {
        message: String,
        text: String,
    },
    /// A block of a message, whole. It replaces what the deltas of `message` have built so far.
    Message {
        message: String,
        text: String,
    },
    Thinking {
        message: String,
        text: String,
    },
    /// `title` says in a few words what the call is about: a path, a command.
    ToolCall {
        call: String,
        tool: String,
        title: String,
        input: Value,
    },
    ToolResult {
        call: String,
        outcome: ToolOutcome,
        text: String,
    },
    /// A call that the harness refused because nobody may be asked.
    PermissionDenied {
        tool: String,
        why: String,
    },
    /// It asks whether it may do something, and its call waits for the answer.
    PermissionAsked {
        ask: Ask,
    },
    /// It does not wait for that answer any more.
    PermissionWithdrawn {
        request: String,
    },
    /// The harness tries a request again by itself.
    Retrying {
        attempt: u32,
        of: Option<u32>,
        delay: Option<Millis>,
        class: ErrorClass,
        message: String,
    },
    RateLimit {
        standing: LimitStanding,
        until: Option<Millis>,
        window: Option<String>,
    },
    Usage {
        tokens: Tokens,
        scope: UsageScope,
        cost: Option<MicroUsd>,
    },
    /// What a run has come to when another request to its model begins; not said by decoders, which are asked for it.
    Progress {
        progress: Progress,
    },
    /// A message of the person that the run was told while it worked, and has read by now.
    Told {
        message: String,
    },
    /// A turn has begun that can be spoken to by this name, where its harness wants one.
    TurnBegan {
        turn: String,
    },
    /// A turn's result. A process may have several turns; its end is the end of its output.
    TurnEnded {
        end: TurnEnd,
    },
    /// Something of note that is none of the above: a model fallback, a background task.
    Notice {
        text: String,
    },
    /// A line of plain output.
    Line {
        text: String,
    },
    /// A line that the adapter does not know: shown, never dropped, never fatal. At most 64 KiB of it.
    Unknown {
        raw: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, FromJson)]
#[serde(rename_all = "snake_case")]
pub enum ToolOutcome {
    Succeeded,
    Failed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, FromJson)]
#[serde(rename_all = "snake_case")]
pub enum LimitStanding {
    Near,
    Reached,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, FromJson)]
#[serde(default)]
pub struct Tokens {
    pub input: u64,
    pub output: u64,
    pub cache_read: u64,
    pub cache_write: u64,
}

impl Tokens {
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Each kind with the other's by `join`.
    #[must_use]
    pub fn with(self, other: Self, join: fn(u64, u64) -> u64) -> Self {
        Self {
            input: join(self.input, other.input),
            output: join(self.output, other.output),
            cache_read: join(self.cache_read, other.cache_read),
            cache_write: join(self.cache_write, other.cache_write),
        }
    }
}

/// What a run that goes on has come to, where its stream tells. Its report has the whole of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, FromJson)]
pub struct Progress {
    /// Requests to its model that have begun.
    pub requests: u32,
    /// Of those that are over, in and out.
    pub tokens: u64,
    /// The same by their kinds, with what a cache gave and took.
    #[serde(default, skip_serializing_if = "Tokens::is_none")]
    pub each: Tokens,
}

/// What a figure covers. A running total replaces the session's former one; adding would count twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, FromJson)]
#[serde(rename_all = "snake_case")]
pub enum UsageScope {
    /// This turn alone.
    Turn,
    /// The session from its beginning, resumptions included.
    Session,
}

/// How a turn ended, as the stream says it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, FromJson)]
#[serde(default)]
pub struct TurnEnd {
    pub final_text: String,
    /// The structured answer, where a schema was given and the agent kept to it.
    pub structured: Option<Value>,
    pub error: Option<AgentError>,
    /// Model requests in this turn, as the harness counts them.
    pub turns: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
pub struct AgentError {
    pub class: ErrorClass,
    pub message: String,
    /// When it may work again, where the harness knows.
    #[serde(default)]
    pub until: Option<Millis>,
}

/// What kind of failure it was; each has its own next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, FromJson)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    RateLimit,
    Overload,
    /// The service cannot be reached.
    Network,
    Billing,
    Auth,
    /// The model is not there, or not for this account.
    ModelNotFound,
    /// The program is missing, not allowed or does not start.
    Launch,
    McpDisconnect,
    Timeout,
    OutOfMemory,
    DiskFull,
    ContextOverflow,
    /// The CLI ended without a result.
    CliCrash,
    /// It ended well and had said nothing.
    NothingSaid,
    /// The session that was to be resumed is not there.
    SessionLost,
    /// A limit that was set for this turn: turns, budget.
    Capped,
    Interrupted,
    /// The agent says that the task cannot be done.
    TaskFailure,
    /// A check of the finished work does not hold.
    CheckFailed,
    /// The reviewer of the finished work found what was not mended.
    Rejected,
    /// The bridge was gone while it ran.
    Lost,
    Unknown,
}

impl ErrorClass {
    /// The agent or its provider failed, whatever the task was. A limit is none of these: it says when it ends.
    pub const fn is_outage(self) -> bool {
        matches!(
            self,
            Self::Overload
                | Self::Network
                | Self::Launch
                | Self::McpDisconnect
                | Self::CliCrash
                | Self::Timeout
        )
    }
}

/// A run's output, read to its end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, FromJson)]
#[serde(default)]
pub struct TurnReport {
    pub final_text: String,
    pub structured: Option<Value>,
    pub error: Option<AgentError>,
    pub session: Option<SessionId>,
    /// What this run cost; nothing when the harness does not say. Never a guess.
    pub cost: Option<MicroUsd>,
    pub turns: u32,
    pub unknown_lines: u32,
}
