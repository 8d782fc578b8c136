//! A client: the real driver, and a line to the bridge that is late, repeats and breaks, but keeps order.

use std::collections::{BTreeMap, VecDeque};

use conductor::driver::{Driver, Effect};
use shared::id::{ClientId, RunId};
use shared::run::Stream;
use shared::unit::{Millis, Seq};
use shared::wire::{OutputFrame, ServerMessage};

use crate::bridge::{Append, Bridge};
use crate::chance::Chance;

#[derive(Debug)]
pub struct Client {
    pub id: ClientId,
    pub driver: Driver,
    pub line: Option<Line>,
}

/// An open connection.
#[derive(Debug, Default)]
pub struct Line {
    /// Commits that it was sent.
    commits: usize,
    /// What it is sent besides entries, each after that many commits.
    words: VecDeque<(usize, ServerMessage)>,
    /// What it said and the bridge has not read.
    said: VecDeque<Append>,
    follows: BTreeMap<RunId, u64>,
}

impl Client {
    pub fn new(id: ClientId) -> Self {
        Self { driver: Driver::new(id.clone()), id, line: None }
    }

    /// Connects and asks for what is newer than it knows; the first of it may overlap.
    pub fn connect(&mut self, bridge: &Bridge) {
        let known = self.driver.state().seq;
        let commits = bridge.commits.partition_point(|commit| last(commit) <= known);
        self.line = Some(Line { commits, ..Line::default() });
    }

    /// The connection breaks. What was on its way, either way, is lost.
    pub fn disconnect(&mut self) {
        self.line = None;
        self.driver.disconnected();
    }

    /// The bridge says something that is true from its newest commit on.
    pub fn tell(&mut self, bridge: &Bridge, message: ServerMessage) {
        if let Some(line) = &mut self.line {
            line.words.push_back((bridge.commits.len(), message));
        }
    }

    /// The next that the bridge reads of what it said.
    pub fn next_append(&mut self) -> Option<Append> {
        self.line.as_mut()?.said.pop_front()
    }

    /// Whether it knows all that there is and has said all that it has to say.
    pub fn is_caught_up(&self, bridge: &Bridge) -> bool {
        self.line.as_ref().is_some_and(|line| {
            line.commits == bridge.commits.len() && line.words.is_empty() && line.said.is_empty()
        })
    }

    /// Takes something of what waits for it; says whether anything did.
    pub fn listen(&mut self, bridge: &Bridge, now: Millis, chance: &mut Chance) -> bool {
        let Some(line) = &mut self.line else { return false };
        if let Some((_, message)) = line.words.pop_front_if(|(after, _)| *after <= line.commits) {
            let effects = self.driver.receive(&message, now);
            self.carry_out(effects);
            return true;
        }
        let outputs = line.follows.len();
        if outputs > 0 && chance.one_in(2) && self.output(bridge, now, chance) {
            return true;
        }
        let Some(line) = &mut self.line else { return false };
        let next = line.commits;
        if next < bridge.commits.len() {
            line.commits += 1;
            let effects = self.driver.receive(&bridge.commits[next], now);
            self.carry_out(effects);
            if next > 0 && chance.one_in(16) {
                let effects = self.driver.receive(&bridge.commits[next - chance.below(next.min(3))], now);
                self.carry_out(effects);
            }
            return true;
        }
        outputs > 0 && self.output(bridge, now, chance)
    }

    /// Lines of one run that it follows and has not seen, some of them again.
    fn output(&mut self, bridge: &Bridge, now: Millis, chance: &mut Chance) -> bool {
        let Some(line) = &mut self.line else { return false };
        let news = |(run, next): (&RunId, &mut u64)| {
            let process = bridge.processes.get(run)?;
            let seen = usize::try_from(*next).unwrap_or(usize::MAX);
            if process.written <= seen {
                return None;
            }
            let again = if chance.one_in(8) { seen.min(1) } else { 0 };
            let to = seen + 1 + chance.below(process.written - seen);
            let from = seen - again;
            let bytes: String = (from..to).filter_map(|number| process.line(number)).collect();
            *next = u64::try_from(to).unwrap_or(u64::MAX);
            Some((run.clone(), u64::try_from(from).unwrap_or(u64::MAX), bytes))
        };
        let Some((run, first_line, bytes)) = line.follows.iter_mut().find_map(news) else { return false };
        let stream = Stream::Stdout;
        let frame = OutputFrame { run: run.as_str(), stream, first_line, at: now, bytes: bytes.as_bytes() };
        let effects = self.driver.output(&frame, now);
        self.carry_out(effects);
        true
    }

    pub fn tick(&mut self, now: Millis) {
        let effects = self.driver.tick(now);
        self.carry_out(effects);
    }

    /// Does what its driver wants; without a connection there is nobody to tell.
    fn carry_out(&mut self, effects: Vec<Effect>) {
        let Some(line) = &mut self.line else { return };
        for effect in effects {
            match effect {
                Effect::Append { id, epoch, seen, drafts } => {
                    line.said.push_back(Append { id, decided: Some((epoch, seen)), drafts })
                }
                Effect::Follow { run, from } => {
                    line.follows.insert(run, from);
                }
                Effect::Unfollow { run } => {
                    line.follows.remove(&run);
                }
            }
        }
    }
}

fn last(commit: &ServerMessage) -> Seq {
    match commit {
        ServerMessage::Entries { entries } => entries.last().map_or(Seq(0), |entry| entry.seq),
        _ => Seq(0),
    }
}
