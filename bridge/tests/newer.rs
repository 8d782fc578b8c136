//! A log that a newer version wrote: what this one does not know may forbid what it would decide.

use std::fs::File;
use std::path::Path;
use std::process::Command;

use shared::agent::HarnessId;
use tests::world::World;

const BIN: &str = env!("CARGO_BIN_EXE_orchestrator");

/// Reads an exported log into an empty data folder, as a person who goes on with it.
fn import(log: &Path, data: &Path) -> anyhow::Result<()> {
    let ended = Command::new(BIN)
        .args(["import", "--go-on", "--data-dir"])
        .arg(data)
        .env("HOME", data)
        .stdin(File::open(log)?)
        .status()?;
    anyhow::ensure!(ended.success(), "import ended with {ended}");
    Ok(())
}

#[tokio::test]
async fn nobody_decides_by_a_log_that_a_newer_version_wrote() -> anyhow::Result<()> {
    let world = World::start(BIN).await?;
    // Nobody decides here, so its planner is still to be ordered.
    let mut page = world.watcher("page").await?;
    world.goal(&mut page, "Write it. [[demo tasks=3]]", HarnessId::Demo).await?;
    let log = world.says(&["export"], 0, "goal_stated")?;
    let newer = log.replacen("\"kind\":\"bridge_started\"", "\"kind\":\"all_frozen\"", 1);
    assert_ne!(log, newer);
    for (log, code, words) in [(&log, 0, "idle"), (&newer, 1, "1 entries of kinds that this version")] {
        let mut there = World::prepare(BIN)?;
        let exported = there.project.join("log.ndjson");
        std::fs::write(&exported, log)?;
        import(&exported, &there.home.path().join("data"))?;
        there.start_bridge().await?;
        there.says(&["conduct"], code, words)?;
        let log = there.says(&["export"], 0, "goal_stated")?;
        assert_eq!(log.contains("run_requested"), code == 0, "{words}");
        // It is read, and spoken to, all the same.
        there.says(&["tasks"], 0, "Write it.")?;
        there.says(&["cancel", "1"], 0, "")?;
    }
    Ok(())
}
