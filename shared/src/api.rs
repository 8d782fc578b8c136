//! Bodies of the few HTTP calls beside the WebSocket.

use serde::Serialize;
use shared_derive::FromJson;

use crate::id::{RunId, TaskId};
use crate::run::Window;
use crate::unit::{Bytes, Millis, Seq};
use crate::worktree::Worktree;

/// `POST /api/enter`: exchanges the start-up secret for a cookie; answers 204.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
pub struct Enter {
    pub secret: String,
}

/// Answers `POST /api/pair`: a device that is not known asked to be let in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
pub struct Pairing {
    /// Leads to the answer; nobody else has it.
    pub ticket: String,
    /// What the person compares, such as `K7Q-M2F`.
    pub code: String,
    /// How long the request stands.
    pub seconds: u64,
}

/// `POST /api/pair/outcome` waits for a person: 204 with a cookie, 403 refused, 410 run out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
pub struct Ticket {
    pub ticket: String,
}

/// A device that asks, as people on trusted ones see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
pub struct Asking {
    pub id: String,
    /// Its browser and system, as it says itself.
    pub name: String,
    pub address: String,
    pub code: String,
}

/// `POST /api/pair/answer`: a person's word about a device that asks; answers 204, or 410 when it asks no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
pub struct Answer {
    pub id: String,
    pub allow: bool,
}

/// `GET /api/devices`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
pub struct Devices {
    /// Oldest first; browsers that came by the printed URL on the bridge's own machine are not among them.
    pub devices: Vec<Device>,
    pub asking: Vec<Asking>,
    /// SHA-256 of the bridge's certificate, in hexadecimal bytes; none where it speaks no TLS.
    pub fingerprint: Option<String>,
}

/// A device that was let in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
pub struct Device {
    pub id: String,
    pub name: String,
    /// From where it was let in.
    pub address: String,
    pub since: Millis,
    /// When it last connected.
    pub seen: Millis,
    /// It is the one that asks for the list.
    pub here: bool,
}

/// `POST /api/devices/revoke`: answers 204, or 404 where there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
pub struct Chosen {
    pub id: String,
}

/// `GET /api/folders?path=P` (no path: the home folder), and `POST /api/folders` makes one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
pub struct Folder {
    /// Absolute.
    pub path: String,
    /// Nothing for the root.
    pub parent: Option<String>,
    /// Sub-folders by name, hidden ones left out, at most 1,000.
    pub entries: Vec<SubFolder>,
    pub writable: bool,
    /// It is the top of a git repository.
    pub git: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
pub struct SubFolder {
    pub name: String,
    pub path: String,
    pub git: bool,
}

/// `POST /api/folders`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
pub struct NewFolder {
    /// Absolute; its parent must exist.
    pub path: String,
}

/// `POST /api/worktrees`: a worktree is made for what is to be done in a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
pub struct NewWorktree {
    /// Absolute, in a git repository.
    pub folder: String,
    /// What is to be done there; its branch is named by it.
    pub purpose: String,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
pub struct MadeWorktree {
    pub worktree: Worktree,
    /// Changes of the folder that are committed nowhere, and so are not in it.
    pub left: u32,
}

impl MadeWorktree {
    /// What the person is to know of what is not in it.
    pub fn left(&self) -> Option<String> {
        let from = &self.worktree.from;
        match self.left {
            0 => None,
            1 => Some(format!("One change in {from} is not committed, and so not in the worktree.")),
            left => Some(format!("{left} changes in {from} are not committed, and so not in the worktree.")),
        }
    }
}

/// `POST /api/worktrees/remove`, `/adopt` and `/bring-back`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
pub struct ChosenWorktree {
    /// Its top.
    pub path: String,
    /// Also what git ignores there may go, of which nothing is kept.
    #[serde(default)]
    pub with_ignored: bool,
}

/// One of `GET /api/worktrees`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
pub struct WorktreeView {
    /// Its top.
    pub path: String,
    /// The top of the checkout that it is of; nothing where that cannot be told.
    pub of: Option<String>,
    pub branch: Option<String>,
    /// The commit that it began at.
    pub base: Option<String>,
    /// What it was asked for.
    pub purpose: String,
    /// The device that asked for it; nothing for the person at the bridge's own machine.
    pub device: Option<String>,
    /// When it came into the bridge's keeping.
    pub since: Option<Millis>,
    /// The goals whose tasks work there.
    pub goals: Vec<TaskId>,
    pub stands: Stands,
}

/// How a worktree stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Stands {
    /// It is there. `known`: in the bridge's keeping; else it was found.
    There { known: bool, holds: Holds },
    /// It was taken away by somebody else.
    Gone,
    Removed {
        at: Millis,
        /// The commit that holds what was not committed.
        snapshot: Option<String>,
    },
    /// It cannot be looked at, and nothing is done about it.
    Unreadable { why: String },
}

/// What a worktree holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, FromJson)]
pub struct Holds {
    pub bytes: Bytes,
    /// Paths that are not committed.
    pub changes: u32,
    /// Commits of its branch that are on no other.
    pub ahead: Option<u32>,
    /// Files that git ignores.
    pub ignored: u32,
    pub ignored_bytes: Bytes,
}

/// `GET /api/health`, for anybody on the machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
pub struct Health {
    pub version: String,
    pub protocol: u32,
}

/// Where `GET /api/search?q=WORDS&in=PLACE&before=CURSOR` looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, FromJson)]
#[serde(rename_all = "snake_case")]
pub enum SearchIn {
    /// What people and the conductor said: the log.
    Said,
    /// What agents wrote, and what their tools answered.
    Output,
}

/// The answer: the newest first, at most 50.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
pub struct Found {
    pub hits: Vec<Hit>,
    /// The cursor for older ones; nothing when these are all.
    pub more: Option<u64>,
    /// How long the bridge looked, in microseconds.
    pub micros: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
pub struct Hit {
    pub at: Millis,
    pub place: HitPlace,
    pub by_person: bool,
    /// About a line of the text around the first hit.
    pub bits: Vec<Bit>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum HitPlace {
    Entry { task: TaskId, seq: Seq },
    Line { run: RunId, line: u64 },
}

/// A bit of a text, marked where it is one of the words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
pub struct Bit {
    pub text: String,
    pub marked: bool,
}

/// `GET /api/runs/RUN/screen`: what stands on a run's terminal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
pub struct Screen {
    pub window: Window,
    /// Of the cursor, from 0.
    pub row: u16,
    pub col: u16,
    /// The run's lines that made it. Who follows the run from this line on misses nothing.
    pub line: u64,
    /// Whether all of those are in it. Of a long output only the end is, and what stands before a sequence that the
    /// bridge cannot draw is not; nearly always it shows the same.
    pub whole: bool,
    /// What makes an empty terminal of this size show it, with escape sequences; at most 1 MiB.
    pub contents: String,
}

/// `GET /api/runs/RUN/terminal`: an event of the stream, with what has changed on a run's terminal since the one before; the first
/// one has all of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
pub struct Redrawn {
    pub window: Window,
    /// Of the cursor, from 0.
    pub row: u16,
    pub col: u16,
    pub hidden: bool,
    /// Arrow keys are sent in their other form (DECCKM).
    pub application: bool,
    /// What is pasted is sent between marks (mode 2004).
    pub bracketed: bool,
    /// The first of its stream: nothing that was told before holds.
    pub anew: bool,
    /// What was scrolled away, the oldest first, each row once; the first event has the last 1,000.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub above: Vec<Vec<Span>>,
    pub rows: Vec<DrawnRow>,
}

/// One row of a terminal, whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
pub struct DrawnRow {
    /// From 0.
    pub row: u16,
    /// From the left; what is empty at the end is left out.
    pub spans: Vec<Span>,
}

/// Text that looks the same from end to end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, FromJson)]
pub struct Span {
    pub text: String,
    /// Words, with a space between them: `f0` to `f7` for the hue of letters and `b0` to `b7` for what is behind them
    /// (black, red, green, yellow, blue, magenta, cyan, white), `bold`, `dim`, `line`, `turned`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub look: String,
}

/// `GET /api/processes`: of one run, the processes that live now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
pub struct RunProcesses {
    pub run: RunId,
    pub processes: Vec<Process>,
}

/// A process as it was when it was asked about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
pub struct Process {
    pub pid: u32,
    /// It stands between bridge and agent.
    pub shim: bool,
    /// Its command line, cut.
    pub command: String,
    pub started: Millis,
    /// Time of a processor since its start.
    pub cpu: Millis,
    /// Resident memory.
    pub memory: Bytes,
}

/// `POST /api/self-test`: the set-up, and what the bridge does when it is attacked; or each step of a first try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
pub struct Finding {
    pub verdict: Verdict,
    pub what: String,
    /// What to do about it; empty where all is well.
    pub remedy: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, FromJson)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Bad,
    /// Works, and may not for long or not for all.
    Warning,
    Well,
}

/// `GET /api/clients`: who is connected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
pub struct Clients {
    /// Pages, looked at or hidden; no commands, no standby.
    pub pages: usize,
}

/// Every error that the bridge answers with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
pub struct Problem {
    pub error: String,
    pub next_step: String,
}
