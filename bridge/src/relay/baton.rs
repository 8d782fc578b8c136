//! The baton: which connection decides. It is granted with an epoch that only rises and that the log keeps.
//! It moves when its holder goes away or gives it up.

use std::collections::VecDeque;

use shared::entry::{Actor, Draft, Kind};
use shared::id::ClientId;
use shared::unit::Epoch;
use shared::unit::Seq;
use shared::wire::Refusal;
use tokio::sync::{Mutex, MutexGuard, watch};

use super::Connection;
use crate::store::Store;

#[derive(Debug)]
pub(super) struct Baton {
    store: Store,
    // Async: it is held until a decision has its place in the log's order, and over the commit of a grant.
    place: Mutex<Place>,
    /// What connections see, apart from the lock: output must not wait while a grant is committed.
    seen: watch::Sender<Seen>,
}

#[derive(Debug)]
pub(super) struct Place {
    epoch: Epoch,
    holder: Option<(Connection, ClientId)>,
    /// In the order in which they asked.
    waiting: VecDeque<(Connection, ClientId)>,
}

/// Who holds the baton, for everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    holder: Option<(Connection, ClientId)>,
    epoch: Epoch,
    /// The entry of the grant.
    granted: Seq,
}

/// Who holds the baton, as one connection sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum View {
    /// From the entry `granted` on.
    Yours {
        epoch: Epoch,
        granted: Seq,
    },
    Gone {
        holder: Option<ClientId>,
        epoch: Epoch,
    },
}

impl Seen {
    pub(super) fn by(&self, connection: Connection) -> View {
        match &self.holder {
            Some((holder, _)) if *holder == connection => {
                View::Yours { epoch: self.epoch, granted: self.granted }
            }
            holder => {
                View::Gone { holder: holder.as_ref().map(|(_, client)| client.clone()), epoch: self.epoch }
            }
        }
    }
}

impl Baton {
    pub(super) fn new(store: Store, epoch: Epoch) -> Self {
        let place = Place { epoch, holder: None, waiting: VecDeque::new() };
        let seen = watch::Sender::new(Seen { holder: None, epoch, granted: Seq(0) });
        Self { store, place: Mutex::new(place), seen }
    }

    pub(super) fn seen(&self) -> watch::Receiver<Seen> {
        self.seen.subscribe()
    }

    /// Lets an append pass that carries the holder's epoch, or none. The guard keeps the baton where it is:
    /// held until the append has its place, a decision is never behind the grant that made it stale.
    pub(super) async fn decide(
        &self,
        from: Connection,
        epoch: Option<Epoch>,
    ) -> Result<Option<MutexGuard<'_, Place>>, Refusal> {
        let Some(epoch) = epoch else { return Ok(None) };
        let place = self.place.lock().await;
        let holds = place.holder.as_ref().is_some_and(|(holder, _)| *holder == from) && place.epoch == epoch;
        if holds { Ok(Some(place)) } else { Err(Refusal::Stale { epoch: place.epoch }) }
    }

    pub(super) async fn want(&self, from: Connection, client: &ClientId) {
        let mut place = self.place.lock().await;
        let known = place.holder.iter().chain(&place.waiting).any(|(connection, _)| *connection == from);
        if !known {
            place.waiting.push_back((from, client.clone()));
        }
        self.hand_on(&mut place).await;
    }

    /// Tries again to hand on a baton that could not be granted while the log could not be written.
    pub(super) async fn offer(&self) {
        if self.seen.borrow().holder.is_none() {
            self.hand_on(&mut *self.place.lock().await).await;
        }
    }

    pub(super) async fn release(&self, from: Connection) {
        let mut place = self.place.lock().await;
        place.waiting.retain(|(connection, _)| *connection != from);
        if place.holder.as_ref().is_some_and(|(connection, _)| *connection == from) {
            place.holder = None;
            self.seen.send_modify(|seen| seen.holder = None);
        }
        self.hand_on(&mut place).await;
    }

    /// Gives a free baton to the first who waits. Not granted when the log cannot be written; the next wish tries again.
    async fn hand_on(&self, place: &mut Place) {
        while place.holder.is_none()
            && let Some((connection, client)) = place.waiting.pop_front()
        {
            let epoch = Epoch(place.epoch.0 + 1);
            let grant = Draft::new(None, Kind::BatonGranted { client: client.clone(), epoch });
            match self.store.append(Actor::Bridge, vec![grant]).await {
                Ok(entries) => {
                    let granted = entries.last().map_or(Seq(0), |stored| stored.entry.seq);
                    place.epoch = epoch;
                    place.holder = Some((connection, client));
                    let holder = place.holder.clone();
                    self.seen.send_replace(Seen { holder, epoch, granted });
                }
                Err(error) => {
                    tracing::error!(%error, "the baton could not be granted");
                    place.waiting.push_front((connection, client));
                    return;
                }
            }
        }
    }
}
