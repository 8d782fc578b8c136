//! Every bound that the conductor respects, as one value that is passed in.

use serde::Serialize;
use shared_derive::FromJson;

use crate::agent::HarnessId;
use crate::quiet::Quiet;
use crate::retry::Retry;
use crate::reviewer::Reviewer;
use crate::sizing::Sizing;
use crate::unit::{MicroUsd, Millis};

mod bound;

pub use bound::{BOUNDS, Bound, Group, Unbounded, Unit};

/// Bounds of planning and running. Each field has a default, so an old log still reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
#[serde(default)]
pub struct Limits {
    /// Agents that run at the same time, over all goals.
    pub parallel: u32,
    /// The same for one kind of agent, and for the agents in one folder.
    pub each: Each,
    pub per_folder: Option<u32>,
    /// Tasks that a planner may propose at once.
    pub plan_min: u32,
    pub plan_max: u32,
    /// Levels below the goal.
    pub depth: u32,
    /// Tasks of one goal that agents may propose in all.
    pub tasks: u32,
    /// Turns that repair a plan before the person is asked.
    pub repairs: u32,
    /// Times that an interrupted turn is taken up again without asking.
    pub resumptions: u32,
    /// How often a task is helped on without asking, whatever it fails by.
    pub recovery: Recovery,
    /// Bytes of one turn's words, all together and 8 KiB at least; what is cut is said there.
    pub context_bytes: usize,
    /// Longest run of a plain command.
    pub command: Millis,
    /// From the polite signal to SIGKILL.
    pub grace: Millis,
    /// Of each task that is not a group and says nothing else.
    pub caps: Caps,
    /// Of each task that says nothing else.
    pub retry: Retry,
    pub breaker: Breaker,
    /// When nothing that was cut short goes on by itself.
    pub quiet: Option<Quiet>,
    /// What may be spent since a person last did anything; at that nothing new begins until one does.
    pub unattended: Option<MicroUsd>,
    /// A task that one agent fails again and again may be given to the other, if that one is there.
    pub alternate: bool,
    /// Who says how hard a task is that nobody gave a size.
    pub sizing: Sizing,
    /// What a task came to stands for another with the same words, agent and folder, where it changed nothing there.
    pub reuse: bool,
    /// Who reviews a task where nobody chose for it or for what it is a part of.
    #[serde(skip_serializing_if = "Reviewer::is_auto")]
    pub reviewer: Reviewer,
    /// After what a person is warned of a run that goes on.
    pub health: Health,
}

/// When a run that goes on is worth a look. Nothing is ended or put off for any of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, FromJson)]
#[serde(default)]
pub struct Health {
    /// Without any output.
    pub stalled: Millis,
    /// At one and the same thing, though there is output.
    pub slow: Millis,
    /// Since its start.
    pub long: Millis,
}

impl Default for Health {
    fn default() -> Self {
        let minutes = |minutes: u64| Millis::from_secs(minutes * 60);
        Self { stalled: minutes(10), slow: minutes(15), long: minutes(60) }
    }
}

/// So many turns of a task in a window of time are taken up again or begun anew without asking; the next waits until it is
/// over. What bounds each cause of failure bounds no mixture of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, FromJson)]
#[serde(default)]
pub struct Recovery {
    pub times: u32,
    pub window: Millis,
}

impl Default for Recovery {
    fn default() -> Self {
        Self { times: 3, window: Millis::from_secs(30 * 60) }
    }
}

/// When a kind of agent is left alone, because it fails whatever it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, FromJson)]
#[serde(default)]
pub struct Breaker {
    /// Failures in a row, of whatever tasks.
    pub failures: u32,
    /// How long; then one goes first, and the others follow when it came through.
    pub wait: Millis,
}

impl Default for Breaker {
    fn default() -> Self {
        Self { failures: 5, wait: Millis::from_secs(5 * 60) }
    }
}

/// Agents of one kind that run at the same time; nothing for as many as there may be at all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, FromJson)]
#[serde(default)]
pub struct Each {
    pub claude: Option<u32>,
    pub codex: Option<u32>,
    pub demo: Option<u32>,
    pub command: Option<u32>,
}

impl Each {
    pub fn of(&self, harness: HarnessId) -> Option<u32> {
        match harness {
            HarnessId::Claude => self.claude,
            HarnessId::Codex => self.codex,
            HarnessId::Demo => self.demo,
            HarnessId::Command => self.command,
        }
    }
}

/// How far a task goes by itself; at each of them it pauses and asks. Where none is set it goes on until it is done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, FromJson)]
#[serde(default)]
pub struct Caps {
    /// For the task and all below it, since it was made.
    pub budget: Option<MicroUsd>,
    /// Model requests of its own runs.
    pub turns: Option<u32>,
    /// How long its own runs take together.
    pub time: Option<Millis>,
    /// Tokens in and out of its own runs, without what a cache gave. Looked at between runs.
    pub tokens: Option<u64>,
    /// Of those among them that review it.
    #[serde(skip_serializing_if = "StageCaps::is_none")]
    pub review: StageCaps,
    /// Of those that mend what was found.
    #[serde(skip_serializing_if = "StageCaps::is_none")]
    pub repair: StageCaps,
}

/// The same for one stage of a task, counted for itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, FromJson)]
#[serde(default)]
pub struct StageCaps {
    pub budget: Option<MicroUsd>,
    pub turns: Option<u32>,
    pub time: Option<Millis>,
    pub tokens: Option<u64>,
}

/// A stage of a task that has caps of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Review,
    Repair,
}

impl Stage {
    pub const ALL: [Self; 2] = [Self::Review, Self::Repair];
}

impl StageCaps {
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// One of them is less than it was, or is there now.
    pub fn is_less(self, before: Self) -> bool {
        fn less<T: PartialOrd>(now: Option<T>, before: Option<T>) -> bool {
            now.is_some_and(|now| before.is_none_or(|before| now < before))
        }
        less(self.budget, before.budget)
            || less(self.turns, before.turns)
            || less(self.time, before.time)
            || less(self.tokens, before.tokens)
    }

    /// These, and `others` where these say nothing.
    #[must_use]
    pub fn or(self, others: Self) -> Self {
        Self {
            budget: self.budget.or(others.budget),
            turns: self.turns.or(others.turns),
            time: self.time.or(others.time),
            tokens: self.tokens.or(others.tokens),
        }
    }

    /// These, and none above `most` where that says something.
    #[must_use]
    pub fn within(self, most: Self) -> Self {
        fn least<T: Ord>(wish: Option<T>, most: Option<T>) -> Option<T> {
            wish.map(|wish| most.into_iter().fold(wish, T::min))
        }
        Self {
            budget: least(self.budget, most.budget),
            turns: least(self.turns, most.turns),
            time: least(self.time, most.time),
            tokens: least(self.tokens, most.tokens),
        }
    }
}

impl Caps {
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// One of them is less than it was, or is there now.
    pub fn is_less(self, before: Self) -> bool {
        let stages = [None, Some(Stage::Review), Some(Stage::Repair)];
        stages.into_iter().any(|stage| self.of(stage).is_less(before.of(stage)))
    }

    /// These, and `others` where these say nothing.
    #[must_use]
    pub fn or(self, others: Self) -> Self {
        let stage = |stage| self.of(stage).or(others.of(stage));
        [None, Some(Stage::Review), Some(Stage::Repair)]
            .into_iter()
            .fold(self, |caps, at| caps.with(at, stage(at)))
    }

    /// Those of one stage, or those of the task in whole.
    pub fn of(&self, stage: Option<Stage>) -> StageCaps {
        let Self { budget, turns, time, tokens, review, repair } = *self;
        match stage {
            None => StageCaps { budget, turns, time, tokens },
            Some(Stage::Review) => review,
            Some(Stage::Repair) => repair,
        }
    }

    /// The same with others for one stage, or for the task in whole.
    #[must_use]
    pub fn with(self, stage: Option<Stage>, caps: StageCaps) -> Self {
        let StageCaps { budget, turns, time, tokens } = caps;
        match stage {
            None => Self { budget, turns, time, tokens, ..self },
            Some(Stage::Review) => Self { review: caps, ..self },
            Some(Stage::Repair) => Self { repair: caps, ..self },
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            parallel: 8,
            each: Each::default(),
            per_folder: None,
            plan_min: 3,
            plan_max: 12,
            depth: 4,
            tasks: 200,
            repairs: 2,
            resumptions: 3,
            recovery: Recovery::default(),
            context_bytes: 48 * 1024,
            command: Millis::from_secs(15 * 60),
            grace: Millis::from_secs(10),
            caps: Caps { budget: Some(MicroUsd(1_000_000)), ..Caps::default() },
            health: Health::default(),
            retry: Retry::default(),
            breaker: Breaker::default(),
            quiet: None,
            unattended: Some(MicroUsd(20_000_000)),
            alternate: false,
            sizing: Sizing::default(),
            reuse: false,
            reviewer: Reviewer::default(),
        }
    }
}
