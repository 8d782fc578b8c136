//! Done needs evidence, with real processes: the demo agent lies, is found out by a look at the folder or by a reviewer,
//! and mends it or fails.

use serde_json::{Value, json};
use tests::request::call;
use tests::world::World;

#[path = "headless/terminal.rs"]
mod terminal;

use terminal::Terminal;

const BIN: &str = env!("CARGO_BIN_EXE_orchestrator");

fn task(key: &str, directive: &str, checks: &[&str]) -> Value {
    json!({"key": key, "title": format!("Make {key}"), "objective": format!("Make {key}. {directive}"),
        "outputs": [format!("demo/make-{key}.md")], "checks": checks})
}

fn plan(terminal: &Terminal, tasks: &Value) -> anyhow::Result<String> {
    let file = terminal.home.path().join("plan.json");
    std::fs::write(&file, json!({"decision": "plan", "reply": "Mine.", "tasks": tasks}).to_string())?;
    Ok(file.display().to_string())
}

/// The purposes of a task's runs, and what was shown of it, as the API would tell.
fn told(log: &str, kind: &str, task: &str) -> Vec<Value> {
    let bodies = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let bodies = bodies.filter_map(|line| {
        let body = if line["body"].is_object() { &line["body"] } else { &line["entry"]["body"] };
        Some(body.clone()).filter(|body| body.is_object())
    });
    bodies
        .filter(|body| body["kind"] == kind && body["task"].as_str().is_some_and(|id| id.ends_with(task)))
        .collect()
}

#[test]
fn a_lie_is_found_out_by_a_look_and_mended_or_named() -> anyhow::Result<()> {
    let terminal = Terminal::new()?;
    let tasks = json!([
        task("a", "[[demo lie-once]]", &["outputs_exist"]),
        task(
            "b",
            "",
            &[
                "outputs_exist",
                "diff_not_empty",
                "no_error_in_output",
                "custom_command:test -s demo/make-b.md"
            ]
        ),
        task("c", "[[demo lie]]", &["outputs_exist"]),
        task("d", "", &["custom_command:echo it is red; exit 3"]),
    ]);
    let file = plan(&terminal, &tasks)?;
    let (code, said) = terminal.run(&["run", "Build it", "--harness", "demo", "--plan", &file])?;
    assert_eq!(code, Some(1), "{said}");
    for done in ["Completed · 1 Make a", "Completed · 2 Make b"] {
        assert!(said.contains(done), "{done}: {said}");
    }
    let lie = "3 Make c failed: The check outputs_exist does not hold. demo/make-c.md is not there.\ndemo/lie.md is not there.";
    assert!(said.contains(lie), "{said}");
    assert!(said.contains("4 Make d failed: The check custom_command:echo it is red; exit 3 does not hold. The command ended with exit code 3. Its last words: it is red"), "{said}");
    let (_, log) = terminal.run(&["export"])?;
    let purposes = |task: &str| -> Vec<String> {
        let runs = told(&log, "run_requested", task);
        runs.iter().filter_map(|run| run["purpose"].as_str().map(str::to_owned)).collect()
    };
    assert_eq!(purposes("~1"), ["work", "check", "repair", "check"], "{log}");
    assert_eq!(purposes("~2"), ["base", "work", "check", "check", "check"]);
    assert_eq!(purposes("~3"), ["work", "check", "repair", "check", "repair", "check"]);
    Ok(())
}

#[test]
fn a_reviewer_finds_something_and_the_worker_mends_it() -> anyhow::Result<()> {
    let terminal = Terminal::new()?;
    let tasks = json!([task("a", "[[demo reject-once]]", &[]), task("b", "[[demo reject]]", &[])]);
    let file = plan(&terminal, &tasks)?;
    let run = ["run", "Build it", "--harness", "demo", "--preset", "reviewed", "--plan", &file];
    let (code, said) = terminal.run(&run)?;
    assert!(code == Some(1) && said.contains("Completed · 1 Make a"), "{said}");
    assert!(
        said.contains("2 Make b failed: The reviewer does not let it pass:\n- The demo reviewer was told"),
        "{said}"
    );
    let (_, log) = terminal.run(&["export"])?;
    let reviewed = told(&log, "task_reviewed", "~1");
    let findings: Vec<usize> =
        reviewed.iter().filter_map(|entry| Some(entry["findings"].as_array()?.len())).collect();
    assert_eq!(findings, [1, 0], "{log}");
    // The person has the last word, and says what is wanted.
    for (args, words) in [
        (vec!["evidence", "1/2", "--check", "sure"], "is no check"),
        (vec!["evidence", "1", "--check", "outputs_exist"], "is a goal"),
        (vec!["evidence", "1/2", "--check", "outputs_exist", "--review", "false"], ""),
        (vec!["retry", "1/2"], ""),
    ] {
        let (code, said) = terminal.run(&args)?;
        assert!(said.contains(words) && (code == Some(0)) == words.is_empty(), "{args:?}: {said}");
    }
    terminal.reaches(&|tasks| tasks.iter().all(|task| task["status"] == "completed"))
}

#[test]
fn nobody_is_asked_about_a_plan_where_the_preset_says_so() -> anyhow::Result<()> {
    let terminal = Terminal::new()?;
    let goal = "Build a small thing. [[demo tasks=3]]";
    let (code, said) = terminal.run(&["run", goal, "--harness", "demo", "--preset", "autonomous"])?;
    assert!(code == Some(0) && said.contains("Completed · 3 "), "{said}");
    Ok(())
}

/// Git in the terminal's project, with a name of its own.
fn git(terminal: &Terminal, args: &[&str]) -> anyhow::Result<String> {
    let mut git = std::process::Command::new("git");
    let output = git.args(args).current_dir(terminal.home.path().join("project")).output()?;
    anyhow::ensure!(output.status.success(), "{output:?}");
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

#[test]
fn what_was_shown_is_committed_where_the_goal_says_so_and_a_hook_has_its_say() -> anyhow::Result<()> {
    let terminal = Terminal::new()?;
    let project = terminal.home.path().join("project");
    git(&terminal, &["init", "-q", "-b", "main"])?;
    git(&terminal, &["config", "user.name", "a"])?;
    git(&terminal, &["config", "user.email", "a@b"])?;
    std::fs::write(project.join("mine.txt"), "staged\n")?;
    git(&terminal, &["add", "mine.txt"])?;
    let hook = project.join(".git/hooks/pre-commit");
    std::fs::create_dir_all(project.join(".git/hooks"))?;
    // It lets pass what it refused once.
    let script =
        "#!/bin/sh\n[ -e .git/refused ] && exit 0\ntouch .git/refused\necho no newline at its end; exit 1\n";
    std::fs::write(&hook, script)?;
    std::process::Command::new("chmod").arg("+x").arg(&hook).status()?;
    let file = plan(&terminal, &json!([task("a", "", &["outputs_exist"])]))?;
    let run = ["run", "Build it", "--harness", "demo", "--preset", "autonomous", "--plan", &file];
    let (code, said) = terminal.run(&run)?;
    assert!(code == Some(0) && said.contains("Completed · 1 Make a"), "{said}");
    let (_, log) = terminal.run(&["export"])?;
    let runs = told(&log, "run_requested", "~1");
    let purposes: Vec<&str> = runs.iter().filter_map(|run| run["purpose"].as_str()).collect();
    assert_eq!(
        purposes,
        ["work", "check", "review", "commit", "repair", "check", "review", "commit"],
        "{log}"
    );
    let commits = told(&log, "task_committed", "~1");
    assert_eq!(commits[0]["outcome"], json!({"is": "failed", "problem": "no newline at its end"}));
    assert_eq!(commits[1]["outcome"]["commit"], git(&terminal, &["rev-parse", "main"])?.as_str());
    assert_eq!(git(&terminal, &["show", "--name-only", "--format=%s", "HEAD"])?, "Make a\n\ndemo/make-a.md");
    assert_eq!(git(&terminal, &["status", "--porcelain"])?, "A  mine.txt");
    // Where no goal says so, nothing is committed; a person may say it of one task.
    let (code, said) = terminal.run(&["run", "Build it", "--harness", "demo", "--plan", &file])?;
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(git(&terminal, &["rev-list", "--count", "HEAD"])?, "1");
    Ok(())
}

#[test]
fn where_nothing_can_be_committed_the_work_is_done_all_the_same_and_that_is_said() -> anyhow::Result<()> {
    let terminal = Terminal::new()?;
    let file = plan(&terminal, &json!([task("a", "", &[])]))?;
    let run = ["run", "Build it", "--harness", "demo", "--preset", "autonomous", "--plan", &file];
    let (code, said) = terminal.run(&run)?;
    assert!(code == Some(0) && said.contains("Completed · 1 Make a"), "{said}");
    let (_, log) = terminal.run(&["export"])?;
    let why = "The folder is in no git repository, so nothing is committed.";
    assert_eq!(told(&log, "task_committed", "~1")[0]["outcome"], json!({"is": "nothing", "why": why}));
    Ok(())
}

#[tokio::test]
async fn what_is_not_named_of_the_evidence_stays_as_it_is() -> anyhow::Result<()> {
    let world = World::attended(BIN).await?;
    world.says(&["plan", "Open the shop", "--myself", "--harness", "demo"], 0, "")?;
    world.says(&["add", "1", "Announce it"], 0, "")?;
    let wanted = async |checks: &[&str], own: Value| -> anyhow::Result<()> {
        let (_, task) = call(&world, "GET /api/tasks/1%2F1", &Value::Null).await?;
        let found = (&task["checks"], &task["task"]["own"]);
        anyhow::ensure!(found == (&json!(checks), &own), "{checks:?}, {own}: {task:#}");
        Ok(())
    };
    let (two, one) = (["outputs_exist", "no_error_in_output"], ["no_error_in_output"]);
    let checks = ["evidence", "1/1", "--check", two[0], "--check", two[1], "--commit", "false"];
    world.says(&checks, 0, "")?;
    wanted(&two, json!({"commit": false})).await?;
    world.says(&["evidence", "1/1", "--review", "true"], 0, "")?;
    wanted(&two, json!({"review": true, "commit": false})).await?;
    world.says(&["evidence", "1/1", "--commit", "usual"], 0, "")?;
    wanted(&two, json!({"review": true})).await?;
    world.says(&["evidence", "1/1", "--check", one[0]], 0, "")?;
    wanted(&one, json!({"review": true})).await?;
    world.says(&["evidence", "1/1", "--check", ""], 0, "")?;
    wanted(&[], json!({"review": true})).await?;
    for (sent, status, told) in [
        (json!({"checks": ["sure"]}), 422, "\"sure\" is no check"),
        (json!({"review": "yes"}), 422, "review"),
        (json!({}), 409, "nothing is to be changed"),
        (json!({"checks": two, "commit": true}), 200, ""),
    ] {
        let (found, answer) = call(&world, "POST /api/tasks/1%2F1/evidence", &sent).await?;
        let error = answer["error"].as_str().unwrap_or_default();
        assert!(found == status && error.contains(told), "{sent} {found}: {answer}");
    }
    wanted(&two, json!({"review": true, "commit": true})).await?;
    let (_, sent) =
        call(&world, "POST /api/tasks/1%2F1/evidence", &json!({"review": null, "checks": []})).await?;
    assert!(sent["seq"].is_u64(), "{sent}");
    wanted(&[], json!({"commit": true})).await
}
