//! What a turn has cost as far as its tokens tell: an estimate, told from money that an agent reported. What tokens cost
//! is the person's word, or what finished turns of the same model told of both; where neither says, the cost is unknown.

use std::collections::BTreeMap;

use shared::agent::{HarnessId, Tokens};
use shared::entry::Purpose;
use shared::models::Price;
use shared::unit::MicroUsd;

use crate::budget;
use crate::state::{Run, State, Task};

/// What a token of each kind weighs, in hundredths of one that is read anew: providers price them in about these
/// proportions whatever the model. What one costs is the evidence's to say.
const WEIGHT: Tokens = Tokens { input: 100, output: 500, cache_read: 10, cache_write: 125 };

/// Of the tightest budget: an estimate that has grown by so much is news.
const PARTS: u64 = 20;

/// In the place of a budget, where there is none.
const NO_BUDGET: MicroUsd = MicroUsd(1_000_000);

/// What the finished turns of one model told together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tariff {
    cost: MicroUsd,
    weight: u64,
}

/// By the agent and its model, as far as that is known.
pub type Tariffs = BTreeMap<(HarnessId, Option<String>), Tariff>;

/// What tokens cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rate {
    Given(Price),
    Seen(Tariff),
}

impl Rate {
    pub fn of(self, tokens: Tokens) -> MicroUsd {
        match self {
            Self::Given(price) => price.of(tokens),
            Self::Seen(Tariff { cost, weight: whole }) => {
                let part = u128::from(cost.0) * u128::from(weight(tokens)) / u128::from(whole.max(1));
                MicroUsd(u64::try_from(part).unwrap_or(u64::MAX))
            }
        }
    }
}

/// When a turn's estimate is worth an entry: each time that it has grown by a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    rate: Rate,
    step: MicroUsd,
}

impl Pace {
    /// Nothing where no tokens tell what the run costs.
    pub fn of(state: &State, task: &Task, run: &Run) -> Option<Self> {
        let rate = rate(state, run)?;
        let holders = std::iter::once(task).chain(state.ancestors(task));
        let staged =
            budget::stage_of(run.purpose).map(|stage| budget::caps(state, task).of(Some(stage)).budget);
        let budgets = holders.map(|holder| budget::caps(state, holder).budget).chain(staged);
        let tightest = budgets.flatten().min();
        let step = MicroUsd((tightest.unwrap_or(NO_BUDGET).0 / PARTS).max(1));
        Some(Self { rate, step })
    }

    /// Whether so many tokens are news to who knows of those before.
    pub fn is_news(self, before: Tokens, now: Tokens) -> bool {
        self.rate.of(now) >= self.rate.of(before) + self.step
    }
}

/// What the run has cost so far: what it told of its turns that are over, and what its tokens beyond them tell.
pub(crate) fn so_far(state: &State, run: &Run) -> Option<MicroUsd> {
    let used = run.used();
    let told = (run.paid.money > MicroUsd(0)).then_some(run.paid.money);
    let rate = rate(state, run).filter(|_| !used.is_none());
    let open = rate.map(|rate| rate.of(used.with(run.paid.tokens, u64::saturating_sub)));
    Some(told.unwrap_or_default() + open.unwrap_or_default()).filter(|_| told.or(open).is_some())
}

/// What the run's tokens cost; nothing where nobody knows.
fn rate(state: &State, run: &Run) -> Option<Rate> {
    // Nobody reads what is spent at a terminal.
    if run.harness == HarnessId::Command || run.purpose == Purpose::Terminal {
        return None;
    }
    let names = [run.model.as_deref(), run.ordered.as_deref()];
    let given = state.models.price(run.harness, names).map(Rate::Given);
    given.or_else(|| state.tariffs.get(&model(run)).copied().map(Rate::Seen))
}

fn model(run: &Run) -> (HarnessId, Option<String>) {
    (run.harness, run.known_model().map(str::to_owned))
}

fn weight(tokens: Tokens) -> u64 {
    let Tokens { input, output, cache_read, cache_write } = tokens.with(WEIGHT, u64::saturating_mul);
    [output, cache_read, cache_write].into_iter().fold(input, u64::saturating_add)
}

impl State {
    /// A run that was read told what its tokens cost.
    pub(crate) fn learn_tariff(&mut self, run: &Run, cost: MicroUsd) {
        let weight = weight(run.tokens);
        if cost > MicroUsd(0) && weight > 0 {
            let tariff = self.tariffs.entry(model(run)).or_default();
            tariff.cost += cost;
            tariff.weight = tariff.weight.saturating_add(weight);
        }
    }
}
