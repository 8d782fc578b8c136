//! Trees of plain commands, made by hand as a person would: the time from a dependency to what waits for it,
//! and the tree of a thousand tasks that the page is measured on.

use conductor::plan::awaits_approval;
use conductor::state::Standing;
use shared::agent::HarnessId;
use shared::entry::Kind;
use shared::id::TaskId;
use shared::plan::{PlanEdit, PlannedTask, Size, Work};
use shared::unit::Millis;
use tests::world::{Client, World};

use crate::figure::{Aim, Figure, quantile};

/// What each command of the chain does: it leaves the time, in nanoseconds since the Unix epoch.
const STAMP: &str = "date +%s%N >> stamps";

/// From the last word of a task to the first word of the task that waited for it: the end of the process
/// seen, read, judged and committed, the next one decided, committed and started. Both shells' own time is in it.
pub async fn next_start(world: &World, tasks: u32) -> anyhow::Result<Vec<Figure>> {
    let mut client = world.client("chain").await?;
    let goal = tree(world, &mut client, tasks, STAMP, |n| if n > 0 { Some(n - 1) } else { None }).await?;
    client.intend(Kind::PlanApproved { goal: goal.clone(), version: 1 }).await?;
    let last = goal.derived(first_free() + tasks - 1);
    let done = |state: &conductor::State| {
        state.task(&last).is_some_and(|task| matches!(task.standing, Standing::Completed))
    };
    client.until("the end of the chain", done).await?;
    let text = std::fs::read_to_string(world.project.join("stamps"))?;
    let stamps: Vec<f64> = text.lines().filter_map(|line| line.parse().ok()).collect();
    anyhow::ensure!(stamps.len() == tasks as usize, "{} of {tasks} commands left their time", stamps.len());
    let mut gaps: Vec<f64> = stamps.windows(2).map(|pair| (pair[1] - pair[0]) / 1e6).collect();
    gaps.sort_unstable_by(f64::total_cmp);
    let name = |share| format!("a dependency's last output to the next task's first: {share}");
    Ok(vec![
        Figure::new(name("p50"), quantile(&gaps, 0.5), "ms").aim(Aim::AtMost(10.0)),
        Figure::new(name("p99"), quantile(&gaps, 0.99), "ms"),
    ])
}

/// Ids of our own start here, beyond those of the demo's plan.
fn first_free() -> u32 {
    100
}

/// A goal whose plan is `tasks` commands that come after what `after` says, by number.
pub async fn tree(
    world: &World,
    client: &mut Client,
    tasks: u32,
    command: &str,
    after: impl Fn(u32) -> Option<u32>,
) -> anyhow::Result<TaskId> {
    let goal = world.goal(client, "Write one file [[demo tasks=3]]", HarnessId::Demo).await?;
    let planned = |state: &conductor::State| state.task(&goal).is_some_and(awaits_approval);
    client.until("the plan", planned).await?;
    let proposed = client.state().task(&goal).map(|task| task.children.clone()).unwrap_or_default();
    for task in proposed {
        client.intend(Kind::PlanEdited { goal: goal.clone(), edit: PlanEdit::Remove { task } }).await?;
    }
    for n in 0..tasks {
        let planned = PlannedTask {
            key: format!("command-{n}"),
            size: Some(Size::Light),
            after: after(n).map(|n| goal.derived(first_free() + n)).into_iter().collect(),
            work: Work::Command { command: command.to_owned(), timeout: Millis::from_secs(60) },
            ..PlannedTask::new(
                goal.derived(first_free() + n),
                goal.clone(),
                format!("Command {n}"),
                command.to_owned(),
            )
        };
        let edit = PlanEdit::Add { planned, index: u32::MAX };
        client.intend(Kind::PlanEdited { goal: goal.clone(), edit }).await?;
    }
    let last = goal.derived(first_free() + tasks - 1);
    client.until("the tasks", |state| state.task(&last).is_some()).await?;
    Ok(goal)
}
