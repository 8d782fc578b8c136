//! A power cut: the data folder as it is at a moment in the middle of writing, and a start on it.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use bridge::store::{Page, Store};
use shared::entry::{Draft, Kind};
use shared::id::{AppendId, MessageId, ProjectId, RunId, TaskId};
use shared::run::{RunEnd, RunSpec};
use shared::unit::Seq;
use shared::wire::ClientMessage;
use tests::world::{World, ordered, own};

const CUTS: usize = 20;
const RUN: &str = "emitter";
const WORDS: [&str; 6] = ["demo", "emit", "--rate", "2000", "--lines", "1000000"];

/// What would be on the disk if the machine stood still now.
fn image(bridge: u32, data: &Path, to: &Path) -> anyhow::Result<()> {
    let pid = i32::try_from(bridge).ok().and_then(rustix::process::Pid::from_raw).context("no pid")?;
    rustix::process::kill_process(pid, rustix::process::Signal::STOP)?;
    let stopped = || {
        let stat = std::fs::read_to_string(format!("/proc/{bridge}/stat")).unwrap_or_default();
        stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('T'))
    };
    while !stopped() {
        std::thread::yield_now();
    }
    for file in ["log.db", "log.db-wal"] {
        std::fs::copy(data.join(file), to.join(file))?;
    }
    Ok(rustix::process::kill_process(pid, rustix::process::Signal::CONT)?)
}

fn order(run: &RunId, spec: RunSpec) -> anyhow::Result<Draft> {
    Ok(Draft::new(Some(ProjectId::new("project")?), ordered(run.clone(), TaskId::new("t")?, spec)))
}

/// Whatever moment it is: the database is sound, all that was acknowledged is there, and of the rest a beginning.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_a_power_cut_at_any_moment() -> anyhow::Result<()> {
    let world = World::start(env!("CARGO_BIN_EXE_orchestrator")).await?;
    let mut client = world.client("page").await?;
    let folder = world.project.to_string_lossy().into_owned();
    client.until("the baton", |state| state.baton.is_some()).await?;
    client.intend(Kind::ProjectOpened { folder: folder.clone(), name: "project".to_owned() }).await?;
    let epoch = client.state().baton.as_ref().map(|baton| baton.epoch);
    let run = RunId::new(RUN)?;
    let drafts = vec![order(&run, own(WORDS, folder))?];
    client.send(&ClientMessage::Append { id: AppendId::new("order")?, epoch, seen: None, drafts }).await?;
    client.until("the run", |state| state.seq >= Seq(5)).await?;
    let (data, bridge) = (world.home.path().join("data"), world.pid()?);
    while !data.join("runs").join(RUN).join("pid").exists() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut lines = 0;
    for cut in 0..CUTS {
        // Each says so much that the log moves into the database in between.
        for n in 0..10 {
            let message = MessageId::new(&format!("m-{cut}-{n}"))?;
            let text = "x".repeat(20_000);
            client
                .intend(Kind::MessageSent { task: TaskId::new("t")?, message, text, answers: None })
                .await?;
        }
        let head = Seq(5 + 10 * (cut as u64 + 1));
        client.until("what was said", |state| state.seq >= head).await?;
        let (here, from, to) = (tempfile::tempdir()?, data.clone(), bridge);
        let acknowledged = client.state().seq;
        image(to, &from, here.path())?;
        if cut % 5 == 4 {
            start_on(here.path(), &data.join("runs"), &run, acknowledged).await?;
        }
        let store = Store::open(here.path())?;
        let all = Page { entries: usize::MAX, bytes: usize::MAX };
        let log = store.entries_after(Seq(0), all).await?;
        assert!(log.iter().map(|stored| stored.entry.seq.0).eq(1..=log.len() as u64), "no gap");
        assert!(log.last().unwrap().entry.seq >= acknowledged, "what was acknowledged is there");
        let output = store.output_from(&run, 0, usize::MAX).await?;
        let whole = output.iter().all(|piece| piece.bytes.ends_with(b"\n"));
        assert!(whole && output.len() >= lines, "{} lines, {lines} before", output.len());
        lines = output.len();
    }
    assert!(lines > 100, "the agent wrote meanwhile");
    Ok(())
}

/// The machine is started again, and a bridge on what its disk has: it takes all that was written, also what no bridge had read.
async fn start_on(image: &Path, runs: &Path, run: &RunId, acknowledged: Seq) -> anyhow::Result<()> {
    let mut world = World::prepare(env!("CARGO_BIN_EXE_orchestrator"))?;
    let data = world.home.path().join("data");
    let folder = data.join("runs").join(run.as_str());
    std::fs::create_dir_all(&folder)?;
    // Nothing has opened these yet, which would tidy them up.
    for file in ["log.db", "log.db-wal"] {
        std::fs::copy(image.join(file), data.join(file)).context(file)?;
    }
    for file in std::fs::read_dir(runs.join(run.as_str()))? {
        let file = file?;
        if file.file_type()?.is_file() {
            std::fs::copy(file.path(), folder.join(file.file_name()))?;
        }
    }
    // What they say of processes was before the machine was started, and leads to nobody who lives here.
    for word in ["shim", "pid"] {
        let text = std::fs::read_to_string(folder.join(word))?;
        let (process, _) =
            text.trim().rsplit_once(' ').context("a process and when its machine was started")?;
        std::fs::write(folder.join(word), format!("{process} another-start\n"))?;
    }
    let written = std::fs::read(folder.join("out"))?;
    world.start_bridge().await?;
    let mut client = world.watcher("reader").await?;
    let (seen, next) = tokio::sync::watch::channel(Vec::new());
    client.on_frame =
        Some(Box::new(move |frame| seen.send_modify(|seen| seen.extend_from_slice(frame.bytes))));
    client.send(&ClientMessage::Follow { run: run.clone(), from: 0 }).await?;
    let all = written.len();
    client
        .until("all that was written", |state| state.seq >= acknowledged && next.borrow().len() >= all)
        .await?;
    assert!(*next.borrow() == written, "not what the agent wrote");
    world.end_bridge().await?;
    let ends = Store::open(&data)?.all_of_kind("run_ended").await?;
    let lost = |kind: &Kind| matches!(kind, Kind::RunEnded { end: RunEnd::Lost { .. }, .. });
    assert!(ends.len() == 1 && ends[0].entry.body.known().is_some_and(lost), "{ends:?}");
    Ok(())
}

/// What is appended together is one transaction: whatever moment it is, all of it is there or nothing. So no bridge ever
/// dies between two entries of a batch, such as a result and what follows from it (P1).
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_there_whole_or_not_at_all_at_any_moment() -> anyhow::Result<()> {
    const BATCH: usize = 100;
    let world = World::start(env!("CARGO_BIN_EXE_orchestrator")).await?;
    let mut client = world.client("page").await?;
    let (data, bridge) = (world.home.path().join("data"), world.pid()?);
    let (mut sent, mut halfway) = (0, 0);
    while halfway < CUTS / 2 {
        assert!(sent < 4_000, "stopped {halfway} times in the midst of writing; more is to be sent at once");
        for _ in 0..20 {
            client.append(batch(sent, BATCH)?).await?;
            sent += 1;
        }
        let here = tempfile::tempdir()?;
        image(bridge, &data, here.path())?;
        let there = said(here.path()).await?;
        assert!(there.values().all(|count| *count == BATCH), "parts of batches: {there:?}");
        assert!(there.keys().copied().eq(0..there.len()), "not in their order: {there:?}");
        halfway += usize::from((1..sent).contains(&there.len()));
        let all = Seq((sent * BATCH) as u64);
        client.until("what was said", |state| state.seq >= all).await?;
    }
    Ok(())
}

/// The `count` messages of the `n`th batch.
fn batch(n: usize, count: usize) -> anyhow::Result<Vec<Draft>> {
    let said = |part| {
        let message = MessageId::new(&format!("m-{n}-{part}"))?;
        let said =
            Kind::MessageSent { task: TaskId::new("t")?, message, text: "x".repeat(500), answers: None };
        Ok(Draft::new(Some(ProjectId::new("project")?), said))
    };
    (0..count).map(said).collect()
}

/// How many messages of each batch an image has.
async fn said(image: &Path) -> anyhow::Result<BTreeMap<usize, usize>> {
    let all = Page { entries: usize::MAX, bytes: usize::MAX };
    let log = Store::open(image)?.entries_after(Seq(0), all).await?;
    let mut there = BTreeMap::new();
    for stored in &log {
        if let Some(Kind::MessageSent { message, .. }) = stored.entry.body.known() {
            let batch = message.as_str().split('-').nth(1).context("a batch")?;
            *there.entry(batch.parse()?).or_default() += 1;
        }
    }
    Ok(there)
}

/// A run that has ended becomes blocks, row by row; at every moment all of it is there once, in either form. So it is for
/// those who look after a SIGKILL, too.
#[tokio::test(flavor = "multi_thread")]
async fn output_that_is_being_compacted_survives_a_power_cut_at_any_moment() -> anyhow::Result<()> {
    const LINES: usize = 200_000;
    let mut world = World::start(env!("CARGO_BIN_EXE_orchestrator")).await?;
    let mut client = world.client("page").await?;
    let folder = world.project.to_string_lossy().into_owned();
    client.until("the baton", |state| state.baton.is_some()).await?;
    client.intend(Kind::ProjectOpened { folder: folder.clone(), name: "project".to_owned() }).await?;
    let epoch = client.state().baton.as_ref().map(|baton| baton.epoch);
    let run = RunId::new(RUN)?;
    let lines = LINES.to_string();
    let drafts = vec![order(&run, own(["demo", "emit", "--bytes", "250", "--lines", &lines], folder))?];
    client.send(&ClientMessage::Append { id: AppendId::new("order")?, epoch, seen: None, drafts }).await?;
    let (data, bridge) = (world.home.path().join("data"), world.pid()?);
    let is_line = |(n, line): (usize, &[u8])| {
        line.len() == 250 && line.starts_with(format!("{{\"type\":\"emit\",\"n\":{n},").as_bytes())
    };
    let mut halfway = 0;
    while halfway < 5 {
        let here = tempfile::tempdir()?;
        image(bridge, &data, here.path())?;
        let (blocks, rows) = forms(here.path())?;
        let store = Store::open(here.path())?;
        let output = store.output_from(&run, 0, usize::MAX).await?;
        assert!(output.iter().map(|piece| &piece.bytes[..]).enumerate().all(is_line), "not the lines");
        let ended = !store.all_of_kind("run_ended").await?.is_empty();
        assert!(!ended || output.len() == LINES, "{} lines, {blocks} blocks, {rows} rows", output.len());
        halfway += usize::from(blocks > 0 && rows > 0);
        assert!(!ended || rows > 0, "compacted after {halfway} looks; the run must be longer");
    }
    world.kill_bridge().await?;
    world.start_bridge().await?;
    let mut client = world.watcher("reader").await?;
    let (seen, next) = tokio::sync::watch::channel(0);
    client.on_frame = Some(Box::new(move |frame| {
        assert_eq!(frame.first_line, *seen.borrow() as u64, "a gap, or a line twice");
        let first = *seen.borrow();
        assert!(
            frame
                .bytes
                .split_inclusive(|byte| *byte == b'\n')
                .enumerate()
                .all(|(n, line)| is_line((first + n, line)))
        );
        seen.send_modify(|seen| *seen += frame.lines().count());
    }));
    client.send(&ClientMessage::Follow { run, from: 0 }).await?;
    client.until("all lines", move |_| *next.borrow() == LINES).await
}

/// Blocks and rows of output in an image.
fn forms(image: &Path) -> anyhow::Result<(i64, i64)> {
    let file = rusqlite::Connection::open(image.join("log.db"))?;
    let sql = "SELECT (SELECT count(*) FROM block), (SELECT count(*) FROM output)";
    Ok(file.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?)
}
