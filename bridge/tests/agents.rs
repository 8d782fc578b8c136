//! Agents of the person's own from a terminal and over HTTP: saved, given tasks, told who they are, retired.

use anyhow::Context;
use serde_json::{Value, json};
use tests::request::call;
use tests::world::World;

const BIN: &str = env!("CARGO_BIN_EXE_orchestrator");

#[tokio::test]
async fn an_agent_is_saved_told_who_it_is_and_retired() -> anyhow::Result<()> {
    let world = World::attended(BIN).await?;
    let (code, said) = world.terminal(&["agents"])?;
    assert!(code == Some(0) && said.contains("Next: orchestrator agents save"), "{said}");
    let save = ["agents", "save", "Ann", "--role", "reads closely", "--soul", "Soul.md"];
    let (code, said) = world.terminal(&save)?;
    assert!(code == Some(0) && said.contains("Ann, reads closely (Soul.md)"), "{said}");
    for name in ["Nobody", "auto", "Claude"] {
        world.says(&["agents", "save", name], 1, "means something else where an agent is named")?;
    }
    let (code, said) = world.terminal(&["agents", "save", "Bob", "--model", "two words"])?;
    assert!(code == Some(1) && said.contains("no model's name; nothing was saved"), "{said}");
    let run =
        |goal: &'static str, who: &'static str| ["run", goal, "--harness", "demo", "--as", who, "--approve"];
    let (code, said) = world.terminal(&run("Build it", "Eve"))?;
    assert!(code == Some(2) && said.contains("no agent \"Eve\""), "{said}");

    let (code, said) = world.terminal(&run("Build it. [[demo tasks=3]]", "ann"))?;
    assert!(code != Some(0) && said.contains("Put it there"), "the file is missing: {said}");
    std::fs::write(world.project.join("Soul.md"), "Calm.\n")?;
    let (code, said) = world.terminal(&run("Build it. [[demo tasks=3]]", "ann"))?;
    assert_eq!(code, Some(0), "{said}");
    let (_, log) = world.terminal(&["export"])?;
    let told = log.matches("\"kind\":\"run_cast\"").count();
    assert_eq!(told, 1 + 4, "the planner that did not start, the next one and three tasks");
    assert!(
        log.contains("You are Ann, reads closely.") && !log.contains("Calm."),
        "the file stays where it is"
    );

    let (_, task) = call(&world, "GET /api/tasks/2%2F1", &Value::Null).await?;
    assert_eq!(task["agent"].as_str(), Some("Ann"));
    let (status, answer) = call(&world, "POST /api/tasks/2%2F1/agent", &json!({"agent": "Eve"})).await?;
    assert!(
        status == 409 && answer["error"].as_str().context("why")?.contains("no agent \"Eve\""),
        "{answer}"
    );
    let (status, _) = call(&world, "POST /api/tasks/2/agent", &json!({"agent": "nobody"})).await?;
    assert_eq!(status, 200);
    let (_, task) = call(&world, "GET /api/tasks/2%2F1", &Value::Null).await?;
    assert_eq!(task["agent"], Value::Null);
    let (code, said) = world.terminal(&["as", "2/1", "Ann"])?;
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = world.terminal(&["agents", "retire", "Ann"])?;
    assert!(code == Some(0) && said.contains("No agents of your own yet"), "{said}");
    let (_, agents) = call(&world, "GET /api/agents", &Value::Null).await?;
    assert_eq!((agents[0]["soul"].as_str(), agents[0]["retired"].as_bool()), (Some("Soul.md"), Some(true)));
    let (_, task) = call(&world, "GET /api/tasks/2%2F1", &Value::Null).await?;
    assert_eq!(task["agent"].as_str(), Some("Ann"), "who has it keeps it");
    Ok(())
}

#[tokio::test]
async fn an_agent_that_was_chosen_reviews_and_another_says_why_it_does() -> anyhow::Result<()> {
    let world = World::attended(BIN).await?;
    let (code, said) = world.terminal(&["agents", "save", "Ann", "--role", "is strict"])?;
    assert_eq!(code, Some(0), "{said}");
    let run = |who: &'static str| {
        let goal = "Build it. [[demo tasks=3]]";
        ["run", goal, "--harness", "demo", "--preset", "reviewed", "--reviewer", who, "--approve"]
    };
    let (code, said) = world.terminal(&run("Eve"))?;
    assert!(code == Some(2) && said.contains("\"Eve\" is no reviewer; say usual, auto"), "{said}");
    let (code, said) = world.terminal(&run("Ann"))?;
    assert_eq!(code, Some(0), "{said}");
    let (_, log) = world.terminal(&["export"])?;
    assert_eq!(log.matches("\"kind\":\"run_cast\"").count(), 3, "each of three reviews: {log}");

    let edit = json!({"reviewer": "nobody"});
    let (status, answer) = call(&world, "POST /api/tasks/1%2F1/edit", &edit).await?;
    assert!(status == 409 && answer["error"].as_str().context("why")?.contains("is no reviewer"), "{answer}");
    let (code, said) = world.terminal(&run("other"))?;
    assert_eq!(code, Some(0), "{said}");
    let (_, task) = call(&world, "GET /api/tasks/2%2F1", &Value::Null).await?;
    assert_eq!(task["reviewer"], "other");
    let runs = task["runs"].as_array().context("runs")?;
    let review = runs.iter().find(|run| run["purpose"] == "review").context("a review")?;
    assert_eq!(review["replaced"], "There is no other kind of agent for what Demo agent did.");
    let (code, said) = world.terminal(&["edit", "2/1", "--reviewer", "Ann"])?;
    assert_eq!(code, Some(0), "{said}");
    let (_, task) = call(&world, "GET /api/tasks/2%2F1", &Value::Null).await?;
    assert_eq!(task["reviewer"], "Ann");
    let (_, said) = world.terminal(&["limits", "--reviewer", "model:opus"])?;
    assert!(said.contains("--reviewer       model:opus"), "{said}");
    Ok(())
}
