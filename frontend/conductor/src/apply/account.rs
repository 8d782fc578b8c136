//! The part of the fold that keeps accounts: each task knows what it and all below it have spent and hold, so
//! that nobody has to add up a tree to know what is left of a budget.

use shared::agent::{HarnessId, Tokens, UsageScope};
use shared::id::{RunId, TaskId};
use shared::unit::MicroUsd;

use crate::estimate;
use crate::state::{Account, Paid, Phase, Run, Spend, State};

impl State {
    /// A run was ordered: from now on it holds its money.
    pub(super) fn hold(&mut self, run: &Run) {
        let held = run.holds.unwrap_or_default();
        self.upwards(Some(run.task.clone()), |account| account.held += held);
    }

    /// A run was read to its end: what it held, and was thought to cost, becomes what it cost.
    pub(super) fn settle_account(&mut self, run: &Run) {
        let (spend, held) = (run.spend(), run.holds.unwrap_or_default());
        let (running, beyond) = (run.estimate.unwrap_or_default(), run.beyond());
        self.outages.spent(spend);
        self.with(&run.task, |task| task.spend.add(spend));
        self.upwards(Some(run.task.clone()), |account| {
            account.held = account.held - held;
            account.running = account.running - running;
            account.beyond = account.beyond - beyond;
            account.spend.add(spend);
        });
    }

    /// A run that goes on has told more: what it is thought to cost counts for all above it.
    pub(super) fn reckon(&mut self, id: &RunId) {
        let Some(run) = self.run(id).filter(|run| !run.is_read()) else { return };
        let (task, estimate) = (run.task.clone(), estimate::so_far(self, run));
        if run.estimate == estimate {
            return;
        }
        let so_far = |run: &Run| (run.estimate.unwrap_or_default(), run.beyond());
        let (before, beyond_before) = so_far(run);
        self.with_run(id, |run| run.estimate = estimate);
        let Some((now, beyond)) = self.run(id).map(so_far) else { return };
        self.upwards(Some(task), |account| {
            account.running = account.running - before + now;
            account.beyond = account.beyond - beyond_before + beyond;
        });
    }

    /// A turn's tokens add up. A session's are a running total, of which the runs before this one had their part.
    pub(super) fn use_tokens(&mut self, id: &RunId, tokens: Tokens, scope: UsageScope) {
        let Some(run) = self.run(id) else { return };
        let tokens = match scope {
            UsageScope::Turn => run.tokens.with(tokens, u64::saturating_add),
            UsageScope::Session => {
                let siblings = self.task(&run.task).map_or(&[][..], |task| &task.runs);
                let before = siblings.iter().take_while(|sibling| *sibling != id);
                let before =
                    before.filter_map(|run| self.run(run)).filter(|other| other.session == run.session);
                before.fold(tokens, |left, other| left.with(other.tokens, u64::saturating_sub))
            }
        };
        self.with_run(id, |run| run.tokens = tokens);
    }

    /// A task comes under another parent, and what it spent and holds with it.
    pub(super) fn carry_account(&mut self, id: &TaskId, parent: &TaskId) {
        let Some(task) = self.task(id) else { return };
        let (carried, former) = (task.account, task.parent.clone());
        if former.as_ref() != Some(parent) {
            self.upwards(former, |account| account.take(carried));
            self.upwards(Some(parent.clone()), |account| account.add(carried));
        }
    }

    fn upwards(&mut self, from: Option<TaskId>, change: impl Fn(&mut Account)) {
        let mut next = from;
        while let Some(id) = next.take() {
            self.with(&id, |task| {
                change(&mut task.account);
                next.clone_from(&task.parent);
            });
        }
    }
}

impl Run {
    /// One of its turns is over, and cost so much.
    pub(super) fn pay(&mut self, cost: MicroUsd) {
        self.paid = Paid { money: self.paid.money + cost, tokens: self.used() };
    }

    /// What it is thought to have cost so far beyond what it holds.
    fn beyond(&self) -> MicroUsd {
        self.estimate.unwrap_or_default() - self.holds.unwrap_or_default()
    }

    /// What it cost, or is thought to have cost so far.
    pub(crate) fn spend(&self) -> Spend {
        let estimated = self.estimate.unwrap_or_default();
        let Phase::Read { started, report, .. } = &self.phase else {
            return Spend { estimated, ..Spend::default() };
        };
        match (report.cost, self.harness) {
            (Some(known), _) => Spend { known, ..Spend::default() },
            (None, HarnessId::Command) => Spend::default(),
            // A process that never came to be cost nothing.
            (None, _) if started.is_none() => Spend::default(),
            // It told all its tokens, and what they cost is known.
            (None, _) if self.estimate.is_some() && self.tokens == self.used() => {
                Spend { estimated, ..Spend::default() }
            }
            (None, _) => {
                let presumed = self.holds.unwrap_or_default() - estimated;
                Spend { estimated, unknown_runs: 1, presumed, ..Spend::default() }
            }
        }
    }
}

impl Account {
    fn add(&mut self, other: Self) {
        self.spend.add(other.spend);
        self.held += other.held;
        self.running += other.running;
        self.beyond += other.beyond;
    }

    fn take(&mut self, other: Self) {
        self.spend.known = self.spend.known - other.spend.known;
        self.spend.estimated = self.spend.estimated - other.spend.estimated;
        self.spend.presumed = self.spend.presumed - other.spend.presumed;
        self.spend.unknown_runs = self.spend.unknown_runs.saturating_sub(other.spend.unknown_runs);
        self.held = self.held - other.held;
        self.running = self.running - other.running;
        self.beyond = self.beyond - other.beyond;
    }
}
