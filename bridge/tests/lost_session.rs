//! A session that is lost takes none of the person's words with it.

use conductor::plan::awaits_approval;
use conductor::state::Standing;
use shared::agent::HarnessId;
use shared::entry::Kind;
use tests::world::{World, prompts};

const BIN: &str = env!("CARGO_BIN_EXE_orchestrator");

#[tokio::test]
async fn what_was_said_to_a_session_that_is_lost_is_told_to_the_next() -> anyhow::Result<()> {
    let world = World::start(BIN).await?;
    let mut client = world.client("page").await?;
    let goal =
        world.goal(&mut client, "[[demo tasks=3 shape=chain]] [[task 1: ask]]", HarnessId::Demo).await?;
    client.until("a plan", |state| state.task(&goal).is_some_and(awaits_approval)).await?;
    let task = goal.derived(1);
    client.say(&task, "Mind the doors.").await?;
    client.intend(Kind::PlanApproved { goal: goal.clone(), version: 1 }).await?;
    let asked = |standing: &Standing| matches!(standing, Standing::Asked { .. });
    client.until("a question", |state| state.task(&task).is_some_and(|it| asked(&it.standing))).await?;
    client.say(&task, "Paint it blue. [[demo forget]]").await?;
    client.until("the next session", |state| state.run(&task.run(3)).is_some()).await?;
    client.until("it asks there", |state| state.task(&task).is_some_and(|it| asked(&it.standing))).await?;
    client.say(&task, "As I said.").await?;
    let done = |standing: &Standing| *standing == Standing::Completed;
    client.until("the result", |state| state.task(&task).is_some_and(|it| done(&it.standing))).await?;
    let sessions = [1, 3].map(|n| client.state().run(&task.run(n)).and_then(|run| run.session.clone()));
    assert!(sessions[0].is_some() && sessions[1].is_some() && sessions[0] != sessions[1], "{sessions:?}");
    client.intend(Kind::TaskStopped { task: goal.clone() }).await?;
    client.until("all is over", |state| state.task(&goal).is_some_and(|goal| goal.is_over())).await?;

    let (_, log) = world.terminal(&["export"])?;
    let told = prompts(&log);
    let of = |words: &str| told.iter().filter(|prompt| prompt.contains(words)).collect::<Vec<_>>();
    let [resumed, anew] = of("Paint it blue.")[..] else { panic!("{told:#?}") };
    assert!(resumed.starts_with("# The person says\n\nPaint it blue."), "{resumed}");
    let before = anew.split_once("## What the person said before\n\n").map(|(_, before)| before);
    let before = before.unwrap_or_else(|| panic!("{anew}"));
    assert!(anew.starts_with("# Your task:") && !anew.contains("## The person says"), "{anew}");
    let order = ["Mind the doors.", "Paint it blue."].map(|words| before.find(words));
    assert!(order[0].is_some() && order[0] < order[1], "{before}");
    assert_eq!(of("Mind the doors.").len(), 2, "once to each session");
    Ok(())
}
