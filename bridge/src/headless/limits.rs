//! `orchestrator limits`: how many agents may run, and what a task may spend that nobody gave a budget.

use std::process::ExitCode;

use conductor::words;
use shared::agent::HarnessId;
use shared::entry::{Draft, Kind};
use shared::limits::{Breaker, Caps, Each, Health, Limits};
use shared::quiet::Quiet;
use shared::retry::Retry;
use shared::unit::MicroUsd;

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
        context_bytes: args.words.map_or(known.context_bytes, |kb| kb as usize * 1024),
        caps: Caps { budget: args.task_budget.or(known.caps.budget), ..known.caps },
        health: Health {
            stalled: args.stalled.unwrap_or(known.health.stalled),
            slow: args.slow.unwrap_or(known.health.slow),
            long: args.long.unwrap_or(known.health.long),
        },
        retry: Retry {
            policy: args.on_failure.map_or(known.retry.policy, |wish| wish.policy().unwrap_or_default()),
            attempts: args.attempts.unwrap_or(known.retry.attempts),
        },
        quiet: args.quiet.or(known.quiet).filter(|quiet| quiet.from != quiet.to),
        unattended: args.unattended.or(known.unattended),
        alternate: args.alternate.unwrap_or(known.alternate),
        reuse: args.reuse.unwrap_or(known.reuse),
        sizing: args.sizes.map_or(known.sizing, Into::into),
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
    let money = |sum: Option<MicroUsd>| sum.map_or("no limit".to_owned(), words::dollars);
    say(&format!("A task may spend, unless it has a budget of its own: {}", money(limits.caps.budget)));
    say(&format!("An agent is told at most {} KB in one turn", limits.context_bytes / 1024));
    let Health { stalled, slow, long } = limits.health;
    let [stalled, slow, long] = [stalled, slow, long].map(words::span);
    say(&format!(
        "You are warned of an agent that writes nothing for {stalled}, is at one thing for {slow}, or runs for {long}"
    ));
    let Retry { policy, attempts } = limits.retry;
    say(&format!("A task that fails: {}, {attempts} tries in all", words::policy(policy)));
    let Breaker { failures, wait } = limits.breaker;
    say(&format!("An agent that fails {failures} times in a row is left alone for {}", words::span(wait)));
    let other = if limits.alternate { "may do" } else { "does not do" };
    say(&format!("The other agent {other} what one fails again and again"));
    let again = if limits.reuse { "is" } else { "is not" };
    say(&format!(
        "The result of a task that changed nothing {again} used again for the same words, agent and folder"
    ));
    say(&format!("The size of a task that nobody gave one: {}", words::sizes(limits.sizing)));
    let quiet = limits.quiet.map_or("none".to_owned(), hours);
    say(&format!("Quiet hours, in which nothing that was cut short goes on by itself: {quiet}"));
    say(&format!("Spent at most while you do nothing: {}", money(limits.unattended)));
}

/// "22:00-07:00+02:00", as it is given.
fn hours(quiet: Quiet) -> String {
    let time = |minutes: u32| format!("{:02}:{:02}", minutes / 60, minutes % 60);
    let sign = if quiet.offset < 0 { '-' } else { '+' };
    let ahead = time(quiet.offset.unsigned_abs());
    format!("{}-{}{sign}{ahead}", time(quiet.from.into()), time(quiet.to.into()))
}
