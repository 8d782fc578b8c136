//! Bodies of the few HTTP calls beside the WebSocket.

use serde::Serialize;
use shared_derive::FromJson;

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

/// Every error that the bridge answers with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
pub struct Problem {
    pub error: String,
    pub next_step: String,
}
