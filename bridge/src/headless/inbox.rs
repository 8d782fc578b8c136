//! `orchestrator inbox`: all that waits for the person, with the command that answers it. The REST API says the same.

use std::process::ExitCode;

use clap::Args;
use conductor::State;
use conductor::apply::answers;
use conductor::inbox::{Request, inbox};
use conductor::plan::name;
use conductor::survey::Survey;
use conductor::words;
use serde::Serialize;
use serde_json::json;
use shared::unit::Millis;
use utoipa::ToSchema;

use super::DataArgs;
use super::client::Client;
use super::next;
use super::place::Place;
use super::task::reference;
use crate::cli::say;
use crate::clock;

#[derive(Debug, Args)]
pub struct InboxArgs {
    /// One JSON object per line instead of words
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataArgs,
}

/// A task that waits for the person.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WaitView {
    /// How these commands name it.
    task: String,
    id: String,
    title: String,
    /// The title of its goal.
    goal: String,
    /// `answer`, `permit`, `write`, `begin`, `do`, `approve`, `add`, `mend`, `raise`, `go_on`, `help`, `unblock` or `look`.
    ask: &'static str,
    /// What the person does about it.
    action: &'static str,
    why: String,
    /// What it asks, to be named in the answer, so that another question is not answered by it.
    question: Option<String>,
    /// Answers that its agent proposes.
    options: Vec<String>,
    /// What helps, where that is more than its action says.
    remedy: Option<&'static str>,
    /// In milliseconds since 1970.
    since: u64,
    /// What happens as long as nobody does anything.
    if_ignored: &'static str,
    /// The commands of a terminal that answer it.
    next_step: Option<String>,
}

impl WaitView {
    /// The oldest first.
    pub(super) fn all(state: &State, now: Millis) -> Vec<Self> {
        let requests = inbox(state, &Survey::live(state));
        requests.iter().filter_map(|request| Self::of(state, request, now)).collect()
    }

    fn of(state: &State, request: &Request, now: Millis) -> Option<Self> {
        let task = state.task(&request.task)?;
        Some(Self {
            task: reference(state, task),
            id: task.id.to_string(),
            title: task.title.clone(),
            goal: state.task(&request.goal).map(|goal| goal.title.clone()).unwrap_or_default(),
            ask: request.ask.token(),
            action: request.ask.action(),
            why: request.why(state, now),
            question: answers(state, task).map(|run| run.to_string()),
            options: request.options(state).to_vec(),
            remedy: request.remedy(),
            since: request.status.since.0,
            if_ignored: request.ask.ignored(),
            next_step: next::step(state, task),
        })
    }
}

/// Prints all that waits for the person.
pub(super) async fn list(args: &InboxArgs) -> anyhow::Result<ExitCode> {
    let place = Place::find_or_start(&args.data.dir()?, false).await?;
    let client = Client::connect(&place, "terminal").await?;
    let (state, now) = (client.state(), clock::now());
    for request in inbox(state, &Survey::live(state)) {
        let (Some(view), Some(task)) = (WaitView::of(state, &request, now), state.task(&request.task)) else {
            continue;
        };
        if args.json {
            say(&json!(view).to_string());
            continue;
        }
        let waits = words::span(now.since(request.status.since));
        let goal = if task.is_goal() { String::new() } else { format!(" · {}", view.goal) };
        say(&format!("{}  {}{goal} · {} · {waits}", view.task, name(task), view.action));
        say(&format!("    {}", view.why.replace('\n', "\n    ")));
        if !view.options.is_empty() {
            say(&format!("    Proposed answers: {}", view.options.join(" · ")));
        }
        let remedy = view.remedy.map(|remedy| format!("{remedy} ")).unwrap_or_default();
        say(&format!("    {remedy}If ignored: {}.", view.if_ignored));
        view.next_step.iter().for_each(|next| say(&format!("    Next: {next}")));
    }
    if !args.json && WaitView::all(state, now).is_empty() {
        say("Nothing waits for you. `orchestrator tasks` shows how all of it stands.");
    }
    drop(client);
    place.leave().await?;
    Ok(ExitCode::SUCCESS)
}
