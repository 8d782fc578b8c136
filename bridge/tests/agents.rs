//! Agents of the person's own from a terminal and over HTTP: saved, given tasks, told who they are, retired.

use std::process::{Command, Stdio};

use anyhow::Context;
use serde_json::{Value, json};
use tests::request::{Request, body};
use tests::world::World;

const BIN: &str = env!("CARGO_BIN_EXE_orchestrator");

/// A command in the project's folder, for the world's bridge; its code and what it said.
fn terminal(world: &World, args: &[&str]) -> anyhow::Result<(Option<i32>, String)> {
    let mut command = Command::new(BIN);
    command.args(args).arg("--data-dir").arg(world.home.path().join("data"));
    command.env("HOME", world.home.path()).current_dir(&world.project).stdin(Stdio::null());
    let output = command.output()?;
    let said = format!("{}{}", String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?);
    Ok((output.status.code(), said))
}

async fn call(world: &World, line: &str, sent: Option<Value>) -> anyhow::Result<(u16, Value)> {
    let request = Request::new(world, line, &world.enter().await?)?.without("Origin").without("Cookie");
    let request = request.with("Authorization", &format!("Bearer {}", world.secret()?));
    let request = match sent {
        Some(sent) => request.body(&sent.to_string()),
        None => request,
    };
    let (status, answer) = request.send(world).await?;
    Ok((status, serde_json::from_str(body(&answer))?))
}

#[tokio::test]
async fn an_agent_is_saved_told_who_it_is_and_retired() -> anyhow::Result<()> {
    let mut world = World::prepare(BIN)?;
    world.standby = true;
    world.start_bridge().await?;
    let (code, said) = terminal(&world, &["agents"])?;
    assert!(code == Some(0) && said.contains("Next: orchestrator agents save"), "{said}");
    let save = ["agents", "save", "Ann", "--role", "reads closely", "--soul", "Soul.md"];
    let (code, said) = terminal(&world, &save)?;
    assert!(code == Some(0) && said.contains("Ann, reads closely (Soul.md)"), "{said}");
    let (code, said) = terminal(&world, &["agents", "save", "Bob", "--model", "two words"])?;
    assert!(code == Some(1) && said.contains("no model's name; nothing was saved"), "{said}");
    let run =
        |goal: &'static str, who: &'static str| ["run", goal, "--harness", "demo", "--as", who, "--approve"];
    let (code, said) = terminal(&world, &run("Build it", "Eve"))?;
    assert!(code == Some(2) && said.contains("no agent \"Eve\""), "{said}");

    let (code, said) = terminal(&world, &run("Build it. [[demo tasks=3]]", "ann"))?;
    assert!(code != Some(0) && said.contains("Put it there"), "the file is missing: {said}");
    std::fs::write(world.project.join("Soul.md"), "Calm.\n")?;
    let (code, said) = terminal(&world, &run("Build it. [[demo tasks=3]]", "ann"))?;
    assert_eq!(code, Some(0), "{said}");
    let (_, log) = terminal(&world, &["export"])?;
    let told = log.matches("\"kind\":\"run_cast\"").count();
    assert_eq!(told, 1 + 4, "the planner that did not start, the next one and three tasks");
    assert!(
        log.contains("You are Ann, reads closely.") && !log.contains("Calm."),
        "the file stays where it is"
    );

    let (_, task) = call(&world, "GET /api/tasks/2%2F1", None).await?;
    assert_eq!(task["agent"].as_str(), Some("Ann"));
    let (status, answer) = call(&world, "POST /api/tasks/2%2F1/agent", Some(json!({"agent": "Eve"}))).await?;
    assert!(
        status == 409 && answer["error"].as_str().context("why")?.contains("no agent \"Eve\""),
        "{answer}"
    );
    let (status, _) = call(&world, "POST /api/tasks/2/agent", Some(json!({"agent": "nobody"}))).await?;
    assert_eq!(status, 200);
    let (_, task) = call(&world, "GET /api/tasks/2%2F1", None).await?;
    assert_eq!(task["agent"], Value::Null);
    let (code, said) = terminal(&world, &["as", "2/1", "Ann"])?;
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = terminal(&world, &["agents", "retire", "Ann"])?;
    assert!(code == Some(0) && said.contains("No agents of your own yet"), "{said}");
    let (_, agents) = call(&world, "GET /api/agents", None).await?;
    assert_eq!((agents[0]["soul"].as_str(), agents[0]["retired"].as_bool()), (Some("Soul.md"), Some(true)));
    let (_, task) = call(&world, "GET /api/tasks/2%2F1", None).await?;
    assert_eq!(task["agent"].as_str(), Some("Ann"), "who has it keeps it");
    Ok(())
}
