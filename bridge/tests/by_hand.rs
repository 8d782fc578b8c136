//! What the person does without an agent, with the real binary: a plan built in a terminal, a task of their own in it, and
//! agents around it.

use anyhow::Context;
use conductor::state::{Standing, State};
use shared::agent::HarnessId;
use shared::entry::Kind;
use shared::id::TaskId;
use tests::world::{World, prompts};

const BIN: &str = env!("CARGO_BIN_EXE_orchestrator");

fn is_done(state: &State, task: &TaskId) -> bool {
    state.task(task).is_some_and(|task| task.standing == Standing::Completed)
}

#[tokio::test]
async fn a_plan_is_built_by_hand_and_the_persons_words_go_on_to_the_agent() -> anyhow::Result<()> {
    let world = World::attended(BIN).await?;
    world.says(&["plan", "Open the shop", "--myself", "--harness", "demo"], 0, "orchestrator add 1 \"…\"")?;
    world.says(&["approve", "1"], 1, "has no tasks yet")?;
    world.says(&["add", "1", "Sign the lease", "--mode", "manual"], 0, "")?;
    world.says(&["add", "1", "Announce it", "--objective", "Tell people", "--after", "1/1"], 0, "")?;
    world.says(&["approve", "1"], 0, "")?;
    let mut client = world.watcher("page").await?;
    let (goal, theirs) = {
        client
            .until("the person's turn", |state| {
                state.tasks.values().any(|task| task.standing == Standing::Yielded)
            })
            .await?;
        let state = client.state();
        let goal = state.goals[0].clone();
        (goal.clone(), state.task(&goal).context("the goal")?.children[0].clone())
    };
    world.says(&["tasks"], 0, "Waiting for you · yours to do")?;
    // Also in the page's words; how the task stands then is told.
    world.says(&["mode", "1/2", "by you"], 0, "1/2  Announce it · ")?;
    world.says(&["show", "1/2"], 0, "Mode: by you")?;
    world.says(&["mode", "1/2", "auto"], 0, "1/2  Announce it · ")?;
    world.says(&["show", "1/2"], 0, "Mode: auto")?;
    world.says(&["give-up", "1/2", "no"], 1, "is not yours to do now")?;
    world.says(&["give-up", "1/1", "The office is closed."], 0, "")?;
    client
        .until("it failed", |state| {
            state.task(&theirs).is_some_and(|task| matches!(task.standing, Standing::Failed { .. }))
        })
        .await?;
    world.says(&["show", "1/1"], 0, "The office is closed.\n    ")?;
    world.says(&["retry", "1/1"], 0, "1/1  Sign the lease · ")?;
    world.says(&["done", "1/1", "Signed for ten years."], 0, "")?;
    client.until("all is done", |state| is_done(state, &goal)).await?;
    world.says(
        &["tasks", "--markdown", "1"],
        0,
        "- [x] 1 Sign the lease · by you\n- [x] 2 Announce it · after 1",
    )?;
    let exported = std::process::Command::new(BIN)
        .args(["export", "--data-dir"])
        .arg(world.home.path().join("data"))
        .output()?;
    let told = prompts(&String::from_utf8(exported.stdout)?);
    let announced =
        told.iter().find(|words| words.starts_with("# Your task: Announce it")).context("its words")?;
    assert!(announced.contains("Signed for ten years."), "{announced}");
    assert!(client.state().task(&theirs).is_some_and(|task| task.runs.is_empty()), "no agent did it");
    Ok(())
}

#[tokio::test]
async fn a_planner_leaves_a_task_to_the_person() -> anyhow::Result<()> {
    let world = World::start(BIN).await?;
    let mut client = world.client("page").await?;
    let text = "Open the shop:\n1. write the sign\n2. hang the sign by hand\n3. write the news";
    let goal = world.goal(&mut client, text, HarnessId::Demo).await?;
    client.until("a plan", |state| state.task(&goal).is_some_and(conductor::plan::awaits_approval)).await?;
    client.intend(Kind::PlanApproved { goal: goal.clone(), version: 1 }).await?;
    let theirs = goal.derived(2);
    client
        .until("the person's turn", |state| {
            state.task(&theirs).is_some_and(|task| task.standing == Standing::Yielded)
        })
        .await?;
    assert!(is_done(client.state(), &goal.derived(1)));
    client.intend(Kind::TaskAccepted { task: theirs, words: "It hangs.".to_owned() }).await?;
    client.until("all is done", |state| is_done(state, &goal)).await?;
    Ok(())
}
