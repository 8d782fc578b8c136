//! Chats create chats at every level: a worker that splits its task, a person who has one split, with the real binary
//! and the demo agent, from the conversation and from a terminal.

use conductor::plan::awaits_approval;
use conductor::state::{Standing, State};
use shared::agent::HarnessId;
use shared::entry::{Kind, Purpose};
use shared::id::TaskId;
use tests::world::{World, sketch};

const BIN: &str = env!("CARGO_BIN_EXE_orchestrator");

/// Its first task is split by its worker; its last waits for that.
const GOAL: &str = "[[demo tasks=3 shape=chain]] [[task 1: split=3]]";

fn proposed(state: &State, task: &TaskId) -> bool {
    state.task(task).is_some_and(awaits_approval)
}

#[tokio::test]
async fn a_worker_and_a_person_split_tasks_and_each_is_summed_up() -> anyhow::Result<()> {
    let world = World::start(BIN).await?;
    let mut client = world.client("page").await?;
    let goal = world.goal(&mut client, GOAL, HarnessId::Demo).await?;
    client.until("a plan", |state| proposed(state, &goal)).await?;
    client.intend(Kind::PlanApproved { goal: goal.clone(), version: 1 }).await?;
    let (first, last) = (goal.derived(1), goal.derived(3));
    client.until("its worker splits the first", |state| proposed(state, &first)).await?;
    client.intend(Kind::PlanWanted { task: last.clone() }).await?;
    client.until("the person's wish is answered", |state| proposed(state, &last)).await?;
    let begun =
        |state: &State, task: &TaskId| state.subtree(task).iter().skip(1).any(|part| !part.runs.is_empty());
    assert!(!begun(client.state(), &first) && !begun(client.state(), &last), "{}", sketch(client.state()));
    for (task, word) in [(&first, "approve"), (&last, "reject")] {
        let done = std::process::Command::new(BIN)
            .args([word, task.as_str(), "--data-dir"])
            .arg(world.home.path().join("data"))
            .status()?;
        assert!(done.success(), "{word}");
    }
    client
        .until("all is done", |state| {
            state.task(&goal).is_some_and(|task| task.standing == Standing::Completed)
        })
        .await?;
    let state = client.state();
    let task = |id: &TaskId| state.task(id).expect("a task");
    assert_eq!((task(&first).children.len(), task(&last).children.len()), (3, 0));
    assert!(begun(state, &first));
    let summed = task(&first).result.as_ref().expect("a result");
    assert!(summed.summary.contains("3 parts are over"), "{}", summed.summary);
    let purposes = |id: &TaskId| -> Vec<Purpose> {
        task(id).runs.iter().filter_map(|run| state.run(run)).map(|run| run.purpose).collect()
    };
    assert_eq!(purposes(&first), [Purpose::Work, Purpose::Summary, Purpose::Check]);
    assert_eq!(purposes(&last), [Purpose::Plan, Purpose::Work, Purpose::Check]);
    Ok(())
}
