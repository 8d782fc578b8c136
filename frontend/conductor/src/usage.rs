//! What the work has used: money and tokens of each kind of agent and of all of them together, and what was spent since
//! the person's last word of what may be spent without one. What no agent told is counted, never guessed.

use std::collections::BTreeMap;

use shared::agent::{HarnessId, Tokens};
use shared::unit::{MicroUsd, Millis};

use crate::budget::Envelope;
use crate::state::{Phase, Run, Spend, State};

/// What some runs used. Those that are under way count with what they have told so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Used {
    pub runs: u32,
    pub tokens: Tokens,
    pub spend: Spend,
}

impl Used {
    fn add(&mut self, run: &Run) {
        self.runs += 1;
        self.tokens = self.tokens.with(run.tokens, u64::saturating_add);
        self.spend.add(run.spend());
    }
}

/// What was used by the runs of a time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage {
    pub each: BTreeMap<HarnessId, Used>,
    pub all: Used,
}

impl Usage {
    /// Of the runs of agents that ended at `from` or later, or are under way; of those of all time from 0 on.
    pub fn since(state: &State, from: Millis) -> Self {
        let mut usage = Self::default();
        // Plain commands cost nothing.
        for run in state.runs.values().filter(|run| run.harness != HarnessId::Command) {
            if run.ended().is_none_or(|at| at >= from) {
                usage.each.entry(run.harness).or_default().add(run);
                usage.all.add(run);
            }
        }
        usage
    }
}

/// What was spent since the person's last word, of what may be spent without one; nothing where there is no bound.
pub fn unattended(state: &State) -> Option<Envelope> {
    let (spent, none) = (state.outages.unattended, MicroUsd(0));
    state.limits.unattended.map(|budget| Envelope { budget, spent, held: none, running: none, beyond: none })
}

/// What the runs of agents used in all, by what `of` says of each: its model, its day, whatever tells them apart.
pub fn by(state: &State, of: &dyn Fn(&Run) -> String) -> BTreeMap<String, Used> {
    let mut sums: BTreeMap<String, Used> = BTreeMap::new();
    for run in state.runs.values().filter(|run| run.harness != HarnessId::Command) {
        sums.entry(of(run)).or_default().add(run);
    }
    sums
}

impl Run {
    /// The model that it said it is, or else the one that its order names; nothing where neither is known.
    pub fn known_model(&self) -> Option<&str> {
        self.model.as_deref().or(self.ordered.as_deref())
    }

    /// When its process ended, if it has.
    pub fn ended(&self) -> Option<Millis> {
        match self.phase {
            Phase::Requested | Phase::Running { .. } => None,
            Phase::Ended { at, .. } | Phase::Read { at, .. } => Some(at),
        }
    }
}
