//! What the calls share: the log folded as far as it was asked for, and the way for intents.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Json;
use conductor::{State, apply};
use shared::entry::{Draft, Kind};
use shared::id::ClientId;
use shared::unit::Seq;
use tokio::sync::{Mutex, MutexGuard, Semaphore};

use super::{Answer, Committed, Refused};
use crate::headless::statement::drawn;
use crate::headless::word::{self, Word};
use crate::relay::Relay;
use crate::store::{Page, Store, StoreError};
use crate::worktree::Custody;

/// Entries folded at once.
const PAGE: Page = Page { entries: 1_024, bytes: 4 * 1024 * 1024 };
/// Monitors that follow the log at the same time; one more is told to come later.
const FOLLOWERS: usize = 64;

#[derive(Debug)]
pub(super) struct Desk {
    pub store: Store,
    relay: Relay,
    /// As of the last call: a bridge that nobody asks folds nothing. Async, for it is held while the log is read.
    state: Mutex<State>,
    pub followers: Arc<Semaphore>,
    pub custody: Arc<Custody>,
    /// Folders of the configuration; none for all.
    pub allowed: Vec<PathBuf>,
}

impl Desk {
    pub fn new(store: Store, relay: Relay, custody: Custody, allowed: Vec<PathBuf>) -> Self {
        let followers = Arc::new(Semaphore::new(FOLLOWERS));
        Self { store, relay, state: Mutex::default(), followers, custody: Arc::new(custody), allowed }
    }

    /// The state as the log has it now.
    pub async fn state(&self) -> Result<MutexGuard<'_, State>, StoreError> {
        let mut state = self.state.lock().await;
        loop {
            let entries = self.store.entries_after(state.seq, PAGE).await?;
            if entries.is_empty() {
                return Ok(state);
            }
            entries.iter().for_each(|stored| apply(&mut state, &stored.entry));
        }
    }

    /// Each call is somebody of its own: nobody knows whether two come from the same person.
    pub async fn intend(&self, drafts: Vec<Draft>) -> Result<Seq, Refused> {
        Ok(self.relay.intend(&drawn(ClientId::new), drafts).await?)
    }

    /// Says one thing that is about no task and no project; `id` names what it is about.
    pub async fn keep(&self, id: impl ToString, kind: Kind) -> Answer<Committed> {
        let Seq(seq) = self.intend(vec![Draft::new(None, kind)]).await?;
        Ok(Json(Committed::new(id, seq)))
    }

    /// Says one thing about a task.
    pub async fn tell(&self, task: &str, word: Word) -> Answer<Committed> {
        let (id, drafts) = {
            let state = self.state().await?;
            let task = word.whom(&state, task)?;
            (task.id.to_string(), word.to(&state, task)?)
        };
        let said = drafts.clone();
        let Seq(seq) = self.intend(drafts).await?;
        word::is_heard(&*self.state().await?, &said)?;
        let made = word::made(&said).map(ToString::to_string);
        Ok(Json(Committed { made, ..Committed::new(id, seq) }))
    }
}
