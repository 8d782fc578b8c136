//! Trees: of a shape that nobody plans and that limits do not keep away from who reads a log, and what was taken out of
//! one.

#![expect(clippy::unwrap_used, reason = "a test's own tree is as the test makes it")]

use conductor::State;
use conductor::plan::edit::{EditProblem, check_edit};
use conductor::status::{Kind as Stands, status};
use shared::agent::HarnessId;
use shared::entry::Kind;
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
