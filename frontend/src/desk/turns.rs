//! The turns that are looked at: their windows of the runs' output, filled by pages and by what comes live.

use leptos::prelude::*;
use shared::agent::HarnessId;
use shared::api::HitPlace;
use shared::id::RunId;
use shared::wire::OutputFrame;

use super::Desk;
use crate::link::history;
use crate::transcript::{Portion, Turn};

impl Desk {
    /// A run's output as a conversation, beginning with its end. Give it back with [`Desk::leave_turn`].
    pub fn turn(self, run: &RunId) -> Turn {
        let harness = self.peek(|state| state.run(run).map(|run| run.harness)).unwrap_or(HarnessId::Command);
        let (turn, fresh) = self
            .inner
            .try_update_value(|inner| {
                let fresh = !inner.turns.contains_key(run);
                let (turn, readers) =
                    inner.turns.entry(run.clone()).or_insert_with(|| (Turn::new(harness), 0));
                *readers += 1;
                (turn.clone(), fresh)
            })
            .unwrap_or_else(|| (Turn::new(harness), false));
        // What was removed is not asked for: the view tells.
        if fresh && self.peek(|state| state.run(run).is_none_or(|run| run.removed.is_none())) {
            let portion = match self.sought.get_untracked() {
                Some(HitPlace::Line { run: sought, line }) if sought == *run => Portion::Around(line),
                _ => Portion::End,
            };
            self.load(run, portion);
        }
        turn
    }

    /// Nobody looks at this run any more.
    pub fn leave_turn(self, run: &RunId) {
        let gone = self.inner.try_update_value(|inner| {
            let Some((_, readers)) = inner.turns.get_mut(run) else { return false };
            *readers = readers.saturating_sub(1);
            let gone = *readers == 0;
            if gone {
                inner.turns.remove(run);
            }
            gone && !inner.driver.state().unread.contains(run)
        });
        if gone == Some(true) {
            self.with_link(|link| link.unfollow(run.clone()));
        }
    }

    /// Brings a page of a run's output into its turn.
    pub fn load(self, run: &RunId, portion: Portion) {
        let Some(turn) = self.known_turn(run) else { return };
        if turn.reach.with_untracked(|reach| reach.loading) {
            return;
        }
        turn.note(|reach| (reach.loading, reach.problem) = (true, None));
        let (run, query) = (run.clone(), turn.query(portion));
        leptos::task::spawn_local(async move {
            let page = history::page(&run, &query).await;
            self.loaded_page(&run, &turn, portion, page);
        });
    }

    fn loaded_page(self, run: &RunId, turn: &Turn, portion: Portion, page: Result<Vec<u8>, String>) {
        turn.note(|reach| reach.loading = false);
        match page {
            Ok(page) => {
                let wants = turn.take(portion, &page);
                let over = self.peek(|state| state.run(run).is_some_and(|run| turn.has_all_behind(run)));
                turn.note(|reach| {
                    reach.detached =
                        wants.is_none() && !over && (reach.detached || portion != Portion::Earlier)
                });
                if let (Some(from), false) = (wants, over) {
                    self.with_link(|link| link.follow(run.clone(), from));
                }
                if let Portion::Around(line) = portion {
                    turn.seek(line);
                }
            }
            Err(problem) => turn.note(|reach| reach.problem = Some(problem)),
        }
        self.ask_for_frame();
    }

    /// Shows where something was found, if that is on the page or as soon as it is.
    pub fn seek(self, place: HitPlace) {
        self.sought.set(Some(place.clone()));
        if let HitPlace::Line { run, line } = place {
            self.load(&run, Portion::Around(line));
        }
    }

    /// Asks again for what did not come while the bridge was away.
    pub(super) fn load_what_failed(self) {
        let failed = |(run, (turn, _)): (&RunId, &(Turn, usize))| {
            turn.reach.with_untracked(|reach| reach.problem.is_some()).then(|| run.clone())
        };
        let runs: Vec<_> = self.inner.with_value(|inner| inner.turns.iter().filter_map(failed).collect());
        runs.iter().for_each(|run| self.load(run, Portion::End));
    }

    /// Hands lines that came by themselves to the turn that shows them.
    pub(super) fn read_turn(self, frame: &OutputFrame<'_>) {
        if let Some(turn) = RunId::new(frame.run).ok().and_then(|run| self.known_turn(&run)) {
            turn.read(frame);
        }
    }

    /// Publishes what changed in the turns since the last frame.
    pub(super) fn publish_turns(self) {
        let turns = self.inner.with_value(|inner| {
            let state = inner.driver.state();
            for (run, (turn, _)) in &inner.turns {
                if let Some(run) = state.run(run) {
                    turn.finish(run);
                }
            }
            inner.turns.values().map(|(turn, _)| turn.clone()).collect::<Vec<_>>()
        });
        turns.iter().for_each(Turn::publish);
    }

    fn known_turn(self, run: &RunId) -> Option<Turn> {
        self.inner.with_value(|inner| inner.turns.get(run).map(|(turn, _)| turn.clone()))
    }
}
