//! `orchestrator doctor --try`: everything once, and nothing left of it.

use serde_json::Value;

use super::terminal::Terminal;

#[test]
fn a_first_try_goes_from_a_goal_to_a_killed_bridge_and_leaves_nothing() -> anyhow::Result<()> {
    let terminal = Terminal::new()?;
    let temporary = terminal.home.path().join("temporary");
    std::fs::create_dir(&temporary)?;
    let place = temporary.to_str().expect("a name in text");
    let (code, said) = terminal.run_in(&[("TMPDIR", place)], &["doctor", "--try"])?;
    assert_eq!(code, Some(0), "{said}");
    let steps = [
        "a bridge of its own was started",
        "a goal was stated and came to a plan of 3 tasks",
        "the plan was approved, its tasks were ordered, seen at work and completed",
        "a task that was made to fail is called failed",
        "a task that was stopped in the middle is cancelled",
        "the agent went on, was taken over and stopped",
        "the bridge ended when it was asked to",
        "no process is left",
        "no run is claimed",
        "the log is sound",
        "nothing was written but to the project",
        "is gone again",
    ];
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), steps.len(), "{said}");
    for (line, step) in lines.iter().zip(steps) {
        assert!(line.starts_with("ok  ") && line.contains(step), "{step}: {line}");
    }
    assert!(
        lines.iter().all(|line| line.contains(", within a second") || line.contains(", after ")),
        "{said}"
    );
    assert_eq!(std::fs::read_dir(&temporary)?.count(), 0, "all of it is gone");
    assert!(!terminal.data().exists(), "the person's own log is not touched");
    Ok(())
}

#[test]
fn a_first_try_that_fails_says_at_what_and_leaves_nothing_either() -> anyhow::Result<()> {
    let terminal = Terminal::new()?;
    let temporary = terminal.home.path().join("temporary");
    std::fs::create_dir(&temporary)?;
    let place = temporary.to_str().expect("a name in text");
    let config = terminal.home.path().join("config.toml");
    std::fs::write(&config, "[agents.claude]\nprogram = \"/none/claude\"\n")?;
    let config = config.display().to_string();
    let args = ["doctor", "--try", "--harness", "claude", "--json", "--config", &config];
    let (code, said) = terminal.run_in(&[("TMPDIR", place)], &args)?;
    assert_eq!(code, Some(1), "{said}");
    let rows = said.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?;
    let beforehand = rows[0]["what"].as_str().is_some_and(|what| what.contains("uses tokens or money"));
    assert!(beforehand && rows[0]["verdict"] == "warning", "{said}");
    let bad: Vec<&Value> = rows.iter().filter(|row| row["verdict"] == "bad").collect();
    let why = bad.iter().filter_map(|row| row["what"].as_str()).collect::<Vec<_>>().join("; ");
    assert!(bad.len() == 1 && why.contains("(/none/claude) is not there"), "{said}");
    assert!(bad[0]["remedy"].as_str().is_some_and(|remedy| remedy.contains("orchestrator doctor")), "{said}");
    assert_eq!(std::fs::read_dir(&temporary)?.count(), 0, "all of it is gone");
    Ok(())
}
