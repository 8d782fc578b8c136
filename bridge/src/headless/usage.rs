//! `orchestrator usage`: what agents have used, each kind and all together, lately and in all. The REST API says the same.

use std::process::ExitCode;

use clap::Args;
use conductor::State;
use conductor::usage::{Usage, Used, unattended};
use conductor::words;
use serde::Serialize;
use serde_json::json;
use shared::agent::HarnessId;
use shared::unit::Millis;
use utoipa::ToSchema;

use super::client::Client;
use super::place::Place;
use super::{DataArgs, span};
use crate::cli::say;
use crate::clock;

#[derive(Debug, Args)]
pub struct UsageArgs {
    /// How long ago what counts as lately began
    #[arg(long, value_name = "SPAN", value_parser = span, default_value = "24h")]
    last: Millis,
    /// One JSON object instead of words
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataArgs,
}

/// What agents used in a time.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UsageView {
    each: Vec<UsedView>,
    together: UsedView,
    away: AwayView,
}

/// What one kind of agent used, or all of them.
#[derive(Debug, Serialize, ToSchema)]
struct UsedView {
    /// `claude`, `codex` or `demo`; nothing for all together.
    #[schema(value_type = Option<String>)]
    harness: Option<HarnessId>,
    runs: u32,
    /// As far as is known.
    usd: f64,
    /// What, beyond that, tokens tell of runs that go on and of those that told no cost.
    estimated_usd: f64,
    /// Runs whose cost nobody knows.
    unknown_costs: u32,
    tokens_in: u64,
    tokens_out: u64,
    tokens_from_cache: u64,
}

/// What was spent since the person last did anything.
#[derive(Debug, Serialize, ToSchema)]
struct AwayView {
    usd: f64,
    /// At which nothing new begins; nothing where there is no bound.
    bound_usd: Option<f64>,
}

impl UsedView {
    fn of(harness: Option<HarnessId>, used: &Used) -> Self {
        Self {
            harness,
            runs: used.runs,
            usd: used.spend.known.as_usd(),
            estimated_usd: used.spend.estimated.as_usd(),
            unknown_costs: used.spend.unknown_runs,
            tokens_in: used.tokens.input,
            tokens_out: used.tokens.output,
            tokens_from_cache: used.tokens.cache_read,
        }
    }
}

impl UsageView {
    /// Of the runs that ended at `from` or later, or are under way.
    pub(super) fn since(state: &State, from: Millis) -> Self {
        let usage = Usage::since(state, from);
        let away = unattended(state);
        Self {
            each: usage.each.iter().map(|(harness, used)| UsedView::of(Some(*harness), used)).collect(),
            together: UsedView::of(None, &usage.all),
            away: AwayView {
                usd: state.outages.unattended.as_usd(),
                bound_usd: away.map(|away| away.budget.as_usd()),
            },
        }
    }
}

/// Prints what was used.
pub(super) async fn tell(args: &UsageArgs) -> anyhow::Result<ExitCode> {
    let place = Place::find_or_start(&args.data.dir()?, false).await?;
    let client = Client::connect(&place, "terminal").await?;
    let (state, from) = (client.state(), Millis(clock::now().since(args.last).0));
    if args.json {
        let (last, all) = (UsageView::since(state, from), UsageView::since(state, Millis(0)));
        say(&json!({ "last": last, "all": all }).to_string());
    } else {
        table(&format!("Last {}", words::span(args.last)), &Usage::since(state, from));
        table("In all", &Usage::since(state, Millis(0)));
        let spent = words::dollars(state.outages.unattended);
        say(&match unattended(state) {
            Some(away) => format!(
                "{spent} since your last word, of {} that may be spent without one.",
                words::dollars(away.budget)
            ),
            None => format!(
                "{spent} since your last word. Next: orchestrator limits --unattended USD bounds that"
            ),
        });
    }
    drop(client);
    place.leave().await?;
    Ok(ExitCode::SUCCESS)
}

fn table(name: &str, usage: &Usage) {
    if usage.all.runs == 0 {
        return say(&format!("{name}: no agent has run."));
    }
    say(&format!(
        "{name:<14} {:>16} {:>6} {:>10} {:>10} {:>10}",
        "cost", "runs", "tokens in", "out", "from cache"
    ));
    for (harness, used) in &usage.each {
        line(&harness.to_string(), used);
    }
    if usage.each.len() > 1 {
        line("Together", &usage.all);
    }
}

fn line(name: &str, used: &Used) {
    let cost = Some(words::money(used.spend)).filter(|cost| !cost.is_empty());
    let cost = cost.unwrap_or_else(|| "$0.00".to_owned());
    let [input, output, cache] =
        [used.tokens.input, used.tokens.output, used.tokens.cache_read].map(words::many);
    say(&format!("{name:<14} {cost:>16} {:>6} {input:>10} {output:>10} {cache:>10}", used.runs));
}
