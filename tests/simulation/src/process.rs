//! A process of the virtual bridge: a script that is played line by line, until it ends or is ended.

use shared::agent::{ErrorClass, HarnessId};
use shared::entry::{Kind, Purpose};
use shared::id::{RunId, TaskId};
use shared::run::{Arg, Pipes, RunEnd, RunSpec};
use shared::unit::{MicroUsd, Millis};

use crate::agent::{Order, Script, TOKENS, Truth, Ways};
use crate::capped::capped;
use crate::chance::Chance;
use crate::ear::{Ear, is_result};
use crate::permits::Questions;

#[derive(Debug, Clone)]
pub struct Process {
    pub run: RunId,
    pub task: TaskId,
    pub purpose: Purpose,
    command: bool,
    script: Script,
    pub written: usize,
    pub stage: Stage,
    pub(crate) ear: Ear,
    pub(crate) questions: Questions,
    signalled: bool,
    wall: Option<Millis>,
    /// Its work changes what is in the folder.
    pub changes: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Stage {
    Ordered,
    Running { since: Millis },
    Over { end: RunEnd },
}

impl Process {
    /// The process of a `RunRequested`; nothing for other kinds.
    pub fn ordered(
        kind: &Kind,
        now: Millis,
        trouble: usize,
        ways: Ways,
        chance: &mut Chance,
    ) -> Option<Self> {
        let Kind::RunRequested { run, task, purpose, harness, spec, holds, .. } = kind else { return None };
        let order = Order {
            run,
            purpose: *purpose,
            session: session(spec).map_or("none", |(session, _)| session),
            harness: *harness,
            now,
            trouble,
            holds: *holds,
            ways,
        };
        let script = Script::draw(&order, chance);
        let mut script = if ways.capped { capped(script, &order, spec) } else { script };
        let ear = Ear::of(spec, &mut script.lines);
        let works = matches!(purpose, Purpose::Work | Purpose::Repair);
        let changes = works && ways.folder.is_some() && chance.one_in(8);
        let questions = Questions::of(run, spec, &mut script.lines);
        Some(Self {
            changes,
            run: run.clone(),
            task: task.clone(),
            purpose: *purpose,
            command: *harness == HarnessId::Command,
            script,
            written: 0,
            ear,
            questions,
            stage: Stage::Ordered,
            signalled: false,
            wall: spec.limits.wall,
        })
    }

    pub fn is_command(&self) -> bool {
        self.command
    }

    pub fn signal(&mut self) {
        self.signalled = true;
    }

    pub fn line(&self, number: usize) -> Option<&str> {
        self.script.lines[..self.written].get(number).map(|said| said.text.as_str())
    }

    /// Facts of its lines that belong in the log, line by line.
    pub fn facts(&self) -> impl Iterator<Item = u32> {
        self.script.lines[..self.written].iter().map(|said| said.facts)
    }

    /// When its time is over, if it has a limit.
    pub fn times_out(&self) -> Option<Millis> {
        match self.stage {
            Stage::Running { since } => self.wall.map(|wall| since + wall),
            Stage::Ordered | Stage::Over { .. } => None,
        }
    }

    /// Whether it does anything by itself now.
    pub fn moves(&self, now: Millis) -> bool {
        match self.stage {
            Stage::Ordered => true,
            Stage::Running { .. } => {
                let waits = self.waits() && !self.ear.goes_on(&self.script.lines);
                let asks = self.asks().is_some();
                let stuck = asks || (self.written == self.script.lines.len() && (self.script.hangs || waits));
                !stuck || self.signalled || self.times_out().is_some_and(|at| at <= now)
            }
            Stage::Over { .. } => false,
        }
    }

    /// Goes on for a moment; gives what the bridge states of it.
    pub fn go_on(&mut self, now: Millis, rough: bool, chance: &mut Chance) -> Option<Kind> {
        match self.stage {
            Stage::Ordered if rough && chance.one_in(30) => {
                Some(self.ends(RunEnd::NotFound { program: "demo".to_owned() }))
            }
            Stage::Ordered => {
                self.stage = Stage::Running { since: now };
                Some(Kind::RunStarted { run: self.run.clone(), pid: 1, started: 1 })
            }
            Stage::Running { .. } if self.times_out().is_some_and(|at| at <= now) => {
                Some(self.ends(RunEnd::TimedOut))
            }
            // It may be done before the signal reaches it.
            Stage::Running { .. } if self.signalled && !chance.one_in(4) => {
                Some(self.ends(RunEnd::Signalled { signal: 15 }))
            }
            Stage::Running { .. } if self.asks().is_some() && !self.signalled => None,
            Stage::Running { .. } if self.asks().is_some() => {
                Some(self.ends(RunEnd::Signalled { signal: 15 }))
            }
            Stage::Running { .. } if self.written < self.script.lines.len() => {
                self.ear.look_up(&mut self.script.lines, self.written, chance);
                let left = self.script.lines.len() - self.written;
                let most = self.written + 1 + chance.below(left);
                self.written = self.questions.bound(&self.script.lines, self.written, most);
                None
            }
            Stage::Running { .. } if self.script.hangs && !self.signalled => None,
            Stage::Running { .. } if self.ear.go_on(&mut self.script.lines, chance) => {
                self.written = self.script.lines.len();
                None
            }
            Stage::Running { .. } if self.waits() && !self.signalled => None,
            Stage::Running { .. } => Some(self.ends(self.script.end.clone())),
            Stage::Over { .. } => None,
        }
    }

    /// Its turn is over and its input is not.
    pub fn waits(&self) -> bool {
        let whole = self.written == self.script.lines.len();
        whole && !self.script.hangs && self.ear.holds() && self.is_told()
    }

    /// The request whose answer it waits for.
    pub fn asks(&self) -> Option<&str> {
        self.questions.waits(&self.script.lines, self.written)
    }

    /// It has written a result.
    pub fn has_result(&self) -> bool {
        self.script.lines[..self.written].iter().any(|said| is_result(&said.text))
    }

    /// The bridge was gone when it ended.
    pub fn lost(&mut self) -> Kind {
        self.ends(RunEnd::Lost { why: "the machine restarted".to_owned() })
    }

    fn ends(&mut self, end: RunEnd) -> Kind {
        self.stage = Stage::Over { end: end.clone() };
        let lines = u64::try_from(self.written).unwrap_or(u64::MAX);
        Kind::RunEnded { run: self.run.clone(), end, lines, pipes: Pipes::Closed, used: None }
    }

    /// What it really did, as far as it got.
    pub fn truth(&self) -> Truth {
        let Stage::Over { end } = &self.stage else { return Truth::Broken(ErrorClass::Unknown, None) };
        let whole = self.written == self.script.lines.len();
        let by_itself = *end == self.script.end;
        match end {
            RunEnd::NotFound { .. } => Truth::Broken(ErrorClass::Launch, None),
            // What its last line says stands, however it was ended; a command has only its exit code.
            _ if by_itself || (whole && self.is_told()) => self.script.truth.clone(),
            RunEnd::TimedOut => Truth::Broken(ErrorClass::Timeout, None),
            RunEnd::Lost { .. } => Truth::Broken(ErrorClass::Lost, None),
            _ => Truth::Broken(ErrorClass::Interrupted, None),
        }
    }

    /// How many tasks its words propose, on how many levels.
    pub fn proposes(&self) -> (usize, u32) {
        let lines = self.script.lines.iter().map(|said| said.text.replace('\\', ""));
        let size = |line: String| {
            let parts = line.contains("\"parent\":\"k");
            (line.matches("\"key\":\"k").count(), 1 + u32::from(parts))
        };
        lines.map(size).max().unwrap_or_default()
    }

    /// How many tasks stand in its words, whatever they are called.
    pub fn names(&self) -> usize {
        let lines = self.script.lines.iter().map(|said| said.text.replace('\\', ""));
        lines.map(|line| line.matches("\"key\":\"").count()).max().unwrap_or_default()
    }

    /// Whether its words tell of an error.
    pub fn tells_error(&self) -> bool {
        self.script.lines.iter().any(|said| said.text.contains(crate::agent::ERROR))
    }

    /// Its last line is a result.
    fn is_told(&self) -> bool {
        self.script.lines.last().is_some_and(|said| is_result(&said.text))
    }

    /// In and out, of what it wrote; nothing of a terminal, whose screen nobody reads.
    pub fn tokens(&self) -> u64 {
        if self.purpose == Purpose::Terminal {
            return 0;
        }
        let written = self.script.lines[..self.written].iter();
        written.filter(|said| is_result(&said.text)).map(|_| TOKENS.0 + TOKENS.1).sum()
    }

    pub fn cost(&self) -> Option<MicroUsd> {
        self.script.cost.filter(|_| self.written == self.script.lines.len())
    }
}

/// The session that a command line names, and whether it is a new one.
pub fn session(spec: &RunSpec) -> Option<(&str, bool)> {
    let new = argument(spec, "--session-id").map(|session| (session, true));
    new.or_else(|| argument(spec, "--resume").map(|session| (session, false)))
}

/// What a command line says behind `name`.
pub fn argument<'a>(spec: &'a RunSpec, name: &str) -> Option<&'a str> {
    let text = |arg: &'a Arg| match arg {
        Arg::Text { text } => text.as_str(),
        Arg::RunFile { .. } => "",
    };
    let mut args = spec.args.iter().map(text);
    args.find(|arg| *arg == name).and_then(|_| args.next())
}
