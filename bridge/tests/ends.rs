//! A goal is brought to its end without a page: called done, closed, archived, its words taken back, its plan compared.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tests::request::call;
use tests::world::World;

const BIN: &str = env!("CARGO_BIN_EXE_orchestrator");

/// Carries out a plan of these tasks, until a person is needed or all is over.
fn run(world: &World, tasks: &Value) -> anyhow::Result<(Option<i32>, String)> {
    let file = world.home.path().join("plan.json");
    std::fs::write(&file, json!({"decision": "plan", "reply": "Mine.", "tasks": tasks}).to_string())?;
    world.terminal(&["run", "Build it", "--harness", "demo", "--plan", &file.display().to_string()])
}

fn task(key: &str, objective: &str) -> Value {
    json!({"key": key, "title": format!("Make {key}"), "objective": objective})
}

async fn reaches(world: &World, task: &str, wished: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let (_, view) = call(world, &format!("GET /api/tasks/{task}"), &json!({})).await?;
        if wished(&view) {
            return Ok(view);
        }
        ensure!(Instant::now() < deadline, "{view:#}");
    }
}

#[tokio::test]
async fn an_interactive_task_is_done_and_a_goal_closed_and_archived() -> anyhow::Result<()> {
    let world = World::attended(BIN).await?;
    let mut mine = task("a", "Do it with me.");
    mine["mode"] = json!("interactive");
    let mut last = task("c", "Do");
    last["after"] = json!(["b"]);
    let (code, said) = run(&world, &json!([mine, task("b", "Do [[demo fail]]"), last]))?;
    ensure!(code == Some(3) && said.contains("Next: orchestrator answer 1/1 \"…\", or done 1/1"), "{said}");
    world.says(&["tasks"], 0, "\n      Next: orchestrator answer 1/1")?;
    world.says(&["answer", "1/1", "Begin."], 0, "")?;
    let yielded = |view: &Value| view["task"]["reason"] == "your turn";
    let view = reaches(&world, "1%2F1", yielded).await?;
    assert_eq!((&view["mode"], &view["task"]["status"]), (&json!("interactive"), &json!("waiting")));
    world.says(&["retry", "1/1"], 1, "waits for you")?;
    world.says(&["close", "1/1"], 1, "call it done")?;
    world.says(&["done", "1/1"], 0, "")?;
    world.says(&["done", "1/1"], 1, "is done already")?;
    // The second failed, and the third comes after it.
    let stuck = reaches(&world, "1", |view| view["task"]["reason"] == "held up by 2").await?;
    let next = "orchestrator retry 1/2, or done 1/2, or close 1";
    assert_eq!(stuck["task"]["next_step"], next, "{stuck:#}");
    world.says(&["done", "1"], 1, "is a goal; close it")?;
    world.says(&["archive", "1"], 1, "is not over")?;
    world.says(&["close", "1"], 0, "")?;
    reaches(&world, "1", |view| view["task"]["status"] == "completed").await?;
    world.says(&["close", "1"], 1, "over already")?;
    world.says(&["archive", "1"], 0, "")?;
    world.says(&["tasks"], 0, "No goals yet")?;
    world.says(&["tasks", "--all"], 0, "1  Build it · Completed")?;
    Ok(())
}

/// What is held up by a failure goes on when that counts as done.
#[tokio::test]
async fn a_failed_task_counts_as_done_and_what_comes_after_it_goes_on() -> anyhow::Result<()> {
    let world = World::attended(BIN).await?;
    let mut last = task("b", "Do");
    last["after"] = json!(["a"]);
    let (code, said) = run(&world, &json!([task("a", "Do [[demo fail]]"), last]))?;
    ensure!(code == Some(1) && said.contains("Next: orchestrator retry 1/1, or done 1/1"), "{said}");
    let (status, said) = call(&world, "POST /api/tasks/1%2F1/done", &json!({})).await?;
    ensure!(status == 200, "{said}");
    reaches(&world, "1", |view| view["task"]["status"] == "completed").await?;
    let (status, said) = call(&world, "POST /api/tasks/1/close", &json!({})).await?;
    ensure!(status == 409 && said["next_step"].is_string(), "{said}");
    let (status, said) = call(&world, "POST /api/tasks/1/archive", &json!({})).await?;
    ensure!(status == 200, "{said}");
    let (_, goals) = call(&world, "GET /api/goals", &json!({})).await?;
    assert_eq!(goals, json!([]));
    Ok(())
}

#[tokio::test]
async fn words_that_wait_are_listed_and_withdrawn_and_a_running_task_is_not_retried() -> anyhow::Result<()> {
    let world = World::attended(BIN).await?;
    let mut page = world.client("page").await?;
    let goal = world.goal(&mut page, "Build it [[demo hang]]", shared::agent::HarnessId::Demo).await?;
    page.until("work", |state| state.active_runs() == 1).await?;
    drop(page);
    world.says(&["retry", "1"], 1, "is at work; `requeue`")?;
    world.says(&["done", "1"], 1, "is a goal")?;
    world.says(&["waiting", "1"], 0, "Nothing waits")?;
    world.says(&["answer", "1", "And a changelog."], 0, "")?;
    world.says(&["answer", "1", "And a badge."], 0, "")?;
    let said = world.says(&["waiting", "1"], 0, "1  And a changelog.")?;
    ensure!(said.contains("\n2  And a badge."), "{said}");
    world.says(&["withdraw", "1", "2"], 0, "Withdrawn: And a badge.")?;
    world.says(&["withdraw", "1", "2"], 1, "1 wait for the next turn")?;
    let (_, view) = call(&world, &format!("GET /api/tasks/{goal}"), &json!({})).await?;
    let message = view["waiting"][0]["message"].as_str().context("an id")?;
    let line = format!("POST /api/tasks/{goal}/withdraw");
    let (status, said) = call(&world, &line, &json!({"message": message})).await?;
    ensure!(status == 200, "{said}");
    let (status, _) = call(&world, &line, &json!({"message": message})).await?;
    assert_eq!(status, 409);
    world.says(&["waiting", "1"], 0, "Nothing waits")?;
    Ok(())
}

#[tokio::test]
async fn versions_are_compared_and_modes_set() -> anyhow::Result<()> {
    let world = World::attended(BIN).await?;
    world.says(&["plan", "Build it. [[demo tasks=3]]", "--harness", "demo"], 0, "1 ")?;
    world.says(&["versions", "1"], 0, "one version at most")?;
    world.says(&["mode", "1/2", "interactive"], 0, "")?;
    world.says(&["mode", "1/2", "whatever"], 2, "possible values")?;
    let (_, view) = call(&world, "GET /api/tasks/1%2F2", &json!({})).await?;
    assert_eq!(view["mode"], "interactive");
    let (status, _) = call(&world, "POST /api/tasks/1%2F2/mode", &json!({"mode": "hybrid"})).await?;
    assert_eq!(status, 200);
    world.says(&["answer", "1", "Add a changelog."], 0, "")?;
    reaches(&world, "1", |view| view["plan"]["version"] == 2).await?;
    let said = world.says(&["versions", "1"], 0, "v2 against v1: 1 added")?;
    ensure!(said.contains("\n  added 4 "), "{said}");
    let (_, versions) = call(&world, "GET /api/tasks/1/versions", &json!({})).await?;
    assert_eq!((&versions[0]["version"], &versions[0]["changes"][0]["change"]), (&json!(2), &json!("added")));
    Ok(())
}
