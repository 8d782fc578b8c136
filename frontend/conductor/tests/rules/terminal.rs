//! Terminals: a person opens one, it takes the task's one turn, and nobody judges it but by the exit code of the task's own
//! command.

#![expect(clippy::unwrap_used, reason = "a test's own world is as the test makes it")]

use conductor::budget::near;
use conductor::driver::{Driver, Effect};
use conductor::health::warnings;
use conductor::state::{Standing, State, Task};
use conductor::status::{Kind as Stands, Reason, status};
use conductor::terminal::{Unopened, last, may_open, opened};
use shared::agent::{ErrorClass, HarnessId, TurnReport};
use shared::entry::{Body, Entry, Kind, Purpose};
use shared::evidence::{Check, Evidence};
use shared::harness::Decoder;
use shared::id::{ClientId, ProjectId, RunId};
use shared::limits::{Caps, Limits};
use shared::plan::{Access, Mode, PlanEdit, PlannedTask, Schedule, Work};
use shared::run::{Arg, Pipes, Program, RunEnd, Signal, Stdin, Window};
use shared::unit::{Epoch, Millis};
use shared::wire::ServerMessage;

use crate::log::{append, carry_out, id, person};
use crate::stage::{Order, World};

const WINDOW: Window = Window { rows: 24, cols: 80 };

/// A goal whose task "a" an agent does, and "b" comes after it; nothing has begun.
fn planned(mode: Mode) -> World {
    let mut world = World::new();
    world.propose(vec![
        PlannedTask { mode, ..PlannedTask::new(id("a"), id("g"), "Build", "Build it") },
        PlannedTask { after: vec![id("a")], ..PlannedTask::new(id("b"), id("g"), "Test", "Test it") },
    ]);
    world
}

fn task<'a>(world: &'a World, text: &str) -> &'a Task {
    world.state.task(&id(text)).unwrap()
}

fn opens(world: &mut World, text: &str) -> Option<Order> {
    world.say(Kind::TerminalOpened { task: id(text), window: WINDOW });
    world.step().into_iter().find(|order| order.purpose == Purpose::Terminal)
}

/// Its program began and has ended with this code, and its output told nothing.
fn leaves(world: &mut World, run: &RunId, code: i32) {
    ends(world, run, RunEnd::Exited { code }, TurnReport::default());
}

/// The same of a plain command, whose end is read.
fn exits(world: &mut World, run: &RunId, end: RunEnd) {
    let (_, report) = Decoder::new(HarnessId::Command).finish(&end);
    ends(world, run, end, report);
}

fn ends(world: &mut World, run: &RunId, end: RunEnd, report: TurnReport) {
    world.say(Kind::RunStarted { run: run.clone(), pid: 1, started: 1 });
    world.say(Kind::RunEnded { run: run.clone(), end, lines: 7, pipes: Pipes::Closed, used: None });
    world.say(Kind::TurnRead { run: run.clone(), report: report.into() });
}

#[test]
fn a_task_of_the_persons_waits_for_their_word_after_it_and_its_agent_begins_with_that() {
    let mut world = planned(Mode::Interactive);
    world.approve(1);
    let order = opens(&mut world, "a").unwrap();
    assert_eq!((order.harness, &order.spec.stdin), (HarnessId::Claude, &Stdin::Pty { window: WINDOW }));
    assert_eq!(order.spec.program, Program::Named { name: "claude".to_owned() });
    let words = order.spec.args.last().unwrap();
    assert!(
        matches!(words, Arg::Text { text } if text.contains("Build it") && text.starts_with('#')),
        "{words:?}"
    );
    assert_eq!((order.spec.limits.wall, order.spec.limits.silence), (None, None));
    let status_of = |world: &World| status(&world.state, task(world, "a")).reason;
    assert_eq!(status_of(&world), Reason::Starting);
    assert_eq!(opened(&world.state, task(&world, "a")).unwrap().id, order.run);
    leaves(&mut world, &order.run, 1);
    assert_eq!(world.step(), [], "nothing begins by itself");
    assert_eq!((status_of(&world), &task(&world, "a").session), (Reason::YourTurn, &None));
    world.write("a");
    assert_eq!(world.order("a").purpose, Purpose::Work);
}

#[test]
fn it_decides_nothing_about_what_is_over_and_takes_no_agents_place() {
    let mut world = planned(Mode::Autonomous);
    world.say(Kind::LimitsSet { limits: Limits { parallel: 1, ..Limits::default() } });
    world.approve(1);
    let work = world.order("a");
    assert_eq!(may_open(&world.state, task(&world, "a")), Err(Unopened::Busy));
    assert_eq!(opens(&mut world, "a"), None, "one turn at a time");
    world.done(&work.run);
    assert!(world.step().iter().any(|order| order.purpose == Purpose::Work), "b has the only place");
    assert_eq!(task(&world, "a").standing, Standing::Completed);
    let terminal = opens(&mut world, "a").unwrap();
    assert!(terminal.spec.args.contains(&Arg::text("--resume")), "it goes on with the task's session");
    assert_eq!(may_open(&world.state, task(&world, "a")), Err(Unopened::Open));
    leaves(&mut world, &terminal.run, 0);
    assert_eq!(task(&world, "a").standing, Standing::Completed);
    assert_eq!(last(&world.state, task(&world, "a")).unwrap().id, terminal.run);
}

#[test]
fn an_agent_that_would_begin_by_itself_lets_the_person_have_the_word() {
    let mut world = planned(Mode::Autonomous);
    world.approve(1);
    let terminal = opens(&mut world, "b").unwrap();
    leaves(&mut world, &terminal.run, 0);
    assert_eq!(task(&world, "b").standing, Standing::Yielded);
    world.say(Kind::TaskAccepted { task: id("b"), words: "Done by hand.".to_owned() });
    assert_eq!(task(&world, "b").standing, Standing::Completed);
}

#[test]
fn one_that_could_not_start_leaves_the_task_as_it_was() {
    let mut world = planned(Mode::Interactive);
    world.approve(1);
    let order = opens(&mut world, "a").unwrap();
    let end = RunEnd::NotFound { program: "claude".to_owned() };
    world.say(Kind::RunEnded { run: order.run.clone(), end, lines: 0, pipes: Pipes::Closed, used: None });
    world.say(Kind::TurnRead { run: order.run, report: shared::agent::TurnReport::default().into() });
    assert_eq!((world.step(), &task(&world, "a").standing), (Vec::new(), &Standing::Open));
    assert_eq!(status(&world.state, task(&world, "a")).reason, Reason::Begin);
}

#[test]
fn closing_it_ends_its_program_and_not_its_task() {
    let mut world = planned(Mode::Interactive);
    world.approve(1);
    let run = opens(&mut world, "a").unwrap().run;
    world.say(Kind::RunStarted { run: run.clone(), pid: 1, started: 1 });
    world.say(Kind::TaskRequeued { task: id("a") });
    assert_eq!(task(&world, "a").stop, None, "there is no turn to begin anew");
    world.say(Kind::TerminalClosed { run: run.clone() });
    let orders = carry_out(&mut world.state, world.now);
    assert_eq!(orders, [Kind::SignalSent { run: run.clone(), signal: Signal::Terminate, budget: None }]);
    leaves(&mut world, &run, 0);
    assert_eq!(task(&world, "a").standing, Standing::Yielded);
    let again = opens(&mut world, "a").unwrap().run;
    world.say(Kind::RunStarted { run: again.clone(), pid: 1, started: 1 });
    world.say(Kind::TaskStopped { task: id("a") });
    leaves(&mut world, &again, 0);
    assert_eq!(task(&world, "a").standing, Standing::Cancelled, "who stops the task ends its terminal too");
}

#[test]
fn there_is_none_for_what_is_not_agreed_on_and_for_what_has_parts() {
    let mut world = planned(Mode::Interactive);
    assert_eq!(opens(&mut world, "a"), None);
    assert_eq!(may_open(&world.state, task(&world, "a")), Err(Unopened::Proposed));
    world.approve(1);
    assert_eq!(task(&world, "a").terminal, None, "and no wish is left of it");
    assert_eq!(may_open(&world.state, task(&world, "g")), Err(Unopened::Goal));
    world.edit(PlanEdit::Add { planned: PlannedTask::new(id("a1"), id("a"), "Part", "Part"), index: 0 });
    assert_eq!(may_open(&world.state, task(&world, "a")), Err(Unopened::Group));
    world.edit(PlanEdit::Remove { task: id("b") });
    assert_eq!(may_open(&world.state, task(&world, "b")), Err(Unopened::Removed));
}

#[test]
fn a_command_runs_in_it_as_it_stands_and_a_task_by_hand_keeps_its_person() {
    let mut world = World::new();
    let work = Work::Command { command: "make menuconfig".to_owned(), timeout: Millis::from_secs(60) };
    world.propose(vec![
        PlannedTask { work, mode: Mode::Interactive, ..PlannedTask::new(id("a"), id("g"), "Set", "Set") },
        PlannedTask { mode: Mode::Manual, ..PlannedTask::new(id("b"), id("g"), "Sign", "Sign it") },
    ]);
    world.approve(1);
    let order = opens(&mut world, "a").unwrap();
    assert_eq!(order.spec.program, Program::Shell { command: "make menuconfig".to_owned() });
    let mine = opens(&mut world, "b").unwrap();
    world.say(Kind::RunStarted { run: mine.run.clone(), pid: 1, started: 1 });
    let shown = status(&world.state, task(&world, "b"));
    assert_eq!((shown.kind, shown.reason), (Stands::Active, Reason::Terminal));
    leaves(&mut world, &mine.run, 0);
    world.step();
    assert_eq!(status(&world.state, task(&world, "b")).reason, Reason::Yours);
}

#[test]
fn who_sat_at_it_before_its_time_is_asked_at_its_time() {
    let mut world = World::new();
    let mine = PlannedTask { mode: Mode::Manual, ..PlannedTask::new(id("a"), id("g"), "Sign", "Sign it") };
    world.propose(vec![mine]);
    let start = world.now + Millis::from_secs(3_600);
    let schedule = Schedule { start: Some(start), ..Schedule::default() };
    world.edit(PlanEdit::SetSchedule { task: id("a"), schedule });
    world.approve(1);
    let run = opens(&mut world, "a").unwrap().run;
    leaves(&mut world, &run, 0);
    world.step();
    assert_eq!(status(&world.state, task(&world, "a")).reason, Reason::StartsAt(start));
    world.now = start;
    world.step();
    assert_eq!(status(&world.state, task(&world, "a")).reason, Reason::Yours);
}

/// A goal whose task "a" is a command that wants this, and whose task "b" is one that comes after it.
fn commands(checks: Vec<Check>) -> World {
    let mut world = World::new();
    let work = Work::Command { command: "make menuconfig".to_owned(), timeout: Millis::from_secs(60) };
    let evidence = Evidence { checks, ..Evidence::default() };
    let set = PlannedTask::new(id("a"), id("g"), "Set", "Set");
    let mode = Mode::Interactive;
    world.propose(vec![
        PlannedTask { work: work.clone(), mode, evidence, ..set },
        PlannedTask {
            work,
            mode,
            after: vec![id("a")],
            ..PlannedTask::new(id("b"), id("g"), "Build", "Build")
        },
    ]);
    world.approve(1);
    world
}

#[test]
fn a_commands_exit_code_settles_its_task() {
    let mut world = commands(Vec::new());
    let first = opens(&mut world, "a").unwrap();
    exits(&mut world, &first.run, RunEnd::Exited { code: 3 });
    world.step();
    let failed = &task(&world, "a").standing;
    assert!(
        matches!(failed, Standing::Failed { class: ErrorClass::TaskFailure, why } if why.contains("exit code 3")),
        "{failed:?}"
    );
    assert_eq!(world.step(), [], "nothing tries it again in a place where nobody sits");
    let again = opens(&mut world, "a").unwrap();
    exits(&mut world, &again.run, RunEnd::Exited { code: 0 });
    let began = world.step();
    assert_eq!(task(&world, "a").standing, Standing::Completed);
    assert!(task(&world, "a").result.as_ref().unwrap().summary.contains("exit code 0"));
    assert_eq!(began, [], "b is done together with the person");
    // What is done stays done, whatever is tried there later.
    let later = opens(&mut world, "a").unwrap();
    exits(&mut world, &later.run, RunEnd::Exited { code: 1 });
    world.step();
    assert_eq!(task(&world, "a").standing, Standing::Completed);
}

#[test]
fn a_command_that_was_closed_or_interrupted_or_came_too_early_has_not_failed() {
    for end in [
        RunEnd::Exited { code: 130 },
        RunEnd::Signalled { signal: 2 },
        RunEnd::Lost { why: "the machine restarted".to_owned() },
    ] {
        let mut world = commands(Vec::new());
        let run = opens(&mut world, "a").unwrap().run;
        exits(&mut world, &run, end.clone());
        assert_eq!((world.step(), &task(&world, "a").standing), (Vec::new(), &Standing::Yielded), "{end:?}");
    }
    let mut world = commands(Vec::new());
    let run = opens(&mut world, "a").unwrap().run;
    world.say(Kind::RunStarted { run: run.clone(), pid: 1, started: 1 });
    world.say(Kind::TerminalClosed { run: run.clone() });
    // It may end in its own way when it is asked to.
    exits(&mut world, &run, RunEnd::Exited { code: 1 });
    assert_eq!((world.step(), &task(&world, "a").standing), (Vec::new(), &Standing::Yielded));
    let early = opens(&mut world, "b").unwrap();
    exits(&mut world, &early.run, RunEnd::Exited { code: 0 });
    assert_eq!((world.step(), &task(&world, "b").standing), (Vec::new(), &Standing::Yielded));
}

#[test]
fn a_command_in_a_terminal_is_done_when_all_is_shown_and_nobody_reads_its_words() {
    let tests = Check::CustomCommand { command: "make test".to_owned() };
    let mut world = commands(vec![tests]);
    let run = opens(&mut world, "a").unwrap().run;
    exits(&mut world, &run, RunEnd::Exited { code: 0 });
    let check = world.order("a");
    assert_eq!((check.purpose, &task(&world, "a").standing), (Purpose::Check, &Standing::Claimed));
    exits(&mut world, &check.run, RunEnd::Exited { code: 0 });
    world.step();
    assert_eq!(task(&world, "a").standing, Standing::Completed);

    let mut world = commands(vec![Check::NoErrorInOutput]);
    let run = opens(&mut world, "a").unwrap().run;
    exits(&mut world, &run, RunEnd::Exited { code: 0 });
    world.step();
    assert_eq!(task(&world, "a").standing, Standing::Yielded);
    assert!(task(&world, "a").result.as_ref().unwrap().summary.contains("no_error_in_output"));
}

#[test]
fn its_size_is_known_and_its_length_worries_nobody() {
    let mut world = planned(Mode::Interactive);
    world.approve(1);
    let run = opens(&mut world, "a").unwrap().run;
    world.say(Kind::RunStarted { run: run.clone(), pid: 1, started: 1 });
    let window = |world: &World| world.state.run(&run).unwrap().window;
    assert_eq!(window(&world), Some(WINDOW));
    world.say(Kind::TerminalResized { run: run.clone(), window: Window { rows: 0, cols: 132 } });
    assert_eq!(window(&world), Some(Window { rows: 2, cols: 132 }), "within bounds");
    let later = world.now + Millis::from_secs(100 * 3_600);
    assert_eq!(warnings(&world.state, task(&world, "a"), later), []);
}

#[test]
fn how_long_a_person_sits_there_is_no_time_of_the_tasks() {
    let mut world = planned(Mode::Interactive);
    let caps = Caps { time: Some(Millis::from_secs(60)), ..Caps::default() };
    world.edit(PlanEdit::SetCaps { task: id("a"), caps });
    world.approve(1);
    let run = opens(&mut world, "a").unwrap().run;
    world.say(Kind::RunStarted { run: run.clone(), pid: 1, started: 1 });
    world.now = world.now + Millis::from_secs(3_600);
    assert_eq!(warnings(&world.state, task(&world, "a"), world.now), []);
    leaves(&mut world, &run, 0);
    assert_eq!(near(&world.state, task(&world, "a"), world.now), None);
    world.write("a");
    let turn = world.order("a");
    assert_eq!(turn.spec.limits.wall, caps.time, "all of it is left for its agent");
}

#[test]
fn its_output_is_not_read_and_its_end_is() {
    let (text, harness, access) = ("Do it".to_owned(), HarnessId::Claude, Access::Edit);
    let a = PlannedTask::new(id("a"), id("g"), "Build", "Build it");
    let tasks = vec![PlannedTask { mode: Mode::Interactive, ..a }];
    let said = [
        Kind::ProjectOpened { folder: "/p".to_owned(), name: "p".to_owned() },
        Kind::GoalStated { task: id("g"), text, harness, access },
        Kind::PlanGiven { goal: id("g"), reply: String::new(), tasks },
        Kind::PlanApproved { goal: id("g"), version: 1 },
        Kind::TerminalOpened { task: id("a"), window: WINDOW },
    ];
    let (mut state, client) = (State::default(), ClientId::new("c").unwrap());
    said.iter().for_each(|kind| append(&mut state, Millis(1), person(), "p", kind.clone()));
    let order = carry_out(&mut state, Millis(1)).remove(0);
    let Kind::RunRequested { run, .. } = order.clone() else { panic!("{order:?}") };
    let mut driver = Driver::new(client.clone());
    let mut hears = |kind: Kind| {
        let (seq, project) = (driver.state().seq.next(), Some(ProjectId::new("p").unwrap()));
        let body = Body::Known(Box::new(kind));
        let entries = vec![Entry { seq, at: Millis(1), actor: person(), project, body }];
        let mut effects = driver.receive(&ServerMessage::BatonYours { epoch: Epoch(1) }, Millis(1));
        effects.extend(driver.receive(&ServerMessage::Entries { entries }, Millis(1)));
        effects
    };
    let started = Kind::RunStarted { run: run.clone(), pid: 1, started: 1 };
    let granted = Kind::BatonGranted { client, epoch: Epoch(1) };
    for kind in said.into_iter().chain([order, started, granted]) {
        assert_eq!(hears(kind), [], "nothing to follow");
    }
    let end = RunEnd::Exited { code: 3 };
    let read = hears(Kind::RunEnded { run, end, lines: 9_999, pipes: Pipes::Closed, used: None });
    assert!(matches!(&read[..], [Effect::Append { .. }]), "{read:?}");
}
