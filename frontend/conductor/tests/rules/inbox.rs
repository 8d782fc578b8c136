//! What waits for a person, since when, and what is said of it.

#![expect(clippy::expect_used, reason = "a test's own world is as the test makes it")]

use conductor::decide::{Bound, bound};
use conductor::inbox::{Ask, Request, inbox};
use conductor::state::State;
use conductor::status::{Reason, status};
use conductor::survey::Survey;
use conductor::words;
use serde_json::json;
use shared::agent::{AgentError, ErrorClass, HarnessId, TurnReport};
use shared::entry::Kind;
use shared::id::TaskId;
use shared::limits::{Caps, Limits};
use shared::plan::{Mode, PlanEdit, PlannedTask};
use shared::retry::{Policy, Retry};
use shared::unit::{MicroUsd, Millis};

use crate::log::id;
use crate::stage::World;

const MINUTE: Millis = Millis::from_secs(60);

fn task(name: &str) -> PlannedTask {
    PlannedTask { key: name.to_owned(), ..PlannedTask::new(id(name), id("g"), name.to_owned(), "Do") }
}

/// A goal with these tasks, approved a minute after it was stated.
fn work(tasks: Vec<PlannedTask>) -> World {
    let mut world = World::new();
    world.propose(tasks);
    world.now = world.now + MINUTE;
    world.approve(1);
    world
}

fn asked(state: &State) -> Vec<Request> {
    inbox(state, &Survey::live(state))
}

fn asks(state: &State) -> Vec<(TaskId, Ask, Millis)> {
    asked(state).into_iter().map(|request| (request.task, request.ask, request.status.since)).collect()
}

fn says(world: &World, task: &str) -> String {
    let task = world.state.task(&id(task)).expect("a task");
    words::says(&world.state, task, &status(&world.state, task), world.now)
}

fn asking(question: &str) -> TurnReport {
    let answer = json!({"outcome": "question", "summary": "", "question": question});
    TurnReport { structured: Some(answer), ..TurnReport::default() }
}

fn broken() -> TurnReport {
    let error = AgentError { class: ErrorClass::Auth, message: "no key".to_owned(), until: None };
    TurnReport { error: Some(error), ..TurnReport::default() }
}

#[test]
fn nothing_waits_while_all_goes_on() {
    let mut world = work(vec![task("a")]);
    world.step();
    assert_eq!(asked(&world.state), []);
}

#[test]
fn a_plan_waits_since_it_was_proposed() {
    let mut world = World::new();
    world.now = world.now + MINUTE;
    world.propose(vec![task("a")]);
    assert_eq!(asks(&world.state), [(id("g"), Ask::Approve, world.now)]);
    world.approve(1);
    assert_eq!(asked(&world.state), []);
}

#[test]
fn the_oldest_comes_first_and_an_answer_takes_it_away() {
    let mut world = work(vec![
        PlannedTask { mode: Mode::Hybrid, ..task("a") },
        PlannedTask { mode: Mode::Hybrid, ..task("b") },
        PlannedTask { mode: Mode::Interactive, after: vec![id("c")], ..task("d") },
        task("c"),
    ]);
    let orders = world.step();
    let mut ends = |task: &str, report: Option<TurnReport>| {
        world.now = world.now + MINUTE;
        let run =
            &orders.iter().find(|order| world.state.run(&order.run).is_some_and(|run| run.task == id(task)));
        let run = run.expect("an order").run.clone();
        match report {
            None => world.done(&run),
            Some(report) => {
                world.begins(&run);
                world.ends(&run, report);
            }
        }
        world.step();
        world.now
    };
    let second = ends("b", Some(asking("Which door?")));
    let begins = ends("c", None);
    let first = ends("a", Some(asking("Which window?")));
    let all = [(id("b"), Ask::Answer, second), (id("d"), Ask::Begin, begins), (id("a"), Ask::Answer, first)];
    assert_eq!(asks(&world.state), all);
    assert_eq!(asked(&world.state)[0].why(&world.state, world.now), "Which door?");
    world.write("b");
    assert_eq!(asks(&world.state), all[1..]);
}

#[test]
fn a_failure_says_what_failed_and_what_helps_and_speaks_for_those_it_holds_up() {
    let mut world = work(vec![task("a"), PlannedTask { after: vec![id("a")], ..task("b") }]);
    let run = world.order("a").run;
    world.begins(&run);
    world.now = world.now + MINUTE;
    world.ends(&run, broken());
    world.step();
    assert_eq!(asks(&world.state), [(id("a"), Ask::Help, world.now)], "the goal is held up by it, too");
    let request = &asked(&world.state)[0];
    assert_eq!(request.why(&world.state, world.now), "not logged in: no key");
    assert!(request.remedy().is_some_and(|remedy| remedy.contains("Log the agent in")));
    world.say(Kind::GoalClosed { goal: id("g") });
    assert_eq!(says(&world, "g"), "next in line", "it is summed up");
    assert_eq!(asked(&world.state), [], "it was given up");
}

#[test]
fn what_waits_for_a_stopped_task_says_so() {
    let mut world = work(vec![task("a"), PlannedTask { after: vec![id("a")], ..task("b") }]);
    world.now = world.now + MINUTE;
    world.say(Kind::TaskStopped { task: id("a") });
    world.step();
    assert_eq!(asks(&world.state), [(id("g"), Ask::Unblock, world.now)]);
    world.say(Kind::TaskRetried { task: id("a") });
    assert_eq!(asked(&world.state), []);
}

#[test]
fn a_used_up_budget_waits_since_the_turn_that_used_it_up() {
    let mut world = work(vec![task("a")]);
    let caps = Caps { budget: Some(MicroUsd(1_000)), ..Caps::default() };
    world.edit(PlanEdit::SetCaps { task: id("a"), caps });
    world.edit(PlanEdit::SetRetry {
        task: id("a"),
        retry: Some(Retry { policy: Policy::Same, ..Retry::default() }),
    });
    let run = world.order("a").run;
    world.begins(&run);
    world.now = world.now + MINUTE;
    let error = AgentError { class: ErrorClass::Capped, message: String::new(), until: None };
    world.ends(&run, TurnReport { error: Some(error), cost: Some(MicroUsd(1_000)), ..TurnReport::default() });
    world.step();
    let waits = asks(&world.state);
    assert_eq!(waits, [(id("a"), Ask::Raise, world.now)]);
}

#[test]
fn who_is_next_in_line_says_which_bound_it_waits_at() {
    let mut world = work(vec![task("a"), task("b")]);
    world.say(Kind::LimitsSet { limits: Limits { parallel: 1, ..Limits::default() } });
    world.step();
    let waiting = world.state.task(&id("b")).expect("a task");
    assert_eq!(status(&world.state, waiting).reason, Reason::Slot);
    assert_eq!(says(&world, "b"), "next in line, 1 of 1 agents run");
    let each = shared::limits::Each { claude: Some(1), ..shared::limits::Each::default() };
    world.say(Kind::LimitsSet { limits: Limits { each, ..Limits::default() } });
    let at = bound(&world.state, world.state.task(&id("b")).expect("a task"));
    assert_eq!(at, Some(Bound::OfKind(HarnessId::Claude, 1)));
    world.say(Kind::LimitsSet { limits: Limits { per_folder: Some(1), ..Limits::default() } });
    assert_eq!(says(&world, "b"), "next in line, 1 of 1 agents in this folder run");
    world.say(Kind::LimitsSet { limits: Limits { parallel: 0, ..Limits::default() } });
    assert_eq!(says(&world, "b"), "next in line, limits let no agents run");
    world.say(Kind::LimitsSet { limits: Limits::default() });
    assert_eq!(says(&world, "b"), "next in line");
}
