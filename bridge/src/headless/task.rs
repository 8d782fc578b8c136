//! Commands about what is there: the list, and a person's word to one task.

use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use conductor::health::warnings;
use conductor::plan::document::document;
use conductor::state::{State, Task};
use conductor::status::status;
use conductor::words;
use serde_json::{Value, json};
use shared::entry::Kind;
use shared::id::TaskId;

use super::client::Client;
use super::next;
use super::place::Place;
use super::rules;
use super::view::TaskView;
use super::word::{self, Word};
use super::{DataArgs, TaskArgs};
use crate::cli::say;
use crate::clock;

#[derive(Debug, Args)]
pub struct TasksArgs {
    /// Also goals that are archived
    #[arg(long)]
    all: bool,
    /// One JSON object per line instead of words
    #[arg(long)]
    json: bool,
    /// One goal or task with all below it instead, as a document in Markdown with check boxes
    #[arg(long, value_name = "TASK", conflicts_with = "json")]
    markdown: Option<String>,
    #[command(flatten)]
    data: DataArgs,
}

/// Prints every goal that is not archived, with its tree, and what helps where a person is needed.
pub(super) async fn list(args: &TasksArgs) -> anyhow::Result<ExitCode> {
    let place = Place::find_or_start(&args.data.dir()?, false).await?;
    let client = Client::connect(&place, "terminal").await?;
    let state = client.state();
    if let Some(top) = &args.markdown {
        say(document(state, find(state, top)?).trim_end());
        drop(client);
        place.leave().await?;
        return Ok(ExitCode::SUCCESS);
    }
    let shown = state.goals.iter().filter_map(|goal| state.task(goal));
    let shown: Vec<&Task> = shown.filter(|task| args.all || !is_archived(task)).collect();
    for goal in &shown {
        for task in state.subtree(&goal.id) {
            if args.json {
                say(&json(state, task).to_string());
                continue;
            }
            say(&line(state, task));
            if let Some(next) = next::step(state, task) {
                say(&format!("{}    Next: {next}", "  ".repeat(task.number.len())));
            }
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

/// Prints the token for tools that use the REST API.
pub(super) fn token(args: &DataArgs) -> anyhow::Result<ExitCode> {
    let place = Place::find(&args.dir()?)?.context("no bridge runs. Next: orchestrator")?;
    say(place.access().secret());
    Ok(ExitCode::SUCCESS)
}

/// Says one thing about a task. The bridge stays, also one that was started for this: the work goes on.
pub(super) async fn tell(args: &TaskArgs, word: Word) -> anyhow::Result<ExitCode> {
    let mut place = Place::find_or_start(&args.data.dir()?, true).await?;
    let mut client = Client::connect(&place, "terminal").await?;
    let state = client.state();
    let task = word.whom(state, &args.task)?;
    let drafts = word.to(state, task)?;
    let of = task.id.clone();
    let rule = drafts.iter().find_map(|draft| match draft.body.known() {
        Some(Kind::RuleSaved { rule }) => Some(rule.clone()),
        _ => None,
    });
    client.intend(drafts.clone()).await?;
    word::is_heard(client.state(), &drafts)?;
    if let Some(rule) = rule {
        rules::tell(client.state(), &rule, false);
    }
    // How it stands now, or what was made of it.
    let state = client.state();
    let told = word::made(&drafts).unwrap_or(&of);
    state.task(told).iter().for_each(|task| say(line(state, task).trim_start()));
    place.stay().iter().for_each(|line| say(line));
    Ok(ExitCode::SUCCESS)
}

/// Nothing has this name.
#[derive(Debug, thiserror::Error)]
#[error("{0}. `orchestrator tasks` lists them.")]
pub(super) struct Unknown(pub String);

/// The task that a person means: "3", "3/2.1", or the beginning of an id.
pub(super) fn find<'a>(state: &'a State, text: &str) -> Result<&'a Task, Unknown> {
    let (goal, number) = text.split_once('/').unwrap_or((text, ""));
    if let Ok(place) = goal.parse::<usize>() {
        let goal = place.checked_sub(1).and_then(|index| state.goals.get(index));
        let goal = goal.ok_or_else(|| Unknown(format!("there is no goal {place}")))?;
        let mut tree = state.subtree(goal).into_iter();
        let found = tree.find(|task| task.number_text() == number);
        return found.ok_or_else(|| Unknown(format!("goal {place} has no task {number}")));
    }
    if let Some(task) = TaskId::new(text).ok().and_then(|id| state.task(&id)) {
        return Ok(task);
    }
    let mut found = state.tasks.values().filter(|task| task.id.as_str().starts_with(text));
    match (found.next(), found.next()) {
        (Some(task), None) => Ok(task),
        (None, _) => Err(Unknown(format!("there is no task {text:?}"))),
        (Some(_), Some(_)) => Err(Unknown(format!("more than one task begins with {text:?}"))),
    }
}

/// The task that was taken out of its goal's plan and had this number, which no other has since.
pub(super) fn find_removed<'a>(state: &'a State, text: &str) -> Option<&'a Task> {
    let (goal, number) = text.split_once('/')?;
    let goal = state.goals.get(goal.parse::<usize>().ok()?.checked_sub(1)?)?;
    state.tasks.values().map(|task| &**task).find(|task| task.root == *goal && task.number_text() == number)
}

/// How a person names a task to these commands.
pub(super) fn reference(state: &State, task: &Task) -> String {
    let goal = state.goals.iter().position(|goal| *goal == task.root).map_or(0, |index| index + 1);
    if task.is_goal() { goal.to_string() } else { format!("{goal}/{}", task.number_text()) }
}

pub(super) fn is_archived(task: &Task) -> bool {
    task.goal.as_ref().is_some_and(|goal| goal.archived.is_some())
}

/// A task in the list, indented by its depth.
pub(super) fn line(state: &State, task: &Task) -> String {
    let status = status(state, task);
    let why = words::says(state, task, &status, clock::now());
    let cost = words::spent(state, task);
    let indent = "  ".repeat(task.number.len());
    let warning = warnings(state, task, clock::now()).first().map(|it| words::warning(*it, clock::now()));
    let warning = warning.unwrap_or_default();
    let parts = [task.title.as_str(), status.kind.word(), &why, &warning, &cost];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    format!("{indent}{}  {}", reference(state, task), parts.join(" · "))
}

/// A task as scripts read it.
pub(super) fn json(state: &State, task: &Task) -> Value {
    json!(TaskView::of(state, task))
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
        "size": task.chosen_size(),
        "after": after,
        "inputs": task.inputs,
        "outputs": task.outputs,
    })
}
