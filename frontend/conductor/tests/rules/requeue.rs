//! A run that the person ends so that its task begins anew.

#![expect(clippy::unwrap_used, reason = "a test's own world is as the test makes it")]

use conductor::state::{Halt, Standing, State, Task};
use shared::agent::{HarnessId, TurnReport};
use shared::entry::{Kind, Purpose};
use shared::id::{MessageId, RunId, SessionId};
use shared::plan::{Access, PlannedTask};
use shared::run::{Arg, Pipes, RunEnd};
use shared::unit::Millis;

use crate::log::{append, carry_out, id, person};

const NOW: Millis = Millis(1_000);

/// A goal with one task that runs.
fn running() -> (State, RunId) {
    let mut state = State::default();
    say(&mut state, Kind::ProjectOpened { folder: "/p".to_owned(), name: "p".to_owned() });
    let (task, text) = (id("g"), "Do it".to_owned());
    say(&mut state, Kind::GoalStated { task, text, harness: HarnessId::Demo, access: Access::Edit });
    let tasks = vec![PlannedTask::new(id("a"), id("g"), "A", "Do A")];
    say(&mut state, Kind::PlanGiven { goal: id("g"), reply: String::new(), tasks });
    tell(&mut state, "m1");
    say(&mut state, Kind::PlanApproved { goal: id("g"), version: 1 });
    carry_out(&mut state, NOW);
    let run = task_a(&state).current.clone().unwrap();
    (state, run)
}

fn say(state: &mut State, kind: Kind) {
    append(state, NOW, person(), "p", kind);
}

fn tell(state: &mut State, message: &str) {
    let (message, text) = (MessageId::new(message).unwrap(), format!("words of {message}"));
    say(state, Kind::MessageSent { task: id("a"), message, text, answers: None });
}

fn task_a(state: &State) -> &Task {
    state.task(&id("a")).unwrap()
}

/// The run's process is gone, and all that it said is read.
fn end(state: &mut State, run: &RunId) -> Vec<Kind> {
    let (run, lines) = (run.clone(), 0);
    say(
        state,
        Kind::RunEnded {
            run: run.clone(),
            end: RunEnd::Exited { code: 0 },
            lines,
            pipes: Pipes::default(),
            used: None,
        },
    );
    let session = SessionId::new("s").ok();
    let report = TurnReport { final_text: "Done.".to_owned(), session, ..TurnReport::default() };
    say(state, Kind::TurnRead { run, report: report.into() });
    carry_out(state, NOW)
}

/// What each order says, and which messages it carries.
fn orders(decided: &[Kind]) -> Vec<(Vec<String>, String)> {
    let order = |kind: &Kind| match kind {
        Kind::RunRequested { carries, spec, purpose: Purpose::Work, .. } => {
            let args = spec.args.iter().filter_map(|arg| match arg {
                Arg::Text { text } => Some(text.as_str()),
                Arg::RunFile { .. } => None,
            });
            let words = format!("{} {}", shared::harness::prompt(spec), args.collect::<Vec<_>>().join(" "));
            Some((carries.iter().map(ToString::to_string).collect(), words))
        }
        _ => None,
    };
    decided.iter().filter_map(order).collect()
}

#[test]
fn it_is_ended_and_begins_anew_with_all_that_was_said() {
    let (mut state, run) = running();
    say(&mut state, Kind::TaskRequeued { task: id("a") });
    let decided = carry_out(&mut state, NOW);
    assert!(decided.iter().any(|kind| matches!(kind, Kind::SignalSent { .. })), "{decided:?}");
    tell(&mut state, "m2");
    let begun = orders(&end(&mut state, &run));
    let [(carries, words)] = &begun[..] else { panic!("{begun:?}") };
    assert_eq!(*carries, ["m1", "m2"], "in their order");
    assert_eq!(
        (words.matches("words of m1").count(), words.matches("words of m2").count()),
        (1, 1),
        "{words}"
    );
    assert!(words.contains("# Your task: A"), "a session that knows nothing: {words}");
    assert_eq!((task_a(&state).attempt, task_a(&state).standing.clone()), (2, Standing::Open));
}

#[test]
fn it_counts_also_when_the_run_is_over_and_nobody_has_judged_it() {
    let (mut state, run) = running();
    let (ended, lines) = (RunEnd::Exited { code: 0 }, 0);
    say(
        &mut state,
        Kind::RunEnded { run: run.clone(), end: ended, lines, pipes: Pipes::default(), used: None },
    );
    let report = TurnReport { final_text: "Done.".to_owned(), ..TurnReport::default() };
    say(&mut state, Kind::TurnRead { run, report: report.into() });
    say(&mut state, Kind::TaskRequeued { task: id("a") });
    assert_eq!(orders(&carry_out(&mut state, NOW)).len(), 1);
}

#[test]
fn the_last_word_about_a_run_counts() {
    let (mut state, run) = running();
    say(&mut state, Kind::TaskRequeued { task: id("a") });
    say(&mut state, Kind::TaskStopped { task: id("a") });
    assert!(orders(&end(&mut state, &run)).is_empty());
    assert_eq!(task_a(&state).standing, Standing::Cancelled);
    let (mut state, run) = running();
    say(&mut state, Kind::TaskStopped { task: id("g") });
    say(&mut state, Kind::TaskRequeued { task: id("a") });
    assert_eq!(orders(&end(&mut state, &run)).len(), 1);
    assert_ne!(state.task(&id("g")).unwrap().standing, Standing::Cancelled, "it has a part that goes on");
}

#[test]
fn it_means_nothing_where_nothing_runs_and_what_came_to_something_is_told_once() {
    let (mut state, run) = running();
    end(&mut state, &run);
    assert_eq!(task_a(&state).standing, Standing::Completed);
    say(&mut state, Kind::TaskRequeued { task: id("a") });
    assert_eq!((task_a(&state).standing.clone(), task_a(&state).stop), (Standing::Completed, None));
    // The next turn goes on in its session; begun anew it is told what that turn carried, and nothing from before.
    tell(&mut state, "m3");
    carry_out(&mut state, NOW);
    let run = task_a(&state).current.clone().unwrap();
    say(&mut state, Kind::TaskRequeued { task: id("a") });
    assert_eq!(task_a(&state).stop, Some(Halt::Requeued));
    let begun = orders(&end(&mut state, &run));
    assert_eq!(begun[0].0, ["m3"], "{begun:?}");
}
