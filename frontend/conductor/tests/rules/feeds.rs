//! An input that another task makes is waited for, and the prompt says who made it.

#![expect(clippy::unwrap_used, reason = "tests")]

use conductor::State;
use conductor::plan::edit::{check_edit, inverse};
use conductor::plan::validate;
use conductor::prompt::prompt;
use serde_json::{Value, json};
use shared::agent::HarnessId;
use shared::entry::{Actor, Kind, Outcome, Purpose};
use shared::id::{RunId, TaskId};
use shared::plan::{Access, PlanEdit, PlannedTask};
use shared::unit::{Epoch, Millis};

use crate::log::{append, id, person};

fn list(names: &str) -> Vec<String> {
    names.split_whitespace().map(str::to_owned).collect()
}

fn say(state: &mut State, kind: Kind) {
    append(state, Millis(1), person(), "p", kind);
}

fn with_goal() -> State {
    let mut state = State::default();
    let (harness, access) = (HarnessId::Demo, Access::Edit);
    say(&mut state, Kind::GoalStated { task: id("goal"), text: "Do it".to_owned(), harness, access });
    state
}

/// Tasks as (key, after, parent, inputs, outputs).
type Row = (&'static str, &'static str, &'static str, &'static str, &'static str);

fn planned(rows: &[Row]) -> Result<Vec<PlannedTask>, Vec<String>> {
    let task = |(key, after, parent, inputs, outputs): &Row| -> Value {
        json!({"key": key, "title": key, "objective": "Do", "after": list(after), "parent": parent,
            "inputs": list(inputs), "outputs": list(outputs)})
    };
    let tasks: Vec<Value> = rows.iter().map(task).collect();
    let state = with_goal();
    let answer: shared::plan::PlannerAnswer =
        serde_json::from_value(json!({"decision": "plan", "reply": "", "tasks": tasks})).unwrap();
    validate(&state, state.task(&id("goal")).unwrap(), &answer.tasks)
}

/// Who comes after whom, as "b: a c".
fn check(rows: &[Row], expected: &[&str]) {
    let tasks = planned(rows).unwrap_or_else(|problems| panic!("{problems:?}"));
    let key = |id: &TaskId| tasks.iter().find(|task| task.task == *id).unwrap().key.clone();
    let told = tasks.iter().filter(|task| !task.after.is_empty());
    let told: Vec<String> = told
        .map(|task| format!("{}: {}", task.key, task.after.iter().map(key).collect::<Vec<_>>().join(" ")))
        .collect();
    assert_eq!(told, expected);
}

fn refused(rows: &[Row], expected: &str) {
    let problems = planned(rows).err().unwrap_or_default().join("; ");
    assert!(problems.contains(expected), "{problems:?} should say {expected:?}");
}

#[test]
fn who_needs_what_another_makes_comes_after_it() {
    let a = ("a", "", "", "", "schema.sql ./src/a.rs");
    check(
        &[a, ("b", "", "", "`schema.sql`", ""), ("c", "", "", "src/a.rs elsewhere.md", "")],
        &["b: a", "c: a"],
    );
    // Said twice is waited for once, and two may make it.
    let b = ("b", "", "", "", "schema.sql");
    check(&[a, b, ("c", "a", "", "schema.sql src/a.rs", "")], &["c: a b"]);
    // A part gets nothing from its whole, but from a part of another.
    check(&[("a", "", "", "", "x"), ("b", "", "a", "x", "y"), ("c", "", "", "y", "")], &["c: b"]);
}

#[test]
fn a_file_that_goes_from_hand_to_hand_keeps_the_order_of_the_plan() {
    check(
        &[
            ("a", "", "", "lib.rs", "lib.rs"),
            ("b", "a", "", "lib.rs", "lib.rs"),
            ("c", "b", "", "lib.rs", "lib.rs"),
        ],
        &["b: a", "c: b a"],
    );
}

#[test]
fn a_plan_whose_tasks_need_each_other_is_refused_by_name() {
    let c = ("c", "", "", "", "");
    refused(&[("a", "", "", "y", "x"), ("b", "", "", "x", "y"), c], "wait for each other in a cycle: ");
    refused(
        &[("a", "", "", "y", ""), ("b", "a", "", "", "y"), c],
        "\"a\" needs \"y\", which \"b\" makes and comes after it",
    );
}

/// An approved plan of `a`, which makes x, `b` and `c`.
fn approved() -> State {
    let mut state = with_goal();
    let tasks = ["a", "b", "c"].map(|name| PlannedTask {
        outputs: if name == "a" { list("x") } else { Vec::new() },
        ..PlannedTask::new(id(name), id("goal"), name, "Do")
    });
    say(&mut state, Kind::PlanGiven { goal: id("goal"), reply: String::new(), tasks: tasks.to_vec() });
    say(&mut state, Kind::PlanApproved { goal: id("goal"), version: 1 });
    state
}

fn edit(state: &mut State, edit: PlanEdit) -> Option<PlanEdit> {
    check_edit(state, &id("goal"), &edit).unwrap();
    let back = inverse(state, &edit);
    say(state, Kind::PlanEdited { goal: id("goal"), edit });
    back
}

fn after(state: &State, task: &str) -> Vec<TaskId> {
    state.task(&id(task)).unwrap().after.clone()
}

#[test]
fn an_edit_makes_dependencies_and_its_undo_takes_them_back() {
    let mut state = approved();
    let back = edit(&mut state, PlanEdit::SetInputs { task: id("b"), inputs: list("x y") }).unwrap();
    assert_eq!(after(&state, "b"), [id("a")]);
    let less = edit(&mut state, PlanEdit::SetOutputs { task: id("c"), outputs: list("y") }).unwrap();
    assert_eq!(after(&state, "b"), [id("a"), id("c")]);
    edit(&mut state, less);
    assert_eq!(after(&state, "b"), [id("a")]);
    edit(&mut state, back);
    assert_eq!(after(&state, "b"), []);
    // What a person says of the order stands.
    edit(&mut state, PlanEdit::SetInputs { task: id("b"), inputs: list("x") });
    edit(&mut state, PlanEdit::DropDependency { task: id("b"), on: id("a") });
    edit(&mut state, PlanEdit::SetInputs { task: id("b"), inputs: list("x z") });
    assert_eq!(after(&state, "b"), [], "it was told not to wait");
    let planned = PlannedTask { inputs: list("x"), ..PlannedTask::new(id("d"), id("goal"), "d", "Do") };
    edit(&mut state, PlanEdit::Add { planned, index: 9 });
    assert_eq!(after(&state, "d"), [id("a")]);
}

#[test]
fn an_edit_that_makes_a_cycle_is_refused_by_name() {
    let mut state = approved();
    edit(&mut state, PlanEdit::SetInputs { task: id("b"), inputs: list("x") });
    edit(&mut state, PlanEdit::SetOutputs { task: id("b"), outputs: list("y") });
    let late = PlanEdit::SetInputs { task: id("a"), inputs: list("y") };
    let problem = check_edit(&state, &id("goal"), &late).unwrap_err().to_string();
    assert_eq!(problem, "2 b makes y and comes after 1 a, so that would be a cycle");
    say(&mut state, Kind::PlanEdited { goal: id("goal"), edit: late });
    assert_eq!(state.task(&id("a")).unwrap().inputs, [""; 0], "what cannot be is not done");
}

#[test]
fn the_prompt_says_who_made_it_and_in_what_words() {
    let mut state = approved();
    edit(&mut state, PlanEdit::SetInputs { task: id("b"), inputs: list("x README.md") });
    let outcome =
        Outcome::Completed { summary: "RESULT".to_owned(), outputs: list("x"), not_done: Vec::new() };
    let kind = Kind::TaskSettled { task: id("a"), run: RunId::new("r").ok(), outcome };
    append(&mut state, Millis(2), Actor::Conductor { epoch: Epoch(1) }, "p", kind);
    let (text, _) = prompt(&state, state.task(&id("b")).unwrap(), Purpose::Work);
    assert!(text.contains("## Inputs\n\n- x, made by 1 a\n- README.md\n\n"), "{text}");
    assert!(text.contains("### 1 a\n\nRESULT\n\nFiles: x\n"), "{text}");
}
