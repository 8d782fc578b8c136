//! Agents of the person's own: who does which task, with whose model and where, and when its words are told.

#![expect(clippy::unwrap_used, reason = "a test's own world is as the test makes it")]

use conductor::plan::edit::{EditProblem, check_edit, inverse};
use conductor::plan::validate_given;
use serde_json::json;
use shared::agent::HarnessId;
use shared::entry::{Kind, Purpose};
use shared::evidence::{Evidence, Preset};
use shared::id::PersonaId;
use shared::persona::{Character, Persona};
use shared::plan::{PlanEdit, PlannedTask, PlannerAnswer};

use crate::log::id;
use crate::stage::{Order, World};

fn persona(name: &str) -> PersonaId {
    PersonaId::new(&name.to_lowercase()).unwrap()
}

/// With words that say whose they are.
fn agent(name: &str) -> Persona {
    Persona {
        persona: persona(name),
        name: name.to_owned(),
        role: format!("does what {name} does"),
        character: Character::Words { text: format!("LIKE-{name}") },
        harness: None,
        model: None,
        folder: None,
    }
}

impl Order {
    fn begins_as(&self, name: &str) -> bool {
        let told = self.words().contains(&format!("You are {name}, does what {name} does.\n\nLIKE-{name}\n"));
        assert_eq!(told, self.cast == Some(persona(name)), "{self:?}");
        told
    }
}

impl World {
    fn give(&mut self, task: &str, name: Option<&str>) {
        self.edit(PlanEdit::SetPersona { task: id(task), persona: name.map(persona) });
    }

    /// Three tasks of which the third has a part, with nobody proposed for any.
    fn plan(&mut self) {
        let task = |n: u32, above: &str| PlannedTask {
            key: n.to_string(),
            ..PlannedTask::new(id("g").derived(n), id(above), format!("Part {n}"), "Do")
        };
        self.propose(vec![task(1, "g"), task(2, "g"), task(3, "g"), task(4, "g~3")]);
    }

    fn planned(mut self) -> Self {
        self.plan();
        self.approve(1);
        self
    }
}

/// A goal for Claude that `Ann` is given.
fn goal(agents: &[Persona]) -> World {
    let mut world = World::new();
    agents.iter().for_each(|agent| world.say(Kind::PersonaSaved { persona: agent.clone() }));
    world.give("g", Some("Ann"));
    world
}

#[test]
fn who_does_it_is_told_where_a_session_begins_and_never_again() {
    let mut world = goal(&[agent("Ann"), agent("Bob")]).planned();
    let first = world.order("g~1");
    assert!(first.begins_as("Ann"), "{}", first.words());
    assert!(first.words().starts_with("# Your task: Part 1\n\n## Who you are\n"), "{}", first.words());
    world.done(&first.run);
    world.step();
    world.write("g~1");
    let next = world.order("g~1");
    assert!(!next.begins_as("Ann") && next.cast.is_none(), "{}", next.words());
    assert_eq!(
        world.state.run(&next.run).unwrap().persona,
        Some(persona("Ann")),
        "it is still Ann's session"
    );
    world.done(&next.run);
    world.step();
    // Another one is told of when the next session begins.
    world.give("g~1", Some("Bob"));
    world.write("g~1");
    let next = world.order("g~1");
    assert!(next.cast.is_none(), "{}", next.words());
    world.done(&next.run);
    world.step();
    world.say(Kind::TaskRetried { task: id("g~1") });
    let anew = world.order("g~1");
    assert!(anew.begins_as("Bob") && !anew.begins_as("Ann"), "{}", anew.words());
}

#[test]
fn a_task_has_its_own_agent_or_that_of_the_nearest_above() {
    let mut world = goal(&[agent("Ann"), agent("Bob"), agent("Cem")]).planned();
    world.give("g~2", Some("Bob"));
    world.give("g~3", Some("Cem"));
    let orders = world.step();
    let cast = |task: &str| {
        let of = |order: &&Order| world.state.run(&order.run).unwrap().task == id(task);
        orders.iter().find(of).unwrap().cast.clone()
    };
    assert_eq!(cast("g~1"), Some(persona("Ann")));
    assert_eq!(cast("g~2"), Some(persona("Bob")));
    assert_eq!(cast("g~4"), Some(persona("Cem")), "a part of what Cem does");
}

#[test]
fn an_agent_brings_its_harness_model_and_folder_and_a_choice_goes_before_them() {
    let bob = Persona {
        harness: Some(HarnessId::Codex),
        model: Some("gpt-5.1-codex".to_owned()),
        folder: Some("/p/web".to_owned()),
        ..agent("Bob")
    };
    let mut world = goal(&[agent("Ann"), bob.clone()]).planned();
    world.give("g~1", Some("Bob"));
    world.give("g~2", Some("Bob"));
    world.edit(PlanEdit::SetModel { task: id("g~2"), model: Some("mine".to_owned()), effort: None });
    world.give("g~4", Some("Bob"));
    world.edit(PlanEdit::SetHarness { task: id("g~4"), harness: Some(HarnessId::Claude) });
    let orders = world.step();
    let of = |task: &str| {
        let of = |order: &&Order| world.state.run(&order.run).unwrap().task == id(task);
        let order = orders.iter().find(of).unwrap();
        (order.harness, order.model.clone().unwrap(), order.spec.cwd.clone())
    };
    assert_eq!(of("g~1"), (HarnessId::Codex, "gpt-5.1-codex".to_owned(), "/p/web".to_owned()));
    assert_eq!(of("g~2"), (HarnessId::Codex, "mine".to_owned(), "/p/web".to_owned()));
    let names_no_claude = (HarnessId::Claude, "sonnet".to_owned(), "/p/web".to_owned());
    assert_eq!(of("g~4"), names_no_claude, "a model of Codex is none of Claude's");
    let ann = Persona { harness: Some(HarnessId::Codex), folder: Some("/far".to_owned()), ..agent("Ann") };
    world.say(Kind::PersonaSaved { persona: ann });
    world.say(Kind::TaskStopped { task: id("g~4") });
    world.give("g~4", None);
    // What has begun stays where its session and what was looked at are.
    let first = orders.into_iter().find(|order| world.state.run(&order.run).unwrap().task == id("g~1"));
    world.done(&first.unwrap().run);
    world.step();
    world.say(Kind::PersonaSaved { persona: Persona { folder: Some("/p/other".to_owned()), ..bob } });
    world.write("g~1");
    assert_eq!(world.order("g~1").spec.cwd, "/p/web");
}

#[test]
fn whoever_reviews_is_not_who_did_it() {
    let ann = Persona { model: Some("haiku".to_owned()), ..agent("Ann") };
    let mut world = goal(&[ann]);
    world.edit(PlanEdit::SetPreset { task: id("g"), preset: Preset::Reviewed });
    let mut world = world.planned();
    let evidence = Evidence { review: Some(true), ..Evidence::default() };
    world.edit(PlanEdit::SetEvidence { task: id("g~1"), evidence });
    let work = world.order("g~1");
    assert_eq!((work.model.as_deref(), work.begins_as("Ann")), (Some("haiku"), true));
    world.done(&work.run);
    let review = world.order("g~1");
    assert_eq!(review.purpose, Purpose::Review);
    assert!(!review.words().contains("Ann") && review.cast.is_none(), "{}", review.words());
    assert_eq!(review.model.as_deref(), Some("opus"), "the one that reviews standard work");
    assert_eq!(world.state.run(&review.run).unwrap().persona, None);
}

#[test]
fn a_file_is_named_for_the_bridge_where_its_text_is_to_stand() {
    let ann = Persona { character: Character::File { path: "Soul.md".to_owned() }, ..agent("Ann") };
    let mut world = goal(&[ann]).planned();
    let first = world.order("g~1");
    let [insert] = &first.spec.inserts[..] else { panic!("{:?}", first.spec.inserts) };
    assert_eq!(insert.path, "Soul.md");
    assert_eq!(first.words().matches(&insert.mark).count(), 1, "{}", first.words());
    world.done(&first.run);
    world.step();
    world.write("g~1");
    assert!(world.order("g~1").spec.inserts.is_empty());
}

#[test]
fn a_planner_is_told_of_agents_and_names_one_that_is_there() {
    let mut world = goal(&[agent("Ann"), agent("Bob")]);
    world.say(Kind::PersonaRetired { persona: persona("Bob") });
    let plan = world.order("g");
    assert!(plan.begins_as("Ann"), "the goal is Ann's: {}", plan.words());
    assert!(plan.words().contains("- Ann, does what Ann does\n") && !plan.words().contains("Bob"));
    let answer = |agent: &str| -> PlannerAnswer {
        let task = json!({"key": "a", "title": "A", "objective": "Do A", "agent": agent});
        serde_json::from_value(json!({"decision": "plan", "reply": "", "tasks": [task]})).unwrap()
    };
    let check = |world: &World, agent: &str| {
        validate_given(&world.state, world.state.task(&id("g")).unwrap(), &answer(agent))
    };
    assert_eq!(check(&world, " ann").unwrap()[0].persona, Some(persona("Ann")));
    assert_eq!(check(&world, "").unwrap()[0].persona, None);
    let problems = check(&world, "Eve").unwrap_err();
    assert_eq!(problems, ["task \"a\" is for the agent \"Eve\", which is not there; there are: Ann"]);
}

#[test]
fn who_proposes_nobody_leaves_a_task_to_whom_the_person_chose() {
    let mut world = goal(&[agent("Ann"), agent("Bob")]);
    world.plan();
    world.give("g~1", Some("Bob"));
    world.plan();
    assert_eq!(world.state.task(&id("g")).unwrap().planning.as_ref().unwrap().version, 2);
    assert_eq!(world.state.task(&id("g~1")).unwrap().persona, Some(persona("Bob")));
}

#[test]
fn two_agents_of_one_name_are_refused_with_a_word() {
    let mut world = goal(&[agent("Ann")]);
    let twin = |name: &str| Persona { name: name.to_owned(), ..agent("twin") };
    let problem = conductor::persona::problem(&world.state, &twin(" ann ")).unwrap();
    assert!(problem.starts_with("there is an agent called ann already"), "{problem}");
    let changed = Persona { role: "does another thing".to_owned(), ..agent("Ann") };
    for fine in [twin("Anna"), changed] {
        assert_eq!(conductor::persona::problem(&world.state, &fine), None);
    }
    world.say(Kind::PersonaRetired { persona: persona("Ann") });
    assert_eq!(conductor::persona::problem(&world.state, &twin("Ann")), None, "the name is free again");
}

#[test]
fn a_retired_agent_keeps_its_tasks_and_an_edit_can_be_taken_back() {
    let mut world = goal(&[agent("Ann")]).planned();
    world.say(Kind::PersonaRetired { persona: persona("Ann") });
    assert!(world.order("g~1").begins_as("Ann"));
    let edit = PlanEdit::SetPersona { task: id("g"), persona: None };
    let back = PlanEdit::SetPersona { task: id("g"), persona: Some(persona("Ann")) };
    assert_eq!(inverse(&world.state, &edit), Some(back));
    let strange = PlanEdit::SetPersona { task: id("g"), persona: Some(persona("nobody")) };
    assert_eq!(check_edit(&world.state, &id("g"), &strange), Err(EditProblem::Persona));
    // What cannot be used is not taken, whoever sends it.
    world.say(Kind::PersonaSaved { persona: Persona { name: " ".to_owned(), ..agent("Ann") } });
    assert_eq!(world.state.personas[&persona("Ann")].persona.name, "Ann");
}
