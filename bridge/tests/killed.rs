//! The bridge is killed each time that a small plan went on, and the plan comes out as it does without (P1).

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, ensure};
use conductor::apply::answers;
use conductor::state::{Standing, State};
use shared::agent::HarnessId;
use shared::entry::{Draft, Entry, Kind};
use shared::id::{MessageId, ProjectId, TaskId};
use shared::plan::{Mode, PlannedTask};
use shared::wire::ServerMessage;
use tests::world::{Client, World, prompts};

const BIN: &str = env!("CARGO_BIN_EXE_orchestrator");
/// A moment without news is longer than this only where something hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A question, then a group whose part fails once: each result has a parent to reach.
fn tasks(goal: &TaskId) -> Vec<PlannedTask> {
    let task = |n, parent: TaskId, title: &str, words: &str| {
        PlannedTask::new(goal.derived(n), parent, title, format!("{title} [[demo slow=0 {words}]]"))
    };
    let (asks, group) = (goal.derived(1), goal.derived(2));
    vec![
        PlannedTask { mode: Mode::Hybrid, ..task(1, goal.clone(), "Choose", "ask") },
        PlannedTask { after: vec![asks], ..task(2, goal.clone(), "Build", "") },
        task(3, group, "Paint", "fail-once"),
    ]
}

/// What the person does when they see this.
fn act(state: &State, goal: &TaskId) -> Option<Kind> {
    if conductor::plan::awaits_approval(state.task(goal)?) {
        return Some(Kind::PlanApproved { goal: goal.clone(), version: 1 });
    }
    state.subtree(goal).into_iter().find_map(|task| match &task.standing {
        Standing::Asked { .. } => {
            let answers = Some(answers(state, task)?);
            let message = MessageId::new(&format!("answer-{}", task.id)).ok()?;
            Some(Kind::MessageSent { task: task.id.clone(), message, text: "Blue.".to_owned(), answers })
        }
        Standing::Failed { .. } => Some(Kind::TaskRetried { task: task.id.clone() }),
        _ => None,
    })
}

/// The entry is of the plan, and not of the bridge's own coming and going.
fn is_of_the_plan(entry: &Entry) -> bool {
    let own = matches!(
        entry.body.known(),
        Some(
            Kind::BridgeStarted { .. }
                | Kind::AgentsFound { .. }
                | Kind::BatonGranted { .. }
                | Kind::DiskMeasured { .. }
                | Kind::MemoryMeasured { .. }
        )
    );
    !own
}

/// Goes on until entries of the plan came, acting for the person; nothing more when the goal is over.
async fn next(client: &mut Client, goal: &TaskId) -> anyhow::Result<bool> {
    let mut said = None;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        if client.state().task(goal).is_some_and(|goal| goal.is_over()) {
            return Ok(false);
        }
        let wish = act(client.state(), goal);
        if wish.is_some() && wish != said {
            client.intend(wish.clone().context("a wish")?).await?;
        }
        said = wish;
        let step = tokio::time::timeout_at(deadline, client.step()).await;
        let step = step.with_context(|| tests::world::sketch(client.state()))??;
        if let Some(ServerMessage::Entries { entries }) = step
            && entries.iter().any(is_of_the_plan)
        {
            return Ok(true);
        }
    }
}

/// How everything came out, and the log.
async fn lived(kills: bool) -> anyhow::Result<(BTreeMap<String, String>, String, u32)> {
    let mut world = World::start(BIN).await?;
    let mut client = world.client("page").await?;
    let (project, goal) = (ProjectId::new("project")?, TaskId::new("goal")?);
    let folder = world.project.to_string_lossy().into_owned();
    let text = "Build it [[demo slow=0]]".to_owned();
    let access = shared::plan::Access::Full;
    let kinds = [
        Kind::ProjectOpened { folder, name: "project".to_owned() },
        Kind::GoalStated { task: goal.clone(), text, harness: HarnessId::Demo, access },
        Kind::PlanGiven { goal: goal.clone(), reply: String::new(), tasks: tasks(&goal) },
    ];
    client.append(kinds.map(|kind| Draft::new(Some(project.clone()), kind)).into()).await?;
    client.until("the plan", |state| state.task(&goal).is_some_and(|goal| goal.is_group())).await?;
    let mut killed = 0;
    while next(&mut client, &goal).await? {
        if kills {
            world.kill_bridge().await?;
            world.start_bridge().await?;
            killed += 1;
            client = world.client(&format!("page-{killed}")).await?;
        }
    }
    let state = client.state();
    let outcome = |task: &conductor::state::Task| {
        let result = task.result.as_ref().map(|result| &result.summary);
        (task.title.clone(), format!("{:?} {} {result:?}", task.standing, task.attempt))
    };
    let outcomes = state.subtree(&goal).into_iter().map(outcome).collect();
    let (code, log) = world.terminal(&["export"])?;
    ensure!(code == Some(0), "{log}");
    Ok((outcomes, log, killed))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_that_is_killed_each_time_the_plan_went_on_comes_to_the_same_end() -> anyhow::Result<()> {
    let (expected, calm, _) = lived(false).await?;
    assert!(expected.values().all(|outcome| outcome.starts_with("Completed")), "{expected:#?}");
    assert!(expected["Paint"].starts_with("Completed 2 "), "the second attempt: {expected:#?}");
    let (found, log, killed) = lived(true).await?;
    assert_eq!(found, expected);
    assert!(killed > 15, "{killed} kills");
    // Each turn was begun once, with the same words: each result was told to its parent once.
    let (mut calm, mut told) = (prompts(&calm), prompts(&log));
    calm.sort_unstable();
    told.sort_unstable();
    assert_eq!(told, calm);
    let sums = |prompts: &[String]| prompts.iter().filter(|prompt| prompt.starts_with("# Sum up")).count();
    assert_eq!(sums(&told), 2);
    Ok(())
}
