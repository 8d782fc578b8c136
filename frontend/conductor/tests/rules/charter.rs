//! What all tasks of a goal are told.

#![expect(clippy::unwrap_used, reason = "a test's own world is as the test makes it")]

use conductor::State;
use conductor::plan::edit::{check_edit, inverse};
use conductor::prompt::prompt;
use shared::agent::HarnessId;
use shared::context::{Charter, FACTS, Fact, MEMORY, Section, VALUE};
use shared::entry::{Kind, Purpose};
use shared::limits::Limits;
use shared::plan::{Access, PlanEdit, PlannedTask};
use shared::unit::Millis;

use crate::log::{append, id, person};

fn say(state: &mut State, kind: Kind) {
    append(state, Millis(1), person(), "p", kind);
}

/// Two goals with a task each: `g.a`, `h.a`.
fn world() -> State {
    let mut state = State::default();
    say(&mut state, Kind::ProjectOpened { folder: "/p".to_owned(), name: "p".to_owned() });
    for goal in ["g", "h"] {
        let (task, text) = (id(goal), "Do it".to_owned());
        say(&mut state, Kind::GoalStated { task, text, harness: HarnessId::Demo, access: Access::Edit });
        let tasks = vec![PlannedTask::new(id(&format!("{goal}.a")), id(goal), "A", "Do A")];
        say(&mut state, Kind::PlanGiven { goal: id(goal), reply: String::new(), tasks });
    }
    state
}

fn fact(key: &str, value: &str) -> Fact {
    Fact { key: key.to_owned(), value: value.to_owned() }
}

fn set(state: &mut State, charter: Charter) {
    let edit = PlanEdit::SetCharter { task: id("g"), charter };
    say(state, Kind::PlanEdited { goal: id("g"), edit });
}

fn told(state: &State, task: &str, purpose: Purpose) -> String {
    prompt(state, state.task(&id(task)).unwrap(), purpose).0
}

#[test]
fn every_task_of_the_goal_is_told_its_rules_and_facts_and_no_other_goals() {
    let mut state = world();
    assert!(!told(&state, "g.a", Purpose::Work).contains("## Rules"));
    let facts = vec![fact("server", "10.0.0.7"), fact("hours", "9 to 5\nMonday too")];
    set(&mut state, Charter { rules: "- Touch no migration.".to_owned(), facts });
    let expected = "## Rules of this goal\n\n- Touch no migration.\n\n## Facts\n\n- server: 10.0.0.7\n- hours: 9 to 5\n  Monday too\n";
    for (task, purpose) in [
        ("g.a", Purpose::Work),
        ("g.a", Purpose::Review),
        ("g", Purpose::Plan),
        ("g", Purpose::Summary),
        ("g", Purpose::Talk),
    ] {
        let words = told(&state, task, purpose);
        assert!(words.contains(expected), "{purpose:?}: {words}");
    }
    let words = told(&state, "h.a", Purpose::Work);
    assert!(!words.contains("## Rules") && !words.contains("## Facts"), "{words}");
}

#[test]
fn they_give_way_before_the_objective_and_after_what_others_came_to() {
    let mut state = world();
    say(&mut state, Kind::LimitsSet { limits: Limits { context_bytes: 16 * 1024, ..Limits::default() } });
    set(&mut state, Charter { rules: "r".repeat(MEMORY), facts: vec![fact("k", &"v".repeat(2_000))] });
    let (words, cuts) = prompt(&state, state.task(&id("g.a")).unwrap(), Purpose::Work);
    let cut: Vec<Section> = cuts.iter().map(|cut| cut.section).collect();
    assert_eq!(cut, [Section::Facts, Section::Rules]);
    assert!(words.contains("Do A") && words.contains("bytes of the goal's rules"), "{words}");
    let place = |section| Section::ALL.iter().position(|known| *known == section);
    assert!(
        place(Section::Results) < place(Section::Facts) && place(Section::Rules) < place(Section::Objective)
    );
}

#[test]
fn what_is_wrong_is_refused_and_what_was_set_comes_back() {
    let mut state = world();
    let first = Charter { rules: "First".to_owned(), facts: Vec::new() };
    set(&mut state, first.clone());
    let same = vec![fact("a", "1"), fact("a", "2")];
    for (rules, facts) in [
        ("r".repeat(MEMORY + 1), Vec::new()),
        (String::new(), same),
        (String::new(), vec![fact(" ", "1")]),
        (String::new(), vec![fact("two\nlines", "1")]),
        (String::new(), vec![fact("a", &"v".repeat(VALUE))]),
        (String::new(), (0..=FACTS).map(|n| fact(&n.to_string(), "1")).collect()),
    ] {
        let charter = Charter { rules, facts };
        let edit = PlanEdit::SetCharter { task: id("g"), charter: charter.clone() };
        assert!(check_edit(&state, &id("g"), &edit).is_err(), "{edit:?}");
        set(&mut state, charter);
        assert_eq!(state.task(&id("g")).unwrap().goal.as_ref().unwrap().charter, first);
    }
    let other = PlanEdit::SetCharter { task: id("g.a"), charter: Charter::default() };
    assert!(check_edit(&state, &id("g"), &other).is_err(), "a goal's, and no task's");
    let edit = PlanEdit::SetCharter { task: id("g"), charter: Charter::default() };
    let back = inverse(&state, &edit).unwrap();
    assert_eq!(back, PlanEdit::SetCharter { task: id("g"), charter: first });
}
