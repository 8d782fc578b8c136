//! A goal whose plan was approved is planned again as a whole: what has begun stays, nothing else begins meanwhile, and a
//! no leaves nothing of it behind.

#![expect(clippy::unwrap_used, reason = "a test's own world is as the test makes it")]

use conductor::plan::edit::check_edit;
use conductor::planning::{Plan, Unplannable, may_plan, may_plan_beside};
use conductor::state::{Standing, Task};
use conductor::status::{Kind as Stands, Reason};
use conductor::survey::Survey;
use serde_json::{Value, json};
use shared::entry::{Kind, Purpose};
use shared::evidence::Preset;
use shared::id::{MessageId, TaskId};
use shared::limits::{Caps, Limits};
use shared::plan::{PlanEdit, PlannedTask};
use shared::unit::MicroUsd;

use crate::log::id;
use crate::planning::{World, done, part, parts, plan, split, work};

fn wants(world: &mut World, words: &str) {
    world.person(Kind::PlanWanted { task: id("goal") });
    if !words.is_empty() {
        says(world, words);
    }
}

fn says(world: &mut World, words: &str) {
    let message = MessageId::new(&format!("m{}", world.now.0)).unwrap();
    world.person(Kind::MessageSent { task: id("goal"), message, text: words.to_owned(), answers: None });
}

/// `a` and `b` are at work; its planner is asked for another plan.
fn asked() -> World {
    let mut world = World::new();
    world.step();
    wants(&mut world, "Add a changelog");
    assert_eq!(world.step(), [("goal".to_owned(), Purpose::Plan)]);
    world
}

/// The new plan forgets what has begun, has `c` reach something else, and one task more.
fn proposed() -> World {
    let mut world = asked();
    assert_eq!(world.answers("goal", plan(&other())), []);
    world
}

fn other() -> Vec<Value> {
    vec![
        json!({"key": "c", "title": "Task c", "objective": "Do it otherwise", "after": ["n"]}),
        part("n", &[]),
    ]
}

/// What the plan has that was not there before.
fn new(world: &World) -> String {
    let parts = world.state.subtree(&id("goal"));
    parts.into_iter().find(|task| task.title == "Part n").unwrap().id.to_string()
}

fn children(world: &World) -> Vec<&str> {
    world.task("goal").children.iter().map(TaskId::as_str).collect()
}

fn sums_up() -> (String, Purpose) {
    ("goal".to_owned(), Purpose::Summary)
}

/// Every task of the plan is done, and the goal is summed up.
fn completed() -> World {
    let mut world = World::new();
    world.step();
    world.answers("a", done("A is done"));
    world.answers("b", done("B is done"));
    assert_eq!(world.answers("c", done("C is done")), [sums_up()]);
    world.answers("goal", done("All is done"));
    assert_eq!(world.task("goal").standing, Standing::Completed);
    world
}

#[test]
fn its_planner_is_told_the_words_and_how_the_plan_stands_now() {
    let mut world = World::new();
    world.step();
    world.answers("b", done("B is done"));
    world.answers("c", json!({"outcome": "failed", "summary": "No way"}));
    wants(&mut world, "Add a changelog");
    world.step();
    let prompt = world.prompt("goal");
    assert!(prompt.starts_with("# Plan this goal again\n"), "{prompt}");
    for words in [
        "Add a changelog",
        "B is done",
        "\"key\": \"c\"",
        "- a: running. It stays as it is.",
        "- b: completed. It stays as it is.",
        "- c: failed. Leave it out",
    ] {
        assert!(prompt.contains(words), "{words:?} is not in {prompt}");
    }
}

#[test]
fn nothing_begins_meanwhile_and_what_runs_goes_on() {
    let mut world = asked();
    assert_eq!(world.reason("goal"), (Stands::Active, Reason::Starting));
    assert_eq!(world.answers("b", done("B is done")), [], "what comes after it waits");
    assert_eq!(world.reason("c"), (Stands::Pending, Reason::Planned(id("goal"))));
    let running = world.task("a").clone();
    world.answers("goal", plan(&other()));
    assert_eq!(world.reason("goal"), (Stands::Waiting, Reason::Approve { version: 2 }));
    assert_eq!(world.task("a"), &running);
    let changes = &world.task("goal").planning.as_ref().unwrap().news().unwrap().changes;
    let changed: Vec<&str> = changes.iter().map(|change| change.title.as_str()).collect();
    assert_eq!(changed, ["Task c", "Part n"], "what has begun is no news");
    world.approve("goal");
    assert_eq!(children(&world).len(), 4);
    let new = new(&world);
    assert_eq!(world.step(), [work(&new)], "it comes before c by now");
    assert_eq!(world.answers(&new, done("N is done")), [work("c")]);
    assert!(world.prompt("c").contains("Do it otherwise"));
}

#[test]
fn a_question_of_a_part_is_answered_meanwhile() {
    let mut world = World::new();
    world.step();
    world.answers("a", json!({"outcome": "question", "summary": "", "question": "Which?"}));
    wants(&mut world, "");
    world.step();
    let message = MessageId::new("answer").unwrap();
    world.person(Kind::MessageSent { task: id("a"), message, text: "This".to_owned(), answers: None });
    assert_eq!(world.step(), [work("a")], "it has begun, and goes on");
}

#[test]
fn a_no_brings_back_what_was_and_keeps_what_the_person_did() {
    let mut world = proposed();
    let planned = PlannedTask::new(id("mine"), id("goal"), "Mine", "Do mine");
    for edit in [
        PlanEdit::Add { planned, index: 0 },
        PlanEdit::Rename { task: id("c"), title: "As I say".to_owned() },
    ] {
        assert_eq!(check_edit(&world.state, &id("goal"), &edit), Ok(()));
        world.person(Kind::PlanEdited { goal: id("goal"), edit });
    }
    assert_eq!(world.task("mine").standing, Standing::Proposed);
    world.reject("goal");
    assert!(matches!(world.plan("goal"), Plan::Approved { .. }));
    assert_eq!(children(&world), ["mine", "a", "b", "c"]);
    let c = world.task("c");
    assert_eq!((c.title.as_str(), c.objective.as_str()), ("As I say", "Do c"));
    assert_eq!(c.after, [id("b")]);
    assert_eq!(world.step(), [work("mine")]);
    assert_eq!(world.answers("b", done("B is done")), [work("c")]);
}

#[test]
fn what_a_person_took_as_done_stays_so_in_every_plan() {
    let mut world = asked();
    world.person(Kind::TaskAccepted { task: id("c"), words: "It is there already".to_owned() });
    assert_eq!(world.answers("goal", plan(&other())), []);
    let taken = |world: &World| {
        let c = world.task("c");
        (c.standing.clone(), c.objective.clone(), c.result.as_ref().unwrap().summary.clone())
    };
    let as_said = (Standing::Completed, "Do c".to_owned(), "It is there already".to_owned());
    assert_eq!(taken(&world), as_said);
    world.reject("goal");
    assert_eq!(taken(&world), as_said);
    assert_eq!(world.step(), []);
}

#[test]
fn what_stays_may_be_deeper_than_a_plan_may_go_by_now() {
    let mut world = World::new();
    world.step();
    world.answers("a", split(&parts()));
    world.approve("a");
    world.step();
    world.person(Kind::LimitsSet { limits: Limits { depth: 1, ..Limits::default() } });
    wants(&mut world, "Add a changelog");
    world.step();
    let named = json!({"key": "x", "title": "X", "objective": "Do", "parent": "a"});
    world.answers("goal", plan(&[part("a", &[]), named, part("n", &[])]));
    assert_eq!(world.reason("goal"), (Stands::Waiting, Reason::Approve { version: 2 }));
    world.reject("goal");
    wants(&mut world, "And a licence");
    world.step();
    let new = json!({"key": "m", "title": "M", "objective": "Do", "parent": "a"});
    world.answers("goal", plan(&[part("a", &[]), new]));
    assert!(
        matches!(world.plan("goal"), Plan::Refused { problems } if problems[0].contains("2 levels deep"))
    );
}

#[test]
fn a_no_ends_the_turn_of_its_planner() {
    let mut world = asked();
    world.reject("goal");
    assert!(!world.task("goal").is_planned());
    let signalled = |kind: &Kind| matches!(kind, Kind::SignalSent { run, .. } if run.as_str() == "goal~r1");
    let drafts = conductor::decide(&world.state, world.now);
    assert!(drafts.iter().any(|draft| signalled(draft.body.known().unwrap())), "{drafts:?}");
    assert_eq!(world.answers("b", done("B is done")), [work("c")], "nothing waits for that");
    assert_eq!(world.answers("goal", plan(&other())), [], "and what it says comes to nothing");
    assert_eq!(children(&world), ["a", "b", "c"]);
    assert_eq!(world.task("goal").standing, Standing::Open);
}

#[test]
fn a_stop_or_a_close_wins() {
    for mut world in [asked(), proposed()] {
        assert_eq!(world.answers("b", done("B is done")), []);
        world.person(Kind::TaskStopped { task: id("goal") });
        world.step();
        for task in ["a", "goal"] {
            if world.task(task).current.is_some() {
                assert_eq!(world.answers(task, Value::Null), []);
            }
        }
        assert!(["goal", "a", "c"].iter().all(|task| world.task(task).standing == Standing::Cancelled));
        world.reject("goal");
        assert_eq!(world.step(), [], "a no to the plan is no yes to the rest");
        assert_eq!(world.task("goal").standing, Standing::Cancelled);
    }
    for mut world in [asked(), proposed()] {
        world.answers("b", done("B is done"));
        world.person(Kind::GoalClosed { goal: id("goal") });
        assert!(!world.task("goal").is_planned());
        assert_eq!(children(&world), ["a", "b", "c"]);
        world.step();
        let mut ordered = Vec::new();
        for task in ["goal", "a"] {
            if world.task(task).current.is_some() {
                ordered = world.answers(task, Value::Null);
            }
        }
        assert_eq!(ordered, [sums_up()], "what was done is told");
    }
}

#[test]
fn a_goal_that_is_over_is_reopened_by_a_yes_alone() {
    for approves in [true, false] {
        let mut world = completed();
        let former = world.task("goal").clone();
        wants(&mut world, "There is more to do");
        assert_eq!(world.step(), [("goal".to_owned(), Purpose::Plan)]);
        world.answers("goal", plan(&[part("n", &[])]));
        if !approves {
            world.reject("goal");
            let goal = world.task("goal");
            let seen = |task: &Task| (task.standing.clone(), task.result.clone(), task.children.clone());
            assert_eq!(seen(goal), seen(&former));
            assert_eq!(world.step(), []);
            continue;
        }
        world.approve("goal");
        let new = new(&world);
        assert_eq!(world.step(), [work(&new)]);
        assert_eq!(world.answers(&new, done("N is done")), [sums_up()]);
        world.answers("goal", done("Now all is done"));
        assert_eq!(world.task("goal").result.as_ref().unwrap().summary, "Now all is done");
    }
}

#[test]
fn what_a_person_adds_to_a_goal_that_is_over_reopens_it_whatever_becomes_of_the_plan() {
    let mut world = completed();
    wants(&mut world, "");
    world.step();
    world.answers("goal", plan(&[part("n", &[])]));
    let planned = PlannedTask::new(id("mine"), id("goal"), "Mine", "Do mine");
    world.person(Kind::PlanEdited { goal: id("goal"), edit: PlanEdit::Add { planned, index: 0 } });
    world.reject("goal");
    assert_eq!(world.step(), [work("mine")]);
    assert_eq!(world.task("goal").standing, Standing::Open);
}

#[test]
fn a_closed_goal_is_open_again_with_its_new_plan() {
    let mut world = World::new();
    world.step();
    world.answers("b", done("B is done"));
    world.person(Kind::GoalClosed { goal: id("goal") });
    world.step();
    world.answers("a", Value::Null);
    assert_eq!(world.answers("c", Value::Null), [sums_up()]);
    world.answers("goal", done("Half of it was done"));
    wants(&mut world, "");
    world.step();
    assert!(
        world.prompt("goal").contains("- a: stopped by the person. Leave it out"),
        "{}",
        world.prompt("goal")
    );
    world.answers("goal", plan(&[part("n", &[])]));
    world.approve("goal");
    assert_eq!(world.task("goal").goal.as_ref().unwrap().closing, None);
    let new = new(&world);
    assert_eq!(world.step(), [work(&new)]);
}

/// It was out of sight when all was stopped, and nobody said that it may go on.
#[test]
fn what_a_no_brings_back_into_a_stopped_goal_is_stopped_too() {
    let mut world = World::new();
    wants(&mut world, "Another way");
    world.step();
    world.answers("goal", plan(&[part("n", &[])]));
    let gone: Vec<String> = ["a", "b", "c"]
        .map(str::to_owned)
        .into_iter()
        .filter(|name| matches!(world.task(name).standing, Standing::Removed { .. }))
        .collect();
    assert!(!gone.is_empty(), "the plan leaves some out");
    world.person(Kind::TaskStopped { task: id("goal") });
    world.reject("goal");
    for name in &gone {
        assert_eq!(world.task(name).standing, Standing::Cancelled, "{name}");
    }
    assert_eq!(world.step(), [], "nothing of it goes on");
    world.person(Kind::TaskRetried { task: id(&gone[0]) });
    assert!(!world.step().is_empty(), "until somebody says so");
}

#[test]
fn it_is_planned_again_wherever_it_stands_but_in_the_midst_of_its_summary() {
    let mut survey = Survey::default();
    let mut may = |world: &World| {
        survey.renew(&world.state);
        let (state, goal) = (&world.state, world.task("goal"));
        let may = may_plan(state, goal);
        assert_eq!(may_plan_beside(state, &survey, goal), may);
        may
    };
    let goal = || "Do it".to_owned();
    let mut world = World::new();
    assert_eq!(may(&world), Ok(()));
    world.step();
    says(&mut world, "How is it going?");
    assert_eq!(world.step(), [("goal".to_owned(), Purpose::Talk)]);
    assert_eq!(may(&world), Ok(()), "talk is no work");
    wants(&mut world, "");
    assert_eq!(may(&world), Err(Unplannable::Goal(goal())), "it is being planned");
    assert_eq!(world.step(), [], "its planner is in the midst of talk");
    assert_eq!(world.answers("goal", Value::Null), [("goal".to_owned(), Purpose::Plan)]);
    world.reject("goal");
    world.answers("goal", Value::Null);
    world.answers("a", split(&parts()));
    assert_eq!(may(&world), Err(Unplannable::Below("1 Task a".to_owned())));
    world.reject("a");
    world.step();
    world.answers("a", done("A is done"));
    world.answers("b", done("B is done"));
    world.answers("c", done("C is done"));
    assert_eq!(may(&world), Err(Unplannable::Summed(goal())));
    world.answers("goal", json!({"outcome": "failed", "summary": "I cannot"}));
    assert!(matches!(world.task("goal").standing, Standing::Failed { .. }));
    assert_eq!(may(&world), Ok(()));
    wants(&mut world, "");
    world.step();
    world.answers("goal", json!({"decision": "answer", "reply": "It is well as it is"}));
    assert_eq!(world.reason("goal").1, Reason::Asks("It is well as it is".to_owned()));
    world.reject("goal");
    assert!(matches!(world.task("goal").standing, Standing::Failed { .. }), "as it was before");
    assert_eq!(world.step(), []);
}

#[test]
fn its_parts_are_planned_and_split_when_it_is_agreed_on() {
    let mut world = asked();
    assert_eq!(may_plan(&world.state, world.task("c")), Err(Unplannable::Above("Do it".to_owned())));
    assert_eq!(world.answers("a", split(&parts())), [], "it may not be split, and waits to go on");
    world.reject("goal");
    assert_eq!(world.step(), [work("a")]);
}

#[test]
fn where_nobody_wants_to_be_asked_it_carries_itself_out() {
    let mut world = World::new();
    let edit = PlanEdit::SetPreset { task: id("goal"), preset: Preset::Autonomous };
    world.person(Kind::PlanEdited { goal: id("goal"), edit });
    world.step();
    wants(&mut world, "");
    world.step();
    let begun = world.answers("goal", plan(&other()));
    assert_eq!(begun, [work(&new(&world))]);
}

#[test]
fn a_goal_without_money_waits_for_it_and_can_be_left_as_it_was() {
    let mut world = World::new();
    world.step();
    let caps = Caps { budget: Some(MicroUsd(1)), ..Caps::default() };
    world.person(Kind::PlanEdited { goal: id("goal"), edit: PlanEdit::SetCaps { task: id("goal"), caps } });
    world.answers("a", done("A is done"));
    wants(&mut world, "");
    assert_eq!(world.step(), []);
    assert!(
        matches!(world.reason("goal"), (Stands::Waiting, Reason::Used { .. })),
        "{:?}",
        world.reason("goal")
    );
    world.reject("goal");
    let caps = Caps::default();
    world.person(Kind::PlanEdited { goal: id("goal"), edit: PlanEdit::SetCaps { task: id("goal"), caps } });
    assert_eq!(world.answers("b", done("B is done")), [work("c")]);
}

#[test]
fn a_no_that_comes_after_the_yes_changes_nothing() {
    let mut world = proposed();
    world.approve("goal");
    let agreed = world.task("goal").clone();
    world.reject("goal");
    assert_eq!(world.task("goal"), &agreed);
}
