//! The bounds that agents work within.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use shared::entry::{Draft, Kind};
use shared::limits::{BOUNDS, Bound, Limits, Unbounded, Unit};
use utoipa::ToSchema;

use super::desk::Desk;
use super::{Answer, Committed, Refused, Sent};

/// One bound; `orchestrator limits` names them the same.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BoundView {
    name: &'static str,
    what: &'static str,
    /// `count`, `usd`, `seconds` or `kb`.
    unit: &'static str,
    /// Nothing where there is none.
    value: Option<f64>,
    least: f64,
    most: f64,
    /// Whether `null` lifts it.
    lifts: bool,
}

impl BoundView {
    fn of(bound: &Bound, limits: &Limits) -> Self {
        let (unit, one) = unit(bound.unit);
        let number = |value: u64| value as f64 / one;
        Self {
            name: bound.name,
            what: bound.words,
            unit,
            value: bound.get(limits).map(number),
            least: number(bound.least),
            most: number(bound.most),
            lifts: bound.lifts(),
        }
    }
}

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
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            problem,
            "GET /api/limits says what each is and how far it goes.",
        )
    }
}

/// Every bound that agents work within
#[utoipa::path(get, path = "/api/limits", responses((status = OK, body = [BoundView])))]
pub(super) async fn limits(State(desk): State<Arc<Desk>>) -> Answer<Vec<BoundView>> {
    let limits = desk.state().await?.limits.clone();
    Ok(Json(BOUNDS.iter().map(|bound| BoundView::of(bound, &limits)).collect()))
}

/// Change bounds by their names; those that are not named stay, and `null` lifts one that may be lifted
#[utoipa::path(patch, path = "/api/limits", request_body = BTreeMap<String, Option<f64>>, responses((status = OK, body = Committed)))]
pub(super) async fn set_limits(
    State(desk): State<Arc<Desk>>,
    sent: Sent<BTreeMap<String, Option<f64>>>,
) -> Answer<Committed> {
    let Json(wishes) = sent?;
    let mut limits = desk.state().await?.limits.clone();
    for (name, wish) in &wishes {
        let unknown = || {
            let error = format!("there is no bound {name:?}");
            Refused::new(StatusCode::UNPROCESSABLE_ENTITY, error, "GET /api/limits lists them.")
        };
        let bound = BOUNDS.iter().find(|bound| bound.name == name).ok_or_else(unknown)?;
        bound.set(&mut limits, wish.map(|number| whole(number * unit(bound.unit).1)))?;
    }
    let seq = desk.intend(vec![Draft::new(None, Kind::LimitsSet { limits })]).await?.0;
    Ok(Json(Committed { id: "limits".to_owned(), seq }))
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
