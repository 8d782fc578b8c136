//! Commands about what is there: the list, and a person's word to one task.

use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use conductor::budget;
use conductor::plan::name;
use conductor::rollup::rollup;
use conductor::state::{Plan, State, Task};
use conductor::status::{Kind as Stands, Reason, status};
use conductor::words;
use serde_json::{Value, json};
use shared::entry::{Draft, Kind};
use shared::id::MessageId;
use shared::limits::Caps;
use shared::plan::PlanEdit;

use super::client::Client;
use super::place::Place;
use super::{AnswerArgs, BudgetArgs, DataArgs, TaskArgs, TasksArgs};
use crate::cli::say;
use crate::clock;

/// Prints every goal that is not archived, with its tree.
pub(super) async fn list(args: &TasksArgs) -> anyhow::Result<ExitCode> {
    let place = Place::find_or_start(&args.data.dir()?, false).await?;
    let client = Client::connect(&place, "terminal").await?;
    let state = client.state();
    let shown = state.goals.iter().filter_map(|goal| state.task(goal));
    let shown: Vec<&Task> = shown.filter(|task| !is_archived(task)).collect();
    for goal in &shown {
        for task in state.subtree(&goal.id) {
            if args.json { say(&json(state, task).to_string()) } else { say(&line(state, task)) }
        }
    }
    if shown.is_empty() && !args.json {
        say("No goals yet. Next: orchestrator run \"GOAL\" --dir FOLDER");
    }
    drop(client);
    place.leave().await?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the URL that lets a person in to the running bridge.
pub(super) fn url(args: &DataArgs) -> anyhow::Result<ExitCode> {
    let place = Place::find(&args.dir()?)?.context("no bridge runs. Next: orchestrator")?;
    say(&place.access().url());
    Ok(ExitCode::SUCCESS)
}

/// Sends words to a task.
pub(super) async fn answer(args: &AnswerArgs) -> anyhow::Result<ExitCode> {
    ensure!(!args.text.trim().is_empty(), "nothing to say. Give the words after the task.");
    tell(&args.task, |task| {
        let message = MessageId::new(&uuid::Uuid::now_v7().to_string())?;
        Ok(Kind::MessageSent { task: task.id.clone(), message, text: args.text.clone() })
    })
    .await
}

/// Approves the plan that waits.
pub(super) async fn approve(args: &TaskArgs) -> anyhow::Result<ExitCode> {
    tell(args, |task| {
        let goal = task.goal.as_ref().with_context(|| format!("{} is no goal", name(task)))?;
        ensure!(
            matches!(goal.plan, Plan::Proposed { .. }),
            "{} has no plan that waits for a yes",
            name(task)
        );
        Ok(Kind::PlanApproved { goal: task.id.clone(), version: goal.version })
    })
    .await
}

/// Sets what a task and all below it may spend; its other caps stay.
pub(super) async fn budget(args: &BudgetArgs) -> anyhow::Result<ExitCode> {
    tell(&args.task, |task| {
        let caps = Caps { budget: Some(args.budget), ..task.caps };
        let edit = PlanEdit::SetCaps { task: task.id.clone(), caps };
        Ok(Kind::PlanEdited { goal: task.root.clone(), edit })
    })
    .await
}

/// Wishes a fresh attempt.
pub(super) async fn retry(args: &TaskArgs) -> anyhow::Result<ExitCode> {
    tell(args, |task| Ok(Kind::TaskRetried { task: task.id.clone() })).await
}

/// Stops a task.
pub(super) async fn cancel(args: &TaskArgs) -> anyhow::Result<ExitCode> {
    tell(args, |task| {
        ensure!(!task.is_over(), "{} is over already", name(task));
        Ok(Kind::TaskStopped { task: task.id.clone() })
    })
    .await
}

/// Says one thing about a task. The bridge stays, also one that was started for this: the work goes on.
async fn tell(args: &TaskArgs, word: impl FnOnce(&Task) -> anyhow::Result<Kind>) -> anyhow::Result<ExitCode> {
    let place = Place::find_or_start(&args.data.dir()?, true).await?;
    let mut client = Client::connect(&place, "terminal").await?;
    let task = find(client.state(), &args.task)?.clone();
    let kind = word(&task)?;
    client.intend(vec![Draft::new(Some(task.project.clone()), kind)]).await?;
    place.stays().iter().for_each(|line| say(line));
    Ok(ExitCode::SUCCESS)
}

/// The task that a person means: "3", "3/2.1", or the beginning of an id.
fn find<'a>(state: &'a State, text: &str) -> anyhow::Result<&'a Task> {
    let (goal, number) = text.split_once('/').unwrap_or((text, ""));
    if let Ok(place) = goal.parse::<usize>() {
        let goal = place.checked_sub(1).and_then(|index| state.goals.get(index));
        let goal =
            goal.with_context(|| format!("there is no goal {place}. `orchestrator tasks` lists them."))?;
        let mut tree = state.subtree(goal).into_iter();
        return tree
            .find(|task| task.number_text() == number)
            .with_context(|| format!("goal {place} has no task {number}. `orchestrator tasks` lists them."));
    }
    let mut found = state.tasks.values().filter(|task| task.id.as_str().starts_with(text));
    match (found.next(), found.next()) {
        (Some(task), None) => Ok(task),
        (None, _) => bail!("there is no task {text:?}. `orchestrator tasks` lists them."),
        (Some(_), Some(_)) => bail!("more than one task begins with {text:?}; give more of it."),
    }
}

/// How a person names a task to these commands.
pub(super) fn reference(state: &State, task: &Task) -> String {
    let goal = state.goals.iter().position(|goal| *goal == task.root).map_or(0, |index| index + 1);
    if task.is_goal() { goal.to_string() } else { format!("{goal}/{}", task.number_text()) }
}

fn is_archived(task: &Task) -> bool {
    task.goal.as_ref().is_some_and(|goal| goal.archived.is_some())
}

fn line(state: &State, task: &Task) -> String {
    let status = status(state, task);
    let why = words::reason(state, &status, clock::now());
    let cost = words::spent(state, task);
    let indent = "  ".repeat(task.number.len());
    let parts = [task.title.as_str(), status.kind.word(), &why, &cost];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    format!("{indent}{}  {}", reference(state, task), parts.join(" · "))
}

/// A task as scripts read it.
pub(super) fn json(state: &State, task: &Task) -> Value {
    let status = status(state, task);
    let sum = rollup(state, task);
    let question = match &status.reason {
        Reason::Asks(question) => Some(question.as_str()),
        _ => None,
    };
    let failure = match &status.reason {
        Reason::Failure { class, why } if status.kind == Stands::Failed => {
            Some(json!({ "class": class, "why": why }))
        }
        _ => None,
    };
    json!({
        "task": reference(state, task),
        "id": task.id.as_str(),
        "title": task.title,
        "status": status.kind.token(),
        "reason": words::reason(state, &status, clock::now()),
        "question": question,
        "failure": failure,
        "since": status.since.0,
        "usd": sum.spend.known.as_usd(),
        "unknown_costs": sum.spend.unknown_runs,
        "budget_usd": budget::envelope(state, task).map(|envelope| envelope.budget.as_usd()),
    })
}

/// A task of a plan as scripts read it.
pub(super) fn planned(state: &State, task: &Task) -> Value {
    let after: Vec<String> =
        task.after.iter().filter_map(|id| state.task(id)).map(Task::number_text).collect();
    json!({
        "task": reference(state, task),
        "title": task.title,
        "objective": task.objective,
        "mode": task.mode,
        "size": task.size,
        "after": after,
        "outputs": task.outputs,
    })
}
