//! One run of a program for a task: what the log says of it.

use std::sync::Arc;

use shared::agent::{ErrorClass, HarnessId, Progress, Tokens, TurnReport};
use shared::context::Cut;
use shared::entry::Purpose;
use shared::evidence::Check;
use shared::harness::Ongoing;
use shared::id::{MessageId, PersonaId, RunId, SessionId, TaskId};
use shared::run::{Resources, RunEnd, Window};
use shared::template::Guided;
use shared::unit::{Bytes, MicroUsd, Millis, Seq};

use super::{Ear, Told};
use crate::permission::Asked;

/// One process and what is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    pub id: RunId,
    pub task: TaskId,
    pub purpose: Purpose,
    pub harness: HarnessId,
    pub attempt: u32,
    pub carries: Vec<MessageId>,
    pub ear: Ear,
    /// The turn that goes on, where its agent is spoken to by that name.
    pub turn: Option<String>,
    /// In the order in which it was told.
    pub told: Vec<Told>,
    /// What it asked to be allowed, in that order.
    pub asks: Vec<Asked>,
    /// Of the budgets of its task and of those above.
    pub holds: Option<MicroUsd>,
    /// The model that its order names.
    pub ordered: Option<String>,
    /// What it checks, where it is for that.
    pub check: Option<Check>,
    pub requested: Millis,
    /// The entry that ordered it.
    pub seq: Seq,
    pub phase: Phase,
    /// When the run was asked to end.
    pub signalled: Option<Millis>,
    /// The last line of output whose meaning is in the log.
    pub read_through: Option<u64>,
    /// When its output was taken away; the log tells of it what it always did.
    pub removed: Option<Millis>,
    /// What it used of the machine, once it has ended and where the system told.
    pub used: Option<Resources>,
    /// What this run used, not its session before it.
    pub tokens: Tokens,
    /// What it has come to so far, where its task has a cap on that or its tokens tell what it costs.
    pub progress: Progress,
    /// What it told the cost of while it goes on.
    pub paid: Paid,
    /// What it is thought to have cost so far, where something tells.
    pub estimate: Option<MicroUsd>,
    /// Whose budget that passed, so that it was asked to end.
    pub overdrew: Option<TaskId>,
    pub session: Option<SessionId>,
    pub model: Option<String>,
    pub version: Option<String>,
    pub vitals: Vitals,
    /// The guidelines that its session works by.
    pub guided: Option<Guided>,
    /// What of its words did not fit.
    pub cuts: Vec<Cut>,
    /// What its words, its agent and its folder come to, where its result may be used again.
    pub key: Option<String>,
    /// Whose words its session began with.
    pub persona: Option<PersonaId>,
    /// Why it reviews in the place of who was chosen to.
    pub replaced: Option<String>,
    /// Where it works, if that is not its project's folder.
    pub folder: Option<String>,
    /// The size of its terminal, where it has one.
    pub window: Option<Window>,
    /// What its end meant for its task, where it was one of these.
    pub verdict: Option<Verdict>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Completed,
    Failed(ErrorClass),
}

/// Turns of a run that are over, and what they cost together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Paid {
    pub money: MicroUsd,
    pub tokens: Tokens,
}

/// What tells how a run is while it goes on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Vitals {
    /// Since when nothing came from it; nothing once it spoke again.
    pub silent: Option<Millis>,
    /// When it last did something else than before.
    pub moved: Millis,
    /// What its processes hold, where that is more than is normal.
    pub heavy: Option<Bytes>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Phase {
    Requested,
    Running {
        started: Millis,
    },
    /// The process is gone; its output may not be read to the end yet.
    Ended {
        started: Option<Millis>,
        at: Millis,
        end: RunEnd,
        lines: u64,
    },
    Read {
        started: Option<Millis>,
        at: Millis,
        end: RunEnd,
        lines: u64,
        report: Arc<TurnReport>,
    },
}

impl Run {
    /// What has to be known to speak to its agent.
    pub(crate) fn ongoing(&self) -> Ongoing<'_> {
        Ongoing { session: self.session.as_ref(), turn: self.turn.as_deref() }
    }

    /// A process exists or is about to.
    pub fn is_active(&self) -> bool {
        match self.phase {
            Phase::Requested | Phase::Running { .. } => true,
            Phase::Ended { .. } | Phase::Read { .. } => false,
        }
    }

    /// The tokens that it has used by now, as far as it told.
    pub fn used(&self) -> Tokens {
        self.tokens.with(self.progress.each, u64::max)
    }

    pub fn is_read(&self) -> bool {
        match self.phase {
            Phase::Read { .. } => true,
            Phase::Requested | Phase::Running { .. } | Phase::Ended { .. } => false,
        }
    }
}
