//! Who does a task, with which model, by which template and when: chosen for it alone, changed and taken back, without a page.

use anyhow::ensure;
use serde_json::{Value, json};
use tests::request::call;
use tests::world::World;

const BIN: &str = env!("CARGO_BIN_EXE_orchestrator");

/// A goal that the person plans, and a template.
async fn begun() -> anyhow::Result<World> {
    let world = World::attended(BIN).await?;
    std::fs::write(world.project.join("brief.md"), "Be brief.\n")?;
    world.says(&["prompts", "save", "Brief", "--variant", "a=brief.md"], 0, "Brief v1")?;
    world.says(&["plan", "Build it", "--myself", "--harness", "demo"], 0, "add 1")?;
    Ok(world)
}

async fn refused(world: &World, calls: &[(&str, Value, u16, &str)]) -> anyhow::Result<()> {
    for (line, body, status, told) in calls {
        let (found, answer) = call(world, line, body).await?;
        let error = answer["error"].as_str().unwrap_or_default();
        let helps = *status < 400 || answer["next_step"].is_string();
        ensure!(found == *status && error.contains(told) && helps, "{line} {body} {found}: {answer}");
    }
    Ok(())
}

async fn task(world: &World, task: &str) -> anyhow::Result<Value> {
    Ok(call(world, &format!("GET /api/tasks/1%2F{task}"), &Value::Null).await?.1)
}

#[tokio::test]
async fn who_does_a_task_is_chosen_changed_and_taken_back_in_a_terminal() -> anyhow::Result<()> {
    let world = begun().await?;
    let add = ["add", "1", "Find it", "--harness", "codex", "--model", "gpt-5.1", "--template", "brief"];
    let more = ["--size", "heavy", "--needs", "the lease", "--reviewer", "other"];
    world.says(&[&add[..], &more[..]].concat(), 0, "1/1  Find it · Pending")?;
    let found = task(&world, "1").await?;
    let own = json!({"harness": "codex", "model": "gpt-5.1", "template": "Brief"});
    assert_eq!(found["task"]["own"], own, "{found:#}");
    let told = |view: &Value| ["harness", "model", "template", "size"].map(|name| view["task"][name].clone());
    assert_eq!(told(&found), [json!("codex"), json!("gpt-5.1"), json!("Brief"), json!("heavy")]);
    assert_eq!(found["reviewer"], "other");
    let shown = world.says(&["show", "1/1"], 0, "Done by: Codex, gpt-5.1, template Brief, heavy")?;
    assert!(
        shown.starts_with("1/1  Find it · Pending") && shown.contains("\n  Needs: the lease\n"),
        "{shown}"
    );
    let all: Value = serde_json::from_str(&world.says(&["show", "1/1", "--json"], 0, "")?)?;
    assert_eq!(all["task"]["own"], own);
    world.says(&["show", "1/9"], 1, "goal 1 has no task 9")?;

    for (args, code, words) in [
        (&["add", "1", "B", "--template", "nothing"][..], 1, "no template \"nothing\""),
        (&["add", "1", "B", "--model", "two words"], 1, "\"two words\" is no model's name"),
        (&["edit", "1/1", "--harness", "gpt"], 2, "possible values: claude, codex, demo, none"),
        (&["edit", "1/1", "--template", "nothing"], 1, "no template"),
        (&["edit", "1/2", "--harness", "demo"], 1, "goal 1 has no task 2"),
        (&["edit", "1/1", "--harness", "demo", "--model", "none"], 0, ""),
    ] {
        world.says(args, code, words)?;
    }
    let changed = task(&world, "1").await?;
    assert_eq!(changed["task"]["own"], json!({"harness": "demo", "template": "Brief"}));
    world.says(&["edit", "1/1", "--harness", "none", "--template", "none"], 0, "")?;
    let back = task(&world, "1").await?;
    assert_eq!((&back["task"]["own"], &back["task"]["harness"]), (&json!({}), &json!("demo")), "the goal's");
    let listed = world.says(&["tasks", "--json"], 0, "\"title\":\"Find it\"")?;
    assert!(listed.contains("\"harness\":\"demo\"") && listed.contains("\"own\":{}"), "{listed}");
    // What has begun keeps its agent, and takes another model from its next turn on.
    world.says(&["approve", "1"], 0, "")?;
    let mut watcher = world.watcher("watcher").await?;
    watcher
        .until("the end", |state| {
            let over = |goal: &shared::id::TaskId| state.task(goal).is_some_and(|goal| goal.is_over());
            state.goals.iter().all(over)
        })
        .await?;
    world.says(&["edit", "1/1", "--harness", "codex"], 1, "running or done")?;
    world.says(&["edit", "1/1", "--model", "demo-two"], 0, "")?;
    assert_eq!(task(&world, "1").await?["task"]["own"], json!({"model": "demo-two"}));
    Ok(())
}

#[tokio::test]
async fn who_does_a_task_is_chosen_changed_and_taken_back_over_http() -> anyhow::Result<()> {
    let world = begun().await?;
    let new = json!({"title": "Find it", "mode": "hybrid", "size": "light", "harness": "codex", "template": "Brief"});
    let (add, edit) = ("POST /api/tasks/1/add", "POST /api/tasks/1%2F1/edit");
    refused(
        &world,
        &[
            (add, json!({"title": "B", "template": "nothing"}), 409, "no template \"nothing\""),
            (add, json!({"title": "B", "model": "two words"}), 409, "is no model's name"),
            (add, json!({"title": "B", "harness": "gpt"}), 422, "unknown variant `gpt`"),
            (add, json!({"title": "B", "with": 1}), 422, "unknown field `with`"),
            (add, json!({"title": "é".repeat(121)}), 409, "at most 120 characters"),
            (add, json!({"title": " "}), 409, "needs a name"),
            (add, new, 200, ""),
            (edit, json!({"harness": "command"}), 422, "unknown variant `command`"),
            (edit, json!({"template": "nothing"}), 409, "no template"),
            (edit, json!({}), 409, "say what"),
            (edit, json!({"title": "x".repeat(121)}), 409, "at most 120 characters"),
            (edit, json!({"title": format!(" {} ", "é".repeat(120))}), 200, ""),
            (edit, json!({"title": "Find it"}), 200, ""),
            (edit, json!({"model": "gpt-5.1", "harness": "demo"}), 200, ""),
        ],
    )
    .await?;
    let (_, second) = call(&world, add, &json!({"title": "Check it", "after": ["1/1"]})).await?;
    let found = task(&world, "2").await?;
    assert_eq!((&second["made"], &second["next_step"]), (&found["task"]["id"], &Value::Null));
    let found = task(&world, "1").await?;
    assert_eq!(found["task"]["own"], json!({"harness": "demo", "model": "gpt-5.1", "template": "Brief"}));
    assert_eq!((&found["mode"], &found["size"]), (&json!("hybrid"), &json!("light")));
    refused(
        &world,
        &[(edit, json!({"harness": "none", "model": "none", "template": "none", "size": "auto"}), 200, "")],
    )
    .await?;
    let back = task(&world, "1").await?;
    assert_eq!((&back["task"]["own"], &back["size"]), (&json!({}), &json!("standard")));
    let (_, goal) = call(&world, "GET /api/goals/1", &Value::Null).await?;
    assert_eq!(goal["tasks"].as_array().map(Vec::len), Some(3), "nothing of what was refused is there");
    Ok(())
}

/// What a planner has no say in stands in a plan of the person's own, and a goal's preset goes with it.
#[tokio::test]
async fn a_plan_of_ones_own_says_who_does_its_tasks() -> anyhow::Result<()> {
    let world = begun().await?;
    let schema = std::process::Command::new(BIN).arg("schema").output()?.stdout;
    ensure!(String::from_utf8(schema)?.contains("\"repeat_seconds\""), "a person may say it");
    let task = |key: &str, more: Value| {
        let mut task = json!({"key": key, "title": key, "objective": "Do. [[demo cost=2]]", "after": []});
        if let (Value::Object(task), Value::Object(more)) = (&mut task, more) {
            task.extend(more);
        }
        task
    };
    let plan = |tasks: &[Value]| json!({"decision": "plan", "reply": "", "tasks": tasks});
    let new = |plan: Value| {
        let folder = world.project.clone();
        json!({"goal": "Again", "folder": folder, "harness": "demo", "preset": "reviewed", "plan": plan})
    };
    for (more, told) in [
        (json!({"template": "nothing"}), "task \"a\": there is no template \"nothing\""),
        (json!({"harness": "gpt"}), "tasks: 0: unknown variant `gpt`"),
        (json!({"model": "two words"}), "task \"a\": \"two words\" is no model's name"),
        (json!({"priority": 11}), "11 is no priority; it goes from -10 to 10"),
        (json!({"wishes": 1}), "unknown name \"wishes\", expected one of after, agent, caps"),
    ] {
        refused(&world, &[("POST /api/goals", new(plan(&[task("a", more.clone())])), 422, told)]).await?;
        std::fs::write(world.project.join("plan.json"), plan(&[task("a", more)]).to_string())?;
        world.says(&["run", "Again", "--harness", "demo", "--plan", "plan.json"], 2, told)?;
    }
    let chosen = json!({"template": "Brief", "model": "demo-two", "priority": 3, "review": false});
    let tasks = [task("a", chosen.clone()), task("b", json!({}))];
    refused(&world, &[("POST /api/goals", new(plan(&tasks)), 201, "")]).await?;
    let (_, first) = call(&world, "GET /api/tasks/2%2F1", &Value::Null).await?;
    let (_, second) = call(&world, "GET /api/tasks/2%2F2", &Value::Null).await?;
    assert_eq!((&first["task"]["own"], &first["reviewed"]), (&chosen, &json!(false)));
    assert_eq!((&second["task"]["own"], &second["reviewed"]), (&json!({}), &json!(true)), "by the preset");
    let mut watcher = world.watcher("watcher").await?;
    watcher.until("the end", |state| state.task(&state.goals[1]).is_some_and(|goal| goal.is_over())).await?;
    let (_, log) = world.terminal(&["export"])?;
    let told = tests::world::prompts(&log).concat();
    assert_eq!(told.matches("## Guidelines\n\nBe brief.").count(), 1, "one of them works by it");
    Ok(())
}
