//! Harness adapters: how each agent CLI is called and what its output means. Data plus pure functions;
//! adding a harness touches one file, one enum variant and one fixture folder.

use crate::agent::HarnessId;
use crate::id::SessionId;
use crate::plan::{Access, Size};

/// One turn of a conversation, as the conductor wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    pub prompt: String,
    pub session: Start,
    pub size: Size,
    pub access: Access,
    /// JSON schema of the answer, where one is wanted.
    pub schema: Option<String>,
}

/// Where a turn begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// A new session; harnesses that let the caller choose take this id.
    New { session: SessionId },
    /// Goes on with a session that the harness has.
    Resume { session: SessionId },
}

/// The harness that a person picks from, in the order of preference.
pub const HARNESSES: [HarnessId; 3] = [HarnessId::Claude, HarnessId::Codex, HarnessId::Demo];
