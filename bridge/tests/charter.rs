//! The rules of a goal, from a terminal to what its agents are told.

use anyhow::Context;
use tests::world::{World, prompts};

const BIN: &str = env!("CARGO_BIN_EXE_orchestrator");

#[tokio::test]
async fn a_goals_tasks_are_told_its_rules_and_facts() -> anyhow::Result<()> {
    let world = World::attended(BIN).await?;
    world.says(&["plan", "Open the shop", "--myself", "--harness", "demo"], 0, "")?;
    world.says(&["add", "1", "Paint the door"], 0, "")?;
    world.says(&["charter", "1"], 0, "has no rules yet. Next: orchestrator charter 1 --set FILE")?;
    std::fs::write(world.project.join("rules.md"), "- Use no red.\n")?;
    world.says(
        &["charter", "1", "--set", "rules.md", "--fact", "door = oak", "--fact", "key=7"],
        0,
        "- Use no red.\ndoor = oak\nkey = 7",
    )?;
    world.says(&["charter", "1", "--fact", "key="], 0, "- Use no red.\ndoor = oak\n")?;
    world.says(&["charter", "1/1", "--fact", "key=8"], 1, "is no goal; rules are a goal's")?;
    world.says(&["charter", "1", "--fact", "nothing"], 2, "is no fact, such as server=10.0.0.7")?;
    world.says(&["approve", "1"], 0, "")?;
    let mut client = world.watcher("page").await?;
    client
        .until("all is done", |state| {
            state.goals.iter().all(|goal| state.task(goal).is_some_and(|task| task.is_over()))
        })
        .await?;
    let exported = std::process::Command::new(BIN)
        .args(["export", "--data-dir"])
        .arg(world.home.path().join("data"))
        .output()?;
    let told = prompts(&String::from_utf8(exported.stdout)?);
    let painted =
        told.iter().find(|words| words.starts_with("# Your task: Paint the door")).context("its words")?;
    assert!(
        painted.contains("## Rules of this goal\n\n- Use no red.\n\n## Facts\n\n- door: oak\n"),
        "{painted}"
    );
    Ok(())
}
