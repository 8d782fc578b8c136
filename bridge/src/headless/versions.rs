//! `orchestrator versions`: what each version of a plan changed against the one before it.

use std::process::ExitCode;

use conductor::plan::diff::{Change, Revision};
use conductor::state::{State, Task};
use conductor::words;
use serde::Serialize;
use utoipa::ToSchema;

use super::TaskArgs;
use super::client::Client;
use super::place::Place;
use super::task::find;
use crate::cli::say;

/// A version of a plan, and what it changed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct VersionView {
    version: u32,
    /// In plan order; removed tasks last.
    changes: Vec<ChangeView>,
}

/// One task that is not as it was in the version before, with the person's own edits.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ChangeView {
    id: String,
    /// Its name in this version, or its last one.
    title: String,
    /// `added`, `removed`, `moved` or `changed`.
    change: &'static str,
    /// In words; empty where there is no more to say.
    what: String,
}

impl VersionView {
    /// Of a task that was never planned, none; the first version is not among them, for it changes nothing.
    pub(super) fn all(state: &State, task: &Task) -> Vec<Self> {
        let change = |change: &Change| ChangeView {
            id: change.task.to_string(),
            title: change.title.clone(),
            change: words::change_kind(&change.what),
            what: words::change(state, &change.what),
        };
        let revisions = task.planning.iter().flat_map(|planning| &planning.revisions);
        let view = |revision: &Revision| Self {
            version: revision.version,
            changes: revision.changes.iter().map(change).collect(),
        };
        revisions.map(view).collect()
    }
}

/// Prints the versions of a task's plan, the oldest first.
pub(super) async fn list(args: &TaskArgs) -> anyhow::Result<ExitCode> {
    let place = Place::find_or_start(&args.data.dir()?, false).await?;
    let client = Client::connect(&place, "terminal").await?;
    let (state, task) = (client.state(), find(client.state(), &args.task)?);
    let revisions = task.planning.iter().flat_map(|planning| &planning.revisions);
    let lines: Vec<String> = revisions.flat_map(|revision| lines(state, revision)).collect();
    lines.iter().for_each(|line| say(line));
    if lines.is_empty() {
        say(&format!("The plan of {} has one version at most. `orchestrator tasks` shows it.", args.task));
    }
    drop(client);
    place.leave().await?;
    Ok(ExitCode::SUCCESS)
}

/// What a version changed: a sentence, and a line for each task.
pub(super) fn lines(state: &State, revision: &Revision) -> Vec<String> {
    let Revision { version, changes } = revision;
    let before = if *version > 1 { format!("v{}", version - 1) } else { "what was there".to_owned() };
    let head = format!("v{version} against {before}: {}", words::changes(changes));
    let line = |change: &Change| {
        let number = state.task(&change.task).map(Task::number_text).unwrap_or_default();
        let (kind, what) = (words::change_kind(&change.what), words::change(state, &change.what));
        let what = if what.is_empty() { what } else { format!(": {what}") };
        format!("  {kind} {number} {}{what}", change.title)
    };
    std::iter::once(head).chain(changes.iter().map(line)).collect()
}
