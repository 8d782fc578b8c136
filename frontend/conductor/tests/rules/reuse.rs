//! A result is used again where words, agent and folder are the same and the work changed nothing, and nowhere else.

#![expect(clippy::unwrap_used, reason = "a test's own world is as the test makes it")]

use conductor::state::Standing;
use shared::agent::{AgentError, ErrorClass, TurnReport};
use shared::entry::{Kind, Purpose};
use shared::evidence::{Check, Evidence};
use shared::id::RunId;
use shared::limits::Limits;
use shared::plan::{PlanEdit, PlannedTask};
use shared::unit::Millis;

use crate::log::id;
use crate::stage::World;

/// A goal whose first task is done in a folder that was `before` and came to `after`.
fn done(before: &str, after: &str, evidence: Evidence) -> World {
    let mut world = World::new();
    world.say(Kind::LimitsSet { limits: Limits { reuse: true, ..world.state.limits.clone() } });
    world.propose(vec![planned("a", evidence)]);
    world.approve(1);
    begin(&mut world, "a", before);
    let work = world.order("a");
    assert_eq!(work.purpose, Purpose::Work);
    world.done(&work.run);
    loop {
        let Some(order) = world.step().into_iter().find(|order| order.purpose != Purpose::Summary) else {
            return world;
        };
        match order.purpose {
            Purpose::After => look(&mut world, &order.run, after),
            Purpose::Check => world.ends(&order.run, TurnReport::default()),
            other => panic!("{other:?}"),
        }
    }
}

fn planned(task: &str, evidence: Evidence) -> PlannedTask {
    PlannedTask {
        evidence,
        ..PlannedTask::new(id(task), id("g"), "List the files", "Say which files there are")
    }
}

/// The look before the task's work.
fn begin(world: &mut World, task: &str, print: &str) {
    let order = world.order(task);
    assert_eq!(order.purpose, Purpose::Base);
    look(world, &order.run, print);
}

fn look(world: &mut World, run: &RunId, print: &str) {
    world.begins(run);
    world.ends(run, TurnReport { final_text: format!("{print}\n"), ..TurnReport::default() });
}

/// Adds the same task once more, whose folder comes to `print`; the run that its result is from.
fn again(world: &mut World, print: &str, planned: PlannedTask) -> Option<RunId> {
    let task = planned.task.clone();
    world.edit(PlanEdit::Add { planned, index: 9 });
    begin(world, task.as_str(), print);
    let orders = world.step();
    let task = world.state.task(&task).unwrap();
    let works = orders.iter().any(|order| order.purpose == Purpose::Work);
    assert_ne!(works, task.reused.is_some(), "it works, or it does not have to");
    task.reused.clone()
}

#[test]
fn a_task_is_done_by_what_another_did() {
    let mut world = done("git:1", "git:1", Evidence::default());
    let from = again(&mut world, "git:1", planned("b", Evidence::default()));
    assert_eq!(from, Some(RunId::new("a~r2").unwrap()));
    let task = world.state.task(&id("b")).unwrap();
    assert_eq!(task.standing, Standing::Completed);
    assert_eq!(task.result, world.state.task(&id("a")).unwrap().result);
    assert_eq!(task.spend.known.0 + u64::from(task.spend.unknown_runs), 0, "a look costs nothing");
}

#[test]
fn it_is_done_anew_where_anything_is_different() {
    let other = |change: fn(&mut PlannedTask)| {
        let mut planned = planned("b", Evidence::default());
        change(&mut planned);
        planned
    };
    let same = || other(|_| ());
    for (why, before, after, now, planned) in [
        ("the work changed something", "git:1", "git:2", "git:1", same()),
        ("the folder is as the work left it", "git:1", "git:2", "git:2", same()),
        ("the folder is another", "git:1", "git:1", "git:2", same()),
        ("nobody could look at it", "git:1", "", "git:1", same()),
        ("other words", "git:1", "git:1", "git:1", other(|it| it.objective.push_str(", and why"))),
        ("another title", "git:1", "git:1", "git:1", other(|it| it.title.push_str(" now"))),
        ("another size", "git:1", "git:1", "git:1", other(|it| it.size = Some(shared::plan::Size::Heavy))),
        (
            "more evidence",
            "git:1",
            "git:1",
            "git:1",
            other(|it| it.evidence.checks.push(Check::OutputsExist)),
        ),
    ] {
        let mut world = done(before, after, Evidence::default());
        assert_eq!(again(&mut world, now, planned), None, "{why}");
    }
}

#[test]
fn evidence_comes_along() {
    let wants = Evidence { checks: vec![Check::OutputsExist, Check::NoErrorInOutput], ..Evidence::default() };
    let mut world = done("git:1", "git:1", wants.clone());
    assert!(again(&mut world, "git:1", planned("b", wants)).is_some());
    let task = world.state.task(&id("b")).unwrap();
    let shown: Vec<_> = task.proof.checked.iter().map(|made| (&made.check, made.problem.is_none())).collect();
    assert_eq!(shown, [(&Check::OutputsExist, true), (&Check::NoErrorInOutput, true)]);
}

#[test]
fn a_retry_is_done_anew_and_off_is_off() {
    let mut world = done("git:1", "git:1", Evidence::default());
    assert!(again(&mut world, "git:1", planned("b", Evidence::default())).is_some());
    world.say(Kind::TaskRetried { task: id("b") });
    assert_eq!(world.order("b").purpose, Purpose::Work);
    assert_eq!(world.state.task(&id("b")).unwrap().reused, None);
    // What a person had done anew says nothing for others, and an old look nothing about now.
    world.say(Kind::TaskRetried { task: id("a") });
    assert_eq!(again(&mut world, "git:1", planned("c", Evidence::default())), None);
    let mut world = done("git:1", "git:1", Evidence::default());
    world.edit(PlanEdit::Add { planned: planned("b", Evidence::default()), index: 9 });
    begin(&mut world, "b", "git:1");
    world.now = world.now + Millis::from_secs(60);
    assert_eq!(world.order("b").purpose, Purpose::Work);
    let mut world = done("git:1", "git:1", Evidence::default());
    world.say(Kind::LimitsSet { limits: Limits { reuse: false, ..world.state.limits.clone() } });
    world.edit(PlanEdit::Add { planned: planned("b", Evidence::default()), index: 9 });
    assert_eq!(world.order("b").purpose, Purpose::Work, "nobody looks at the folder either");
}

#[test]
fn what_took_more_than_a_turn_is_not_used_again() {
    let mut world = World::new();
    world.say(Kind::LimitsSet { limits: Limits { reuse: true, ..world.state.limits.clone() } });
    world.propose(vec![planned("a", Evidence::default())]);
    world.approve(1);
    begin(&mut world, "a", "git:1");
    let first = world.order("a").run;
    let lost = AgentError { class: ErrorClass::Lost, message: "gone".to_owned(), until: None };
    world.begins(&first);
    world.ends(&first, TurnReport { error: Some(lost), ..TurnReport::default() });
    let second = world.order("a").run;
    world.done(&second);
    world.step();
    assert_eq!(
        world.state.task(&id("a")).unwrap().standing,
        Standing::Completed,
        "it is not looked at again"
    );
    assert_eq!(again(&mut world, "git:1", planned("b", Evidence::default())), None);
}
