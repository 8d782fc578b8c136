//! What is done anew so long after each success: what opens for it, what it waits for, and what ends it.

#![expect(clippy::unwrap_used, reason = "a test's own world is as the test makes it")]

use conductor::next_deadline;
use conductor::plan::edit::check_edit;
use conductor::state::Standing;
use conductor::status::{Kind as Stands, Reason, status};
use shared::entry::{Kind, Purpose};
use shared::plan::{Mode, PlanEdit, PlannedTask, Schedule, Size};
use shared::run::Window;
use shared::unit::Millis;

use crate::log::id;
use crate::stage::World;

const MINUTE: Millis = Millis(60_000);

/// A goal of this group with one part, and of what comes after it: `group`, `part`, `after`.
fn planned() -> World {
    let mut world = World::new();
    let task = |name: &str, parent: &str| PlannedTask {
        size: Some(Size::Light),
        ..PlannedTask::new(id(name), id(parent), name.to_owned(), "Do")
    };
    let after = PlannedTask { after: vec![id("group")], ..task("after", "g") };
    world.propose(vec![task("group", "g"), task("part", "group"), after]);
    world.approve(1);
    world
}

#[test]
fn what_has_parts_is_not_set_to_repeat() {
    let world = planned();
    let schedule = Schedule { repeat: Some(MINUTE), ..Schedule::default() };
    for (task, refused) in [("g", true), ("group", true), ("part", false), ("after", false)] {
        let edit = PlanEdit::SetSchedule { task: id(task), schedule };
        let found = check_edit(&world.state, &id("g"), &edit);
        assert_eq!(found.is_err(), refused, "{task}: {found:?}");
        assert!(found.err().is_none_or(|why| why.to_string().contains("let its parts repeat")));
    }
}

/// All of that is done, and the goal is summed up.
fn over() -> World {
    let mut world = planned();
    for task in ["part", "group", "after", "g"] {
        work(&mut world, task);
    }
    assert_eq!(reason(&world, "g"), (Stands::Completed, Reason::Done));
    world
}

/// The task's turn is under way now, and ends well; gives what it was for.
fn work(world: &mut World, task: &str) -> Purpose {
    world.step();
    let run = world.state.task(&id(task)).unwrap().current.clone().unwrap();
    world.done(&run);
    world.step();
    world.state.run(&run).unwrap().purpose
}

fn repeat(world: &mut World, task: &str, repeat: Option<Millis>) {
    world
        .edit(PlanEdit::SetSchedule { task: id(task), schedule: Schedule { repeat, ..Schedule::default() } });
}

fn reason(world: &World, task: &str) -> (Stands, Reason) {
    let status = status(&world.state, world.state.task(&id(task)).unwrap());
    (status.kind, status.reason)
}

fn standing<'a>(world: &'a World, task: &str) -> &'a Standing {
    &world.state.task(&id(task)).unwrap().standing
}

#[test]
fn what_is_over_opens_for_a_part_that_is_to_be_done_anew() {
    let mut world = over();
    repeat(&mut world, "part", Some(MINUTE));
    let due = world.now + MINUTE;
    assert_eq!(reason(&world, "part"), (Stands::Completed, Reason::RepeatsAt(due)));
    for above in ["group", "g"] {
        assert_eq!(reason(&world, above), (Stands::Pending, Reason::RepeatsAt(due)), "{above}");
    }
    assert_eq!(world.step(), [], "nothing is summed up meanwhile");
    assert_eq!(next_deadline(&world.state, world.now), Some((due, id("part"))));
    world.now = due;
    work(&mut world, "part");
    assert_eq!(reason(&world, "part").1, Reason::RepeatsAt(due + MINUTE));
    repeat(&mut world, "part", None);
    for above in ["group", "g"] {
        assert_eq!(work(&mut world, above), Purpose::Summary, "{above} is summed up once more");
    }
    assert_eq!(reason(&world, "g"), (Stands::Completed, Reason::Done));
}

#[test]
fn a_goal_that_was_closed_and_put_away_comes_back_for_it() {
    let mut world = planned();
    work(&mut world, "part");
    work(&mut world, "group");
    world.say(Kind::GoalClosed { goal: id("g") });
    work(&mut world, "after");
    work(&mut world, "g");
    world.say(Kind::GoalArchived { goal: id("g") });
    assert_eq!(standing(&world, "g"), &Standing::Completed);
    repeat(&mut world, "part", Some(MINUTE));
    let goal = world.state.task(&id("g")).unwrap().goal.as_ref().unwrap();
    assert_eq!((goal.closing, goal.archived), (None, None), "whoever is asked there is to see it");
    world.now = world.now + MINUTE;
    assert_eq!(world.order("part").purpose, Purpose::Work);
}

#[test]
fn while_its_goal_is_planned_again_it_waits_and_opens_the_goal_afterwards() {
    let mut world = over();
    world.say(Kind::PlanWanted { task: id("g") });
    repeat(&mut world, "part", Some(MINUTE));
    assert_eq!(reason(&world, "part"), (Stands::Pending, Reason::Planned(id("g"))));
    world.now = world.now + MINUTE;
    assert!(world.step().iter().all(|order| order.purpose == Purpose::Plan), "nothing begins below it");
    world.say(Kind::PlanRejected { task: id("g"), version: 1 });
    assert_eq!(standing(&world, "g"), &Standing::Open, "which was over before");
    assert_eq!(world.order("part").purpose, Purpose::Work);
}

#[test]
fn a_round_begins_after_what_comes_before_it() {
    let mut world = over();
    repeat(&mut world, "after", Some(MINUTE));
    world.say(Kind::TaskRetried { task: id("part") });
    world.now = world.now + MINUTE;
    assert_eq!(reason(&world, "after"), (Stands::Pending, Reason::After(vec![id("group")])));
    work(&mut world, "part");
    work(&mut world, "group");
    assert_eq!(reason(&world, "after").0, Stands::Active);
}

#[test]
fn a_round_of_a_persons_own_begins_after_what_comes_before_it() {
    let mut world = planned();
    world.edit(PlanEdit::SetMode { task: id("after"), mode: Mode::Manual });
    work(&mut world, "part");
    work(&mut world, "group");
    world.say(Kind::TaskAccepted { task: id("after"), words: String::new() });
    repeat(&mut world, "after", Some(MINUTE));
    world.say(Kind::TaskRetried { task: id("part") });
    world.now = world.now + MINUTE;
    world.step();
    assert_eq!(standing(&world, "after"), &Standing::Completed);
    work(&mut world, "part");
    work(&mut world, "group");
    assert_eq!(reason(&world, "after"), (Stands::Waiting, Reason::Yours));
}

#[test]
fn rounds_of_a_persons_own_that_are_due_at_once_go_one_after_the_other() {
    let mut world = World::new();
    let task = |name: &str, after: &[&str]| PlannedTask {
        mode: Mode::Manual,
        after: after.iter().map(|dep| id(dep)).collect(),
        ..PlannedTask::new(id(name), id("g"), name.to_owned(), "Do")
    };
    world.propose(vec![task("a", &[]), task("b", &["a"])]);
    world.approve(1);
    for name in ["a", "b"] {
        repeat(&mut world, name, Some(MINUTE));
        world.step();
        world.say(Kind::TaskAccepted { task: id(name), words: String::new() });
    }
    world.now = world.now + MINUTE;
    world.step();
    assert_eq!(reason(&world, "a"), (Stands::Waiting, Reason::Yours));
    assert_eq!(reason(&world, "b"), (Stands::Pending, Reason::After(vec![id("a")])));
}

#[test]
fn a_round_begins_no_sooner_than_the_person_says() {
    let mut world = over();
    let later = world.now + Millis(5 * MINUTE.0);
    let schedule = Schedule { repeat: Some(MINUTE), start: Some(later), priority: 0 };
    world.edit(PlanEdit::SetSchedule { task: id("part"), schedule });
    assert_eq!(reason(&world, "part").1, Reason::RepeatsAt(later));
    assert_eq!(next_deadline(&world.state, world.now), Some((later, id("part"))));
    world.now = world.now + MINUTE;
    assert_eq!(world.step(), []);
    world.now = later;
    assert_eq!(work(&mut world, "part"), Purpose::Work);
}

#[test]
fn what_was_stopped_is_not_done_anew_by_itself() {
    let mut world = planned();
    repeat(&mut world, "part", Some(MINUTE));
    work(&mut world, "part");
    // At its terminal.
    let window = Window { rows: 24, cols: 80 };
    world.say(Kind::TerminalOpened { task: id("part"), window });
    assert_eq!(world.order("part").purpose, Purpose::Terminal);
    world.say(Kind::TaskStopped { task: id("part") });
    assert_eq!(world.state.task(&id("part")).unwrap().schedule.repeat, None);
    // Before its turn had come, and then the person did it without.
    repeat(&mut world, "after", Some(MINUTE));
    world.say(Kind::TaskStopped { task: id("after") });
    world.say(Kind::TaskAccepted { task: id("after"), words: "Done elsewhere.".to_owned() });
    assert_eq!(reason(&world, "after"), (Stands::Completed, Reason::Done));
}
