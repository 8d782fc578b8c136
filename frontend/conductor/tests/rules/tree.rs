//! Trees: of a shape that nobody plans and that limits do not keep away from who reads a log, and what was taken out of
//! one.

#![expect(clippy::unwrap_used, reason = "a test's own tree is as the test makes it")]

use conductor::State;
use conductor::plan::edit::{EditProblem, check_edit};
use conductor::status::{Kind as Stands, Reason, status};
use serde_json::json;
use shared::agent::{HarnessId, TurnReport};
use shared::entry::{Kind, Purpose};
use shared::limits::Limits;
use shared::plan::{Access, PlanEdit, PlannedTask};
use shared::unit::Millis;

use crate::log::{append, id, person};
use crate::stage::World;

/// Were a group to ask a part more than once, and that its parts, the last would be asked 2^60 times.
#[test]
fn a_deep_tree_asks_each_task_once() {
    let level = |level: u32| id(&format!("t{level}"));
    let mut state = State::default();
    let mut say = |kind| append(&mut state, Millis(0), person(), "p", kind);
    say(Kind::GoalStated {
        task: level(0),
        text: "Do it".to_owned(),
        harness: HarnessId::Demo,
        access: Access::Edit,
    });
    let deeper = |n| PlannedTask::new(level(n), level(n - 1), "Deeper", "Go deeper");
    say(Kind::PlanGiven { goal: level(0), reply: String::new(), tasks: (1..60).map(deeper).collect() });
    say(Kind::PlanApproved { goal: level(0), version: 1 });
    assert_eq!(state.subtree(&level(0)).len(), 60);
    assert_eq!(status(&state, state.task(&level(1)).unwrap()).kind, Stands::Active);
    assert_eq!(status(&state, state.task(&level(0)).unwrap()).kind, Stands::Active);
}

/// What it came to is neither lost with its whole nor told twice.
#[test]
fn what_is_done_in_a_group_that_was_cut_short_is_told_to_who_sums_up() {
    let mut world = World::new();
    let task = |name: &str, above: &str| PlannedTask::new(id(name), id(above), name, "Do it");
    let group = [
        task("group", "g"),
        task("one", "group"),
        task("inner", "group"),
        task("two", "inner"),
        task("three", "inner"),
    ];
    world.propose(group.into_iter().chain([task("whole", "g"), task("part", "whole")]).collect());
    world.approve(1);
    let orders = world.step();
    let run = |name: &str| {
        orders.iter().find(|order| world.state.run(&order.run).unwrap().task == id(name)).unwrap().run.clone()
    };
    let (one, two, three, part) = (run("one"), run("two"), run("three"), run("part"));
    [&one, &two, &part].into_iter().for_each(|run| world.done(run));
    world.begins(&three);
    let whole = world.order("whole");
    world.say(Kind::TaskStopped { task: id("group") });
    world.step();
    world.ends(&three, TurnReport::default());
    assert_eq!(whole.words().matches("It is done.").count(), 1);
    world.done(&whole.run);
    let words = world.order("g").words();
    let (_, results) = words.split_once("## Results of the parts").unwrap();
    let heads: Vec<&str> = results.lines().filter(|line| line.starts_with("### ")).collect();
    assert_eq!(
        heads,
        ["### 1 group", "### 1.1 one", "### 1.2 inner", "### 1.2.1 two", "### 1.2.2 three", "### 2 whole"],
        "{results}"
    );
    assert_eq!(
        (results.matches("It is done.").count(), results.matches("Stopped before").count()),
        (3, 3),
        "{results}"
    );
}

/// Alone it would be in nobody's sight.
#[test]
fn what_was_taken_out_with_its_whole_comes_back_with_it() {
    let mut world = World::new();
    let task = |name: &str, above: &str| PlannedTask::new(id(name), id(above), name, "Do it");
    world.propose(vec![task("a", "g"), task("group", "g"), task("part", "group"), task("z", "g")]);
    world.approve(1);
    let restore = |name: &str| PlanEdit::Restore { task: id(name) };
    let shape = |world: &World| -> Vec<String> {
        world.state.subtree(&id("g")).into_iter().map(|task| task.id.to_string()).collect()
    };
    world.edit(PlanEdit::Remove { task: id("group") });
    assert_eq!(shape(&world), ["g", "a", "z"]);
    let below = Err(EditProblem::Below("2 group".to_owned()));
    assert_eq!(check_edit(&world.state, &id("g"), &restore("part")), below);
    // As a client says it that saw no more than the part.
    world.say(Kind::PlanEdited { goal: id("g"), edit: restore("part") });
    assert_eq!(shape(&world), ["g", "a", "z"]);
    world.edit(restore("group"));
    assert_eq!(shape(&world), ["g", "a", "group", "part", "z"]);
    assert_eq!(status(&world.state, world.state.task(&id("part")).unwrap()).kind, Stands::Pending);
    assert_eq!(check_edit(&world.state, &id("g"), &restore("part")), Err(EditProblem::Exists));
}

/// What a task waits for stays with it while it is out, and what is there may come to wait for its whole meanwhile.
#[test]
fn what_was_taken_out_does_not_come_back_into_a_circle() {
    let mut world = World::new();
    let task = |name: &str, above: &str| PlannedTask::new(id(name), id(above), name, "Do it");
    world.propose(vec![task("a", "g"), task("group", "g"), task("part", "group"), task("inner", "part")]);
    world.approve(1);
    let depend = |task: &str, on: &str| PlanEdit::AddDependency { task: id(task), on: id(on) };
    world.edit(depend("inner", "a"));
    world.edit(PlanEdit::Remove { task: id("part") });
    world.edit(depend("a", "group"));
    let restore = PlanEdit::Restore { task: id("part") };
    let refused = check_edit(&world.state, &id("g"), &restore);
    assert!(matches!(&refused, Err(EditProblem::Cycle(names)) if names.len() == 5), "{refused:?}");
    world.say(Kind::PlanEdited { goal: id("g"), edit: restore.clone() });
    assert_eq!(world.state.subtree(&id("g")).len(), 3);
    world.edit(PlanEdit::DropDependency { task: id("a"), on: id("group") });
    world.edit(restore);
    assert_eq!(world.state.subtree(&id("g")).len(), 5);
}

/// There is room for one agent, and another task has it.
#[test]
fn who_is_written_to_when_it_is_over_waits_for_an_agent_and_says_so() {
    let mut world = World::new();
    world.say(Kind::LimitsSet { limits: Limits { parallel: 1, ..Limits::default() } });
    let task = |name: &str| PlannedTask::new(id(name), id("g"), name, "Do it");
    world.propose(vec![task("done"), task("failed"), task("stopped"), task("busy")]);
    world.approve(1);
    let first = world.order("done");
    world.done(&first.run);
    let second = world.order("failed");
    world.begins(&second.run);
    let answer = json!({"outcome": "failed", "summary": "It cannot be done."});
    world.ends(&second.run, TurnReport { structured: Some(answer), ..TurnReport::default() });
    world.say(Kind::TaskStopped { task: id("stopped") });
    let busy = world.order("busy");
    let stands = |world: &World, task: &str| {
        let status = status(&world.state, world.state.task(&id(task)).unwrap());
        (status.kind, status.since)
    };
    let over = [("done", Stands::Completed), ("failed", Stands::Failed), ("stopped", Stands::Cancelled)];
    for (task, kind) in over {
        assert_eq!(stands(&world, task).0, kind, "{task}");
    }
    world.now = Millis(5_000);
    for (task, _) in over {
        world.write(task);
        assert_eq!(world.step(), []);
        assert_eq!(stands(&world, task), (Stands::Pending, Millis(5_000)), "{task}");
    }
    let goal = status(&world.state, world.state.task(&id("g")).unwrap());
    assert_eq!(goal.reason, Reason::Parts { done: 2, all: 4 }, "they are done all the same");
    world.done(&busy.run);
    for task in ["done", "failed"] {
        let talk = world.order(task);
        assert_eq!(stands(&world, task).0, Stands::Active, "{task}");
        world.done(&talk.run);
    }
    // Who sums up goes before talk with what was stopped.
    world.order("g");
    assert_eq!(stands(&world, "done").0, Stands::Completed);
    assert_eq!(stands(&world, "stopped").0, Stands::Pending);
}

#[test]
fn a_group_that_is_over_and_talked_to_is_at_work_until_it_has_answered() {
    let mut world = World::new();
    let task = |name: &str, parent: &str| PlannedTask::new(id(name), id(parent), name, "Do it");
    world.propose(vec![task("group", "g"), task("part", "group"), task("other", "g")]);
    world.approve(1);
    let stands = |world: &World, task: &str| status(&world.state, world.state.task(&id(task)).unwrap()).kind;
    let mut orders = world.step();
    orders.sort_by_key(|order| world.state.run(&order.run).unwrap().task != id("part"));
    let [part, other] = orders.try_into().unwrap();
    world.done(&part.run);
    let sums = world.order("group").run;
    world.done(&sums);
    assert_eq!(world.step(), []);
    assert_eq!((stands(&world, "group"), stands(&world, "g")), (Stands::Completed, Stands::Active));
    world.write("group");
    let talk = world.order("group").run;
    assert_eq!((stands(&world, "group"), stands(&world, "g")), (Stands::Active, Stands::Active));
    world.done(&other.run);
    assert_eq!(world.step(), [], "what is said there may change what is summed up");
    assert_eq!((stands(&world, "group"), stands(&world, "g")), (Stands::Active, Stands::Active));
    world.done(&talk);
    let sums = world.order("g");
    assert_eq!((stands(&world, "group"), sums.purpose), (Stands::Completed, Purpose::Summary));
    world.done(&sums.run);
    assert_eq!(world.step(), []);
    world.write("g");
    let talk = world.order("g").run;
    assert_eq!(stands(&world, "g"), Stands::Active);
    world.done(&talk);
    assert_eq!(world.step(), []);
    assert_eq!(stands(&world, "g"), Stands::Completed);
}
