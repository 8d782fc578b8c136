//! Lines from processes to a WebSocket client: through our bridge, with its store, and through websocketd.

use std::cell::RefCell;
use std::path::Path;
use std::process::Stdio;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use conductor::State;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use shared::entry::{Draft, Kind};
use shared::id::{AppendId, ProjectId, RunId, TaskId};
use shared::wire::ClientMessage;
use tests::world::{Client, World, ordered, own};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;

use crate::figure::{Aim, Figure};
use crate::memory;
use crate::round::{Arrivals, Load, Rounds, cpu};

/// Longest wait for websocketd to listen.
const LISTENING: Duration = Duration::from_secs(10);

/// What a load's figures are held against.
fn aim(load: Load) -> Option<Aim> {
    match (load.processes, load.rate) {
        (1, 1_000) => Some(Aim::AtMost(1.0)),
        (1, 0) => Some(Aim::AtLeast(200_000.0)),
        _ => None,
    }
}

/// Both carriers under one load, `rounds` times in turn.
pub async fn compare(binary: &Path, load: Load, rounds: u32) -> anyhow::Result<Vec<Figure>> {
    let (mut ours, mut theirs, mut rss, mut shim) = (Rounds::default(), Rounds::default(), 0.0_f64, 0.0_f64);
    for round in 0..rounds {
        // A bridge of its own: a client of the next round would read this one's runs once more.
        let world = World::start(binary).await?;
        let taken = through_bridge(&world, load, round, &mut ours).await?;
        (rss, shim) = (rss.max(taken.bridge), shim.max(taken.shim));
        drop(world);
        if crate::websocketd().is_some() {
            through_websocketd(binary, load, &mut theirs).await?;
        }
    }
    let beside = |of: fn(&Rounds) -> f64| (!theirs.is_empty()).then(|| of(&theirs));
    let name = load.name();
    let mut figures = Vec::new();
    if load.rate == 0 {
        let speed = Figure::new(format!("{name}, store included"), ours.lines_per_second(), "lines/s");
        figures.push(with_aim(speed.beside(beside(Rounds::lines_per_second)), aim(load)));
    } else {
        let p50 = Figure::new(format!("{name}: p50"), ours.way(0.5), "ms");
        let p99 = Figure::new(format!("{name}: p99"), ours.way(0.99), "ms");
        figures.push(p50.beside(beside(|rounds| rounds.way(0.5))));
        figures.push(with_aim(p99.beside(beside(|rounds| rounds.way(0.99))), aim(load)));
        if load.processes > 1 {
            let among_all =
                Figure::new(format!("{name}: p99 while all write"), ours.way_among_all(0.99), "ms");
            figures.push(among_all.beside(beside(|rounds| rounds.way_among_all(0.99))));
        }
    }
    let spent = Figure::new(format!("{name}: CPU per line"), ours.cpu_per_line(), "µs");
    figures.push(spent.beside(beside(Rounds::cpu_per_line)));
    if load.processes > 1 {
        let most = if load.processes == 200 { Some(Aim::AtMost(60.0)) } else { None };
        figures.push(with_aim(Figure::new(format!("{name}: bridge RSS"), rss, "MiB"), most));
        let largest = Figure::new(format!("{name}: the largest shim's RSS"), shim, "MiB");
        figures.push(largest.aim(Aim::AtMost(3.0)));
    }
    Ok(figures)
}

fn with_aim(figure: Figure, aim: Option<Aim>) -> Figure {
    match aim {
        Some(aim) => figure.aim(aim),
        None => figure,
    }
}

/// Resident memory while the processes were at work, in MiB.
struct Taken {
    bridge: f64,
    /// Of the largest one.
    shim: f64,
}

/// One round through the bridge.
async fn through_bridge(world: &World, load: Load, round: u32, rounds: &mut Rounds) -> anyhow::Result<Taken> {
    let name = format!("bench-{}-{}-{round}", load.processes, load.rate);
    let mut client = world.client(&name).await?;
    let holds = |state: &State| state.baton.as_ref().is_some_and(|baton| baton.holder.as_str() == name);
    client.until("the baton", holds).await?;
    let arrivals: Rc<RefCell<Arrivals>> = Rc::default();
    let (kept, own) = (Rc::clone(&arrivals), format!("{name}-"));
    client.on_frame = Some(Box::new(move |frame| {
        if frame.run.starts_with(&own) {
            frame.lines().for_each(|(_, line)| kept.borrow_mut().line(frame.run, line));
        }
    }));
    let (before, began) = (cpu(world.pid()?), Instant::now());
    order(world, &mut client, &name, load).await?;
    client.until("half of the lines", |_| arrivals.borrow().count >= load.all() / 2).await?;
    let taken = Taken { bridge: memory::resident(world.pid()?)?, shim: largest_shim(world) };
    client.until("all lines", |_| arrivals.borrow().count >= load.all()).await?;
    rounds.add(&arrivals.borrow(), began.elapsed(), cpu(world.pid()?) - before);
    Ok(taken)
}

/// Runs that end meanwhile are passed over.
fn largest_shim(world: &World) -> f64 {
    let runs = std::fs::read_dir(world.home.path().join("data/runs")).into_iter().flatten().flatten();
    let shims = runs.filter_map(|run| {
        let note = std::fs::read_to_string(run.path().join("shim")).ok()?;
        memory::resident(note.split_whitespace().next()?.parse().ok()?).ok()
    });
    shims.fold(0.0, f64::max)
}

pub async fn order(world: &World, client: &mut Client, name: &str, load: Load) -> anyhow::Result<()> {
    let project = ProjectId::new("project")?;
    let folder = world.project.to_string_lossy().into_owned();
    client.intend(Kind::ProjectOpened { folder: folder.clone(), name: "bench".to_owned() }).await?;
    client.until("the project", |state| state.projects.contains_key(&project)).await?;
    let epoch = client.state().baton.as_ref().map(|baton| baton.epoch);
    let spec = own(load.words(), folder);
    let request = |n| -> anyhow::Result<Draft> {
        let (run, task) = (RunId::new(&format!("{name}-{n}"))?, TaskId::new(name)?);
        Ok(Draft::new(Some(project.clone()), ordered(run, task, spec.clone())))
    };
    let drafts = (0..load.processes).map(request).collect::<anyhow::Result<Vec<_>>>()?;
    client
        .send(&ClientMessage::Append {
            id: AppendId::new(&format!("{name}-order"))?,
            epoch,
            seen: None,
            drafts,
        })
        .await
}

/// One round through websocketd, which starts the emitter once for each connection.
async fn through_websocketd(binary: &Path, load: Load, rounds: &mut Rounds) -> anyhow::Result<()> {
    let program = crate::websocketd().context("websocketd went away")?;
    // Its port has to be given, so a free one is looked for first.
    let port = TcpListener::bind(("127.0.0.1", 0)).await?.local_addr()?.port();
    let mut server = Command::new(program)
        .args(["--address=127.0.0.1", &format!("--port={port}"), "--loglevel=error"])
        .arg(binary)
        .args(load.words())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let pid = server.id().context("websocketd ended")?;
    // It says that it starts before it listens, and nothing after; a connection is how to know.
    let deadline = Instant::now() + LISTENING;
    while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        ensure!(Instant::now() < deadline, "websocketd does not listen");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let (arrivals, before, began) = (RefCell::new(Arrivals::default()), cpu(pid), Instant::now());
    let follow = |n: u64| {
        let arrivals = &arrivals;
        async move {
            let (mut socket, _) = tokio_tungstenite::connect_async(format!("ws://127.0.0.1:{port}/")).await?;
            let process = n.to_string();
            while let Some(Ok(message)) = socket.next().await {
                if message.is_text() {
                    arrivals.borrow_mut().line(&process, &message.into_data());
                }
            }
            anyhow::Ok(())
        }
    };
    let mut clients: FuturesUnordered<_> = (0..load.processes).map(follow).collect();
    while let Some(ended) = clients.next().await {
        ended?;
    }
    let got = arrivals.borrow().count;
    ensure!(got == load.all(), "websocketd passed on {got} of {} lines", load.all());
    rounds.add(&arrivals.borrow(), began.elapsed(), cpu(pid) - before);
    Ok(server.kill().await?)
}
