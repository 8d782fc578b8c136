//! Bodies of the few HTTP calls beside the WebSocket.

use serde::Serialize;
use shared_derive::FromJson;

use crate::id::{RunId, TaskId};
use crate::run::Window;
use crate::unit::{Millis, Seq};

/// `POST /api/enter`: exchanges the start-up secret for a cookie; answers 204.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
pub struct Enter {
    pub secret: String,
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
    /// Whether those were read from the first on. Of a long output only the end is, which nearly always
    /// shows the same.
    pub whole: bool,
    /// What makes an empty terminal of this size show it, with escape sequences; at most 1 MiB.
    pub contents: String,
}

/// Every error that the bridge answers with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
pub struct Problem {
    pub error: String,
    pub next_step: String,
}
