//! What Claude Code and Codex are told while they work: they say when they have read it, and what they have not is for the
//! next turn.

use conductor::state::{Ear, State};
use conductor::status::Kind as Status;
use serde_json::json;
use shared::agent::HarnessId;
use shared::entry::Kind;
use shared::id::TaskId;
use tests::stub::{Rule, Step, Stub};
use tests::world::{Client, World};

use super::{claude_at, codex_at, is, report, task, variable, world_of};

/// Three tasks; the first has a command that runs for so many seconds before it reports.
async fn working(harness: HarnessId, seconds: u32) -> anyhow::Result<(World, Stub, Client, TaskId)> {
    let codex = harness == HarnessId::Codex;
    let mut world = match codex {
        true => world_of("codex", &variable("CODEX_BIN")?)?,
        false => world_of("claude", &variable("CLAUDE_BIN")?)?,
    };
    let plan = json!({"decision": "plan", "reply": "Three tasks.", "tasks": [task("alpha", &[]), task("beta", &["alpha"]), task("gamma", &["alpha"])]});
    let line = format!("sleep {seconds}; echo slept");
    let command = match codex {
        true => Step::Tool("exec_command".to_owned(), json!({"cmd": line, "yield_time_ms": 30_000})),
        false => Step::Tool("Bash".to_owned(), json!({"command": line})),
    };
    let rule = |when: &str, steps: Vec<Step>| Rule { when: when.to_owned(), steps };
    let stub = Stub::start(vec![
        rule("# Plan this goal", vec![Step::Structured(plan)]),
        rule("# Sum up", vec![report("SUMMARY")]),
        rule("GO ON", vec![report("RESULT-on")]),
        rule("OBJECTIVE-alpha", vec![command, report("RESULT-alpha")]),
        rule("OBJECTIVE", vec![report("RESULT")]),
        // Codex shows it to its model as the newest words.
        rule("STEER-now", vec![report("RESULT-alpha")]),
    ])
    .await?;
    if codex {
        codex_at(&mut world, &stub)?;
    } else {
        claude_at(&mut world, &stub);
        world.set("ANTHROPIC_API_KEY", "dummy");
    }
    world.start_bridge().await?;
    let mut client = world.client("page").await?;
    client.until("the agents", |state| !state.agents.is_empty()).await?;
    let goal = world.goal(&mut client, "Make three things", harness).await?;
    let planned = |state: &State| state.task(&goal).is_some_and(|task| task.children.len() == 3);
    client.until("a plan", planned).await?;
    client.intend(Kind::PlanApproved { goal: goal.clone(), version: 1 }).await?;
    let first = client.state().task(&goal).unwrap().children[0].clone();
    let works = |state: &State| state.task(&first).is_some_and(|task| task.doing.contains("sleep"));
    client.until("its command", works).await?;
    Ok((world, stub, client, first))
}

async fn reads(harness: HarnessId) -> anyhow::Result<()> {
    let (_world, stub, mut client, first) = working(harness, 4).await?;
    client.say_now(&first, "STEER-now").await?;
    client.until("its end", |state| is(state, &first, Status::Completed)).await?;
    let state = client.state();
    let run = state.run(&first.run(1)).unwrap();
    assert_eq!(run.told.iter().map(|told| told.read).collect::<Vec<_>>(), [true]);
    assert_eq!((run.ear, state.task(&first).unwrap().runs.len()), (Ear::Closed, 1));
    assert_eq!(stub.requests_with(&["STEER-now"]), 1, "by the step after the command");
    client.all_taken()
}

#[tokio::test]
async fn claude_code_reads_what_it_is_told_while_it_works() -> anyhow::Result<()> {
    reads(HarnessId::Claude).await
}

#[tokio::test]
async fn codex_reads_what_it_is_told_while_it_works() -> anyhow::Result<()> {
    reads(HarnessId::Codex).await
}

async fn misses(harness: HarnessId) -> anyhow::Result<()> {
    let (_world, stub, mut client, first) = working(harness, 60).await?;
    client.say_now(&first, "STEER-late").await?;
    let told = |state: &State| state.run(&first.run(1)).is_some_and(|run| !run.told.is_empty());
    client.until("the order", told).await?;
    client.intend(Kind::TaskStopped { task: first.clone() }).await?;
    client.until("the stop", |state| is(state, &first, Status::Cancelled)).await?;
    let queue = &client.state().task(&first).unwrap().queue;
    assert_eq!(queue.iter().map(|message| &*message.text).collect::<Vec<_>>(), ["STEER-late"]);
    assert_eq!(stub.requests_with(&["STEER-late"]), 0);
    client.say(&first, "GO ON").await?;
    client.until("the next turn's end", |state| is(state, &first, Status::Completed)).await?;
    assert_eq!(stub.requests_with(&["STEER-late"]), 1);
    client.all_taken()
}

#[tokio::test]
async fn what_claude_code_has_not_read_is_for_the_next_turn() -> anyhow::Result<()> {
    misses(HarnessId::Claude).await
}

#[tokio::test]
async fn what_codex_has_not_read_is_for_the_next_turn() -> anyhow::Result<()> {
    misses(HarnessId::Codex).await
}
