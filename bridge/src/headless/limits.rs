//! `orchestrator limits`: every bound that agents work within, and what else holds for all tasks.

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches, ValueEnum};
use conductor::{State, reviewer, words};
use shared::entry::{Draft, Kind};
use shared::limits::{BOUNDS, Bound, Unit};
use shared::quiet::Quiet;
use shared::sizing::Sizing;

use super::client::Client;
use super::place::Place;
use super::{DataArgs, OnFailure};
use crate::cli::say;

#[derive(Debug, Args)]
pub struct LimitsArgs {
    #[command(flatten)]
    bounds: Bounds,
    /// What becomes of a task that fails and says nothing else
    #[arg(long, value_enum)]
    on_failure: Option<OnFailure>,
    /// When nothing that was cut short goes on by itself, such as 22:00-07:00+02:00; the last part is what your clock is ahead of UTC. `none` ends it
    #[arg(long, value_name = "HOURS", value_parser = quiet)]
    quiet: Option<Quiet>,
    /// Give to the other agent what one fails again and again
    #[arg(long, value_name = "YES", value_parser = clap::value_parser!(bool))]
    alternate: Option<bool>,
    /// Use a result again where words, agent and folder are those of a task that is done and changed nothing
    #[arg(long, value_name = "YES", value_parser = clap::value_parser!(bool))]
    reuse: Option<bool>,
    /// Who reviews a task where nobody chose: auto, other (kind of agent), claude, codex, codex:MODEL, model:MODEL or an agent of your own
    #[arg(long, value_name = "WHO")]
    reviewer: Option<String>,
    /// Who says how hard a task is that nobody gave a size, which chooses the model
    #[arg(long, value_enum)]
    sizes: Option<Sizes>,
    #[command(flatten)]
    data: DataArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Sizes {
    /// Nobody: it is of standard size
    Off,
    /// A rule, from its words
    Rule,
    /// The rule, and where that is not sure the light model, once
    Ask,
}

impl From<Sizes> for Sizing {
    fn from(sizes: Sizes) -> Self {
        match sizes {
            Sizes::Off => Self::Off,
            Sizes::Rule => Self::Rule,
            Sizes::Ask => Self::Ask,
        }
    }
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
    limits.retry.policy =
        args.on_failure.map_or(known.retry.policy, |wish| wish.policy().unwrap_or_default());
    limits.quiet = args.quiet.or(known.quiet).filter(|quiet| quiet.from != quiet.to);
    limits.alternate = args.alternate.unwrap_or(known.alternate);
    limits.reuse = args.reuse.unwrap_or(known.reuse);
    limits.sizing = args.sizes.map_or(known.sizing, Into::into);
    if let Some(words) = &args.reviewer {
        let reviewer = reviewer::named(client.state(), words).map_err(anyhow::Error::msg)?;
        limits.reviewer = reviewer.unwrap_or_default();
    }
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
    let policy = match limits.retry.policy {
        shared::retry::Policy::None => OnFailure::Ask,
        shared::retry::Policy::Same => OnFailure::Same,
        shared::retry::Policy::Analyze => OnFailure::Analyze,
    };
    let sizes = match limits.sizing {
        Sizing::Off => Sizes::Off,
        Sizing::Rule => Sizes::Rule,
        Sizing::Ask => Sizes::Ask,
    };
    line("on-failure", &token(policy), &format!("a task that fails: {}", words::policy(limits.retry.policy)));
    let quiet = limits.quiet.map_or("none".to_owned(), hours);
    line("quiet", &quiet, "hours in which nothing that was cut short goes on by itself");
    let alternate = limits.alternate.to_string();
    line("alternate", &alternate, "whether the other agent may do what one fails again and again");
    let reuse = limits.reuse.to_string();
    line(
        "reuse",
        &reuse,
        "whether a result that changed nothing is used again for the same words, agent and folder",
    );
    let sized = format!("the size of a task that nobody gave one: {}", words::sizes(limits.sizing));
    line("sizes", &token(sizes), &sized);
    let reviewer = reviewer::words(state, &limits.reviewer);
    line("reviewer", &reviewer, "who reviews a task where nobody chose for it or for what it is a part of");
}

/// A choice as it is given.
fn token(choice: impl ValueEnum) -> String {
    choice.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

fn capitalised(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Quiet hours from the command line; `none` is a span without length.
fn quiet(text: &str) -> Result<Quiet, String> {
    let wrong = || format!("{text:?} are no hours, such as 22:00-07:00+02:00");
    if text == "none" {
        return Ok(Quiet::default());
    }
    let time = |text: &str| {
        let (hours, minutes) = text.split_once(':')?;
        let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
        (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
    };
    let (from, rest) = text.split_once('-').ok_or_else(wrong)?;
    let (to, offset) = rest.split_at_checked(5).ok_or_else(wrong)?;
    let ahead = match offset.split_at_checked(1) {
        None => 0,
        Some((sign, span)) => {
            let minutes = i32::from(time(span).ok_or_else(wrong)?);
            match sign {
                "+" => minutes,
                "-" => -minutes,
                _ => return Err(wrong()),
            }
        }
    };
    match (time(from), time(to)) {
        (Some(from), Some(to)) => Ok(Quiet { from, to, offset: ahead }),
        _ => Err(wrong()),
    }
}

/// "22:00-07:00+02:00", as it is given.
fn hours(quiet: Quiet) -> String {
    let time = |minutes: u32| format!("{:02}:{:02}", minutes / 60, minutes % 60);
    let sign = if quiet.offset < 0 { '-' } else { '+' };
    let ahead = time(quiet.offset.unsigned_abs());
    format!("{}-{}{sign}{ahead}", time(quiet.from.into()), time(quiet.to.into()))
}
