//! The main job, from goal to summary, with the real binary and the demo agent.

use conductor::inbox::inbox;
use conductor::state::{Standing, State};
use conductor::status::{Kind as Status, status};
use conductor::survey::Survey;
use shared::agent::HarnessId;
use shared::entry::Kind;
use shared::id::TaskId;
use shared::plan::PlanEdit;
use tests::world::{Client, World};

const BIN: &str = env!("CARGO_BIN_EXE_orchestrator");

const GOAL: &str = "Build a todo service:\n- design the database schema\n- write the HTTP API\n- write the tests\n- write the documentation\n";

fn proposed(state: &State, goal: &TaskId) -> bool {
    state.task(goal).is_some_and(conductor::plan::awaits_approval)
}

fn is(state: &State, task: &TaskId, wished: Status) -> bool {
    state.task(task).is_some_and(|task| status(state, task).kind == wished)
}

/// The tasks that ask, as a person sees them.
fn asking(state: &State, goal: &TaskId) -> Vec<TaskId> {
    let waiting = inbox(state, &Survey::live(state)).into_iter();
    let unheard = |task: &TaskId| state.task(task).is_some_and(|task| task.queue.is_empty());
    waiting.map(|request| request.task).filter(|task| unheard(task) && task != goal).collect()
}

/// Answers whatever is asked until the goal is completed.
async fn see_through(client: &mut Client, goal: &TaskId) -> anyhow::Result<()> {
    loop {
        client
            .until("progress", |state| is(state, goal, Status::Completed) || !asking(state, goal).is_empty())
            .await?;
        if is(client.state(), goal, Status::Completed) {
            return Ok(());
        }
        for task in asking(client.state(), goal) {
            client.say(&task, "Take the first option.").await?;
            client
                .until("the word is heard", |state| {
                    state.task(&task).is_some_and(|task| task.queue.is_empty() && task.current.is_some())
                })
                .await?;
        }
    }
}

#[tokio::test]
async fn a_goal_becomes_a_plan_and_the_plan_is_worked_through() -> anyhow::Result<()> {
    let world = World::start(BIN).await?;
    let mut client = world.client("page").await?;
    let goal = world.goal(&mut client, GOAL, HarnessId::Demo).await?;
    client.until("a plan", |state| proposed(state, &goal)).await?;

    let first = client.state().task(&goal).map(|task| task.children[0].clone()).expect("a first task");
    let edit = PlanEdit::Rename { task: first.clone(), title: "Sketch the schema".to_owned() };
    client.intend(Kind::PlanEdited { goal: goal.clone(), edit }).await?;
    client.intend(Kind::PlanApproved { goal: goal.clone(), version: 1 }).await?;
    see_through(&mut client, &goal).await?;
    client.all_taken()?;
    let state = client.state();
    let summary = state.task(&goal).and_then(|task| task.result.as_ref()).expect("a summary");
    assert!(!summary.summary.is_empty());
    let tree = state.subtree(&goal);
    assert!(tree.iter().all(|task| task.standing == Standing::Completed), "{}", tests::world::sketch(state));
    assert_eq!(state.task(&first).expect("kept").title, "Sketch the schema");
    assert!(std::fs::read_dir(&world.project)?.next().is_some(), "the agents left files");
    Ok(())
}
