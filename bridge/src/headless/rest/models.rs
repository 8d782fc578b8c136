//! Which model does a task of which size, how hard it thinks, and what it costs.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::entry::Kind;
use shared::models::{ANY, Effort, Efforts, Instead, Price, Tiers, is_model};
use shared::plan::Size;
use shared::unit::MicroUsd;
use utoipa::ToSchema;

use super::desk::Desk;
use super::named::Named;
use super::{Answer, Committed, Refused, Sent};

/// The models of each agent that has a choice.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ModelsView {
    claude: Sizes,
    codex: Sizes,
}

/// For each size the model, and behind it those that step in while it has reached its limit; none for the agent's own choice.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Sizes {
    light: Vec<String>,
    standard: Vec<String>,
    heavy: Vec<String>,
    /// `low`, `medium`, `high` or `xhigh` for each size, null for the agent's own choice; without this as they were.
    effort: Option<EffortsJson>,
    /// By the model's name, or `*` for any; without this as they were.
    prices: Option<BTreeMap<String, PriceJson>>,
}

#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct EffortsJson {
    #[schema(value_type = Option<String>)]
    light: Option<Effort>,
    #[schema(value_type = Option<String>)]
    standard: Option<Effort>,
    #[schema(value_type = Option<String>)]
    heavy: Option<Effort>,
}

/// Of a million tokens.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PriceJson {
    input_usd: f64,
    output_usd: f64,
}

impl PriceJson {
    fn of(price: Price) -> Self {
        Self { input_usd: price.input.as_usd(), output_usd: price.output.as_usd() }
    }

    /// Nothing where one of them is no sum of money.
    fn price(self) -> Option<Price> {
        let (input, output) = (MicroUsd::from_usd(self.input_usd)?, MicroUsd::from_usd(self.output_usd)?);
        Some(Price { input, output })
    }
}

impl Sizes {
    fn of(tiers: &Tiers) -> Self {
        let names = |size| {
            let first = tiers.get(size).map(str::to_owned);
            first.into_iter().chain(tiers.instead(size).iter().cloned()).collect()
        };
        let Efforts { light, standard, heavy } = tiers.effort;
        let prices = tiers.prices.iter().map(|(name, price)| (name.clone(), PriceJson::of(*price)));
        Self {
            light: names(Size::Light),
            standard: names(Size::Standard),
            heavy: names(Size::Heavy),
            effort: Some(EffortsJson { light, standard, heavy }),
            prices: Some(prices.collect()),
        }
    }

    /// What of it is no name or no price.
    fn problem(&self) -> Option<String> {
        let names = [&self.light, &self.standard, &self.heavy].into_iter().flatten();
        let prices = || self.prices.iter().flatten();
        let priced = prices().map(|(name, _)| name).filter(|name| *name != ANY);
        let name = names.chain(priced).find(|name| !is_model(name));
        let unpriced = prices().find(|(_, price)| price.price().is_none());
        let name = name.map(|name| format!("{name:?} is no model's name"));
        name.or_else(|| unpriced.map(|(name, _)| format!("what {name:?} costs is no sum in US dollars")))
    }

    /// These in the place of what was known.
    fn tiers(self, known: &Tiers) -> Tiers {
        let part = |names: Vec<String>| {
            let mut names = names.into_iter();
            (names.next(), names.collect())
        };
        let [light, standard, heavy] = [self.light, self.standard, self.heavy].map(part);
        let instead = Instead { light: light.1, standard: standard.1, heavy: heavy.1 };
        let effort =
            self.effort.map(|EffortsJson { light, standard, heavy }| Efforts { light, standard, heavy });
        let effort = effort.unwrap_or(known.effort);
        let priced = |(name, price): (String, PriceJson)| Some((name, price.price()?));
        let prices = self.prices.map(|prices| prices.into_iter().filter_map(priced).collect());
        let prices = prices.unwrap_or_else(|| known.prices.clone());
        Tiers { light: light.0, standard: standard.0, heavy: heavy.0, instead, effort, prices }
    }
}

/// Which model does a task of which size
#[utoipa::path(get, path = "/api/models", responses((status = OK, body = ModelsView)))]
pub(super) async fn models(State(desk): State<Arc<Desk>>) -> Answer<ModelsView> {
    let models = desk.state().await?.models.clone();
    Ok(Json(ModelsView { claude: Sizes::of(&models.claude), codex: Sizes::of(&models.codex) }))
}

/// Say which models an agent, `claude` or `codex`, works with
#[utoipa::path(put, path = "/api/models/{agent}", params(("agent" = String, Path)), request_body = Sizes, responses((status = OK, body = Committed)))]
pub(super) async fn set_models(
    State(desk): State<Arc<Desk>>,
    Named(agent): Named,
    sent: Sent<Sizes>,
) -> Answer<Committed> {
    let Json(sizes) = sent?;
    if let Some(error) = sizes.problem() {
        let next = "Send a name as the agent's CLI takes it, and a price as a number of dollars.";
        return Err(Refused::new(StatusCode::UNPROCESSABLE_ENTITY, error, next));
    }
    let mut models = desk.state().await?.models.clone();
    match agent.as_str() {
        "claude" => models.claude = sizes.tiers(&models.claude),
        "codex" => models.codex = sizes.tiers(&models.codex),
        _ => {
            let error = format!("no table of models for {agent}");
            return Err(Refused::new(StatusCode::NOT_FOUND, error, "There is one for claude and for codex."));
        }
    }
    desk.keep(agent, Kind::ModelsSet { models }).await
}
