//! The work without a page: the bridge's own conductor goes on by itself, and a terminal does what a page does.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use anyhow::Context;
use conductor::state::{Plan, Standing, State};
use conductor::status::{Kind as Status, status};
use serde_json::Value;
use shared::agent::HarnessId;
use shared::entry::Kind;
use shared::id::TaskId;
use tests::world::{World, sketch};

const BIN: &str = env!("CARGO_BIN_EXE_orchestrator");

fn proposed(state: &State, goal: &TaskId) -> bool {
    let goal = state.task(goal).and_then(|task| task.goal.as_ref());
    goal.is_some_and(|goal| matches!(goal.plan, Plan::Proposed { .. }))
}

fn completed(state: &State, task: &TaskId) -> bool {
    state.task(task).is_some_and(|task| task.standing == Standing::Completed)
}

async fn attended() -> anyhow::Result<World> {
    let mut world = World::prepare(BIN)?;
    world.standby = true;
    world.start_bridge().await?;
    Ok(world)
}

/// Closing the tab in the middle stops nothing, and a page that comes back decides again.
#[tokio::test]
async fn the_work_goes_on_when_the_last_page_is_closed() -> anyhow::Result<()> {
    let world = attended().await?;
    let mut page = world.client("page").await?;
    let text = "Go on alone. [[demo tasks=3 shape=chain]] [[tasks: slow=20]]";
    let goal = world.goal(&mut page, text, HarnessId::Demo).await?;
    page.until("a plan", |state| proposed(state, &goal)).await?;
    page.intend(Kind::PlanApproved { goal: goal.clone(), version: 1 }).await?;
    page.until("work", |state| conductor::rollup::active_runs(state) > 0).await?;
    drop(page);
    // It looks and does not ask for the baton.
    let mut watcher = world.watcher("watcher").await?;
    watcher.until("the summary", |state| completed(state, &goal)).await?;
    let holder = watcher.state().baton.as_ref().context("nobody decided")?.holder.to_string();
    assert!(holder.starts_with("standby-"), "{holder}");
    let mut page = world.client("page-again").await?;
    page.until("the baton", |state| {
        state.baton.as_ref().is_some_and(|baton| baton.holder.as_str() == "page-again")
    })
    .await
}

/// The process of the standby, which any thread of the bridge may have started.
fn standby_of(bridge: u32) -> anyhow::Result<Option<String>> {
    let mut children = String::new();
    for thread in std::fs::read_dir(format!("/proc/{bridge}/task"))? {
        children += &std::fs::read_to_string(thread?.path().join("children"))?;
    }
    let is_standby = |pid: &&str| {
        std::fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.contains("conduct"))
    };
    Ok(children.split_whitespace().find(is_standby).map(str::to_owned))
}

/// A standby that is killed is started again, and what it had in hand is done once.
#[tokio::test]
async fn a_standby_that_is_killed_is_replaced() -> anyhow::Result<()> {
    let world = attended().await?;
    let mut page = world.client("page").await?;
    let text = "Go on in spite of all. [[demo tasks=3]] [[task 1: ask]] [[task 2: slow=30]]";
    let goal = world.goal(&mut page, text, HarnessId::Demo).await?;
    page.until("a plan", |state| proposed(state, &goal)).await?;
    page.intend(Kind::PlanApproved { goal: goal.clone(), version: 1 }).await?;
    page.until("work", |state| conductor::rollup::active_runs(state) == 3).await?;
    drop(page);
    let mut watcher = world.watcher("watcher").await?;
    let stands = |state: &State| {
        state.baton.as_ref().is_some_and(|baton| baton.holder.as_str().starts_with("standby-"))
    };
    watcher.until("the standby", stands).await?;
    let first = watcher.state().baton.clone();
    let standby = standby_of(world.pid()?)?.context("no standby process")?;
    anyhow::ensure!(Command::new("kill").args(["-9", &standby]).status()?.success());
    watcher.until("another", |state| stands(state) && state.baton != first).await?;
    let first = watcher.state().task(&goal).context("the goal")?.children[0].clone();
    let asks =
        |state: &State| state.task(&first).is_some_and(|task| status(state, task).kind == Status::Waiting);
    watcher.until("a question", asks).await?;
    watcher.say(&first, "The first, please.").await?;
    watcher.until("the summary", |state| completed(state, &goal)).await?;
    let runs = watcher.state().runs.len();
    // The plan, three tasks, the answer, the summary.
    assert_eq!(runs, 6, "{}", sketch(watcher.state()));
    Ok(())
}

struct Terminal {
    home: tempfile::TempDir,
}

impl Terminal {
    fn new() -> anyhow::Result<Self> {
        let home = tempfile::tempdir()?;
        std::fs::create_dir(home.path().join("project"))?;
        Ok(Self { home })
    }

    fn data(&self) -> std::path::PathBuf {
        self.home.path().join("data")
    }

    fn run(&self, args: &[&str]) -> anyhow::Result<(Option<i32>, String)> {
        let mut command = Command::new(BIN);
        command.args(args).arg("--data-dir").arg(self.data());
        command.env("HOME", self.home.path()).env("XDG_CONFIG_HOME", self.home.path().join("config"));
        let Output { status, stdout, stderr } =
            command.current_dir(self.home.path().join("project")).stdin(Stdio::null()).output()?;
        Ok((status.code(), format!("{}{}", String::from_utf8(stdout)?, String::from_utf8(stderr)?)))
    }
}

/// The bridge that a command started and left.
impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(holder) = bridge::lock::holder(&self.data()) {
            let _ = Command::new("kill").arg(holder.pid.to_string()).status();
        }
    }
}

fn gone(data: &Path) -> bool {
    bridge::lock::holder(data).is_none()
}

#[test]
fn a_goal_is_seen_through_in_a_terminal() -> anyhow::Result<()> {
    let terminal = Terminal::new()?;
    let goal = "Build a small thing. [[demo tasks=3]]";
    let (code, said) = terminal.run(&["run", goal, "--harness", "demo", "--approve"])?;
    assert_eq!(code, Some(0), "{said}");
    for words in ["Running · 1 ", "Completed · 3 ", "Output: "] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let files = std::fs::read_dir(terminal.home.path().join("project"))?.count();
    assert!(files > 0, "the agents worked where the command was given");
    // The bridge that it started goes with it, and the next command finds the work.
    let (code, said) = terminal.run(&["tasks"])?;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.starts_with("1  Build a small thing") && said.contains("\n  1/3  "), "{said}");
    Ok(())
}

#[test]
fn what_needs_a_person_or_fails_has_its_own_status_and_a_next_step() -> anyhow::Result<()> {
    let terminal = Terminal::new()?;
    let goal = "Build it. [[demo tasks=3]] [[task 1: ask]] [[task 2: fail-once]]";
    let (code, said) = terminal.run(&["run", goal, "--harness", "demo"])?;
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("Next: orchestrator approve 1"), "{said}");
    let (code, said) = terminal.run(&["approve", "1"])?;
    assert!(code == Some(0) && said.contains("A bridge goes on"), "{said}");
    let reaches = |wished: &dyn Fn(&[Value]) -> bool| -> anyhow::Result<()> {
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
        loop {
            let (_, said) = terminal.run(&["tasks", "--json"])?;
            let tasks = said.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?;
            if wished(&tasks) {
                return Ok(());
            }
            anyhow::ensure!(std::time::Instant::now() < deadline, "{said}");
        }
    };
    reaches(&|tasks| tasks[1]["status"] == "waiting" && tasks[2]["status"] == "failed")?;
    let (code, said) = terminal.run(&["answer", "1/1", "The first."])?;
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = terminal.run(&["retry", "1/2"])?;
    assert_eq!(code, Some(0), "{said}");
    reaches(&|tasks| tasks.iter().all(|task| task["status"] == "completed"))?;
    let (code, said) = terminal.run(&["cancel", "1"])?;
    assert!(code == Some(1) && said.contains("is over already"), "{said}");
    let (code, said) = terminal.run(&["answer", "7", "Who?"])?;
    assert!(code == Some(1) && said.contains("there is no goal 7"), "{said}");
    let (code, said) = terminal.run(&["url"])?;
    assert!(code == Some(0) && said.starts_with("http://127.0.0.1:"), "{said}");
    Ok(())
}

#[test]
fn a_plan_is_printed_and_nothing_runs() -> anyhow::Result<()> {
    let terminal = Terminal::new()?;
    let goal = "Plan it. [[demo tasks=3 shape=chain]]";
    let (code, said) = terminal.run(&["plan", goal, "--harness", "demo", "--json"])?;
    assert_eq!(code, Some(0), "{said}");
    let plan: Value = serde_json::from_str(said.lines().last().context("no plan")?)?;
    assert_eq!(plan["tasks"].as_array().map(Vec::len), Some(3), "{said}");
    assert_eq!(plan["tasks"][2]["after"], serde_json::json!(["2"]), "{said}");
    let (code, said) = terminal.run(&["run", "Fail. [[demo crash]]", "--harness", "demo"])?;
    assert!(code == Some(1) && said.contains("exit code 3"), "{said}");
    let (code, said) = terminal.run(&["run"])?;
    assert!(code == Some(2) && said.contains("<GOAL>"), "{said}");
    let (code, said) = terminal.run(&["url"])?;
    assert!(code == Some(1) && said.contains("no bridge runs"), "{said}");
    assert!(gone(&terminal.data()));
    Ok(())
}
