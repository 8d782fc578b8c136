//! What agents may do: answers to what they ask, and rules.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use shared::entry::Kind;
use shared::id::RuleId;
use shared::permission::{Permit, Rule, Scope, What};
use utoipa::ToSchema;

use super::desk::Desk;
use super::named::Named;
use super::{Answer, Committed, Refused, Sent};
use crate::headless::rules::{Reach, RuleView, TrialView};
use crate::headless::statement::drawn;
use crate::headless::word::Word;

/// An answer to what an agent asks to be allowed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Permitted {
    /// `allow` or `deny`.
    #[schema(value_type = String)]
    permit: Permit,
    /// As the task's `permission` names it; can be left out where only one waits.
    request: Option<String>,
    /// To the agent, where it is denied.
    #[serde(default)]
    word: String,
    /// `task`, `project` or `always`: the narrowest rule about it is saved too.
    rule: Option<Reach>,
}

/// A rule to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRule {
    /// `allow` or `deny`.
    #[schema(value_type = String)]
    permit: Permit,
    /// `{"is":"commands","words":[…]}`, `{"is":"edits","under":"…"}`, `{"is":"reads","under":"…"}` or `{"is":"tool","name":"…"}`.
    #[schema(value_type = Object)]
    what: What,
    /// `{"is":"always"}`, `{"is":"project","project":"…"}` or `{"is":"task","task":"…"}`.
    #[schema(value_type = Object)]
    scope: Scope,
}

impl NewRule {
    fn checked(self) -> Result<Rule, Refused> {
        let Self { permit, what, scope } = self;
        match what.problem() {
            Some(problem) => {
                Err(Refused::new(StatusCode::UNPROCESSABLE_ENTITY, problem, "Say what the rule is about."))
            }
            None => Ok(Rule { rule: drawn(RuleId::new), permit, what, scope }),
        }
    }
}

/// Answer what a task's agent asks to be allowed; the first answer counts
#[utoipa::path(post, path = "/api/tasks/{task}/permission", params(("task" = String, Path)), request_body = Permitted, responses((status = OK, body = Committed)))]
pub(super) async fn permit(
    State(desk): State<Arc<Desk>>,
    Named(task): Named,
    sent: Sent<Permitted>,
) -> Answer<Committed> {
    let Json(Permitted { permit, request, word, rule }) = sent?;
    desk.tell(&task, Word::Permit { permit, request, word, rule }).await
}

/// The rules about what agents may do
#[utoipa::path(get, path = "/api/rules", responses((status = OK, body = [RuleView])))]
pub(super) async fn rules(State(desk): State<Arc<Desk>>) -> Answer<Vec<RuleView>> {
    Ok(Json(RuleView::all(&*desk.state().await?)))
}

/// Save a rule; it decides from now on, also what waits
#[utoipa::path(post, path = "/api/rules", request_body = NewRule, responses((status = OK, body = Committed)))]
pub(super) async fn save(State(desk): State<Arc<Desk>>, sent: Sent<NewRule>) -> Answer<Committed> {
    let rule = sent?.0.checked()?;
    desk.keep(rule.rule.clone(), Kind::RuleSaved { rule }).await
}

/// Tell which requests of the past a rule would have decided otherwise; nothing is saved
#[utoipa::path(post, path = "/api/rules/try", request_body = NewRule, responses((status = OK, body = TrialView)))]
pub(super) async fn try_out(State(desk): State<Arc<Desk>>, sent: Sent<NewRule>) -> Answer<TrialView> {
    let rule = sent?.0.checked()?;
    Ok(Json(TrialView::of(&*desk.state().await?, &rule)))
}

/// Take a rule away; what was decided by it stays so
#[utoipa::path(delete, path = "/api/rules/{rule}", params(("rule" = String, Path)), responses((status = OK, body = Committed)))]
pub(super) async fn remove(State(desk): State<Arc<Desk>>, Named(rule): Named) -> Answer<Committed> {
    let known = desk.state().await?.rules.keys().find(|id| id.as_str() == rule).cloned();
    let Some(id) = known else {
        let error = format!("there is no rule {rule}");
        return Err(Refused::new(StatusCode::NOT_FOUND, error, "GET /api/rules lists them."));
    };
    desk.keep(id.clone(), Kind::RuleRemoved { rule: id }).await
}
