//! Words to a turn that runs: it reads them, or the next one does, and never both.

#![expect(clippy::unwrap_used, reason = "a test's own world is as the test makes it")]

use conductor::state::{Ear, State, Task};
use conductor::{Hearing, decide, hearing, words};
use serde_json::json;
use shared::agent::{AgentEvent, HarnessId, TurnEnd, TurnReport};
use shared::entry::{Kind, Purpose};
use shared::harness::prompt;
use shared::id::{MessageId, RunId, SessionId, TaskId};
use shared::plan::Access;
use shared::run::{Pipes, Program, RunEnd, RunSpec, Signal};
use shared::unit::Millis;

use crate::log::{append, person};

struct World {
    state: State,
    goal: TaskId,
    run: RunId,
}

impl World {
    /// A goal whose planner runs.
    fn new(harness: HarnessId) -> Self {
        let goal = TaskId::new("goal").unwrap();
        let mut world = Self { state: State::default(), run: goal.run(1), goal: goal.clone() };
        world.say(Kind::ProjectOpened { folder: "/p".to_owned(), name: "p".to_owned() });
        world.say(Kind::GoalStated { task: goal, text: "Do it".to_owned(), harness, access: Access::Edit });
        world.decide();
        world.say(Kind::RunStarted { run: world.run.clone(), pid: 1, started: 1 });
        world
    }

    fn say(&mut self, kind: Kind) {
        append(&mut self.state, Millis(1_000), person(), "p", kind);
    }

    /// What is decided, and carried out.
    fn decide(&mut self) -> Vec<Kind> {
        let drafts = decide(&self.state, Millis(1_000));
        let kinds: Vec<Kind> = drafts.iter().map(|draft| draft.body.known().unwrap().clone()).collect();
        kinds.iter().for_each(|kind| self.say(kind.clone()));
        kinds
    }

    fn write(&mut self, id: &str, now: bool) {
        let (task, message) = (self.goal.clone(), MessageId::new(id).unwrap());
        self.say(Kind::MessageSent {
            task: task.clone(),
            message: message.clone(),
            text: format!("words of {id}"),
            answers: None,
        });
        if now {
            self.say(Kind::MessageUrged { task, message });
        }
    }

    fn hears(&mut self, event: AgentEvent) {
        self.say(Kind::AgentSpoke { run: self.run.clone(), line: 1, event });
    }

    fn reads(&mut self, id: &str) {
        self.hears(AgentEvent::Told { message: id.to_owned() });
    }

    fn ends(&mut self) {
        let (run, end) = (self.run.clone(), RunEnd::Exited { code: 0 });
        self.say(Kind::RunEnded { run: run.clone(), end, lines: 2, pipes: Pipes::Closed, used: None });
        self.say(Kind::TurnRead { run, report: TurnReport::default().into() });
    }

    fn task(&self) -> &Task {
        self.state.task(&self.goal).unwrap()
    }

    fn waiting(&self) -> Vec<&str> {
        self.task().queue.iter().map(|message| message.id.as_str()).collect()
    }
}

/// The messages that were told, in order.
fn told(kinds: &[Kind]) -> Vec<&str> {
    let told = kinds.iter().filter_map(|kind| match kind {
        Kind::InputSent { message, text, .. } => {
            let id = message.as_ref().unwrap().as_str();
            assert!(text.contains(&format!("words of {id}")) && text.ends_with('\n'), "{text}");
            Some(id)
        }
        _ => None,
    });
    told.collect()
}

#[test]
fn what_is_urgent_is_told_at_once_and_the_rest_waits() {
    let mut world = World::new(HarnessId::Claude);
    world.write("m1", false);
    world.write("m2", true);
    assert_eq!(hearing(&world.state, world.task()), Hearing::Now);
    assert_eq!(told(&world.decide()), ["m2"]);
    assert_eq!(world.waiting(), ["m1"]);
    assert!(world.decide().is_empty(), "once");
    let (task, message) = (world.goal.clone(), MessageId::new("m1").unwrap());
    world.say(Kind::MessageUrged { task, message });
    assert_eq!(told(&world.decide()), ["m1"]);
    world.reads("m2");
    world.reads("m1");
    world.ends();
    assert_eq!(world.waiting(), <[&str; 0]>::default(), "neither is told again");
    assert_eq!(world.state.run(&world.run).unwrap().told.len(), 2);
}

#[test]
fn what_was_not_read_goes_to_the_next_turn_before_what_was_written_since() {
    let mut world = World::new(HarnessId::Demo);
    world.write("m1", true);
    world.write("m2", true);
    assert_eq!(told(&world.decide()), ["m1", "m2"]);
    world.write("m3", false);
    let session = SessionId::new("s").unwrap();
    world.hears(AgentEvent::Session { session, model: None, version: None });
    world.reads("m1");
    world.ends();
    assert_eq!(world.waiting(), ["m2", "m3"]);
    world.decide();
    let kinds = world.decide();
    let [Kind::RunRequested { carries, spec, .. }] = &kinds[..] else { panic!("{kinds:?}") };
    assert_eq!(carries.iter().map(MessageId::as_str).collect::<Vec<_>>(), ["m2", "m3"]);
    assert!(prompt(spec).contains("words of m2") && !prompt(spec).contains("words of m1"));
}

#[test]
fn codex_is_told_once_its_turn_has_begun_and_in_its_name() {
    let mut world = World::new(HarnessId::Codex);
    world.write("m1", true);
    assert_eq!(hearing(&world.state, world.task()), Hearing::Now);
    assert_eq!(world.decide(), [], "there is no turn yet that it could be for");
    let session = SessionId::new("thread-1").unwrap();
    world.hears(AgentEvent::Session { session, model: None, version: None });
    world.hears(AgentEvent::TurnBegan { turn: "turn-1".to_owned() });
    let kinds = world.decide();
    assert_eq!(told(&kinds), ["m1"]);
    let [Kind::InputSent { text, .. }] = &kinds[..] else { panic!("{kinds:?}") };
    let line: serde_json::Value = serde_json::from_str(text).unwrap();
    assert_eq!(
        (&line["method"], &line["params"]["threadId"], &line["params"]["expectedTurnId"]),
        (&json!("turn/steer"), &json!("thread-1"), &json!("turn-1"))
    );
    assert_eq!(line["params"]["clientUserMessageId"], "m1");
    world.hears(AgentEvent::TurnEnded { end: TurnEnd::default() });
    world.write("m2", true);
    assert_eq!(world.decide(), [Kind::InputClosed { run: world.run.clone() }]);
    world.ends();
    assert_eq!(world.waiting(), ["m1", "m2"], "what it did not say it has read is for the next turn");
}

/// As a turn of Codex was called before it could be spoken to.
#[test]
fn a_turn_that_cannot_hear_is_told_nothing() {
    let mut world = World::new(HarnessId::Codex);
    let run = RunId::new("old").unwrap();
    let spec = RunSpec::new(Program::Named { name: "codex".to_owned() }, "/p");
    world.ends();
    world.say(Kind::RunRequested {
        run,
        task: world.goal.clone(),
        purpose: Purpose::Talk,
        harness: HarnessId::Codex,
        carries: Vec::new(),
        holds: None,
        model: None,
        spec,
    });
    world.write("m1", true);
    let deaf = hearing(&world.state, world.task());
    assert_eq!((world.decide(), deaf), (vec![], Hearing::NotThis));
    assert!(words::deaf(deaf).unwrap().contains("can be told nothing"));
}

#[test]
fn the_input_ends_with_the_turn_and_once() {
    let mut world = World::new(HarnessId::Claude);
    world.hears(AgentEvent::TurnEnded { end: TurnEnd::default() });
    world.write("m1", true);
    assert_eq!(world.decide(), [Kind::InputClosed { run: world.run.clone() }], "too late for words");
    assert_eq!(world.state.run(&world.run).unwrap().ear, Ear::Closed);
    assert_eq!((world.decide(), hearing(&world.state, world.task())), (vec![], Hearing::NotThis));
}

#[test]
fn who_is_to_stop_is_told_nothing_more_and_what_it_missed_starts_nothing() {
    let mut world = World::new(HarnessId::Claude);
    world.write("m1", true);
    world.decide();
    world.say(Kind::TaskStopped { task: world.goal.clone() });
    world.write("m2", true);
    let run = world.run.clone();
    assert_eq!(world.decide(), [Kind::SignalSent { run, signal: Signal::Terminate, budget: None }]);
    world.ends();
    assert!(world.task().queue[0].held, "it was meant for what was stopped");
    assert!(!world.task().queue[1].held, "it was written after that");
}
