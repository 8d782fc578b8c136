//! Budgets: how far a task may go before it pauses and asks. A run holds money of its task and of all tasks
//! above it from its order until it is read, so that runs side by side are never promised the same cent.

use shared::agent::{HarnessId, Progress};
use shared::entry::Purpose;
use shared::harness::keeps_budget;
use shared::id::TaskId;
use shared::limits::{Caps, Stage, StageCaps};
use shared::plan::Work;
use shared::run::RunEnd;
use shared::unit::{MicroUsd, Millis};

use crate::state::{Account, Phase, Run, State, Task};

/// Percent of a cap at which the person is warned.
pub const NEAR: u64 = 80;

/// A bound that a task has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cap {
    Budget(MicroUsd),
    Turns(u32),
    Time(Millis),
    Tokens(u64),
}

/// Why no turn can be had now. `above` is the task whose budget it is, where that is not the task's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Short {
    /// Runs that are under way hold what is left; they give back what they do not need.
    Held { above: Option<TaskId> },
    /// Only a person can raise it. `stage` is the one whose cap it is, where it is not that of the task in whole.
    Used { cap: Cap, stage: Option<Stage>, above: Option<TaskId> },
}

/// What one turn may use; nothing where there is no bound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Grant {
    pub money: Option<MicroUsd>,
    pub turns: Option<u32>,
    pub time: Option<Millis>,
}

/// The budgets of one state, from which turns that begin together draw one after the other.
#[derive(Debug)]
pub struct Purse<'a> {
    state: &'a State,
    /// Drawn from each task's budget, beyond what the state says. As many as turns begin at once, and their parents.
    drawn: Vec<(&'a TaskId, MicroUsd)>,
}

impl<'a> Purse<'a> {
    pub fn new(state: &'a State) -> Self {
        Self { state, drawn: Vec::new() }
    }

    /// Takes out what the task's next turn may use: what is left of its caps and of every budget above it.
    ///
    /// # Errors
    /// Nothing is left of one of them; then nothing is taken.
    pub fn draw(&mut self, task: &'a Task, purpose: Purpose) -> Result<Grant, Short> {
        // A look costs nothing, and tells whether what was spent was spent well.
        if let Purpose::Base | Purpose::Check | Purpose::Commit | Purpose::After = purpose {
            return Ok(Grant::default());
        }
        let mut grant = own(self.state, task, purpose)?;
        if let (Work::Command { .. }, false) = (&task.work, task.is_group()) {
            return Ok(grant);
        }
        let chain = std::iter::once(task).chain(self.state.ancestors(task));
        let mut held = None;
        for holder in chain.clone() {
            let Some(envelope) = envelope(self.state, holder) else { continue };
            let above = || (holder.id != task.id).then(|| holder.id.clone());
            if envelope.spent >= envelope.budget {
                let cap = Cap::Budget(envelope.budget);
                return Err(Short::Used { cap, stage: None, above: above() });
            }
            let drawn = self.drawn.iter().filter(|(id, _)| *id == &holder.id);
            let left = drawn.fold(envelope.free(), |left, (_, sum)| left - *sum);
            if left == MicroUsd(0) {
                held.get_or_insert_with(|| Short::Held { above: above() });
            }
            grant.money = Some(grant.money.map_or(left, |money| money.min(left)));
        }
        if let Some(held) = held {
            return Err(held);
        }
        // Words about the work should not hold up the work.
        let words =
            matches!(purpose, Purpose::Summary | Purpose::Talk | Purpose::Diagnose | Purpose::Classify);
        if let (true, Some(ration)) = (words, self.state.limits.caps.budget) {
            grant.money = grant.money.map(|money| money.min(ration));
        }
        if let Some(money) = grant.money {
            self.drawn.extend(chain.map(|holder| (&holder.id, money)));
        }
        Ok(grant)
    }
}

/// Why the task's next turn for this purpose cannot be had; nothing where it can.
pub fn short(state: &State, task: &Task, purpose: Purpose) -> Option<Short> {
    Purse::new(state).draw(task, purpose).err()
}

/// The caps that hold for a task: its own, and for one that does the work itself the general ones.
pub fn caps(state: &State, task: &Task) -> Caps {
    if task.is_goal() || task.is_group() { task.caps } else { task.caps.or(state.limits.caps) }
}

/// A budget and what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Envelope {
    pub budget: MicroUsd,
    pub spent: MicroUsd,
    /// By runs that are under way.
    pub held: MicroUsd,
    /// What those are thought to have cost so far.
    pub running: MicroUsd,
    /// The part of that by which each has passed what it holds.
    pub beyond: MicroUsd,
}

impl Envelope {
    pub fn free(self) -> MicroUsd {
        self.budget - self.spent - self.taken()
    }

    /// What is spent by now, as far as anybody knows, and what is spent or held, in percent of the budget, at most 100.
    pub fn percent(self) -> (u64, u64) {
        let of = |sum: MicroUsd| percent(sum.0, self.budget.0);
        (of(self.spent + self.running), of(self.spent + self.taken()))
    }

    /// By runs that are under way: each what it holds, or what it is thought to have cost where that is more.
    fn taken(self) -> MicroUsd {
        self.held + self.beyond
    }

    /// What runs have cost by now, as far as anybody knows, is all of it.
    fn is_passed(self) -> bool {
        self.spent + self.running >= self.budget
    }

    pub fn is_near(self) -> bool {
        self.percent().0 >= NEAR
    }
}

/// The envelope of a task that has a budget.
pub fn envelope(state: &State, task: &Task) -> Option<Envelope> {
    let budget = caps(state, task).budget?;
    let spend = task.account.spend;
    // Where nobody set a budget, a harness that tells no costs is not stopped by a guess.
    let spent = if task.caps.budget.is_some() { spend.counted() } else { spend.known + spend.estimated };
    let Account { held, running, beyond, .. } = task.account;
    Some(Envelope { budget, spent, held, running, beyond })
}

/// Whose budget is used up by what this run and others are thought to have cost by now, or whose other cap by what it told.
/// Nothing where its agent was given what is left and keeps to that by itself, which it does to the cent.
pub(crate) fn overdrawn<'a>(state: &'a State, task: &'a Task, run: &Run) -> Option<&'a TaskId> {
    if outruns(state, task, run) {
        return Some(&task.id);
    }
    let estimate = run.estimate?;
    let keeps = |within: bool| within && run.holds.is_some() && keeps_budget(run.harness);
    let staged = stage_of(run.purpose).is_some_and(|stage| {
        let spent = used(state, task, Some(stage)).money;
        let held = run.holds.unwrap_or_default();
        let cap = caps(state, task).of(Some(stage)).budget;
        cap.is_some_and(|cap| spent + estimate >= cap && !keeps(spent + held <= cap))
    });
    let passed = |holder: &&Task| {
        let envelope = envelope(state, holder);
        let fits = |it: Envelope| it.spent + it.held <= it.budget && !has_boundless(state, holder);
        envelope.is_some_and(|it| it.is_passed() && !keeps(fits(it)))
    };
    let mut holders = std::iter::once(task).chain(state.ancestors(task));
    if staged { Some(&task.id) } else { holders.find(passed).map(|holder| &holder.id) }
}

/// What the run has come to is more than the task's caps, or those of the turn's stage, have for it.
fn outruns(state: &State, task: &Task, run: &Run) -> bool {
    let progress = run.progress;
    let mut stages = std::iter::once(None).chain(stage_of(run.purpose).map(Some));
    progress != Progress::default()
        && stages.any(|stage| {
            let caps = own_caps(state, task, stage);
            let used = used(state, task, stage);
            let requests = used.turns.saturating_add(progress.requests);
            let tokens = used.tokens.saturating_add(progress.tokens);
            caps.turns.is_some_and(|cap| requests > cap && !keeps_budget(run.harness))
                || caps.tokens.is_some_and(|cap| tokens >= cap && progress.tokens > 0)
        })
}

/// A run that costs money was ordered below the task before it had a budget, or anything above it, and is not read to its end.
fn has_boundless(state: &State, holder: &Task) -> bool {
    let boundless = |run: &&Run| {
        let costs = run.harness != HarnessId::Command && run.purpose != Purpose::Terminal;
        costs && run.holds.is_none()
    };
    let is_below =
        |task: &Task| task.id == holder.id || state.ancestors(task).any(|above| above.id == holder.id);
    let mut runs = state.unread.iter().filter_map(|run| state.run(run)).filter(boundless);
    runs.any(|run| state.task(&run.task).is_some_and(is_below))
}

/// What the tasks below a goal may spend at most, without its planning and summing up; nothing where one has no bound.
pub fn most(state: &State, goal: &Task) -> Option<MicroUsd> {
    let works = |task: &&Task| !task.is_group() && !task.is_by_hand() && matches!(task.work, Work::Agent);
    let below = state.subtree(&goal.id).into_iter().skip(1).filter(works);
    let sum: Option<u64> = below.map(|task| caps(state, task).budget.map(|budget| budget.0)).sum();
    sum.map(MicroUsd).into_iter().chain(goal.caps.budget).min()
}

/// A cap that is near, and how much of it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Near {
    pub cap: Cap,
    /// The one whose cap it is, where it is not that of the task in whole.
    pub stage: Option<Stage>,
    /// At most 100.
    pub percent: u64,
    /// A part of it is what runs are thought to have cost so far.
    pub estimated: bool,
}

/// The cap that a task is near to or has come to by now, the most used first.
pub fn near(state: &State, task: &Task, now: Millis) -> Option<Near> {
    let whole = envelope(state, task).map(|envelope| Near {
        cap: Cap::Budget(envelope.budget),
        stage: None,
        percent: envelope.percent().0,
        estimated: envelope.running > MicroUsd(0),
    });
    let shares = STAGES.into_iter().flat_map(|stage| shares(state, task, stage, now));
    let near = shares.chain(whole).filter(|near| near.percent >= NEAR);
    near.max_by_key(|near| near.percent)
}

const STAGES: [Option<Stage>; 3] = [None, Some(Stage::Review), Some(Stage::Repair)];

/// How much is used of the caps of the task in whole, but for its budget, or of those of one stage.
fn shares(state: &State, task: &Task, stage: Option<Stage>, now: Millis) -> Vec<Near> {
    let caps = own_caps(state, task, stage);
    if caps.is_none() {
        return Vec::new();
    }
    let (mut used, mut estimated) = (used(state, task, stage), false);
    used.time = used.time + runs_since(state, task, stage).map_or(Millis(0), |started| now.since(started));
    if let Some(run) = state.current(task).filter(|run| !run.is_read() && is_of(run, stage)) {
        let told = run.tokens.input.saturating_add(run.tokens.output);
        used.turns = used.turns.saturating_add(run.progress.requests);
        used.tokens = used.tokens.saturating_add(run.progress.tokens.max(told));
        used.money += run.estimate.unwrap_or_default();
        estimated = run.estimate.is_some();
    }
    let near = |cap, percent| Near { cap, stage, percent, estimated: false };
    let money =
        caps.budget.map(|cap| Near { estimated, ..near(Cap::Budget(cap), percent(used.money.0, cap.0)) });
    let others = [
        caps.turns.map(|cap| near(Cap::Turns(cap), percent(used.turns.into(), cap.into()))),
        caps.time.map(|cap| near(Cap::Time(cap), percent(used.time.0, cap.0))),
        caps.tokens.map(|cap| near(Cap::Tokens(cap), percent(used.tokens, cap))),
    ];
    others.into_iter().chain([money]).flatten().collect()
}

/// When the run that is under way was started, where it is of this stage.
fn runs_since(state: &State, task: &Task, stage: Option<Stage>) -> Option<Millis> {
    let run = state.current(task).filter(|run| takes_time(run) && is_of(run, stage))?;
    match run.phase {
        Phase::Running { started } => Some(started),
        Phase::Requested | Phase::Ended { .. } | Phase::Read { .. } => None,
    }
}

/// When the run that is under way will have used so much of the task's time, and of its stage's, that the person is warned.
pub(crate) fn time_is_near(state: &State, task: &Task) -> impl Iterator<Item = Millis> {
    STAGES.into_iter().filter_map(|stage| {
        let cap = own_caps(state, task, stage).time?;
        let started = runs_since(state, task, stage)?;
        let warned = Millis(cap.0.saturating_mul(NEAR).div_ceil(100));
        Some(started + warned.since(used(state, task, stage).time))
    })
}

fn percent(part: u64, whole: u64) -> u64 {
    part.saturating_mul(100).checked_div(whole).unwrap_or(100).min(100)
}

/// What a task's runs have used that are read to their end.
struct Used {
    money: MicroUsd,
    turns: u32,
    time: Millis,
    tokens: u64,
}

/// Of all its runs, or of those of one stage.
fn used(state: &State, task: &Task, stage: Option<Stage>) -> Used {
    let mut sum = Used { money: MicroUsd(0), turns: 0, time: Millis(0), tokens: 0 };
    let runs = task.runs.iter().filter_map(|run| state.run(run));
    for run in runs.filter(|run| is_of(run, stage)) {
        if let Phase::Read { started, at, end, report, .. } = &run.phase {
            sum.money += run.spend().counted();
            sum.turns = sum.turns.saturating_add(report.turns);
            if takes_time(run) {
                // Its own clock began before the log heard that it had started: whose time is over has used all it was given.
                let begun = if *end == RunEnd::TimedOut { run.requested } else { started.unwrap_or(*at) };
                sum.time = sum.time + at.since(begun);
            }
            let used = run.used();
            sum.tokens = sum.tokens.saturating_add(used.input).saturating_add(used.output);
        }
    }
    sum
}

/// The stage that a turn belongs to, where that may have caps of its own.
pub(crate) fn stage_of(purpose: Purpose) -> Option<Stage> {
    match purpose {
        Purpose::Review => Some(Stage::Review),
        Purpose::Repair => Some(Stage::Repair),
        _ => None,
    }
}

/// Every run is one of its task; a stage has its own.
fn is_of(run: &Run, stage: Option<Stage>) -> bool {
    stage.is_none() || stage_of(run.purpose) == stage
}

/// How long a person sits at a terminal is theirs to say.
fn takes_time(run: &Run) -> bool {
    run.purpose != Purpose::Terminal
}

/// The caps of one stage, or of the task in whole but for its budget, which is an envelope.
fn own_caps(state: &State, task: &Task, stage: Option<Stage>) -> StageCaps {
    let caps = caps(state, task).of(stage);
    if stage.is_some() { caps } else { StageCaps { budget: None, ..caps } }
}

/// What is left of the task's own caps and of those of the turn's stage.
fn own(state: &State, task: &Task, purpose: Purpose) -> Result<Grant, Short> {
    let whole = left(state, task, None)?;
    let Some(stage) = stage_of(purpose) else { return Ok(whole) };
    let part = left(state, task, Some(stage))?;
    Ok(Grant { money: part.money, turns: least(whole.turns, part.turns), time: least(whole.time, part.time) })
}

fn least<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    one.into_iter().chain(other).min()
}

fn left(state: &State, task: &Task, stage: Option<Stage>) -> Result<Grant, Short> {
    let caps = own_caps(state, task, stage);
    if caps.is_none() {
        return Ok(Grant::default());
    }
    let used = used(state, task, stage);
    let money = caps.budget.map(|cap| cap - used.money);
    let turns = caps.turns.map(|cap| cap.saturating_sub(used.turns));
    let time = caps.time.map(|cap| cap.since(used.time));
    let spent = [
        caps.budget.filter(|_| money == Some(MicroUsd(0))).map(Cap::Budget),
        caps.turns.filter(|_| turns == Some(0)).map(Cap::Turns),
        caps.time.filter(|_| time == Some(Millis(0))).map(Cap::Time),
        caps.tokens.filter(|cap| used.tokens >= *cap).map(Cap::Tokens),
    ];
    match spent.into_iter().flatten().next() {
        Some(cap) => Err(Short::Used { cap, stage, above: None }),
        None => Ok(Grant { money, turns, time }),
    }
}
