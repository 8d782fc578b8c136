//! Who goes first, when, how many at once, and what is done again.

#![expect(clippy::unwrap_used, reason = "a test's own world is as the test makes it")]

use conductor::budget::Cap;
use conductor::state::{Phase, Standing, State};
use conductor::status::{Kind as Stands, Reason, status};
use conductor::{decide, next_deadline};
use serde_json::json;
use shared::agent::{HarnessId, TurnReport};
use shared::entry::{Kind, Purpose};
use shared::evidence::{Check, Evidence};
use shared::id::{MessageId, RunId, SessionId};
use shared::limits::{Caps, Each, Limits};
use shared::models::{Models, Tiers};
use shared::plan::{Access, PlanEdit, PlannedTask, Schedule, Size};
use shared::run::{Pipes, RunEnd};
use shared::unit::{MicroUsd, Millis};

use crate::log::{append, carry_out, id, person};
use crate::stage::World as Stage;

struct World {
    state: State,
    now: Millis,
}

impl World {
    /// Goals of these names, each in a folder of its own and with three tasks: `g.a`, `g.b`, `g.c`.
    fn with(goals: &[&str], limits: Limits) -> Self {
        let mut world = Self { state: State::default(), now: Millis(1_000) };
        world.say("p", Kind::LimitsSet { limits });
        for goal in goals {
            world.say(goal, Kind::ProjectOpened { folder: format!("/{goal}"), name: (*goal).to_owned() });
            let (task, text) = (id(goal), "Do it".to_owned());
            world.say(goal, Kind::GoalStated { task, text, harness: HarnessId::Demo, access: Access::Edit });
            let tasks = ["a", "b", "c"].map(|name| PlannedTask {
                key: name.to_owned(),
                size: Some(Size::Light),
                ..PlannedTask::new(id(&format!("{goal}.{name}")), id(goal), name.to_owned(), "Do")
            });
            let (reply, tasks) = (String::new(), tasks.to_vec());
            world.say(goal, Kind::PlanGiven { goal: id(goal), reply, tasks });
            world.say(goal, Kind::PlanApproved { goal: id(goal), version: 1 });
        }
        world
    }

    fn say(&mut self, project: &str, kind: Kind) {
        append(&mut self.state, self.now, person(), project, kind);
    }

    fn edit(&mut self, goal: &str, edit: PlanEdit) {
        self.say(goal, Kind::PlanEdited { goal: id(goal), edit });
    }

    fn schedule(&mut self, goal: &str, task: &str, schedule: Schedule) {
        self.edit(goal, PlanEdit::SetSchedule { task: id(task), schedule });
    }

    /// Decides until nothing is left; the tasks whose turns were ordered, in order.
    fn step(&mut self) -> Vec<String> {
        let ordered = |kind| match kind {
            Kind::RunRequested { task, .. } => Some(task.to_string()),
            _ => None,
        };
        carry_out(&mut self.state, self.now).into_iter().filter_map(ordered).collect()
    }

    /// The task's run ends well; gives its id.
    fn ends(&mut self, task: &str) -> RunId {
        let run = self.state.task(&id(task)).unwrap().current.clone().unwrap();
        let report = TurnReport {
            session: Some(SessionId::new(&format!("s-{run}")).unwrap()),
            structured: Some(json!({"outcome": "done", "summary": "Did it"})),
            ..TurnReport::default()
        };
        self.say("p", Kind::RunStarted { run: run.clone(), pid: 1, started: 1 });
        let end = RunEnd::Exited { code: 0 };
        self.say("p", Kind::RunEnded { run: run.clone(), end, lines: 0, pipes: Pipes::Closed, used: None });
        self.say("p", Kind::TurnRead { run: run.clone(), report: report.into() });
        run
    }

    fn reason(&self, task: &str) -> (Stands, Reason) {
        let status = status(&self.state, self.state.task(&id(task)).unwrap());
        (status.kind, status.reason)
    }
}

/// The arguments of the task's next turn.
fn arguments(world: &World, task: &str) -> String {
    let drafts = decide(&world.state, world.now);
    let specs = drafts.iter().filter_map(|draft| match draft.body.known() {
        Some(Kind::RunRequested { task: of, spec, .. }) if *of == id(task) => Some(spec),
        _ => None,
    });
    serde_json::to_string(&specs.map(|spec| (&spec.args, &spec.stdin)).next().unwrap()).unwrap()
}

#[test]
fn a_size_has_its_model_and_a_choice_goes_before_it() {
    let mut world = World::with(&["g"], Limits::default());
    let agent = |harness| PlanEdit::SetHarness { task: id("g.a"), harness: Some(harness) };
    world.edit("g", agent(HarnessId::Claude));
    assert!(arguments(&world, "g.a").contains(r#""--model"},{"is":"text","text":"haiku"}"#));
    let codex = Tiers { light: Some("small".to_owned()), ..Tiers::default() };
    let claude = Tiers { light: Some("haiku-9".to_owned()), ..Models::default().claude };
    world.say("p", Kind::ModelsSet { models: Models { claude, codex } });
    assert!(arguments(&world, "g.a").contains("haiku-9"));
    world.edit("g", PlanEdit::SetModel { task: id("g.a"), model: Some("opus-9".to_owned()), effort: None });
    assert!(arguments(&world, "g.a").contains("opus-9"));
    // What would be an option is not taken, nor is it where the table says so.
    world.edit("g", PlanEdit::SetModel { task: id("g.a"), model: Some("--yes".to_owned()), effort: None });
    assert!(arguments(&world, "g.a").contains("opus-9"));
    world.edit("g", PlanEdit::SetModel { task: id("g.a"), model: None, effort: None });
    world.edit("g", agent(HarnessId::Codex));
    assert!(arguments(&world, "g.a").contains(r#"\"model\":\"small\""#));
    let models =
        Models { codex: Tiers { light: Some("-x".to_owned()), ..Tiers::default() }, ..Models::default() };
    world.say("p", Kind::ModelsSet { models });
    assert!(!arguments(&world, "g.a").contains(r#"\"model\""#));
}

fn priority(priority: i32) -> Schedule {
    Schedule { priority, ..Schedule::default() }
}

#[test]
fn the_higher_goes_first_and_a_goal_lifts_its_tasks() {
    let mut world = World::with(&["g", "h"], Limits { parallel: 4, ..Limits::default() });
    world.schedule("h", "h", priority(5));
    world.schedule("h", "h.c", priority(-6));
    world.schedule("g", "g.b", priority(2));
    assert_eq!(world.step(), ["h.a", "h.b", "g.b", "g.a"]);
    world.ends("g.a");
    assert_eq!(world.step(), ["g.c"], "which is at 0, before h.c at -1");
}

#[test]
fn agents_of_a_kind_and_in_a_folder_have_their_own_bounds() {
    let each = Each { codex: Some(1), ..Each::default() };
    let mut world = World::with(&["g", "h"], Limits { per_folder: Some(2), each, ..Limits::default() });
    for (goal, task) in [("g", "g.a"), ("g", "g.b"), ("h", "h.a")] {
        world.edit(goal, PlanEdit::SetHarness { task: id(task), harness: Some(HarnessId::Codex) });
    }
    // One Codex of three, two in each folder; who is passed over holds up nobody.
    assert_eq!(world.step(), ["g.a", "g.c", "h.b", "h.c"]);
    world.ends("g.a");
    assert_eq!(world.step(), ["g.b"]);
    world.ends("h.b");
    assert_eq!(world.step(), [""; 0], "h.a waits for the one Codex");
    world.ends("g.b");
    assert_eq!(world.step(), ["h.a"]);
}

#[test]
fn nothing_begins_before_its_time() {
    let mut world = World::with(&["g"], Limits::default());
    let at = |at| Schedule { start: Some(Millis(at)), ..Schedule::default() };
    world.schedule("g", "g", at(5_000));
    world.schedule("g", "g.b", at(9_000));
    assert_eq!(world.step(), [""; 0]);
    assert_eq!(world.reason("g.a"), (Stands::Pending, Reason::StartsAt(Millis(5_000))));
    assert_eq!(world.reason("g.b").1, Reason::StartsAt(Millis(9_000)));
    assert_eq!(next_deadline(&world.state, world.now).unwrap().0, Millis(5_000));
    world.now = Millis(5_000);
    assert_eq!(world.step(), ["g.a", "g.c"]);
    assert_eq!(next_deadline(&world.state, world.now).unwrap().0, Millis(9_000));
    world.now = Millis(9_000);
    assert_eq!(world.step(), ["g.b"]);
    assert_eq!(next_deadline(&world.state, world.now), None);
}

/// What is said to a goal that was stopped has it planned after all, and no sooner than it may begin.
#[test]
fn what_is_said_to_a_stopped_goal_waits_for_its_time() {
    let mut world = World::with(&[], Limits::default());
    world.say("g", Kind::ProjectOpened { folder: "/g".to_owned(), name: "g".to_owned() });
    let (task, text) = (id("g"), "Do it".to_owned());
    world.say("g", Kind::GoalStated { task, text, harness: HarnessId::Demo, access: Access::Edit });
    world.schedule("g", "g", Schedule { start: Some(Millis(5_000)), ..Schedule::default() });
    world.say("g", Kind::TaskStopped { task: id("g") });
    assert_eq!(world.reason("g"), (Stands::Cancelled, Reason::Stopped));
    assert_eq!(next_deadline(&world.state, world.now), None);
    let (message, text) = (MessageId::new("m1").unwrap(), "Do it after all.".to_owned());
    world.say("g", Kind::MessageSent { task: id("g"), message, text, answers: None });
    assert_eq!(world.step(), [""; 0]);
    assert_eq!(world.reason("g"), (Stands::Pending, Reason::StartsAt(Millis(5_000))));
    assert_eq!(next_deadline(&world.state, world.now).unwrap(), (Millis(5_000), id("g")));
    world.now = Millis(5_000);
    assert_eq!(world.step(), ["g"]);
}

#[test]
fn a_group_waits_with_its_parts_for_what_is_elsewhere() {
    let mut world = World::with(&["g"], Limits::default());
    for (name, after) in [("x", "g.b"), ("y", "x")] {
        let planned =
            PlannedTask { after: vec![id(after)], ..PlannedTask::new(id(name), id("g.a"), name, "Do") };
        world.edit("g", PlanEdit::Add { planned, index: 9 });
    }
    assert_eq!(world.step(), ["g.b", "g.c"]);
    assert_eq!(world.reason("g.a"), (Stands::Pending, Reason::After(vec![id("g.b")])));
    world.ends("g.b");
    assert_eq!(world.step(), ["x"]);
    assert_eq!(world.reason("g.a").0, Stands::Active);
}

#[test]
fn a_task_is_done_anew_after_each_success_until_it_is_stopped() {
    let mut world = World::with(&["g"], Limits::default());
    world.schedule("g", "g.a", Schedule { repeat: Some(Millis(60_000)), ..Schedule::default() });
    world.step();
    for task in ["g.a", "g.b", "g.c"] {
        world.ends(task);
    }
    assert_eq!(world.step(), [""; 0], "the goal is not summed up while a part goes on");
    assert_eq!(world.reason("g.a"), (Stands::Completed, Reason::RepeatsAt(Millis(61_000))));
    assert_eq!(world.reason("g"), (Stands::Pending, Reason::RepeatsAt(Millis(61_000))));
    assert_eq!(next_deadline(&world.state, world.now).unwrap().0, Millis(61_000));
    world.now = Millis(61_000);
    assert_eq!(world.step(), ["g.a"]);
    let again = world.ends("g.a");
    let run = world.state.run(&again).unwrap();
    assert_eq!((run.attempt, run.purpose), (2, Purpose::Work));
    assert!(matches!(&run.phase, Phase::Read { .. }));
    world.step();
    assert_eq!(world.reason("g.a").1, Reason::RepeatsAt(Millis(121_000)));
    world.say("g", Kind::TaskStopped { task: id("g.a") });
    assert_eq!(
        world.state.task(&id("g.a")).unwrap().standing,
        Standing::Completed,
        "what is done stays done"
    );
    assert_eq!(world.step(), ["g"], "and the goal is summed up");
}

#[test]
fn what_is_done_anew_begins_a_session_of_its_own() {
    let mut world = World::with(&["g"], Limits::default());
    world.schedule("g", "g.a", Schedule { repeat: Some(Millis(1)), ..Schedule::default() });
    world.step();
    world.ends("g.a");
    world.step();
    world.now = Millis(2_000);
    let drafts = decide(&world.state, world.now);
    let Some(Kind::RunRequested { spec, .. }) = drafts[0].body.known() else { panic!("{drafts:?}") };
    let line = serde_json::to_string(spec).unwrap();
    assert!(line.contains("--session-id") && line.contains("# Your task: a"), "{line}");
}

#[test]
fn what_would_be_done_anew_and_has_no_money_left_asks() {
    let mut world = World::with(&["g"], Limits::default());
    world.schedule("g", "g.a", Schedule { repeat: Some(Millis(60_000)), ..Schedule::default() });
    let cap = |cents: u64| {
        let caps = Caps { budget: Some(MicroUsd(cents * 10_000)), ..Caps::default() };
        PlanEdit::SetCaps { task: id("g.a"), caps }
    };
    world.edit("g", cap(1));
    world.step();
    world.ends("g.a");
    assert_eq!(world.step(), [""; 0]);
    let used = Reason::Used { cap: Cap::Budget(MicroUsd(10_000)), stage: None, above: None };
    assert_eq!(world.reason("g.a"), (Stands::Waiting, used));
    world.edit("g", cap(2));
    assert_eq!(world.reason("g.a"), (Stands::Completed, Reason::RepeatsAt(Millis(61_000))));
    world.now = Millis(61_000);
    assert_eq!(world.step(), ["g.a"]);
}

#[test]
fn a_goal_with_nothing_to_do_but_what_comes_round_says_when() {
    let mut world = World::with(&["g"], Limits::default());
    let planned = PlannedTask::new(id("x"), id("g.a"), "X", "Do");
    world.edit("g", PlanEdit::Add { planned, index: 0 });
    world.edit("g", PlanEdit::AddDependency { task: id("g.c"), on: id("g.a") });
    world.schedule("g", "x", Schedule { repeat: Some(Millis(60_000)), ..Schedule::default() });
    assert_eq!(world.step(), ["x", "g.b"]);
    world.ends("x");
    world.ends("g.b");
    assert_eq!(world.step(), [""; 0]);
    assert_eq!(world.reason("g.a"), (Stands::Pending, Reason::RepeatsAt(Millis(61_000))));
    assert_eq!(world.reason("g"), (Stands::Pending, Reason::RepeatsAt(Millis(61_000))));
}

#[test]
fn what_is_done_anew_is_compared_with_what_was_there_before_that() {
    let mut stage = Stage::new();
    let evidence = Evidence { checks: vec![Check::DiffNotEmpty], ..Evidence::default() };
    let size = Some(Size::Light);
    stage.propose(vec![PlannedTask { evidence, size, ..PlannedTask::new(id("a"), id("g"), "A", "Do") }]);
    let schedule = Schedule { repeat: Some(Millis(60_000)), ..Schedule::default() };
    stage.edit(PlanEdit::SetSchedule { task: id("a"), schedule });
    stage.approve(1);
    for print in ["files:1", "files:2"] {
        let look = stage.order("a");
        assert_eq!(look.purpose, Purpose::Base, "{print}");
        stage.begins(&look.run);
        stage.ends(&look.run, TurnReport { final_text: format!("{print}\n"), ..TurnReport::default() });
        let work = stage.order("a");
        stage.done(&work.run);
        let check = stage.order("a");
        assert_eq!(check.purpose, Purpose::Check, "{print}");
        assert!(serde_json::to_string(&check.spec).unwrap().contains(print), "{:?}", check.spec);
        stage.ends(&check.run, TurnReport::default());
        assert_eq!(stage.step().len(), 0, "{print}");
        assert_eq!(stage.state.task(&id("a")).unwrap().standing, Standing::Completed);
        stage.now = stage.now + Millis(60_000);
    }
}
