//! What a turn that is due waits for room in, for who wants to know more than that it does.

use shared::agent::HarnessId;
use shared::entry::Room as Left;
use shared::unit::Millis;

use super::{Reason, Status, Waker};
use crate::decide::{self, Bound};
use crate::state::{State, Task};

/// Where room is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// Others hold what is left of a budget.
    Budget,
    /// Another of this kind goes first, to see whether it answers again.
    Answer(HarnessId),
    /// The disk of the bridge's data folder.
    Disk,
    /// The memory of the bridge's machine.
    Memory,
    /// A bound on the agents that run side by side.
    Agents(Bound),
    /// None: its turn is the next thing that is decided.
    Nowhere,
}

impl Room {
    /// Nothing where the task waits for something else.
    pub fn of(state: &State, task: &Task, status: &Status, now: Millis) -> Option<Self> {
        match status.waker() {
            Waker::Room => {}
            // Its time has come, and still it waits.
            Waker::Clock(at) if at <= now => {}
            _ => return None,
        }
        Some(match &status.reason {
            Reason::Held => Self::Budget,
            Reason::Outage { harness, .. } => Self::Answer(*harness),
            _ if state.disk.room == Left::None => Self::Disk,
            _ if state.memory.room == Left::None => Self::Memory,
            _ => decide::bound(state, task).map_or(Self::Nowhere, Self::Agents),
        })
    }
}
