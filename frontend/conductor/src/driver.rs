//! The driver: between the wire and the brain, without IO. It folds what comes, reads the output of runs
//! while it holds the baton, and has at most one batch of decisions on its way. Page, headless clients and
//! tests give it what they receive and carry out what it asks.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use shared::agent::AgentEvent;
use shared::entry::{Actor, Draft, Entry, Kind};
use shared::id::{AppendId, ClientId, RunId};
use shared::unit::{Epoch, Millis, Seq};
use shared::wire::{ClientMessage, OutputFrame, Refusal, ServerMessage};

use crate::state::{Phase, State};
use crate::{apply, decide, next_deadline};

mod reader;

use reader::Reader;

/// Facts that wait for a batch to be acknowledged. Beyond this the driver stops following output and goes
/// on from the same line later, so a flood costs time and not memory.
const FACTS: usize = 4_096;
/// Before a batch is sent again that the store could not write.
const AGAIN: Millis = Millis::from_secs(1);
/// Drafts in one batch.
const BATCH: usize = 512;

/// What the driver wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Send these decisions, once; they are not to be kept over a lost connection.
    Append {
        id: AppendId,
        epoch: Epoch,
        /// The newest entry that they are decided by.
        seen: Seq,
        drafts: Vec<Draft>,
    },
    Follow {
        run: RunId,
        from: u64,
    },
    Unfollow {
        run: RunId,
    },
}

impl From<Effect> for ClientMessage {
    /// For a client that sends each effect as it comes and keeps none.
    fn from(effect: Effect) -> Self {
        match effect {
            Effect::Append { id, epoch, seen, drafts } => {
                Self::Append { id, epoch: Some(epoch), seen: Some(seen), drafts }
            }
            Effect::Follow { run, from } => Self::Follow { run, from },
            Effect::Unfollow { run } => Self::Unfollow { run },
        }
    }
}

/// Folds, reads and decides for one client.
#[derive(Debug)]
pub struct Driver {
    state: State,
    client: ClientId,
    /// The epoch under which this client decides.
    held: Option<Epoch>,
    readers: BTreeMap<RunId, Reader>,
    facts: Vec<Draft>,
    on_its_way: Option<Batch>,
    batches: u64,
    /// The moment of the last decision. What was due then and was not done waits for an entry, not for time.
    advanced: Millis,
    /// Nothing is sent before this, because the store could not write.
    held_back: Option<Millis>,
    rest: Option<Rest>,
    foreseen: Option<Foreseen>,
}

/// A state that left nothing to decide, and for how long: most of what comes, lines of output above all, changes
/// neither state nor time, and is not worth asking again.
#[derive(Debug)]
struct Rest {
    seq: Seq,
    from: Millis,
    /// When time alone changes it; worked out when somebody asks, for mostly an entry comes before that.
    until: OnceCell<Option<Millis>>,
}

impl Rest {
    fn holds(&self, state: &State, now: Millis) -> bool {
        self.seq == state.seq && self.from <= now && self.until(state).is_none_or(|until| now < until)
    }

    fn until(&self, state: &State) -> Option<Millis> {
        *self.until.get_or_init(|| next_deadline(state, self.from).map(|(at, _)| at))
    }
}

/// A batch that left nothing to decide when it was made. In the log as it was sent, with nothing in between and no
/// earlier than was thought, it leaves nothing to decide there either.
#[derive(Debug)]
struct Foreseen {
    next: Seq,
    last: Seq,
    at: Millis,
}

#[derive(Debug)]
struct Batch {
    id: AppendId,
    /// Known when it is acknowledged; the batch is over when the state has reached it.
    until: Option<Seq>,
    /// What was read, which is as true when the decisions beside it are not.
    facts: Vec<Draft>,
}

impl Driver {
    pub fn new(client: ClientId) -> Self {
        Self {
            state: State::default(),
            client,
            held: None,
            readers: BTreeMap::new(),
            facts: Vec::new(),
            on_its_way: None,
            batches: 0,
            advanced: Millis(0),
            held_back: None,
            rest: None,
            foreseen: None,
        }
    }

    pub fn state(&self) -> &State {
        &self.state
    }

    /// Whether this client decides. By a log of which it does not know every kind it never does, whatever it holds.
    pub fn decides(&self) -> bool {
        let granted =
            self.state.baton.as_ref().filter(|baton| baton.holder == self.client).map(|baton| baton.epoch);
        self.held.is_some() && self.held == granted && self.state.unknown == 0
    }

    /// Whether this client decides and nothing is to come but what persons do: no run, no wish, no time to wait for.
    pub fn is_idle(&self) -> bool {
        self.decides()
            && self.on_its_way.is_none()
            && self.facts.is_empty()
            && self.state.unread.is_empty()
            && self.held_back.is_none()
            && self.due().is_none()
    }

    /// Takes a message from the bridge.
    pub fn receive(&mut self, message: &ServerMessage, now: Millis) -> Vec<Effect> {
        match message {
            ServerMessage::Entries { entries } => entries.iter().for_each(|entry| self.fold(entry)),
            ServerMessage::BatonYours { epoch } => self.held = Some(*epoch),
            ServerMessage::BatonGone { .. } => self.put_down(),
            ServerMessage::Acked { id, seq } => {
                if let Some(batch) = self.on_its_way.as_mut().filter(|batch| batch.id == *id) {
                    batch.until = Some(*seq);
                }
            }
            ServerMessage::Refused { id, refusal } => {
                if let Some(batch) = self.on_its_way.take_if(|batch| batch.id == *id) {
                    self.refused(batch, refusal, now);
                }
            }
            // The lines follow by themselves from where its reader is.
            ServerMessage::Behind { .. }
            | ServerMessage::Welcome { .. }
            | ServerMessage::Incompatible { .. }
            | ServerMessage::Pong { .. }
            | ServerMessage::Asking { .. }
            | ServerMessage::Unreadable { .. } => {}
        }
        self.advance(now)
    }

    /// Takes a frame of a run's output; frames of runs that it does not read are not its own.
    pub fn output(&mut self, frame: &OutputFrame<'_>, now: Millis) -> Vec<Effect> {
        let Ok(run) = RunId::new(frame.run) else { return Vec::new() };
        let Some(reader) = self.readers.get_mut(&run) else { return Vec::new() };
        let Some(project) =
            self.state.run(&run).and_then(|run| self.state.task(&run.task)).map(|task| &task.project)
        else {
            return Vec::new();
        };
        let facts = reader.read(frame);
        self.facts.extend(facts.into_iter().map(|kind| Draft::new(Some(project.clone()), kind)));
        self.advance(now)
    }

    /// The connection is gone, and with it the baton.
    pub fn disconnected(&mut self) {
        self.put_down();
    }

    /// Time has passed; call it at [`Driver::deadline`].
    pub fn tick(&mut self, now: Millis) -> Vec<Effect> {
        self.advance(now)
    }

    /// When to call [`Driver::tick`] at the latest.
    pub fn deadline(&self) -> Option<Millis> {
        if !self.decides() {
            return None;
        }
        self.held_back.into_iter().chain(self.due()).min()
    }

    /// When time alone gives it something to decide.
    fn due(&self) -> Option<Millis> {
        match &self.rest {
            Some(rest) if rest.holds(&self.state, self.advanced) => rest.until(&self.state),
            _ => next_deadline(&self.state, self.advanced).map(|(at, _)| at),
        }
    }

    fn fold(&mut self, entry: &Entry) {
        apply(&mut self.state, entry);
        self.compare(entry);
        self.rest_on(entry);
        if let Some(Batch { until: Some(until), .. }) = &self.on_its_way
            && self.state.seq >= *until
        {
            self.on_its_way = None;
        }
    }

    /// Whether what comes is what was foreseen.
    fn compare(&mut self, entry: &Entry) {
        let Some(Foreseen { next, last, at }) = self.foreseen.take_if(|foreseen| foreseen.next <= entry.seq)
        else {
            return;
        };
        let ours = self.held.is_some_and(|epoch| entry.actor == Actor::Conductor { epoch });
        if !ours || entry.seq != next || entry.at < at {
            return;
        }
        if next == last {
            self.rest = Some(Rest { seq: last, from: at, until: OnceCell::new() });
        } else {
            self.foreseen = Some(Foreseen { next: next.next(), last, at });
        }
    }

    /// What left nothing to decide still does behind an entry that nothing is decided by.
    fn rest_on(&mut self, entry: &Entry) {
        if let Some(rest) = &mut self.rest
            && rest.seq.next() == entry.seq
            && entry.body.known().is_some_and(is_only_shown)
        {
            rest.seq = entry.seq;
        }
    }

    fn refused(&mut self, batch: Batch, refusal: &Refusal, now: Millis) {
        self.foreseen = None;
        match refusal {
            // A person spoke first: decide again, with that.
            Refusal::Overtaken { .. } => drop(self.facts.splice(0..0, batch.facts)),
            // Another client decides, or the store is another than was thought. What was read is read again.
            Refusal::Stale { .. }
            | Refusal::NotYours { .. }
            | Refusal::Invalid { .. }
            | Refusal::Store { .. } => {
                self.readers.clear();
                self.facts.clear();
            }
        }
        // A store that cannot write now is not asked again at once.
        self.held_back = matches!(refusal, Refusal::Store { .. }).then(|| now + AGAIN);
    }

    fn put_down(&mut self) {
        self.held = None;
        self.foreseen = None;
        self.on_its_way = None;
        self.readers.clear();
        self.facts.clear();
    }

    fn advance(&mut self, now: Millis) -> Vec<Effect> {
        if let Some(Batch { until: Some(until), .. }) = &self.on_its_way
            && self.state.seq >= *until
        {
            self.on_its_way = None;
        }
        if !self.decides() {
            return Vec::new();
        }
        self.advanced = now;
        // A clock that was put back does not make it longer.
        self.held_back.take_if(|until| *until <= now || *until > now + AGAIN);
        let mut effects = self.attend();
        if self.on_its_way.is_none() && self.held_back.is_none() {
            let count = self.whole_lines();
            let facts: Vec<Draft> = self.facts.drain(..count).collect();
            let drafts = self.batch(facts.clone(), now);
            if !drafts.is_empty() {
                self.batches += 1;
                let id = self.append_id();
                self.on_its_way = Some(Batch { id: id.clone(), until: None, facts });
                let (epoch, seen) = (self.held.unwrap_or_default(), self.state.seq);
                effects.push(Effect::Append { id, epoch, seen, drafts });
            }
        }
        effects
    }

    /// Unique: the client's id is drawn anew for each page, and it counts its batches.
    fn append_id(&self) -> AppendId {
        let text = format!("{}~{}", self.client, self.batches);
        let start = text.len().saturating_sub(shared::id::MAX_ID_LEN);
        AppendId::new(&text[start..]).unwrap_or_else(|_| unreachable!("an id with a number is an id"))
    }

    /// Begins to read the runs that have to be read, and closes those that are read to their end.
    fn attend(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        let unread = &self.state.unread;
        self.readers.retain(|run, reader| {
            let wanted = unread.contains(run);
            if !wanted && !reader.blind {
                effects.push(Effect::Unfollow { run: run.clone() });
            }
            wanted
        });
        let full = self.facts.len() >= FACTS;
        for id in unread {
            let Some(run) = self.state.run(id) else { continue };
            if !self.readers.contains_key(id) && !full {
                let reader = Reader::new(run);
                let follow = Effect::Follow { run: id.clone(), from: 0 };
                effects.extend((!reader.blind).then_some(follow));
                self.readers.insert(id.clone(), reader);
            }
            let Some(reader) = self.readers.get_mut(id) else { continue };
            reader.attune(&self.state, run);
            if reader.blind {
                // It follows nothing that could be left.
            } else if full && reader.pause() {
                effects.push(Effect::Unfollow { run: id.clone() });
            } else if !full && reader.unpause() {
                effects.push(Effect::Follow { run: id.clone(), from: reader.next_line() });
            }
            if let Phase::Ended { end, lines, .. } = &run.phase
                && let Some(facts) = reader.finish(end, *lines)
            {
                let project = self.state.task(&run.task).map(|task| task.project.clone());
                self.facts.extend(facts.into_iter().map(|kind| Draft::new(project.clone(), kind)));
            }
        }
        effects
    }

    /// The facts that were read, and all that follows from them, as one batch: what one decision makes
    /// possible is decided with it, so that a dependent task starts one commit after its dependency ended.
    fn batch(&mut self, facts: Vec<Draft>, now: Millis) -> Vec<Draft> {
        let shown = |fact: &Draft| fact.body.known().is_some_and(is_only_shown);
        // Of nothing follows nothing, and a copy of the state is dear where there are ten thousand tasks.
        if facts.iter().all(shown) && self.rest.as_ref().is_some_and(|rest| rest.holds(&self.state, now)) {
            return facts;
        }
        let mut decided = facts;
        if decided.is_empty() {
            decided = decide(&self.state, now);
            if decided.is_empty() {
                self.rest = Some(Rest { seq: self.state.seq, from: now, until: OnceCell::new() });
                return Vec::new();
            }
        }
        let mut drafts = Vec::new();
        let mut ahead = self.state.clone();
        while !decided.is_empty() && drafts.len() < BATCH {
            drafts.extend(foretell(&mut ahead, decided, self.held, now));
            decided = decide(&ahead, now);
        }
        let whole = decided.is_empty();
        self.foreseen = whole.then_some(Foreseen { next: self.state.seq.next(), last: ahead.seq, at: now });
        drafts
    }

    /// How many facts go into the next batch: those of one line go together, because the line's number is
    /// what tells a later reader that they are recorded.
    fn whole_lines(&self) -> usize {
        let mut count = self.facts.len().min(BATCH);
        while count < self.facts.len() && reader::same_line(&self.facts[count - 1], &self.facts[count]) {
            count += 1;
        }
        count
    }
}

/// What an agent is at, and says on the way: for those who look, and nothing is decided by it. It is most of what comes.
fn is_only_shown(kind: &Kind) -> bool {
    let Kind::AgentSpoke { event, .. } = kind else { return false };
    matches!(event, AgentEvent::ToolCall { .. } | AgentEvent::Message { .. })
}

/// Folds drafts as if they were committed; gives them back.
fn foretell(state: &mut State, drafts: Vec<Draft>, epoch: Option<Epoch>, now: Millis) -> Vec<Draft> {
    let actor = Actor::Conductor { epoch: epoch.unwrap_or_default() };
    let told = drafts.into_iter().map(|Draft { project, body }| {
        let entry = Entry { seq: state.seq.next(), at: now, actor: actor.clone(), project, body };
        apply(state, &entry);
        Draft { project: entry.project, body: entry.body }
    });
    told.collect()
}
