//! The library of prompts: who works by which wording, how each did, and when one is said to do better.

#![expect(clippy::unwrap_used, reason = "a test's own world is as the test makes it")]

use std::collections::BTreeMap;

use conductor::decide;
use conductor::library::{ENOUGH, Pattern, patterns, promoted, records, suggestion, wilson};
use conductor::state::State;
use serde_json::json;
use shared::agent::{AgentError, ErrorClass, HarnessId, TurnReport};
use shared::entry::{Kind, Purpose};
use shared::harness::prompt;
use shared::id::{RunId, SessionId, TemplateId};
use shared::limits::{Caps, Limits};
use shared::plan::{Access, PlanEdit, PlannedTask, Size, Work};
use shared::run::{Arg, Pipes, RunEnd, RunSpec};
use shared::template::{Template, Variant};
use shared::unit::{MicroUsd, Millis};

use crate::log::{append, carry_out, id, person};

fn template() -> TemplateId {
    TemplateId::new("review").unwrap()
}

/// With variants of these names, each of which says so.
fn guide(variants: &[&str]) -> Template {
    let variant = |name: &&str| Variant { name: (*name).to_owned(), guidelines: format!("SAYS-{name}") };
    Template {
        template: template(),
        name: "Review".to_owned(),
        variants: variants.iter().map(variant).collect(),
        harness: Some(HarnessId::Claude),
        model: Some("sonnet".to_owned()),
        folder: None,
    }
}

#[derive(Default)]
struct World {
    state: State,
    now: Millis,
    /// The variant of each task's first run.
    variants: BTreeMap<String, String>,
}

impl World {
    /// A goal of `count` tasks that work by the template `saved`, where there is one.
    fn new(count: u32, saved: Option<Template>) -> Self {
        let mut world = Self { now: Millis(1_000), ..Self::default() };
        let caps = Caps { budget: None, ..Caps::default() };
        world.say(Kind::LimitsSet { limits: Limits { caps, parallel: 200, ..Limits::default() } });
        world.say(Kind::ProjectOpened { folder: "/p".to_owned(), name: "p".to_owned() });
        let text = "Do it".to_owned();
        let (goal, harness, access) = (id("g"), HarnessId::Claude, Access::Edit);
        world.say(Kind::GoalStated { task: goal.clone(), text, harness, access });
        if let Some(saved) = saved {
            let edit = PlanEdit::SetTemplate { task: goal.clone(), template: Some(saved.template.clone()) };
            world.say(Kind::TemplateSaved { template: saved });
            world.say(Kind::PlanEdited { goal: goal.clone(), edit });
        }
        let tasks = (1..=count).map(|n| PlannedTask {
            key: n.to_string(),
            size: Some(Size::Light),
            ..PlannedTask::new(goal.derived(n), goal.clone(), format!("Part {n}"), "Do")
        });
        let (reply, tasks) = (String::new(), tasks.collect());
        world.say(Kind::PlanGiven { goal: goal.clone(), reply, tasks });
        world.say(Kind::PlanApproved { goal, version: 1 });
        world
    }

    fn say(&mut self, kind: Kind) {
        append(&mut self.state, self.now, person(), "p", kind);
    }

    /// Carries out all decisions; the runs that they order, with their words.
    fn step(&mut self) -> Vec<(RunId, RunSpec)> {
        let mut ordered = Vec::new();
        for kind in carry_out(&mut self.state, self.now) {
            match kind {
                Kind::RunRequested { run, spec, .. } => ordered.push((run, spec)),
                Kind::RunGuided { run, by } => {
                    let task = self.state.run(&run).unwrap().task.to_string();
                    self.variants.insert(task, by.variant);
                }
                _ => {}
            }
        }
        ordered
    }

    fn ends(&mut self, run: &RunId, report: TurnReport) {
        self.say(Kind::RunStarted { run: run.clone(), pid: 1, started: 1 });
        self.now = self.now + Millis(2_000);
        let end = RunEnd::Exited { code: 0 };
        self.say(Kind::RunEnded { run: run.clone(), end, lines: 0, pipes: Pipes::Closed, used: None });
        self.say(Kind::TurnRead { run: run.clone(), report: report.into() });
    }

    /// Lets every task of the goal come to its end: those with a variant for which `fails` says so fail.
    fn live(&mut self, fails: impl Fn(&str, u32) -> bool) {
        let mut counts: BTreeMap<String, u32> = BTreeMap::new();
        for (run, _) in self.step() {
            let task = self.state.run(&run).unwrap().task.to_string();
            let variant = self.variants.get(&task).cloned().unwrap_or_default();
            let count = counts.entry(variant.clone()).or_default();
            *count += 1;
            let report = if fails(&variant, *count) { failed() } else { done() };
            self.ends(&run, report);
        }
        // The verdicts; what is summed up then is no part of the trial.
        for draft in decide(&self.state, self.now) {
            self.say(draft.body.known().unwrap().clone());
        }
    }
}

fn done() -> TurnReport {
    let answer = json!({"outcome": "done", "summary": "It is done."});
    let session = SessionId::new("s").ok();
    TurnReport {
        structured: Some(answer),
        cost: Some(MicroUsd(30_000)),
        turns: 3,
        session,
        ..TurnReport::default()
    }
}

fn failed() -> TurnReport {
    let error =
        AgentError { class: ErrorClass::ContextOverflow, message: "too long".to_owned(), until: None };
    TurnReport { error: Some(error), cost: Some(MicroUsd(10_000)), turns: 1, ..TurnReport::default() }
}

#[test]
fn guidelines_stand_before_the_objective_and_are_recorded_with_the_run() {
    let mut world = World::new(1, Some(guide(&["a"])));
    let (run, spec) = world.step().remove(0);
    assert!(
        prompt(&spec).starts_with("# Your task: Part 1\n\n## Guidelines\n\nSAYS-a\n\n## Objective"),
        "{spec:?}"
    );
    let text = |word: &str| spec.args.contains(&Arg::text(word));
    assert!(text("sonnet"), "the template's model: {:?}", spec.args);
    let guided = world.state.run(&run).unwrap().guided.clone().unwrap();
    assert_eq!((guided.template, guided.version, guided.variant.as_str()), (template(), 1, "a"));
}

#[test]
fn a_session_goes_on_by_the_guidelines_that_it_began_with() {
    let mut world = World::new(1, Some(guide(&["a"])));
    let (run, _) = world.step().remove(0);
    world.ends(&run, done());
    world.step();
    world.say(Kind::TemplateSaved { template: guide(&["b"]) });
    let message = shared::id::MessageId::new("m").unwrap();
    world.say(Kind::MessageSent { task: id("g~1"), message, text: "More".to_owned(), answers: None });
    let again = world.step();
    let (run, spec) = again.iter().find(|(run, _)| run.as_str().starts_with("g~1")).unwrap();
    assert!(!prompt(spec).contains("Guidelines"));
    let guided = world.state.run(run).unwrap().guided.clone().unwrap();
    assert_eq!((guided.version, guided.variant.as_str()), (1, "a"));
    world.say(Kind::TaskStopped { task: id("g") });
}

#[test]
fn the_same_task_gets_the_same_variant_and_tasks_share_them_out() {
    let lived = || {
        let mut world = World::new(120, Some(guide(&["a", "b", "c"])));
        world.step();
        world.variants
    };
    let variants = lived();
    assert_eq!(variants, lived());
    for name in ["a", "b", "c"] {
        let count = variants.values().filter(|variant| *variant == name).count();
        assert!((25..=55).contains(&count), "{name} falls to {count} of 120");
    }
    // Of two variants neither gets the odd and the other the even tasks.
    let mut two = World::new(120, Some(guide(&["a", "b"])));
    two.step();
    let of = |name: &str| two.variants.values().filter(|variant| *variant == name).count();
    assert!((45..=75).contains(&of("a")) && (45..=75).contains(&of("b")), "{} and {}", of("a"), of("b"));
    let even = |task: &String| task.ends_with(['0', '2', '4', '6', '8']);
    let even = two.variants.iter().filter(|(task, variant)| even(task) && *variant == "a").count();
    assert!((20..=40).contains(&even), "{even} of the even ones");
}

#[test]
fn a_template_of_its_own_goes_before_that_of_the_goal_and_none_means_none() {
    let mut world = World::new(2, None);
    world.say(Kind::TemplateSaved { template: guide(&["a"]) });
    let edit = PlanEdit::SetTemplate { task: id("g~2"), template: Some(template()) };
    world.say(Kind::PlanEdited { goal: id("g"), edit });
    let strange = PlanEdit::SetTemplate { task: id("g~1"), template: TemplateId::new("nowhere").ok() };
    world.say(Kind::PlanEdited { goal: id("g"), edit: strange });
    let runs = world.step();
    let has = |place: usize| prompt(&runs[place].1).contains("## Guidelines");
    assert!(!has(0) && has(1));
    assert_eq!(world.state.runs.values().filter(|run| run.guided.is_some()).count(), 1);
}

#[test]
fn what_cannot_be_used_is_not_saved_and_the_same_again_is_no_new_version() {
    let mut world = World::new(1, Some(guide(&["a"])));
    for bad in [
        Template { variants: Vec::new(), ..guide(&[]) },
        Template { name: " ".to_owned(), ..guide(&["a"]) },
        Template { model: Some("--yes".to_owned()), ..guide(&["a"]) },
        guide(&["a", "a"]),
    ] {
        world.say(Kind::TemplateSaved { template: bad });
    }
    world.say(Kind::TemplateSaved { template: guide(&["a"]) });
    assert_eq!(world.state.templates[&template()].version, 1);
    world.say(Kind::TemplateSaved { template: guide(&["b"]) });
    assert_eq!(world.state.templates[&template()].version, 2);
}

#[test]
fn each_wording_has_its_record() {
    let mut world = World::new(30, Some(guide(&["a", "b"])));
    world.live(|variant, count| variant == "b" && count % 2 == 0);
    let records = records(&world.state);
    let of = |name: &str| records.iter().find(|((guided, _), _)| guided.variant == name).unwrap().1;
    let (a, b) = (of("a"), of("b"));
    assert_eq!(a.attempts + b.attempts, 30);
    assert_eq!((a.completed, a.mean_cost()), (a.attempts, Some(MicroUsd(30_000))));
    assert_eq!((a.mean_turns_tenths(), a.mean_time()), (Some(30), Some(Millis(2_000))));
    assert_eq!(b.failures, BTreeMap::from([(ErrorClass::ContextOverflow, b.attempts / 2)]));
    let expected = Pattern {
        class: ErrorClass::ContextOverflow,
        template: Some(template()),
        failed: b.attempts / 2,
        of: 30,
    };
    assert_eq!(patterns(&world.state), [expected]);
}

#[test]
fn a_retry_is_an_attempt_of_its_own_and_a_stop_says_nothing() {
    let mut world = World::new(2, Some(guide(&["a"])));
    let runs = world.step();
    world.ends(&runs[0].0, failed());
    world.say(Kind::TaskStopped { task: id("g~2") });
    world.ends(&runs[1].0, done());
    world.step();
    world.say(Kind::TaskRetried { task: id("g~1") });
    let (again, _) = world.step().into_iter().find(|(run, _)| run.as_str().starts_with("g~1")).unwrap();
    world.ends(&again, done());
    world.step();
    let (_, record) = records(&world.state).pop_first().unwrap();
    assert_eq!((record.attempts, record.completed), (2, 1));
}

#[test]
fn a_variant_is_suggested_only_where_the_numbers_carry_it() {
    let count = |n: u32, fails: fn(&str, u32) -> bool| {
        let mut world = World::new(n, Some(guide(&["a", "b"])));
        world.live(fails);
        world
    };
    let suggested = |world: &World| suggestion(&world.state, &template());
    let clear = count(80, |variant, count| variant == "a" && count % 3 != 0);
    let found = suggested(&clear).unwrap();
    assert_eq!((found.variant.as_str(), found.over.as_str()), ("b", "a"));
    assert!(found.why.contains("do not overlap") && found.why.contains("completed"), "{}", found.why);
    let unclear = count(80, |variant, count| variant == "a" && count % 8 == 0);
    assert_eq!(suggested(&unclear), None, "the intervals overlap");
    let few = count(30, |variant, _| variant == "a");
    assert_eq!(suggested(&few), None, "fewer than {ENOUGH} of each");
    let worse = count(80, |variant, _| variant == "b");
    assert_eq!(suggested(&worse), None, "the first one is the better");
    let mut changed = clear;
    changed.say(Kind::TemplateSaved { template: guide(&["a", "b", "c"]) });
    assert_eq!(suggested(&changed), None, "another version is another trial");
}

/// Against the figures of the score interval's own definition.
#[test]
fn the_interval_is_wilsons() {
    for (completed, attempts, low, high) in
        [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (5, 10, 0.2366, 0.7634), (81, 263, 0.2553, 0.3662)]
    {
        let (least, most) = wilson(completed, attempts).unwrap();
        assert!(
            (least - low).abs() < 1e-4 && (most - high).abs() < 1e-4,
            "{completed}/{attempts}: {least} {most}"
        );
    }
    assert_eq!(wilson(0, 0), None);
}

#[test]
fn commands_have_no_guidelines() {
    let mut world = World::new(1, Some(guide(&["a"])));
    let planned = PlannedTask {
        key: "c".to_owned(),
        size: Some(Size::Light),
        work: Work::Command { command: "true".to_owned(), timeout: Millis(1_000) },
        ..PlannedTask::new(id("g~2"), id("g"), "Run it", String::new())
    };
    world.say(Kind::PlanEdited { goal: id("g"), edit: PlanEdit::Add { planned, index: 9 } });
    let runs = world.step();
    let command = &runs.iter().find(|(run, _)| run.as_str().starts_with("g~2")).unwrap().0;
    let run = world.state.run(command).unwrap();
    assert!(run.guided.is_none() && run.purpose == Purpose::Work);
}

#[test]
fn a_promotion_leaves_the_better_wording_alone_and_ends_the_trial() {
    let mut world = World::new(80, Some(guide(&["a", "b"])));
    world.live(|variant, count| variant == "a" && count % 3 != 0);
    let found = suggestion(&world.state, &template()).unwrap();
    let shelf = &world.state.templates[&template()];
    let wordings = promoted(shelf, &found.variant);
    assert_eq!(wordings.variants, [shelf.template.variants[1].clone()]);
    assert_eq!((&wordings.name, &wordings.model), (&shelf.template.name, &shelf.template.model));
    world.say(Kind::TemplateSaved { template: wordings });
    assert_eq!(
        (world.state.templates[&template()].version, suggestion(&world.state, &template())),
        (2, None)
    );
}
