//! The bridge is gone between two turns of a conversation, and the next turn goes on with the same session (P4).

use conductor::state::State;
use serde_json::json;
use shared::agent::HarnessId;
use tests::stub::{Rule, Step, Stub};
use tests::world::World;

use super::{claude_at, codex_at, variable, world_of};

fn answer(reply: &str) -> Step {
    Step::Structured(json!({"decision": "answer", "reply": reply, "tasks": []}))
}

async fn goes_on(world: &mut World, stub: &Stub, harness: HarnessId) -> anyhow::Result<()> {
    world.start_bridge().await?;
    let mut client = world.client("page").await?;
    client.until("the agents", |state| state.agents.iter().any(|agent| agent.harness == harness)).await?;
    let goal = world.goal(&mut client, "Remember the number 4711", harness).await?;
    let says = |state: &State, reply: &str| {
        state.task(&goal).and_then(|goal| goal.result.as_ref()).is_some_and(|result| result.summary == reply)
    };
    client.until("the first answer", |state| says(state, "FIRST")).await?;
    let session = client.state().task(&goal).and_then(|goal| goal.session.clone());
    assert!(session.is_some());
    for (round, reply) in [(2, "SECOND"), (3, "THIRD")] {
        // In the middle of nothing, once as a crash and once as it should be.
        if round == 2 {
            world.kill_bridge().await?
        } else {
            world.end_bridge().await?
        }
        world.start_bridge().await?;
        let mut client = world.client(&format!("page-{round}")).await?;
        client.say(&goal, &format!("WHICH-NUMBER-{round}")).await?;
        client.until("the next answer", |state| says(state, reply)).await?;
        let state = client.state();
        assert_eq!(state.task(&goal).and_then(|goal| goal.session.clone()), session, "the same goes on");
        assert_eq!(state.task(&goal).map(|goal| goal.runs.len()), Some(round));
        // The CLI took the session up: what it asks its model begins with the first turn.
        let now = format!("WHICH-NUMBER-{round}");
        assert_eq!(stub.requests_with(&[&now, "Remember the number 4711"]), stub.requests_with(&[&now]));
        assert!(stub.requests_with(&[&now]) > 0, "{:?}", stub.prompts());
    }
    Ok(())
}

async fn stub() -> anyhow::Result<Stub> {
    let rule = |when: &str, reply: &str| Rule { when: when.to_owned(), steps: vec![answer(reply)] };
    let rules = vec![
        rule("WHICH-NUMBER-3", "THIRD"),
        rule("WHICH-NUMBER-2", "SECOND"),
        rule("# Plan this goal", "FIRST"),
    ];
    Stub::start(rules).await
}

#[tokio::test]
async fn claude_code_goes_on_with_its_session_after_a_restart() -> anyhow::Result<()> {
    let mut world = world_of("claude", &variable("CLAUDE_BIN")?)?;
    let stub = stub().await?;
    claude_at(&mut world, &stub);
    world.set("ANTHROPIC_API_KEY", "dummy");
    goes_on(&mut world, &stub, HarnessId::Claude).await
}

#[tokio::test]
async fn codex_goes_on_with_its_session_after_a_restart() -> anyhow::Result<()> {
    let mut world = world_of("codex", &variable("CODEX_BIN")?)?;
    let stub = stub().await?;
    codex_at(&mut world, &stub)?;
    goes_on(&mut world, &stub, HarnessId::Codex).await
}
