//! Which plans are taken, and what is said of the others.

#![expect(clippy::unwrap_used, reason = "a test's own plan is as the test makes it")]

use conductor::plan::validate;
use conductor::{State, apply};
use serde_json::{Value, json};
use shared::agent::HarnessId;
use shared::entry::{Actor, Body, Entry, Kind};
use shared::id::{ClientId, ProjectId, TaskId};
use shared::plan::Access;
use shared::plan::PlannerAnswer;
use shared::unit::{Millis, Seq};

fn with_goal() -> State {
    let mut state = State::default();
    let kind = Kind::GoalStated {
        task: goal(),
        text: "Do it".to_owned(),
        harness: HarnessId::Demo,
        access: Access::Edit,
    };
    let entry = Entry {
        seq: Seq(1),
        at: Millis(0),
        actor: Actor::Person { client: ClientId::new("c").unwrap() },
        project: Some(ProjectId::new("p").unwrap()),
        body: Body::Known(Box::new(kind)),
    };
    apply(&mut state, &entry);
    state
}

fn goal() -> TaskId {
    TaskId::new("goal").unwrap()
}

fn task(key: &str, after: &[&str], parent: &str) -> Value {
    json!({"key": key, "title": key, "objective": "Do", "after": after, "parent": parent})
}

/// What is said of a plan; empty when it is taken.
fn check(tasks: &[Value], expected: &str) {
    let state = with_goal();
    let answer = json!({"decision": "plan", "reply": "", "tasks": tasks});
    let answer: PlannerAnswer = serde_json::from_value(answer).unwrap();
    let said =
        validate(&state, state.task(&goal()).unwrap(), &answer.tasks).err().unwrap_or_default().join("; ");
    assert!(
        if expected.is_empty() { said.is_empty() } else { said.contains(expected) },
        "{said:?} should be {expected:?}"
    );
}

#[test]
fn plans_are_taken_or_their_problems_named() {
    let (a, b, c) = (task("a", &[], ""), task("b", &["a"], ""), task("c", &["a", "b"], ""));
    check(&[a.clone(), b.clone(), c.clone()], "");
    check(&[], "no tasks");
    check(&[a.clone(), b.clone()], "2 tasks; it should have 3 to 12");
    check(&vec![a.clone(); 5_000], "5000 tasks");
    check(&[a.clone(), a.clone(), b.clone()], "\"a\" is given twice");
    check(
        &[a.clone(), b.clone(), task("c", &["z"], "")],
        "\"c\" comes after \"z\", which is not in the plan",
    );
    check(&[a.clone(), b.clone(), task("c", &[], "z")], "is a part of \"z\", which is not in the plan");
    check(&[task("a", &["c"], ""), b.clone(), task("c", &["b"], "")], "in a cycle");
    check(&[task("a", &["a"], ""), b.clone(), c.clone()], "in a cycle");
    check(&[task("a", &["c"], ""), b.clone(), task("c", &[], "a")], "in a cycle");
    check(&[a.clone(), task("b", &[], "c"), task("c", &[], "b")], "part of itself");
    check(
        &[a.clone(), b, json!({"key": "c", "title": " ", "objective": ""})],
        "\"c\" has no title; task \"c\" has no objective",
    );
    let deep: Vec<Value> = ["", "a", "b", "c", "d"]
        .iter()
        .zip(["a", "b", "c", "d", "e"])
        .map(|(parent, key)| task(key, &[], parent))
        .collect();
    check(&deep, "5 levels deep");
}
