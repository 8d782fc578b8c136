//! `cargo xtask bench [--quick] [--json FILE]`: figures of the real bridge on this machine, with conditions.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use conductor::{State, apply};
use serde_json::{Value, json};
use shared::agent::HarnessId;
use shared::entry::{Actor, Body, Draft, Entry, Kind, Purpose};
use shared::id::{AppendId, ClientId, MessageId, ProjectId, RunId, TaskId};
use shared::plan::Access;
use shared::run::{Arg, Program, RunLimits, RunSpec, Runner, Stdin};
use shared::unit::{Millis, Seq};
use shared::wire::ClientMessage;
use tests::world::{Client, World};

/// Bytes of an emitted line.
const LINE: &str = "250";

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let json =
        arguments.iter().position(|argument| argument == "--json").and_then(|place| arguments.get(place + 1));
    let binary =
        std::env::var("ORCHESTRATOR_BIN").unwrap_or_else(|_| "target/release/orchestrator".to_owned());
    let mut figures = vec![conditions(), folding(if quick { 50_000 } else { 300_000 })?];
    let world = World::start(&binary).await?;
    figures.push(json!({"what": "bridge RSS, idle", "MiB": rss(&world)?, "aim": "at most 30"}));
    let seconds = if quick { 2 } else { 8 };
    for (processes, rate) in [(1, 50), (1, 1_000), (1, 10_000), (20, 50), (200, 50)] {
        figures.push(latency(&world, processes, rate, rate * seconds).await?);
    }
    figures.push(latency(&world, 1, 0, if quick { 50_000 } else { 400_000 }).await?);
    figures.push(appending(&world, if quick { 20 } else { 200 }).await?);
    figures.iter().for_each(|figure| say(&figure.to_string()));
    if let Some(file) = json {
        std::fs::write(file, serde_json::to_string_pretty(&figures)?)?;
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the figures are what a benchmark is for")]
fn say(line: &str) {
    println!("{line}");
}

fn conditions() -> Value {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    json!({"what": "conditions", "cores": cores, "load before": load.split(' ').next(), "bytes of a line": LINE})
}

fn micros() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

fn rss(world: &World) -> anyhow::Result<u64> {
    let text = std::fs::read_to_string(format!("/proc/{}/status", world.pid()?))?;
    let line = text.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    Ok(line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1024)
}

/// From a line's stamp in its process to its arrival at a client; rate 0 is flat out.
async fn latency(world: &World, processes: u64, rate: u64, lines: u64) -> anyhow::Result<Value> {
    let name = format!("bench-{processes}-{rate}");
    let mut client = world.client(&name).await?;
    let holds = |state: &State| state.baton.as_ref().is_some_and(|baton| baton.holder.as_str() == name);
    client.until("the baton", holds).await?;
    let seen: Rc<RefCell<Vec<u64>>> = Rc::default();
    let kept = Rc::clone(&seen);
    let own = format!("{name}-");
    client.on_frame = Some(Box::new(move |frame| {
        // The driver also reads to their end the runs that an earlier case left.
        if !frame.run.starts_with(&own) {
            return;
        }
        let now = micros();
        for (_, line) in frame.lines() {
            let stamp = std::str::from_utf8(line).ok().and_then(|line| line.split("\"at\":").nth(1));
            let at =
                stamp.and_then(|rest| rest.split([',', '}']).next()).and_then(|at| at.parse::<u64>().ok());
            kept.borrow_mut().extend(at.map(|at| now.saturating_sub(at)));
        }
    }));
    let began = Instant::now();
    order(world, &mut client, &name, processes, rate, lines).await?;
    let all = usize::try_from(lines * processes)?;
    client.until("all lines", |_| seen.borrow().len() >= all).await?;
    let took = began.elapsed();
    let mut spans = seen.borrow().clone();
    spans.sort_unstable();
    let at = |share: usize| {
        let place = spans.len().saturating_sub(1) * share / 1_000;
        spans.get(place).map(|micros| format!("{}.{:03}", micros / 1_000, micros % 1_000))
    };
    Ok(json!({
        "what": if rate == 0 { "flat out, store and client" } else { "latency" },
        "processes": processes, "lines/s each": rate, "lines": all, "p50 ms": at(500), "p99 ms": at(990), "max ms": at(1_000),
        "lines/s": per_second(all, took), "bridge RSS MiB": rss(world)?,
        "aim": if (processes, rate) == (1, 1_000) { "p99 at most 1 ms" } else { "" },
    }))
}

async fn order(
    world: &World,
    client: &mut Client,
    name: &str,
    processes: u64,
    rate: u64,
    lines: u64,
) -> anyhow::Result<()> {
    let project = ProjectId::new("project")?;
    let folder = world.project.to_string_lossy().into_owned();
    client.intend(Kind::ProjectOpened { folder: folder.clone(), name: "bench".to_owned() }).await?;
    client.until("the project", |state| state.projects.contains_key(&project)).await?;
    let epoch = client.state().baton.as_ref().map(|baton| baton.epoch);
    let (lines, rate) = (lines.to_string(), rate.to_string());
    let words = ["demo", "emit", "--stamp", "--lines", &lines, "--rate", &rate, "--bytes", LINE];
    let spec = RunSpec {
        program: Program::Own,
        args: words.map(Arg::text).to_vec(),
        env: std::collections::BTreeMap::default(),
        cwd: folder,
        stdin: Stdin::Null,
        files: Vec::new(),
        runner: Runner::Local,
        limits: RunLimits::default(),
    };
    let request = |n| -> anyhow::Result<Draft> {
        let (run, task) = (RunId::new(&format!("{name}-{n}"))?, TaskId::new(name)?);
        let (purpose, harness, spec) = (Purpose::Work, HarnessId::Command, spec.clone());
        let kind = Kind::RunRequested { run, task, purpose, harness, carries: Vec::new(), spec };
        Ok(Draft::new(Some(project.clone()), kind))
    };
    let drafts = (0..processes).map(request).collect::<anyhow::Result<Vec<_>>>()?;
    client.send(&ClientMessage::Append { id: AppendId::new(&format!("{name}-order"))?, epoch, drafts }).await
}

fn folding(count: u64) -> anyhow::Result<Value> {
    let goal = TaskId::new("goal")?;
    let (harness, access) = (HarnessId::Demo, Access::Edit);
    let mut kinds = vec![Kind::GoalStated { task: goal.clone(), text: "x".to_owned(), harness, access }];
    for n in 1..count / 2 {
        let message = MessageId::new(&format!("m{n}"))?;
        let text = "A sentence of a person.".to_owned();
        kinds.push(Kind::MessageSent { task: goal.clone(), message: message.clone(), text });
        kinds.push(Kind::MessageWithdrawn { task: goal.clone(), message });
    }
    let actor = Actor::Person { client: ClientId::new("c")? };
    let project = Some(ProjectId::new("p")?);
    let entry = |(seq, kind)| {
        let body = Body::Known(Box::new(kind));
        Entry { seq: Seq(seq), at: Millis(seq), actor: actor.clone(), project: project.clone(), body }
    };
    let entries: Vec<Entry> = (1..).zip(kinds).map(entry).collect();
    let mut state = State::default();
    let began = Instant::now();
    entries.iter().for_each(|entry| apply(&mut state, entry));
    Ok(
        json!({"what": "fold, native", "entries": entries.len(), "entries/s": per_second(entries.len(), began.elapsed())}),
    )
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
fn per_second(count: usize, took: Duration) -> f64 {
    (count as f64 / took.as_secs_f64()).round()
}

/// Batches of 100 from one client, then single appends that wait for each other; each commit is synced.
async fn appending(world: &World, batches: u32) -> anyhow::Result<Value> {
    let mut client = world.watcher("appender").await?;
    let draft = |n: u32| -> anyhow::Result<Draft> {
        let (task, message) = (TaskId::new("nobody")?, MessageId::new(&format!("x{n}"))?);
        Ok(Draft::new(None, Kind::MessageSent { task, message, text: "A sentence of a person.".to_owned() }))
    };
    let until = Seq(client.state().seq.0 + u64::from(batches) * 100);
    let began = Instant::now();
    for batch in 0..batches {
        client.append((0..100).map(|n| draft(batch * 100 + n)).collect::<anyhow::Result<Vec<_>>>()?).await?;
    }
    client.until("the batches", |state| state.seq >= until).await?;
    let batched = per_second(usize::try_from(batches * 100)?, began.elapsed());
    let began = Instant::now();
    for n in 0..200 {
        let next = Seq(client.state().seq.0 + 1);
        client.append(vec![draft(1_000_000 + n)?]).await?;
        client.until("the append", |state| state.seq >= next).await?;
    }
    let single = per_second(200, began.elapsed());
    Ok(
        json!({"what": "append", "entries/s in batches of 100": batched, "single appends/s, one after the other": single}),
    )
}
