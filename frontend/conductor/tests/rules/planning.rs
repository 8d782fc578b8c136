//! Tasks that come to parts of their own: by their worker, by a person's wish, and the way back.

#![expect(clippy::unwrap_used, reason = "a test's own world is as the test makes it")]

use conductor::decide;
use conductor::plan::edit::{EditProblem, check_edit};
use conductor::plan::validate;
use conductor::planning::{Plan, Unplannable, may_plan};
use conductor::state::{Standing, State, Task};
use conductor::status::{Kind as Stands, Reason, status};
use serde_json::{Value, json};
use shared::agent::{HarnessId, TurnReport};
use shared::entry::{Actor, Kind, Purpose};
use shared::evidence::{Check, Evidence, Preset};
use shared::id::{MessageId, SessionId, TaskId};
use shared::limits::Limits;
use shared::plan::{Access, PlanEdit, PlannedTask, Schedule};
use shared::retry::{Policy, Retry};
use shared::run::{Pipes, RunEnd};
use shared::unit::{Epoch, MicroUsd, Millis};

use crate::log::{append, carry_out, id, person};

const CONDUCTOR: Actor = Actor::Conductor { epoch: Epoch(1) };

pub(super) struct World {
    pub(super) state: State,
    pub(super) now: Millis,
}

impl World {
    /// A goal whose tasks `a`, `b` and `c` are approved; `c` comes after `b`.
    pub(super) fn new() -> Self {
        let mut world = Self { state: State::default(), now: Millis(1_000) };
        world.person(Kind::ProjectOpened { folder: "/p".to_owned(), name: "p".to_owned() });
        let (task, text, harness) = (id("goal"), "Do it".to_owned(), HarnessId::Demo);
        world.person(Kind::GoalStated { task, text, harness, access: Access::Edit });
        let tasks = ["a", "b", "c"].map(|name| PlannedTask {
            key: name.to_owned(),
            after: if name == "c" { vec![id("b")] } else { Vec::new() },
            ..PlannedTask::new(id(name), id("goal"), format!("Task {name}"), format!("Do {name}"))
        });
        world.person(Kind::PlanGiven { goal: id("goal"), reply: String::new(), tasks: tasks.to_vec() });
        world.person(Kind::PlanApproved { goal: id("goal"), version: 1 });
        world
    }

    pub(super) fn person(&mut self, kind: Kind) {
        self.now = self.now + Millis(1);
        append(&mut self.state, self.now, person(), "p", kind);
    }

    pub(super) fn task(&self, task: &str) -> &Task {
        self.state.task(&id(task)).unwrap()
    }

    pub(super) fn reason(&self, task: &str) -> (Stands, Reason) {
        let status = status(&self.state, self.task(task));
        (status.kind, status.reason)
    }

    /// Decides until nothing is left; the turns that were ordered.
    pub(super) fn step(&mut self) -> Vec<(String, Purpose)> {
        let ordered = |kind| match kind {
            Kind::RunRequested { task, purpose, .. } => Some((task.to_string(), purpose)),
            _ => None,
        };
        carry_out(&mut self.state, self.now).into_iter().filter_map(ordered).collect()
    }

    /// The task's run ends with this answer, and what follows is decided.
    pub(super) fn answers(&mut self, task: &str, answer: Value) -> Vec<(String, Purpose)> {
        let run = self.task(task).current.clone().unwrap();
        let session = self.state.run(&run).unwrap().session.clone();
        let session = session.or(self.task(task).session.clone());
        let session = session.unwrap_or_else(|| SessionId::new(&format!("s-{run}")).unwrap());
        let report = TurnReport {
            session: Some(session),
            structured: Some(answer),
            cost: Some(MicroUsd(1)),
            ..TurnReport::default()
        };
        let (end, pipes) = (RunEnd::Exited { code: 0 }, Pipes::Closed);
        append(
            &mut self.state,
            self.now,
            Actor::Bridge,
            "p",
            Kind::RunStarted { run: run.clone(), pid: 1, started: 1 },
        );
        append(
            &mut self.state,
            self.now,
            Actor::Bridge,
            "p",
            Kind::RunEnded { run: run.clone(), end, lines: 0, pipes, used: None },
        );
        append(&mut self.state, self.now, CONDUCTOR, "p", Kind::TurnRead { run, report: report.into() });
        self.step()
    }

    /// The words of the task's turn that is under way, as they would be said again.
    pub(super) fn prompt(&self, task: &str) -> String {
        let task = self.task(task);
        let purpose = self.state.current(task).unwrap().purpose;
        conductor::prompt::prompt(&self.state, task, purpose).0
    }

    pub(super) fn plan(&self, task: &str) -> &Plan {
        &self.task(task).planning.as_ref().unwrap().plan
    }

    pub(super) fn approve(&mut self, task: &str) {
        let version = self.task(task).planning.as_ref().unwrap().version;
        self.person(Kind::PlanApproved { goal: id(task), version });
    }

    pub(super) fn reject(&mut self, task: &str) {
        let version = self.task(task).planning.as_ref().unwrap().version;
        self.person(Kind::PlanRejected { task: id(task), version });
    }
}

pub(super) fn part(key: &str, after: &[&str]) -> Value {
    json!({"key": key, "title": format!("Part {key}"), "objective": "Do", "after": after})
}

pub(super) fn parts() -> Vec<Value> {
    vec![part("x", &[]), part("y", &["x"]), part("z", &[])]
}

pub(super) fn done(summary: &str) -> Value {
    json!({"outcome": "done", "summary": summary})
}

pub(super) fn split(tasks: &[Value]) -> Value {
    json!({"outcome": "split", "summary": "Too much", "tasks": tasks})
}

pub(super) fn plan(tasks: &[Value]) -> Value {
    json!({"decision": "plan", "reply": "So", "tasks": tasks})
}

pub(super) fn work(task: &str) -> (String, Purpose) {
    (task.to_owned(), Purpose::Work)
}

#[test]
fn a_worker_splits_its_task_and_sums_its_parts_up() {
    let mut world = World::new();
    assert_eq!(world.step(), [work("a"), work("b")]);
    assert!(world.prompt("a").contains("outcome \"split\""), "it is told that it may");
    assert_eq!(world.answers("a", split(&parts())), [], "nothing begins before a person says yes");
    assert_eq!(world.reason("a"), (Stands::Waiting, Reason::Approve { version: 1 }));
    assert!(
        world
            .task("a")
            .children
            .iter()
            .all(|id| world.state.task(id).unwrap().standing == Standing::Proposed)
    );
    assert_eq!(world.task("a~1").number_text(), "1.1");
    assert_eq!(world.task("a~1").root, id("goal"));
    world.approve("a");
    assert_eq!(world.step(), [work("a~1"), work("a~3")]);
    assert_eq!(world.answers("a~1", done("X is done")), [work("a~2")]);
    assert!(world.prompt("a~2").contains("X is done"));
    world.answers("a~3", done("Z is done"));
    assert_eq!(world.answers("a~2", done("Y is done")), [("a".to_owned(), Purpose::Summary)]);
    assert!(world.prompt("a").contains("Y is done"));
    world.answers("a", done("All of a"));
    assert_eq!(world.task("a").result.as_ref().unwrap().summary, "All of a", "and it goes upward");
}

#[test]
fn a_split_that_cannot_be_goes_back_to_its_worker_so_often_and_no_more() {
    let mut world = World::new();
    world.step();
    let cycle = [part("x", &["y"]), part("y", &["x"]), part("z", &[])];
    for _ in 0..2 {
        assert_eq!(world.answers("a", split(&cycle)), [work("a")]);
        assert!(world.prompt("a").contains("in a cycle"), "{}", world.prompt("a"));
        assert!(world.task("a").children.is_empty());
    }
    world.answers("a", split(&cycle));
    let Standing::Failed { why, .. } = &world.task("a").standing else { panic!("{:?}", world.task("a")) };
    assert!(why.contains("in a cycle"), "{why}");
}

#[test]
fn what_was_refused_in_one_round_does_not_count_in_the_next() {
    let mut world = World::new();
    let schedule = Schedule { repeat: Some(Millis(60_000)), ..Schedule::default() };
    let edit = PlanEdit::SetSchedule { task: id("a"), schedule };
    world.person(Kind::PlanEdited { goal: id("goal"), edit });
    world.step();
    let cycle = [part("x", &["y"]), part("y", &["x"]), part("z", &[])];
    for round in 0..3 {
        for _ in 0..2 {
            assert_eq!(world.answers("a", split(&cycle)), [work("a")], "in round {round}");
        }
        world.answers("a", done("A is done"));
        world.now = world.now + Millis(60_000);
        assert_eq!(world.step(), [work("a")]);
    }
}

#[test]
fn depth_and_width_are_bounded() {
    let mut world = World::new();
    world.person(Kind::LimitsSet { limits: Limits { depth: 2, tasks: 6, ..Limits::default() } });
    world.step();
    let deep =
        [part("x", &[]), part("y", &[]), json!({"key": "z", "title": "Z", "objective": "Do", "parent": "x"})];
    world.answers("a", split(&deep));
    assert!(matches!(world.plan("a"), Plan::Unsplit { problems } if problems[0].contains("3 levels deep")));
    world.answers("a", split(&parts()));
    world.approve("a");
    world.step();
    assert_eq!(world.answers("b", split(&parts())), [work("b")]);
    assert!(
        matches!(world.plan("b"), Plan::Unsplit { problems } if problems[0].contains("may not be split"))
    );
    assert!(!world.prompt("a~1").contains("outcome \"split\""), "nobody is told to do what may not be");
    assert_eq!(may_plan(&world.state, world.task("a~2")), Err(Unplannable::Deep(2)));
}

#[test]
fn what_a_person_will_not_have_split_is_done_whole_in_its_session() {
    let mut world = World::new();
    world.step();
    world.answers("a", split(&parts()));
    let session = world.task("a").session.clone();
    world.reject("a");
    assert_eq!(world.step(), [work("a")]);
    assert_eq!(world.task("a").session, session);
    assert!(world.prompt("a").contains("do it whole"), "{}", world.prompt("a"));
    assert!(!world.task("a").is_group());
    world.answers("a", split(&parts()));
    world.answers("a", split(&parts()));
    assert_eq!(*world.plan("a"), Plan::Rejected, "no is no");
    assert!(world.task("a").children.is_empty());
}

#[test]
fn a_person_has_a_task_split_that_has_not_begun() {
    let mut world = World::new();
    world.step();
    let others = [world.task("a").clone(), world.task("b").clone()];
    world.person(Kind::PlanWanted { task: id("c") });
    assert_eq!(world.step(), [("c".to_owned(), Purpose::Plan)], "also before what it comes after");
    let prompt = world.prompt("c");
    assert!(prompt.starts_with("# Split this task: Task c") && prompt.contains("Do c"), "{prompt}");
    world.answers("c", plan(&parts()));
    assert_eq!(world.reason("c"), (Stands::Waiting, Reason::Approve { version: 1 }));
    assert_eq!([world.task("a").clone(), world.task("b").clone()], others);
    world.approve("c");
    assert_eq!(world.step(), [], "its parts wait for what it waits for");
    world.answers("b", done("B is done"));
    assert!(world.task("c~1").current.is_some());
    assert!(world.prompt("c~1").contains("B is done"), "{}", world.prompt("c~1"));
}

#[test]
fn planning_again_leaves_what_has_begun_and_all_that_is_elsewhere() {
    let mut world = World::new();
    world.step();
    world.answers("a", split(&[part("x", &[]), part("y", &["x"]), part("z", &["y"])]));
    world.approve("a");
    world.step();
    let others = [world.task("b").clone(), world.task("c").clone(), world.task("a~1").clone()];
    world.person(Kind::PlanWanted { task: id("a") });
    assert_eq!(world.step(), [("a".to_owned(), Purpose::Plan)]);
    let prompt = world.prompt("a");
    assert!(prompt.starts_with("# Plan this again") && prompt.contains("- x: running. It stays"), "{prompt}");
    // It forgets the part that runs, drops one, keeps one with other words, and has a new one.
    let kept = json!({"key": "y", "title": "Part y", "objective": "Do it otherwise", "after": ["n"]});
    world.answers("a", plan(&[kept, part("n", &[]), part("m", &[])]));
    assert_eq!(world.reason("a"), (Stands::Waiting, Reason::Approve { version: 2 }));
    let news = world.task("a").planning.as_ref().unwrap().news().unwrap().changes.len();
    assert_eq!(news, 4, "two added, one changed, one removed");
    assert_eq!([world.task("b").clone(), world.task("c").clone(), world.task("a~1").clone()], others);
    // What is done meanwhile begins nothing.
    assert_eq!(world.answers("a~1", done("X is done")), []);
    world.reject("a");
    let children: Vec<&str> = world.task("a").children.iter().map(TaskId::as_str).collect();
    assert_eq!(children, ["a~1", "a~2", "a~3"]);
    assert_eq!(world.task("a~2").objective, "Do");
    assert_eq!(world.step(), [work("a~2")], "and it goes on as it was");
}

#[test]
fn a_no_undoes_the_plan_and_no_edit() {
    let mut world = World::new();
    world.step();
    world.answers("a", split(&[part("x", &[]), part("y", &["x"]), part("z", &["y"])]));
    world.approve("a");
    world.step();
    world.person(Kind::PlanWanted { task: id("a") });
    world.step();
    let other = json!({"key": "y", "title": "Another", "objective": "Do it otherwise"});
    world.answers("a", plan(&[part("x", &[]), other, part("n", &[])]));
    let (task, title, new) = (id("a~2"), "As I say".to_owned(), world.task("a").children[2].clone());
    let edits = [
        PlanEdit::Rename { task: task.clone(), title },
        PlanEdit::SetObjective { task: id("a~3"), objective: "Mine".to_owned() },
    ];
    for edit in edits {
        // The one is in the plan, the other was left out of it.
        let possible = check_edit(&world.state, &id("goal"), &edit).is_ok();
        assert_eq!(possible, matches!(edit, PlanEdit::Rename { .. }));
        world.person(Kind::PlanEdited { goal: id("goal"), edit });
    }
    for edit in [
        PlanEdit::Remove { task: task.clone() },
        PlanEdit::Move { task: task.clone(), parent: id("a"), index: 0 },
        PlanEdit::AddDependency { task: task.clone(), on: new.clone() },
        PlanEdit::DropDependency { task: task.clone(), on: id("a~1") },
        PlanEdit::SetOutputs { task, outputs: vec!["a.md".to_owned()] },
    ] {
        let refused = check_edit(&world.state, &id("goal"), &edit);
        assert_eq!(refused, Err(EditProblem::Planned("1 Task a".to_owned())), "{edit:?}");
    }
    let edit = PlanEdit::Remove { task: new };
    assert_eq!(check_edit(&world.state, &id("goal"), &edit), Ok(()), "what is new in it can be changed");
    world.reject("a");
    let part = world.task("a~2");
    assert_eq!((part.title.as_str(), part.objective.as_str()), ("As I say", "Do"));
    assert_eq!(part.after, [id("a~1")]);
}

#[test]
fn a_no_leaves_nobody_waiting_for_each_other() {
    let mut world = World::new();
    world.step();
    let edits = |world: &mut World, edit: PlanEdit| {
        assert_eq!(check_edit(&world.state, &id("goal"), &edit), Ok(()));
        world.person(Kind::PlanEdited { goal: id("goal"), edit });
    };
    let planned =
        PlannedTask { after: vec![id("b")], ..PlannedTask::new(id("d"), id("goal"), "Task d", "Do d") };
    edits(&mut world, PlanEdit::Add { planned, index: u32::MAX });
    world.person(Kind::PlanWanted { task: id("c") });
    world.step();
    world.answers("c", plan(&parts()));
    world.approve("c");
    edits(&mut world, PlanEdit::AddDependency { task: id("c~2"), on: id("d") });
    // The next plan knows nothing of who waits for `d`, so that `d` can come after it all.
    world.person(Kind::PlanWanted { task: id("c") });
    world.step();
    world.answers("c", plan(&[part("x", &[]), part("z", &[]), part("n", &[])]));
    assert_eq!(world.reason("c").1, Reason::Approve { version: 2 });
    edits(&mut world, PlanEdit::AddDependency { task: id("d"), on: id("c") });
    world.reject("c");
    assert_eq!(world.task("d").after, [id("b"), id("c")], "what is elsewhere is left as it is");
    assert_eq!(world.task("c~2").after, [id("c~1")], "it comes back but for what would close a circle");
    world.answers("b", done("B is done"));
    assert_eq!(world.answers("c~1", done("X is done")), [work("c~2")]);
}

#[test]
fn a_task_that_others_come_after_stays_in_the_plan() {
    let mut world = World::new();
    world.step();
    world.answers("a", split(&parts()));
    world.approve("a");
    let edit = PlanEdit::AddDependency { task: id("c"), on: id("a~2") };
    world.person(Kind::PlanEdited { goal: id("goal"), edit });
    world.step();
    world.person(Kind::PlanWanted { task: id("a") });
    world.step();
    world.answers("a", plan(&[part("x", &[]), part("n", &[]), part("m", &[])]));
    assert!(
        matches!(world.plan("a"), Plan::Refused { problems } if problems[0].contains("3 Task c comes after it"))
    );
}

#[test]
fn what_waits_for_a_plan_says_so_and_is_held() {
    let mut world = World::new();
    world.person(Kind::LimitsSet { limits: Limits { parallel: 1, ..Limits::default() } });
    world.step();
    assert_eq!(world.answers("a", split(&parts())), [work("b")]);
    world.approve("a");
    assert_eq!(world.step(), []);
    world.person(Kind::PlanWanted { task: id("a") });
    assert_eq!(world.reason("a~1"), (Stands::Pending, Reason::Planned(id("a"))));
    assert_eq!(world.answers("b", done("B is done")), [("a".to_owned(), Purpose::Plan)]);
    assert_eq!(
        world.answers("a", json!({"decision": "answer", "reply": "It is well as it is"})),
        [work("c")]
    );
    assert_eq!(world.reason("a").1, Reason::Asks("It is well as it is".to_owned()));
    world.reject("a");
    assert_eq!(world.task("a").standing, Standing::Open);
    world.answers("c", done("C is done"));
    assert!(world.task("a~1").current.is_some());
}

#[test]
fn where_nobody_wants_to_be_asked_a_split_is_carried_out() {
    let mut world = World::new();
    let edit = PlanEdit::SetPreset { task: id("goal"), preset: Preset::Autonomous };
    world.person(Kind::PlanEdited { goal: id("goal"), edit });
    world.step();
    assert_eq!(world.answers("a", split(&parts())), [work("a~1"), work("a~3")]);
}

#[test]
fn a_word_about_a_proposal_brings_its_next_version() {
    let mut world = World::new();
    world.step();
    world.answers("a", split(&parts()));
    let (task, message, text) = (id("a"), MessageId::new("m").unwrap(), "Only two".to_owned());
    world.person(Kind::MessageSent { task, message, text, answers: None });
    assert_eq!(world.step(), [("a".to_owned(), Purpose::Plan)]);
    world.answers("a", plan(&[part("x", &[]), part("y", &[]), part("n", &[])]));
    assert_eq!(world.reason("a").1, Reason::Approve { version: 2 });
    world.approve("a");
    assert_eq!(world.step(), [work("a~1"), work("a~2"), work("a~6")]);
}

#[test]
fn a_failed_task_is_split_by_what_failed_it_and_comes_back_when_that_is_rejected() {
    let mut world = World::new();
    world.step();
    world.answers("a", json!({"outcome": "failed", "summary": "Far too much for me"}));
    world.person(Kind::PlanWanted { task: id("a") });
    world.step();
    assert!(world.prompt("a").contains("Far too much for me"));
    world.reject("a");
    assert!(world.task("a").is_planned(), "while its planner is at it, it stays");
    world.answers("a", plan(&parts()));
    world.reject("a");
    assert!(matches!(world.task("a").standing, Standing::Failed { .. }));
    assert_eq!(world.step(), []);
}

#[test]
fn planners_below_a_goal_only_read() {
    let mut world = World::new();
    world.person(Kind::PlanWanted { task: id("c") });
    let drafts = decide(&world.state, world.now);
    let order = drafts.iter().find_map(|draft| match draft.body.known().unwrap() {
        Kind::RunRequested { task, spec, .. } if *task == id("c") => Some(spec),
        _ => None,
    });
    let order = order.unwrap();
    assert!(format!("{order:?}").contains("read-only"), "{order:?}");
    assert!(shared::harness::prompt(order).contains("change nothing"));
}

#[test]
fn a_copy_has_the_parts_and_their_order_and_nothing_that_was_done() {
    let mut world = World::new();
    world.step();
    world.answers("a", split(&parts()));
    world.approve("a");
    world.step();
    world.answers("a~1", done("X is done"));
    let edit = PlanEdit::Clone { task: id("a"), copy: id("k") };
    let back = conductor::plan::edit::inverse(&world.state, &edit);
    world.person(Kind::PlanEdited { goal: id("goal"), edit: edit.clone() });
    let children: Vec<&str> = world.task("goal").children.iter().map(TaskId::as_str).collect();
    assert_eq!(children, ["a", "k", "b", "c"], "behind the original");
    let parts: Vec<&str> = world.task("k").children.iter().map(TaskId::as_str).collect();
    assert_eq!(parts, ["k~c1", "k~c2", "k~c3"]);
    assert_eq!(world.task("k~c2").after, [id("k~c1")], "and not after the original's part");
    assert_eq!((world.task("k~c1").title.as_str(), &world.task("k~c1").result), ("Part x", &None));
    assert!(world.task("k~c1").runs.is_empty() && world.task("k").session.is_none());
    assert_eq!(world.task("k~c1").number_text(), "4.1");
    let again = conductor::plan::edit::check_edit(&world.state, &id("goal"), &edit);
    assert!(again.is_err(), "an id is given once");
    world.person(Kind::PlanEdited { goal: id("goal"), edit: back.unwrap() });
    assert_eq!(world.task("goal").children.len(), 3, "undo takes it back");
    assert!(!world.step().iter().any(|(task, _)| task.starts_with('k')));
}

#[test]
fn a_planner_may_want_more_evidence_than_the_person_and_never_less() {
    let mut world = World::new();
    let wanted = Evidence { checks: vec![Check::OutputsExist], review: Some(true), commit: Some(false) };
    let retry = Some(Retry { policy: Policy::Analyze, attempts: 7 });
    let edits = [
        PlanEdit::SetEvidence { task: id("a"), evidence: wanted.clone() },
        PlanEdit::SetRetry { task: id("a"), retry },
    ];
    for edit in edits {
        world.person(Kind::PlanEdited { goal: id("goal"), edit });
    }
    let again = |retry: &str, checks: &[&str]| -> PlannedTask {
        let proposed = ["a", "b", "c"].map(|key| {
            let (title, checks) = (format!("Task {key}"), if key == "a" { checks } else { &[] });
            let task =
                json!({"key": key, "title": title, "objective": "Do", "retry": retry, "checks": checks});
            serde_json::from_value(task).unwrap()
        });
        validate(&world.state, world.task("goal"), &proposed).unwrap().remove(0)
    };
    let silent = again("usual", &[]);
    assert_eq!((silent.evidence, silent.retry), (wanted.clone(), retry));
    let more = again("same", &["outputs_exist", "no_error_in_output"]);
    assert_eq!(more.evidence, wanted.and(vec![Check::NoErrorInOutput]));
    assert_eq!(more.retry, Some(Retry { policy: Policy::Same, attempts: 7 }));
}
