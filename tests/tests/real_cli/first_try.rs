//! `orchestrator doctor --try` with a real agent: it says what that costs, asks one question, and tells the answer.

use std::process::Stdio;

use anyhow::ensure;
use serde_json::{Value, json};
use tests::stub::{Rule, Step, Stub};
use tokio::process::Command;

use super::variable;

#[tokio::test]
async fn a_first_try_asks_claude_code_one_question() -> anyhow::Result<()> {
    let home = tempfile::tempdir()?;
    let answer = json!({"decision": "answer", "reply": "ready, says the stub", "tasks": []});
    let when = "This is the first try of a new set-up.".to_owned();
    let stub = Stub::start(vec![Rule { when, steps: vec![Step::Structured(answer)] }]).await?;
    let config = home.path().join("config.toml");
    std::fs::write(&config, format!("[agents.claude]\nprogram = {:?}\n", variable("CLAUDE_BIN")?))?;
    let mut command = Command::new(variable("ORCHESTRATOR_BIN")?);
    command.args(["doctor", "--try", "--harness", "claude", "--json", "--config"]).arg(&config);
    command.env("HOME", home.path()).env("TMPDIR", home.path()).stdin(Stdio::null());
    command.env("ANTHROPIC_BASE_URL", stub.url()).env("ANTHROPIC_API_KEY", "dummy");
    let output = command.output().await?;
    let said = String::from_utf8(output.stdout)?;
    ensure!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let rows = said.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?;
    let told: Vec<&str> = rows.iter().filter_map(|row| row["what"].as_str()).collect();
    ensure!(told[0].contains("uses tokens or money"), "beforehand: {said}");
    ensure!(told.iter().any(|what| what.starts_with("Claude Code answered: ready, says the stub")), "{said}");
    ensure!(told.last().is_some_and(|what| what.contains("is gone again")), "{said}");
    ensure!(stub.prompts().iter().all(|prompt| prompt.contains("first try")), "nothing else is asked");
    Ok(())
}
