//! Output that is older than the configuration keeps it goes; everything else of the run stays.

use std::cell::Cell;
use std::rc::Rc;

use anyhow::Context;
use bridge::store::{Sizes, Store};
use conductor::State;
use conductor::state::Standing;
use shared::agent::HarnessId;
use tests::world::World;

const DAY: i64 = 24 * 60 * 60 * 1_000;

#[tokio::test]
async fn old_output_is_removed_at_the_next_start_and_its_task_stays_what_it_was() -> anyhow::Result<()> {
    let mut world = World::start(env!("CARGO_BIN_EXE_orchestrator")).await?;
    let mut client = world.client("page").await?;
    let lines = Rc::new(Cell::new(0));
    let seen = Rc::clone(&lines);
    client.on_frame = Some(Box::new(move |frame| seen.set(seen.get() + frame.lines().count() as u64)));
    let goal = world.goal(&mut client, "Answer. [[demo answer]]", HarnessId::Demo).await?;
    let answered = |state: &State| state.task(&goal).is_some_and(|task| task.standing == Standing::Completed);
    client.until("an answer", answered).await?;
    let run = client.state().task(&goal).and_then(|task| task.runs.last().cloned()).context("a run")?;
    let answer = client.state().task(&goal).map(|task| task.result.clone());
    world.kill_bridge().await?;

    // Two days pass.
    let data = world.home.path().join("data");
    let log = rusqlite::Connection::open(data.join("log.db"))?;
    log.execute("UPDATE entry SET at = at - ?1", [2 * DAY])?;
    drop(log);
    let config = world.home.path().join("config.toml");
    std::fs::write(&config, "[retention]\noutput_days = 1\n")?;
    world.argument("--config");
    world.argument(&config.to_string_lossy());
    world.start_bridge().await?;

    let mut client = world.client("page-again").await?;
    client.until("the removal", |state| state.run(&run).is_some_and(|run| run.removed.is_some())).await?;
    assert!(answered(client.state()), "what was answered stays");
    assert_eq!(client.state().task(&goal).map(|task| task.result.clone()), answer);
    world.kill_bridge().await?;
    let store = Store::open(&data)?;
    assert_eq!(store.output_sizes(&run).await?, Sizes::default());
    let told = store.last_of_kind("output_removed").await?.context("an entry")?;
    assert!(told.json.contains(&format!("\"lines\":{}", lines.get())) && lines.get() > 0, "{}", told.json);
    Ok(())
}
