//! What agents ask to be allowed: rules answer at once, the person answers once, and everything else waits.

#![expect(clippy::unwrap_used, reason = "a test's own world is as the test makes it")]

use conductor::health::{Warning, warnings};
use conductor::inbox::inbox;
use conductor::permission::{Reply, TooLate, replayed, reply};
use conductor::state::{State, Task};
use conductor::status::{Kind as Stands, Reason, Waker, status};
use conductor::{decide, words};
use shared::agent::{AgentEvent, HarnessId, TurnEnd};
use shared::entry::{Actor, Kind};
use shared::id::{ProjectId, RuleId, RunId, TaskId};
use shared::permission::{Answer, Ask, Deed, Permit, Rule, Scope, What};
use shared::plan::{Access, PlannedTask, Work};
use shared::run::{Pipes, RunEnd, Signal};
use shared::unit::{Epoch, Millis};

use crate::log::{append, carry_out, id, person};

const HOUR: Millis = Millis(3_600_000);

struct World {
    state: State,
    run: RunId,
    at: Millis,
}

impl World {
    /// A goal with tasks of which the first one's agent is at work.
    fn new() -> Self {
        let mut world = Self { state: State::default(), run: id("a").run(1), at: Millis(1_000) };
        world.say(Kind::ProjectOpened { folder: "/p".to_owned(), name: "p".to_owned() });
        let (task, harness) = (id("goal"), HarnessId::Claude);
        world.say(Kind::GoalStated { task, text: "Do it".to_owned(), harness, access: Access::Ask });
        let part = |name: &str| PlannedTask {
            work: Work::default(),
            size: Some(shared::plan::Size::Light),
            ..PlannedTask::new(id(name), id("goal"), name, "Do it")
        };
        let tasks = ["a", "b", "c"].map(part).to_vec();
        world.say(Kind::PlanGiven { goal: id("goal"), reply: "So".to_owned(), tasks });
        world.say(Kind::PlanApproved { goal: id("goal"), version: 1 });
        carry_out(&mut world.state, world.at);
        for task in ["a", "b"] {
            world.say(Kind::RunStarted { run: id(task).run(1), pid: 1, started: 1 });
        }
        world
    }

    fn say(&mut self, kind: Kind) {
        append(&mut self.state, self.at, person(), "p", kind);
    }

    fn decide(&mut self) -> Vec<Kind> {
        let drafts = decide(&self.state, self.at);
        let kinds: Vec<Kind> = drafts.iter().map(|draft| draft.body.known().unwrap().clone()).collect();
        for kind in &kinds {
            append(&mut self.state, self.at, Actor::Conductor { epoch: Epoch(1) }, "p", kind.clone());
        }
        kinds
    }

    fn hears(&mut self, run: &RunId, event: AgentEvent) {
        self.say(Kind::AgentSpoke { run: run.clone(), line: 1, event });
    }

    fn asks(&mut self, request: &str, line: &str) {
        self.asks_of("a", request, line);
    }

    fn asks_of(&mut self, task: &str, request: &str, line: &str) {
        let deed = Deed::Command { line: line.to_owned() };
        let ask = Ask { request: request.to_owned(), call: String::new(), tool: "Bash".to_owned(), deed };
        self.hears(&id(task).run(1), AgentEvent::PermissionAsked { ask });
    }

    fn answers(&mut self, request: &str, permit: Permit, word: &str) {
        let (run, request, word) = (self.run.clone(), request.to_owned(), word.to_owned());
        self.say(Kind::PermissionAnswered { run, request, permit, word });
    }

    fn rule(&self, name: &str, permit: Permit, text: &str, scope: Scope) -> Rule {
        Rule { rule: RuleId::new(name).unwrap(), permit, what: What::commands(text).unwrap(), scope }
    }

    fn saves(&mut self, name: &str, permit: Permit, text: &str, scope: Scope) {
        let rule = self.rule(name, permit, text, scope);
        self.say(Kind::RuleSaved { rule });
    }

    fn task(&self, name: &str) -> &Task {
        self.state.task(&id(name)).unwrap()
    }

    fn reply(&self, place: usize) -> &Reply {
        &self.state.run(&self.run).unwrap().asks[place].reply
    }
}

/// What was answered, by whom, and whether the agent is told so.
fn answered(kinds: &[Kind]) -> Vec<(&str, Permit, Option<&str>)> {
    let answers = kinds.iter().map(|kind| {
        let Kind::InputSent { answers: Some(answer), text, message: None, .. } = kind else {
            panic!("{kind:?}")
        };
        let Answer { request, permit, by } = answer;
        let line: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!(line["response"]["request_id"], request.as_str());
        let behaviour = if *permit == Permit::Allow { "allow" } else { "deny" };
        assert_eq!(line["response"]["response"]["behavior"], behaviour);
        (request.as_str(), *permit, by.as_ref().map(RuleId::as_str))
    });
    answers.collect()
}

#[test]
fn what_no_rule_decides_waits_for_the_person_however_long() {
    let mut world = World::new();
    world.asks("q1", "cargo test");
    world.at = Millis(5_000);
    world.asks("q2", "cargo build");
    let stands = status(&world.state, world.task("a"));
    assert_eq!((stands.kind, stands.since, stands.waker()), (Stands::Waiting, Millis(1_000), Waker::Person));
    assert_eq!(words::reason(&world.state, &stands, world.at), "asks whether it may run cargo test");
    assert!(world.decide().is_empty());
    // Hours later it still waits, and is not called stalled; its program is silent because it waits.
    world.at = Millis(1_000) + HOUR;
    world.say(Kind::RunSilent { run: world.run.clone(), since: Millis(5_000) });
    assert!(decide(&world.state, world.at).is_empty());
    let stalls = |world: &World| {
        let found = warnings(&world.state, world.task("a"), world.at);
        found.iter().any(|warning| matches!(warning, Warning::Stalled { .. } | Warning::Slow { .. }))
    };
    assert!(!stalls(&world));
    for request in ["q1", "q2"] {
        world.answers(request, Permit::Allow, "");
    }
    assert_eq!(answered(&world.decide()), [("q1", Permit::Allow, None), ("q2", Permit::Allow, None)]);
    assert!(!stalls(&world), "from its answer on it counts anew");
    assert_eq!(status(&world.state, world.task("a")).kind, Stands::Active);
    world.at = world.at + HOUR;
    assert!(stalls(&world));
}

#[test]
fn the_first_of_two_answers_counts_and_is_sent_once() {
    let mut world = World::new();
    world.asks("q1", "rm -rf target");
    world.asks("q1", "another line under the same id");
    world.answers("q1", Permit::Deny, "Use cargo clean.");
    world.answers("q1", Permit::Allow, "");
    let kinds = world.decide();
    assert_eq!(answered(&kinds), [("q1", Permit::Deny, None)]);
    let Kind::InputSent { text, .. } = &kinds[0] else { panic!("{kinds:?}") };
    assert!(text.contains("Use cargo clean."));
    world.answers("q1", Permit::Allow, "");
    assert!(world.decide().is_empty());
    let late = reply(&world.state, &world.run, "q1", Permit::Allow, String::new());
    assert_eq!(late.unwrap_err(), TooLate::Answered(Permit::Deny));
}

#[test]
fn rules_answer_at_once_also_what_waits_already_and_deny_stands_above_allow() {
    let mut world = World::new();
    world.saves("allows", Permit::Allow, "cargo", Scope::Always);
    world.asks("q1", "cargo test");
    assert_eq!(answered(&world.decide()), [("q1", Permit::Allow, Some("allows"))]);
    world.asks("q2", "cargo test && git push");
    assert!(world.decide().is_empty(), "half of it is nobody's");
    world.saves("denies", Permit::Deny, "git push", Scope::Always);
    assert_eq!(answered(&world.decide()), [("q2", Permit::Deny, Some("denies"))]);
    world.say(Kind::RuleRemoved { rule: RuleId::new("allows").unwrap() });
    world.asks("q3", "cargo test");
    assert!(world.decide().is_empty());
}

#[test]
fn a_rule_holds_in_its_scope_alone() {
    let mut world = World::new();
    let elsewhere = ProjectId::new("q").unwrap();
    world.saves("r1", Permit::Allow, "one", Scope::Task { task: id("a") });
    world.saves("r2", Permit::Allow, "two", Scope::Task { task: id("goal") });
    world.saves("r3", Permit::Allow, "three", Scope::Project { project: elsewhere });
    for (n, line) in ["one", "two", "three"].into_iter().enumerate() {
        world.asks(&format!("a{n}"), line);
        world.asks_of("b", &format!("b{n}"), line);
    }
    let kinds = world.decide();
    let mut by: Vec<&str> = answered(&kinds).into_iter().map(|(request, ..)| request).collect();
    by.sort_unstable();
    assert_eq!(by, ["a0", "a1", "b1"]);
}

#[test]
fn an_answer_that_comes_too_late_is_told_as_such_and_changes_nothing() {
    let mut world = World::new();
    world.asks("q1", "make");
    world.asks("q2", "make");
    let request = "q1".to_owned();
    world.hears(&world.run.clone(), AgentEvent::PermissionWithdrawn { request });
    let of = |world: &World, request: &str| {
        reply(&world.state, &world.run, request, Permit::Allow, String::new()).unwrap_err()
    };
    assert_eq!(of(&world, "q1"), TooLate::Withdrawn);
    assert_eq!(of(&world, "q9"), TooLate::Unknown);
    let (run, end) = (world.run.clone(), RunEnd::Exited { code: 1 });
    world.say(Kind::RunEnded { run, end, lines: 2, pipes: Pipes::Closed, used: None });
    assert_eq!(of(&world, "q2"), TooLate::Over);
    for request in ["q1", "q2"] {
        world.answers(request, Permit::Allow, "");
    }
    assert_eq!((world.reply(0), world.reply(1)), (&Reply::Withdrawn, &Reply::None));
    assert!(world.decide().is_empty());
}

#[test]
fn who_is_stopped_or_through_is_answered_nothing_more() {
    let mut world = World::new();
    world.asks("q1", "make");
    world.answers("q1", Permit::Allow, "");
    world.say(Kind::TaskStopped { task: id("a") });
    let run = world.run.clone();
    assert_eq!(world.decide(), [Kind::SignalSent { run, signal: Signal::Terminate, budget: None }]);
    assert!(world.decide().is_empty());
    assert_eq!(status(&world.state, world.task("a")).reason, Reason::Stopping);
    let mut world = World::new();
    world.asks("q1", "make");
    world.hears(&world.run.clone(), AgentEvent::TurnEnded { end: TurnEnd::default() });
    world.answers("q1", Permit::Allow, "");
    assert_eq!(world.decide(), [Kind::InputClosed { run: world.run.clone() }]);
}

/// The promise: before a rule is saved, it says which requests of the past it would have decided.
#[test]
fn a_rule_is_replayed_on_all_that_was_asked() {
    let mut world = World::new();
    world.saves("known", Permit::Allow, "git status", Scope::Always);
    let lines =
        ["cargo test", "cargo test && git status", "cargo test && curl x", "git status", "cargo build"];
    for (n, line) in lines.into_iter().enumerate() {
        world.at = world.at + Millis(1);
        world.asks(&format!("q{n}"), line);
    }
    world.asks_of("b", "other", "cargo test --all");
    world.answers("q0", Permit::Deny, "");
    carry_out(&mut world.state, world.at);
    let decided = |rule: &Rule| {
        let (found, all) = replayed(&world.state, rule);
        assert_eq!(all, 6);
        found.into_iter().map(|(_, asked)| asked.ask.request.clone()).collect::<Vec<_>>()
    };
    let rule = |permit, text: &str, scope| world.rule("new", permit, text, scope);
    assert_eq!(decided(&rule(Permit::Allow, "cargo test", Scope::Always)), ["other", "q1", "q0"]);
    assert_eq!(decided(&rule(Permit::Allow, "cargo test", Scope::Task { task: id("a") })), ["q1", "q0"]);
    assert_eq!(decided(&rule(Permit::Deny, "git", Scope::Always)), ["q3", "q1"]);
    assert_eq!(decided(&rule(Permit::Allow, "git status", Scope::Always)), [] as [&str; 0], "known already");
    // It says nothing that saving it would not bear out.
    let mut after = world.state.clone();
    let new = rule(Permit::Allow, "cargo test", Scope::Always);
    append(&mut after, world.at, person(), "p", Kind::RuleSaved { rule: new });
    let kinds = carry_out(&mut after, world.at);
    assert_eq!(answered(&kinds), [("q1", Permit::Allow, Some("new")), ("other", Permit::Allow, Some("new"))]);
}

#[test]
fn a_group_tells_of_a_part_that_waits_when_nothing_else_moves() {
    let mut world = World::new();
    for (task, request) in [("a", "q1"), ("b", "q2")] {
        world.asks_of(task, request, "make");
    }
    let survey = conductor::survey::Survey::live(&world.state);
    let waiting: Vec<TaskId> = inbox(&world.state, &survey).into_iter().map(|request| request.task).collect();
    assert_eq!(waiting, [id("a"), id("b")]);
}

#[test]
fn what_is_shown_of_a_request_hides_nothing() {
    let ask =
        |deed: Deed| Ask { request: "q".to_owned(), call: String::new(), tool: "Bash".to_owned(), deed };
    let command = |line: &str| words::deed(&ask(Deed::Command { line: line.to_owned() }));
    assert_eq!(command("make\nrm x"), "run make and 1 more line");
    assert_eq!(command("\n \nmake\n\nrm x\nrm y"), "run make and 3 more lines");
    assert_eq!(command("make \u{202e}x"), "run make \\u{202e}x");
    let what = What::Commands { words: vec!["sh".to_owned(), "-c".to_owned(), "a b\u{200b}".to_owned()] };
    assert_eq!(words::rule(&what), "commands that begin with sh -c 'a b\\u{200b}'");
}

#[test]
fn a_rule_that_cannot_be_saved_any_more_still_denies() {
    let mut world = World::new();
    let mut save = |name: &str, permit, under: &str| {
        let (rule, what) = (RuleId::new(name).unwrap(), What::Reads { under: under.to_owned() });
        world.say(Kind::RuleSaved { rule: Rule { rule, permit, what, scope: Scope::Always } });
    };
    save("all", Permit::Allow, "/");
    save("home", Permit::Allow, "~/x");
    save("keys", Permit::Deny, "~/.ssh");
    save("none", Permit::Deny, "");
    let kept: Vec<&str> = world.state.rules.keys().map(RuleId::as_str).collect();
    assert_eq!(kept, ["all", "keys"]);
    let deed = Deed::Read { path: "/home/dev/.ssh/id".to_owned() };
    let ask = Ask { request: "q1".to_owned(), call: String::new(), tool: "Read".to_owned(), deed };
    let run = world.run.clone();
    world.hears(&run, AgentEvent::PermissionAsked { ask });
    assert!(world.decide().is_empty(), "where it lies nobody knows");
}

#[test]
fn who_answered_and_how_is_said() {
    let mut world = World::new();
    let said = |world: &World, place: usize| {
        let run = world.state.run(&world.run).unwrap();
        words::reply(&world.state, run, &run.asks[place])
    };
    for (place, request) in ["q1", "q2", "q3"].into_iter().enumerate() {
        world.asks(request, "cargo test");
        assert_eq!(said(&world, place), "It waits for you.");
    }
    world.answers("q1", Permit::Allow, "");
    world.answers("q2", Permit::Deny, "Not yet.");
    world.decide();
    assert_eq!(said(&world, 0), "You allowed it, once.");
    assert_eq!(said(&world, 1), "You denied it, once. “Not yet.”");
    world.saves("tests", Permit::Allow, "cargo test", Scope::Always);
    world.decide();
    let by_rule = "It was allowed by your rule about commands that begin with cargo test, always.";
    assert_eq!(said(&world, 2), by_rule);
    world.say(Kind::RuleRemoved { rule: RuleId::new("tests").unwrap() });
    assert_eq!(said(&world, 2), "It was allowed by a rule of yours that is gone.");
}
