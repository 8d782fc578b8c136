//! Tasks that the person does, and plans that the person builds.

#![expect(clippy::unwrap_used, reason = "a test's own world is as the test makes it")]

use conductor::inbox::{Ask, inbox};
use conductor::plan::edit::{check_edit, next_mode};
use conductor::state::{Standing, State, Task};
use conductor::status::{Kind as Stands, Reason, Waker, status};
use conductor::survey::Survey;
use conductor::{next_deadline, prompt};
use shared::agent::{ErrorClass, HarnessId};
use shared::entry::{Kind, Outcome, Purpose};
use shared::evidence::Preset;
use shared::id::MessageId;
use shared::limits::Limits;
use shared::plan::{Access, Mode, PlanEdit, PlannedTask, Schedule};
use shared::unit::Millis;

use crate::log::{append, carry_out, id, person};

struct World {
    state: State,
    now: Millis,
}

impl World {
    /// A goal of which nothing is planned.
    fn new() -> Self {
        let mut world = Self { state: State::default(), now: Millis(1_000) };
        world.say(Kind::ProjectOpened { folder: "/p".to_owned(), name: "p".to_owned() });
        let (task, text) = (id("g"), "Do it".to_owned());
        world.say(Kind::GoalStated { task, text, harness: HarnessId::Demo, access: Access::Edit });
        world
    }

    /// `a` is the person's, `b` comes after it and is an agent's.
    fn with_tasks() -> Self {
        let mut world = Self::new();
        let a = PlannedTask { mode: Mode::Manual, ..PlannedTask::new(id("a"), id("g"), "Sign", "Sign it") };
        let b = PlannedTask { after: vec![id("a")], ..PlannedTask::new(id("b"), id("g"), "Send", "Send it") };
        world.say(Kind::PlanGiven { goal: id("g"), reply: String::new(), tasks: vec![a, b] });
        world
    }

    fn approved() -> Self {
        let mut world = Self::with_tasks();
        world.say(Kind::PlanApproved { goal: id("g"), version: 1 });
        world
    }

    fn say(&mut self, kind: Kind) {
        append(&mut self.state, self.now, person(), "p", kind);
    }

    fn edit(&mut self, edit: PlanEdit) {
        self.say(Kind::PlanEdited { goal: id("g"), edit });
    }

    /// The tasks whose turns are ordered now.
    fn step(&mut self) -> Vec<String> {
        let decided = carry_out(&mut self.state, self.now).into_iter();
        let ordered = decided.filter_map(|kind| match kind {
            Kind::RunRequested { task, .. } => Some(task.to_string()),
            _ => None,
        });
        ordered.collect()
    }

    fn task(&self, task: &str) -> &Task {
        self.state.task(&id(task)).unwrap()
    }

    fn reason(&self, task: &str) -> (Stands, Reason) {
        let status = status(&self.state, self.task(task));
        (status.kind, status.reason)
    }

    fn add(&mut self, task: &str, parent: &str) {
        let planned = PlannedTask::new(id(task), id(parent), task, "Do");
        self.edit(PlanEdit::Add { planned, index: u32::MAX });
    }
}

#[test]
fn it_waits_for_the_person_by_name_and_its_words_go_on_to_who_comes_after() {
    let mut world = World::approved();
    assert!(world.step().is_empty());
    assert_eq!(world.reason("a"), (Stands::Waiting, Reason::Yours));
    assert_eq!(status(&world.state, world.task("a")).waker(), Waker::Person);
    let waiting = inbox(&world.state, &Survey::live(&world.state));
    assert_eq!(waiting.iter().map(|it| (it.task.as_str(), it.ask)).collect::<Vec<_>>(), [("a", Ask::Do)]);
    world.now = Millis(9_000_000);
    assert!(world.step().is_empty(), "nobody does it in the person's place");
    world.say(Kind::TaskAccepted { task: id("a"), words: "Signed as **A. Mill**.".to_owned() });
    assert_eq!(world.task("a").standing, Standing::Completed);
    assert_eq!(world.step(), ["b"]);
    let (words, _) = prompt::prompt(&world.state, world.task("b"), Purpose::Work);
    assert!(words.contains("Signed as **A. Mill**."), "{words}");
}

#[test]
fn it_takes_no_place_and_no_money() {
    let mut world = World::approved();
    world.say(Kind::LimitsSet { limits: Limits { parallel: 0, ..Limits::default() } });
    assert!(world.step().is_empty());
    assert_eq!(world.reason("a"), (Stands::Waiting, Reason::Yours));
    assert!(world.state.runs.is_empty());
}

#[test]
fn it_is_the_persons_turn_after_what_comes_before() {
    let mut world = World::with_tasks();
    world.edit(PlanEdit::SetMode { task: id("a"), mode: Mode::Autonomous });
    world.edit(PlanEdit::SetMode { task: id("b"), mode: Mode::Manual });
    world.say(Kind::PlanApproved { goal: id("g"), version: 1 });
    assert_eq!(world.step(), ["a"]);
    assert_eq!(world.reason("b"), (Stands::Pending, Reason::After(vec![id("a")])));
    let mut late = World::approved();
    late.step();
    late.add("c", "g");
    late.edit(PlanEdit::AddDependency { task: id("a"), on: id("c") });
    assert_eq!(late.reason("a"), (Stands::Pending, Reason::After(vec![id("c")])), "it was asked too early");
}

#[test]
fn who_cannot_do_it_says_so_and_nobody_tries_it_again() {
    let mut world = World::approved();
    world.step();
    world.say(Kind::TaskGivenUp { task: id("a"), why: "The office is closed.".to_owned() });
    world.now = Millis(99_000_000);
    assert!(world.step().is_empty());
    let failed = Standing::Failed { class: ErrorClass::TaskFailure, why: "The office is closed.".to_owned() };
    assert_eq!(world.task("a").standing, failed);
    assert_eq!(world.reason("b"), (Stands::Pending, Reason::Stuck(vec![id("a")])));
    world.say(Kind::TaskRetried { task: id("a") });
    world.step();
    assert_eq!(world.reason("a"), (Stands::Waiting, Reason::Yours));
    // Nothing is given up that is an agent's, or done.
    world.say(Kind::TaskGivenUp { task: id("b"), why: "No.".to_owned() });
    world.say(Kind::TaskAccepted { task: id("a"), words: String::new() });
    world.say(Kind::TaskGivenUp { task: id("a"), why: "After all.".to_owned() });
    assert_eq!(
        (&world.task("a").standing, &world.task("b").standing),
        (&Standing::Completed, &Standing::Open)
    );
}

#[test]
fn it_goes_from_hand_to_agent_and_back_until_an_agent_has_begun() {
    let mut world = World::approved();
    world.step();
    world.edit(PlanEdit::SetMode { task: id("a"), mode: Mode::Hybrid });
    assert_eq!(world.step(), ["a"]);
    let by_hand = PlanEdit::SetMode { task: id("a"), mode: Mode::Manual };
    assert!(check_edit(&world.state, &id("g"), &by_hand).is_err(), "its agent is at it");
    assert_eq!(next_mode(&world.state, world.task("a")), Mode::Interactive);
    world.edit(PlanEdit::SetMode { task: id("a"), mode: Mode::Interactive });
    assert_eq!(next_mode(&world.state, world.task("a")), Mode::Autonomous, "but never the person's");
    assert!(
        check_edit(&world.state, &id("g"), &PlanEdit::SetMode { task: id("g"), mode: Mode::Manual }).is_err()
    );
}

#[test]
fn what_is_written_to_it_is_kept_for_the_agent_that_gets_it() {
    let mut world = World::approved();
    world.step();
    let message = MessageId::new("m").unwrap();
    world.say(Kind::MessageSent {
        task: id("a"),
        message: message.clone(),
        text: "In blue ink".to_owned(),
        answers: None,
    });
    assert!(world.step().is_empty());
    assert_eq!(world.reason("a"), (Stands::Waiting, Reason::Yours));
    world.edit(PlanEdit::SetMode { task: id("a"), mode: Mode::Autonomous });
    let decided = carry_out(&mut world.state, world.now);
    let carried = decided.iter().find_map(|kind| match kind {
        Kind::RunRequested { carries, .. } => Some(carries.clone()),
        _ => None,
    });
    assert_eq!(carried, Some(vec![message]));
}

#[test]
fn it_is_done_at_its_time_and_again() {
    let mut world = World::with_tasks();
    let schedule = Schedule { start: Some(Millis(5_000)), repeat: Some(Millis(60_000)), priority: 0 };
    world.edit(PlanEdit::SetSchedule { task: id("a"), schedule });
    world.say(Kind::PlanApproved { goal: id("g"), version: 1 });
    world.step();
    assert_eq!(world.reason("a"), (Stands::Pending, Reason::StartsAt(Millis(5_000))));
    assert_eq!(next_deadline(&world.state, world.now), Some((Millis(5_000), id("a"))));
    world.now = Millis(5_000);
    world.step();
    assert_eq!(world.reason("a"), (Stands::Waiting, Reason::Yours));
    world.say(Kind::TaskAccepted { task: id("a"), words: "Watered.".to_owned() });
    assert_eq!(world.reason("a"), (Stands::Completed, Reason::RepeatsAt(Millis(65_000))));
    world.now = Millis(65_000);
    world.step();
    assert_eq!(world.reason("a"), (Stands::Waiting, Reason::Yours));
    assert_eq!(world.task("a").result.as_ref().unwrap().summary, "Watered.", "until it is done again");
}

#[test]
fn one_with_parts_is_done_by_them() {
    let mut world = World::approved();
    world.step();
    world.add("a1", "a");
    assert_eq!(world.step(), ["a1"]);
    assert_eq!(world.reason("a").0, Stands::Active);
}

#[test]
fn a_stop_and_a_new_plan_reach_it_and_what_is_done_stays() {
    let mut world = World::approved();
    world.step();
    world.say(Kind::TaskStopped { task: id("a") });
    assert_eq!(world.task("a").standing, Standing::Cancelled);
    world.say(Kind::TaskRetried { task: id("a") });
    world.step();
    world.say(Kind::TaskAccepted { task: id("a"), words: "Done.".to_owned() });
    let edit = PlanEdit::Remove { task: id("a") };
    assert!(check_edit(&world.state, &id("g"), &edit).is_err(), "no run shows what the person did");
}

#[test]
fn a_plan_of_ones_own_begins_empty_and_waits_for_tasks() {
    let mut world = World::new();
    world.say(Kind::PlanGiven { goal: id("g"), reply: String::new(), tasks: Vec::new() });
    world.edit(PlanEdit::SetPreset { task: id("g"), preset: Preset::Autonomous });
    assert!(world.step().is_empty(), "no planner, and nobody takes it for a plan");
    assert_eq!(world.reason("g"), (Stands::Waiting, Reason::NoTasks));
    world.say(Kind::PlanApproved { goal: id("g"), version: 1 });
    assert_eq!(world.reason("g"), (Stands::Waiting, Reason::NoTasks), "there is nothing to say yes to");
    world.edit(PlanEdit::SetPreset { task: id("g"), preset: Preset::Quick });
    world.add("a", "g");
    world.add("b", "a");
    assert_eq!(world.reason("g"), (Stands::Waiting, Reason::Approve { version: 1 }));
    assert!(world.step().is_empty());
    world.say(Kind::PlanApproved { goal: id("g"), version: 1 });
    assert_eq!(world.step(), ["b"]);
    // A plan that is there is not given away for nothing.
    let mut other = World::with_tasks();
    other.say(Kind::PlanGiven { goal: id("g"), reply: String::new(), tasks: Vec::new() });
    assert_eq!(other.task("g").children.len(), 2);
}

#[test]
fn who_builds_a_plan_can_still_ask_a_planner() {
    let mut world = World::new();
    world.say(Kind::PlanGiven { goal: id("g"), reply: String::new(), tasks: Vec::new() });
    let (message, text) = (MessageId::new("m").unwrap(), "Plan it for me".to_owned());
    world.say(Kind::MessageSent { task: id("g"), message, text, answers: None });
    assert_eq!(world.step(), ["g"]);
}

#[test]
fn only_a_task_of_the_persons_own_is_handed_over() {
    let mut world = World::approved();
    let handed =
        |kind: &Kind| matches!(kind, Kind::TaskSettled { outcome: Outcome::Yielded { .. }, run: None, .. });
    let decided = carry_out(&mut world.state, world.now);
    assert_eq!(decided.iter().filter(|kind| handed(kind)).count(), 1);
    assert!(carry_out(&mut world.state, world.now).is_empty(), "once");
}
