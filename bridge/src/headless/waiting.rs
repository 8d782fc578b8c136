//! `orchestrator waiting` and `withdraw`: what a person wrote to a task that no turn has carried yet.

use std::process::ExitCode;

use clap::Args;
use conductor::state::{Message, State, Task};
use conductor::words;
use shared::id::MessageId;

use super::TaskArgs;
use super::client::Client;
use super::place::Place;
use super::task::find;
use super::word::{Unsaid, Word};
use crate::cli::say;
use crate::clock;

#[derive(Debug, Args)]
pub struct WithdrawArgs {
    #[command(flatten)]
    task: TaskArgs,
    /// Its place in what `orchestrator waiting` lists, or its id
    #[arg(default_value = "1")]
    which: String,
}

/// Prints what waits for the task's next turn, the oldest first.
pub(super) async fn list(args: &TaskArgs) -> anyhow::Result<ExitCode> {
    let place = Place::find_or_start(&args.data.dir()?, false).await?;
    let client = Client::connect(&place, "terminal").await?;
    let task = find(client.state(), &args.task)?;
    for (number, message) in task.queue.iter().enumerate() {
        say(&format!("{}  {}{}", number + 1, message.text, aside(message)));
    }
    if task.queue.is_empty() {
        say(&format!("Nothing waits for the next turn of {}.", args.task));
    }
    drop(client);
    place.leave().await?;
    Ok(ExitCode::SUCCESS)
}

/// Since when it waits, and what is special about it.
fn aside(message: &Message) -> String {
    let since = words::span(clock::now().since(message.at));
    let how = match message {
        Message { held: true, .. } => ", goes along with the next turn and starts none",
        Message { urged: true, .. } => ", for the turn that runs",
        _ => "",
    };
    format!("  ({since}{how})")
}

/// Takes one back, and says which.
pub(super) async fn withdraw(args: &WithdrawArgs) -> anyhow::Result<ExitCode> {
    let mut place = Place::find_or_start(&args.task.data.dir()?, true).await?;
    let mut client = Client::connect(&place, "terminal").await?;
    let state = client.state();
    let task = find(state, &args.task.task)?;
    let message = message(task, &args.which)?.clone();
    let (owner, drafts) = (task.id.clone(), Word::Withdraw(args.which.clone()).to(state, task)?);
    client.intend(drafts).await?;
    let state = client.state();
    if state.task(&owner).is_some_and(|task| was_told(state, task, &message.id)) {
        return Err(Unsaid("a turn has begun with it meanwhile; cancel that to stop it".to_owned()).into());
    }
    say(&format!("Withdrawn: {}", message.text));
    place.stay().iter().for_each(|line| say(line));
    Ok(ExitCode::SUCCESS)
}

/// Whether a turn of the task carries the message, or was told it while it worked.
fn was_told(state: &State, task: &Task, message: &MessageId) -> bool {
    let mut runs = task.runs.iter().filter_map(|run| state.run(run));
    runs.any(|run| run.carries.contains(message) || run.told.iter().any(|told| told.message.id == *message))
}

/// What waits at this place, counted from 1, or by this id.
///
/// # Errors
/// Nothing such waits.
pub(super) fn message<'a>(task: &'a Task, which: &str) -> Result<&'a Message, Unsaid> {
    let by_place = which.parse::<usize>().ok().and_then(|place| task.queue.get(place.checked_sub(1)?));
    let found = by_place.or_else(|| task.queue.iter().find(|message| message.id.as_str() == which));
    found.ok_or_else(|| Unsaid(format!("nothing waits there; {} wait for the next turn", task.queue.len())))
}
