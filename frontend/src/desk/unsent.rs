//! What the person did while the bridge is gone: it is kept, and shown where it will stand.

use leptos::prelude::*;
use shared::id::TaskId;

use super::Desk;
use crate::link::Link;
use crate::transcript::{What, what_of};

impl Desk {
    /// How many intents wait for the bridge; tracked.
    pub fn unsent(self) -> usize {
        self.revision.track();
        self.inner.with_value(|inner| inner.link.as_ref().map_or(0, Link::waiting))
    }

    /// What of them belongs into this task's conversation, oldest first; tracked. Nothing while the bridge is there: what was said
    /// is in the log before anybody could read that it waits.
    pub fn unsaid(self, task: &TaskId) -> Vec<What> {
        if self.standing.with(|standing| standing.is_connected()) {
            return Vec::new();
        }
        self.revision.track();
        let of_task = |link: &Link| {
            link.unsent(|drafts| {
                let said = drafts.filter_map(|draft| what_of(draft.body.known()?));
                said.filter(|(about, _)| *about == task).map(|(_, what)| what).collect()
            })
        };
        self.inner.with_value(|inner| inner.link.as_ref().map(of_task)).unwrap_or_default()
    }
}
