//! The link's decisions, without a socket: when to connect, what to say first, what to send again. It
//! knows how far the log and each followed run were received, and which intents are not acknowledged.

use std::collections::{BTreeMap, VecDeque};

use shared::entry::Draft;
use shared::id::{AppendId, ClientId, LogId, RunId};
use shared::unit::{Millis, Seq};
use shared::wire::{ClientMessage, PROTOCOL, PULSE, ServerMessage, Want};

/// First wait after a lost connection; it doubles up to the longest.
const BACK_OFF: Millis = Millis(250);
const LONGEST: Millis = Millis::from_secs(8);
const HEARTBEAT: Millis = Millis::from_secs(5);
/// Intents that outlive a reload. More are a flood, and only in memory.
const KEPT: usize = 256;
/// Without a word from the bridge for this long the connection is dead, whatever the socket says.
const SILENCE: Millis = Millis::from_secs(15);

/// How the page stands with the bridge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    Connecting,
    Live,
    /// Connected, and the bridge has another build of the page since: this one may not understand all that is in the log,
    /// and decides nothing.
    Aged,
    Lost {
        since: Millis,
        retry: Millis,
    },
    /// The bridge does not know this browser.
    Denied,
    Incompatible {
        version: String,
    },
    /// The bridge has another history now: what this page knows and wanted belongs to one that is gone.
    Replaced,
}

impl Standing {
    pub fn is_connected(&self) -> bool {
        matches!(self, Self::Live | Self::Aged)
    }
}

/// Whether the bridge lets this browser in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Granted,
    Denied,
    /// It did not answer.
    Unknown,
}

pub(super) enum Event {
    /// What this tab kept before it was loaded again.
    Kept(Kept),
    Entered(Access),
    Checked(Access),
    Opened,
    Closed,
    Heard(Heard),
    /// Output of a run was received up to before this line.
    Lines(RunId, u64),
    Tick,
    TryNow,
    Intend(AppendId, Vec<Draft>),
    Say(ClientMessage),
    Follow(RunId, u64),
    Unfollow(RunId),
    Baton(Want),
}

/// Intents that wait for their acknowledgement, as they outlive a reload: for this history, in their order.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Kept {
    pub log: Option<LogId>,
    pub intents: Vec<(AppendId, Vec<Draft>)>,
}

/// What of a message matters to the link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Heard {
    Welcome {
        head: Seq,
        log: Option<LogId>,
        page: Option<String>,
    },
    Incompatible(String),
    Entries(Seq),
    Settled(AppendId),
    /// Whether this page decides.
    Baton(bool),
    /// The store could not write; it is tried again with the next connection.
    Other,
}

pub(super) fn heard(message: &ServerMessage) -> Heard {
    use shared::wire::Refusal;
    match message {
        ServerMessage::Welcome { head, log, page, .. } => {
            Heard::Welcome { head: *head, log: log.clone(), page: page.clone() }
        }
        ServerMessage::Incompatible { version, .. } => Heard::Incompatible(version.clone()),
        ServerMessage::Entries { entries } => {
            entries.last().map_or(Heard::Other, |entry| Heard::Entries(entry.seq))
        }
        ServerMessage::Refused { refusal: Refusal::Store { .. }, .. } => Heard::Other,
        ServerMessage::Acked { id, .. } | ServerMessage::Refused { id, .. } => Heard::Settled(id.clone()),
        ServerMessage::BatonYours { .. } => Heard::Baton(true),
        ServerMessage::BatonGone { .. } => Heard::Baton(false),
        ServerMessage::Behind { .. }
        | ServerMessage::Pong { .. }
        | ServerMessage::Asking { .. }
        | ServerMessage::Unreadable { .. } => Heard::Other,
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Effect {
    Connect,
    Close,
    Send(ClientMessage),
    CheckAccess,
    /// What outlives a reload became another.
    Keep,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    Entering,
    Opening,
    /// Hello was said.
    Greeting {
        heard: Millis,
    },
    Live {
        heard: Millis,
        pinged: Millis,
    },
    Waiting {
        since: Millis,
        until: Millis,
    },
    Denied,
    Incompatible(String),
    Replaced,
}

pub(super) struct Machine {
    client: ClientId,
    /// The build of this page, where it knows it.
    build: Option<String>,
    /// The bridge has another one.
    aged: bool,
    phase: Phase,
    /// The history that the first connection told of.
    log: Option<LogId>,
    seq: Seq,
    follows: BTreeMap<RunId, u64>,
    /// Not bounded by number: each is something a person did by hand and must not be lost.
    outbox: VecDeque<(AppendId, Vec<Draft>)>,
    /// Until the bridge says which history it has.
    kept: Kept,
    baton: Want,
    holds: bool,
    tries: u32,
    lost: Option<Millis>,
}

impl Machine {
    pub(super) fn new(client: ClientId, build: Option<String>) -> Self {
        Self {
            client,
            build,
            aged: false,
            phase: Phase::Entering,
            log: None,
            seq: Seq(0),
            follows: BTreeMap::new(),
            outbox: VecDeque::new(),
            kept: Kept::default(),
            baton: Want::Release,
            holds: false,
            tries: 0,
            lost: None,
        }
    }

    /// What the bridge has not acknowledged, oldest first.
    pub(super) fn unsent(&self) -> impl Iterator<Item = &(AppendId, Vec<Draft>)> {
        self.kept.intents.iter().chain(&self.outbox)
    }

    /// What outlives a reload: the first of what waits, and all of it but for a flood.
    pub(super) fn keeps(&self) -> Kept {
        let intents = self.unsent().take(KEPT).cloned().collect();
        Kept { log: self.log.clone().or_else(|| self.kept.log.clone()), intents }
    }

    pub(super) fn standing(&self) -> Standing {
        match (&self.phase, self.lost) {
            (Phase::Denied, _) => Standing::Denied,
            (Phase::Incompatible(version), _) => Standing::Incompatible { version: version.clone() },
            (Phase::Replaced, _) => Standing::Replaced,
            (Phase::Live { .. }, _) if self.aged => Standing::Aged,
            (Phase::Live { .. }, _) => Standing::Live,
            (Phase::Waiting { since, until }, _) => Standing::Lost { since: *since, retry: *until },
            (Phase::Opening | Phase::Greeting { .. }, Some(since)) => Standing::Lost { since, retry: since },
            (Phase::Entering | Phase::Opening | Phase::Greeting { .. }, _) => Standing::Connecting,
        }
    }

    pub(super) fn deadline(&self) -> Option<Millis> {
        match &self.phase {
            Phase::Waiting { until, .. } => Some(*until),
            Phase::Live { heard, pinged } => Some((*pinged + self.beat()).min(*heard + SILENCE)),
            Phase::Greeting { heard } => Some(*heard + SILENCE),
            Phase::Entering | Phase::Opening | Phase::Denied | Phase::Incompatible(_) | Phase::Replaced => {
                None
            }
        }
    }

    /// Between its pings. Who decides shows that it does not hang; of a hidden page, whose timers are slow, nobody asks it.
    fn beat(&self) -> Millis {
        if self.holds && self.baton == Want::Take { PULSE } else { HEARTBEAT }
    }

    pub(super) fn handle(&mut self, event: Event, now: Millis) -> Vec<Effect> {
        let live = matches!(self.phase, Phase::Live { .. });
        match event {
            Event::Kept(kept) => {
                self.kept = kept;
                Vec::new()
            }
            Event::Entered(Access::Denied) | Event::Checked(Access::Denied) => {
                self.phase = Phase::Denied;
                vec![Effect::Close]
            }
            Event::Entered(_) => self.open(),
            Event::Checked(_) => Vec::new(),
            Event::Opened => {
                self.phase = Phase::Greeting { heard: now };
                vec![Effect::Send(ClientMessage::Hello {
                    protocol: PROTOCOL,
                    client: self.client.clone(),
                    since: self.seq,
                    lively: true,
                })]
            }
            Event::Closed => self.lose(now),
            Event::Heard(heard) => self.hear(heard, now),
            Event::Lines(run, next) => {
                if let Some(known) = self.follows.get_mut(&run) {
                    *known = (*known).max(next);
                }
                self.alive(now);
                Vec::new()
            }
            Event::Tick => self.tick(now),
            Event::TryNow => match self.phase {
                Phase::Waiting { .. } => self.open(),
                _ => Vec::new(),
            },
            Event::Intend(id, drafts) => {
                let message =
                    ClientMessage::Append { id: id.clone(), epoch: None, seen: None, drafts: drafts.clone() };
                self.outbox.push_back((id, drafts));
                // Kept before it is sent: whatever happens in between, it is not lost.
                std::iter::once(Effect::Keep).chain(said(live, message)).collect()
            }
            Event::Say(message) => said(live, message),
            // Lines from there on are on their way already.
            Event::Follow(run, from) if self.follows.get(&run).is_some_and(|next| *next <= from) => {
                Vec::new()
            }
            Event::Follow(run, from) => {
                self.follows.insert(run.clone(), from);
                said(live, ClientMessage::Follow { run, from })
            }
            Event::Unfollow(run) => {
                self.follows.remove(&run);
                said(live, ClientMessage::Unfollow { run })
            }
            Event::Baton(want) => {
                self.baton = want;
                said(live && !self.aged, ClientMessage::WantBaton { want })
            }
        }
    }

    fn open(&mut self) -> Vec<Effect> {
        self.phase = Phase::Opening;
        vec![Effect::Connect]
    }

    fn lose(&mut self, now: Millis) -> Vec<Effect> {
        if matches!(
            self.phase,
            Phase::Denied | Phase::Incompatible(_) | Phase::Replaced | Phase::Waiting { .. }
        ) {
            return Vec::new();
        }
        let since = *self.lost.get_or_insert(now);
        let wait = Millis((BACK_OFF.0 << self.tries.min(8)).min(LONGEST.0));
        self.tries += 1;
        self.phase = Phase::Waiting { since, until: now + wait };
        // A refused upgrade looks like a dead bridge to a browser; asking tells them apart.
        vec![Effect::Close, Effect::CheckAccess]
    }

    fn hear(&mut self, heard: Heard, now: Millis) -> Vec<Effect> {
        self.alive(now);
        match heard {
            Heard::Welcome { head, log, .. }
                if head < self.seq || differ(self.log.as_ref(), log.as_ref()) =>
            {
                self.phase = Phase::Replaced;
                vec![Effect::Close]
            }
            Heard::Welcome { log, page, .. } => {
                let kept = std::mem::take(&mut self.kept);
                // What belongs to another history means nothing in this one.
                if log.is_some() && kept.log == log {
                    kept.intents.into_iter().rev().for_each(|intent| self.outbox.push_front(intent));
                }
                self.log = log;
                self.aged = differ(self.build.as_ref(), page.as_ref());
                self.welcome(now)
            }
            Heard::Incompatible(version) => {
                self.phase = Phase::Incompatible(version);
                vec![Effect::Close]
            }
            Heard::Entries(seq) => {
                self.seq = self.seq.max(seq);
                Vec::new()
            }
            Heard::Settled(id) => {
                self.outbox.retain(|(waiting, _)| *waiting != id);
                vec![Effect::Keep]
            }
            Heard::Baton(holds) => {
                self.holds = holds;
                Vec::new()
            }
            Heard::Other => Vec::new(),
        }
    }

    /// Says again what the last connection may not have heard.
    fn welcome(&mut self, now: Millis) -> Vec<Effect> {
        self.phase = Phase::Live { heard: now, pinged: now };
        (self.tries, self.lost, self.holds) = (0, None, false);
        let appends = self.outbox.iter().map(|(id, drafts)| ClientMessage::Append {
            id: id.clone(),
            epoch: None,
            seen: None,
            drafts: drafts.clone(),
        });
        let follows =
            self.follows.iter().map(|(run, from)| ClientMessage::Follow { run: run.clone(), from: *from });
        // Of a new connection nobody wishes anything yet.
        let wishes = self.baton != Want::Release && !self.aged;
        let baton = wishes.then_some(ClientMessage::WantBaton { want: self.baton });
        appends.chain(follows).chain(baton).map(Effect::Send).collect()
    }

    fn alive(&mut self, now: Millis) {
        match &mut self.phase {
            Phase::Live { heard, .. } | Phase::Greeting { heard } => *heard = now,
            Phase::Entering
            | Phase::Opening
            | Phase::Waiting { .. }
            | Phase::Denied
            | Phase::Incompatible(_)
            | Phase::Replaced => {}
        }
    }

    fn tick(&mut self, now: Millis) -> Vec<Effect> {
        let beat = self.beat();
        match &mut self.phase {
            Phase::Waiting { until, .. } if now >= *until => self.open(),
            Phase::Live { heard, .. } | Phase::Greeting { heard } if now >= *heard + SILENCE => {
                self.lose(now)
            }
            Phase::Live { pinged, .. } if now >= *pinged + beat => {
                *pinged = now;
                vec![Effect::Send(ClientMessage::Ping { at: now })]
            }
            _ => Vec::new(),
        }
    }
}

/// Whether both are known and not the same.
fn differ<T: PartialEq>(known: Option<&T>, told: Option<&T>) -> bool {
    known.zip(told).is_some_and(|(known, told)| known != told)
}

fn said(live: bool, message: ClientMessage) -> Vec<Effect> {
    if live { vec![Effect::Send(message)] } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> Machine {
        Machine::new(ClientId::new("c").expect("an id"), Some("/page-1_bg.wasm".to_owned()))
    }

    fn live() -> Machine {
        let mut machine = machine();
        machine.handle(Event::Entered(Access::Granted), Millis(0));
        machine.handle(Event::Opened, Millis(0));
        machine.handle(Event::Heard(welcome(42, "a")), Millis(0));
        machine
    }

    fn welcome(head: u64, log: &str) -> Heard {
        Heard::Welcome { head: Seq(head), log: LogId::new(log).ok(), page: None }
    }

    fn append(id: &str) -> AppendId {
        AppendId::new(id).expect("an id")
    }

    #[test]
    fn a_page_of_another_build_passes_on_what_a_person_does_and_decides_nothing() {
        let of = |page: &str| {
            let mut machine = machine();
            machine.handle(Event::Baton(Want::Take), Millis(0));
            machine.handle(Event::Intend(append("a"), Vec::new()), Millis(0));
            machine.handle(Event::Entered(Access::Granted), Millis(0));
            machine.handle(Event::Opened, Millis(0));
            let page = Some(page.to_owned());
            let said =
                machine.handle(Event::Heard(Heard::Welcome { head: Seq(2), log: None, page }), Millis(0));
            let again = machine.handle(Event::Baton(Want::Take), Millis(1));
            (machine.standing(), said.into_iter().chain(again).collect::<Vec<_>>())
        };
        let wishes = |said: &[Effect]| {
            let wish = |effect: &&Effect| matches!(effect, Effect::Send(ClientMessage::WantBaton { .. }));
            said.iter().filter(wish).count()
        };
        let (standing, said) = of("/page-1_bg.wasm");
        assert_eq!((standing, wishes(&said)), (Standing::Live, 2));
        let (standing, said) = of("/page-2_bg.wasm");
        assert_eq!((standing, wishes(&said)), (Standing::Aged, 0));
        assert!(matches!(&said[..], [Effect::Send(ClientMessage::Append { .. })]), "{said:?}");
    }

    #[test]
    fn an_intent_is_sent_again_until_it_is_acknowledged() {
        let mut machine = live();
        let said = machine.handle(Event::Intend(append("a"), Vec::new()), Millis(1));
        assert!(matches!(&said[..], [Effect::Keep, Effect::Send(ClientMessage::Append { .. })]), "{said:?}");
        machine.handle(Event::Closed, Millis(2));
        machine.handle(Event::Tick, Millis(1_000));
        machine.handle(Event::Opened, Millis(1_000));
        let again = machine.handle(Event::Heard(welcome(42, "a")), Millis(1_000));
        assert!(matches!(&again[..], [Effect::Send(ClientMessage::Append { id, .. })] if *id == append("a")));
        machine.handle(Event::Heard(Heard::Settled(append("a"))), Millis(1_001));
        assert_eq!(machine.unsent().count(), 0);
    }

    #[test]
    fn what_was_not_acknowledged_is_sent_again_by_the_page_that_is_loaded_next() {
        for (log, sent) in [("a", 2), ("b", 0)] {
            let mut before = live();
            before.handle(Event::Closed, Millis(1));
            for id in ["one", "two", "three"] {
                before.handle(Event::Intend(append(id), Vec::new()), Millis(1));
            }
            assert_eq!(before.handle(Event::Heard(Heard::Settled(append("one"))), Millis(1)), [Effect::Keep]);
            let mut page = machine();
            page.handle(Event::Kept(before.keeps()), Millis(2));
            page.handle(Event::Entered(Access::Granted), Millis(2));
            assert_eq!(page.keeps().intents.len(), 2, "a second reload before that loses nothing");
            page.handle(Event::Opened, Millis(2));
            let said = page.handle(Event::Heard(welcome(42, log)), Millis(3));
            let ids = said.iter().filter_map(|effect| match effect {
                Effect::Send(ClientMessage::Append { id, .. }) => Some(id.as_str()),
                _ => None,
            });
            assert!(ids.eq(["two", "three"].into_iter().take(sent)), "{log}: {said:?}");
            assert_eq!(page.keeps().intents.len(), sent);
        }
    }

    #[test]
    fn it_resumes_where_the_log_and_the_runs_were() {
        let run = RunId::new("r").expect("an id");
        let mut machine = live();
        machine.handle(Event::Follow(run.clone(), 0), Millis(1));
        machine.handle(Event::Lines(run.clone(), 7), Millis(1));
        machine.handle(Event::Heard(Heard::Entries(Seq(42))), Millis(1));
        machine.handle(Event::Closed, Millis(2));
        machine.handle(Event::Tick, Millis(1_000));
        let hello = machine.handle(Event::Opened, Millis(1_000));
        assert!(matches!(&hello[..], [Effect::Send(ClientMessage::Hello { since: Seq(42), .. })]));
        let again = machine.handle(Event::Heard(welcome(42, "a")), Millis(1_000));
        assert_eq!(again, [Effect::Send(ClientMessage::Follow { run, from: 7 })]);
    }

    #[test]
    fn two_views_of_a_run_both_get_all_that_they_follow() {
        let run = RunId::new("r").expect("an id");
        let mut machine = live();
        let mut follow = |from| machine.handle(Event::Follow(run.clone(), from), Millis(1)).len();
        assert_eq!((follow(5), follow(9), follow(0), follow(5)), (1, 0, 1, 0));
    }

    #[test]
    fn another_history_is_noticed_and_gets_nothing_that_was_meant_for_the_former() {
        for (other, replaced) in [
            (welcome(50, "b"), true),
            (welcome(41, "a"), true),
            (welcome(42, "a"), false),
            // An older bridge does not say which it is.
            (Heard::Welcome { head: Seq(50), log: None, page: None }, false),
        ] {
            let mut machine = live();
            machine.handle(Event::Heard(Heard::Entries(Seq(42))), Millis(1));
            machine.handle(Event::Intend(append("a"), Vec::new()), Millis(1));
            machine.handle(Event::Closed, Millis(2));
            machine.handle(Event::Tick, Millis(1_000));
            machine.handle(Event::Opened, Millis(1_000));
            let said = machine.handle(Event::Heard(other.clone()), Millis(1_000));
            assert_eq!(said == [Effect::Close], replaced, "{other:?}");
            assert_eq!(machine.standing() == Standing::Replaced, replaced, "{other:?}");
            assert_eq!(machine.handle(Event::Closed, Millis(1_001)).is_empty(), replaced, "{other:?}");
        }
    }

    #[test]
    fn a_silent_connection_is_dead_after_fifteen_seconds() {
        let mut machine = live();
        assert!(matches!(
            &machine.handle(Event::Tick, Millis(5_000))[..],
            [Effect::Send(ClientMessage::Ping { .. })]
        ));
        assert_eq!(machine.handle(Event::Tick, Millis(15_000)), [Effect::Close, Effect::CheckAccess]);
        assert!(matches!(machine.standing(), Standing::Lost { .. }));
    }

    #[test]
    fn who_decides_shows_life_twice_a_second_and_no_hidden_page_does() {
        let mut machine = live();
        let pings = |machine: &mut Machine, now: u64| !machine.handle(Event::Tick, Millis(now)).is_empty();
        machine.handle(Event::Baton(Want::Take), Millis(0));
        machine.handle(Event::Heard(Heard::Baton(true)), Millis(0));
        assert_eq!(machine.deadline(), Some(PULSE));
        assert!(!pings(&mut machine, 499) && pings(&mut machine, 500) && !pings(&mut machine, 999));
        machine.handle(Event::Baton(Want::Spare), Millis(1_000));
        assert!(!pings(&mut machine, 1_500) && pings(&mut machine, 5_500));
    }

    #[test]
    fn a_browser_that_is_not_known_is_not_tried_forever() {
        let mut machine = machine();
        machine.handle(Event::Entered(Access::Denied), Millis(0));
        assert_eq!((machine.standing(), machine.deadline()), (Standing::Denied, None));
    }
}
