//! Answers: of two to one question that come from different clients, the first is told and no other (P10).

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use conductor::State;
use conductor::state::Standing;
use shared::entry::{Actor, Kind, Outcome};
use shared::id::{MessageId, RunId, TaskId};

use super::Watch;

#[derive(Debug, Default)]
pub struct Questions {
    /// The question that each task asked last, and what answered it.
    asked: BTreeMap<TaskId, (RunId, Option<(MessageId, Actor)>)>,
}

impl Watch {
    /// Before the entry is folded: keeps what is asked, and says whether words to a task are for its agent.
    pub(super) fn is_for_its_agent(&mut self, state: &State, actor: &Actor, kind: &Kind) -> bool {
        match kind {
            Kind::TaskSettled { task, run: Some(run), outcome: Outcome::Asked { .. } } => {
                self.questions.asked.insert(task.clone(), (run.clone(), None));
            }
            Kind::MessageWithdrawn { task, message } => {
                // Only what still waits can be taken back.
                if self.unsaid.contains_key(message)
                    && let Some((_, answer)) = self.questions.asked.get_mut(task)
                {
                    answer.take_if(|(answer, _)| answer == message);
                }
            }
            Kind::MessageSent { task, message, answers: Some(run), .. } => {
                let waits = |task: &conductor::state::Task| {
                    matches!(task.standing, Standing::Asked { .. }) && task.current.is_none()
                };
                let waits = state.task(task).is_some_and(waits);
                let Some((asked, answer)) = self.questions.asked.get_mut(task) else { return false };
                return match answer {
                    _ if asked != run => false,
                    Some((_, by)) => by == actor,
                    None => {
                        *answer = waits.then(|| (message.clone(), actor.clone()));
                        waits
                    }
                };
            }
            _ => {}
        }
        true
    }

    /// After it was folded: what waits for the agent is what was for it.
    pub(super) fn check_answered(&self, state: &State, kind: &Kind) -> Result<()> {
        let Kind::MessageSent { task: id, message, .. } = kind else { return Ok(()) };
        let Some(task) = state.task(id) else { return Ok(()) };
        let kept = self.unsaid.contains_key(message);
        let waits = task.queue.iter().any(|queued| queued.id == *message);
        ensure!(kept == waits, "{message} to {id} is for its agent: {kept}, and waits for it: {waits}");
        ensure!(kept != task.late.contains(message), "nobody is told whether {message} came too late");
        Ok(())
    }
}
