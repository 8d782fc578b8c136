//! What somebody should look at: told by facts and time, at the right moment, and never acted upon.

#![expect(clippy::unwrap_used, reason = "a test's own world is as the test makes it")]

use conductor::budget::{Cap, Near};
use conductor::health::{Warning, next_change, unwell, warnings};
use conductor::state::State;
use conductor::status::{Kind as Stands, status};
use conductor::{decide, words};
use serde_json::json;
use shared::agent::{AgentEvent, HarnessId, Progress, TurnReport};
use shared::entry::{Kind, Room};
use shared::id::{RunId, TaskId};
use shared::limits::{Caps, Limits};
use shared::plan::{Access, PlanEdit};
use shared::run::{Pipes, RunEnd};
use shared::unit::{Bytes, Millis};

use crate::log::{append, person};

const MINUTE: u64 = 60_000;

struct World {
    state: State,
    now: Millis,
    goal: TaskId,
    run: RunId,
}

impl World {
    /// A goal whose planner was started at minute 0.
    fn new() -> Self {
        let (goal, run) = (TaskId::new("goal").unwrap(), RunId::new("goal~r1").unwrap());
        let mut world = Self { state: State::default(), now: Millis(1_000_000), goal: goal.clone(), run };
        world.say(Kind::LimitsSet { limits: Limits::default() });
        world.say(Kind::ProjectOpened { folder: "/p".to_owned(), name: "p".to_owned() });
        let text = "Do it".to_owned();
        world.say(Kind::GoalStated { task: goal, text, harness: HarnessId::Demo, access: Access::Edit });
        world.order().unwrap();
        world.say(Kind::RunStarted { run: world.run.clone(), pid: 1, started: 1 });
        world
    }

    fn say(&mut self, kind: Kind) {
        append(&mut self.state, self.now, person(), "p", kind);
    }

    fn at(&mut self, minutes: u64) -> &mut Self {
        self.now = Millis(1_000_000 + minutes * MINUTE);
        self
    }

    fn minute(minutes: u64) -> Millis {
        Millis(1_000_000 + minutes * MINUTE)
    }

    /// Carries out the first decision; the run that it orders.
    fn order(&mut self) -> Option<Kind> {
        let draft = decide(&self.state, self.now).into_iter().next()?;
        let kind = draft.body.known().unwrap().clone();
        self.say(kind.clone());
        Some(kind)
    }

    fn hear(&mut self, line: u64, event: AgentEvent) {
        self.say(Kind::AgentSpoke { run: self.run.clone(), line, event });
    }

    fn call(&mut self, line: u64, title: &str) {
        let call = |title: &str| AgentEvent::ToolCall {
            call: format!("c{line}"),
            tool: "Bash".to_owned(),
            title: title.to_owned(),
            input: json!(null),
        };
        self.hear(line, call(title));
    }

    fn ends(&mut self) {
        let (run, end) = (self.run.clone(), RunEnd::Exited { code: 0 });
        self.say(Kind::RunEnded { run: run.clone(), end, lines: 0, pipes: Pipes::Closed, used: None });
        self.say(Kind::TurnRead { run, report: TurnReport { turns: 2, ..TurnReport::default() }.into() });
    }

    fn warnings(&self) -> Vec<Warning> {
        warnings(&self.state, self.state.task(&self.goal).unwrap(), self.now)
    }
}

fn near(cap: Cap, percent: u64) -> Warning {
    Warning::Near(Near { cap, stage: None, percent, estimated: false })
}

#[test]
fn a_silent_run_is_stalled_until_it_is_heard_again() {
    let mut world = World::new();
    let since = World::minute(3);
    let run = world.run.clone();
    world.at(13).say(Kind::RunSilent { run, since });
    assert_eq!(world.warnings(), [Warning::Stalled { since }]);
    assert_eq!(words::warning(world.warnings()[0], world.now), "no output for 10m 00s");
    assert_eq!(unwell(&world.state, world.now).len(), 1);
    world.say(Kind::RunHeard { run: world.run.clone() });
    assert_eq!(world.warnings(), []);
    world.say(Kind::RunSilent { run: world.run.clone(), since });
    world.call(1, "ls");
    assert_eq!(world.warnings(), [], "what it says is heard as well");
}

#[test]
fn what_it_said_last_reaches_the_log_after_it_was_heard() {
    let mut world = World::new();
    world.at(4).call(1, "ls");
    let (run, since) = (world.run.clone(), World::minute(3));
    world.at(14).say(Kind::RunSilent { run, since });
    assert_eq!(world.warnings(), [Warning::Stalled { since }]);
}

#[test]
fn the_bridge_is_asked_to_tell_of_silence() {
    let mut world = World::new();
    let limits = Limits::default();
    let wish = |spec: &shared::run::RunSpec| spec.limits.silence;
    world.say(Kind::RunEnded {
        run: world.run.clone(),
        end: RunEnd::Exited { code: 0 },
        lines: 0,
        pipes: Pipes::Closed,
        used: None,
    });
    world.say(Kind::TurnRead { run: world.run.clone(), report: TurnReport::default().into() });
    world.order();
    let Some(Kind::RunRequested { spec, .. }) = world.order() else { panic!("the planner is asked again") };
    assert_eq!(wish(&spec), Some(limits.health.stalled));
}

#[test]
fn who_repeats_itself_is_slow_and_who_does_something_else_is_not() {
    let mut world = World::new();
    for minute in 0..15 {
        world.at(minute).call(minute, "cargo test");
    }
    let since = World::minute(0);
    assert_eq!(world.at(14).warnings(), []);
    assert_eq!(world.at(15).warnings(), [Warning::Slow { since }]);
    world.call(20, "cargo fmt");
    assert_eq!(world.warnings(), []);
}

#[test]
fn a_run_of_an_hour_is_long() {
    let mut world = World::new();
    for minute in 0..60 {
        world.at(minute).call(minute, &format!("step {minute}"));
    }
    assert_eq!(world.at(59).warnings(), []);
    assert_eq!(world.at(60).warnings(), [Warning::Long { since: World::minute(0) }]);
}

#[test]
fn time_that_a_running_turn_uses_counts_towards_its_cap() {
    let mut world = World::new();
    let caps = Caps { time: Some(Millis(10 * MINUTE)), ..Caps::default() };
    let (goal, task) = (world.goal.clone(), world.goal.clone());
    world.say(Kind::PlanEdited { goal, edit: PlanEdit::SetCaps { task, caps } });
    assert_eq!(world.at(7).warnings(), []);
    let near = near(Cap::Time(Millis(10 * MINUTE)), 80);
    assert_eq!(world.at(8).warnings(), [near]);
    assert_eq!(words::warning(near, world.now), "80% of 10m 00s used");
}

#[test]
fn requests_and_tokens_that_a_running_turn_uses_count_towards_their_caps() {
    let mut world = World::new();
    let caps = Caps { turns: Some(10), tokens: Some(5_000), ..Caps::default() };
    let (task, goal) = (world.goal.clone(), world.goal.clone());
    world.say(Kind::PlanEdited { goal, edit: PlanEdit::SetCaps { task, caps } });
    let mut goes_on = |requests: u32, tokens: u64| {
        world.hear(
            requests.into(),
            AgentEvent::Progress { progress: Progress { requests, tokens, ..Progress::default() } },
        );
        world.warnings()
    };
    assert_eq!(goes_on(7, 100), []);
    assert_eq!(goes_on(8, 200), [near(Cap::Turns(10), 80)]);
    assert_eq!(goes_on(9, 4_700), [near(Cap::Tokens(5_000), 94)]);
    world.ends();
    assert_eq!(world.warnings(), [], "its report says how many they were");
}

#[test]
fn a_heavy_run_is_told_with_what_it_holds() {
    let mut world = World::new();
    let memory = Bytes(2_100_000_000);
    world.say(Kind::RunWeighed { run: world.run.clone(), memory, heavy: true });
    assert_eq!(world.warnings(), [Warning::Heavy { memory }]);
    world.say(Kind::RunWeighed { run: world.run.clone(), memory: Bytes(1), heavy: false });
    assert_eq!(world.warnings(), []);
}

/// Between two moments that are told nothing changes by time, and at each of them something does.
#[test]
fn the_next_change_is_the_moment_at_which_a_warning_comes() {
    let mut world = World::new();
    let caps = Caps { time: Some(Millis(41 * MINUTE + 7)), ..Caps::default() };
    let (goal, task) = (world.goal.clone(), world.goal.clone());
    world.say(Kind::PlanEdited { goal, edit: PlanEdit::SetCaps { task, caps } });
    let mut seen = Vec::new();
    let mut from = world.now;
    while let Some((at, task)) = next_change(&world.state, from) {
        assert_eq!(task, world.goal);
        let count = |now| warnings(&world.state, world.state.task(&world.goal).unwrap(), now).len();
        assert!(count(at) > count(Millis(at.0 - 1)), "{at:?}");
        assert_eq!(count(Millis(at.0 - 1)), count(from), "between them nothing comes");
        seen.push(at);
        from = at;
    }
    let near = (41 * MINUTE + 7) * 80;
    assert_eq!(seen, [World::minute(15), World::minute(0) + Millis(near.div_ceil(100)), World::minute(60)]);
}

/// Warnings are no policy: whatever is told, nothing is decided.
#[test]
fn nothing_is_ended_or_started_for_a_warning() {
    let mut world = World::new();
    let run = world.run.clone();
    world.at(600).say(Kind::RunSilent { run, since: World::minute(0) });
    world.say(Kind::RunWeighed { run: world.run.clone(), memory: Bytes(u64::MAX), heavy: true });
    assert!(world.warnings().len() >= 3, "{:?}", world.warnings());
    assert_eq!(decide(&world.state, world.now), []);
    assert_eq!(status(&world.state, world.state.task(&world.goal).unwrap()).kind, Stands::Active);
}

#[test]
fn without_memory_nothing_new_starts_until_there_is_some() {
    let mut world = World::new();
    let second = TaskId::new("second").unwrap();
    world.say(Kind::MemoryMeasured { room: Room::None, free: Bytes(1) });
    world.say(Kind::GoalStated {
        task: second.clone(),
        text: "Another".to_owned(),
        harness: HarnessId::Demo,
        access: Access::Edit,
    });
    assert_eq!(decide(&world.state, world.now), []);
    let waits = status(&world.state, world.state.task(&second).unwrap());
    assert_eq!(words::reason(&world.state, &waits, world.now), "waits for free memory");
    world.say(Kind::MemoryMeasured { room: Room::Little, free: Bytes(9) });
    assert!(matches!(world.order(), Some(Kind::RunRequested { task, .. }) if task == second));
}
