//! Since when a task waits whose wait a changed setting began, and what it waits for room in.

#![expect(clippy::unwrap_used, reason = "a test's own world is as the test makes it")]

use conductor::decide::Bound;
use conductor::status::{Reason, Room, Status, status};
use shared::agent::{AgentError, ErrorClass, TurnReport};
use shared::entry::{Kind, Room as Left};
use shared::limits::{Caps, Limits};
use shared::plan::{Mode, PlanEdit, PlannedTask, Schedule};
use shared::unit::{Bytes, MicroUsd, Millis};

use crate::log::id;
use crate::stage::World;

const MINUTE: Millis = Millis::from_secs(60);

/// Two tasks, agreed on, of which nothing has begun.
fn work() -> World {
    let task = |name: &str| PlannedTask::new(id(name), id("g"), name, "Do");
    let task = |name: &str| PlannedTask { key: name.to_owned(), ..task(name) };
    let mut world = World::new();
    world.propose(vec![task("a"), task("b")]);
    world.approve(1);
    world
}

fn stands(world: &World, task: &str) -> Status {
    status(&world.state, world.state.task(&id(task)).unwrap())
}

impl World {
    fn later(&mut self) -> Millis {
        self.now = self.now + MINUTE;
        self.now
    }
}

#[test]
fn a_task_waits_for_its_time_since_that_was_set() {
    let mut world = work();
    let begun = world.now;
    assert_eq!(stands(&world, "a").since, begun);
    let (set, at) = (world.later(), world.now + Millis::from_secs(3_600));
    let schedule = Schedule { start: Some(at), ..Schedule::default() };
    world.edit(PlanEdit::SetSchedule { task: id("a"), schedule });
    assert_eq!(stands(&world, "a"), Status { since: set, ..stands(&world, "a") });
    assert_eq!(stands(&world, "a").reason, Reason::StartsAt(at));
    // Another priority is no other time.
    world.later();
    world.edit(PlanEdit::SetSchedule { task: id("a"), schedule: Schedule { priority: 3, ..schedule } });
    assert_eq!(stands(&world, "a").since, set);
    assert_eq!(stands(&world, "b").since, begun, "of the other nothing was said");
    let group = world.later();
    world.edit(PlanEdit::SetSchedule {
        task: id("g"),
        schedule: Schedule { start: Some(at + MINUTE), ..schedule },
    });
    assert_eq!(stands(&world, "b").since, group, "what holds for all of the goal began it");
}

#[test]
fn a_task_waits_for_another_and_for_the_person_since_that_was_said() {
    let mut world = work();
    let begun = world.now;
    let ordered = world.later();
    world.edit(PlanEdit::AddDependency { task: id("b"), on: id("a") });
    assert_eq!(
        (stands(&world, "b").reason, stands(&world, "b").since),
        (Reason::After(vec![id("a")]), ordered)
    );
    assert_eq!(stands(&world, "a").since, begun);
    let given = world.later();
    world.edit(PlanEdit::SetMode { task: id("a"), mode: Mode::Interactive });
    assert_eq!((stands(&world, "a").reason, stands(&world, "a").since), (Reason::Begin, given));
}

#[test]
fn a_task_waits_for_money_since_its_cap_was_lowered() {
    let mut world = work();
    let run = world.order("a").run;
    let until = Some(world.now + Millis::from_secs(3_600));
    let error = AgentError { class: ErrorClass::RateLimit, message: "limit".to_owned(), until };
    world.begins(&run);
    let cost = Some(MicroUsd(400_000));
    world.ends(&run, TurnReport { error: Some(error), cost, ..TurnReport::default() });
    world.step();
    assert!(matches!(stands(&world, "a").reason, Reason::ResumesAt { .. }));
    let caps = |cents: u64| Caps { budget: Some(MicroUsd(cents * 10_000)), ..Caps::default() };
    let lowered = world.later();
    world.edit(PlanEdit::SetCaps { task: id("a"), caps: caps(30) });
    let used = |world: &World| matches!(stands(world, "a").reason, Reason::Used { .. });
    assert!(used(&world));
    assert_eq!(stands(&world, "a").since, lowered);
    world.later();
    world.edit(PlanEdit::SetCaps { task: id("a"), caps: caps(35) });
    assert_eq!((used(&world), stands(&world, "a").since), (true, lowered), "more, and still too little");
    world.edit(PlanEdit::SetCaps { task: id("a"), caps: Caps::default() });
    assert!(!used(&world));
    let of_all = world.later();
    world.say(Kind::LimitsSet { limits: Limits { caps: caps(20), ..Limits::default() } });
    assert_eq!((used(&world), stands(&world, "a").since), (true, of_all));
}

#[test]
fn room_is_missing_somewhere_by_name() {
    let mut world = work();
    let room = |world: &World, task: &str| {
        let task = world.state.task(&id(task)).unwrap();
        Room::of(&world.state, task, &status(&world.state, task), world.now)
    };
    assert_eq!(room(&world, "b"), Some(Room::Nowhere), "it is next");
    world.say(Kind::LimitsSet { limits: Limits { parallel: 1, ..Limits::default() } });
    let run = world.order("a").run;
    assert_eq!(room(&world, "a"), None, "it runs");
    assert_eq!(room(&world, "b"), Some(Room::Agents(Bound::Agents(1))));
    let at = world.now + MINUTE;
    let schedule = Schedule { start: Some(at), ..Schedule::default() };
    world.edit(PlanEdit::SetSchedule { task: id("b"), schedule });
    assert_eq!(room(&world, "b"), None, "it waits for its time");
    world.later();
    assert_eq!(room(&world, "b"), Some(Room::Agents(Bound::Agents(1))), "which has come");
    world.say(Kind::DiskMeasured { room: Left::None, free: Bytes(1) });
    assert_eq!(room(&world, "b"), Some(Room::Disk));
    world.done(&run);
    assert_eq!(room(&world, "b"), Some(Room::Disk));
}
