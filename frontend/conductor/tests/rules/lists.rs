//! Lists of tasks that are kept: what can be saved as one, who is found by a name, and how a goal becomes one.

#![expect(clippy::unwrap_used, reason = "a test's own world is as the test makes it")]

use std::collections::BTreeMap;

use conductor::State;
use conductor::list::{NoList, from_lines, lines, named, offered, plan, problem, said, tasks, terms};
use conductor::plan::given::{given, stated};
use conductor::plan::validate_given;
use serde_json::json;
use shared::agent::HarnessId;
use shared::entry::Kind;
use shared::evidence::{Check, Evidence, Preset};
use shared::id::{ListId, PersonaId, ProjectId, TemplateId};
use shared::limits::Caps;
use shared::list::TaskList;
use shared::models::Effort;
use shared::persona::{Character, Persona};
use shared::plan::{Access, Choice, Own, PlanEdit, PlannedTask, ProposedTask, Schedule, Terms, Work};
use shared::retry::{Policy, Retry};
use shared::reviewer::Reviewer;
use shared::template::{Template, Variant};
use shared::unit::Millis;

use crate::log::id;
use crate::stage::World;

fn task(key: &str, after: &[&str]) -> ProposedTask {
    serde_json::from_value(json!({"key": key, "title": key, "objective": "Do", "after": after})).unwrap()
}

fn list(name: &str, tasks: Vec<ProposedTask>) -> TaskList {
    TaskList {
        list: ListId::new(&name.to_lowercase()).unwrap(),
        name: name.to_owned(),
        goal: String::new(),
        harness: None,
        folder: None,
        terms: Terms::default(),
        tasks,
        caps: BTreeMap::new(),
        choices: BTreeMap::new(),
    }
}

#[test]
fn a_list_is_found_by_its_name_until_it_is_retired() {
    let mut world = World::new();
    let kept = list("Reviews", vec![task("a", &[])]);
    world.say(Kind::ListSaved { list: kept.clone() });
    world.say(Kind::ListSaved { list: list("Audit", vec![task("a", &[])]) });
    let names = |world: &World| -> Vec<String> {
        offered(&world.state).into_iter().map(|list| list.name.clone()).collect()
    };
    assert_eq!(names(&world), ["Audit", "Reviews"]);
    assert_eq!(named(&world.state, " REVIEWS "), Ok(&kept));
    world.say(Kind::ListRetired { list: kept.list.clone() });
    assert_eq!(names(&world), ["Audit"]);
    assert_eq!(named(&world.state, "reviews"), Err(NoList::Retired("Reviews".to_owned())));
    assert_eq!(named(&world.state, "review"), Err(NoList::Unknown("review".to_owned())));
    // One that is saved anew under the name stands before the one that is retired.
    let other = TaskList { list: ListId::new("other").unwrap(), ..kept.clone() };
    assert_eq!(problem(&world.state, &other), None);
    world.say(Kind::ListSaved { list: other.clone() });
    assert_eq!(named(&world.state, "reviews"), Ok(&other));
}

#[test]
fn what_could_not_be_run_is_not_saved() {
    let mut world = World::new();
    world.say(Kind::ListSaved { list: list("Reviews", vec![task("a", &[])]) });
    let twin = TaskList { list: ListId::new("twin").unwrap(), ..list("reviews", vec![task("a", &[])]) };
    let stranger = ProposedTask { agent: "Nobody".to_owned(), ..task("a", &[]) };
    for (bad, told) in [
        (twin, "there is a list called reviews already"),
        (list("None", Vec::new()), "a list needs at least one task"),
        (list("Twice", vec![task("a", &[]), task("a", &[])]), "is given twice"),
        (list("Circle", vec![task("a", &["b"]), task("b", &["a"])]), "in a cycle"),
        (list("Strange", vec![stranger]), "for the agent \"Nobody\", which is not there"),
    ] {
        let problem = problem(&world.state, &bad);
        assert!(problem.as_ref().is_some_and(|problem| problem.contains(told)), "{problem:?}");
    }
    // A log may have one all the same, of another version; it is passed over where it is none at all.
    world.say(Kind::ListSaved { list: list("None", Vec::new()) });
    assert_eq!(offered(&world.state).len(), 1);
}

/// What a goal's tasks become is a plan again, of the same shape and with the same words.
#[test]
fn the_tasks_of_a_goal_become_a_list_and_a_goal_again() {
    let part = |n: u32, above: &str| {
        PlannedTask::new(id("g").derived(n), id(above), format!("Part {n}"), format!("Do {n}"))
    };
    let mut world = World::new();
    let retry = Some(Retry { policy: Policy::Same, attempts: 3 });
    let work = Work::Command { command: "make".to_owned(), timeout: Millis::from_secs(60) };
    let mut checked = part(3, "g");
    checked.evidence.checks = vec![Check::CustomCommand { command: "npm test".to_owned() }];
    world.propose(vec![
        PlannedTask { key: "x".to_owned(), outputs: vec!["a.md".to_owned()], ..part(1, "g") },
        PlannedTask {
            key: "y".to_owned(),
            after: vec![id("g~1")],
            inputs: vec!["a.md".to_owned()],
            retry,
            ..part(2, "g")
        },
        PlannedTask { key: "z".to_owned(), ..checked },
        PlannedTask { key: "w".to_owned(), work, ..part(4, "g~3") },
    ]);
    world.edit(PlanEdit::Remove { task: id("g~1") });
    world.edit(PlanEdit::Restore { task: id("g~1") });
    let caps = Caps { turns: Some(9), ..Caps::default() };
    world.edit(PlanEdit::SetCaps { task: id("g~4"), caps });
    let (tasks, own) = tasks(&world.state, world.state.task(&id("g")).unwrap());
    assert_eq!(own.caps, BTreeMap::from([("3.1".to_owned(), caps)]));
    assert_eq!(own.choices, BTreeMap::new());
    let shape: Vec<_> =
        tasks.iter().map(|it| (it.key.as_str(), it.parent.as_str(), it.after.join(" "))).collect();
    let none = String::new;
    assert_eq!(
        shape,
        [("1", "", none()), ("2", "", "1".to_owned()), ("3", "", none()), ("3.1", "3", none())]
    );
    let kept = list("Again", tasks);
    assert_eq!(problem(&world.state, &kept), None);
    let mut again = World::new();
    let goal = again.state.task(&id("g")).unwrap();
    let planned = validate_given(&again.state, goal, &plan(&kept)).unwrap();
    assert_eq!(planned[1].retry, retry);
    assert_eq!(planned[2].evidence.checks, [Check::CustomCommand { command: "npm test".to_owned() }]);
    assert!(matches!(&planned[3].work, Work::Command { command, .. } if command == "make"), "{planned:?}");
    again.propose(planned);
    let words = |world: &World| -> Vec<(String, String, String)> {
        let below = world.state.subtree(&id("g")).into_iter().skip(1);
        below.map(|task| (task.number_text(), task.title.clone(), task.objective.clone())).collect()
    };
    assert_eq!(words(&again), words(&world));
}

/// Who does a task, how and when is kept, but for a time that will be past.
#[test]
fn what_was_chosen_for_a_task_is_chosen_again() {
    let template = Template {
        template: TemplateId::new("t").unwrap(),
        name: "Brief".to_owned(),
        variants: vec![Variant { name: "a".to_owned(), guidelines: "Be brief.".to_owned() }],
        harness: None,
        model: None,
        folder: None,
    };
    let mut world = World::new();
    world.say(Kind::TemplateSaved { template: template.clone() });
    let part = |n: u32| PlannedTask::new(id("g").derived(n), id("g"), format!("Part {n}"), "Do");
    let part = |n: u32| PlannedTask { key: n.to_string(), ..part(n) };
    world.propose(vec![part(1), PlannedTask { size: None, ..part(2) }]);
    let (task, hour) = (id("g~1"), Millis::from_secs(3_600));
    let choice = Choice {
        harness: Some(HarnessId::Codex),
        model: Some("gpt-5.1-codex".to_owned()),
        effort: Some(Effort::High),
        template: Some(template.template.clone()),
        priority: 3,
        repeat: Some(hour),
        review: Some(true),
        commit: Some(false),
    };
    for edit in [
        PlanEdit::SetHarness { task: task.clone(), harness: choice.harness },
        PlanEdit::SetModel { task: task.clone(), model: choice.model.clone(), effort: choice.effort },
        PlanEdit::SetTemplate { task: task.clone(), template: choice.template.clone() },
        PlanEdit::SetSchedule {
            task: task.clone(),
            schedule: Schedule { priority: 3, start: Some(hour), repeat: Some(hour) },
        },
        PlanEdit::SetEvidence {
            task: task.clone(),
            evidence: Evidence { checks: vec![Check::OutputsExist], review: Some(true), commit: Some(false) },
        },
    ] {
        world.edit(edit);
    }
    let (tasks, Own { caps, choices }) = tasks(&world.state, world.state.task(&id("g")).unwrap());
    assert_eq!(choices, BTreeMap::from([("1".to_owned(), choice.clone())]));
    let kept = TaskList { caps, choices, ..list("Again", tasks) };
    assert_eq!((problem(&world.state, &kept), lines(&kept)), (None, None));

    let stated = Kind::GoalStated {
        task: id("h"),
        text: "Again".to_owned(),
        harness: HarnessId::Demo,
        access: Access::Edit,
    };
    let (project, goal) = (ProjectId::new("p").unwrap(), id("h"));
    let given = |state: &State, list: &TaskList| {
        given(state, (&project, &goal), std::slice::from_ref(&stated), &plan(list), &list.own())
    };
    // A template that is offered no more goes on to be worked by.
    world.say(Kind::TemplateRetired { template: template.template });
    let kinds = given(&world.state, &kept).unwrap();
    [stated.clone()].into_iter().chain(kinds).for_each(|kind| world.say(kind));
    let again = world.state.task(&id("h~1")).unwrap();
    assert_eq!((conductor::list::choice(again), again.schedule.start), (choice.clone(), None));
    assert_eq!(again.evidence.checks, [Check::OutputsExist]);
    let sizes =
        |of: &str| ["1", "2"].map(|n| world.state.task(&id(&format!("{of}~{n}"))).unwrap().chosen_size());
    assert_eq!(sizes("h"), sizes("g"));

    let gone = TemplateId::new("gone").unwrap();
    let strange = Choice { template: Some(gone), model: Some("--yes".to_owned()), ..choice };
    let kept = TaskList { choices: [("2".to_owned(), strange)].into(), ..kept };
    let told = ["task \"2\": \"--yes\" is no model's name", "task \"2\": there is no such template"];
    assert_eq!(given(&world.state, &kept).unwrap_err(), told);
}

/// How its goal was gone about is kept with the tasks, and holds for the goal that it becomes.
#[test]
fn the_terms_of_a_goal_are_kept_and_hold_again() {
    let persona = Persona {
        persona: PersonaId::new("ann").unwrap(),
        name: "Ann".to_owned(),
        role: "writes".to_owned(),
        character: Character::Words { text: "Short.".to_owned() },
        harness: None,
        model: None,
        folder: None,
    };
    let chosen = Terms {
        access: Some(Access::Full),
        preset: Some(Preset::Reviewed),
        template: None,
        persona: Some(persona.persona.clone()),
        reviewer: Some(Reviewer::Other),
        model: Some("opus".to_owned()),
        effort: Some(Effort::High),
        caps: Caps { turns: Some(60), ..Caps::default() },
    };
    let mut world = World::new();
    world.say(Kind::PersonaSaved { persona });
    let kept = TaskList {
        harness: Some(HarnessId::Claude),
        terms: chosen.clone(),
        ..list("Again", vec![task("a", &[])])
    };
    assert_eq!(problem(&world.state, &kept), None);
    let goal = id("h");
    let said_first = stated(&goal, "Again".to_owned(), HarnessId::Claude, kept.terms_with(None));
    let planned =
        given(&world.state, (&ProjectId::new("p").unwrap(), &goal), &said_first, &plan(&kept), &kept.own());
    said_first.into_iter().chain(planned.unwrap()).for_each(|kind| world.say(kind));
    let again = world.state.task(&goal).unwrap();
    assert_eq!(terms(&world.state, again), chosen);
    // Of a part, with who does it by what it is a part of; its bounds are its own.
    let part = Terms { model: None, effort: None, caps: Caps::default(), ..chosen.clone() };
    assert_eq!(terms(&world.state, world.state.task(&id("h~1")).unwrap()), part);
    let words = [
        "as Ann",
        "opus · high",
        "editing and running commands",
        "reviewed",
        "reviewer other",
        "60 requests",
    ];
    assert_eq!(said(&world.state, &chosen), words);

    // A model is of its own CLI.
    assert_eq!(kept.terms_with(Some(HarnessId::Claude)), chosen);
    assert_eq!(
        kept.terms_with(Some(HarnessId::Codex)),
        Terms { model: None, effort: None, ..chosen.clone() }
    );
    let gone = Terms { persona: PersonaId::new("gone").ok(), model: Some("--yes".to_owned()), ..chosen };
    let told = problem(&world.state, &TaskList { terms: gone, ..kept }).unwrap();
    assert_eq!(told, "the goal: there is no such agent; the goal: \"--yes\" is no model's name");
}

#[test]
fn tasks_are_written_in_lines_where_lines_say_all_of_them() {
    let written = list("Written", from_lines(" Read it\n\n  Say it \n"));
    let said: Vec<_> = written.tasks.iter().map(|it| (it.key.as_str(), it.objective.as_str())).collect();
    assert_eq!(said, [("1", "Read it"), ("2", "Say it")]);
    assert_eq!(problem(&World::new().state, &written), None);
    assert_eq!(lines(&written).as_deref(), Some("Read it\nSay it"));
    let mut ordered = written.clone();
    ordered.tasks[1].after.push("1".to_owned());
    assert_eq!(lines(&ordered), None);
    let caps = BTreeMap::from([("1".to_owned(), Caps::default())]);
    assert_eq!(lines(&TaskList { caps, ..written.clone() }), None);
    let choices = BTreeMap::from([("1".to_owned(), Choice { priority: 1, ..Choice::default() })]);
    assert_eq!(lines(&TaskList { choices, ..written }), None);
}
