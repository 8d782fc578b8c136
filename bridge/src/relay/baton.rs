//! The baton: which connection decides. It is granted with an epoch that only rises and that the log keeps.
//! It moves when its holder goes away, gives it up or falls silent, and to one that wishes for it more.

use std::collections::VecDeque;

use shared::entry::{Actor, Draft, Kind};
use shared::id::ClientId;
use shared::unit::Epoch;
use shared::unit::Seq;
use shared::wire::{Refusal, Want};
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
    holder: Option<Seat>,
    /// In the order in which they asked.
    waiting: VecDeque<Seat>,
}

/// A connection that wishes for the baton, or has it. Its wish is never [`Want::Release`].
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seat {
    connection: Connection,
    client: ClientId,
    want: Want,
    life: Life,
}

/// What is heard of a client that holds the baton.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    Lively,
    /// It should have said something by now: whoever may have to decide in its place gets ready.
    Falters,
    /// It hangs, as far as one can tell: it has the baton only while nobody else wishes for it.
    Silent,
}

impl Seat {
    /// The lowest has the baton.
    fn rank(&self) -> (bool, Want) {
        (self.life == Life::Silent, self.want)
    }
}

/// Who holds the baton, for everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    holder: Option<Seat>,
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
            Some(seat) if seat.connection == connection => {
                View::Yours { epoch: self.epoch, granted: self.granted }
            }
            holder => {
                View::Gone { holder: holder.as_ref().map(|seat| seat.client.clone()), epoch: self.epoch }
            }
        }
    }

    /// Whether nobody decides whom a person looks at, or not for long any more.
    pub(crate) fn is_unattended(&self) -> bool {
        self.holder.as_ref().is_none_or(|seat| seat.want != Want::Take || seat.life != Life::Lively)
    }

    /// Whether who decides is still there and has not been heard of for a moment.
    pub(crate) fn falters(&self) -> bool {
        self.holder.as_ref().is_some_and(|seat| seat.want == Want::Take && seat.life != Life::Lively)
    }

    /// Whether this connection has the baton and is to show life. A hidden page's timers are slowed by its browser; it gives way to
    /// all others anyway.
    pub(super) fn is_watched(&self, connection: Connection) -> bool {
        let held = self.holder.as_ref().filter(|seat| seat.connection == connection);
        held.is_some_and(|seat| seat.life != Life::Silent && seat.want != Want::Spare)
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
        let holds = place.holder.as_ref().is_some_and(|seat| seat.connection == from) && place.epoch == epoch;
        if holds { Ok(Some(place)) } else { Err(Refusal::Stale { epoch: place.epoch }) }
    }

    /// A connection wishes for the baton, or wishes otherwise than before.
    pub(super) async fn want(&self, from: Connection, client: &ClientId, want: Want) {
        if want == Want::Release {
            return self.release(from).await;
        }
        let mut place = self.place.lock().await;
        let known = place.seats().find(|seat| seat.connection == from);
        match known {
            Some(seat) => {
                seat.want = want;
                // It has just spoken.
                if seat.life == Life::Falters {
                    seat.life = Life::Lively;
                }
            }
            None => {
                let client = client.clone();
                place.waiting.push_back(Seat { connection: from, client, want, life: Life::Lively });
            }
        }
        self.show(&mut place).await;
    }

    /// What is heard of a client by now. From one that is silent the baton goes to whoever else wishes for it, now or later.
    pub(super) async fn hear(&self, from: Connection, life: Life) {
        let mut place = self.place.lock().await;
        if let Some(seat) = place.seats().find(|seat| seat.connection == from) {
            seat.life = life;
        }
        self.show(&mut place).await;
    }

    /// Tells of a holder that changed, and hands the baton on where another is to have it.
    async fn show(&self, place: &mut Place) {
        let holder = place.holder.clone();
        self.seen.send_if_modified(|seen| {
            let changed = seen.holder != holder;
            seen.holder = holder;
            changed
        });
        self.hand_on(place).await;
    }

    /// Tries again to hand on a baton that could not be granted while the log could not be written.
    pub(super) async fn offer(&self) {
        self.hand_on(&mut *self.place.lock().await).await;
    }

    pub(super) async fn release(&self, from: Connection) {
        let mut place = self.place.lock().await;
        place.waiting.retain(|seat| seat.connection != from);
        if place.holder.as_ref().is_some_and(|seat| seat.connection == from) {
            place.holder = None;
            self.seen.send_modify(|seen| seen.holder = None);
        }
        self.hand_on(&mut place).await;
    }

    /// Gives the baton to the first of those who wish for it most, if that is more than its holder does. Not
    /// granted when the log cannot be written; the next wish tries again.
    async fn hand_on(&self, place: &mut Place) {
        let Some((index, seat)) = place.next() else { return };
        let epoch = Epoch(place.epoch.0 + 1);
        let grant = Draft::new(None, Kind::BatonGranted { client: seat.client.clone(), epoch });
        match self.store.append(Actor::Bridge, vec![grant]).await {
            Ok(entries) => {
                let granted = entries.last().map_or(Seq(0), |stored| stored.entry.seq);
                place.epoch = epoch;
                place.waiting.remove(index);
                // Who had it wishes for it still.
                place.waiting.extend(place.holder.replace(seat));
                let holder = place.holder.clone();
                self.seen.send_replace(Seen { holder, epoch, granted });
            }
            Err(error) => tracing::error!(%error, "the baton could not be granted"),
        }
    }
}

impl Place {
    fn seats(&mut self) -> impl Iterator<Item = &mut Seat> {
        self.holder.iter_mut().chain(&mut self.waiting)
    }

    /// Who is to have it next, and where they wait.
    fn next(&self) -> Option<(usize, Seat)> {
        let (index, seat) = self.waiting.iter().enumerate().min_by_key(|(_, seat)| seat.rank())?;
        let better = self.holder.as_ref().is_none_or(|holder| seat.rank() < holder.rank());
        better.then(|| (index, seat.clone()))
    }
}
