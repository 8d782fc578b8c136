//! What somebody should look at, end to end: told by the bridge, shown by commands, and acted upon by nobody.

use anyhow::Context;
use conductor::State;
use conductor::health::{Warning, warnings};
use conductor::status::{Kind as Status, status};
use shared::agent::HarnessId;
use shared::entry::{Kind, Room};
use shared::id::TaskId;
use shared::limits::{Health, Limits};
use shared::unit::Millis;
use tests::world::{World, now, sketch};

const BIN: &str = env!("CARGO_BIN_EXE_orchestrator");

fn with_config(text: &str) -> anyhow::Result<World> {
    let mut world = World::prepare(BIN)?;
    let config = world.home.path().join("config.toml");
    std::fs::write(&config, text)?;
    world.argument("--config");
    world.argument(&config.to_string_lossy());
    Ok(world)
}

fn told(state: &State, task: &TaskId) -> Vec<Warning> {
    state.task(task).map(|task| warnings(state, task, now())).unwrap_or_default()
}

#[tokio::test]
async fn an_agent_that_hangs_is_told_as_stalled_and_goes_on_until_a_person_stops_it() -> anyhow::Result<()> {
    let world = World::start(BIN).await?;
    let mut client = world.client("page").await?;
    let health = Health { stalled: Millis(300), ..Health::default() };
    client.intend(Kind::LimitsSet { limits: Limits { health, ..Limits::default() } }).await?;
    let goal = world.goal(&mut client, "Begin and stay. [[demo hang]]", HarnessId::Demo).await?;
    let stalled =
        |state: &State| told(state, &goal).iter().any(|warning| matches!(warning, Warning::Stalled { .. }));
    client.until("a warning", stalled).await?;
    let task = client.state().task(&goal).context("the goal")?;
    assert_eq!(status(client.state(), task).kind, Status::Active, "{}", sketch(client.state()));
    client.intend(Kind::TaskStopped { task: goal.clone() }).await?;
    client.until("its end", |state| state.task(&goal).is_some_and(|task| task.is_over())).await?;
    assert_eq!(told(client.state(), &goal), []);
    client.all_taken()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn without_free_memory_nothing_starts_and_with_it_everything_goes_on() -> anyhow::Result<()> {
    let mut world = with_config("[memory]\nwarn_mb = 1000000000\npause_mb = 1000000000\n")?;
    world.start_bridge().await?;
    let mut client = world.client("page").await?;
    client.until("the measure", |state| state.memory.room == Room::None).await?;
    let goal = world.goal(&mut client, "Answer. [[demo answer]]", HarnessId::Demo).await?;
    client.say(&goal, "Soon, please.").await?;
    let said = |state: &State| state.task(&goal).is_some_and(|task| task.queue.len() == 1);
    client.until("the words", said).await?;
    let task = client.state().task(&goal).context("the goal")?;
    assert!(task.runs.is_empty(), "{}", sketch(client.state()));
    let why = conductor::words::reason(client.state(), &status(client.state(), task), now());
    assert_eq!(why, "waits for free memory");
    world.kill_bridge().await?;
    std::fs::write(world.home.path().join("config.toml"), "[memory]\nwarn_mb = 0\npause_mb = 0\n")?;
    world.start_bridge().await?;
    let mut client = world.client("page-again").await?;
    client.until("an answer", |state| state.task(&goal).is_some_and(|task| task.is_over())).await?;
    client.all_taken()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_run_that_holds_much_memory_is_told_and_left_alone() -> anyhow::Result<()> {
    let mut world = with_config("[memory]\nagent_mb = 1\n")?;
    world.start_bridge().await?;
    let mut client = world.client("page").await?;
    let goal = world.goal(&mut client, "Begin and stay. [[demo hang]]", HarnessId::Demo).await?;
    let heavy =
        |state: &State| told(state, &goal).iter().any(|warning| matches!(warning, Warning::Heavy { .. }));
    client.until("a warning", heavy).await?;
    let task = client.state().task(&goal).context("the goal")?;
    assert_eq!(status(client.state(), task).kind, Status::Active, "{}", sketch(client.state()));
    client.all_taken()
}
