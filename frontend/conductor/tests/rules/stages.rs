//! Caps of a task's reviews and repairs, beside those of the task in whole, and caps that a planner gives.

#![expect(clippy::unwrap_used, reason = "a test's own world is as the test makes it")]

use conductor::budget::{Cap, Near};
use conductor::health::{Warning, next_change, warnings};
use conductor::plan::validate_given;
use conductor::status::{Kind as Stands, Reason, status};
use conductor::words;
use serde_json::{Value, json};
use shared::agent::{AgentEvent, Progress, TurnReport};
use shared::entry::{Kind, Purpose};
use shared::evidence::Preset;
use shared::limits::{Caps, Limits, Stage, StageCaps};
use shared::plan::{PlanEdit, PlannedTask};
use shared::unit::{MicroUsd, Millis};

use crate::log::id;
use crate::stage::World;

/// A reviewed goal of one task with these caps, that was worked on and reviewed once: something was found.
fn found(caps: Caps) -> World {
    let mut world = World::new();
    world.edit(PlanEdit::SetPreset { task: id("g"), preset: Preset::Reviewed });
    world.propose(vec![PlannedTask::new(id("a"), id("g"), "A", "Do")]);
    world.approve(1);
    world.edit(PlanEdit::SetCaps { task: id("a"), caps });
    let work = world.order("a");
    world.done(&work.run);
    world.review(&["a.rs: no test"]);
    world
}

fn review(caps: StageCaps) -> Caps {
    Caps { review: caps, ..Caps::default() }
}

fn repair(caps: StageCaps) -> Caps {
    Caps { repair: caps, ..Caps::default() }
}

impl World {
    /// The review is ordered, takes two requests, five seconds and ten cents, and brings this.
    fn review(&mut self, findings: &[&str]) {
        let order = self.order("a");
        assert_eq!(order.purpose, Purpose::Review);
        self.begins(&order.run);
        let verdict = if findings.is_empty() { "pass" } else { "findings" };
        let answer = json!({"verdict": verdict, "summary": "Looked at.", "findings": findings});
        self.takes(&order.run, answer);
    }

    fn takes(&mut self, run: &shared::id::RunId, answer: Value) {
        self.now = self.now + Millis::from_secs(5);
        let cost = Some(MicroUsd(100_000));
        self.ends(run, TurnReport { structured: Some(answer), turns: 2, cost, ..TurnReport::default() });
    }

    fn reason(&self) -> (Stands, Reason) {
        let now = status(&self.state, self.state.task(&id("a")).unwrap());
        (now.kind, now.reason)
    }

    fn raise(&mut self, caps: Caps) {
        self.edit(PlanEdit::SetCaps { task: id("a"), caps });
    }
}

#[test]
fn reviews_pause_at_their_own_caps_and_the_work_does_not() {
    let (budget, time) = (Some(MicroUsd(100_000)), Some(Millis::from_secs(5)));
    for (caps, cap) in [
        (StageCaps { turns: Some(2), ..StageCaps::default() }, Cap::Turns(2)),
        (StageCaps { budget, ..StageCaps::default() }, Cap::Budget(MicroUsd(100_000))),
        (StageCaps { time, ..StageCaps::default() }, Cap::Time(Millis::from_secs(5))),
    ] {
        let mut world = found(review(caps));
        let mended = world.order("a");
        assert_eq!(mended.purpose, Purpose::Repair, "{cap:?}: what mends it is no review");
        world.begins(&mended.run);
        world.takes(&mended.run, json!({"outcome": "done", "summary": "Mended."}));
        assert!(world.step().is_empty(), "{cap:?}");
        let used = Reason::Used { cap, stage: Some(Stage::Review), above: None };
        assert_eq!(world.reason(), (Stands::Waiting, used));
        world.raise(review(StageCaps::default()));
        world.review(&[]);
        world.step();
        assert_eq!(world.reason().0, Stands::Completed, "{cap:?}: raised, it goes on");
    }
}

#[test]
fn what_is_near_of_a_stages_caps_is_told_while_its_turn_goes_on() {
    let caps = StageCaps { time: Some(Millis::from_secs(100)), turns: Some(10), ..StageCaps::default() };
    let mut world =
        found(Caps { review: StageCaps { turns: Some(2), ..StageCaps::default() }, ..repair(caps) });
    let near = |cap, stage, percent| {
        vec![Warning::Near(Near { cap, stage: Some(stage), percent, estimated: false })]
    };
    let told = |world: &World| warnings(&world.state, world.state.task(&id("a")).unwrap(), world.now);
    let mended = world.order("a");
    world.begins(&mended.run);
    // The one review used all that there is for reviews, and something else goes on.
    assert_eq!(told(&world), near(Cap::Turns(2), Stage::Review, 100));
    world.raise(repair(caps));
    assert_eq!(told(&world), []);
    let (from, tenth) = (world.now, Millis::from_secs(10));
    assert_eq!(next_change(&world.state, from).map(|(at, _)| at), Some(from + Millis::from_secs(80)));
    world.now = from + Millis::from_secs(80);
    let time = near(Cap::Time(Millis::from_secs(100)), Stage::Repair, 80);
    assert_eq!(told(&world), time);
    assert_eq!(words::warning(time[0], world.now), "80% of 1m 40s for repairs used");
    world.now = from + tenth;
    let progress = Progress { requests: 9, ..Progress::default() };
    let event = AgentEvent::Progress { progress };
    world.say(Kind::AgentSpoke { run: mended.run.clone(), line: 1, event });
    assert_eq!(told(&world), near(Cap::Turns(10), Stage::Repair, 90));
}

#[test]
fn repairs_pause_at_their_own_caps_and_reviews_do_not() {
    let mut world = found(repair(StageCaps { turns: Some(2), ..StageCaps::default() }));
    let mended = world.order("a");
    world.begins(&mended.run);
    world.takes(&mended.run, json!({"outcome": "done", "summary": "Mended."}));
    world.review(&["b.rs: no test"]);
    assert!(world.step().is_empty());
    let used = Reason::Used { cap: Cap::Turns(2), stage: Some(Stage::Repair), above: None };
    assert_eq!(world.reason(), (Stands::Waiting, used));
    // The person may also take it as it is.
    world.say(Kind::TaskAccepted { task: id("a"), words: String::new() });
    assert_eq!(world.reason().0, Stands::Completed);
}

#[test]
fn a_turn_gets_what_is_left_of_its_stage_and_of_the_whole() {
    let caps = StageCaps { turns: Some(5), time: Some(Millis::from_secs(60)), ..StageCaps::default() };
    let budget = Some(MicroUsd(150_000));
    let mut world = found(Caps { turns: Some(40), ..review(StageCaps { budget, ..caps }) });
    let mended = world.order("a");
    assert!(mended.spec.limits.wall.is_none(), "no cap on its time: {mended:?}");
    world.begins(&mended.run);
    world.takes(&mended.run, json!({"outcome": "done", "summary": "Mended."}));
    let again = world.order("a");
    assert_eq!(again.spec.limits.wall, Some(Millis::from_secs(55)));
    let args = serde_json::to_string(&again.spec.args).unwrap();
    assert!(args.contains("\"3\"") && args.contains("\"0.05\""), "{args}");
    assert_eq!(world.state.run(&again.run).unwrap().holds, Some(MicroUsd(50_000)));
}

#[test]
fn what_an_older_log_says_of_caps_still_reads() {
    let caps: Caps = serde_json::from_str(r#"{"budget":5,"turns":null,"time":null,"tokens":null}"#).unwrap();
    assert_eq!(caps, Caps { budget: Some(MicroUsd(5)), ..Caps::default() });
}

#[test]
fn a_planner_gives_caps_within_what_the_person_lets_all_tasks_have() {
    let mut world = World::new();
    let general =
        Caps { budget: Some(MicroUsd(500_000)), time: Some(Millis::from_secs(600)), ..Caps::default() };
    world.say(Kind::LimitsSet { limits: Limits { caps: general, ..world.state.limits.clone() } });
    let plan = |world: &World, requests: u32| {
        let caps = json!({"cents": 80, "requests": requests, "minutes": 5, "tokens": 0});
        let part = json!({"key": "b", "parent": "a", "title": "B", "objective": "Do B", "caps": caps});
        let group = json!({"key": "a", "title": "A", "objective": "Do A", "caps": caps});
        let answer = json!({"decision": "plan", "reply": "", "tasks": [group, part]});
        let goal = world.state.task(&id("g")).unwrap();
        validate_given(&world.state, goal, &serde_json::from_value(answer).unwrap()).unwrap()
    };
    let tasks = plan(&world, 9);
    assert_eq!(tasks[0].caps, Caps::default(), "a group's parts share it");
    let time = Some(Millis::from_secs(300));
    let wanted = Caps { budget: general.budget, turns: Some(9), time, ..Caps::default() };
    assert_eq!(tasks[1].caps, wanted, "never more than for all");
    let part = tasks[1].task.clone();
    world.propose(tasks);
    assert_eq!(world.state.task(&part).unwrap().caps, wanted);
    // What the person said of it stays, whatever the next version says.
    let own = Caps { turns: Some(3), ..Caps::default() };
    world.edit(PlanEdit::SetCaps { task: part.clone(), caps: own });
    world.propose(plan(&world, 9));
    let kept = world.state.task(&part).unwrap().caps;
    assert_eq!((kept.turns, kept.time), (Some(3), time));
}
