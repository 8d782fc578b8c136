//! What will change how a task stands, as scripts and monitors read it.

use conductor::State;
use conductor::decide::Bound;
use conductor::state::Task;
use conductor::status::{Room, Status, Waker};
use conductor::words;
use serde::Serialize;
use shared::agent::HarnessId;
use shared::unit::Millis;
use utoipa::ToSchema;

/// `is` says what it is; the rest says more of it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
pub(super) enum WakerView {
    /// The person; `GET /api/inbox` says by what.
    Person,
    /// A run of its own, or of a task below it.
    Agent,
    Time {
        /// In milliseconds since 1970.
        at: u64,
    },
    Tasks {
        /// Ids of those that it waits for.
        tasks: Vec<String>,
    },
    /// Room that is missing.
    Room {
        /// `parallel`, `claude`, `codex`, `demo` or `folder`: a bound of `GET /api/limits` on agents side by side; `budget`: others
        /// hold what is left; `answer`: another goes first, to see whether its agent answers; `disk`, `memory`; `none`: it is next.
        of: &'static str,
        /// Agents that may run, where that is the bound.
        limit: Option<u32>,
        /// That bound in words.
        words: Option<String>,
    },
    /// It is over.
    Nothing,
}

impl WakerView {
    pub(super) fn of(state: &State, task: &Task, status: &Status, now: Millis) -> Self {
        if let Some(room) = Room::of(state, task, status, now) {
            return Self::room(room);
        }
        match status.waker() {
            Waker::Person => Self::Person,
            Waker::Run | Waker::Room => Self::Agent,
            Waker::Clock(at) => Self::Time { at: at.0 },
            Waker::Tasks(tasks) => Self::Tasks { tasks: tasks.iter().map(ToString::to_string).collect() },
            Waker::Nothing => Self::Nothing,
        }
    }

    fn room(room: Room) -> Self {
        let of = |of| Self::Room { of, limit: None, words: None };
        match room {
            Room::Budget => of("budget"),
            Room::Answer(_) => of("answer"),
            Room::Disk => of("disk"),
            Room::Memory => of("memory"),
            Room::Nowhere => of("none"),
            Room::Agents(bound) => {
                let (of, limit) = match bound {
                    Bound::Agents(limit) => ("parallel", limit),
                    Bound::OfKind(harness, limit) => (kind(harness), limit),
                    Bound::InFolder(limit) => ("folder", limit),
                };
                Self::Room { of, limit: Some(limit), words: Some(words::bound(bound)) }
            }
        }
    }
}

fn kind(harness: HarnessId) -> &'static str {
    match harness {
        HarnessId::Claude => "claude",
        HarnessId::Codex => "codex",
        HarnessId::Demo => "demo",
        HarnessId::Command => "command",
    }
}
