//! What tasks are told, from a terminal and over HTTP: the project's memory, who made what they need, and what was cut.

use anyhow::Context;
use serde_json::{Value, json};
use tests::request::call;
use tests::world::{World, prompts};

const BIN: &str = env!("CARGO_BIN_EXE_orchestrator");

#[tokio::test]
async fn the_memory_is_told_to_each_task_and_can_be_read_and_set() -> anyhow::Result<()> {
    let world = World::attended(BIN).await?;
    let (code, said) = world.terminal(&["memory"])?;
    assert!(
        code == Some(0) && said.contains("no memory yet. Next: orchestrator memory --set FILE"),
        "{said}"
    );
    std::fs::write(world.project.join("memory.md"), "Tests run with `make`.\n")?;
    let (code, said) = world.terminal(&["memory", "--set", "memory.md"])?;
    assert_eq!((code, said.as_str()), (Some(0), "Tests run with `make`.\n"));
    std::fs::write(world.project.join("long.md"), "x".repeat(70_000))?;
    let (code, said) = world.terminal(&["memory", "--set", "long.md"])?;
    assert!(code == Some(1) && said.contains("65536 bytes at most"), "{code:?} {said}");

    let (status, projects) = call(&world, "GET /api/projects", &Value::Null).await?;
    assert_eq!(
        (status, projects[0]["memory"].as_str()),
        (200, Some("Tests run with `make`.\n")),
        "{projects}"
    );
    let id = projects[0]["id"].as_str().context("a project")?;
    let put = format!("PUT /api/projects/{id}/memory");
    assert_eq!(call(&world, &put, &json!({"text": "x".repeat(70_000)})).await?.0, 422);
    assert_eq!(call(&world, "PUT /api/projects/none/memory", &json!({"text": "x"})).await?.0, 404);
    assert_eq!(call(&world, &put, &json!({"text": "Nobody touches vendor/."})).await?.0, 200);

    let goal = "Build it. [[demo tasks=3]]";
    let (code, said) = world.terminal(&["run", goal, "--harness", "demo", "--approve"])?;
    assert_eq!(code, Some(0), "{said}");
    let (_, log) = world.terminal(&["export"])?;
    let told = prompts(&log).concat().matches("## Memory\n\nNobody touches vendor/.\n\n## ").count();
    assert_eq!(told, 4, "the planner and three tasks");
    Ok(())
}

#[tokio::test]
async fn who_needs_what_another_makes_comes_after_it_and_is_told_so() -> anyhow::Result<()> {
    let world = World::attended(BIN).await?;
    let task = |key: &str, inputs: &[&str], outputs: &[&str]| json!({"key": key, "title": key, "objective": "Write it.", "inputs": inputs, "outputs": outputs});
    let plan = json!({"decision": "plan", "reply": "", "tasks": [
        task("tests", &["demo/cart.md"], &[]), task("cart", &["demo/schema.md"], &["demo/cart.md"]), task("schema", &[], &["demo/schema.md"])]});
    std::fs::write(world.project.join("plan.json"), plan.to_string())?;
    std::fs::write(world.project.join("memory.md"), "word ".repeat(4_000))?;
    assert_eq!(world.terminal(&["memory", "--set", "memory.md"])?.0, Some(0));
    let (_, said) = world.terminal(&["limits", "--words", "8"])?;
    assert!(said.lines().any(|line| line.starts_with("--words ") && line.contains(" 8 ")), "{said}");
    let (code, said) = world.terminal(&["run", "All", "--harness", "demo", "--plan", "plan.json"])?;
    assert_eq!(code, Some(0), "{said}");

    let (status, tests) = call(&world, "GET /api/tasks/1%2F1", &Value::Null).await?;
    let (_, cart) = call(&world, "GET /api/tasks/1%2F2", &Value::Null).await?;
    assert_eq!(status, 200, "{tests}");
    assert_eq!(tests["inputs"], json!(["demo/cart.md"]));
    assert_eq!(tests["after"], json!([cart["task"]["id"]]));
    assert_eq!(cart["after"].as_array().map(Vec::len), Some(1));
    let cut = &tests["runs"][0]["cut"][0];
    assert_eq!((cut["section"].as_str(), cut["of"].as_u64()), (Some("memory"), Some(20_001)), "{tests:#}");
    let (_, log) = world.terminal(&["export"])?;
    let told = prompts(&log).concat();
    assert!(told.contains("## Inputs\n\n- demo/cart.md, made by 2 cart\n"), "who made it");
    assert!(
        log.contains("\"kind\":\"run_trimmed\"") && told.contains(" bytes of the memory\n"),
        "what was cut"
    );

    let circle = json!({"decision": "plan", "reply": "", "tasks": [task("a", &["y"], &["x"]), task("b", &["x"], &["y"])]});
    std::fs::write(world.project.join("circle.json"), circle.to_string())?;
    let (code, said) = world.terminal(&["run", "All", "--harness", "demo", "--plan", "circle.json"])?;
    assert!(code == Some(2) && said.contains("wait for each other in a cycle"), "{code:?} {said}");
    Ok(())
}
