//! Reading back from a long run: its last page, and the first page of a search over all of its lines.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, ensure};
use shared::api::Found;
use shared::entry::{Draft, Kind};
use shared::id::{AppendId, ProjectId, RunId, TaskId};
use shared::run::{Program, RunSpec};
use shared::wire::ClientMessage;
use tests::world::{Client, World, ordered, own};

use crate::figure::{Aim, Figure, per_second, quantile};

/// How often each question is asked.
const ROUNDS: usize = 30;

/// So many lines of a dozen words out of 20,000, with one word that each of them has.
fn words(lines: u64) -> String {
    format!(
        "awk 'BEGIN {{ srand(1); for (n = 1; n <= {lines}; n++) {{ s = \"line \" n; for (w = 0; w < 12; w++) s = s \" word\" int(rand() * 20000); print s }} }}'"
    )
}

pub async fn figures(binary: &Path, lines: u64) -> anyhow::Result<Vec<Figure>> {
    let world = World::start(binary).await?;
    let mut client = world.client("history").await?;
    client
        .until("the baton", |state| {
            state.baton.as_ref().is_some_and(|baton| baton.holder.as_str() == "history")
        })
        .await?;
    run(&world, &mut client, "short", words(100)).await?;
    let began = Instant::now();
    run(&world, &mut client, "long", words(lines)).await?;
    while found(&world, &format!("%22line%20{lines}%22")).await?.hits.is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let name = format!("{lines} lines written, stored and indexed");
    let indexed = per_second(usize::try_from(lines)?, began.elapsed());
    let mut figures = vec![Figure::new(name, indexed, "lines/s")];
    for (what, question) in [
        ("a word of every line", "line".to_owned()),
        ("a word of one line in 1,700", "word4321".to_owned()),
        ("the beginning of a word", "word432".to_owned()),
        ("three words", "line%20word1%20word2".to_owned()),
        ("a number of one line", format!("{}", lines / 2)),
    ] {
        let mut took = Vec::new();
        for _ in 0..ROUNDS {
            let began = Instant::now();
            let found = found(&world, &question).await?;
            took.push(began.elapsed().as_secs_f64() * 1e3);
            ensure!(!found.hits.is_empty(), "{question} is not found");
        }
        took.sort_unstable_by(f64::total_cmp);
        let slowest = quantile(&took, 0.99);
        figures.push(
            Figure::new(format!("first page of a search for {what}: p99"), slowest, "ms")
                .aim(Aim::AtMost(50.0)),
        );
    }
    for run in ["short", "long"] {
        let mut took = Vec::new();
        for _ in 0..ROUNDS {
            let began = Instant::now();
            let (status, body) = world.get(&format!("/api/runs/history-{run}/output")).await?;
            ensure!(status == 200 && !body.is_empty(), "{status}");
            took.push(began.elapsed().as_secs_f64() * 1e3);
        }
        took.sort_unstable_by(f64::total_cmp);
        let name = if run == "short" {
            "last page of a run of 100 lines: p50".to_owned()
        } else {
            format!("last page of a run of {lines} lines: p50")
        };
        figures.push(Figure::new(name, quantile(&took, 0.5), "ms"));
    }
    Ok(figures)
}

async fn found(world: &World, question: &str) -> anyhow::Result<Found> {
    let (status, body) = world.get(&format!("/api/search?in=output&q={question}")).await?;
    ensure!(status == 200, "{status}: {}", String::from_utf8_lossy(&body));
    Ok(serde_json::from_slice(&body)?)
}

/// Runs a shell command to its end.
async fn run(world: &World, client: &mut Client, name: &str, command: String) -> anyhow::Result<()> {
    let project = ProjectId::new("project")?;
    let folder = world.project.to_string_lossy().into_owned();
    client.intend(Kind::ProjectOpened { folder: folder.clone(), name: "bench".to_owned() }).await?;
    client.until("the project", |state| state.projects.contains_key(&project)).await?;
    let epoch = client.state().baton.as_ref().map(|baton| baton.epoch);
    let (run, task) = (RunId::new(&format!("history-{name}"))?, TaskId::new("history")?);
    let spec = RunSpec { program: Program::Shell { command }, args: Vec::new(), ..own([""], folder) };
    let drafts = vec![Draft::new(Some(project), ordered(run.clone(), task, spec))];
    let id = AppendId::new(&format!("history-{name}"))?;
    client.send(&ClientMessage::Append { id, epoch, seen: None, drafts }).await?;
    let over = |state: &conductor::State| state.run(&run).is_some_and(|run| !run.is_active());
    client.until("the end of the run", over).await.context("the lines were not written in time")
}
