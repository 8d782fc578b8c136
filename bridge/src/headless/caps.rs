//! How far a task goes by itself, as it is said in a terminal, over HTTP and in a plan of the person's own.

use std::collections::BTreeMap;

use clap::Args;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use shared::limits::{Caps, Stage, StageCaps};
use shared::unit::{MicroUsd, Millis};
use utoipa::ToSchema;

use super::{TaskArgs, any, dollars, span};

#[derive(Debug, Args)]
#[command(group = any("caps", &["budget", "requests", "time", "tokens", "review", "repair"]))]
pub struct CapsArgs {
    #[command(flatten)]
    pub(super) task: TaskArgs,
    #[command(flatten)]
    pub(super) flags: CapFlags,
}

/// Bounds of one task. What is not given stays; `none` lifts it, and what holds for all tasks holds again.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct CapFlags {
    /// What it and all below it may spend in all; at that it pauses and asks
    #[arg(long, value_name = "USD", value_parser = Given::<MicroUsd>::read)]
    budget: Option<Given<MicroUsd>>,
    /// Model requests of its own turns in all, those of its tasks not among them
    #[arg(long, value_name = "N", value_parser = Given::<u32>::read)]
    requests: Option<Given<u32>>,
    /// How long its own turns take together, such as 30m
    #[arg(long, value_name = "SPAN", value_parser = Given::<Millis>::read)]
    time: Option<Given<Millis>>,
    /// Tokens in and out of its own turns, without those that a cache gave
    #[arg(long, value_name = "N", value_parser = Given::<u64>::read)]
    tokens: Option<Given<u64>>,
    /// One of these for its reviews alone: budget=0.20, requests=10, time=5m or tokens=50000. May be given again
    #[arg(long, value_name = "CAP", value_parser = StageFlag::read)]
    review: Vec<StageFlag>,
    /// Likewise for the turns that mend what was found
    #[arg(long, value_name = "CAP", value_parser = StageFlag::read)]
    repair: Vec<StageFlag>,
}

/// One bound of a stage.
#[derive(Debug, Clone, Copy)]
enum StageFlag {
    Budget(Given<MicroUsd>),
    Requests(Given<u32>),
    Time(Given<Millis>),
    Tokens(Given<u64>),
}

impl StageFlag {
    fn read(text: &str) -> Result<Self, String> {
        let (what, bound) = text.split_once('=').unwrap_or((text, ""));
        match what {
            "budget" => Given::read(bound).map(Self::Budget),
            "requests" => Given::read(bound).map(Self::Requests),
            "time" => Given::read(bound).map(Self::Time),
            "tokens" => Given::read(bound).map(Self::Tokens),
            _ => Err(format!("{text:?} is no cap, such as budget=0.20, requests=10, time=5m or tokens=none")),
        }
    }
}

/// A bound that is set, or lifted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Given<T>(Option<T>);

impl<T: Bounding> Given<T> {
    fn read(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self(None));
        }
        let bound = T::read(text)?;
        if bound == T::default() {
            return Err(format!("{text:?} leaves nothing to do; give more, or none for no bound"));
        }
        Ok(Self(Some(bound)))
    }
}

/// What a cap counts.
pub(super) trait Bounding: Sized + Default + PartialEq {
    fn read(text: &str) -> Result<Self, String>;
}

impl Bounding for MicroUsd {
    fn read(text: &str) -> Result<Self, String> {
        dollars(text).map_err(|error| error.to_string())
    }
}

impl Bounding for Millis {
    fn read(text: &str) -> Result<Self, String> {
        span(text).map_err(|error| error.to_string())
    }
}

impl Bounding for u32 {
    fn read(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("{text:?} is no whole number, such as 40"))
    }
}

impl Bounding for u64 {
    fn read(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("{text:?} is no whole number, such as 200000"))
    }
}

/// What is said of a task's caps; nothing where it stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct CapsWish {
    whole: StageWish,
    review: StageWish,
    repair: StageWish,
}

/// The same of one stage of it, or of it in whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct StageWish {
    budget: Option<Option<MicroUsd>>,
    turns: Option<Option<u32>>,
    time: Option<Option<Millis>>,
    tokens: Option<Option<u64>>,
}

impl CapsWish {
    pub(super) fn budget(budget: MicroUsd) -> Self {
        Self { whole: StageWish { budget: Some(Some(budget)), ..StageWish::default() }, ..Self::default() }
    }

    pub(super) fn of(self, known: Caps) -> Caps {
        let Self { whole, review, repair } = self;
        [(None, whole), (Some(Stage::Review), review), (Some(Stage::Repair), repair)]
            .into_iter()
            .fold(known, |caps, (stage, wish)| caps.with(stage, wish.of(caps.of(stage))))
    }
}

impl StageWish {
    fn of(self, known: StageCaps) -> StageCaps {
        StageCaps {
            budget: self.budget.unwrap_or(known.budget),
            turns: self.turns.unwrap_or(known.turns),
            time: self.time.unwrap_or(known.time),
            tokens: self.tokens.unwrap_or(known.tokens),
        }
    }

    fn and(self, flag: &StageFlag) -> Self {
        match *flag {
            StageFlag::Budget(given) => Self { budget: Some(given.0), ..self },
            StageFlag::Requests(given) => Self { turns: Some(given.0), ..self },
            StageFlag::Time(given) => Self { time: Some(given.0), ..self },
            StageFlag::Tokens(given) => Self { tokens: Some(given.0), ..self },
        }
    }
}

impl From<&CapFlags> for CapsWish {
    fn from(flags: &CapFlags) -> Self {
        let stage = |flags: &[StageFlag]| flags.iter().fold(StageWish::default(), StageWish::and);
        Self {
            whole: StageWish {
                budget: flags.budget.map(|given| given.0),
                turns: flags.requests.map(|given| given.0),
                time: flags.time.map(|given| given.0),
                tokens: flags.tokens.map(|given| given.0),
            },
            review: stage(&flags.review),
            repair: stage(&flags.repair),
        }
    }
}

/// The caps of a task in JSON. What is left out stays; `null` lifts it, and what holds for all tasks holds again.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct CapsJson {
    /// What it and all below it may spend in all.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    usd: Option<Option<f64>>,
    /// Model requests of its own turns.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>)]
    requests: Option<Option<u32>>,
    /// How long its own turns take together.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    seconds: Option<Option<u64>>,
    /// Tokens in and out of its own turns, without those that a cache gave.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    tokens: Option<Option<u64>>,
    /// The same for its reviews alone.
    #[serde(skip_serializing_if = "StageJson::is_none")]
    review: StageJson,
    /// The same for the turns that mend what was found.
    #[serde(skip_serializing_if = "StageJson::is_none")]
    repair: StageJson,
}

/// The caps of one stage in JSON, as those of the task.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct StageJson {
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    usd: Option<Option<f64>>,
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>)]
    requests: Option<Option<u32>>,
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    seconds: Option<Option<u64>>,
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    tokens: Option<Option<u64>>,
}

/// A field that is there, be it `null`.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(field: D) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(field).map(Some)
}

/// What cannot be a cap.
#[derive(Debug, thiserror::Error)]
#[error("{0} is no cap; it has to be more than nothing, and money a sum in US dollars")]
pub(super) struct NoCap(String);

impl CapsJson {
    pub(super) fn of(caps: Caps) -> Self {
        let StageJson { usd, requests, seconds, tokens } = StageJson::of(caps.of(None));
        let [review, repair] = Stage::ALL.map(|stage| StageJson::of(caps.of(Some(stage))));
        Self { usd, requests, seconds, tokens, review, repair }
    }

    /// # Errors
    /// One of them is no cap, with its value.
    pub(super) fn wish(&self) -> Result<CapsWish, NoCap> {
        let Self { usd, requests, seconds, tokens, review, repair } = *self;
        let whole = StageJson { usd, requests, seconds, tokens }.wish()?;
        Ok(CapsWish { whole, review: review.wish()?, repair: repair.wish()? })
    }
}

impl StageJson {
    fn is_none(&self) -> bool {
        *self == Self::default()
    }

    fn of(caps: StageCaps) -> Self {
        Self {
            usd: caps.budget.map(|budget| Some(budget.as_usd())),
            requests: caps.turns.map(Some),
            seconds: caps.time.map(|time| Some(time.0 / 1_000)),
            tokens: caps.tokens.map(Some),
        }
    }

    fn wish(self) -> Result<StageWish, NoCap> {
        let money = |usd: f64| {
            let sum = MicroUsd::from_usd(usd).filter(|sum| *sum > MicroUsd(0));
            sum.ok_or_else(|| NoCap(usd.to_string()))
        };
        Ok(StageWish {
            budget: self.usd.map(|usd| usd.map(money).transpose()).transpose()?,
            turns: some(self.requests)?,
            time: some(self.seconds)?.map(|seconds| seconds.map(Millis::from_secs)),
            tokens: some(self.tokens)?,
        })
    }
}

fn some<T: Default + PartialEq + ToString>(bound: Option<Option<T>>) -> Result<Option<Option<T>>, NoCap> {
    match bound {
        Some(Some(none)) if none == T::default() => Err(NoCap(none.to_string())),
        bound => Ok(bound),
    }
}

/// Caps of a plan's tasks, by their keys.
pub(super) type TaskCaps = BTreeMap<String, Caps>;

/// Takes the caps out of a plan of the person's own: `caps` of each task, by the task's key. A planner's own have another shape.
///
/// # Errors
/// Some are no caps; every problem names its place.
pub(super) fn take(plan: &mut Value) -> Result<TaskCaps, Vec<String>> {
    let (mut caps, mut problems) = (TaskCaps::new(), Vec::new());
    let tasks = plan.get_mut("tasks").and_then(Value::as_array_mut);
    for (place, task) in tasks.into_iter().flatten().enumerate() {
        // A planner counts in cents; what it says stays where it is.
        if task["caps"].get("cents").is_some() {
            continue;
        }
        let Some(json) = task.as_object_mut().and_then(|task| task.remove("caps")) else { continue };
        let key = task.get("key").and_then(Value::as_str).unwrap_or_default().to_owned();
        let read = serde_json::from_value::<CapsJson>(json).map_err(|error| error.to_string());
        match read.and_then(|json| json.wish().map_err(|error| error.to_string())) {
            Ok(wish) => drop(caps.insert(key, wish.of(Caps::default()))),
            Err(problem) => problems.push(format!("tasks: {place}: caps: {problem}")),
        }
    }
    if problems.is_empty() { Ok(caps) } else { Err(problems) }
}

/// Puts the caps that a person may give into the schema of a plan's task, in the place of a planner's.
pub(super) fn describe(task: &mut Value) {
    let number = |what: &str| serde_json::json!({ "description": what, "type": "number" });
    let bounds = |what: &str| {
        serde_json::json!({
            "description": what,
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "usd": number("What it may spend in all."),
                "requests": number("Model requests of its turns."),
                "seconds": number("How long its turns take together."),
                "tokens": number("Tokens in and out of its turns, without those that a cache gave."),
            },
        })
    };
    let mut caps = bounds("How far it goes by itself; may be left out, as each of these.");
    caps["properties"]["review"] = bounds("The same for its reviews alone.");
    caps["properties"]["repair"] = bounds("The same for the turns that mend what was found.");
    task["properties"]["caps"] = caps;
    if let Some(required) = task["required"].as_array_mut() {
        required.retain(|name| name != "caps");
    }
}
