//! What persons said to a task: the session that a turn goes on with has heard all that the task's turns were told before, or is
//! told it with that turn, once each, in the order in which it was said (P3, P4).

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use shared::entry::Purpose;
use shared::id::{MessageId, SessionId, TaskId};

use super::Watch;

const BEFORE: &str = "## What the person said before\n\n";

#[derive(Debug, Default)]
pub struct Words {
    told: BTreeMap<TaskId, Vec<Word>>,
}

#[derive(Debug)]
struct Word {
    message: MessageId,
    text: String,
    /// The session of the last run that was told it and named one.
    heard: Option<SessionId>,
}

impl Words {
    /// A turn of the task is told this.
    pub(super) fn tell(&mut self, task: &TaskId, message: &MessageId, text: &str, heard: Option<&SessionId>) {
        let word = Word { message: message.clone(), text: text.to_owned(), heard: heard.cloned() };
        self.told.entry(task.clone()).or_default().push(word);
    }

    /// A run of the task names its session, so it has read its prompt.
    pub(super) fn hear(&mut self, task: &TaskId, session: &SessionId) {
        let told = self.told.get_mut(task).into_iter().flatten();
        told.for_each(|word| word.heard = Some(session.clone()));
    }

    /// It waits again to be told.
    pub(super) fn take_back(&mut self, task: &TaskId, message: &MessageId) {
        self.told.entry(task.clone()).or_default().retain(|word| word.message != *message);
    }

    /// The task is done anew, and knows nothing of the last time.
    pub(super) fn forget(&mut self, task: &TaskId) {
        self.told.remove(task);
    }
}

impl Watch {
    /// A turn of the task is ordered with this prompt, before what it carries counts as told.
    pub(super) fn check_said(&self, task: &TaskId, purpose: Purpose, prompt: &str) -> Result<()> {
        if !purpose.is_conversation() {
            ensure!(!prompt.contains(BEFORE), "{task} is not talked to, and is told what was said");
            return Ok(());
        }
        let session = self.sessions.get(task).map(|(_, session)| session);
        let said = self.words.told.get(task).into_iter().flatten();
        let unheard = said.filter(|word| word.heard.is_none() || word.heard.as_ref() != session);
        let unheard: Vec<&str> = unheard.map(|word| word.text.as_str()).collect();
        if prompt.contains("## Cut to fit\n\n") {
            return Ok(());
        }
        let (_, rest) = prompt.split_once(BEFORE).unwrap_or_default();
        let before: Vec<&str> = rest.lines().take_while(|line| !line.starts_with('#')).collect();
        let before: Vec<&str> = before.into_iter().filter(|line| line.starts_with("message ")).collect();
        ensure!(
            before == unheard,
            "{task} goes on with {session:?}, which has not heard {unheard:?}, and is told {before:?}"
        );
        Ok(())
    }
}
