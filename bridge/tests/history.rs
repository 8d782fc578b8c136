//! Reading back: a run's output in pages by HTTP, and the search over all that was said and written.

use anyhow::{Context, ensure};
use shared::agent::HarnessId;
use shared::api::{Found, HitPlace, Problem};
use shared::entry::Kind;
use shared::id::RunId;
use shared::unit::Millis;
use shared::wire::OutputFrame;
use tests::world::{Client, World};

const BIN: &str = env!("CARGO_BIN_EXE_orchestrator");
const LINES: u64 = 50_000;

/// A goal whose first task wrote many lines; gives that task's run.
async fn written(world: &World, client: &mut Client) -> anyhow::Result<RunId> {
    let text = format!("Count:\n- Run `seq -f 'line %.0f of the long run' 1 {LINES}`\n- write the tests");
    let goal = world.goal(client, &text, HarnessId::Demo).await?;
    let proposed = |state: &conductor::State| state.task(&goal).is_some_and(|task| !task.children.is_empty());
    client.until("the plan", proposed).await?;
    client.intend(Kind::PlanApproved { goal: goal.clone(), version: 1 }).await?;
    client.until("the end", |state| state.task(&goal).is_some_and(conductor::state::Task::is_over)).await?;
    let state = client.state();
    let first = state.task(&goal).and_then(|task| state.task(task.children.first()?)).context("no task")?;
    first.runs.first().cloned().context("no run")
}

/// The lines of a page with their numbers.
async fn page(world: &World, run: &RunId, query: &str) -> anyhow::Result<Vec<(u64, String)>> {
    let (status, body) = world.get(&format!("/api/runs/{run}/output?{query}")).await?;
    ensure!(status == 200, "{status}: {}", String::from_utf8_lossy(&body));
    let lines = OutputFrame::all(&body).flat_map(|frame| frame.lines().collect::<Vec<_>>());
    Ok(lines.map(|(line, bytes)| (line, String::from_utf8_lossy(bytes).into_owned())).collect())
}

fn expected(lines: impl Iterator<Item = u64>) -> Vec<(u64, String)> {
    lines.map(|line| (line, format!("line {} of the long run\n", line + 1))).collect()
}

#[tokio::test]
async fn output_is_read_in_pages_backwards_and_forwards() -> anyhow::Result<()> {
    let world = World::start(BIN).await?;
    let mut client = world.client("reader").await?;
    let run = written(&world, &mut client).await?;
    let mut back = page(&world, &run, "").await?;
    let mut pages = 1;
    while back.first().is_some_and(|(line, _)| *line > 0) {
        let earlier = page(&world, &run, &format!("before={}", back[0].0)).await?;
        ensure!(earlier.iter().map(|(_, text)| text.len()).sum::<usize>() < 300_000, "a page is bounded");
        back.splice(..0, earlier);
        pages += 1;
    }
    assert_eq!(back, expected(0..LINES));
    assert!(pages > 4, "{pages} pages");
    let mut forth: Vec<(u64, String)> = Vec::new();
    loop {
        let later = page(&world, &run, &format!("from={}", forth.len())).await?;
        if later.is_empty() {
            break;
        }
        forth.extend(later);
    }
    assert_eq!(forth, back);

    for (path, status) in [
        (format!("/api/runs/{run}/output?before=no"), 400),
        (format!("/api/runs/{run}/output?before=-1"), 400),
        ("/api/runs/%00/output".to_owned(), 400),
        ("/api/search?q=x".to_owned(), 400),
        (format!("/api/search?in=said&q={}", "x".repeat(2_000)), 400),
    ] {
        let (answered, body) = world.get(&path).await?;
        let problem: Problem = serde_json::from_slice(&body).with_context(|| path.clone())?;
        assert_eq!(answered, status, "{path}");
        assert!(!problem.next_step.is_empty());
    }
    assert_eq!(world.get("/api/runs/nobody/output").await?, (200, Vec::new()));
    Ok(())
}

async fn find(world: &World, query: &str) -> anyhow::Result<Found> {
    let (status, body) = world.get(&format!("/api/search?{query}")).await?;
    ensure!(status == 200, "{status}: {}", String::from_utf8_lossy(&body));
    Ok(serde_json::from_slice(&body)?)
}

/// The index follows the store by itself; asks until it has come so far.
async fn until_found(world: &World, query: &str) -> anyhow::Result<Found> {
    let deadline = tests::world::now() + Millis::from_secs(30);
    loop {
        let found = find(world, query).await?;
        if !found.hits.is_empty() {
            return Ok(found);
        }
        ensure!(tests::world::now() < deadline, "{query} is not found");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn what_was_said_and_written_is_found_also_after_a_restart() -> anyhow::Result<()> {
    let mut world = World::start(BIN).await?;
    let mut client = world.client("reader").await?;
    let run = written(&world, &mut client).await?;
    let found = until_found(&world, "in=output&q=%22line%204321%20of%22").await?;
    assert_eq!(found.hits.len(), 1);
    assert_eq!(found.hits[0].place, HitPlace::Line { run: run.clone(), line: 4_320 });
    let found = until_found(&world, "in=said&q=count").await?;
    assert!(found.hits.iter().any(|hit| hit.by_person), "{found:?}");
    world.kill_bridge().await?;
    world.start_bridge().await?;
    let mut client = world.client("again").await?;
    let project = client.state().projects.keys().next().cloned();
    let said = Kind::MessageSent {
        task: client.state().goals[0].clone(),
        message: shared::id::MessageId::new("m-again")?,
        text: "Was the zebra counted?".to_owned(),
        answers: None,
    };
    client.append(vec![shared::entry::Draft::new(project, said)]).await?;
    let found = until_found(&world, "in=said&q=zebra").await?;
    assert_eq!(found.hits.iter().filter(|hit| hit.by_person).count(), 1);
    assert_eq!(find(&world, "in=output&q=%22line%204321%20of%22").await?.hits.len(), 1);
    Ok(())
}
