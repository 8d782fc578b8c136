//! A run that hangs is ended by one word from a terminal, and its task begins anew with what its person wrote.

use anyhow::ensure;
use conductor::plan::awaits_approval;
use conductor::state::{Phase, State};
use shared::agent::HarnessId;
use shared::entry::Kind;
use shared::id::RunId;
use shared::run::RunEnd;
use tests::world::World;

const BIN: &str = env!("CARGO_BIN_EXE_orchestrator");

fn runs(state: &State, run: &RunId) -> bool {
    state.run(run).is_some_and(|run| matches!(run.phase, Phase::Running { .. }))
}

#[tokio::test]
async fn a_run_is_ended_and_its_task_begins_anew_with_its_words() -> anyhow::Result<()> {
    let world = World::start(BIN).await?;
    let mut client = world.client("page").await?;
    let goal =
        world.goal(&mut client, "[[demo tasks=3 shape=chain]] [[task 1: hang]]", HarnessId::Demo).await?;
    client.until("a plan", |state| state.task(&goal).is_some_and(awaits_approval)).await?;
    let task = goal.derived(1);
    client.say(&task, "Mind the doors.").await?;
    client.intend(Kind::PlanApproved { goal: goal.clone(), version: 1 }).await?;
    let (first, second) = (task.run(1), task.run(2));
    client.until("it runs", |state| runs(state, &first)).await?;
    // The command waits for the log alone, and the client decides meanwhile.
    let word = |args: [&str; 2]| world.terminal(&args);
    let (code, said) = word(["requeue", "1/1"])?;
    ensure!(code == Some(0), "{said}");
    client.until("it begins anew", |state| runs(state, &second)).await?;
    let state = client.state();
    let (before, after) = (state.run(&first).expect("a run"), state.run(&second).expect("a run"));
    assert!(
        !matches!(&before.phase, Phase::Read { end: RunEnd::Exited { code: 0 }, .. }),
        "{:?}",
        before.phase
    );
    assert_eq!(
        (before.carries.len(), &after.carries),
        (1, &before.carries),
        "told to who knows nothing of it"
    );
    assert_eq!((before.attempt, after.attempt), (1, 2));
    assert_ne!(before.session, after.session);
    let (code, said) = word(["requeue", "1/2"])?;
    ensure!(code == Some(1) && said.contains("is not at work; retry begins it anew"), "{said}");
    client.intend(Kind::TaskStopped { task: goal.clone() }).await?;
    client.until("all is over", |state| state.task(&goal).is_some_and(|goal| goal.is_over())).await?;
    Ok(())
}
