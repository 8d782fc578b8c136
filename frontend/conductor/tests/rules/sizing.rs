//! Sizes that nobody chose: what the rule says, when a model is asked, and that a choice stands above both.

#![expect(clippy::unwrap_used, reason = "a test's own world is as the test makes it")]

use conductor::sizing::guess;
use conductor::state::SizedBy;
use conductor::words;
use serde_json::json;
use shared::agent::{AgentError, ErrorClass, HarnessId, TurnReport};
use shared::entry::{Kind, Purpose};
use shared::limits::Limits;
use shared::plan::{PlanEdit, PlannedTask, Size};
use shared::sizing::Sizing;
use shared::template::{Template, Variant};

use crate::log::id;
use crate::stage::World;

fn task(title: &str, objective: &str) -> PlannedTask {
    PlannedTask { key: "1".to_owned(), size: None, ..PlannedTask::new(id("g~1"), id("g"), title, objective) }
}

/// A goal for Claude with this one task.
fn world(task: PlannedTask) -> World {
    let mut world = World::new();
    world.propose(vec![task]);
    world.approve(1);
    world
}

impl World {
    fn sized(&self) -> (Size, SizedBy) {
        let task = self.state.task(&id("g~1")).unwrap();
        (task.size, task.sized.clone())
    }

    fn limit(&mut self, sizing: Sizing) {
        self.say(Kind::LimitsSet { limits: Limits { sizing, ..self.state.limits.clone() } });
    }
}

fn found(why: &str) -> SizedBy {
    SizedBy::Found { why: why.to_owned() }
}

fn unsure() -> PlannedTask {
    task("Design the database", "Set out its tables.")
}

#[test]
fn the_rule_goes_by_words_outputs_and_dependencies() {
    let long = "word ".repeat(160);
    let outputs = |count: usize| (0..count).map(|n| format!("{n}.md")).collect::<Vec<_>>();
    let after = |count: u32| (1..=count).map(|n| id("g").derived(n + 1)).collect::<Vec<_>>();
    let usual =
        "The page shows what is in the cart and lets the person change how many there are of each thing";
    for (title, objective, outs, deps, size, sure) in [
        ("Rename the cart", "Call it basket.", 0, 0, Size::Light, true),
        ("Rename the cart", "Call it basket everywhere.", 0, 0, Size::Light, false),
        ("Show the cart", usual, 1, 1, Size::Standard, true),
        ("Show it", "Show it.", 0, 0, Size::Standard, false),
        ("Design the database", "Set out its tables.", 0, 0, Size::Standard, false),
        ("Migrate all handlers", "To the new way.", 0, 0, Size::Heavy, true),
        ("Show the cart", &long, 6, 0, Size::Heavy, true),
        ("Show the cart", usual, 3, 3, Size::Standard, false),
        ("Rename the cart", &long, 6, 3, Size::Standard, false),
    ] {
        let planned = PlannedTask { outputs: outputs(outs), after: after(deps), ..task(title, objective) };
        let mut all = vec![planned];
        all.extend((2..=4).map(|n| PlannedTask::new(id("g").derived(n), id("g"), "Other", "Other")));
        let mut world = World::new();
        world.propose(all);
        let guess = guess(world.state.task(&id("g~1")).unwrap());
        assert_eq!((guess.size, guess.sure), (size, sure), "{title}, {objective:.40}: {}", guess.why);
        assert!(!guess.why.is_empty());
    }
}

#[test]
fn what_the_rule_is_sure_of_needs_no_model() {
    let mut world = world(task("Rename the cart", "Call it basket."));
    let told = words::sizing(&world.state, world.state.task(&id("g~1")).unwrap());
    let why = "it begins with “rename” and it is said in 6 words";
    assert_eq!(told.unwrap(), format!("auto → light, because {why}"));
    let first = world.order("g~1");
    assert_eq!((first.purpose, first.model.as_deref()), (Purpose::Work, Some("haiku")));
    assert_eq!(world.sized(), (Size::Light, found(why)));
}

#[test]
fn where_the_rule_is_unsure_a_light_model_is_asked_once() {
    let mut world = world(unsure());
    let asked = world.order("g~1");
    assert_eq!((asked.purpose, asked.model.as_deref()), (Purpose::Classify, Some("haiku")));
    assert!(asked.words().contains("Set out its tables."), "{}", asked.words());
    world.begins(&asked.run);
    let answer = json!({"size": "heavy", "why": "much  hangs\non it"});
    world.ends(&asked.run, TurnReport { structured: Some(answer), ..TurnReport::default() });
    let first = world.order("g~1");
    assert_eq!((first.purpose, first.model.as_deref()), (Purpose::Work, Some("opus")));
    assert_eq!(world.sized(), (Size::Heavy, found("much hangs on it")));
    assert!(world.state.task(&id("g~1")).unwrap().session.is_none(), "its words are not the task's");
    // Tried anew it is what it was.
    world.done(&first.run);
    world.step();
    world.say(Kind::TaskRetried { task: id("g~1") });
    assert_eq!(world.order("g~1").purpose, Purpose::Work);
}

#[test]
fn a_model_that_does_not_say_holds_nothing_up() {
    let error = AgentError { class: ErrorClass::Overload, message: "529".to_owned(), until: None };
    for report in [
        TurnReport { error: Some(error), ..TurnReport::default() },
        TurnReport { final_text: "Hard to say.".to_owned(), ..TurnReport::default() },
    ] {
        let mut world = world(unsure());
        let asked = world.order("g~1");
        world.begins(&asked.run);
        world.ends(&asked.run, report);
        let first = world.order("g~1");
        assert_eq!((first.purpose, first.model.as_deref()), (Purpose::Work, Some("sonnet")));
        assert_eq!(world.sized(), (Size::Standard, found("the model that was asked did not say")));
    }
}

#[test]
fn what_was_chosen_is_not_looked_at() {
    let mut world = world(PlannedTask { size: Some(Size::Light), ..unsure() });
    assert_eq!(world.order("g~1").model.as_deref(), Some("haiku"));
    let late = Kind::TaskSized { task: id("g~1"), run: None, size: Size::Heavy, why: "late".to_owned() };
    world.say(late);
    assert_eq!(world.sized(), (Size::Light, SizedBy::Chosen));
}

#[test]
fn nobody_is_asked_where_it_makes_no_difference() {
    let edits = |world: &mut World| -> [PlanEdit; 2] {
        let variant = Variant { name: "a".to_owned(), guidelines: "So".to_owned() };
        let template = Template {
            template: shared::id::TemplateId::new("t").unwrap(),
            name: "T".to_owned(),
            variants: vec![variant],
            harness: None,
            model: Some("opus".to_owned()),
            folder: None,
        };
        let id_of = template.template.clone();
        world.say(Kind::TemplateSaved { template });
        let task = id("g~1");
        [
            PlanEdit::SetModel { task: task.clone(), model: Some("mine".to_owned()), effort: None },
            PlanEdit::SetTemplate { task, template: Some(id_of) },
        ]
    };
    for which in 0..2 {
        let mut world = world(unsure());
        let edit = edits(&mut world)[which].clone();
        world.edit(edit);
        assert_eq!(world.order("g~1").purpose, Purpose::Work);
    }
    // Codex has no models of its own in the table, and the demo none at all.
    for harness in [HarnessId::Codex, HarnessId::Demo] {
        let mut world = world(unsure());
        world.edit(PlanEdit::SetHarness { task: id("g~1"), harness: Some(harness) });
        assert_eq!(world.order("g~1").purpose, Purpose::Work, "{harness}");
    }
}

#[test]
fn finding_out_can_be_switched_off() {
    let mut by_rule = world(unsure());
    by_rule.limit(Sizing::Rule);
    assert_eq!(by_rule.order("g~1").purpose, Purpose::Work);
    assert_eq!(by_rule.sized(), (Size::Standard, found("it begins with “design”")));
    let mut off = world(task("Rename the cart", "Call it basket."));
    off.limit(Sizing::Off);
    assert_eq!(off.order("g~1").model.as_deref(), Some("sonnet"));
    assert_eq!(off.sized(), (Size::Standard, SizedBy::Nobody));
}

#[test]
fn a_plan_that_says_no_size_leaves_what_the_person_chose() {
    let mut world = World::new();
    world.propose(vec![unsure()]);
    world.edit(PlanEdit::SetSize { task: id("g~1"), size: Some(Size::Heavy) });
    world.propose(vec![unsure()]);
    assert_eq!(world.sized(), (Size::Heavy, SizedBy::Chosen));
    world.edit(PlanEdit::SetSize { task: id("g~1"), size: None });
    assert_eq!(world.sized(), (Size::Standard, SizedBy::Nobody));
}
