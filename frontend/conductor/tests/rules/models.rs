//! Names of models: variants such as `[1m]` take their turn like any other, what waits for all of them says so, and parts
//! have what they are a part of has.

#![expect(clippy::unwrap_used, reason = "a test's own world is as the test makes it")]

use conductor::plan::edit::inverse;
use conductor::status::{Kind as Stands, Reason, status};
use shared::agent::{AgentError, ErrorClass, HarnessId, TurnReport};
use shared::entry::{Kind, Purpose};
use shared::models::{Effort, Efforts, Instead, Models, Tiers};
use shared::plan::{PlanEdit, PlannedTask};
use shared::run::{Arg, Stdin};
use shared::unit::Millis;

use crate::log::id;
use crate::stage::{Order, World};

const HOUR: Millis = Millis::from_secs(3_600);

fn planned(tasks: &[(u32, &str)]) -> World {
    let mut world = World::new();
    let task = |(n, above): &(u32, &str)| PlannedTask {
        key: n.to_string(),
        ..PlannedTask::new(id("g").derived(*n), id(above), format!("Part {n}"), "Do")
    };
    world.propose(tasks.iter().map(task).collect());
    world.approve(1);
    world
}

fn claude(first: &str, others: &[&str]) -> Kind {
    let standard = others.iter().map(|name| (*name).to_owned()).collect();
    let instead = Instead { standard, ..Instead::default() };
    let claude = Tiers { standard: Some(first.to_owned()), instead, ..Models::default().claude };
    Kind::ModelsSet { models: Models { claude, ..Models::default() } }
}

/// The run comes to the limit of its model, which ends at `until`.
fn limited(world: &mut World, order: &Order, until: Millis) {
    world.begins(&order.run);
    let error = AgentError { class: ErrorClass::RateLimit, message: "429".to_owned(), until: Some(until) };
    world.ends(&order.run, TurnReport { error: Some(error), ..TurnReport::default() });
}

#[test]
fn variants_of_a_model_step_in_for_each_other_and_what_waits_for_all_says_so() {
    let mut world = planned(&[(1, "g")]);
    world.say(claude("opus[1m]", &["opus", "sonnet[1m]"]));
    let mut until = world.now + HOUR;
    for name in ["opus[1m]", "opus", "sonnet[1m]"] {
        let order = world.order("g~1");
        assert_eq!(order.model.as_deref(), Some(name));
        assert!(order.spec.args.contains(&Arg::text(name)), "as the CLI takes it: {:?}", order.spec.args);
        limited(&mut world, &order, until);
        until = until + HOUR;
    }
    assert!(world.step().is_empty(), "all have reached their limits");
    let task = world.state.task(&id("g~1")).unwrap();
    let status = status(&world.state, task);
    assert_eq!(status.kind, Stands::Limited);
    let Reason::ResumesAt { until: at, class: Some(ErrorClass::RateLimit), .. } = status.reason else {
        panic!("{:?}", status.reason)
    };
    // The first that is free again goes on with it.
    world.now = at;
    assert!(world.order("g~1").model.is_some());
}

#[test]
fn parts_have_the_agent_and_the_models_of_what_they_are_a_part_of() {
    let mut world = planned(&[(1, "g"), (2, "g~1"), (3, "g~2"), (4, "g")]);
    let codex = Tiers { standard: Some("gpt-5.1-codex".to_owned()), ..Tiers::default() };
    world.say(Kind::ModelsSet { models: Models { codex, ..Models::default() } });
    world.edit(PlanEdit::SetHarness { task: id("g~1"), harness: Some(HarnessId::Codex) });
    let orders = world.step();
    let of = |task: &str| {
        let of = |order: &&Order| world.state.run(&order.run).unwrap().task == id(task);
        orders.iter().find(of).unwrap().clone()
    };
    let (part, other) = (of("g~3"), of("g~4"));
    assert_eq!((part.purpose, part.harness), (Purpose::Work, HarnessId::Codex));
    assert_eq!(part.model.as_deref(), Some("gpt-5.1-codex"), "of the family of its agent");
    assert_eq!((other.harness, other.model.as_deref()), (HarnessId::Claude, Some("sonnet")));
}

/// The words behind this option of the order's command line.
fn option<'a>(order: &'a Order, name: &str) -> Vec<&'a str> {
    let words =
        order.spec.args.iter().map(|arg| if let Arg::Text { text } = arg { text.as_str() } else { "" });
    let words: Vec<&str> = words.collect();
    words.windows(2).filter(|pair| pair[0] == name).map(|pair| pair[1]).collect()
}

#[test]
fn how_hard_a_model_thinks_is_chosen_for_a_size_and_for_a_task() {
    let mut world = planned(&[(1, "g"), (2, "g"), (3, "g"), (4, "g")]);
    let effort = Efforts { standard: Some(Effort::Low), ..Efforts::default() };
    let claude = Tiers { effort, ..Models::default().claude };
    world.say(Kind::ModelsSet { models: Models { claude, ..Models::default() } });
    let choose = |task: &str, effort| PlanEdit::SetModel { task: id(task), model: None, effort };
    world.edit(choose("g~2", Some(Effort::Xhigh)));
    for task in ["g~3", "g~4"] {
        world.edit(PlanEdit::SetHarness { task: id(task), harness: Some(HarnessId::Codex) });
    }
    world.edit(choose("g~4", Some(Effort::High)));
    let orders = world.step();
    let of = |task: &str| {
        orders.iter().find(|order| world.state.run(&order.run).unwrap().task == id(task)).unwrap()
    };
    assert_eq!(option(of("g~1"), "--effort"), ["low"], "as the table says of its size");
    assert_eq!(option(of("g~2"), "--effort"), ["xhigh"], "as the person says of the task");
    let codex = |task: &str| {
        let Stdin::Dialog { turn, .. } = &of(task).spec.stdin else { panic!("{task}") };
        serde_json::from_str::<serde_json::Value>(turn).unwrap()["params"]["effort"].clone()
    };
    assert_eq!(codex("g~3"), "medium", "by its size, where nobody chose");
    assert_eq!(codex("g~4"), "high");
}

#[test]
fn nobody_is_told_an_effort_that_nobody_chose_and_a_choice_is_taken_back() {
    let mut world = planned(&[(1, "g")]);
    let edit = PlanEdit::SetModel { task: id("g~1"), model: None, effort: Some(Effort::High) };
    let undo = inverse(&world.state, &edit).unwrap();
    world.edit(edit);
    assert_eq!(world.state.task(&id("g~1")).unwrap().effort, Some(Effort::High));
    world.edit(undo);
    assert_eq!(option(&world.order("g~1"), "--effort"), Vec::<&str>::new());
}
