//! What holds for all tasks beside the bounds: choices and not numbers, by the same names in a terminal and over HTTP.

use clap::{Args, ValueEnum};
use conductor::{State, reviewer, words};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use shared::limits::Limits;
use shared::quiet::Quiet;
use shared::retry::Policy;
use shared::sizing::Sizing;

use super::OnFailure;

/// What is to become other; what is not given stays.
#[derive(Debug, Default, Args, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Policies {
    /// What becomes of a task that fails and says nothing else
    #[arg(long, value_enum)]
    on_failure: Option<OnFailure>,
    /// When nothing that was cut short goes on by itself, such as 22:00-07:00+02:00; the last part is what your clock is ahead of UTC. `none` ends it
    #[arg(long, value_name = "HOURS", value_parser = quiet)]
    #[serde(deserialize_with = "hours")]
    quiet: Option<Quiet>,
    /// Give to the other agent what one fails again and again
    #[arg(long, value_name = "BOOL", value_parser = clap::value_parser!(bool))]
    alternate: Option<bool>,
    /// Use a result again where words, agent and folder are those of a task that is done and changed nothing
    #[arg(long, value_name = "BOOL", value_parser = clap::value_parser!(bool))]
    reuse: Option<bool>,
    /// Who reviews a task where nobody chose: auto, other (kind of agent), claude, codex, codex:MODEL, model:MODEL or an agent of your own
    #[arg(long, value_name = "WHO")]
    reviewer: Option<String>,
    /// Who says how hard a task is that nobody gave a size, which chooses the model
    #[arg(long, value_enum)]
    sizes: Option<Sizes>,
}

#[derive(Debug, Clone, Copy, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
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

impl Policies {
    /// The names that they have over HTTP.
    pub(super) const NAMES: [&str; 6] = ["on-failure", "quiet", "alternate", "reuse", "sizes", "reviewer"];

    /// Makes the limits hold them.
    ///
    /// # Errors
    /// Nobody like that can review.
    pub(super) fn hold(&self, state: &State, limits: &mut Limits) -> Result<(), String> {
        if let Some(wish) = self.on_failure {
            limits.retry.policy = wish.policy().unwrap_or_default();
        }
        if let Some(quiet) = self.quiet {
            limits.quiet = Some(quiet).filter(|quiet| quiet.from != quiet.to);
        }
        limits.alternate = self.alternate.unwrap_or(limits.alternate);
        limits.reuse = self.reuse.unwrap_or(limits.reuse);
        limits.sizing = self.sizes.map_or(limits.sizing, Into::into);
        if let Some(words) = &self.reviewer {
            limits.reviewer = reviewer::named(state, words)?.unwrap_or_default();
        }
        Ok(())
    }
}

/// One of them as it holds now.
#[derive(Debug)]
pub(super) struct Held {
    pub name: &'static str,
    /// As it is given.
    pub value: Value,
    pub what: String,
}

/// All of them.
pub(super) fn held(state: &State) -> [Held; 6] {
    let limits = &state.limits;
    let policy = match limits.retry.policy {
        Policy::None => OnFailure::Ask,
        Policy::Same => OnFailure::Same,
        Policy::Analyze => OnFailure::Analyze,
    };
    let sizes = match limits.sizing {
        Sizing::Off => Sizes::Off,
        Sizing::Rule => Sizes::Rule,
        Sizing::Ask => Sizes::Ask,
    };
    let held = |name, value, what: &str| Held { name, value, what: what.to_owned() };
    let [on_failure, quiet, alternate, reuse, sized_by, reviewer] = Policies::NAMES;
    [
        held(
            on_failure,
            json!(token(policy)),
            &format!("a task that fails: {}", words::policy(limits.retry.policy)),
        ),
        held(
            quiet,
            json!(limits.quiet.map_or("none".to_owned(), span)),
            "hours in which nothing that was cut short goes on by itself",
        ),
        held(
            alternate,
            json!(limits.alternate),
            "whether the other agent may do what one fails again and again",
        ),
        held(
            reuse,
            json!(limits.reuse),
            "whether a result that changed nothing is used again for the same words, agent and folder",
        ),
        held(
            sized_by,
            json!(token(sizes)),
            &format!("the size of a task that nobody gave one: {}", words::sizes(limits.sizing)),
        ),
        held(
            reviewer,
            json!(reviewer::words(state, &limits.reviewer)),
            "who reviews a task where nobody chose for it or for what it is a part of",
        ),
    ]
}

/// A choice as it is given.
fn token(choice: impl ValueEnum) -> String {
    choice.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// Quiet hours as they are given; `none` is a span without length.
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

fn hours<'de, D: Deserializer<'de>>(field: D) -> Result<Option<Quiet>, D::Error> {
    let text = Option::<String>::deserialize(field)?;
    quiet(text.as_deref().unwrap_or("none")).map(Some).map_err(serde::de::Error::custom)
}

/// "22:00-07:00+02:00", as it is given.
fn span(quiet: Quiet) -> String {
    let time = |minutes: u32| format!("{:02}:{:02}", minutes / 60, minutes % 60);
    let sign = if quiet.offset < 0 { '-' } else { '+' };
    let ahead = time(quiet.offset.unsigned_abs());
    format!("{}-{}{sign}{ahead}", time(quiet.from.into()), time(quiet.to.into()))
}
