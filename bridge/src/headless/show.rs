//! `orchestrator show`: one task, with what it is to reach, who does it and how, and what came of it.

use std::process::ExitCode;

use clap::Args;
use conductor::library::template_of;
use conductor::persona;
use conductor::proof::{commits, reviews};
use conductor::reviewer;
use conductor::state::{Standing, State, Task};
use conductor::words;
use serde_json::json;
use shared::plan::Work;

use super::TaskArgs;
use super::client::Client;
use super::next;
use super::place::Place;
use super::task::{find, line, reference};
use super::view::TaskDetails;
use crate::cli::say;

#[derive(Debug, Args)]
pub struct ShowArgs {
    #[command(flatten)]
    task: TaskArgs,
    /// One JSON object instead of words, with all that is known of it
    #[arg(long)]
    json: bool,
}

/// Prints the task.
pub(super) async fn tell(args: &ShowArgs) -> anyhow::Result<ExitCode> {
    let place = Place::find_or_start(&args.task.data.dir()?, false).await?;
    let client = Client::connect(&place, "terminal").await?;
    let state = client.state();
    let task = find(state, &args.task.task)?;
    if args.json {
        say(&json!(TaskDetails::of(state, task)).to_string());
    } else {
        say(line(state, task).trim_start());
        lines(state, task).iter().for_each(|line| say(line));
    }
    drop(client);
    place.leave().await?;
    Ok(ExitCode::SUCCESS)
}

/// What there is to say of it, each under its name.
fn lines(state: &State, task: &Task) -> Vec<String> {
    let after: Vec<String> =
        task.after.iter().filter_map(|id| state.task(id)).map(|task| reference(state, task)).collect();
    let result = task.result.clone().unwrap_or_default();
    let about = [
        ("Objective", task.objective.clone()),
        ("Mode", words::mode(task.mode).to_owned()),
        ("Done by", doer(state, task)),
        ("Works in", worktree(state, task)),
        ("Comes after", after.join(", ")),
        ("Needs", task.inputs.join(", ")),
        ("Makes", task.outputs.join(", ")),
        ("Has to show", evidence(state, task)),
        (
            "Waits for its next turn",
            task.queue.iter().map(|said| said.text.as_str()).collect::<Vec<_>>().join("\n"),
        ),
        ("Failed", failure(task)),
        ("Result", result.summary),
        ("Output", result.outputs.join(", ")),
        ("Not done", result.not_done.join("\n")),
        ("Next", next::step(state, task).unwrap_or_default()),
    ];
    about.into_iter().filter_map(|(name, text)| named(name, text.trim())).collect()
}

/// One line, or several below the name.
fn named(name: &str, text: &str) -> Option<String> {
    match text {
        "" => None,
        text if text.contains('\n') => Some(format!("  {name}:\n    {}", text.replace('\n', "\n    "))),
        text => Some(format!("  {name}: {text}")),
    }
}

/// What went wrong in a task that failed, and what helps.
fn failure(task: &Task) -> String {
    let Standing::Failed { class, why } = &task.standing else { return String::new() };
    let what = words::class_words(*class);
    let why = if why.is_empty() { what.to_owned() } else { format!("{what}: {why}") };
    format!("{}\n{}", why.trim_end(), words::next_step(*class))
}

/// The worktree of a goal that has one.
fn worktree(state: &State, task: &Task) -> String {
    let kept = state.worktree_of(&task.project).filter(|_| task.is_goal()).map(|kept| &kept.worktree);
    kept.map(|it| format!("{}, on branch {}", it.folder, it.branch)).unwrap_or_default()
}

/// The person, a command, or an agent CLI with its model and whatever else was chosen.
fn doer(state: &State, task: &Task) -> String {
    if let Work::Command { command, .. } = &task.work {
        return format!("the command {command}");
    }
    if task.is_by_hand() {
        return "you".to_owned();
    }
    let harness = state.harness_of(task);
    let persona = persona::of(state, task).map(persona::title);
    let model = state.model_of(task, harness, task.size).map(str::to_owned);
    let template = template_of(state, task).map(|shelf| format!("template {}", shelf.template.name));
    let size = words::sizing(state, task).unwrap_or_else(|| words::size(task.size).to_owned());
    let parts = [Some(harness.to_string()), model, persona, template, Some(size)];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Its checks, who reviews it, and whether its work is committed.
fn evidence(state: &State, task: &Task) -> String {
    let checks = task.evidence.checks.iter().map(ToString::to_string);
    let reviewer = || reviewer::words(state, reviewer::wished(state, task));
    let review = reviews(state, task).then(|| format!("a review ({})", reviewer()));
    let commit = commits(state, task).then(|| "a commit".to_owned());
    checks.chain(review).chain(commit).collect::<Vec<_>>().join(", ")
}
