//! The part of the fold that keeps what the person said to a task: a message that a turn was told stays with its task,
//! with the session that surely has it, so that a session which begins later is told what only a lost one knew.

use shared::id::SessionId;

use crate::state::{Message, Run, Task};

/// Messages that a task keeps of those that its turns came to something with. The older ones stay in the log.
pub const KEPT: usize = 100;

/// A message that a turn of its task was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    pub message: Message,
    /// The session that surely has it; nothing while no run that was told it has named its own.
    pub heard: Option<SessionId>,
    /// No turn that was told it has come to something.
    pub open: bool,
}

impl Task {
    /// What the person said to it of which its session, if it has one, may know nothing.
    pub fn unheard(&self) -> impl Iterator<Item = &Message> {
        let unheard = |said: &&Said| said.heard.is_none() || said.heard != self.session;
        self.said.iter().filter(unheard).map(|said| &said.message)
    }

    /// What the run carries is no longer in the queue.
    pub(super) fn hand_on(&mut self, run: &Run) {
        let carried: Vec<Message> =
            self.queue.extract_if(.., |message| run.carries.contains(&message.id)).collect();
        self.remember(carried, None);
    }

    /// A run was told these, and this session has them for sure.
    pub(super) fn remember(&mut self, told: impl IntoIterator<Item = Message>, heard: Option<&SessionId>) {
        let said = |message| Said { message, heard: heard.cloned(), open: true };
        self.said.extend(told.into_iter().map(said));
        let more = self.said.len().saturating_sub(KEPT);
        // What a requeue would tell again is never among those.
        let answered = self.said.extract_if(.., |said| !said.open);
        drop(answered.take(more).collect::<Vec<_>>());
    }

    /// Its run has named its session, and so has read its words: with what no session had yet, they were all told.
    pub(super) fn hear(&mut self, session: SessionId) {
        self.said.iter_mut().for_each(|said| said.heard = Some(session.clone()));
        self.session = Some(session);
    }

    /// A turn is over, and its task begins no fresh attempt in its place.
    pub(super) fn came_to_something(&mut self) {
        self.said.iter_mut().for_each(|said| said.open = false);
    }
}
