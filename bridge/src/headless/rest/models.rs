//! Which model does a task of which size.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::entry::{Draft, Kind};
use shared::models::{Instead, Tiers, is_model};
use shared::plan::Size;
use utoipa::ToSchema;

use super::desk::Desk;
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
}

impl Sizes {
    fn of(tiers: &Tiers) -> Self {
        let names = |size| {
            let first = tiers.get(size).map(str::to_owned);
            first.into_iter().chain(tiers.instead(size).iter().cloned()).collect()
        };
        Self { light: names(Size::Light), standard: names(Size::Standard), heavy: names(Size::Heavy) }
    }

    fn tiers(self) -> Tiers {
        let part = |names: Vec<String>| {
            let mut names = names.into_iter();
            (names.next(), names.collect())
        };
        let [light, standard, heavy] = [self.light, self.standard, self.heavy].map(part);
        let instead = Instead { light: light.1, standard: standard.1, heavy: heavy.1 };
        Tiers { light: light.0, standard: standard.0, heavy: heavy.0, instead }
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
    Path(agent): Path<String>,
    sent: Sent<Sizes>,
) -> Answer<Committed> {
    let Json(sizes) = sent?;
    let names = [&sizes.light, &sizes.standard, &sizes.heavy].into_iter().flatten();
    if let Some(name) = names.into_iter().find(|name| !is_model(name)) {
        let error = format!("{name:?} is no model's name");
        let next = "Send it as the agent's CLI takes it.";
        return Err(Refused::new(StatusCode::UNPROCESSABLE_ENTITY, error, next));
    }
    let mut models = desk.state().await?.models.clone();
    match agent.as_str() {
        "claude" => models.claude = sizes.tiers(),
        "codex" => models.codex = sizes.tiers(),
        _ => {
            let error = format!("no table of models for {agent}");
            return Err(Refused::new(StatusCode::NOT_FOUND, error, "There is one for claude and for codex."));
        }
    }
    let seq = desk.intend(vec![Draft::new(None, Kind::ModelsSet { models })]).await?.0;
    Ok(Json(Committed::new(agent, seq)))
}
