//! What a person keeps in the library: agents of their own and templates, saved, retired and promoted.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use shared::entry::Kind;

use super::desk::Desk;
use super::named::Named;
use super::{Answer, Committed, Empty, Refused, Sent};
use crate::headless::agents::{self, NewAgent, NotSaved};
use crate::headless::prompts::{self, NewTemplate, Unpromoted};

impl From<NotSaved> for Refused {
    fn from(problem: NotSaved) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, problem, "Send it with that changed.")
    }
}

impl From<Unpromoted> for Refused {
    fn from(problem: Unpromoted) -> Self {
        match problem {
            Unpromoted::None(none) => none.into(),
            Unpromoted::Few => Self::new(StatusCode::CONFLICT, problem, "GET /api/prompts has the records."),
        }
    }
}

/// Save an agent of your own, as a new one or in the place of the one that has the name
#[utoipa::path(post, path = "/api/agents", request_body = NewAgent, responses((status = OK, body = Committed)))]
pub(super) async fn save_agent(State(desk): State<Arc<Desk>>, sent: Sent<NewAgent>) -> Answer<Committed> {
    let persona = sent?.0.persona(&*desk.state().await?)?;
    desk.keep(persona.persona.clone(), Kind::PersonaSaved { persona }).await
}

/// Offer an agent, by its name or id, no more; tasks that have it keep it
#[utoipa::path(post, path = "/api/agents/{agent}/retire", params(("agent" = String, Path)), request_body = Empty, responses((status = OK, body = Committed)))]
pub(super) async fn retire_agent(
    State(desk): State<Arc<Desk>>,
    Named(agent): Named,
    sent: Sent<Empty>,
) -> Answer<Committed> {
    let Json(Empty {}) = sent?;
    let persona = agents::find(&*desk.state().await?, &agent)?.persona.clone();
    desk.keep(persona.clone(), Kind::PersonaRetired { persona }).await
}

/// Save a template, as a new one or as the next version of the one that has the name
#[utoipa::path(post, path = "/api/prompts", request_body = NewTemplate, responses((status = OK, body = Committed)))]
pub(super) async fn save_template(
    State(desk): State<Arc<Desk>>,
    sent: Sent<NewTemplate>,
) -> Answer<Committed> {
    let template = sent?.0.template(&*desk.state().await?)?;
    desk.keep(template.template.clone(), Kind::TemplateSaved { template }).await
}

/// Offer a template, by its name or id, no more; tasks that have it keep it
#[utoipa::path(post, path = "/api/prompts/{template}/retire", params(("template" = String, Path)), request_body = Empty, responses((status = OK, body = Committed)))]
pub(super) async fn retire_template(
    State(desk): State<Arc<Desk>>,
    Named(template): Named,
    sent: Sent<Empty>,
) -> Answer<Committed> {
    let Json(Empty {}) = sent?;
    let template = prompts::find(&*desk.state().await?, &template)?.template.template.clone();
    desk.keep(template.clone(), Kind::TemplateRetired { template }).await
}

/// Let the wording of a template hold that does better, where the numbers carry it
#[utoipa::path(post, path = "/api/prompts/{template}/promote", params(("template" = String, Path)), request_body = Empty, responses((status = OK, body = Committed)))]
pub(super) async fn promote(
    State(desk): State<Arc<Desk>>,
    Named(template): Named,
    sent: Sent<Empty>,
) -> Answer<Committed> {
    let Json(Empty {}) = sent?;
    let template = prompts::promoted(&*desk.state().await?, &template)?;
    desk.keep(template.template.clone(), Kind::TemplateSaved { template }).await
}
