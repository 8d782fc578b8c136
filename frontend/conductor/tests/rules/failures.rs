//! What becomes of turns that failed: taken up again, tried anew, given to another model or agent, or left to the
//! person; and what waits because an agent, the hour or the money says so.

#![expect(clippy::unwrap_used, reason = "a test's own world is as the test makes it")]

use conductor::state::{Standing, State, Task};
use conductor::status::{Kind as Stands, Reason, status};
use conductor::{decide, next_deadline};
use serde_json::json;
use shared::agent::{AgentError, ErrorClass, FoundAgent, HarnessId, TurnReport};
use shared::entry::{Actor, Kind, Purpose};
use shared::harness::prompt;
use shared::id::SessionId;
use shared::limits::{Breaker, Caps, Limits};
use shared::models::{Instead, Models, Tiers};
use shared::plan::{Access, PlanEdit, PlannedTask, Work};
use shared::quiet::Quiet;
use shared::retry::{Policy, Retry};
use shared::run::{Pipes, RunEnd};
use shared::unit::{Epoch, MicroUsd, Millis};

use crate::log::{append, carry_out, id, person};

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
/// A midnight by UTC.
const MIDNIGHT: Millis = Millis(20_000 * 24 * HOUR);

struct World {
    state: State,
    now: Millis,
}

impl World {
    /// A goal `goal` in Claude Code's hands with as many tasks: `a`, `b`, `c`, ….
    fn of(tasks: usize, limits: Limits) -> Self {
        Self::with(tasks, limits, Access::Edit)
    }

    fn with(tasks: usize, limits: Limits, access: Access) -> Self {
        let mut world = Self { state: State::default(), now: MIDNIGHT };
        world.person(Kind::LimitsSet { limits });
        world.person(Kind::ProjectOpened { folder: "/p".to_owned(), name: "p".to_owned() });
        let (task, text, harness) = (id("goal"), "Do it".to_owned(), HarnessId::Claude);
        world.person(Kind::GoalStated { task, text, harness, access });
        let tasks = ('a'..).take(tasks).map(|name| PlannedTask {
            key: name.to_string(),
            ..PlannedTask::new(id(&name.to_string()), id("goal"), format!("Task {name}"), "Do")
        });
        let tasks = tasks.collect();
        world.person(Kind::PlanGiven { goal: id("goal"), reply: String::new(), tasks });
        world.person(Kind::PlanApproved { goal: id("goal"), version: 1 });
        world
    }

    fn person(&mut self, kind: Kind) {
        self.fold(person(), kind);
    }

    fn fold(&mut self, actor: Actor, kind: Kind) {
        append(&mut self.state, self.now, actor, "p", kind);
    }

    fn edit(&mut self, edit: PlanEdit) {
        self.person(Kind::PlanEdited { goal: id("goal"), edit });
    }

    fn task(&self, task: &str) -> &Task {
        self.state.task(&id(task)).unwrap()
    }

    fn reason(&self, task: &str) -> (Stands, Reason) {
        let status = status(&self.state, self.task(task));
        (status.kind, status.reason)
    }

    /// Decides until nothing is left; the tasks whose turns were ordered, in order.
    fn step(&mut self) -> Vec<String> {
        let ordered = |kind| match kind {
            Kind::RunRequested { task, .. } => Some(task.to_string()),
            _ => None,
        };
        carry_out(&mut self.state, self.now).into_iter().filter_map(ordered).collect()
    }

    /// Lets the time come to which the conductor waits, and decides; nothing where it waits for no time.
    fn wait(&mut self) -> Option<Vec<String>> {
        let (at, _) = next_deadline(&self.state, self.now)?;
        self.now = at;
        Some(self.step())
    }

    /// The order of the task's run that is under way.
    fn order(&self, task: &str) -> (Purpose, HarnessId, Option<String>) {
        let run = self.state.current(self.task(task)).unwrap();
        (run.purpose, run.harness, run.ordered.clone())
    }

    fn ends(&mut self, task: &str, end: RunEnd, report: TurnReport) {
        let run = self.task(task).current.clone().unwrap();
        self.fold(Actor::Bridge, Kind::RunStarted { run: run.clone(), pid: 1, started: 1 });
        self.fold(
            Actor::Bridge,
            Kind::RunEnded { run: run.clone(), end, lines: 0, pipes: Pipes::Closed, used: None },
        );
        let session = Some(SessionId::new(&format!("s-{run}")).unwrap());
        let report = TurnReport { session, ..report };
        self.fold(Actor::Conductor { epoch: Epoch(1) }, Kind::TurnRead { run, report: report.into() });
    }

    fn fails(&mut self, task: &str, class: ErrorClass, until: Option<Millis>) {
        let message = format!("{task} failed");
        let error = Some(AgentError { class, message, until });
        self.ends(task, RunEnd::Exited { code: 1 }, TurnReport { error, ..TurnReport::default() });
    }

    fn works(&mut self, task: &str) {
        let structured = Some(json!({"outcome": "done", "summary": "Did it"}));
        let report = TurnReport { structured, cost: Some(MicroUsd(1)), ..TurnReport::default() };
        self.ends(task, RunEnd::Exited { code: 0 }, report);
    }

    /// How long the task waits from now on, in whole seconds, and how it says so.
    fn waits(&self, task: &str) -> u64 {
        let Standing::Limited { until, .. } = self.task(task).standing else {
            panic!("{:?}", self.task(task).standing)
        };
        until.since(self.now).0 / SECOND
    }
}

fn policy(policy: Policy) -> Limits {
    Limits { retry: Retry { policy, ..Retry::default() }, ..Limits::default() }
}

#[test]
fn each_class_of_failure_has_its_remedy() {
    use ErrorClass as C;
    // Seconds to wait at least, or nothing where it is left to the person.
    let passes = [
        (C::RateLimit, 30),
        (C::Overload, 30),
        (C::Timeout, 30),
        (C::OutOfMemory, 30),
        (C::DiskFull, 30),
        (C::Network, 5),
        (C::McpDisconnect, 5),
        (C::CliCrash, 5),
        (C::Lost, 0),
        (C::SessionLost, 0),
    ];
    for (class, secs) in passes {
        let mut world = World::of(1, Limits::default());
        world.step();
        world.fails("a", class, None);
        let went_on = world.step();
        if secs == 0 {
            assert_eq!(went_on, ["a"], "{class:?}");
        } else {
            assert!((secs..=secs + secs / 4).contains(&world.waits("a")), "{class:?}");
            assert_eq!(world.wait().unwrap(), ["a"], "{class:?}");
        }
        assert_eq!(world.task("a").attempt, 1, "{class:?} is nothing of the task's own");
    }
    let stays = [
        C::TaskFailure,
        C::NothingSaid,
        C::ContextOverflow,
        C::Unknown,
        C::Billing,
        C::Auth,
        C::ModelNotFound,
        C::Launch,
        C::Capped,
        C::Interrupted,
    ];
    for class in stays {
        let mut world = World::of(1, Limits::default());
        world.step();
        world.fails("a", class, None);
        world.step();
        assert!(matches!(world.task("a").standing, Standing::Failed { class: told, .. } if told == class));
        assert!(!conductor::words::next_step(class).is_empty());
    }
}

#[test]
fn a_command_that_nobody_saw_the_end_of_is_not_carried_out_again() {
    let mut world = World::of(1, policy(Policy::Same));
    let work = Work::Command { command: "make push".to_owned(), timeout: Millis(MINUTE) };
    let planned = PlannedTask { work, ..PlannedTask::new(id("push"), id("goal"), "Push", "Push it") };
    world.edit(PlanEdit::Add { planned, index: 0 });
    world.step();
    assert_eq!(world.order("push").1, HarnessId::Command);
    world.fails("push", ErrorClass::Lost, None);
    assert_eq!(world.step(), [""; 0]);
    let Standing::Failed { class, why } = &world.task("push").standing else { panic!("it is the person's") };
    assert_eq!(*class, ErrorClass::Lost);
    assert!(why.contains("not carried out again without you"), "{why}");
}

#[test]
fn a_cap_on_time_pauses_also_where_the_start_was_heard_of_late() {
    let mut world = World::of(1, Limits::default());
    let caps = Caps { time: Some(Millis(2_000)), ..Caps::default() };
    world.edit(PlanEdit::SetCaps { task: id("a"), caps });
    world.step();
    let run = world.task("a").current.clone().unwrap();
    world.now = world.now + Millis(50);
    world.fold(Actor::Bridge, Kind::RunStarted { run, pid: 1, started: 1 });
    world.now = world.now + Millis(1_960);
    let error = AgentError { class: ErrorClass::Timeout, message: "over".to_owned(), until: None };
    let run = world.task("a").current.clone().unwrap();
    let (end, pipes) = (RunEnd::TimedOut, Pipes::Closed);
    world.fold(Actor::Bridge, Kind::RunEnded { run: run.clone(), end, lines: 0, pipes, used: None });
    let report = TurnReport { error: Some(error), ..TurnReport::default() };
    world.fold(Actor::Conductor { epoch: Epoch(1) }, Kind::TurnRead { run, report: report.into() });
    assert_eq!(world.step(), [""; 0]);
    let standing = &world.task("a").standing;
    let paused = matches!(standing, Standing::Limited { class: Some(ErrorClass::Timeout), .. });
    assert!(paused, "{standing:?}");
}

#[test]
fn a_time_that_was_too_short_is_not_a_service_that_does_not_answer() {
    let mut world = World::of(1, Limits::default());
    world.step();
    let error = AgentError { class: ErrorClass::Timeout, message: "over".to_owned(), until: None };
    world.ends("a", RunEnd::TimedOut, TurnReport { error: Some(error), ..TurnReport::default() });
    world.step();
    assert!(matches!(world.task("a").standing, Standing::Failed { class: ErrorClass::Timeout, .. }));
}

#[test]
fn what_passes_by_itself_is_tried_so_often_and_then_says_so() {
    let mut world = World::of(1, Limits::default());
    world.step();
    let mut waits = Vec::new();
    loop {
        world.fails("a", ErrorClass::Network, None);
        world.step();
        if matches!(world.task("a").standing, Standing::Failed { .. }) {
            break;
        }
        waits.push(world.waits("a"));
        assert_eq!(world.wait().unwrap(), ["a"]);
    }
    assert_eq!(waits.iter().map(|wait| wait / 5).collect::<Vec<_>>(), [1, 2, 4], "{waits:?}");
    let Standing::Failed { why, .. } = &world.task("a").standing else { panic!() };
    assert!(why.ends_with("Tried 4 times; nothing more is tried without you."), "{why}");
}

#[test]
fn no_mixture_of_failures_is_helped_on_more_than_three_times_in_half_an_hour() {
    let retry = Retry { policy: Policy::Same, attempts: 20 };
    let breaker = Breaker { failures: 100, ..Breaker::default() };
    let mut world = World::of(1, Limits { retry, breaker, unattended: None, ..Limits::default() });
    assert_eq!(world.step(), ["a"]);
    let mixture = [ErrorClass::Lost, ErrorClass::TaskFailure, ErrorClass::CliCrash, ErrorClass::NothingSaid];
    let mut helped = Vec::new();
    for class in mixture.into_iter().cycle().take(24) {
        world.fails("a", class, None);
        if world.step().is_empty() {
            assert_eq!(world.wait(), Some(vec!["a".to_owned()]));
        }
        helped.push(world.now.0);
    }
    assert!(helped.windows(4).all(|four| four[3] - four[0] >= 30 * MINUTE), "{helped:?}");
    assert!(helped[2] - helped[0] < 2 * MINUTE, "the first three wait no longer than they did");
    // The person's word is worth another three.
    world.fails("a", ErrorClass::Lost, None);
    assert_eq!(world.step(), [""; 0]);
    world.person(Kind::TaskResumed { task: id("a") });
    assert_eq!(world.step(), ["a"]);
    world.fails("a", ErrorClass::Lost, None);
    assert_eq!(world.step(), ["a"]);
}

#[test]
fn a_task_that_failed_is_tried_anew_by_its_policy() {
    let mut world = World::of(1, policy(Policy::Same));
    world.step();
    let first = world.task("a").current.clone();
    world.fails("a", ErrorClass::TaskFailure, None);
    world.step();
    assert_eq!((world.task("a").attempt, world.task("a").session.as_ref()), (2, None));
    let (kind, reason) = world.reason("a");
    assert_eq!(kind, Stands::Pending, "it waits for no limit");
    assert!(matches!(reason, Reason::ResumesAt { class: Some(ErrorClass::TaskFailure), .. }), "{reason:?}");
    assert_eq!(world.wait().unwrap(), ["a"]);
    assert_ne!(world.task("a").current, first);
    world.fails("a", ErrorClass::TaskFailure, None);
    world.step();
    assert!((60..=75).contains(&world.waits("a")), "twice as long");
    world.wait();
    world.fails("a", ErrorClass::TaskFailure, None);
    world.step();
    let Standing::Failed { why, .. } = &world.task("a").standing else { panic!("three tries in all") };
    assert!(why.ends_with("Tried 3 times; nothing more is tried without you."), "{why}");
    world.person(Kind::TaskRetried { task: id("a") });
    assert_eq!(world.step(), ["a"], "a person may always");
}

#[test]
fn a_failure_is_looked_at_by_a_light_model_before_the_next_try() {
    let mut world = World::of(1, Limits::default());
    let retry = Some(Retry { policy: Policy::Analyze, attempts: 2 });
    world.step();
    world.edit(PlanEdit::SetRetry { task: id("a"), retry });
    world.fails("a", ErrorClass::TaskFailure, None);
    assert_eq!(world.step(), ["a"], "there is time for it while the task waits");
    assert_eq!(world.order("a"), (Purpose::Diagnose, HarnessId::Claude, Some("haiku".to_owned())));
    assert_eq!(world.reason("a"), (Stands::Active, Reason::Starting));
    let report = TurnReport { final_text: "The port is taken.".to_owned(), ..TurnReport::default() };
    world.ends("a", RunEnd::Exited { code: 0 }, report);
    assert_eq!(world.step(), [""; 0]);
    assert_eq!(world.task("a").session, None, "that was another conversation");
    assert_eq!(world.wait().unwrap(), ["a"]);
    assert_eq!(world.order("a").0, Purpose::Work);
    let drafts = {
        let run = world.task("a").current.clone().unwrap();
        (run, world.task("a").diagnosis.clone())
    };
    assert_eq!(drafts.1.as_deref(), Some("The port is taken."));
    world.works("a");
    world.step();
    assert_eq!(world.task("a").standing, Standing::Completed);
}

#[test]
fn the_next_try_is_told_what_was_found_and_only_that() {
    let mut world = World::of(1, policy(Policy::Analyze));
    world.step();
    world.fails("a", ErrorClass::TaskFailure, None);
    world.step();
    let report = TurnReport { final_text: "The port is taken.".to_owned(), ..TurnReport::default() };
    world.ends("a", RunEnd::Exited { code: 0 }, report);
    world.step();
    world.now = Millis(world.now.0 + HOUR);
    let drafts = decide(&world.state, world.now);
    let Some(Kind::RunRequested { spec, .. }) = drafts[0].body.known() else { panic!("{drafts:?}") };
    let text = prompt(spec);
    assert!(text.contains("a failed\n\nThe port is taken."), "{text}");
}

#[test]
fn a_look_that_fails_itself_holds_nothing_up() {
    let mut world = World::of(1, policy(Policy::Analyze));
    world.step();
    world.fails("a", ErrorClass::TaskFailure, None);
    world.step();
    world.fails("a", ErrorClass::Billing, None);
    assert_eq!(world.step(), [""; 0]);
    assert_eq!(world.wait().unwrap(), ["a"]);
    assert_eq!(world.order("a").0, Purpose::Work);
}

#[test]
fn an_agent_that_fails_whatever_it_is_given_is_left_alone_and_then_one_goes_first() {
    let mut world = World::of(8, Limits { parallel: 5, ..Limits::default() });
    assert_eq!(world.step().len(), 5);
    for task in ["a", "b", "c", "d", "e"] {
        world.fails(task, ErrorClass::CliCrash, None);
    }
    assert_eq!(world.step(), [""; 0], "the others wait too");
    let opened = world.now;
    let (kind, reason) = world.reason("h");
    let until = Millis(opened.0 + 5 * MINUTE);
    let harness = HarnessId::Claude;
    assert_eq!((kind, reason), (Stands::Limited, Reason::Outage { harness, until, probed: false }));
    let mut first = Vec::new();
    while first.is_empty() {
        first = world.wait().unwrap();
    }
    assert_eq!((first.len(), world.now), (1, until), "one goes first");
    let (_, reason) = world.reason("h");
    assert!(matches!(reason, Reason::Outage { probed: true, .. }), "{reason:?}");
    world.fails(&first[0], ErrorClass::CliCrash, None);
    assert_eq!(world.step(), [""; 0], "it does not answer yet");
    let mut next = Vec::new();
    while next.is_empty() {
        next = world.wait().unwrap();
    }
    assert_eq!((next.len(), world.now), (1, Millis(until.0 + 5 * MINUTE)));
    world.works(&next[0]);
    assert_eq!(world.step().len(), 5, "it answers");
}

#[test]
fn an_answer_between_failures_and_a_person_open_the_way() {
    let mut world = World::of(8, Limits { parallel: 6, ..Limits::default() });
    world.step();
    for task in ["a", "b", "c", "d"] {
        world.fails(task, ErrorClass::CliCrash, None);
    }
    world.fails("e", ErrorClass::TaskFailure, None);
    world.fails("f", ErrorClass::CliCrash, None);
    assert_eq!(world.step(), ["g", "h"], "no five in a row");
    world.fails("g", ErrorClass::Network, None);
    world.fails("h", ErrorClass::Network, None);
    world.step();
    for task in ["a", "b", "c"] {
        world.person(Kind::TaskResumed { task: id(task) });
    }
    assert_eq!(world.step(), ["a", "b", "c"]);
    world.fails("a", ErrorClass::Network, None);
    world.fails("b", ErrorClass::Network, None);
    assert_eq!(world.step(), [""; 0], "now it is left alone");
    world.person(Kind::TaskResumed { task: id("a") });
    assert_eq!(world.step(), ["a"], "what a person asks for goes at once");
}

#[test]
fn a_model_at_its_limit_is_replaced_by_the_next_one_that_is_free() {
    let mut world = World::of(2, Limits::default());
    let instead = Instead { standard: vec!["opus[1m]".to_owned(), "haiku".to_owned()], ..Instead::default() };
    let claude = Tiers { instead, ..Models::default().claude };
    world.person(Kind::ModelsSet { models: Models { claude, ..Models::default() } });
    world.step();
    assert_eq!(world.order("a").2.as_deref(), Some("sonnet"));
    let later = Millis(world.now.0 + HOUR);
    world.fails("a", ErrorClass::RateLimit, Some(later));
    assert_eq!(world.step(), ["a"], "another is free");
    assert_eq!(world.order("a").2.as_deref(), Some("opus[1m]"));
    world.fails("a", ErrorClass::RateLimit, Some(later));
    world.step();
    assert_eq!(world.order("a").2.as_deref(), Some("haiku"));
    world.fails("a", ErrorClass::RateLimit, Some(later));
    assert_eq!(world.step(), [""; 0], "none is left");
    assert!(world.waits("a") >= HOUR / SECOND);
    world.wait();
    assert_eq!(world.order("a").2.as_deref(), Some("sonnet"), "the first again");
    // A model that the person chose is not replaced.
    world.edit(PlanEdit::SetModel { task: id("b"), model: Some("opus".to_owned()), effort: None });
    world.fails("b", ErrorClass::RateLimit, Some(Millis(world.now.0 + HOUR)));
    assert_eq!(world.step(), [""; 0]);
}

fn found(harness: HarnessId) -> FoundAgent {
    FoundAgent::new(harness, "/bin/it")
}

/// Where a task stands that its agent failed four times in a row.
fn given_up(limits: Limits, agents: Vec<FoundAgent>, access: Access) -> World {
    let mut world = World::with(1, limits, access);
    world.fold(Actor::Bridge, Kind::AgentsFound { agents });
    world.step();
    for _ in 0..4 {
        world.fails("a", ErrorClass::CliCrash, None);
        world.step();
        while world.task("a").current.is_none() && !world.task("a").is_over() {
            world.wait();
        }
    }
    world
}

#[test]
fn another_agent_steps_in_where_it_is_there_and_allowed() {
    let both = || vec![found(HarnessId::Claude), found(HarnessId::Codex)];
    let allowed = || Limits { alternate: true, ..Limits::default() };
    let mut world = given_up(allowed(), both(), Access::Ask);
    assert_eq!(world.order("a").1, HarnessId::Codex, "it asks first as well");
    for _ in 0..4 {
        world.fails("a", ErrorClass::CliCrash, None);
        world.step();
        while world.task("a").current.is_none() && !world.task("a").is_over() {
            world.wait();
        }
    }
    let Standing::Failed { why, .. } = &world.task("a").standing else { panic!("both failed it") };
    assert!(why.contains("Tried 4 times, at last with Codex"), "{why}");
    world.person(Kind::TaskRetried { task: id("a") });
    world.step();
    assert_eq!(world.order("a").1, HarnessId::Claude, "a person begins with the first choice");
    let alone = vec![found(HarnessId::Claude)];
    for (limits, agents) in [(Limits::default(), both()), (allowed(), alone)] {
        let world = given_up(limits, agents, Access::Edit);
        assert!(matches!(world.task("a").standing, Standing::Failed { .. }));
    }
}

#[test]
fn a_part_is_done_by_the_agent_of_the_nearest_task_above_that_has_one() {
    let mut world = World::of(2, Limits { parallel: 1, ..Limits::default() });
    world.edit(PlanEdit::SetHarness { task: id("a"), harness: Some(HarnessId::Codex) });
    world.edit(PlanEdit::Move { task: id("b"), parent: id("a"), index: 0 });
    world.step();
    assert_eq!(world.order("b").1, HarnessId::Codex);
}

#[test]
fn nothing_that_was_cut_short_goes_on_by_itself_in_quiet_hours() {
    let quiet = Some(Quiet { from: 0, to: 7 * 60, offset: 0 });
    for (class, put_off) in
        [(ErrorClass::RateLimit, true), (ErrorClass::CliCrash, true), (ErrorClass::Lost, false)]
    {
        let mut world = World::of(1, Limits { quiet, ..Limits::default() });
        world.step();
        world.fails("a", class, None);
        let went_on = world.step();
        assert_eq!(went_on.is_empty(), put_off, "{class:?}");
        if put_off {
            let morning = Millis(MIDNIGHT.0 + 7 * HOUR);
            let (_, reason) = world.reason("a");
            assert!(
                matches!(reason, Reason::ResumesAt { until, quiet: Some(_), .. } if until == morning),
                "{reason:?}"
            );
            world.person(Kind::TaskResumed { task: id("a") });
            assert_eq!(world.step(), ["a"], "a person may at any hour");
            world.fails("a", class, None);
            world.step();
            assert_eq!(world.wait().unwrap(), ["a"]);
            assert_eq!(world.now, morning);
        }
    }
}

#[test]
fn what_is_spent_while_nobody_does_anything_has_an_end() {
    let limits = Limits { parallel: 2, unattended: Some(MicroUsd(1_000)), ..Limits::default() };
    let mut world = World::of(6, limits);
    assert_eq!(world.step(), ["a", "b"]);
    let structured = Some(json!({"outcome": "done", "summary": "Did it"}));
    let report = |cost| TurnReport { structured: structured.clone(), cost, ..TurnReport::default() };
    let well = RunEnd::Exited { code: 0 };
    world.ends("a", well.clone(), report(Some(MicroUsd(999))));
    assert_eq!(world.step(), ["c"], "there is a cent of a cent left");
    world.ends("b", well.clone(), report(Some(MicroUsd(1))));
    world.ends("c", well.clone(), report(Some(MicroUsd(0))));
    assert_eq!(world.step(), [""; 0]);
    assert_eq!(next_deadline(&world.state, world.now), None, "no time helps");
    assert_eq!(world.reason("d"), (Stands::Pending, Reason::Unattended(MicroUsd(1_000))));
    assert_eq!(world.reason("goal"), (Stands::Waiting, Reason::Unattended(MicroUsd(1_000))), "the goal asks");
    world.person(Kind::TaskResumed { task: id("goal") });
    assert_eq!(world.step(), ["d", "e"]);
    // Who does not tell what it costs is counted with what was held for it.
    world.ends("d", well, report(None));
    assert_eq!(world.step(), [""; 0]);
}

#[test]
fn a_stop_ends_every_wait() {
    for limits in [
        policy(Policy::Analyze),
        Limits {
            breaker: shared::limits::Breaker { failures: 1, ..Default::default() },
            ..Limits::default()
        },
    ] {
        let mut world = World::of(1, limits);
        world.step();
        world.fails("a", ErrorClass::NothingSaid, None);
        world.step();
        world.person(Kind::TaskStopped { task: id("a") });
        for _ in 0..20 {
            if let Some(task) = world.task("a").current.clone() {
                assert!(world.task("a").stop.is_some(), "{task} begins after the stop");
                world.ends("a", RunEnd::Signalled { signal: 15 }, TurnReport::default());
            }
            world.step();
            world.now = Millis(world.now.0 + HOUR);
        }
        assert!(world.task("a").is_over(), "{:?}", world.task("a").standing);
    }
}

#[test]
fn planning_and_summing_up_that_fail_are_tried_anew_like_work() {
    let mut world = World::of(1, policy(Policy::Same));
    assert_eq!(world.step(), ["a"]);
    world.works("a");
    assert_eq!(world.step(), ["goal"]);
    assert_eq!(world.order("goal").0, Purpose::Summary);
    world.fails("goal", ErrorClass::ContextOverflow, None);
    assert_eq!(world.step(), Vec::<String>::new());
    assert_eq!(world.wait(), Some(vec!["goal".to_owned()]));
    assert_eq!((world.order("goal").0, world.task("goal").attempt), (Purpose::Summary, 2));
    world.works("goal");
    world.step();
    assert_eq!(world.task("goal").standing, Standing::Completed);

    let (task, text, harness) = (id("other"), "Plan it".to_owned(), HarnessId::Claude);
    world.person(Kind::GoalStated { task, text, harness, access: Access::Edit });
    assert_eq!(world.step(), ["other"]);
    world.fails("other", ErrorClass::ContextOverflow, None);
    world.step();
    assert_eq!(world.wait(), Some(vec!["other".to_owned()]));
    assert_eq!(world.order("other").0, Purpose::Plan);
    world.fails("other", ErrorClass::Auth, None);
    world.step();
    let (message, text) = (shared::id::MessageId::new("m").unwrap(), "Go on".to_owned());
    world.person(Kind::MessageSent { task: id("other"), message, text, answers: None });
    assert_eq!(world.step(), ["other"]);
    world.fails("other", ErrorClass::ContextOverflow, None);
    world.step();
    assert_eq!(world.wait(), Some(vec!["other".to_owned()]), "also with what the person wrote");
}
