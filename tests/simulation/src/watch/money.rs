//! What runs are thought to have cost while they go on: it ends a turn whose budget it has passed, and no other. The books
//! here are of what was told, with nothing of how the conductor keeps its own.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use conductor::State;
use conductor::state::{Ear, Phase, Run, Task};
use shared::agent::{AgentEvent, HarnessId, Tokens, TurnReport};
use shared::entry::Purpose;
use shared::id::{RunId, TaskId};
use shared::limits::StageCaps;
use shared::unit::MicroUsd;

use super::{Model, Watch, caps};

#[derive(Debug, Default)]
pub(super) struct Books {
    /// What the turns of each model that told it have cost, and what their tokens weigh, both together.
    rates: BTreeMap<Model, (f64, f64)>,
    /// What each run is thought to have cost when it last told anything.
    thought: BTreeMap<RunId, f64>,
    /// What each told the cost of before its end, and what its tokens weighed then.
    paid: BTreeMap<RunId, (f64, f64)>,
}

/// In hundredths of a token that is read.
#[expect(clippy::cast_precision_loss, reason = "the tokens of a simulated turn are few")]
fn weight(tokens: Tokens) -> f64 {
    let Tokens { input, output, cache_read, cache_write } = tokens;
    (input * 100 + output * 500 + cache_read * 10 + cache_write * 125) as f64
}

fn model(run: &Run) -> Model {
    (run.harness, run.model.clone().or_else(|| run.ordered.clone()))
}

impl Watch {
    /// After a run told something: `state` has it.
    pub(super) fn reckon(&mut self, state: &State, id: &RunId, event: &AgentEvent) -> Result<()> {
        let run = state.run(id).context("a run that never was")?;
        let used = weight(run.tokens.with(run.progress.each, u64::max));
        let paid = self.money.paid.entry(id.clone()).or_default();
        match event {
            AgentEvent::Usage { cost, .. } => {
                if let Some(cost) = cost {
                    *paid = (paid.0 + cost.as_usd(), used);
                }
            }
            AgentEvent::Progress { .. } => {}
            _ => return Ok(()),
        }
        let rate =
            self.money.rates.get(&model(run)).filter(|_| used > 0.0 && run.harness != HarnessId::Command);
        let open = rate.map(|(cost, weight)| cost / weight * (used - paid.1).max(0.0));
        if open.is_some() || paid.0 > 0.0 {
            self.money.thought.insert(id.clone(), paid.0 + open.unwrap_or_default());
        }
        Ok(())
    }

    /// A run was read.
    pub(super) fn learn(&mut self, state: &State, id: &RunId, report: &TurnReport) {
        let Some(run) = state.run(id) else { return };
        let weight = weight(run.tokens);
        if let Some(cost) = report.cost.filter(|cost| cost.0 > 0 && weight > 0.0) {
            let rate = self.money.rates.entry(model(run)).or_default();
            *rate = (rate.0 + cost.as_usd(), rate.1 + weight);
        }
    }

    /// What a run counts for that told no cost: what it was given, unless it told all its tokens and those tell the cost.
    pub(super) fn untold(&self, run: &Run) -> MicroUsd {
        let held = self.held.get(&run.id).copied().unwrap_or_default();
        match run.estimate {
            Some(estimate) if run.tokens == run.used() => estimate,
            estimate => held.max(estimate.unwrap_or_default()),
        }
    }

    /// What was spent below a task and is thought to have been by runs under way; and the same with what those were given.
    fn below(&self, state: &State, holder: &Task) -> (f64, f64) {
        let is_below =
            |task: &Task| task.id == holder.id || state.ancestors(task).any(|above| above.id == holder.id);
        let mut sums = (0.0, 0.0);
        for run in state.runs.values().filter(|run| state.task(&run.task).is_some_and(is_below)) {
            let held = self.held.get(&run.id).copied().unwrap_or_default().as_usd();
            let thought = self.money.thought.get(&run.id).copied();
            let (spent, given) = match &run.phase {
                // Nobody knows what is spent at a terminal.
                _ if run.harness == HarnessId::Command || run.purpose == Purpose::Terminal => (0.0, 0.0),
                Phase::Read { report, .. } if let Some(cost) = report.cost => (cost.as_usd(), cost.as_usd()),
                Phase::Read { started: None, .. } => (0.0, 0.0),
                // What nobody told counts only where somebody set the budget.
                Phase::Read { .. } => {
                    let counts = holder.caps.budget.is_some();
                    let sum = if counts { self.untold(run).as_usd() } else { thought.unwrap_or_default() };
                    (sum, sum)
                }
                // One that was given no bound keeps to none.
                _ if run.holds.is_none() => (thought.unwrap_or_default(), f64::INFINITY),
                _ => (thought.unwrap_or_default(), held),
            };
            sums = (sums.0 + spent, sums.1 + given);
        }
        sums
    }

    /// Whose budget is passed by so much more or less than a hundredth of it, and was not given away as it stands: its agents
    /// keep to what they were given.
    fn passed<'a>(&self, state: &'a State, run: &Run, by: f64) -> Option<&'a TaskId> {
        let task = state.task(&run.task).filter(|_| self.money.thought.contains_key(&run.id))?;
        let mut holders = std::iter::once(task).chain(state.ancestors(task));
        let passed = holders.find(|holder| {
            let Some(budget) = caps::caps(state, holder).budget.map(MicroUsd::as_usd) else {
                return false;
            };
            let (spent, given) = self.below(state, holder);
            spent >= budget * (1.0 + by) && given > budget * (1.0 + by)
        });
        passed.map(|holder| &holder.id)
    }

    /// A run is ended because of money: what is thought to be spent is the whole budget.
    pub(super) fn check_overdrawn(&self, state: &State, run: &Run, budget: &TaskId) -> Result<()> {
        let staged = |task: &Task| {
            let stages = shared::limits::Stage::ALL.map(|stage| caps::caps(state, task).of(Some(stage)));
            let capped = |it: &StageCaps| it.budget.is_some() || it.tokens.is_some() || it.turns.is_some();
            task.id == *budget && stages.iter().any(capped)
        };
        let outruns = run.task == *budget && self.outruns(state, run);
        let fits = outruns || self.passed(state, run, -0.01).is_some();
        let fits = fits || state.task(&run.task).is_some_and(staged);
        ensure!(fits, "{} is ended for the budget of {budget}, which is not used up", run.id);
        Ok(())
    }

    /// Where nothing is left to decide, no turn goes on whose budget is used up by what it is thought to have cost.
    ///
    /// # Errors
    /// One does.
    pub fn check_spending(&self, state: &State) -> Result<()> {
        let works = |run: &Run| run.is_active() && matches!(run.ear, Ear::Deaf | Ear::Open);
        let goes_on = |run: &&Run| works(run) && !self.signalled.contains(&run.id);
        for run in state.unread.iter().filter_map(|run| state.run(run)).filter(goes_on) {
            let stops = state.task(&run.task).is_some_and(|task| task.stop.is_some());
            let passed = self.passed(state, run, 0.01).filter(|_| !stops);
            ensure!(passed.is_none(), "{} goes on, and the budget of {passed:?} is used up", run.id);
            ensure!(
                stops || !self.outruns(state, run),
                "{} goes on, and its task's caps are used up",
                run.id
            );
        }
        Ok(())
    }
}
