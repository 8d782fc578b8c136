//! The part of the fold that puts a task whose run the person ended back in the queue: a fresh attempt, which is told
//! again what the ended turn was told, because its session knows nothing of it.

use shared::entry::Purpose;
use shared::id::TaskId;
use shared::unit::Millis;

use crate::state::{Goal, Halt, State, Task};

impl State {
    /// The run that is under way is to end for a fresh attempt; the person's last word about it counts.
    pub(super) fn requeue(&mut self, id: &TaskId) {
        let turn = self.task(id).and_then(|task| self.current(task));
        let turn = turn.is_some_and(|run| run.purpose != Purpose::Terminal);
        self.with(id, |task| {
            if turn {
                task.stop = Some(Halt::Requeued);
            }
        });
    }

    /// Its run has ended, and it begins anew.
    pub(super) fn begin_in_line(&mut self, id: &TaskId, at: Millis) {
        let Some(agreed) = self.task(id).map(|task| self.is_agreed(task)) else { return };
        self.with(id, |task| {
            task.current = None;
            task.unsay();
            task.begin_again_where(agreed, at);
        });
        self.with_goal(id, Goal::go_on);
        self.reopen(id, at);
    }
}

impl Task {
    /// What its last turn was told waits again, for a session that knows nothing of it.
    pub(super) fn unsay(&mut self) {
        self.session = None;
        let unsaid = self.said.extract_if(.., |said| said.open).map(|said| said.message);
        self.queue.splice(0..0, unsaid);
        // Also before what it was told and had not read.
        self.queue.sort_by_key(|message| message.at);
        self.queue.iter_mut().for_each(|message| (message.held, message.urged) = (false, false));
    }
}
