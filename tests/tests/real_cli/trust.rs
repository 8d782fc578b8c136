//! What a run leaves behind: its data folder, what the task was to make, and what the CLIs themselves keep where they
//! always do. Nothing of ours stands in a person's own settings.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::json;
use shared::agent::HarnessId;
use tests::stub::{Step, Stub};
use tests::world::World;

use super::{claude_at, codex_at, journey, rules, variable, world_of};

/// Every file below a folder by its path there, with its bytes.
type Files = BTreeMap<String, Vec<u8>>;

fn files(root: &Path) -> anyhow::Result<Files> {
    let mut found = Files::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let (entry, path) = entry.map(|entry| (entry.file_type(), entry.path()))?;
            let name = path.strip_prefix(root)?.to_string_lossy().into_owned();
            match entry? {
                kind if kind.is_dir() => folders.push(path),
                // A CLI clears some of its own away meanwhile.
                kind if kind.is_file() => drop(found.insert(name, std::fs::read(path).unwrap_or_default())),
                _ => drop(found.insert(name, Vec::new())),
            }
        }
    }
    Ok(found)
}

/// What may not be new in a CLI's own place: whatever it would read as settings at its next start.
const SETTINGS: [&str; 6] =
    ["settings.json", "settings.local.json", ".mcp.json", "config.toml", "hooks.json", "rules"];

/// Compares the home folder with what it was; `own` are the places in it that the CLI keeps for itself.
fn nothing_elsewhere(world: &World, before: &Files, own: &[&str]) -> anyhow::Result<()> {
    let home = world.home.path();
    let after = files(home)?;
    let kept = |name: &str| !name.starts_with("data/") && !name.starts_with("project/.git/");
    for (name, bytes) in before.iter().filter(|(name, _)| kept(name)) {
        assert_eq!(after.get(name), Some(bytes), "{name} is as it was");
    }
    let new = after.iter().filter(|(name, _)| kept(name) && !before.contains_key(*name));
    for (name, bytes) in new {
        if name == "project/made.txt" {
            continue;
        }
        assert!(own.iter().any(|place| name.starts_with(place)), "{name} is in no place of the CLI's own");
        let last = name.rsplit('/').next().unwrap_or_default();
        assert!(!SETTINGS.contains(&last), "{name} would be read as a person's settings");
        let text = String::from_utf8_lossy(bytes);
        // What the CLI keeps of a conversation holds our words and the folders it worked in.
        let data = home.join("data").to_string_lossy().into_owned();
        assert!(
            !last.ends_with(".toml") && last != ".claude.json" || !text.contains(&data),
            "{name}: {text}"
        );
    }
    Ok(())
}

/// Settings that a person has, and ours would change.
fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
    Ok(std::fs::write(path, text)?)
}

#[tokio::test]
async fn claude_code_leaves_nothing_of_ours_in_a_persons_home() -> anyhow::Result<()> {
    let mut world = world_of("claude", &variable("CLAUDE_BIN")?)?;
    let file = world.project.join("made.txt");
    let call = Step::Tool("Write".to_owned(), json!({"file_path": file, "content": "made\n"}));
    let stub = Stub::start(rules(call)).await?;
    claude_at(&mut world, &stub);
    world.set("ANTHROPIC_API_KEY", "dummy");
    let home = world.home.path().to_owned();
    write(&home.join(".claude/settings.json"), r#"{"cleanupPeriodDays": 7}"#)?;
    write(&world.project.join(".claude/settings.json"), "{}")?;
    write(&world.project.join("CLAUDE.md"), "Be kind.\n")?;
    let before = files(&home)?;
    world.start_bridge().await?;
    journey(&world, &stub, HarnessId::Claude).await?;
    world.end_bridge().await?;
    nothing_elsewhere(&world, &before, &[".claude/", ".claude.json", ".cache/", ".local/share/claude/"])
}

#[tokio::test]
async fn codex_leaves_nothing_of_ours_in_a_persons_home() -> anyhow::Result<()> {
    let mut world = world_of("codex", &variable("CODEX_BIN")?)?;
    let call = Step::Tool("exec_command".to_owned(), json!({"cmd": "echo made > made.txt"}));
    let stub = Stub::start(rules(call)).await?;
    codex_at(&mut world, &stub)?;
    write(&world.project.join("AGENTS.md"), "Be kind.\n")?;
    // In a repository Codex would note in its settings that the person trusts it.
    let init = std::process::Command::new("git").args(["init", "-q"]).arg(&world.project).status()?;
    assert!(init.success());
    let before = files(world.home.path())?;
    world.start_bridge().await?;
    journey(&world, &stub, HarnessId::Codex).await?;
    world.end_bridge().await?;
    nothing_elsewhere(&world, &before, &["codex/"])
}
