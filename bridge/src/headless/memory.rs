//! `orchestrator memory`: what all tasks of a project are told, as a person reads and writes it.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use clap::Args;
use shared::context::MEMORY;
use shared::entry::{Draft, Kind};

use super::client::Client;
use super::place::Place;
use super::statement::project;
use super::{DataArgs, folder};
use crate::cli::say;

#[derive(Debug, Args)]
pub struct MemoryArgs {
    /// The project's folder; without it, this one
    #[arg(long, value_name = "DIR", value_parser = folder)]
    dir: Option<PathBuf>,
    /// What it is to be, in Markdown; `-` reads it from stdin, an empty file forgets it
    #[arg(long, value_name = "FILE")]
    set: Option<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
}

/// Sets it where that is wished for, and prints it.
pub(super) async fn see_to(args: &MemoryArgs) -> anyhow::Result<ExitCode> {
    let text = args.set.as_ref().map(read).transpose()?;
    let dir = args.dir.clone().map_or_else(std::env::current_dir, Ok).context("this folder is gone")?;
    let dir = folder(&dir.to_string_lossy()).map_err(anyhow::Error::msg)?.to_string_lossy().into_owned();
    let place = Place::find_or_start(&args.data.dir()?, false).await?;
    let mut client = Client::connect(&place, "terminal").await?;
    if let Some(text) = text {
        // What is said in a worktree is said of the folder that it stands in for.
        let (id, opened) = project(client.state(), &client.state().known_as(&dir));
        let kinds = opened.into_iter().chain([Kind::MemorySet { text }]);
        client.intend(kinds.map(|kind| Draft::new(Some(id.clone()), kind)).collect()).await?;
    }
    let state = client.state();
    let known = state.project_in(&state.known_as(&dir)).or_else(|| state.project_in(&dir));
    let known = known.and_then(|id| state.projects.get(id));
    match known.map(|project| project.memory.trim_end()).filter(|memory| !memory.is_empty()) {
        Some(memory) => say(memory),
        None => say(&format!("{dir} has no memory yet. Next: orchestrator memory --set FILE")),
    }
    drop(client);
    place.leave().await?;
    Ok(ExitCode::SUCCESS)
}

/// A text in Markdown from a file or stdin, of at most [`MEMORY`] bytes.
pub(super) fn read(file: &PathBuf) -> anyhow::Result<String> {
    let text = if file.as_os_str() == "-" {
        std::io::read_to_string(std::io::stdin()).context("stdin cannot be read. Give a file.")?
    } else {
        std::fs::read_to_string(file)
            .with_context(|| format!("{} cannot be read. Give a file in Markdown.", file.display()))?
    };
    let long = text.len();
    ensure!(long <= MEMORY, "it may have {MEMORY} bytes at most, and this has {long}. Shorten it.");
    Ok(text)
}
