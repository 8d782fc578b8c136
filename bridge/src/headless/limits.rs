//! `orchestrator limits`: how many agents may run, and what a task may spend that nobody gave a budget.

use std::process::ExitCode;

use conductor::words;
use shared::agent::HarnessId;
use shared::entry::{Draft, Kind};
use shared::limits::{Caps, Each, Health, Limits};

use super::LimitsArgs;
use super::client::Client;
use super::place::Place;
use crate::cli::say;

/// Sets what was given, and prints what holds then.
pub(super) async fn set(args: &LimitsArgs) -> anyhow::Result<ExitCode> {
    let place = Place::find_or_start(&args.data.dir()?, false).await?;
    let mut client = Client::connect(&place, "terminal").await?;
    let known = client.state().limits.clone();
    let limits = Limits {
        parallel: args.parallel.unwrap_or(known.parallel),
        per_folder: args.per_folder.or(known.per_folder),
        each: Each {
            claude: args.claude.or(known.each.claude),
            codex: args.codex.or(known.each.codex),
            ..known.each
        },
        caps: Caps { budget: args.task_budget.or(known.caps.budget), ..known.caps },
        health: Health {
            stalled: args.stalled.unwrap_or(known.health.stalled),
            slow: args.slow.unwrap_or(known.health.slow),
            long: args.long.unwrap_or(known.health.long),
        },
        ..known.clone()
    };
    if limits != known {
        client.intend(vec![Draft::new(None, Kind::LimitsSet { limits: limits.clone() })]).await?;
    }
    tell(&limits);
    drop(client);
    place.leave().await?;
    Ok(ExitCode::SUCCESS)
}

fn tell(limits: &Limits) {
    let of =
        |limit: Option<u32>| limit.map_or("as many as there may be".to_owned(), |limit| limit.to_string());
    say(&format!("Agents at the same time: {}", limits.parallel));
    for harness in [HarnessId::Claude, HarnessId::Codex] {
        say(&format!("  {harness}: {}", of(limits.each.of(harness))));
    }
    say(&format!("  in one folder: {}", of(limits.per_folder)));
    let budget = limits.caps.budget.map_or("no limit".to_owned(), words::dollars);
    say(&format!("A task may spend, unless it has a budget of its own: {budget}"));
    let Health { stalled, slow, long } = limits.health;
    let [stalled, slow, long] = [stalled, slow, long].map(words::span);
    say(&format!(
        "You are warned of an agent that writes nothing for {stalled}, is at one thing for {slow}, or runs for {long}"
    ));
}
