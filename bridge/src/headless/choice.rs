//! The words of the command line that a goal is started with: its agent, how it is gone about, and what may be done.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use shared::agent::HarnessId;
use shared::evidence::Preset;
use shared::plan::Access;

#[derive(Debug, Clone, Copy, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Harness {
    Claude,
    Codex,
    Demo,
}

/// What does a task alone.
#[derive(Debug, Clone, Copy, ValueEnum, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OwnHarness {
    Claude,
    Codex,
    Demo,
    /// Whatever does what it is a part of
    None,
}

impl OwnHarness {
    pub(super) fn harness(self) -> Option<HarnessId> {
        match self {
            Self::Claude => Some(HarnessId::Claude),
            Self::Codex => Some(HarnessId::Codex),
            Self::Demo => Some(HarnessId::Demo),
            Self::None => None,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum How {
    /// What agents report is taken, once their checks hold
    Quick,
    /// Another agent reviews each task
    Reviewed,
    /// Reviewed, mended up to nine times, and plans are carried out unasked
    Autonomous,
}

impl From<How> for Preset {
    fn from(how: How) -> Self {
        match how {
            How::Quick => Self::Quick,
            How::Reviewed => Self::Reviewed,
            How::Autonomous => Self::Autonomous,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Allowed {
    ReadOnly,
    /// Ask you before each edit and command that no rule decides
    Ask,
    Edit,
    Full,
}

impl From<Harness> for HarnessId {
    fn from(harness: Harness) -> Self {
        match harness {
            Harness::Claude => Self::Claude,
            Harness::Codex => Self::Codex,
            Harness::Demo => Self::Demo,
        }
    }
}

impl Harness {
    /// Nothing for plain commands, which nobody chooses.
    pub(super) fn of(harness: HarnessId) -> Option<Self> {
        match harness {
            HarnessId::Claude => Some(Self::Claude),
            HarnessId::Codex => Some(Self::Codex),
            HarnessId::Demo => Some(Self::Demo),
            HarnessId::Command => None,
        }
    }
}

impl From<Allowed> for Access {
    fn from(allowed: Allowed) -> Self {
        match allowed {
            Allowed::ReadOnly => Self::ReadOnly,
            Allowed::Ask => Self::Ask,
            Allowed::Edit => Self::Edit,
            Allowed::Full => Self::Full,
        }
    }
}
