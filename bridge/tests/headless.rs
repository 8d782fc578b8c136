//! The work without a page: the bridge's own conductor goes on by itself, and a terminal does what a page does.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use anyhow::Context;
use bridge::access::{Access, Reached};
use conductor::state::{Standing, State};
use conductor::status::{Kind as Status, status};
use futures_util::SinkExt;
use serde_json::Value;
use shared::agent::HarnessId;
use shared::entry::{Kind, Purpose};
use shared::id::{ClientId, TaskId};
use shared::unit::Seq;
use shared::wire::{ClientMessage, PROTOCOL, Want};
use tests::world::{World, sketch};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

#[path = "headless/first_try.rs"]
mod first_try;
#[path = "headless/terminal.rs"]
mod terminal;

use terminal::{BIN, Terminal};

fn proposed(state: &State, goal: &TaskId) -> bool {
    state.task(goal).is_some_and(conductor::plan::awaits_approval)
}

fn completed(state: &State, task: &TaskId) -> bool {
    state.task(task).is_some_and(|task| task.standing == Standing::Completed)
}

/// Closing the tab in the middle stops nothing, and a page that comes back decides again.
#[tokio::test]
async fn the_work_goes_on_when_the_last_page_is_closed() -> anyhow::Result<()> {
    let world = World::attended(BIN).await?;
    let mut page = world.client("page").await?;
    let text = "Go on alone. [[demo tasks=3 shape=chain]] [[tasks: slow=20]]";
    let goal = world.goal(&mut page, text, HarnessId::Demo).await?;
    page.until("a plan", |state| proposed(state, &goal)).await?;
    page.intend(Kind::PlanApproved { goal: goal.clone(), version: 1 }).await?;
    page.until("work", |state| state.active_runs() > 0).await?;
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

/// A page that nobody looks at has the baton back when the standby has nothing more to do, and that is all.
#[tokio::test]
async fn a_hidden_page_and_the_standby_do_not_take_turns_for_ever() -> anyhow::Result<()> {
    let world = World::attended(BIN).await?;
    let mut page = world.watcher("hidden").await?;
    page.send(&ClientMessage::WantBaton { want: Want::Spare }).await?;
    let epoch = |state: &State| state.baton.as_ref().map_or(0, |baton| baton.epoch.0);
    let is_hidden =
        |state: &State| state.baton.as_ref().is_some_and(|baton| baton.holder.as_str() == "hidden");
    page.until("the page, the standby, and the page again", |state| epoch(state) >= 3 && is_hidden(state))
        .await?;
    // Long enough for several more turns, if there were any: nothing tells of their absence.
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    world.goal(&mut page, "Answer. [[demo answer]]", HarnessId::Demo).await?;
    let answered = |state: &State| state.goals.iter().all(|goal| completed(state, goal));
    page.until("an answer", answered).await?;
    page.until("the page once more", is_hidden).await?;
    assert!(epoch(page.state()) <= 9, "{} grants", epoch(page.state()));
    Ok(())
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
    let world = World::attended(BIN).await?;
    let mut page = world.client("page").await?;
    let text = "Go on in spite of all. [[demo tasks=3]] [[task 1: ask]] [[task 2: slow=30]]";
    let goal = world.goal(&mut page, text, HarnessId::Demo).await?;
    page.until("a plan", |state| proposed(state, &goal)).await?;
    page.intend(Kind::PlanApproved { goal: goal.clone(), version: 1 }).await?;
    page.until("work", |state| state.active_runs() == 3).await?;
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
    let turns = watcher.state().runs.values().filter(|run| run.purpose != Purpose::Check).count();
    // The plan, three tasks, the answer, the summary.
    assert_eq!(turns, 6, "{}", sketch(watcher.state()));
    Ok(())
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

/// The command has started the bridge, and ends it unless a page is open on it by then.
#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_stays_for_a_page_that_was_opened_meanwhile() -> anyhow::Result<()> {
    let terminal = Terminal::new()?;
    let mut command = Command::new(BIN);
    command.args(["run", "Ask me. [[demo ask]]", "--harness", "demo", "--data-dir"]).arg(terminal.data());
    command.env("HOME", terminal.home.path()).env("XDG_CONFIG_HOME", terminal.home.path().join("config"));
    command.current_dir(terminal.home.path().join("project")).stdin(Stdio::null()).stdout(Stdio::piped());
    let running = command.spawn()?;
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    let holder = loop {
        if let Some(holder) = bridge::lock::holder(&terminal.data()) {
            break holder;
        }
        anyhow::ensure!(std::time::Instant::now() < deadline, "no bridge was started");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    };
    let reached = Reached { listen: holder.address, fingerprint: None, names: Vec::new() };
    let mut request = format!("ws://{}/ws", holder.address).into_client_request()?;
    for (name, value) in Access::open(&terminal.data(), reached)?.credentials() {
        request.headers_mut().insert(name, value.parse()?);
    }
    let (mut page, _) = tokio_tungstenite::connect_async(request).await?;
    let hello = ClientMessage::Hello {
        protocol: PROTOCOL,
        client: ClientId::new("page")?,
        since: Seq(0),
        lively: false,
    };
    page.send(Message::text(serde_json::to_string(&hello)?)).await?;
    let Output { stdout, .. } = tokio::task::spawn_blocking(|| running.wait_with_output()).await??;
    let said = String::from_utf8(stdout)?;
    assert!(said.contains("A bridge goes on at"), "{said}");
    assert!(!gone(&terminal.data()), "the page has its bridge");
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
    terminal.reaches(&|tasks| tasks[1]["status"] == "waiting" && tasks[2]["status"] == "failed")?;
    let (code, said) = terminal.run(&["answer", "1/1", "The first."])?;
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = terminal.run(&["retry", "1/2"])?;
    assert_eq!(code, Some(0), "{said}");
    terminal.reaches(&|tasks| tasks.iter().all(|task| task["status"] == "completed"))?;
    let (code, said) = terminal.run(&["cancel", "1"])?;
    assert!(code == Some(1) && said.contains("is over already"), "{said}");
    let (code, said) = terminal.run(&["answer", "7", "Who?"])?;
    assert!(code == Some(1) && said.contains("there is no goal 7"), "{said}");
    let (code, said) = terminal.run(&["url"])?;
    assert!(code == Some(0) && said.starts_with("http://127.0.0.1:"), "{said}");
    Ok(())
}

#[test]
fn without_an_agent_nothing_is_started_and_what_helps_is_said() -> anyhow::Result<()> {
    let terminal = Terminal::new()?;
    let (code, said) = terminal.run_in(&[("PATH", "/nowhere")], &["run", "Build it."])?;
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("no agent CLI") && said.contains("Next: Install Claude Code or Codex"), "{said}");
    assert!(terminal.run(&["tasks"])?.1.starts_with("No goals yet."));
    Ok(())
}

#[test]
fn a_turn_that_was_cut_short_is_taken_up_on_a_word() -> anyhow::Result<()> {
    let terminal = Terminal::new()?;
    let goal = "Build it. [[demo tasks=3]] [[task 1: limit=86400]]";
    assert_eq!(terminal.run(&["run", goal, "--harness", "demo"])?.0, Some(3));
    let (code, said) = terminal.run(&["approve", "1"])?;
    assert_eq!(code, Some(0), "{said}");
    terminal.reaches(&|tasks| tasks.get(1).is_some_and(|task| task["status"] == "limited"))?;
    let (code, said) = terminal.run(&["resume", "1/1"])?;
    assert_eq!(code, Some(0), "{said}");
    terminal.reaches(&|tasks| tasks.iter().all(|task| task["status"] == "completed"))?;
    let (code, said) = terminal.run(&["resume", "1/1"])?;
    assert!(code == Some(1) && said.contains("no turn that waits"), "{said}");
    Ok(())
}

#[test]
fn a_goal_pauses_at_its_budget_and_goes_on_when_it_is_raised() -> anyhow::Result<()> {
    let terminal = Terminal::new()?;
    let goal = "Build it. [[demo tasks=3 shape=chain]] [[tasks: cost=40]]";
    let run = ["run", goal, "--harness", "demo", "--approve", "--budget", "0.60"];
    let (code, said) = terminal.run(&run)?;
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("Completed · 1 ") && !said.contains("Completed · 2 "), "{said}");
    assert!(said.contains("budget of $0.60 used up.\nNext: orchestrator budget 1 USD"), "{said}");
    // The second was stopped at what was left, and paid for the answer that passed it.
    terminal.reaches(&|tasks| tasks[0]["usd"].as_f64() > Some(0.8) && tasks[0]["status"] == "waiting")?;
    let (code, said) = terminal.run(&["budget", "1", "$2"])?;
    assert_eq!(code, Some(0), "{said}");
    terminal.reaches(&|tasks| tasks.iter().all(|task| task["status"] == "completed"))?;
    let (code, said) = terminal.run(&["budget", "1", "much"])?;
    assert!(code == Some(2) && said.contains("no sum in US dollars"), "{said}");
    Ok(())
}

#[test]
fn a_plan_of_ones_own_is_checked_and_carried_out_without_a_planner() -> anyhow::Result<()> {
    let terminal = Terminal::new()?;
    let file = terminal.home.path().join("plan.json");
    let run = ["run", "Build it", "--harness", "demo", "--plan", &file.display().to_string()];
    let task = |key: &str, after: &[&str]| serde_json::json!({"key": key, "title": format!("Make {key}"), "objective": format!("Make {key}."), "after": after});
    let plan =
        |tasks: Value| serde_json::json!({"decision": "plan", "reply": "Mine.", "tasks": tasks}).to_string();
    for (text, words) in [
        ("{".to_owned(), "it is not JSON"),
        (plan(serde_json::json!([{"key": "a", "objective": "Do"}])), "tasks: 0: title: expected a value"),
        (
            plan(serde_json::json!([{"key": "a", "title": "A", "objective": "Do", "afer": ["b"]}])),
            "tasks: 0: unknown name \"afer\"",
        ),
        (plan(serde_json::json!([task("a", &["b"]), task("b", &["a"])])), "in a cycle: "),
        (plan(serde_json::json!([])), "no tasks"),
        (r#"{"decision": "answer", "reply": "42"}"#.to_owned(), "must be \"plan\""),
    ] {
        std::fs::write(&file, text)?;
        let (code, said) = terminal.run(&run)?;
        assert!(code == Some(2) && said.contains(words) && said.contains("Nothing was started"), "{said}");
    }
    let (_, said) = terminal.run(&["tasks"])?;
    assert!(said.starts_with("No goals yet."), "{said}");
    // Fewer than a planner may propose.
    std::fs::write(&file, plan(serde_json::json!([task("a", &[]), task("b", &["a"])])))?;
    let (code, said) = terminal.run(&run)?;
    assert!(
        code == Some(0) && said.contains("Completed · 1 Make a") && said.contains("Completed · 2 Make b"),
        "{said}"
    );
    let (_, log) = ask(&terminal.data(), &["export"], b"")?;
    assert!(!log.contains(r#""purpose":"plan""#), "no planner was asked");
    let (code, said) = terminal.run(&["schema"])?;
    assert!(code == Some(0) && said.contains("PlannerAnswer"), "{said}");
    // What is shown of it can be run as it is; the demo agent makes no file, and that is held against it.
    let (_, example) = terminal.run(&["schema", "--example"])?;
    std::fs::write(&file, example)?;
    let (code, said) = terminal.run(&run)?;
    assert!(code != Some(2) && said.contains("0 of 4 done"), "{said}");
    Ok(())
}

#[test]
fn tasks_are_scheduled_repeated_and_limited_from_a_terminal() -> anyhow::Result<()> {
    let terminal = Terminal::new()?;
    let (code, said) =
        terminal.run(&["limits", "--parallel", "1", "--codex", "2", "--task-budget", "0.5"])?;
    let has = |option: &str, value: &str| {
        let mut lines = said.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        lines.any(|line| line.starts_with(&[option, value]))
    };
    assert!(code == Some(0) && has("--parallel", "1") && has("--codex", "2"), "{said}");
    assert!(has("--per-folder", "none") && has("--task-budget", "$0.5"), "{said}");
    let (_, said) = terminal.run(&["run", "Build it. [[demo tasks=3]]", "--harness", "demo"])?;
    assert!(said.contains("Next: orchestrator approve 1"), "{said}");
    for args in [
        vec!["schedule", "1/3", "--priority", "7"],
        vec!["schedule", "1/2", "--repeat", "1s"],
        vec!["schedule", "1/1", "--in", "2s", "--priority", "-3"],
        vec!["approve", "1"],
    ] {
        let (code, said) = terminal.run(&args)?;
        assert_eq!(code, Some(0), "{args:?}: {said}");
    }
    // All are done once, and the second again; the goal is not over while it is.
    let runs =
        |log: &str, task: &str| log.matches(&format!("\"task\":\"{task}\",\"purpose\":\"work\"")).count();
    let (_, said) = terminal.run(&["tasks", "--json"])?;
    let goal: Value = serde_json::from_str(said.lines().next().context("a goal")?)?;
    let goal = goal["id"].as_str().context("an id")?.to_owned();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    let log = loop {
        let (_, log) = ask(&terminal.data(), &["export"], b"")?;
        if runs(&log, &format!("{goal}~1")) > 0 && runs(&log, &format!("{goal}~2")) >= 3 {
            break log;
        }
        anyhow::ensure!(std::time::Instant::now() < deadline, "{log}");
    };
    let begun =
        |n: u32| log.find(&format!("\"task\":\"{goal}~{n}\",\"purpose\":\"work\"")).unwrap_or(usize::MAX);
    assert!(
        begun(3) < begun(2) && begun(2) < begun(1),
        "by priority, one at a time, and the first not before its time"
    );
    let (code, said) = terminal.run(&["cancel", "1/2"])?;
    assert_eq!(code, Some(0), "{said}");
    // Ended while it ran, it is stopped; ended between, it stays done. Either way the goal comes to its end.
    terminal.reaches(&|tasks| tasks[0]["status"] == "completed")?;
    for command in ["schedule", "caps", "evidence"] {
        let (code, said) = terminal.run(&[command, "1/3"])?;
        assert!(code == Some(2) && said.contains("<--"), "{command} says what can be said: {said}");
    }
    let (code, said) = terminal.run(&["schedule", "1/3", "--priority", "11"])?;
    assert!(code == Some(1) && said.contains("from -10 to 10"), "{said}");
    let (code, said) = terminal.run(&["schedule", "1/3", "--in", "soon"])?;
    assert!(code == Some(2) && said.contains("no span of time"), "{said}");
    Ok(())
}

#[test]
fn the_table_of_models_is_shown_and_changed() -> anyhow::Result<()> {
    let terminal = Terminal::new()?;
    let (code, said) = terminal.run(&["models"])?;
    assert!(
        code == Some(0) && said.contains("Claude Code: light haiku, standard sonnet, heavy opus"),
        "{said}"
    );
    let (code, said) = terminal.run(&["models", "--harness", "codex", "--heavy", "gpt-5.1-codex"])?;
    assert!(
        code == Some(0)
            && said.contains("Codex: light its own choice, standard its own choice, heavy gpt-5.1-codex"),
        "{said}"
    );
    let (code, said) = terminal.run(&["models", "--light", ""])?;
    assert!(
        code == Some(0)
            && said.contains("light its own choice, standard sonnet")
            && said.contains("heavy gpt-5.1"),
        "{said}"
    );
    let (code, said) =
        terminal.run(&["models", "--standard", "sonnet high, opus", "--price", "sonnet=3/15"])?;
    assert!(
        code == Some(0)
            && said.contains("standard sonnet · high, opus,")
            && said.contains("sonnet: $3 for a million tokens in, $15 out"),
        "{said}"
    );
    for (wrong, why) in [("--heavy=--yolo", "no model's name"), ("--price=opus", "no price of a model")] {
        let (code, said) = terminal.run(&["models", wrong])?;
        assert!(code == Some(1) && said.contains(why), "{said}");
    }
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
    let (code, said) = terminal.run(&["run", "Fail. [[demo silent]]", "--harness", "demo"])?;
    assert!(code == Some(1) && said.contains("said nothing"), "{said}");
    let (code, said) = terminal.run(&["run"])?;
    assert!(code == Some(2) && said.contains("<GOAL>"), "{said}");
    let (code, said) = terminal.run(&["run", "Anything.", "--dir", "not-there"])?;
    assert!(code == Some(2) && said.contains("Give a folder that exists"), "{said}");
    let (code, said) = terminal.run(&["url"])?;
    assert!(code == Some(1) && said.contains("no bridge runs"), "{said}");
    assert!(gone(&terminal.data()));
    Ok(())
}

/// One that is left behind would be found by the next command, and one for looking decides nothing.
#[test]
fn a_bridge_that_was_started_for_a_command_ends_with_it_also_where_that_fails() -> anyhow::Result<()> {
    let terminal = Terminal::new()?;
    for line in ["tasks --markdown 9", "approve 9", "limits --plan-max 2", "terminal 9 --show", "as 9 Ann"] {
        let (code, said) = terminal.run(&line.split(' ').collect::<Vec<_>>())?;
        assert_eq!(code, Some(1), "{line}: {said}");
        assert!(gone(&terminal.data()), "{line}: {said}");
    }
    Ok(())
}

#[test]
fn what_fails_is_looked_at_and_tried_again_as_the_person_says() -> anyhow::Result<()> {
    let terminal = Terminal::new()?;
    let says = |line: &str, code: i32, words: &str| {
        let (found, said) = terminal.run(&line.split(' ').collect::<Vec<_>>())?;
        anyhow::ensure!(found == Some(code) && said.contains(words), "{line}: {found:?} {said}");
        Ok(())
    };
    says("limits --on-failure same --attempts 2", 0, "--attempts       2            tries")?;
    says("limits --quiet 22:00-07:30-05:00", 0, "--quiet          22:00-07:30-05:00")?;
    says("limits --quiet 22-7", 2, "such as 22:00-07:00+02:00")?;
    says("limits --quiet none --unattended 3", 0, "--unattended     $3 ")?;
    let goal = "Build it. [[demo tasks=3]] [[task 2: fail-once]]";
    let (_, said) = terminal.run(&["run", goal, "--harness", "demo"])?;
    assert!(said.contains("Next: orchestrator approve 1"), "{said}");
    says("on-failure 1/2 same --attempts 21", 1, "from 1 to 20")?;
    says("on-failure 1/2 analyze --attempts 3", 0, "")?;
    says("approve 1", 0, "")?;
    let waits = |task: &Value| task["reason"].as_str().is_some_and(|why| why.starts_with("tried again in"));
    terminal.reaches(&|tasks| tasks.len() > 2 && waits(&tasks[2]) && tasks[2]["resumes"].is_u64())?;
    let (_, log) = ask(&terminal.data(), &["export"], b"")?;
    assert!(log.contains("\"purpose\":\"diagnose\""), "it was looked at");
    says("resume 1/2", 0, "")?;
    terminal.reaches(&|tasks| tasks[0]["status"] == "completed")
}

/// The state after the first `count` entries of an exported log.
fn folded(exported: &str, count: usize) -> anyhow::Result<State> {
    let mut state = State::default();
    for line in exported.lines().filter(|line| line.starts_with("{\"entry\"")).take(count) {
        let mut line: Value = serde_json::from_str(line)?;
        conductor::apply(&mut state, &serde_json::from_value(line["entry"].take())?);
    }
    Ok(state)
}

/// What a terminal says of the data folder `data`, with `stdin` as its input.
fn ask(data: &Path, args: &[&str], stdin: &[u8]) -> anyhow::Result<(bool, String)> {
    use std::io::Write;
    let mut command = Command::new(BIN);
    command.args(args).arg("--data-dir").arg(data).env("HOME", data);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut input = child.stdin.take().context("no input")?;
    let stdin = stdin.to_owned();
    let writing = std::thread::spawn(move || input.write_all(&stdin));
    let Output { status, stdout, stderr } = child.wait_with_output()?;
    // A program that refuses need not read on.
    let _ = writing.join();
    Ok((status.success(), String::from_utf8([stdout, stderr].concat())?))
}

#[tokio::test]
async fn a_log_goes_to_another_machine_whole_and_starts_nothing_there() -> anyhow::Result<()> {
    let world = World::start(BIN).await?;
    let mut page = world.client("page").await?;
    let done =
        world.goal(&mut page, "Write it. [[demo tasks=3]] [[task 1: invalid-utf8]]", HarnessId::Demo).await?;
    page.until("a plan", |state| proposed(state, &done)).await?;
    page.intend(Kind::PlanApproved { goal: done.clone(), version: 1 }).await?;
    page.until("the summary", |state| completed(state, &done)).await?;
    let open = world.goal(&mut page, "Hang. [[demo hang]]", HarnessId::Demo).await?;
    page.until("a run", |state| state.task(&open).is_some_and(|task| task.current.is_some())).await?;
    page.until("its process", |state| state.active_runs() == 1).await?;
    page.say(&open, "And then this.").await?;
    page.until("words that wait", |state| state.task(&open).is_some_and(|task| task.queue.len() == 1))
        .await?;

    // While the bridge runs, and its agent.
    let (told, exported) = ask(&world.home.path().join("data"), &["export"], b"")?;
    assert!(told && exported.ends_with("}}\n"), "{exported}");
    assert!(exported.contains("base64"), "what is not UTF-8 is kept too");
    let mut cut = Command::new(BIN)
        .args(["export", "--data-dir"])
        .arg(world.home.path().join("data"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    drop(cut.stdout.take());
    let cut = cut.wait_with_output()?;
    assert_eq!((cut.status.code(), cut.stderr), (Some(141), Vec::new()), "who reads it wanted no more");
    let here = tempfile::tempdir()?;
    let (told, said) = ask(here.path(), &["import", "--go-on"], exported.as_bytes())?;
    assert!(told && said.contains("lines of output"), "{said}");
    let (_, again) = ask(here.path(), &["export"], b"")?;
    let kept = |text: &str| {
        text.lines().filter(|line| !line.starts_with("{\"end\"")).map(str::to_owned).collect::<Vec<_>>()
    };
    let (before, after) = (kept(&exported), kept(&again));
    let new: Vec<&String> = after.iter().filter(|line| !before.contains(line)).collect();
    assert!(before.iter().all(|line| after.contains(line)), "all is there, byte for byte");
    assert!(new.len() == 1 && new[0].contains("run_ended") && new[0].contains("lost"), "{new:?}");
    let state = folded(&exported, usize::MAX)?;
    assert!(completed(&state, &done) && state == folded(&again, exported.matches("{\"entry\"").count())?);
    let (told, said) = ask(here.path(), &["import"], exported.as_bytes())?;
    assert!(!told && said.contains("has a log already"), "{said}");

    let there = Terminal::new()?;
    let (told, said) = ask(&there.data(), &["import"], exported.as_bytes())?;
    assert!(told, "{said}");
    // A bridge that stays, and looks after what is open.
    there.run(&["cancel", "2"])?;
    there.reaches(&|tasks| tasks[0]["status"] == "completed" && tasks[4]["status"] == "cancelled")?;
    let (_, now) = ask(&there.data(), &["export"], b"")?;
    let runs = |text: &str| text.matches("\"kind\":\"run_requested\"").count();
    assert_eq!(runs(&now), runs(&exported), "nothing was started, though words were waiting");

    for (broken, words) in [
        (exported.replace("\"version\":1}", "\"version\":9}"), "version 9 is not known"),
        (exported.lines().take(9).map(|line| format!("{line}\n")).collect(), "cut off"),
        (exported.replacen("{\"entry\"", "{\"entri\"", 2).replacen("{\"entri\"", "{\"entry\"", 1), "line 3"),
        ("hello\n".to_owned(), "no exported log"),
    ] {
        let folder = tempfile::tempdir()?;
        let (told, said) = ask(folder.path(), &["import"], broken.as_bytes())?;
        assert!(!told && said.contains(words) && said.contains("Nothing was imported"), "{words}: {said}");
        let (_, said) = ask(folder.path(), &["import"], exported.as_bytes())?;
        assert!(said.contains("are in"), "the folder is as if nothing had been tried: {said}");
    }
    Ok(())
}

#[tokio::test]
async fn every_process_of_every_run_is_listed_with_and_without_a_bridge() -> anyhow::Result<()> {
    let mut world = World::start(BIN).await?;
    let mut page = world.client("page").await?;
    let goal = world.goal(&mut page, "Hang. [[demo hang]]", HarnessId::Demo).await?;
    let running = |state: &State| {
        let runs = &state.runs;
        runs.values().any(|run| matches!(run.phase, conductor::state::Phase::Running { .. }))
    };
    page.until("its process", running).await?;
    let data = world.home.path().join("data");
    let (told, said) = ask(&data, &["ps"], b"")?;
    assert!(
        told && said.contains("1 Hang.") && said.contains("· agent ") && said.contains("· shim "),
        "{said}"
    );
    world.kill_bridge().await?;
    let (told, said) = ask(&data, &["ps", "--json"], b"")?;
    let rows = said.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?;
    assert!(told && rows.len() == 2, "{said}");
    assert!(
        rows.iter().all(|row| row["run"].as_str().is_some_and(|run| run.starts_with(goal.as_str()))),
        "{said}"
    );
    assert!(rows.iter().all(|row| row["memory_bytes"].as_u64() > Some(100_000)), "{said}");
    let (_, said) = ask(&data, &["ps"], b"")?;
    assert!(said.contains("No bridge runs") && said.contains("1 Hang."), "{said}");
    // The next bridge takes it over, and ends it with itself.
    world.start_bridge().await?;
    world.end_bridge().await?;
    let (_, said) = ask(&data, &["ps"], b"")?;
    assert!(said.starts_with("No agent runs."), "{said}");
    Ok(())
}

#[test]
fn the_doctor_finds_what_is_wrong_and_nothing_else() -> anyhow::Result<()> {
    let terminal = Terminal::new()?;
    let (code, said) = terminal.run(&["doctor", "--json"])?;
    let rows = said.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?;
    let bad: Vec<&Value> = rows.iter().filter(|row| row["verdict"] == "bad").collect();
    assert!(code == Some(0) && bad.is_empty(), "{bad:?}");
    let refused = |row: &&Value| row["what"].as_str().is_some_and(|what| what.starts_with("refused: "));
    assert_eq!(rows.iter().filter(refused).count(), 10, "{said}");
    // A folder that others may read, a configuration that is wrong.
    let (data, config) = (terminal.data(), terminal.home.path().join("config.toml"));
    std::fs::set_permissions(&data, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    std::fs::write(&config, "programs = 7\n")?;
    let (code, said) = terminal.run(&["doctor", "--config", &config.display().to_string()])?;
    assert_eq!(code, Some(1), "{said}");
    for words in ["BAD      others on this machine may read", "chmod 0700", "line 1"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    Ok(())
}
