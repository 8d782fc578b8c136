//! The relay: one WebSocket per client, the log and the output of runs out, intents and decisions in. It
//! reads what it must to store and pass on, never what an agent means. Slow clients slow only themselves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use shared::api::Asking;
use shared::entry::{Actor, Draft};
use shared::id::{AppendId, ClientId};
use shared::unit::{Epoch, Seq};
use shared::wire::Refusal;
use tokio::sync::{Semaphore, watch};

use crate::page::Source;
use crate::store::{Pending, Store, StoreError};

mod admit;
mod alive;
mod baton;
pub(crate) mod drawing;
mod frame;
pub(crate) mod history;
mod orders;
mod pump;
pub mod screen;
mod scrolled;

use baton::{Baton, Seen};
pub use orders::follow_log;
pub use pump::{Closed, pump};

/// Terminals that are looked at through pages at once.
const WATCHERS: usize = 32;

/// What all connections share.
#[derive(Debug, Clone)]
pub struct Relay {
    store: Store,
    baton: Arc<Baton>,
    connections: Arc<AtomicU64>,
    /// Each page that is connected holds a receiver; nothing is sent.
    pages: watch::Sender<()>,
    /// Who looks at terminals; each has a picture of its own.
    watchers: Arc<Semaphore>,
    /// Devices that ask to be let in.
    asking: watch::Receiver<Vec<Asking>>,
    page: Arc<Source>,
}

/// Whether somebody decides whom a person looks at and who shows life, as it changes.
#[derive(Debug, Clone)]
pub struct Attendance(watch::Receiver<Seen>);

impl Attendance {
    /// Waits until nobody does, or until somebody does. Errs when the relay is gone.
    pub async fn until(&mut self, attended: bool) -> Result<(), watch::error::RecvError> {
        self.0.wait_for(|seen| seen.is_unattended() != attended).await.map(drop)
    }

    /// Whether the one who decides is there, and has not been heard of for a moment.
    pub fn falters(&self) -> bool {
        self.0.borrow().falters()
    }
}

/// Which connection; a client that reconnects is another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Connection(u64);

impl Relay {
    /// Takes the last epoch of the log, so that the next is newer, and what clients are told of devices that
    /// ask to be let in, and the page that they should be of.
    pub fn new(store: Store, epoch: Epoch, asking: watch::Receiver<Vec<Asking>>, page: Arc<Source>) -> Self {
        let baton = Arc::new(Baton::new(store.clone(), epoch));
        let watchers = Arc::new(Semaphore::new(WATCHERS));
        let (connections, pages) = (Arc::default(), watch::Sender::default());
        Self { store, baton, connections, pages, watchers, asking, page }
    }

    pub fn attendance(&self) -> Attendance {
        Attendance(self.baton.seen())
    }

    /// Commits what a person intends who is not at a socket; gives the number of its last entry.
    pub(crate) async fn intend(&self, client: &ClientId, drafts: Vec<Draft>) -> Result<Seq, Refusal> {
        let id = AppendId::new(&uuid::Uuid::now_v7().to_string());
        let id = id.unwrap_or_else(|_| unreachable!("a UUID is an id"));
        let pending = self.append(self.connect(), client, id, None, drafts).await?;
        pending.committed().await.map(|(_, last)| last).map_err(refusal)
    }

    /// How many pages are connected.
    pub fn pages(&self) -> usize {
        self.pages.receiver_count()
    }

    fn connect(&self) -> Connection {
        Connection(self.connections.fetch_add(1, Ordering::Relaxed))
    }

    /// Gives what a client sent its place in the log, if it may have one. A decision comes with its epoch and
    /// the newest entry that it knows of.
    async fn append(
        &self,
        from: Connection,
        client: &ClientId,
        id: AppendId,
        decision: Option<(Epoch, Option<Seq>)>,
        drafts: Vec<Draft>,
    ) -> Result<Pending, Refusal> {
        let (epoch, seen) = decision.map_or((None, None), |(epoch, seen)| (Some(epoch), seen));
        admit::check(epoch, &drafts)?;
        let grant = self.baton.decide(from, epoch).await?;
        let actor = match epoch {
            Some(epoch) => Actor::Conductor { epoch },
            None => {
                self.baton.offer().await;
                Actor::Person { client: client.clone() }
            }
        };
        let pending = self.store.append_once(actor, id, seen, drafts).await;
        drop(grant);
        pending.map_err(refusal)
    }
}

fn refusal(error: StoreError) -> Refusal {
    match error {
        StoreError::Overtaken(by) => Refusal::Overtaken { by },
        StoreError::RunExists(_) | StoreError::Encode(_) => Refusal::Invalid { why: error.to_string() },
        StoreError::Write(_)
        | StoreError::Read(_)
        | StoreError::Damaged(_)
        | StoreError::NoSuchRun(_)
        | StoreError::TooEarly(_)
        | StoreError::Closed => Refusal::Store { why: error.to_string() },
    }
}
