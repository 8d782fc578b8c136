//! The bounds that agents work within, and what else holds for all tasks.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value, json};
use shared::entry::Kind;
use shared::limits::{BOUNDS, Bound, Limits, Unbounded, Unit};
use utoipa::ToSchema;

use super::desk::Desk;
use super::{Answer, Committed, Refused, Sent};
use crate::headless::policies::{self, Held, Policies};

/// One bound, or something else that holds for all tasks; `orchestrator limits` names them the same.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LimitView {
    name: &'static str,
    what: String,
    /// `count`, `usd`, `seconds` or `kb` of a bound; `choice` of what is none.
    unit: &'static str,
    /// A number, or nothing where there is no bound; of a choice its word, or whether it holds.
    #[schema(value_type = Option<Object>)]
    value: Value,
    least: Option<f64>,
    most: Option<f64>,
    /// Whether `null` lifts it.
    lifts: bool,
}

impl LimitView {
    fn of(bound: &Bound, limits: &Limits) -> Self {
        let (unit, one) = unit(bound.unit);
        let number = |value: u64| value as f64 / one;
        Self {
            name: bound.name,
            what: bound.words.to_owned(),
            unit,
            value: json!(bound.get(limits).map(number)),
            least: Some(number(bound.least)),
            most: Some(number(bound.most)),
            lifts: bound.lifts(),
        }
    }

    fn held(held: Held) -> Self {
        let Held { name, value, what } = held;
        Self { name, what, unit: "choice", value, least: None, most: None, lifts: name == LIFTED }
    }
}

const NEXT: &str = "GET /api/limits says what each is and how far it goes.";
/// The one choice that `null` takes away.
const LIFTED: &str = "quiet";

/// How numbers in JSON count it, and how many of the log's units one of theirs is.
fn unit(unit: Unit) -> (&'static str, f64) {
    match unit {
        Unit::Count => ("count", 1.0),
        Unit::Money => ("usd", 1_000_000.0),
        Unit::Time => ("seconds", 1_000.0),
        Unit::Text => ("kb", 1_024.0),
    }
}

impl From<Unbounded> for Refused {
    fn from(problem: Unbounded) -> Self {
        unfit(problem.to_string())
    }
}

/// Every bound that agents work within, and what else holds for all tasks
#[utoipa::path(get, path = "/api/limits", responses((status = OK, body = [LimitView])))]
pub(super) async fn limits(State(desk): State<Arc<Desk>>) -> Answer<Vec<LimitView>> {
    let state = desk.state().await?;
    let bounds = BOUNDS.iter().map(|bound| LimitView::of(bound, &state.limits));
    Ok(Json(bounds.chain(policies::held(&state).map(LimitView::held)).collect()))
}

/// Change some by their names, such as `{"parallel": 3, "reviewer": "other"}`; those that are not named stay, and `null` lifts one that may be lifted
#[utoipa::path(patch, path = "/api/limits", request_body = BTreeMap<String, Value>, responses((status = OK, body = Committed)))]
pub(super) async fn set_limits(
    State(desk): State<Arc<Desk>>,
    sent: Sent<BTreeMap<String, Value>>,
) -> Answer<Committed> {
    let Json(wishes) = sent?;
    let limits = {
        let state = desk.state().await?;
        let mut limits = state.limits.clone();
        let mut choices = Map::new();
        for (name, wish) in wishes {
            if Policies::NAMES.contains(&&*name) {
                choices.insert(name, wish);
            } else {
                bind(&mut limits, &name, wish)?;
            }
        }
        choose(&state, &mut limits, choices).map_err(unfit)?;
        limits
    };
    desk.keep("limits", Kind::LimitsSet { limits }).await
}

/// Sets the bound of this name.
fn bind(limits: &mut Limits, name: &str, wish: Value) -> Result<(), Refused> {
    let bound = BOUNDS.iter().find(|bound| bound.name == name);
    let bound = bound.ok_or_else(|| unfit(format!("there is no bound {name:?}")))?;
    let wish: Option<f64> =
        serde_json::from_value(wish).map_err(|error| unfit(format!("{name}: {error}")))?;
    Ok(bound.set(limits, wish.map(|number| whole(number * unit(bound.unit).1)))?)
}

fn choose(state: &conductor::State, limits: &mut Limits, choices: Map<String, Value>) -> Result<(), String> {
    let kept = choices.iter().find(|(name, wish)| wish.is_null() && *name != LIFTED);
    if let Some((name, _)) = kept {
        return Err(format!("{name} cannot be lifted"));
    }
    let policies: Policies =
        serde_json::from_value(Value::Object(choices)).map_err(|error| error.to_string())?;
    policies.hold(state, limits)
}

fn unfit(error: String) -> Refused {
    Refused::new(StatusCode::UNPROCESSABLE_ENTITY, error, NEXT)
}

/// To the nearest whole number; what is less than nothing is out of every range.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast of a float saturates, and its range is looked at next"
)]
fn whole(number: f64) -> u64 {
    if number < 0.0 { u64::MAX } else { number.round() as u64 }
}
