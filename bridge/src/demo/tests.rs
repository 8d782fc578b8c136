//! What the planner makes of goals, checked by what every plan must be.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use shared::plan::{Mode, PlannerAnswer, ProposedTask, Verdict};

use super::{bad_plan, planner};

fn check(answer: &PlannerAnswer) {
    let tasks = &answer.tasks;
    assert_eq!(answer.decision, Verdict::Plan);
    assert!((3..=12).contains(&tasks.len()), "{} tasks: {tasks:#?}", tasks.len());
    let keys: BTreeSet<&str> = tasks.iter().map(|task| task.key.as_str()).collect();
    assert_eq!(keys.len(), tasks.len(), "{keys:?}");
    for task in tasks {
        assert!(task.title.chars().count() <= 60 && !task.title.is_empty(), "{}", task.title);
        assert!(!task.objective.is_empty());
        assert!(task.after.iter().all(|key| keys.contains(key.as_str()) && *key != task.key), "{task:?}");
    }
    let mut done: BTreeSet<&str> = BTreeSet::new();
    while done.len() < tasks.len() {
        let ready: Vec<&ProposedTask> = tasks
            .iter()
            .filter(|task| {
                !done.contains(task.key.as_str()) && task.after.iter().all(|key| done.contains(key.as_str()))
            })
            .collect();
        assert!(!ready.is_empty(), "a cycle in {tasks:#?}");
        done.extend(ready.iter().map(|task| task.key.as_str()));
    }
}

#[test]
fn goals_become_sensible_plans() {
    let cases = [
        (
            "Build a todo app with an API, a web page, tests and docs",
            &["design", "api", "ui", "tests", "docs", "check"][..],
        ),
        (
            "Write a travel guide:\n- choose the cities\n- write a page for each\n- draw a map",
            &["choose-the-cities", "write-a-page-for-each", "draw-a-map"],
        ),
        (
            "Read the logs, then find the slow query and then fix it",
            &["read-the-logs", "find-the-slow-query", "fix-it"],
        ),
        ("Organise a birthday party for thirty people", &["gather", "draft", "check"]),
    ];
    for (goal, keys) in cases {
        let answer = planner::plan(goal);
        check(&answer);
        let planned: Vec<&str> = answer.tasks.iter().map(|task| task.key.as_str()).collect();
        assert_eq!(planned, keys, "{goal}");
    }
}

#[test]
fn a_choice_may_be_asked_and_a_say_is_had_together() {
    let answer = planner::plan("- choose the cities\n- write a page for each\n- settle the cover with me\n");
    let modes: Vec<Mode> = answer.tasks.iter().map(|task| task.mode).collect();
    assert_eq!(modes, [Mode::Hybrid, Mode::Autonomous, Mode::Interactive]);
    let answer = planner::plan("Build a game with a menu and tests. I want a say in how it looks.");
    check(&answer);
    assert_eq!(answer.tasks[0].mode, Mode::Interactive);
}

#[test]
fn small_goals_are_answered() {
    for goal in ["What is 2 + 2?", "hello", "how do I exit vim", "", "Build the whole thing [[demo answer]]"]
    {
        let answer = planner::plan(goal);
        assert_eq!((answer.decision, answer.tasks.len()), (Verdict::Answer, 0), "{goal}");
        assert!(!answer.reply.is_empty());
    }
}

#[test]
fn any_words_make_a_plan_that_holds() {
    let long = "Write something about everything. ".repeat(3000);
    let list: String = (0..200).map(|n| format!("- point {n}\n")).collect();
    let numbers: String = (1..40).map(|n| format!("{n}. step\n")).collect();
    for goal in [
        long.as_str(),
        list.as_str(),
        numbers.as_str(),
        "Build `x` — äöü 🎉 and a database",
        "Run `make test`. Write a report",
    ] {
        check(&planner::plan(goal));
    }
}

#[test]
fn a_command_in_the_goal_is_a_task_without_an_agent() {
    let answer = planner::plan("- Run `cargo test`\n- Write down what fails\n- Fix it");
    assert_eq!(answer.tasks[0].command, "cargo test");
    assert!(answer.tasks[1].command.is_empty());
}

#[test]
fn directives_of_a_goal_reach_their_tasks() {
    let answer =
        planner::plan("Do it [[demo tasks=3 shape=chain]] [[task 2: fail-once slow=50]] [[tasks: slow=1]]");
    check(&answer);
    let objectives: Vec<&str> = answer.tasks.iter().map(|task| task.objective.as_str()).collect();
    assert!(objectives[0].ends_with("[[demo slow=1]]"), "{objectives:?}");
    assert!(objectives[1].contains("fail-once"), "{objectives:?}");
    assert_eq!(answer.tasks[2].after, ["do-part-2"]);
}

#[test]
fn bad_plans_are_bad_as_asked() {
    assert!(bad_plan("empty").tasks.is_empty());
    assert_eq!(bad_plan("5000").tasks.len(), 5000);
    assert_eq!(bad_plan("unknown-dep").tasks[0].after, ["nowhere"]);
    let cycle = bad_plan("cycle").tasks;
    assert!(cycle.iter().all(|task| !task.after.is_empty()));
    let cycle = PlannerAnswer { decision: Verdict::Plan, reply: String::new(), tasks: cycle };
    std::panic::catch_unwind(|| check(&cycle)).unwrap_err();
}
