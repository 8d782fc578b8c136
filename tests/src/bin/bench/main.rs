//! `cargo xtask bench [--quick] [--json FILE] [--only store|relay|next|history|fold|page] [--load 200x50]`: figures of the real
//! bridge and page on this machine, of the relay's loads one where only that is wanted, with the conditions they were taken under. Where websocketd is installed it carries the same lines in between.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use serde_json::{Value, json};
use shared::entry::{Draft, Kind};
use shared::id::{MessageId, TaskId};
use shared::unit::{Millis, Seq};
use tests::world::World;

use figure::{Aim, Figure, per_second, quantile, table};
use round::{LINE, Load};

mod figure;
mod forest;
mod history;
mod memory;
mod page;
mod plan;
mod relay;
mod round;
mod soak;

/// Tasks at work while it is decided what comes next, and how often that is.
const RUNNING: u32 = 1_000;
const DECISIONS: u64 = 500;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let binary =
        std::env::var("ORCHESTRATOR_BIN").unwrap_or_else(|_| "target/release/orchestrator".to_owned());
    let after = |option: &str| {
        let place = arguments.iter().position(|argument| argument == option)?;
        arguments.get(place + 1).map(String::as_str)
    };
    if let Some(minutes) = after("--soak") {
        let minutes = minutes.parse().context("--soak takes minutes, such as --soak 60")?;
        let (binary, page) = (PathBuf::from(binary), arguments.iter().any(|argument| argument == "--page"));
        return if page { soak::of_page(&binary, minutes).await } else { soak::soak(&binary, minutes).await };
    }
    let conditions = conditions(quick);
    say(&conditions.to_string());
    let mut figures = Vec::new();
    // What was measured until something failed is told all the same.
    let wanted = Wanted { section: after("--only"), load: after("--load") };
    let measured = measure(&PathBuf::from(binary), quick, wanted, &mut figures).await;
    say(&table(&figures));
    if let Some(file) = after("--json") {
        let figures: Vec<Value> = figures.iter().map(Figure::json).collect();
        let text = serde_json::to_string_pretty(&json!({"conditions": conditions, "figures": figures}))?;
        std::fs::write(file, text).with_context(|| format!("cannot write {file}"))?;
    }
    measured
}

/// What alone is measured, where not all is.
struct Wanted<'a> {
    section: Option<&'a str>,
    /// Of the relay's, as PROCESSESxRATE; rate 0 is flat out.
    load: Option<&'a str>,
}

/// Measures section by section.
async fn measure(
    binary: &Path,
    quick: bool,
    only: Wanted<'_>,
    figures: &mut Vec<Figure>,
) -> anyhow::Result<()> {
    let (seconds, rounds) = if quick { (2, 1) } else { (6, 3) };
    let wanted = |section: &str| only.section.is_none_or(|only| only == section);
    if wanted("store") {
        let world = World::start(binary).await?;
        let idle = Figure::new("bridge RSS, idle", memory::resident(world.pid()?)?, "MiB");
        figures.push(idle.aim(Aim::AtMost(30.0)));
        figures.extend(appending(&world, if quick { 20 } else { 200 }).await?);
    }
    if wanted("relay") {
        for (processes, rate) in [(1, 50), (1, 1_000), (1, 10_000), (20, 50), (200, 50), (1, 0)] {
            if only.load.is_some_and(|only| only != format!("{processes}x{rate}")) {
                continue;
            }
            let flat_out = if quick { 50_000 } else { 400_000 };
            let load = Load { processes, rate, lines: if rate == 0 { flat_out } else { rate * seconds } };
            figures.extend(relay::compare(binary, load, rounds).await?);
        }
    }
    if wanted("next") {
        figures.extend(plan::next_start(&World::start(binary).await?, if quick { 15 } else { 60 }).await?);
    }
    if wanted("history") {
        figures.extend(history::figures(binary, if quick { 100_000 } else { 1_000_000 }).await?);
    }
    let entries = if quick { 20_000 } else { 100_000 };
    if wanted("fold") {
        figures.extend(folding(entries)?);
        figures.extend(forest::figures()?);
    }
    if wanted("page") {
        figures.extend(page::figures(binary, entries).await?);
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the figures are what a benchmark is for")]
fn say(line: &str) {
    println!("{line}");
}

/// Where websocketd is, if it is installed.
fn websocketd() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join("websocketd")).find(|file| file.is_file())
}

fn conditions(quick: bool) -> Value {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    json!({
        "cores": cores, "load before": load.split(' ').next(), "bytes of a line": LINE, "quick": quick,
        "websocketd": websocketd().map_or("not installed: its figures are left out", |_| "measured in between"),
        "browser": std::env::var("CHROMIUM").map_or("not prepared: the page's figures are left out", |_| "Chromium"),
    })
}

/// The log's reading and folding, and what is decided while many agents work.
fn folding(count: usize) -> anyhow::Result<[Figure; 4]> {
    let lines = fold::log(count)?;
    let began = Instant::now();
    let entries = fold::read(&lines)?;
    let read = per_second(entries.len(), began.elapsed());
    let began = Instant::now();
    let state = fold::fold(&entries);
    let folded = per_second(usize::try_from(state.seq.0)?, began.elapsed());
    let state = fold::running(RUNNING)?;
    let mut took: Vec<f64> = (0..DECISIONS)
        .map(|n| {
            let began = Instant::now();
            std::hint::black_box(conductor::decide(&state, Millis(1_000_000_000 + n)));
            began.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    took.sort_unstable_by(f64::total_cmp);
    let name = format!("deciding with {RUNNING} running tasks: ");
    Ok([
        Figure::new("entries read, native", read, "entries/s"),
        Figure::new("entries folded, native", folded, "entries/s").aim(Aim::AtLeast(1e6)),
        Figure::new(format!("{name}p50"), quantile(&took, 0.5), "ms").aim(Aim::AtMost(1.0)),
        Figure::new(format!("{name}p99"), quantile(&took, 0.99), "ms").aim(Aim::AtMost(1.0)),
    ])
}

/// Batches of 100 from one client, then single appends that wait for each other; each commit is synced.
async fn appending(world: &World, batches: u32) -> anyhow::Result<Vec<Figure>> {
    let mut client = world.watcher("appender").await?;
    let draft = |n: u32| -> anyhow::Result<Draft> {
        let (task, message) = (TaskId::new("nobody")?, MessageId::new(&format!("x{n}"))?);
        Ok(Draft::new(
            None,
            Kind::MessageSent { task, message, text: "A sentence of a person.".to_owned(), answers: None },
        ))
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
    Ok(vec![
        Figure::new("entries appended, in batches of 100", batched, "entries/s").aim(Aim::AtLeast(50_000.0)),
        Figure::new("entries appended, one after the other", single, "entries/s"),
    ])
}
