//! What runs are for.

use serde::Serialize;
use shared_derive::FromJson;

/// What a run is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, FromJson)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Answer the goal or propose a plan.
    Plan,
    /// Do the task, or go on with it.
    Work,
    /// Sum up what the children did.
    Summary,
    /// Talk about a goal that has its plan.
    Talk,
    /// Be there in a terminal for the person, who alone knows what comes of it.
    Terminal,
    /// Say how hard the task is, before it begins.
    Classify,
    /// Look at why the task failed, before it is tried anew.
    Diagnose,
    /// Look at the folder before the work begins.
    Base,
    /// Make one of the task's checks.
    Check,
    /// Review the work, by an agent that was not in the room.
    Review,
    /// Mend what a check or a review found, or a hook.
    Repair,
    /// Commit what was made.
    Commit,
    /// Look at the folder after the work, to know whether that changed anything.
    After,
}

impl Purpose {
    /// It is a turn of the task's own conversation: it goes on with its session and carries what the person wrote.
    pub fn is_conversation(self) -> bool {
        match self {
            Self::Plan | Self::Work | Self::Summary | Self::Talk | Self::Repair => true,
            Self::Base
            | Self::Check
            | Self::Review
            | Self::Commit
            | Self::After
            | Self::Diagnose
            | Self::Terminal
            | Self::Classify => false,
        }
    }
}
