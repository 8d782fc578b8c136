//! `orchestrator mode`: how much of a person a task needs.

use clap::{Args, ValueEnum};
use shared::plan::Mode;

use super::TaskArgs;

#[derive(Debug, Args)]
pub struct ModeArgs {
    #[command(flatten)]
    pub(super) task: TaskArgs,
    #[arg(value_enum)]
    pub(super) mode: Manner,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Manner {
    /// It runs alone
    Autonomous,
    /// It runs alone, and may ask
    Hybrid,
    /// It is done with you: you begin it, and say when it is done
    Interactive,
}

impl From<Manner> for Mode {
    fn from(manner: Manner) -> Self {
        match manner {
            Manner::Autonomous => Self::Autonomous,
            Manner::Hybrid => Self::Hybrid,
            Manner::Interactive => Self::Interactive,
        }
    }
}
