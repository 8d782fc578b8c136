//! Chats create chats at every level: a worker that splits its task, a person who has one split, with the real binary
//! and the demo agent, from the conversation and from a terminal.

use conductor::plan::awaits_approval;
use conductor::state::{Phase, Standing, State};
use serde_json::json;
use shared::agent::HarnessId;
use shared::entry::{Kind, Purpose};
use shared::id::TaskId;
use tests::request::call;
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
    world.says(&["split", "1"], 1, "orchestrator approve 1/1, or orchestrator reject 1/1")?;
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

/// Its first task never ends by itself, and the others wait for it.
const LONG: &str = "[[demo tasks=3 shape=chain]] [[task 1: hang]]";

#[tokio::test]
async fn an_approved_goal_is_planned_again_from_a_terminal_and_over_http() -> anyhow::Result<()> {
    let world = World::attended(BIN).await?;
    let mut client = world.client("page").await?;
    let goal = world.goal(&mut client, LONG, HarnessId::Demo).await?;
    client.until("a plan", |state| proposed(state, &goal)).await?;
    world.says(&["split", "1", "Too early"], 1, "write to its planner what to change")?;
    world.says(&["reject", "1"], 1, "was never planned before")?;
    client.intend(Kind::PlanApproved { goal: goal.clone(), version: 1 }).await?;
    let first = goal.derived(1);
    let at_work = |state: &State| {
        let run = state.task(&first).and_then(|task| state.current(task))?;
        matches!(run.phase, Phase::Running { .. }).then(|| run.id.clone())
    };
    client.until("the first is at work", |state| at_work(state).is_some()).await?;
    let run = at_work(client.state());
    let parts = |state: &State| state.task(&goal).map_or(0, |task| task.children.len());

    world.says(&["split", "1", "Add a changelog"], 0, "")?;
    client.until("another plan", |state| proposed(state, &goal)).await?;
    assert_eq!((parts(client.state()), at_work(client.state())), (4, run.clone()));
    world.says(&["versions", "1"], 0, "v2 against v1: 1 added")?;
    world.says(&["tasks"], 0, "or reject 1")?;
    world.says(&["reject", "1"], 0, "")?;
    let agreed = |state: &State| state.task(&goal).is_some_and(|task| !task.is_planned());
    client.until("it is as it was", agreed).await?;
    assert_eq!((parts(client.state()), at_work(client.state())), (3, run.clone()));

    let (status, told) = call(&world, "POST /api/tasks/1/split", &json!({"why": "Add a changelog"})).await?;
    assert_eq!(status, 422, "{told}");
    let (status, told) =
        call(&world, "POST /api/tasks/1/split", &json!({"words": "Add a changelog"})).await?;
    assert_eq!(status, 200, "{told}");
    client.until("a third plan", |state| proposed(state, &goal)).await?;
    let (_, view) = call(&world, "GET /api/goals/1", &json!({})).await?;
    assert_eq!((&view["plan"], &view["version"]), (&json!("proposed"), &json!(3)));
    let (status, told) = call(&world, "POST /api/tasks/1/approve", &json!({})).await?;
    assert_eq!(status, 200, "{told}");
    let planned = [1, 2, 3].map(|place| goal.derived(place));
    let added = |state: &State| {
        let parts = state.subtree(&goal).into_iter().skip(1).find(|task| !planned.contains(&task.id));
        parts.map(|task| task.standing.clone())
    };
    client.until("what is new is done", |state| added(state) == Some(Standing::Completed)).await?;
    assert_eq!(at_work(client.state()), run, "and what ran runs on");
    world.says(&["cancel", "1"], 0, "")?;
    client.until("all ends", |state| at_work(state).is_none()).await?;
    Ok(())
}
