//! Who reviews: whom the person chose where that one is there and was not in the room, otherwise somebody else, with a word.

#![expect(clippy::unwrap_used, reason = "a test's own world is as the test makes it")]

use conductor::plan::edit::{EditProblem, check_edit, inverse};
use conductor::plan::validate_given;
use conductor::reviewer::{named, words};
use serde_json::json;
use shared::agent::{FoundAgent, HarnessId};
use shared::entry::{Kind, Purpose};
use shared::evidence::Preset;
use shared::id::PersonaId;
use shared::limits::Limits;
use shared::persona::{Character, Persona};
use shared::plan::{PlanEdit, PlannedTask};
use shared::reviewer::Reviewer;

use crate::log::id;
use crate::stage::{Order, World};

fn ann() -> PersonaId {
    PersonaId::new("ann").unwrap()
}

fn codex() -> Reviewer {
    Reviewer::Agent { harness: HarnessId::Codex, model: None }
}

/// A reviewed goal for Claude of two tasks, on a machine with these agents; Ann is one of the person's own.
fn world(there: &[HarnessId]) -> World {
    let mut world = World::new();
    let found = |harness: &HarnessId| FoundAgent::new(*harness, "/bin/agent");
    world.say(Kind::AgentsFound { agents: there.iter().map(found).collect() });
    let character = Character::Words { text: "LIKE-Ann".to_owned() };
    let (name, role) = ("Ann".to_owned(), "is strict".to_owned());
    let persona = Persona { persona: ann(), name, role, character, harness: None, model: None, folder: None };
    world.say(Kind::PersonaSaved { persona });
    world.edit(PlanEdit::SetPreset { task: id("g"), preset: Preset::Reviewed });
    world.propose(["a", "b"].map(|name| PlannedTask::new(id(name), id("g"), name, "Do")).to_vec());
    world.approve(1);
    world
}

fn both() -> World {
    world(&[HarnessId::Claude, HarnessId::Codex])
}

impl World {
    fn choose(&mut self, task: &str, reviewer: Reviewer) {
        self.edit(PlanEdit::SetReviewer { task: id(task), reviewer: Some(reviewer) });
    }

    /// Has the first task done, and gives the order for its review.
    fn reviewed(&mut self) -> Order {
        let work = self.order("a");
        self.done(&work.run);
        let review = self.order("a");
        assert_eq!(review.purpose, Purpose::Review);
        review
    }

    /// Why another one reviews, as the log tells it.
    fn replaced(&self, review: &Order) -> Option<&str> {
        self.state.run(&review.run).unwrap().replaced.as_deref()
    }
}

#[test]
fn nobodys_choice_is_the_workers_kind_with_another_model() {
    let mut world = both();
    let review = world.reviewed();
    assert_eq!((review.harness, review.model.as_deref()), (HarnessId::Claude, Some("opus")));
    assert_eq!(world.replaced(&review), None);
}

#[test]
fn a_kind_a_model_or_the_other_kind_reviews_where_it_was_chosen() {
    let with = |harness, model: &str| Reviewer::Agent { harness, model: Some(model.to_owned()) };
    for (reviewer, harness, model) in [
        (codex(), HarnessId::Codex, None),
        (Reviewer::Other, HarnessId::Codex, None),
        (with(HarnessId::Codex, "gpt-5"), HarnessId::Codex, Some("gpt-5")),
        (Reviewer::Model { model: "haiku".to_owned() }, HarnessId::Claude, Some("haiku")),
    ] {
        let mut world = both();
        world.choose("a", reviewer.clone());
        let review = world.reviewed();
        assert_eq!((review.harness, review.model.as_deref()), (harness, model), "{reviewer}");
        assert_eq!(world.replaced(&review), None, "{reviewer}");
    }
}

#[test]
fn the_nearest_choice_holds_and_auto_takes_one_back() {
    let mut world = both();
    let limits = Limits { reviewer: codex(), ..world.state.limits.clone() };
    world.say(Kind::LimitsSet { limits });
    assert_eq!(world.reviewed().harness, HarnessId::Codex, "that for all tasks");
    let mut world = both();
    world.choose("g", codex());
    assert_eq!(world.reviewed().harness, HarnessId::Codex, "the goal's");
    let mut world = both();
    world.choose("g", codex());
    world.choose("a", Reviewer::Auto);
    assert_eq!(world.reviewed().harness, HarnessId::Claude, "its own");
}

#[test]
fn an_agent_of_ones_own_reviews_and_is_told_who_it_is() {
    let mut world = both();
    world.choose("g", Reviewer::Persona { persona: ann() });
    let review = world.reviewed();
    assert!(review.words().contains("You are Ann, is strict.\n\nLIKE-Ann\n"), "{}", review.words());
    assert_eq!(review.cast, Some(ann()));
    assert_eq!(review.model.as_deref(), Some("opus"), "a model of another size than the worker's");
}

#[test]
fn who_was_in_the_room_does_not_review_and_that_is_said() {
    let mut world = both();
    world.edit(PlanEdit::SetPersona { task: id("g"), persona: Some(ann()) });
    world.choose("g", Reviewer::Persona { persona: ann() });
    let review = world.reviewed();
    assert!(!review.words().contains("Ann") && review.cast.is_none(), "{}", review.words());
    assert_eq!(world.replaced(&review), Some("Ann was chosen to review, and did the work."));
    let mut world = both();
    world.choose("a", Reviewer::Model { model: "sonnet".to_owned() });
    let review = world.reviewed();
    assert_eq!(review.model.as_deref(), Some("opus"));
    assert_eq!(world.replaced(&review), Some("sonnet was chosen to review, and did the work."));
}

#[test]
fn who_is_not_there_does_not_review_and_that_is_said() {
    let mut world = world(&[HarnessId::Claude]);
    world.choose("a", codex());
    let review = world.reviewed();
    assert_eq!(review.harness, HarnessId::Claude);
    assert_eq!(world.replaced(&review), Some("Codex was chosen to review, and is not there."));
}

#[test]
fn what_was_found_goes_back_to_the_worker_and_not_to_the_reviewers_kind() {
    let mut world = both();
    world.choose("a", Reviewer::Other);
    let review = world.reviewed();
    world.begins(&review.run);
    let answer = json!({"verdict": "findings", "summary": "Not yet.", "findings": ["a.rs: no test"]});
    let report = shared::agent::TurnReport { structured: Some(answer), ..Default::default() };
    world.ends(&review.run, report);
    let repair = world.order("a");
    assert_eq!((repair.purpose, repair.harness), (Purpose::Repair, HarnessId::Claude));
    world.done(&repair.run);
    let review = world.order("a");
    assert_eq!((review.purpose, review.harness), (Purpose::Review, HarnessId::Codex));
}

#[test]
fn a_choice_is_read_as_it_is_said_and_can_be_taken_back() {
    let world = both();
    for (said, reviewer) in [
        ("", None),
        ("usual", None),
        ("auto", Some(Reviewer::Auto)),
        (" ann ", Some(Reviewer::Persona { persona: ann() })),
        ("codex", Some(codex())),
    ] {
        let read = named(&world.state, said).unwrap();
        assert_eq!(read, reviewer, "{said:?}");
        let again = read.map(|reviewer| named(&world.state, &words(&world.state, &reviewer)).unwrap());
        assert_eq!(again.flatten(), reviewer, "{said:?}");
    }
    let problem = named(&world.state, "Eve").unwrap_err();
    assert!(
        problem.starts_with("\"Eve\" is no reviewer; say usual, auto") && problem.ends_with("Ann"),
        "{problem}"
    );
    let edit = |reviewer| PlanEdit::SetReviewer { task: id("a"), reviewer };
    assert_eq!(inverse(&world.state, &edit(Some(codex()))), Some(edit(None)));
    for strange in [
        Reviewer::Persona { persona: PersonaId::new("eve").unwrap() },
        Reviewer::Model { model: "--yolo".to_owned() },
        Reviewer::Agent { harness: HarnessId::Command, model: None },
    ] {
        assert_eq!(check_edit(&world.state, &id("g"), &edit(Some(strange))), Err(EditProblem::Reviewer));
    }
}

#[test]
fn a_planner_names_who_reviews_and_leaves_what_the_person_chose() {
    let mut world = World::new();
    let given = |world: &World, reviewer: &str| {
        let task = json!({"key": "a", "title": "A", "objective": "Do A", "reviewer": reviewer});
        let answer = json!({"decision": "plan", "reply": "", "tasks": [task]});
        validate_given(
            &world.state,
            world.state.task(&id("g")).unwrap(),
            &serde_json::from_value(answer).unwrap(),
        )
    };
    let tasks = given(&world, "other").unwrap();
    assert_eq!(tasks[0].reviewer, Some(Reviewer::Other));
    let problems = given(&world, "Eve").unwrap_err();
    assert!(problems[0].starts_with("task \"a\": \"Eve\" is no reviewer"), "{problems:?}");
    world.propose(tasks.clone());
    let task = tasks[0].task.to_string();
    world.choose(&task, codex());
    world.propose(given(&world, "").unwrap());
    assert_eq!(world.state.task(&id(&task)).unwrap().reviewer, Some(codex()));
}
