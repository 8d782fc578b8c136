//! What a person does themselves: the tasks that are theirs, and a plan that they build task by task.

use clap::{Args, ValueEnum};
use shared::plan::Mode;

use super::TaskArgs;

#[derive(Debug, Args)]
pub struct DoneArgs {
    #[command(flatten)]
    pub(super) task: TaskArgs,
    /// What came of it, in Markdown; whatever comes after it is told
    #[arg(default_value = "")]
    pub(super) words: String,
}

#[derive(Debug, Args)]
pub struct GiveUpArgs {
    #[command(flatten)]
    pub(super) task: TaskArgs,
    /// Why it cannot be done
    pub(super) why: String,
}

#[derive(Debug, Args)]
pub struct ModeArgs {
    #[command(flatten)]
    pub(super) task: TaskArgs,
    /// How much of you it needs
    #[arg(value_enum)]
    pub(super) mode: How,
}

#[derive(Debug, Args)]
pub struct AddArgs {
    /// The goal or task that it is a part of
    #[command(flatten)]
    pub(super) task: TaskArgs,
    /// Its name
    pub(super) title: String,
    /// What is to be reached, where the name does not say it all
    #[arg(long, value_name = "TEXT")]
    pub(super) objective: Option<String>,
    /// How much of you it needs
    #[arg(long, value_enum, default_value_t = How::Autonomous)]
    pub(super) mode: How,
    /// A task that it comes after. May be given again
    #[arg(long, value_name = "TASK")]
    pub(super) after: Vec<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum How {
    /// An agent does it alone
    Autonomous,
    /// An agent does it alone, and may ask you
    Hybrid,
    /// An agent does it together with you
    Interactive,
    /// You do it, without an agent
    Manual,
}

impl From<How> for Mode {
    fn from(how: How) -> Self {
        match how {
            How::Autonomous => Self::Autonomous,
            How::Hybrid => Self::Hybrid,
            How::Interactive => Self::Interactive,
            How::Manual => Self::Manual,
        }
    }
}
