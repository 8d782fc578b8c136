//! Since when a task waits whose wait a changed setting began, and what it waits for room in.

#![expect(clippy::unwrap_used, reason = "a test's own world is as the test makes it")]

use conductor::decide::Bound;
use conductor::status::{Reason, Room, Status, status};
use shared::agent::{AgentError, ErrorClass, TurnReport};
use shared::entry::{Kind, Room as Left};
use shared::limits::{Breaker, Caps, Limits};
use shared::plan::{Mode, PlanEdit, PlannedTask, Schedule};
use shared::quiet::Quiet;
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

fn cut_short(class: ErrorClass, until: Option<Millis>) -> TurnReport {
    let error = AgentError { class, message: "no".to_owned(), until };
    TurnReport { error: Some(error), ..TurnReport::default() }
}

#[test]
fn a_turn_waits_for_the_end_of_the_quiet_hours_since_it_was_due() {
    let hours =
        |to: u16| Limits { quiet: Some(Quiet { from: 0, to: to * 60, offset: 0 }), ..Limits::default() };
    let mut world = work();
    world.say(Kind::LimitsSet { limits: hours(8) });
    let run = world.order("a").run;
    let cut = world.later();
    world.begins(&run);
    let (limit, end) = (Millis::from_secs(2 * 3_600), Millis::from_secs(8 * 3_600));
    world.ends(&run, cut_short(ErrorClass::RateLimit, Some(limit)));
    world.step();
    let stands = |world: &World| stands(world, "a");
    let resumes = |world: &World| match stands(world).reason {
        Reason::ResumesAt { until, quiet, .. } => (until, quiet),
        reason => panic!("{reason:?}"),
    };
    // Somewhat later than the limit ends, as all that waits for it.
    let (until, Some(due)) = resumes(&world) else { panic!("{:?}", stands(&world)) };
    assert!(until == end && due >= limit, "{due:?}");
    let since = |world: &World, now: Millis| stands(world).since_at(now);
    assert_eq!(since(&world, due.since(MINUTE)), cut, "until then it waits for the limit");
    assert_eq!([since(&world, due), since(&world, end.since(MINUTE))], [due, due]);
    assert_eq!(since(&world, end + MINUTE), end, "then it is next in line");
    // Other hours are another wait, and none are none.
    world.now = due + MINUTE;
    world.say(Kind::LimitsSet { limits: hours(9) });
    let later = world.later();
    assert_eq!(since(&world, later), due + MINUTE);
    world.say(Kind::LimitsSet { limits: Limits::default() });
    assert_eq!((resumes(&world), since(&world, world.now)), ((due, None), due));
}

#[test]
fn a_task_waits_for_an_agent_since_that_was_left_alone() {
    let mut world = work();
    let breaker = Breaker { failures: 1, wait: MINUTE };
    let limits = Limits { parallel: 1, breaker, ..Limits::default() };
    world.say(Kind::LimitsSet { limits: limits.clone() });
    let fails = |world: &mut World| {
        let orders = world.step();
        assert_eq!(orders.len(), 1, "one goes first: {orders:?}");
        world.begins(&orders[0].run);
        let at = world.later();
        world.ends(&orders[0].run, cut_short(ErrorClass::CliCrash, None));
        world.step();
        at
    };
    let waits = |world: &World, task: &str, opened: Millis, until: Millis| {
        let status = stands(world, task);
        assert!(matches!(status.reason, Reason::Outage { .. }), "{status:?}");
        assert_eq!([status.since_at(world.now), status.since_at(until)], [opened, until], "{task}");
    };
    let opened = fails(&mut world);
    waits(&world, "b", opened, opened + MINUTE);
    // The one that goes first fails as well: it is the same outage.
    world.later();
    let again = fails(&mut world);
    waits(&world, "b", again.min(opened), again + MINUTE);
    // Another setting ends it, and begins another.
    let more = Breaker { failures: 9, ..breaker };
    world.say(Kind::LimitsSet { limits: Limits { breaker: more, ..limits.clone() } });
    assert_eq!(stands(&world, "b").reason, Reason::Slot);
    let anew = world.later();
    world.say(Kind::LimitsSet {
        limits: Limits { breaker: Breaker { wait: MINUTE + MINUTE + MINUTE, ..breaker }, ..limits },
    });
    waits(&world, "b", anew, again + MINUTE + MINUTE + MINUTE);
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
