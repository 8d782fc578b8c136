//! A task whose run a person ended for a fresh attempt: it begins anew, in another session, and is told again what the
//! ended turn was told, once. A stop that came later counts instead.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};
use conductor::State;
use conductor::state::Standing;
use shared::entry::{Kind, Purpose};
use shared::id::{MessageId, TaskId};

use super::Watch;

#[derive(Debug, Default)]
pub struct Requeues {
    /// All that persons wrote.
    said: BTreeMap<MessageId, (TaskId, String)>,
    /// What each task's turns were told since one of them came to something.
    told: BTreeMap<TaskId, Vec<MessageId>>,
    /// Whose run is to end for a fresh attempt.
    wished: BTreeSet<TaskId>,
    /// Has just ended so.
    ended: Option<TaskId>,
}

impl Requeues {
    pub(super) fn tell(&mut self, task: &TaskId, messages: &[MessageId]) {
        self.told.entry(task.clone()).or_default().extend_from_slice(messages);
    }

    pub(super) fn say(&mut self, task: &TaskId, message: &MessageId, text: &str) {
        self.said.insert(message.clone(), (task.clone(), text.to_owned()));
    }

    /// A stop goes before it.
    pub(super) fn stop(&mut self, task: &TaskId) {
        self.wished.remove(task);
    }

    /// Its turn came to something.
    pub(super) fn close(&mut self, task: &TaskId) {
        self.told.remove(task);
    }
}

impl Watch {
    pub(super) fn requeue(&mut self, state: &State, task: &TaskId) {
        let of = state.task(task).and_then(|task| state.current(task));
        let terminal = of.is_some_and(|run| run.purpose == Purpose::Terminal);
        if self.open.contains_key(task) && !terminal {
            self.requeues.wished.insert(task.clone());
            self.stopped.remove(task);
            self.reopened(state, task);
        }
    }

    /// The task's run is judged; whether that was wished for to begin anew.
    pub(super) fn ends_for_anew(&mut self, state: &State, task: &TaskId) -> bool {
        let told = self.requeues.told.remove(task).unwrap_or_default();
        if !self.requeues.wished.remove(task) {
            return false;
        }
        for message in told {
            self.carried.remove(&message);
            self.words.take_back(task, &message);
            if let Some(said) = self.requeues.said.get(&message) {
                self.unsaid.insert(message, said.clone());
            }
        }
        self.afresh(task);
        self.instead.remove(task);
        self.found.remove(task);
        self.repairs.remove(task);
        self.refused.remove(task);
        self.sessions.remove(task);
        self.stopped.remove(task);
        self.reopened(state, task);
        self.requeues.ended = Some(task.clone());
        true
    }

    /// After the entry that ended it.
    pub(super) fn check_requeued(&mut self, state: &State, kind: &Kind) -> Result<()> {
        let Some(task) = self.requeues.ended.take().and_then(|task| state.task(&task)) else { return Ok(()) };
        ensure!(task.current.is_none() && task.stop.is_none(), "{} does not begin anew", task.id);
        ensure!(task.session.is_none(), "{} goes on with the session that was ended", task.id);
        let talked = matches!(kind, Kind::TurnRead { .. });
        let open = matches!(task.standing, Standing::Open | Standing::Proposed);
        ensure!(open || talked, "{} is not in the queue again", task.id);
        Ok(())
    }
}
