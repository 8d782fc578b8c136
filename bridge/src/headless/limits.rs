//! `orchestrator limits`: every bound that agents work within, and what else holds for all tasks.

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use conductor::State;
use shared::entry::{Draft, Kind};
use shared::limits::{BOUNDS, Bound, Unit};

use super::DataArgs;
use super::client::Client;
use super::place::Place;
use super::policies::{self, Held, Policies};
use crate::cli::say;

#[derive(Debug, Args)]
pub struct LimitsArgs {
    #[command(flatten)]
    bounds: Bounds,
    #[command(flatten)]
    policies: Policies,
    #[command(flatten)]
    data: DataArgs,
}

/// The options that the table of bounds makes, one each.
#[derive(Debug, Default)]
struct Bounds(Vec<(&'static Bound, Wish)>);

/// What a bound is to be; nothing lifts it.
#[derive(Debug, Clone, Copy)]
struct Wish(Option<u64>);

impl Args for Bounds {
    fn augment_args(command: Command) -> Command {
        let option = |bound: &'static Bound| {
            let value = match bound.unit {
                Unit::Count => "N",
                Unit::Money => "USD",
                Unit::Time => "SPAN",
                Unit::Text => "KB",
            };
            let help = format!("{}: {}", capitalised(bound.words), bound.range());
            Arg::new(bound.name)
                .long(bound.name)
                .value_name(value)
                .help(help)
                .help_heading(bound.group.words())
                .value_parser(|text: &str| bound.read(text).map(Wish))
        };
        BOUNDS.iter().fold(command, |command, bound| command.arg(option(bound)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Bounds {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = BOUNDS.iter().map(|bound| Ok((bound, matches.try_get_one::<Wish>(bound.name)?)));
        let given: Result<Vec<_>, clap::parser::MatchesError> = given.collect();
        let given = given.map_err(|error| clap::Error::raw(ErrorKind::InvalidValue, error))?;
        Ok(Self(given.into_iter().filter_map(|(bound, wish)| Some((bound, *wish?))).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Sets what was given, and prints what holds then.
pub(super) async fn set(args: &LimitsArgs) -> anyhow::Result<ExitCode> {
    let place = Place::find_or_start(&args.data.dir()?, false).await?;
    let mut client = Client::connect(&place, "terminal").await?;
    let known = client.state().limits.clone();
    let mut limits = known.clone();
    for (bound, Wish(value)) in &args.bounds.0 {
        bound.set(&mut limits, *value)?;
    }
    args.policies.hold(client.state(), &mut limits).map_err(anyhow::Error::msg)?;
    if limits != known {
        client.intend(vec![Draft::new(None, Kind::LimitsSet { limits: limits.clone() })]).await?;
    }
    tell(client.state());
    drop(client);
    place.leave().await?;
    Ok(ExitCode::SUCCESS)
}

/// Each by the option that changes it.
fn tell(state: &State) {
    let limits = &state.limits;
    let line = |option: &str, value: &str, words: &str| say(&format!("--{option:<14} {value:<12} {words}"));
    for bound in &BOUNDS {
        let value = bound.get(limits).map_or("none".to_owned(), |value| bound.unit.text(value));
        line(bound.name, &value, bound.words);
    }
    for Held { name, value, what } in policies::held(state) {
        line(name, value.as_str().unwrap_or(&value.to_string()), &what);
    }
}

fn capitalised(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
