//! A bridge without sockets, disks or processes: it commits, grants the baton, plays processes, dies and comes
//! back. What it commits goes past the `Watch`, which knows what must never be.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use conductor::survey::Survey;
use conductor::{State, apply};
use shared::entry::{Actor, Authority, Draft, Entry, Kind, Room};
use shared::id::{AppendId, ClientId, RunId};
use shared::unit::{Bytes, Epoch, Millis, Seq};
use shared::wire::{Refusal, ServerMessage};

use crate::agent::Ways;
use crate::chance::Chance;
use crate::process::Process;
use crate::watch::Watch;

#[derive(Debug, Default)]
pub struct Bridge {
    /// The log folded once more: what every client comes to.
    pub state: State,
    /// The log, as it is sent: one message of entries for each commit.
    pub commits: Vec<ServerMessage>,
    pub processes: BTreeMap<RunId, Process>,
    /// Processes that are not over.
    pub live: Vec<RunId>,
    pub watch: Watch,
    /// How all stood in the last moment of rest; it goes on from there as the page's does.
    pub survey: Survey,
    /// Of a hundred processes so many come to grief.
    pub trouble: usize,
    pub ways: Ways,
    holder: Option<ClientId>,
    epoch: Epoch,
    answered: BTreeMap<AppendId, Seq>,
    last: Millis,
    /// The last that a person said.
    intent: Seq,
}

impl Bridge {
    /// A new one; of a hundred processes `trouble` come to grief.
    pub fn new(trouble: usize) -> Self {
        Self { trouble, ..Self::default() }
    }

    /// Appends together what one client or the bridge itself says; gives the last entry's number.
    ///
    /// # Errors
    /// What must always hold does not.
    pub fn commit(
        &mut self,
        actor: &Actor,
        drafts: Vec<Draft>,
        now: Millis,
        chance: &mut Chance,
    ) -> Result<Seq> {
        // The log's time never goes back, whatever the clock does.
        self.last = self.last.max(now);
        let mut entries = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let Draft { project, body } = draft;
            let entry =
                Entry { seq: self.state.seq.next(), at: self.last, actor: actor.clone(), project, body };
            let mut held = self.watch.before(&self.state, &entry, &self.processes);
            if held.is_ok() {
                apply(&mut self.state, &entry);
                held = self.watch.after(&self.state, &entry);
            }
            if held.is_err() {
                // So that the log of the world shows what broke it, and what came with that.
                entries.push(entry);
                self.commits.push(ServerMessage::Entries { entries });
                return held.map(|()| self.state.seq);
            }
            if let Some(kind) = entry.body.known() {
                self.carry_out(kind, now, chance);
            }
            entries.push(entry);
        }
        self.commits.push(ServerMessage::Entries { entries });
        Ok(self.state.seq)
    }

    fn carry_out(&mut self, order: &Kind, now: Millis, chance: &mut Chance) {
        if let Some(process) = Process::ordered(order, now, self.trouble, self.ways, chance) {
            self.live.push(process.run.clone());
            self.processes.insert(process.run.clone(), process);
        }
        if let Kind::RunEnded { run, .. } = order
            && self.processes.get(run).is_some_and(|process| process.changes)
        {
            self.ways.folder.iter_mut().for_each(|folder| *folder += 1);
        }
        let (Kind::SignalSent { run, .. } | Kind::InputSent { run, .. } | Kind::InputClosed { run }) = order
        else {
            return;
        };
        let Some(process) = self.processes.get_mut(run) else { return };
        match order {
            Kind::SignalSent { .. } => process.signal(),
            Kind::InputSent { message: Some(message), .. } => process.ear.tell(message),
            Kind::InputSent { answers: Some(answer), .. } => {
                process.questions.answer(&answer.request, answer.permit);
            }
            Kind::InputClosed { .. } => process.ear.close(),
            _ => {}
        }
    }

    /// # Errors
    /// What must always hold does not.
    pub fn state_fact(&mut self, kind: Kind, now: Millis, chance: &mut Chance) -> Result<()> {
        let project = self.state.projects.keys().next().cloned();
        self.commit(&Actor::Bridge, vec![Draft::new(project, kind)], now, chance).map(drop)
    }

    /// Answers a client's append. The same one again is acknowledged again and appended once.
    ///
    /// # Errors
    /// What must always hold does not; a client that says what is not its to say breaks it too.
    pub fn append(
        &mut self,
        client: &ClientId,
        append: Append,
        now: Millis,
        chance: &mut Chance,
    ) -> Result<ServerMessage> {
        let Append { id, decided, drafts } = append;
        if let Some(seq) = self.answered.get(&id) {
            return Ok(ServerMessage::Acked { id, seq: *seq });
        }
        let (authority, actor) = match decided {
            Some((epoch, _)) => (Authority::Conductor, Actor::Conductor { epoch }),
            None => (Authority::Person, Actor::Person { client: client.clone() }),
        };
        ensure!(!drafts.is_empty(), "{client} appends nothing");
        for kind in drafts.iter().filter_map(|draft| draft.body.known()) {
            ensure!(kind.authority() == authority, "{client} may not say {kind:?}");
        }
        if let Some((epoch, seen)) = decided {
            if self.holder.as_ref() != Some(client) || epoch != self.epoch {
                return Ok(ServerMessage::Refused { id, refusal: Refusal::Stale { epoch: self.epoch } });
            }
            if seen < self.intent {
                return Ok(ServerMessage::Refused { id, refusal: Refusal::Overtaken { by: self.intent } });
            }
            self.watch.seen = seen;
        }
        if chance.one_in(400) {
            let refusal = Refusal::Store { why: "the disk is full".to_owned() };
            return Ok(ServerMessage::Refused { id, refusal });
        }
        let seq = self.commit(&actor, drafts, now, chance)?;
        if decided.is_none() {
            self.intent = seq;
        }
        self.answered.insert(id.clone(), seq);
        Ok(ServerMessage::Acked { id, seq })
    }

    /// Grants the baton; gives the epoch.
    ///
    /// # Errors
    /// What must always hold does not.
    pub fn grant(&mut self, client: &ClientId, now: Millis, chance: &mut Chance) -> Result<Epoch> {
        self.epoch = Epoch(self.epoch.0 + 1);
        self.holder = Some(client.clone());
        let grant = Kind::BatonGranted { client: client.clone(), epoch: self.epoch };
        self.state_fact(grant, now, chance)?;
        Ok(self.epoch)
    }

    pub fn holder(&self) -> Option<&ClientId> {
        self.holder.as_ref()
    }

    /// The connection of `client` is gone.
    pub fn released(&mut self, client: &ClientId) {
        self.holder.take_if(|holder| holder == client);
    }

    /// One of the processes goes on; says whether one did.
    ///
    /// # Errors
    /// What must always hold does not.
    pub fn play(&mut self, now: Millis, rough: bool, chance: &mut Chance) -> Result<bool> {
        let first = chance.below(self.live.len());
        for step in 0..self.live.len() {
            let place = (first + step) % self.live.len();
            let Some(process) = self.processes.get_mut(&self.live[place]) else { continue };
            if !process.moves(now) {
                continue;
            }
            if let Some(kind) = process.go_on(now, rough, chance) {
                if matches!(kind, Kind::RunEnded { .. }) {
                    self.live.remove(place);
                }
                self.state_fact(kind, now, chance)?;
            }
            return Ok(true);
        }
        Ok(false)
    }

    /// It dies and comes back: it adopts what lives, and calls the rest lost.
    ///
    /// # Errors
    /// What must always hold does not.
    pub fn restart(&mut self, now: Millis, chance: &mut Chance) -> Result<()> {
        self.holder = None;
        self.state_fact(Kind::BridgeStarted { version: "1".to_owned(), pid: 2 }, now, chance)?;
        for run in self.live.clone() {
            if chance.one_in(3)
                && let Some(process) = self.processes.get_mut(&run)
            {
                let lost = process.lost();
                self.live.retain(|live| *live != run);
                self.state_fact(lost, now, chance)?;
            }
        }
        Ok(())
    }

    /// The disk or the memory fills, or somebody makes room.
    ///
    /// # Errors
    /// What must always hold does not.
    pub fn measure(&mut self, disk: bool, room: Room, now: Millis, chance: &mut Chance) -> Result<()> {
        let free = Bytes(1);
        let kind = if disk { Kind::DiskMeasured { room, free } } else { Kind::MemoryMeasured { room, free } };
        self.state_fact(kind, now, chance)
    }

    /// A process gives cause for worry, or no more; nobody may do anything about it.
    ///
    /// # Errors
    /// What must always hold does not.
    pub fn worry(&mut self, now: Millis, chance: &mut Chance) -> Result<()> {
        let Some(run) = chance.pick(&self.live).cloned() else { return Ok(()) };
        let kind = match chance.below(3) {
            0 => Kind::RunSilent { run, since: now },
            1 => Kind::RunHeard { run },
            _ => Kind::RunWeighed { run, memory: Bytes(1), heavy: chance.one_in(2) },
        };
        self.state_fact(kind, now, chance)
    }

    /// When the next process's time is over.
    pub fn times_out(&self) -> Option<Millis> {
        self.live.iter().filter_map(|run| self.processes.get(run)?.times_out()).min()
    }
}

/// What a client sends.
#[derive(Debug, Clone)]
pub struct Append {
    pub id: AppendId,
    /// The epoch of a decision, and the newest entry that it knows of.
    pub decided: Option<(Epoch, Seq)>,
    pub drafts: Vec<Draft>,
}
