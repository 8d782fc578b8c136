//! Messages to turns that run: each is told once, by the turn that runs or by the next one, never by both.

use anyhow::{Context, Result, ensure};
use conductor::State;
use shared::id::{MessageId, RunId};

use super::{Processes, Watch};
use crate::process::Process;

impl Watch {
    /// A run is told a message that a person would not have wait.
    pub(super) fn tell(
        &mut self,
        state: &State,
        run: &RunId,
        text: &str,
        message: Option<&MessageId>,
    ) -> Result<()> {
        let message = message.context("told what nobody wrote")?;
        let (task, words) = self.unsaid.remove(message).context("tells what nobody said, or said twice")?;
        ensure!(self.urged.contains(message), "told at once, and nobody asked for that");
        ensure!(self.open.get(&task) == Some(run), "told to a run that is not its task's");
        ensure!(!self.read.contains(run), "told to a run that is over and read");
        ensure!(state.run(run).is_some_and(|run| run.purpose.is_conversation()), "told to a stranger");
        ensure!(!self.stopped.contains(&task), "told after it was stopped");
        ensure!(text.contains(&words), "the message is sent and not told");
        self.telling.insert(message.clone(), (run.clone(), task, words));
        Ok(())
    }

    pub(super) fn has_read(&mut self, run: &RunId, message: &str, processes: &Processes) -> Result<()> {
        let message = MessageId::new(message)?;
        let (told, task, text) = self.telling.remove(&message).context("read what it was not told")?;
        ensure!(told == *run, "read by another run");
        let process = processes.get(run).context("a run that never was")?;
        ensure!(process.ear.read.contains(&message), "it has not read that");
        ensure!(self.carried.insert(message.clone()), "told twice");
        let session = self.sessions.get(&task).map(|(_, session)| session);
        self.words.tell(&task, &message, &text, session);
        self.requeues.tell(&task, &[message]);
        self.repairs.remove(&task);
        Ok(())
    }

    /// Nothing more is to come, and its turn is over.
    pub(super) fn close(&self, run: &RunId, processes: &Processes) -> Result<()> {
        let process = processes.get(run).context("a run that never was")?;
        ensure!(process.has_result(), "its input ends in mid-turn");
        Ok(())
    }

    /// What a run has not read waits again.
    pub(super) fn take_back(&mut self, run: &RunId, process: &Process) -> Result<()> {
        let mine = |(told, ..): &(RunId, _, _)| told == run;
        let unread: Vec<MessageId> =
            self.telling.iter().filter(|(_, told)| mine(told)).map(|(message, _)| message.clone()).collect();
        for message in unread {
            ensure!(!process.ear.read.contains(&message), "{message} was read, and the log does not say so");
            if let Some((_, task, words)) = self.telling.remove(&message) {
                self.unsaid.insert(message, (task, words));
            }
        }
        Ok(())
    }
}
