//! A turn that runs, with a real process behind a real bridge: words to it are read once, by it or by the next one, and what
//! it has come to is known while it goes on.

#![expect(clippy::unwrap_used, reason = "tests")]

use conductor::State;
use conductor::budget::{Cap, near};
use conductor::state::{Ear, Run};
use conductor::status::{Reason, status};
use shared::agent::HarnessId;
use shared::entry::Kind;
use shared::id::{RunId, TaskId};
use shared::limits::Caps;
use shared::plan::PlanEdit;
use shared::unit::MicroUsd;
use tests::world::{Client, World, now};

const BIN: &str = env!("CARGO_BIN_EXE_orchestrator");

fn first<'a>(state: &'a State, goal: &TaskId) -> Option<&'a Run> {
    state.run(&goal.run(1))
}

/// A goal whose planner has said something and goes on slowly.
async fn planning(world: &World, client: &mut Client, directive: &str) -> anyhow::Result<(TaskId, RunId)> {
    let text = format!("Build a small thing. [[demo tasks=3 slow=60 {directive}]]");
    let goal = world.goal(client, &text, HarnessId::Demo).await?;
    let works = |state: &State| first(state, &goal).is_some_and(|run| run.session.is_some());
    client.until("the planner's first words", works).await?;
    Ok((goal.clone(), goal.run(1)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_reads_what_it_is_told_while_it_works_also_past_a_bridge_that_is_killed() -> anyhow::Result<()>
{
    let mut world = World::start(BIN).await?;
    let mut client = world.client("page").await?;
    let (goal, run) = planning(&world, &mut client, "").await?;
    client.say_now(&goal, "Mind the doors.").await?;
    let told = |state: &State| !state.run(&run).unwrap().told.is_empty();
    client.until("the order", told).await?;
    world.kill_bridge().await?;
    world.start_bridge().await?;
    let mut client = world.client("other").await?;
    let over = |state: &State| state.run(&run).unwrap().is_read();
    client.until("the end of the turn", over).await?;
    let state = client.state();
    let told: Vec<(&str, bool)> =
        state.run(&run).unwrap().told.iter().map(|told| (&*told.message.text, told.read)).collect();
    assert_eq!(told, [("Mind the doors.", true)]);
    assert_eq!(state.run(&run).unwrap().ear, Ear::Closed, "its input was ended, or it would be there yet");
    assert!(state.task(&goal).unwrap().queue.is_empty());
    let (_, said) = world.get(&format!("/api/runs/{run}/output")).await?;
    let said = String::from_utf8_lossy(&said);
    assert_eq!(said.matches("\"isReplay\":true").count(), 2, "its prompt and the message: {said}");
    Ok(())
}

#[tokio::test]
async fn what_a_turn_did_not_read_is_read_by_the_next() -> anyhow::Result<()> {
    let world = World::start(BIN).await?;
    let mut client = world.client("page").await?;
    let (goal, run) = planning(&world, &mut client, "deaf").await?;
    client.say_now(&goal, "Mind the doors.").await?;
    let next = goal.run(2);
    client.until("the next turn", |state| state.run(&next).is_some()).await?;
    let state = client.state();
    assert_eq!(state.run(&run).unwrap().told, []);
    assert_eq!(state.run(&next).unwrap().carries.len(), 1);
    client.until("its end", |state| state.run(&next).unwrap().is_read()).await?;
    assert!(client.state().task(&goal).unwrap().queue.is_empty());
    client.all_taken()
}

#[tokio::test]
async fn a_cap_on_requests_is_near_while_the_turn_goes_on() -> anyhow::Result<()> {
    let world = World::start(BIN).await?;
    let mut client = world.client("page").await?;
    let goal = world.goal(&mut client, "Build it. [[demo tasks=3 slow=60]]", HarnessId::Demo).await?;
    let caps = Caps { turns: Some(5), ..Caps::default() };
    let edit = PlanEdit::SetCaps { task: goal.clone(), caps };
    client.intend(Kind::PlanEdited { goal: goal.clone(), edit }).await?;
    let is_near = |state: &State| {
        let near = state.task(&goal).and_then(|task| near(state, task, now()));
        let near = near.map(|near| (near.cap, near.percent));
        near == Some((Cap::Turns(5), 80)) && first(state, &goal).is_some_and(Run::is_active)
    };
    client.until("the warning", is_near).await
}

#[tokio::test]
async fn a_turn_is_ended_where_it_is_thought_to_have_passed_a_budget_that_was_set_meanwhile()
-> anyhow::Result<()> {
    let world = World::start(BIN).await?;
    let mut client = world.client("page").await?;
    let told = world.goal(&mut client, "Say it. [[demo answer cost=50]]", HarnessId::Demo).await?;
    let done = |state: &State| first(state, &told).is_some_and(Run::is_read);
    client.until("a turn that tells what it costs", done).await?;
    let goal = world.goal(&mut client, "Build it. [[demo tasks=3 slow=60]]", HarnessId::Demo).await?;
    let runs =
        |state: &State| first(state, &goal).is_some_and(|run| run.is_active() && run.estimate.is_some());
    client.until("what the next has cost so far", runs).await?;
    let caps = Caps { budget: Some(MicroUsd(10_000)), ..Caps::default() };
    let edit = PlanEdit::SetCaps { task: goal.clone(), caps };
    client.intend(Kind::PlanEdited { goal: goal.clone(), edit }).await?;
    let asks = |state: &State| {
        let over =
            first(state, &goal).is_some_and(|run| run.is_read() && run.overdrew.as_ref() == Some(&goal));
        let reason = state.task(&goal).map(|task| status(state, task).reason);
        over && matches!(reason, Some(Reason::Used { cap: Cap::Budget(MicroUsd(10_000)), .. }))
    };
    client.until("the person is asked", asks).await
}
