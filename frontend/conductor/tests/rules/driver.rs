//! The driver never asks again at once for what cannot be had now.

#![expect(clippy::unwrap_used, reason = "tests")]

use conductor::driver::{Driver, Effect};
use shared::agent::HarnessId;
use shared::entry::{Actor, Draft, Entry, Kind, Outcome, Room};
use shared::id::{AppendId, ClientId, ProjectId, TaskId};
use shared::plan::Access;
use shared::retry::Again;
use shared::unit::{Bytes, Epoch, Millis, Seq};
use shared::wire::{Refusal, ServerMessage};

struct World {
    driver: Driver,
    seq: u64,
}

impl World {
    /// A client that decides, and a goal that nobody has planned.
    fn new() -> (Self, Vec<Effect>) {
        let client = ClientId::new("c").unwrap();
        let mut world = Self { driver: Driver::new(client.clone()), seq: 0 };
        let folder = "/project".to_owned();
        world.entry(Kind::ProjectOpened { folder, name: "project".to_owned() }, 1);
        let (text, harness, access) = ("Do it.".to_owned(), HarnessId::Demo, Access::Full);
        world.entry(Kind::GoalStated { task: goal(), text, harness, access }, 1);
        world.entry(Kind::BatonGranted { client, epoch: Epoch(1) }, 1);
        let effects = world.driver.receive(&ServerMessage::BatonYours { epoch: Epoch(1) }, Millis(1));
        (world, effects)
    }

    fn entry(&mut self, kind: Kind, at: u64) -> Vec<Effect> {
        self.seq += 1;
        let project = Some(ProjectId::new("p").unwrap());
        let body = Draft::new(None, kind).body;
        let entry = Entry { seq: Seq(self.seq), at: Millis(at), actor: Actor::Bridge, project, body };
        self.driver.receive(&ServerMessage::Entries { entries: vec![entry] }, Millis(at))
    }
}

fn goal() -> TaskId {
    TaskId::new("goal").unwrap()
}

fn sent(effects: &[Effect]) -> Option<AppendId> {
    effects.iter().find_map(|effect| match effect {
        Effect::Append { id, .. } => Some(id.clone()),
        _ => None,
    })
}

#[test]
fn a_store_that_cannot_write_is_asked_again_a_second_later() {
    let (mut world, effects) = World::new();
    let id = sent(&effects).expect("a turn for the goal is ordered");
    let refusal = Refusal::Store { why: "the disk is full".to_owned() };
    let effects = world.driver.receive(&ServerMessage::Refused { id, refusal }, Millis(1_000));
    assert_eq!(sent(&effects), None);
    assert!(!world.driver.is_idle());
    assert_eq!(world.driver.deadline(), Some(Millis(2_000)));
    assert!(sent(&world.driver.tick(Millis(2_000))).is_some());
    assert_eq!(world.driver.deadline(), None);
}

#[test]
fn who_did_not_know_what_a_person_said_decides_again_at_once() {
    let (mut world, effects) = World::new();
    let id = sent(&effects).expect("a turn for the goal is ordered");
    let refused = ServerMessage::Refused { id, refusal: Refusal::Overtaken { by: Seq(4) } };
    // The refusal comes behind what it is about.
    world.entry(Kind::TaskStopped { task: goal() }, 2);
    assert_eq!(sent(&world.driver.receive(&refused, Millis(3))), None, "nothing is left to start");
}

#[test]
fn who_is_behind_a_run_reads_on_where_it_is() {
    let (mut world, effects) = World::new();
    let orders = effects.iter().find_map(|effect| match effect {
        Effect::Append { drafts, .. } => Some(drafts.clone()),
        _ => None,
    });
    let ordered = orders.unwrap().into_iter().filter_map(|draft| draft.body.known().cloned());
    let effects: Vec<Effect> = ordered.flat_map(|kind| world.entry(kind, 2)).collect();
    let followed = effects.iter().find_map(|effect| match effect {
        Effect::Follow { run, from: 0 } => Some(run.clone()),
        _ => None,
    });
    // From its first line on, it would be told again that it is behind, and never get further.
    let behind = ServerMessage::Behind { run: followed.expect("the run is read"), from: 0 };
    assert!(world.driver.receive(&behind, Millis(3)).is_empty());
}

#[test]
fn what_is_due_and_cannot_start_waits_for_an_entry_and_not_for_time() {
    // Its turn was cut short by a limit, and the disk is full by the time that it ends.
    let (mut world, effects) = World::new();
    world.entry(Kind::DiskMeasured { room: Room::None, free: Bytes(0) }, 3);
    let (until, again, why) = (Millis(5_000), Again::GoOn, String::new());
    let limited = Outcome::Limited { until, class: None, again, why };
    world.entry(Kind::TaskSettled { task: goal(), run: None, outcome: limited }, 4);
    // What was ordered at first came too late.
    let (id, refusal) = (sent(&effects).unwrap(), Refusal::Stale { epoch: Epoch(1) });
    world.driver.receive(&ServerMessage::Refused { id, refusal }, Millis(5));
    assert_eq!(world.driver.deadline(), Some(Millis(5_000)));
    assert_eq!(sent(&world.driver.tick(Millis(5_000))), None, "there is no room");
    assert_eq!(world.driver.deadline(), None, "it would come round at once, again and again");
    let effects = world.entry(Kind::DiskMeasured { room: Room::Plenty, free: Bytes(1 << 40) }, 9_000);
    assert!(sent(&effects).is_some());
}

#[test]
fn a_batch_that_is_in_the_log_as_it_was_sent_is_decided_by_until_something_else_comes() {
    let (mut world, effects) = World::new();
    let id = sent(&effects).expect("a turn for the goal is ordered");
    let drafts = effects.into_iter().find_map(|effect| match effect {
        Effect::Append { drafts, .. } => Some(drafts),
        _ => None,
    });
    let drafts = drafts.unwrap();
    let (first, last) = (Seq(world.seq + 1), Seq(world.seq + u64::try_from(drafts.len()).unwrap()));
    let (at, actor) = (Millis(9), Actor::Conductor { epoch: Epoch(1) });
    let entry =
        |(seq, Draft { project, body })| Entry { seq: Seq(seq), at, actor: actor.clone(), project, body };
    let entries = (first.0..).zip(drafts).map(entry).collect();
    world.seq = last.0;
    let again = world.driver.receive(&ServerMessage::Entries { entries }, at);
    assert_eq!(sent(&again), None);
    assert_eq!(
        sent(&world.driver.receive(&ServerMessage::Acked { id, seq: last }, at)),
        None,
        "all is decided"
    );
    let (harness, access) = (HarnessId::Demo, Access::Full);
    let task = TaskId::new("other").unwrap();
    let effects = world.entry(Kind::GoalStated { task, text: "That, too.".to_owned(), harness, access }, 9);
    assert!(sent(&effects).is_some(), "a turn for the other goal is ordered");
}

#[test]
fn by_a_log_that_it_does_not_understand_nothing_is_decided() {
    let (mut world, _) = World::new();
    assert!(world.driver.decides());
    let body = serde_json::from_str(r#"{"kind":"all_frozen"}"#).unwrap();
    let entry = Entry { seq: Seq(4), at: Millis(2), actor: Actor::Bridge, project: None, body };
    assert_eq!(world.driver.receive(&ServerMessage::Entries { entries: vec![entry] }, Millis(2)), []);
    assert!(!world.driver.decides() && !world.driver.is_idle());
    let client = ClientId::new("c").unwrap();
    world.seq = 4;
    let granted = world.entry(Kind::BatonGranted { client, epoch: Epoch(2) }, 3);
    let held = world.driver.receive(&ServerMessage::BatonYours { epoch: Epoch(2) }, Millis(3));
    assert_eq!([granted, held, world.driver.tick(Millis(1_000_000))].concat(), []);
}
