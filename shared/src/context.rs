//! What an agent is told beside our own words, by where it comes from, and what of it did not fit.

use serde::Serialize;
use shared_derive::FromJson;

use crate::unit::Bytes;

/// Bytes of a project's memory at most; a turn is told as much of it as fits.
pub const MEMORY: usize = 64 * 1024;

/// Where words come from. The earlier ones give way before the later ones, so that what a task is about stands longest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, FromJson)]
#[serde(rename_all = "snake_case")]
pub enum Section {
    /// The goal and the groups that it is a part of.
    Above,
    /// How the attempt before this one failed.
    Attempt,
    /// The project's memory.
    Memory,
    /// The agents that a planner may name.
    Agents,
    /// What it is like itself.
    Character,
    /// Those of its template.
    Guidelines,
    /// What others came to: tasks before it, its parts, or whose work is reviewed.
    Results,
    /// The plan as it stands.
    Plan,
    /// What it needs and what is expected of it.
    Wares,
    /// What a check, a review or a look at its plan found.
    Found,
    Objective,
    /// What the person wrote.
    Said,
}

impl Section {
    /// The first to give way first.
    pub const ALL: [Self; 12] = [
        Self::Above,
        Self::Attempt,
        Self::Memory,
        Self::Agents,
        Self::Character,
        Self::Guidelines,
        Self::Results,
        Self::Plan,
        Self::Wares,
        Self::Found,
        Self::Objective,
        Self::Said,
    ];

    /// As it goes on behind "bytes of".
    pub fn name(self) -> &'static str {
        match self {
            Self::Above => "what it is a part of",
            Self::Attempt => "the failure before",
            Self::Memory => "the memory",
            Self::Agents => "the agents",
            Self::Character => "who it is",
            Self::Guidelines => "the guidelines",
            Self::Results => "results",
            Self::Plan => "the plan",
            Self::Wares => "its inputs and outputs",
            Self::Found => "what was found",
            Self::Objective => "the objective",
            Self::Said => "the person's words",
        }
    }
}

/// What of a section did not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, FromJson)]
pub struct Cut {
    pub section: Section,
    /// That are not told.
    pub bytes: Bytes,
    /// That there are.
    pub of: Bytes,
}
