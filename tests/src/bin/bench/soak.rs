//! `cargo xtask soak --minutes N`: many agents that never stop writing and clients that come and go, for as long as
//! one likes. What the bridge holds must be flat after it has warmed up; what it stores must be all. With `--page` it is
//! two tabs of a browser that look at such agents, and what these hold must be flat.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use conductor::plan::awaits_approval;
use shared::agent::HarnessId;
use shared::entry::Kind;
use shared::id::RunId;
use shared::limits::Limits;
use shared::wire::ClientMessage;
use tests::world::World;

use crate::round::Load;
use crate::{memory, page, relay, say};

const AGENTS: u64 = 20;
/// Of each agent, per second.
const RATE: u64 = 50;
/// Of the demo agents, between two things that they say: with all that belongs to them that is the same rate. Milliseconds.
const PAUSE: u64 = 85;
/// Between two looks, and the life of a client.
const LOOK: Duration = Duration::from_secs(10);
/// The share of the time after which memory has to be flat.
const WARM: f64 = 0.3;
/// How much more memory and open files than then may be in use at the end.
const GROWTH: f64 = 1.15;

/// One look at the bridge.
#[derive(Debug, Clone, Copy)]
struct Held {
    rss: f64,
    files: usize,
    /// Of the database and its side files, MiB.
    stored: f64,
    lines: usize,
}

/// Shows demo agents at work in a browser for so many minutes, and fails when something grew there.
pub async fn of_page(binary: &Path, minutes: u64) -> anyhow::Result<()> {
    let world = World::start(binary).await?;
    let mut client = world.client("maker").await?;
    let agents = u32::try_from(AGENTS)?;
    let limits = Limits { parallel: agents, plan_max: agents, ..Limits::default() };
    client.intend(Kind::LimitsSet { limits }).await?;
    let text = format!("Look at all [[demo tasks={agents} slow=0]] [[tasks: slow={PAUSE} steps=1M]]");
    let goal = world.goal(&mut client, &text, HarnessId::Demo).await?;
    let planned = |state: &conductor::State| state.task(&goal).is_some_and(awaits_approval);
    client.until("the plan", planned).await?;
    client.intend(Kind::PlanApproved { goal: goal.clone(), version: 1 }).await?;
    client.until("the agents", |state| state.active_runs() == agents as usize).await?;
    // The tabs decide from here on.
    drop(client);
    let mut node = page::script("soak.js", &world, &goal)?;
    let seen =
        node.env("MINUTES", minutes.max(1).to_string()).status().await.context("node does not start")?;
    let mut client = world.client("sweeper").await?;
    client.intend(Kind::TaskStopped { task: goal }).await?;
    client.until("the end of the agents", |state| state.active_runs() == 0).await?;
    ensure!(seen.success(), "the browser's part failed ({seen}); what it held stands above");
    Ok(())
}

/// Runs for so many minutes and fails when something grew, or a line is missing.
pub async fn soak(binary: &Path, minutes: u64) -> anyhow::Result<()> {
    let world = World::start(binary).await?;
    let seconds = minutes.max(1) * 60;
    let load = Load { processes: AGENTS, rate: RATE, lines: RATE * seconds };
    let name = "soak";
    let mut client = world.client(name).await?;
    let holds =
        |state: &conductor::State| state.baton.as_ref().is_some_and(|baton| baton.holder.as_str() == name);
    client.until("the baton", holds).await?;
    let lines = std::rc::Rc::new(std::cell::Cell::new(0_usize));
    let counted = std::rc::Rc::clone(&lines);
    client.on_frame = Some(Box::new(move |frame| counted.set(counted.get() + frame.lines().count())));
    relay::order(&world, &mut client, name, load).await?;
    let began = Instant::now();
    let mut looks: Vec<(Duration, Held)> = Vec::new();
    say("    time     RSS MiB   files   stored MiB      lines");
    while lines.get() < load.all() {
        let next = Instant::now() + LOOK;
        // Another that comes, reads one run from its beginning, and goes.
        let mut guest = world.watcher(&format!("guest-{}", looks.len())).await?;
        let run = RunId::new(&format!("{name}-{}", looks.len() as u64 % AGENTS))?;
        guest.send(&ClientMessage::Follow { run, from: 0 }).await?;
        client
            .until("ten seconds", |_| Instant::now() >= next || lines.get() >= load.all())
            .await
            .context("the agents fell silent")?;
        drop(guest);
        let held = held(&world, lines.get())?;
        looks.push((began.elapsed(), held));
        say(&format!(
            "{:>6} s  {:>10.1}  {:>6}  {:>11.1}  {:>9}",
            began.elapsed().as_secs(),
            held.rss,
            held.files,
            held.stored,
            held.lines
        ));
    }
    verdict(&looks, load.all())
}

fn held(world: &World, lines: usize) -> anyhow::Result<Held> {
    let pid = world.pid()?;
    let files = std::fs::read_dir(format!("/proc/{pid}/fd"))?.count();
    let mut bytes = 0;
    for file in ["log.db", "log.db-wal"] {
        bytes += world.home.path().join("data").join(file).metadata().map_or(0, |meta| meta.len());
    }
    #[expect(clippy::cast_precision_loss, reason = "one digit is shown")]
    let stored = bytes as f64 / (1024.0 * 1024.0);
    Ok(Held { rss: memory::resident(pid)?, files, stored, lines })
}

#[expect(clippy::cast_precision_loss, reason = "a ratio of small numbers")]
fn verdict(looks: &[(Duration, Held)], all: usize) -> anyhow::Result<()> {
    let (last, end) = looks.last().context("it was too short to look")?;
    let warm = looks.iter().filter(|(at, _)| at.as_secs_f64() >= last.as_secs_f64() * WARM);
    let (_, warm) = warm.clone().next().context("it was too short to look")?;
    // The agents end in the last seconds, and with them what they hold; the highest after warming up counts.
    let most = looks.iter().filter(|(at, _)| at.as_secs_f64() >= last.as_secs_f64() * WARM);
    let rss = most.clone().map(|(_, held)| held.rss).fold(0.0, f64::max);
    let files = most.map(|(_, held)| held.files).max().unwrap_or(0);
    say(&format!(
        "RSS {:.1} MiB when warm, {rss:.1} at most after that; files {} and {files}; {} of {all} lines",
        warm.rss, warm.files, end.lines
    ));
    ensure!(rss <= warm.rss * GROWTH, "the bridge's memory grew");
    ensure!(files as f64 <= warm.files as f64 * GROWTH + 4.0, "the bridge's open files grew");
    ensure!(end.lines == all, "lines are missing or doubled");
    Ok(())
}
