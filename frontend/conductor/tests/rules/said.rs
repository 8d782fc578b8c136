//! What the person said reaches the session that a task goes on with, whatever became of the one that it was said to.

#![expect(clippy::unwrap_used, reason = "a test's own world is as the test makes it")]

use conductor::apply::KEPT;
use conductor::next_deadline;
use conductor::state::{State, Task};
use shared::agent::{AgentError, AgentEvent, ErrorClass, HarnessId, TurnReport};
use shared::entry::Kind;
use shared::harness::prompt;
use shared::id::{MessageId, RunId, SessionId};
use shared::limits::Limits;
use shared::plan::{Access, PlannedTask};
use shared::retry::{Policy, Retry};
use shared::run::{Pipes, RunEnd};
use shared::unit::Millis;

use crate::log::{append, carry_out, id, person};

const BEFORE: &str = "## What the person said before\n\n";

/// A goal of one task, which is attempted twice.
struct World {
    state: State,
    now: Millis,
}

impl World {
    fn new() -> Self {
        let mut world = Self { state: State::default(), now: Millis(1_000) };
        let retry = Retry { policy: Policy::Same, attempts: 2 };
        world.say(Kind::LimitsSet { limits: Limits { retry, ..Limits::default() } });
        world.say(Kind::ProjectOpened { folder: "/p".to_owned(), name: "p".to_owned() });
        let (task, text) = (id("g"), "Do it".to_owned());
        world.say(Kind::GoalStated { task, text, harness: HarnessId::Demo, access: Access::Edit });
        let tasks = vec![PlannedTask::new(id("a"), id("g"), "A", "Do A")];
        world.say(Kind::PlanGiven { goal: id("g"), reply: String::new(), tasks });
        world.say(Kind::PlanApproved { goal: id("g"), version: 1 });
        world
    }

    fn say(&mut self, kind: Kind) {
        append(&mut self.state, self.now, person(), "p", kind);
    }

    fn write(&mut self, message: &str) {
        let (message, text) = (MessageId::new(message).unwrap(), format!("<words of {message}>"));
        self.say(Kind::MessageSent { task: id("a"), message, text, answers: None });
    }

    fn task(&self) -> &Task {
        self.state.task(&id("a")).unwrap()
    }

    fn run(&self) -> RunId {
        self.task().current.clone().unwrap()
    }

    /// The words of the task's next turn, once it is due.
    fn turn(&mut self) -> String {
        for _ in 0..3 {
            for kind in carry_out(&mut self.state, self.now) {
                if let Kind::RunRequested { task, spec, .. } = kind
                    && task == id("a")
                {
                    return prompt(&spec);
                }
            }
            self.now = next_deadline(&self.state, self.now).unwrap().0;
        }
        panic!("nothing begins: {:?}", self.task().standing)
    }

    /// Its run names this session, and so has read its words.
    fn hears(&mut self, session: &str) {
        let session = SessionId::new(session).unwrap();
        let event = AgentEvent::Session { session, model: None, version: None };
        self.say(Kind::AgentSpoke { run: self.run(), line: 1, event });
    }

    fn ends(&mut self, error: Option<ErrorClass>) {
        let run = self.run();
        let end = RunEnd::Exited { code: i32::from(error.is_some()) };
        self.say(Kind::RunEnded { run: run.clone(), end, lines: 2, pipes: Pipes::Closed, used: None });
        let error = error.map(|class| AgentError { class, message: "so".to_owned(), until: None });
        let final_text = if error.is_none() { "Done." } else { "" }.to_owned();
        self.say(Kind::TurnRead {
            run,
            report: TurnReport { error, final_text, ..TurnReport::default() }.into(),
        });
    }
}

/// Which of these messages the words tell, in the order in which they stand there; each once.
fn told(prompt: &str) -> Vec<&str> {
    let told: Vec<&str> =
        prompt.lines().filter_map(|line| line.strip_prefix("<words of ")?.strip_suffix('>')).collect();
    let mut once = told.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), told.len(), "told twice: {prompt}");
    told
}

#[test]
fn what_a_resumed_turn_carries_is_told_to_the_session_that_follows_a_lost_one() {
    let mut world = World::new();
    world.write("m1");
    assert_eq!(told(&world.turn()), ["m1"]);
    world.hears("s1");
    world.ends(None);
    world.write("m2");
    world.write("m3");
    let resumed = world.turn();
    assert_eq!(told(&resumed), ["m2", "m3"], "what its session knows is not told again");
    assert!(!resumed.contains(BEFORE));
    // It is gone, and the run that carried those found that out.
    world.ends(Some(ErrorClass::SessionLost));
    world.write("m4");
    let anew = world.turn();
    assert_eq!(told(&anew), ["m1", "m2", "m3", "m4"], "in order: {anew}");
    let (before, now) = anew.split_once("## The person says\n\n").unwrap();
    assert!(before.starts_with("# Your task: A") && before.contains(BEFORE), "{anew}");
    assert_eq!(told(now), ["m4"]);
    // Whoever took it up knows it all from then on.
    world.hears("s2");
    world.ends(Some(ErrorClass::CliCrash));
    assert_eq!(told(&world.turn()), <[&str; 0]>::default());
}

#[test]
fn what_a_run_gave_no_sign_of_having_read_is_told_again_to_the_same_session() {
    let mut world = World::new();
    world.turn();
    world.hears("s1");
    world.ends(None);
    world.write("m1");
    world.turn();
    world.ends(Some(ErrorClass::CliCrash));
    let again = world.turn();
    assert!(again.starts_with("# Go on\n\n") && again.contains(BEFORE), "{again}");
    assert_eq!(told(&again), ["m1"]);
    world.hears("s1");
    world.ends(None);
    world.write("m2");
    let next = world.turn();
    assert!(next.starts_with("# The person says\n\n"), "{next}");
    assert_eq!(told(&next), ["m2"]);
}

#[test]
fn another_attempt_is_told_what_was_said_to_the_one_before() {
    for asked in [false, true] {
        let mut world = World::new();
        world.write("m1");
        world.turn();
        world.hears("s1");
        if asked {
            world.ends(None);
            carry_out(&mut world.state, world.now);
            world.say(Kind::TaskRetried { task: id("a") });
        } else {
            world.ends(Some(ErrorClass::ContextOverflow));
        }
        assert_eq!(told(&world.turn()), ["m1"], "asked: {asked}");
        assert_eq!(world.task().attempt, 2);
    }
}

#[test]
fn telling_it_again_begins_nothing() {
    let mut world = World::new();
    world.write("m1");
    world.turn();
    world.ends(None);
    assert_eq!(world.task().unheard().count(), 1, "its run named no session");
    let of_a = |kind: &Kind| matches!(kind, Kind::RunRequested { task, .. } if *task == id("a"));
    assert!(!carry_out(&mut world.state, world.now).iter().any(of_a));
    assert!(next_deadline(&world.state, world.now).is_none());
}

#[test]
fn a_repeat_knows_nothing_of_what_was_said_to_the_last_one() {
    use shared::plan::{PlanEdit, Schedule};
    let mut world = World::new();
    let schedule = Schedule { repeat: Some(Millis::from_secs(60)), ..Schedule::default() };
    let edit = PlanEdit::SetSchedule { task: id("a"), schedule };
    world.say(Kind::PlanEdited { goal: id("g"), edit });
    world.write("m1");
    world.turn();
    world.hears("s1");
    world.ends(None);
    assert_eq!(told(&world.turn()), <[&str; 0]>::default());
    assert!(world.task().said.is_empty());
}

#[test]
fn of_a_long_talk_the_last_is_kept_and_that_is_said() {
    let mut world = World::new();
    for n in 0..KEPT + 5 {
        world.write(&format!("m{n}"));
        world.turn();
        world.hears("s1");
        world.ends(None);
    }
    carry_out(&mut world.state, world.now);
    assert_eq!(world.task().said.len(), KEPT);
    world.say(Kind::TaskRetried { task: id("a") });
    let anew = world.turn();
    assert_eq!((told(&anew).len(), told(&anew)[0]), (KEPT, "m5"));
    assert!(anew.contains(&format!("of {KEPT} messages at most")), "{anew}");
}
