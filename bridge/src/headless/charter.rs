//! `orchestrator charter`: what all tasks of a goal are told when they begin, as a person reads and writes it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use conductor::plan::name;
use conductor::state::{State, Task};
use shared::context::Charter;
use shared::entry::Draft;
use shared::id::TaskId;

use super::TaskArgs;
use super::client::Client;
use super::memory::read;
use super::place::Place;
use super::task::{find, reference};
use super::word::{Unsaid, Word};
use crate::cli::say;

#[derive(Debug, Args)]
pub struct CharterArgs {
    #[command(flatten)]
    task: TaskArgs,
    /// How its tasks go about it, in Markdown; `-` reads it from stdin, an empty file forgets it
    #[arg(long, value_name = "FILE")]
    set: Option<PathBuf>,
    /// Something to know by name. May be given again; without a value it is forgotten
    #[arg(long = "fact", value_name = "NAME=VALUE", value_parser = fact)]
    facts: Vec<(String, String)>,
}

/// "server=10.0.0.7" as a fact's name and value.
pub(super) fn fact(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').map(|(key, value)| (key.trim(), value.trim()));
    let (key, value) = parts.ok_or_else(|| format!("{text:?} is no fact, such as server=10.0.0.7"))?;
    Ok((key.to_owned(), value.to_owned()))
}

/// Changes them where that is wished for, and prints them.
pub(super) async fn see_to(args: &CharterArgs) -> anyhow::Result<ExitCode> {
    let text = args.set.as_ref().map(read).transpose()?;
    let place = Place::find_or_start(&args.task.data.dir()?, false).await?;
    let mut client = Client::connect(&place, "terminal").await?;
    let goal = find(client.state(), &args.task.task)?.id.clone();
    if text.is_some() || !args.facts.is_empty() {
        let drafts = changed(client.state(), &goal, text, &args.facts)?;
        client.intend(drafts).await?;
    }
    if let Some(task) = client.state().task(&goal) {
        print(client.state(), task);
    }
    drop(client);
    place.leave().await?;
    Ok(ExitCode::SUCCESS)
}

fn changed(
    state: &State,
    goal: &TaskId,
    rules: Option<String>,
    facts: &[(String, String)],
) -> Result<Vec<Draft>, Unsaid> {
    let Some(task) = state.task(goal) else { return Ok(Vec::new()) };
    let mut charter = of(task);
    charter.amend(rules, facts.iter().map(|(key, value)| (key, value)));
    Word::Charter(charter).to(state, task)
}

fn of(task: &Task) -> Charter {
    task.goal.as_ref().map(|goal| goal.charter.clone()).unwrap_or_default()
}

fn print(state: &State, task: &Task) {
    let Charter { rules, facts } = of(task);
    if rules.trim().is_empty() && facts.is_empty() {
        let named = reference(state, task);
        return say(&format!(
            "{} has no rules yet. Next: orchestrator charter {named} --set FILE, or --fact NAME=VALUE",
            name(task)
        ));
    }
    if !rules.trim().is_empty() {
        say(rules.trim_end());
    }
    facts.iter().for_each(|fact| say(&format!("{} = {}", fact.key, fact.value)));
}
