//! Two answers to one question: the first is told, the other is kept from the agent and not lost.

#![expect(clippy::unwrap_used, reason = "a test's own world is as the test makes it")]

use conductor::apply::answers;
use conductor::state::{Standing, State, Task};
use serde_json::json;
use shared::agent::{HarnessId, TurnReport};
use shared::entry::{Actor, Kind};
use shared::id::{ClientId, MessageId, RunId};
use shared::plan::{Access, PlannedTask};
use shared::run::{Pipes, RunEnd};
use shared::unit::Millis;

use crate::log::{append, carry_out, id, person};

const NOW: Millis = Millis(1_000);

/// A task that asks, and the run that did.
fn asking() -> (State, RunId) {
    let mut state = State::default();
    let mut say = |kind| append(&mut state, NOW, person(), "p", kind);
    say(Kind::ProjectOpened { folder: "/p".to_owned(), name: "p".to_owned() });
    let (task, text) = (id("g"), "Do it".to_owned());
    say(Kind::GoalStated { task, text, harness: HarnessId::Demo, access: Access::Edit });
    let tasks = vec![PlannedTask::new(id("a"), id("g"), "A", "Do A")];
    say(Kind::PlanGiven { goal: id("g"), reply: String::new(), tasks });
    say(Kind::PlanApproved { goal: id("g"), version: 1 });
    let run = ask(&mut state);
    (state, run)
}

/// The task's next turn ends with a question.
fn ask(state: &mut State) -> RunId {
    carry_out(state, NOW);
    let run = task_a(state).current.clone().unwrap();
    let mut say = |kind| append(state, NOW, person(), "p", kind);
    say(Kind::RunEnded {
        run: run.clone(),
        end: RunEnd::Exited { code: 0 },
        lines: 1,
        pipes: Pipes::Closed,
        used: None,
    });
    let answer = json!({"outcome": "question", "summary": "", "question": "Which?", "options": [], "outputs": [], "not_done": []});
    let report = TurnReport { structured: Some(answer), ..TurnReport::default() };
    say(Kind::TurnRead { run: run.clone(), report: report.into() });
    carry_out(state, NOW);
    assert!(matches!(task_a(state).standing, Standing::Asked { .. }), "{:?}", task_a(state).standing);
    run
}

/// The turn of the task that is ordered next ends with this.
fn turn(state: &mut State, task: &str, structured: serde_json::Value) -> RunId {
    carry_out(state, NOW);
    let run = state.task(&id(task)).unwrap().current.clone().unwrap();
    let end = RunEnd::Exited { code: 0 };
    let ended = Kind::RunEnded { run: run.clone(), end, lines: 1, pipes: Pipes::Closed, used: None };
    append(state, NOW, person(), "p", ended);
    let report = TurnReport { structured: Some(structured), ..TurnReport::default() };
    append(state, NOW, person(), "p", Kind::TurnRead { run: run.clone(), report: report.into() });
    carry_out(state, NOW);
    run
}

#[test]
fn a_question_is_the_same_after_a_plan_that_came_to_nothing() {
    let (mut state, _) = asking();
    write(&mut state, "one", "m1", None);
    turn(
        &mut state,
        "a",
        json!({"outcome": "done", "summary": "So", "question": "", "options": [], "outputs": [], "not_done": []}),
    );
    let run = turn(
        &mut state,
        "g",
        json!({"outcome": "question", "summary": "", "question": "Enough?", "options": [], "outputs": [], "not_done": []}),
    );
    let asked = |state: &State| answers(state, state.task(&id("g")).unwrap());
    assert_eq!(asked(&state), Some(run.clone()));
    append(&mut state, NOW, person(), "p", Kind::PlanWanted { task: id("g") });
    let task = |key: &str| json!({"key": key, "parent": "", "title": key, "objective": key, "mode": "autonomous", "size": "light", "command": "", "after": [], "outputs": []});
    turn(
        &mut state,
        "g",
        json!({"decision": "plan", "reply": "So", "tasks": [task("x"), task("y"), task("z")]}),
    );
    assert_eq!(asked(&state), None, "its plan is to be agreed on first");
    let version = state.task(&id("g")).unwrap().planning.as_ref().unwrap().version;
    append(&mut state, NOW, person(), "p", Kind::PlanRejected { task: id("g"), version });
    assert_eq!(asked(&state), Some(run));
}

fn task_a(state: &State) -> &Task {
    state.task(&id("a")).unwrap()
}

/// A client writes, as far as it knows in answer to this.
fn write(state: &mut State, client: &str, message: &str, answers: Option<&RunId>) {
    let actor = Actor::Person { client: ClientId::new(client).unwrap() };
    let (text, answers) = (format!("words of {message}"), answers.cloned());
    let message = MessageId::new(message).unwrap();
    append(state, NOW, actor, "p", Kind::MessageSent { task: id("a"), message, text, answers });
}

fn waiting(state: &State) -> Vec<&str> {
    task_a(state).queue.iter().map(|message| message.id.as_str()).collect()
}

fn late(state: &State) -> Vec<&str> {
    task_a(state).late.iter().map(MessageId::as_str).collect()
}

#[test]
fn the_first_answer_is_told_and_the_second_is_not() {
    let (mut state, run) = asking();
    assert_eq!(answers(&state, task_a(&state)).as_ref(), Some(&run));
    write(&mut state, "one", "m1", Some(&run));
    assert_eq!(answers(&state, task_a(&state)), None, "whoever writes now writes a message");
    write(&mut state, "two", "m2", Some(&run));
    assert_eq!((waiting(&state), late(&state)), (vec!["m1"], vec!["m2"]));
    carry_out(&mut state, NOW);
    write(&mut state, "two", "m3", Some(&run));
    assert_eq!((waiting(&state), late(&state)), (vec![], vec!["m2", "m3"]), "also when the next turn runs");
    // Whoever wrote it may send it again.
    write(&mut state, "two", "m4", None);
    assert_eq!(waiting(&state), ["m4"]);
}

#[test]
fn who_answered_may_add_to_it() {
    let (mut state, run) = asking();
    write(&mut state, "one", "m1", Some(&run));
    write(&mut state, "one", "m2", Some(&run));
    assert_eq!((waiting(&state), late(&state).len()), (vec!["m1", "m2"], 0));
}

#[test]
fn an_answer_that_is_taken_back_leaves_the_question_open() {
    let (mut state, run) = asking();
    write(&mut state, "one", "m1", Some(&run));
    let withdrawn = Kind::MessageWithdrawn { task: id("a"), message: MessageId::new("m1").unwrap() };
    append(&mut state, NOW, person(), "p", withdrawn);
    write(&mut state, "two", "m2", Some(&run));
    assert_eq!((waiting(&state), late(&state).len()), (vec!["m2"], 0));
}

#[test]
fn the_next_question_is_another_one() {
    let (mut state, first) = asking();
    write(&mut state, "one", "m1", Some(&first));
    let second = ask(&mut state);
    assert_ne!(first, second);
    write(&mut state, "two", "m2", Some(&first));
    write(&mut state, "two", "m3", Some(&second));
    assert_eq!((waiting(&state), late(&state)), (vec!["m3"], vec!["m2"]));
}

#[test]
fn what_was_written_before_there_were_answers_is_told_as_ever() {
    let (mut state, _) = asking();
    write(&mut state, "one", "m1", None);
    write(&mut state, "two", "m2", None);
    assert_eq!((waiting(&state), late(&state).len()), (vec!["m1", "m2"], 0));
}
