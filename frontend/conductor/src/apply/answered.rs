//! The part of the fold that takes what a person writes. Of two answers to one question that came from different
//! clients the first is told to the agent; the other stays in the conversation, and whoever wrote it may send it again.

use shared::entry::Actor;
use shared::id::{MessageId, RunId, TaskId};

use crate::state::{Message, Standing, State, Task};
use crate::status::{Reason, status};

/// Who answered what a run asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub run: RunId,
    pub message: MessageId,
    pub by: Actor,
}

/// What a word to the task answers now: the run that asked, where it is an answer that the task waits for.
pub fn answers(state: &State, task: &Task) -> Option<RunId> {
    matches!(status(state, task).reason, Reason::Asks(_)).then(|| state.question(task)).flatten().cloned()
}

impl State {
    /// The run whose question the task waits with, if nobody has answered that.
    fn question<'a>(&'a self, task: &'a Task) -> Option<&'a RunId> {
        let asks = matches!(task.standing, Standing::Asked { .. }) && task.current.is_none();
        // Not the latest turn: one that planned anew in vain may have come after it.
        let asked = task.asked.as_ref().filter(|_| asks);
        asked.filter(|run| task.answer.as_ref().is_none_or(|answer| answer.run != **run))
    }

    pub(super) fn write(&mut self, id: &TaskId, message: Message, answers: Option<&RunId>, by: &Actor) {
        let Some(task) = self.task(id) else { return };
        let open = answers.filter(|run| self.question(task) == Some(run)).cloned();
        let is_own = |run: &RunId| task.answer.as_ref().is_some_and(|it| it.run == *run && it.by == *by);
        let late = open.is_none() && answers.is_some_and(|run| !is_own(run));
        self.with(id, |task| {
            if late {
                task.late.insert(message.id);
                return;
            }
            if let Some(run) = open {
                task.answer = Some(Answer { run, message: message.id.clone(), by: by.clone() });
            }
            task.queue.push(message);
            task.start_over();
            task.planning.iter_mut().for_each(|planning| planning.refusals = 0);
        });
    }
}

impl Task {
    /// What no turn was told is taken back; a question that it answered is open again.
    pub(super) fn withdraw(&mut self, message: &MessageId) {
        let waiting = self.queue.len();
        self.queue.retain(|queued| queued.id != *message);
        if self.queue.len() < waiting {
            self.answer.take_if(|answer| answer.message == *message);
        }
    }
}
