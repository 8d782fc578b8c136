//! Budgets: whatever agents cost and persons do, what runs hold and have spent stays within every budget at the
//! moment of each order, and nothing is started that cannot be paid for.

#![expect(clippy::unwrap_used, reason = "a test's own world is as the test makes it")]

use std::sync::Arc;

use conductor::budget::{Cap, Short, envelope, near, short};
use conductor::decide;
use conductor::inbox::{Ask, inbox};
use conductor::state::{Account, Phase, Run, Standing, State, Task};
use conductor::status::{Kind as Stands, Reason, Waker, status};
use conductor::survey::Survey;
use proptest::prelude::*;
use serde_json::json;
use shared::agent::{AgentError, AgentEvent, ErrorClass, HarnessId, Tokens, TurnReport, UsageScope};
use shared::entry::{Kind, Purpose};
use shared::id::{MessageId, RunId, SessionId};
use shared::limits::Caps;
use shared::plan::{Access, Mode, PlanEdit, PlannedTask, Schedule, Size};
use shared::run::{Pipes, RunEnd, Window};
use shared::unit::{MicroUsd, Millis};

use crate::log::{append, id, person};

const fn cents(cents: u64) -> MicroUsd {
    MicroUsd(cents * 10_000)
}

fn budget(sum: MicroUsd) -> Caps {
    Caps { budget: Some(sum), ..Caps::default() }
}

fn planned(tasks: &[(&str, &str)]) -> Vec<PlannedTask> {
    let planned = tasks.iter().map(|(name, parent)| PlannedTask {
        key: (*name).to_owned(),
        size: Some(Size::Light),
        ..PlannedTask::new(id(name), id(parent), (*name).to_owned(), "Do")
    });
    planned.collect()
}

#[derive(Default)]
struct World {
    state: State,
    now: Millis,
    /// What runs have cost beyond what they held: an agent is stopped after the answer that passes its bound.
    beyond: MicroUsd,
}

impl World {
    /// A goal whose plan of these tasks (name and parent) is approved.
    fn with(tasks: &[(&str, &str)]) -> Self {
        let mut world = Self::stated();
        let run = world.step().unwrap();
        world.ends(&run, TurnReport::default());
        let tasks = planned(tasks);
        world.say(Kind::PlanProposed { goal: id("goal"), run, version: 1, reply: String::new(), tasks });
        world.say(Kind::PlanApproved { goal: id("goal"), version: 1 });
        world
    }

    /// The same, where the person gave the plan, so that the goal itself had no turn.
    fn given(tasks: &[(&str, &str)]) -> Self {
        let mut world = Self::stated();
        let tasks = planned(tasks);
        world.say(Kind::PlanGiven { goal: id("goal"), reply: String::new(), tasks });
        world.say(Kind::PlanApproved { goal: id("goal"), version: 1 });
        world
    }

    fn stated() -> Self {
        let mut world = Self { now: Millis(1_000), ..Self::default() };
        let (goal, text) = (id("goal"), "Do it".to_owned());
        world.say(Kind::ProjectOpened { folder: "/p".to_owned(), name: "p".to_owned() });
        world.say(Kind::GoalStated { task: goal, text, harness: HarnessId::Demo, access: Access::Edit });
        world
    }

    fn say(&mut self, kind: Kind) {
        self.now = self.now + Millis(1);
        append(&mut self.state, self.now, person(), "p", kind);
        self.check();
    }

    fn caps(&mut self, task: &str, caps: Caps) {
        let edit = PlanEdit::SetCaps { task: id(task), caps };
        self.say(Kind::PlanEdited { goal: id("goal"), edit });
    }

    fn write(&mut self, task: &str) {
        let message = MessageId::new(&format!("m{}", self.state.seq)).unwrap();
        self.say(Kind::MessageSent { task: id(task), message, text: "Go on".to_owned(), answers: None });
    }

    /// Decides until nothing is left to decide; the first run that was ordered.
    fn step(&mut self) -> Option<RunId> {
        let mut first = None;
        loop {
            let drafts = decide(&self.state, self.now);
            if drafts.is_empty() {
                return first;
            }
            for draft in drafts {
                let kind = draft.body.known().unwrap().clone();
                let ordered = match &kind {
                    Kind::RunRequested { run, .. } => Some(run.clone()),
                    _ => None,
                };
                self.say(kind);
                if let Some(run) = ordered {
                    self.is_paid(&run);
                    first.get_or_insert(run);
                }
            }
        }
    }

    /// At the moment of its order, a run fits into its task's budget and every one above it.
    fn is_paid(&self, run: &RunId) {
        let run = self.state.run(run).unwrap();
        let task = self.state.task(&run.task).unwrap();
        for holder in std::iter::once(task).chain(self.state.ancestors(task)) {
            if let Some(envelope) = envelope(&self.state, holder) {
                let sum = envelope.spent + envelope.held;
                assert!(sum <= envelope.budget, "{}: {envelope:?}", holder.title);
                // What a person spends at a terminal, nobody tells.
                let told = run.purpose != Purpose::Terminal;
                assert!(
                    !told || run.holds.is_some_and(|held| held > MicroUsd(0)),
                    "{} holds nothing",
                    run.id
                );
            }
        }
    }

    fn ends(&mut self, run: &RunId, report: TurnReport) {
        self.say(Kind::RunStarted { run: run.clone(), pid: 1, started: 1 });
        self.now = self.now + Millis::from_secs(60);
        let (end, pipes) = (RunEnd::Exited { code: 0 }, Pipes::Closed);
        self.say(Kind::RunEnded { run: run.clone(), end, lines: 0, pipes, used: None });
        if let (Some(cost), Some(held)) = (report.cost, self.state.run(run).unwrap().holds) {
            self.beyond += cost - held;
        }
        self.say(Kind::TurnRead { run: run.clone(), report: report.into() });
    }

    fn under_way(&self) -> Vec<Run> {
        self.state.unread.iter().map(|run| self.state.run(run).unwrap().clone()).collect()
    }

    /// Every account is the sum of what the runs below it hold and have cost, removed tasks included.
    fn check(&self) {
        for task in self.state.tasks.values() {
            let mut sum = Account::default();
            let below = self.state.tasks.values().filter(|other| {
                other.id == task.id || self.state.ancestors(other).any(|above| above.id == task.id)
            });
            for run in below.flat_map(|task| &task.runs).map(|run| self.state.run(run).unwrap()) {
                match &run.phase {
                    Phase::Read { report, .. } => match report.cost {
                        Some(cost) => sum.spend.known += cost,
                        None => {
                            sum.spend.unknown_runs += 1;
                            sum.spend.presumed += run.holds.unwrap_or_default();
                        }
                    },
                    _ => sum.held += run.holds.unwrap_or_default(),
                }
            }
            assert_eq!(sum, task.account, "{}", task.title);
        }
    }

    fn task(&self, name: &str) -> &Task {
        self.state.task(&id(name)).unwrap()
    }

    fn near(&self, name: &str) -> Option<(Cap, u64)> {
        near(&self.state, self.task(name), self.now).map(|near| (near.cap, near.percent))
    }

    fn reason(&self, name: &str) -> (Stands, Reason) {
        let status = status(&self.state, self.task(name));
        (status.kind, status.reason)
    }
}

fn done(cost: Option<MicroUsd>) -> TurnReport {
    TurnReport {
        cost,
        structured: Some(json!({"outcome": "done", "summary": "Did it"})),
        ..TurnReport::default()
    }
}

fn capped(cost: MicroUsd) -> TurnReport {
    let error =
        AgentError { class: ErrorClass::Capped, message: "the budget is used up".to_owned(), until: None };
    TurnReport { cost: Some(cost), error: Some(error), ..TurnReport::default() }
}

#[test]
fn a_task_pauses_at_its_budget_and_goes_on_when_it_is_raised() {
    let mut world = World::with(&[("a", "goal")]);
    let run = world.step().unwrap();
    assert_eq!(world.state.run(&run).unwrap().holds, Some(cents(100)), "a dollar unless said otherwise");
    world.ends(&run, capped(cents(103)));
    assert_eq!(world.step(), None);
    let used = Reason::Used { cap: Cap::Budget(cents(100)), stage: None, above: None };
    assert_eq!(world.reason("a"), (Stands::Waiting, used));
    assert_eq!(world.near("a"), Some((Cap::Budget(cents(100)), 100)));
    // Trying again is no way around it.
    world.say(Kind::TaskRetried { task: id("a") });
    assert_eq!(world.step(), None);
    world.caps("a", budget(cents(150)));
    let again = world.step().unwrap();
    assert_eq!(world.state.run(&again).unwrap().holds, Some(cents(47)));
    assert_eq!(world.near("a"), None);
    world.ends(&again, done(Some(cents(1))));
    world.step();
    assert_eq!(world.task("a").standing, Standing::Completed);
}

#[test]
fn tasks_draw_from_the_goal_and_wait_for_what_others_hold() {
    let mut world = World::with(&[("a", "goal"), ("b", "goal"), ("c", "goal")]);
    world.caps("goal", budget(cents(150)));
    world.step();
    let runs = world.under_way();
    assert_eq!(runs.iter().map(|run| run.holds).collect::<Vec<_>>(), [Some(cents(100)), Some(cents(50))]);
    assert_eq!(world.reason("c"), (Stands::Pending, Reason::Held));
    assert_eq!(status(&world.state, world.task("c")).waker(), Waker::Room);
    // What it does not need goes back.
    world.ends(&runs[0].id, done(Some(cents(20))));
    let next = world.step().unwrap();
    assert_eq!(world.state.run(&next).unwrap().holds, Some(cents(80)));
    world.ends(&runs[1].id, capped(cents(50)));
    world.ends(&next, capped(cents(80)));
    assert_eq!(world.step(), None);
    // One asks, for all of its parts.
    let cap = Cap::Budget(cents(150));
    assert_eq!(world.reason("goal"), (Stands::Waiting, Reason::Used { cap, stage: None, above: None }));
    let (kind, reason) = world.reason("b");
    assert_eq!((kind, reason), (Stands::Pending, Reason::Used { cap, stage: None, above: Some(id("goal")) }));
    world.caps("goal", budget(cents(500)));
    world.step();
    assert_eq!(world.under_way().len(), 2, "both go on");
}

#[test]
fn who_asks_for_something_else_does_not_hide_that_money_is_missing() {
    let beside = [("a", "goal"), ("m", "goal"), ("b", "goal")];
    let below = [("a", "goal"), ("h", "goal"), ("m", "h"), ("b", "h")];
    for tasks in [&beside[..], &below[..]] {
        let mut world = World::with(tasks);
        let by_hand = PlanEdit::SetMode { task: id("m"), mode: Mode::Manual };
        world.say(Kind::PlanEdited { goal: id("goal"), edit: by_hand });
        world.caps("goal", budget(cents(40)));
        let run = world.step().unwrap();
        world.ends(&run, capped(cents(40)));
        assert_eq!(world.step(), None);
        assert_eq!(world.reason("m"), (Stands::Waiting, Reason::Yours));
        let used = Reason::Used { cap: Cap::Budget(cents(40)), stage: None, above: None };
        assert_eq!(world.reason("goal"), (Stands::Waiting, used));
        let requests = inbox(&world.state, &Survey::live(&world.state));
        let mut asked: Vec<_> = requests.iter().map(|request| (request.task.as_str(), request.ask)).collect();
        asked.sort_by_key(|(task, _)| *task);
        assert_eq!(asked, [("goal", Ask::Raise), ("m", Ask::Do)]);
        world.caps("goal", budget(cents(500)));
        assert!(world.step().is_some());
    }
}

#[test]
fn a_goal_that_is_over_and_talked_to_asks_for_money_also_where_its_start_was_set() {
    let mut world = World::given(&[("a", "goal"), ("b", "goal")]);
    world.caps("goal", budget(cents(40)));
    let schedule = Schedule { start: Some(Millis(5)), ..Schedule::default() };
    let edit = PlanEdit::SetSchedule { task: id("goal"), schedule };
    world.say(Kind::PlanEdited { goal: id("goal"), edit });
    let run = world.step().unwrap();
    world.ends(&run, capped(cents(40)));
    world.say(Kind::TaskStopped { task: id("goal") });
    assert_eq!(world.step(), None);
    // Somebody looks after a part of it.
    world.say(Kind::TerminalOpened { task: id("a"), window: Window { rows: 24, cols: 80 } });
    assert!(world.step().is_some());
    world.write("goal");
    assert_eq!(world.step(), None);
    let used = Reason::Used { cap: Cap::Budget(cents(40)), stage: None, above: None };
    assert_eq!(world.reason("goal"), (Stands::Waiting, used), "not the start, which has long passed");
    world.caps("goal", budget(cents(500)));
    assert!(world.step().is_some(), "what is there to pay for is begun");
}

#[test]
fn an_unknown_cost_counts_as_what_was_held_and_reads_as_unknown() {
    let mut world = World::with(&[("a", "goal"), ("b", "goal")]);
    world.caps("goal", budget(cents(150)));
    world.step();
    for run in world.under_way() {
        world.ends(&run.id, done(None));
    }
    assert_eq!(world.step(), None, "the goal's money may be gone");
    let goal = world.task("goal");
    assert_eq!(
        short(&world.state, goal, Purpose::Work),
        Some(Short::Used { cap: Cap::Budget(cents(150)), stage: None, above: None })
    );
    assert_eq!(conductor::words::money(goal.account.spend), "cost unknown");
    // The general budget of a task that nobody gave one is no guess either.
    let mut world = World::with(&[("a", "goal")]);
    let run = world.step().unwrap();
    world.ends(&run, done(None));
    world.step();
    assert_eq!(short(&world.state, world.task("a"), Purpose::Work), None);
}

#[test]
fn turns_time_and_tokens_are_caps_too() {
    for (caps, cap) in [
        (Caps { turns: Some(5), ..Caps::default() }, Cap::Turns(5)),
        (Caps { time: Some(Millis(50_000)), ..Caps::default() }, Cap::Time(Millis(50_000))),
        (Caps { tokens: Some(0), ..Caps::default() }, Cap::Tokens(0)),
    ] {
        let mut world = World::with(&[("a", "goal")]);
        if cap != Cap::Tokens(0) {
            world.caps("a", caps);
            let run = world.step().unwrap();
            let error = AgentError { class: ErrorClass::Timeout, message: String::new(), until: None };
            world.ends(&run, TurnReport { turns: 5, error: Some(error), ..done(Some(cents(1))) });
        } else {
            world.caps("a", caps);
        }
        assert_eq!(world.step(), None, "{cap:?}");
        assert_eq!(world.reason("a"), (Stands::Waiting, Reason::Used { cap, stage: None, above: None }));
    }
}

#[test]
fn a_turn_is_told_its_bounds() {
    let mut world = World::with(&[("a", "goal")]);
    world.caps("a", Caps { turns: Some(7), time: Some(Millis(9_000)), ..budget(cents(25)) });
    let drafts = decide(&world.state, world.now);
    let Some(Kind::RunRequested { spec, holds, .. }) = drafts[0].body.known() else { panic!("{drafts:?}") };
    let line = serde_json::to_string(&spec.args).unwrap();
    assert!(
        line.contains("--max-budget-usd") && line.contains("\"0.25\"") && line.contains("\"7\""),
        "{line}"
    );
    assert_eq!((spec.limits.wall, *holds), (Some(Millis(9_000)), Some(cents(25))));
}

#[test]
fn tokens_are_counted_once_however_a_harness_tells_them() {
    let mut world = World::with(&[("a", "goal")]);
    world.caps("a", Caps { tokens: Some(100), ..Caps::default() });
    let usage = |scope, input| AgentEvent::Usage {
        tokens: Tokens { input, cache_read: 7_000, ..Tokens::default() },
        scope,
        cost: None,
    };
    let session = SessionId::new("s").unwrap();
    let begun = AgentEvent::Session { session: session.clone(), model: None, version: None };
    let asks = TurnReport {
        structured: Some(json!({"outcome": "question", "summary": "", "question": "Which?"})),
        session: Some(session),
        ..TurnReport::default()
    };
    // Two turns of one process, then a resumed session that tells its running total.
    for events in [
        vec![begun.clone(), usage(UsageScope::Turn, 20), usage(UsageScope::Turn, 30)],
        vec![begun.clone(), usage(UsageScope::Session, 60), usage(UsageScope::Session, 90)],
    ] {
        let run = world.step().unwrap();
        for (line, event) in (0..).zip(events) {
            world.say(Kind::AgentSpoke { run: run.clone(), line, event });
        }
        world.ends(&run, asks.clone());
        world.step();
        world.write("a");
    }
    let tokens: Vec<u64> =
        world.task("a").runs.iter().map(|run| world.state.run(run).unwrap().tokens.input).collect();
    assert_eq!(tokens, [50, 40]);
    assert_eq!(world.near("a"), Some((Cap::Tokens(100), 90)));
    assert!(world.step().is_some(), "ten are left");
}

#[derive(Debug, Clone)]
enum Step {
    /// The n-th run under way ends, having cost this much of what it held, in percent; nothing is unknown.
    End(usize, Option<u64>),
    Raise(usize, u64),
    Retry(usize),
    Stop(usize),
    Write(usize),
    Move(usize, usize),
    Remove(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => (0..8_usize, prop_oneof![4 => (0..=100_u64).prop_map(Some), 1 => (100..=130_u64).prop_map(Some), 1 => Just(None)])
            .prop_map(|(n, cost)| Step::End(n, cost)),
        2 => (0..8_usize, 0..300_u64).prop_map(|(n, cents)| Step::Raise(n, cents)),
        1 => (0..8_usize).prop_map(Step::Retry),
        1 => (0..8_usize).prop_map(Step::Stop),
        1 => (0..8_usize).prop_map(Step::Write),
        1 => (0..8_usize, 0..8_usize).prop_map(|(a, b)| Step::Move(a, b)),
        1 => (0..8_usize).prop_map(Step::Remove),
    ];
    prop::collection::vec(step, 1..60)
}

const TREE: [(&str, &str); 7] =
    [("a", "goal"), ("b", "goal"), ("b1", "b"), ("b2", "b"), ("c", "goal"), ("c1", "c"), ("c2", "c")];

proptest! {
    /// P16: children never exceed the parent, at every order and, but for an agent's last answer, at the end.
    #[test]
    fn children_never_exceed_the_parent(steps in steps(), first in 50..400_u64, branch in prop::option::of(10..200_u64)) {
        let mut world = World::with(&TREE);
        // Only raised from here on, so that what was spent is to be compared with what stands.
        world.caps("goal", budget(cents(first)));
        if let Some(branch) = branch {
            world.caps("b", budget(cents(branch)));
        }
        world.step();
        for step in steps {
            let name = |n: usize| if n == 7 { "goal" } else { TREE[n].0 };
            match step {
                Step::End(n, cost) => {
                    let runs = world.under_way();
                    if let Some(run) = runs.get(n % runs.len().max(1)) {
                        let held = run.holds.unwrap_or(cents(1));
                        let cost = cost.map(|percent| MicroUsd(held.0 * percent / 100));
                        let over = cost.is_some_and(|cost| cost >= held) && run.purpose == Purpose::Work;
                        let report = if over { capped(cost.unwrap()) } else { done(cost) };
                        world.ends(&run.id, report);
                    }
                }
                Step::Raise(n, more) => {
                    let former = envelope(&world.state, world.task(name(n)));
                    let former = former.map_or(cents(1_000), |had| had.budget);
                    let Account { spend, held, .. } = world.task(name(n)).account;
                    let former = former.max(spend.counted() + held);
                    world.caps(name(n), budget(former + cents(more)));
                }
                Step::Retry(n) => world.say(Kind::TaskRetried { task: id(name(n)) }),
                Step::Stop(n) => world.say(Kind::TaskStopped { task: id(name(n)) }),
                Step::Write(n) => world.write(name(n)),
                // What is carried to another parent may be more than that one has: then only the goal's is compared.
                Step::Move(a, b) if branch.is_none() => {
                    let edit = PlanEdit::Move { task: id(name(a)), parent: id(name(b)), index: 0 };
                    world.say(Kind::PlanEdited { goal: id("goal"), edit });
                }
                Step::Move(..) => {}
                Step::Remove(n) => {
                    let edit = PlanEdit::Remove { task: id(name(n)) };
                    world.say(Kind::PlanEdited { goal: id("goal"), edit });
                }
            }
            world.step();
        }
        // What nobody set comes and goes as a task becomes a group and a leaf again.
        let bound = |task: &&Arc<Task>| task.caps.budget.is_some() && (task.is_goal() || branch.is_some());
        for task in world.state.tasks.values().filter(bound) {
            let envelope = envelope(&world.state, task).unwrap();
            prop_assert!(envelope.spent <= envelope.budget + world.beyond, "{}: {envelope:?}", task.title);
        }
    }
}
