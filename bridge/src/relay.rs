//! The relay: one WebSocket per client, the log and the output of runs out, intents and decisions in. It
//! reads what it must to store and pass on, never what an agent means. Slow clients slow only themselves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use shared::entry::Draft;
use shared::id::{AppendId, ClientId};
use shared::unit::{Epoch, Seq};
use shared::wire::Refusal;

use crate::store::{Store, StoreError, Stored};
use crate::supervisor::Supervisor;

mod admit;
mod baton;
mod pump;

use baton::Baton;
pub use pump::{Closed, pump};

/// What all connections share.
#[derive(Debug, Clone)]
pub struct Relay {
    store: Store,
    supervisor: Supervisor,
    baton: Arc<Baton>,
    connections: Arc<AtomicU64>,
}

/// Which connection; a client that reconnects is another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Connection(u64);

impl Relay {
    /// Takes the last epoch of the log, so that the next is newer.
    pub fn new(store: Store, supervisor: Supervisor, epoch: Epoch) -> Self {
        let baton = Arc::new(Baton::new(store.clone(), epoch));
        Self { store, supervisor, baton, connections: Arc::default() }
    }

    fn connect(&self) -> Connection {
        Connection(self.connections.fetch_add(1, Ordering::Relaxed))
    }

    /// Commits what a client sent, if it may, and carries out the orders in it.
    async fn append(
        &self,
        from: Connection,
        client: &ClientId,
        id: AppendId,
        epoch: Option<Epoch>,
        drafts: Vec<Draft>,
    ) -> Result<Seq, Refusal> {
        admit::check(epoch, &drafts)?;
        // Held over the commit: a decision is never in the log behind the grant that made it stale.
        let grant = self.baton.decide(from, epoch).await?;
        let actor = match epoch {
            Some(epoch) => shared::entry::Actor::Conductor { epoch },
            None => shared::entry::Actor::Person { client: client.clone() },
        };
        let appended = self.store.append_once(actor, id, drafts).await;
        drop(grant);
        let (entries, seq) = appended.map_err(refusal)?;
        self.carry_out(&entries);
        Ok(seq)
    }

    fn carry_out(&self, entries: &[Arc<Stored>]) {
        for stored in entries {
            self.supervisor.carry_out(&stored.entry);
        }
    }
}

fn refusal(error: StoreError) -> Refusal {
    match error {
        StoreError::RunExists(_) | StoreError::Encode(_) => Refusal::Invalid { why: error.to_string() },
        StoreError::Write(_) | StoreError::Read(_) | StoreError::NoSuchRun(_) | StoreError::Closed => {
            Refusal::Store { why: error.to_string() }
        }
    }
}
