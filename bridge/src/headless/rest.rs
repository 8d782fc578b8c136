//! The REST API: the same intents and the same state for monitors and tools without a page. Every write is a
//! person's intent in the log; what becomes of it is decided by whoever holds the baton. Each handler carries its
//! own description, from which `/api/openapi.json` is made.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::agent::HarnessId;
use shared::api::{MadeWorktree, Problem};
use shared::evidence::Preset;
use shared::limits::Caps;
use shared::list::Fillings;
use shared::plan::{Access, Terms};
use shared::unit::MicroUsd;
use shared::wire::Refusal;
use utoipa::{OpenApi, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::named::Named;
use super::agents::{AgentView, NoPersona};
use super::caps::{CapsJson, CapsWish};
use super::lists as kept;
use super::prompts::{LibraryView, NoTemplate};
use super::statement::{self, BadPlan, NoAgent, Planner, Statement, Unstated};
use super::task::{Unknown, find, is_archived};
use super::terms::{NoTerms, TermsJson};
use super::view::{GoalView, TaskDetails, TaskView};
use super::word::{Said, Unsaid, Word};
use crate::access::Who;
use crate::relay::Relay;
use crate::store::{Store, StoreError};
use crate::worktree::Custody;

mod caps;
mod charter;
mod course;
mod description;
mod desk;
mod ends;
mod events;
mod hand;
mod harnesses;
mod library;
mod limits;
mod lists;
mod models;
mod named;
mod overview;
mod plans;
mod projects;
mod rules;
mod shape;
mod terminal;
mod worktrees;

use description::{Description, with_refusals};
use desk::Desk;

/// The largest body, in bytes: room for the largest plan.
const BODY: usize = 1024 * 1024;

/// The API's routes, to be served behind the bridge's guard. Worktrees are made of the folders `allowed`; of all where none
/// are named.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>(
    store: Store,
    relay: Relay,
    custody: Custody,
    allowed: Vec<PathBuf>,
) -> axum::Router<S> {
    let desk = Arc::new(Desk::new(store, relay, custody, allowed));
    let (router, description) = OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(goals, state_goal))
        .routes(routes!(goal))
        .routes(routes!(charter::set))
        .routes(routes!(task))
        .routes(routes!(document))
        .routes(routes!(overview::inbox))
        .routes(routes!(overview::usage))
        .routes(routes!(prompts, library::save_template))
        .routes(routes!(library::retire_template))
        .routes(routes!(library::promote))
        .routes(routes!(lists::lists, lists::save))
        .routes(routes!(lists::retire))
        .routes(routes!(list_agents, library::save_agent))
        .routes(routes!(library::retire_agent))
        .routes(routes!(harnesses::harnesses))
        .routes(routes!(set_agent))
        .routes(routes!(answer))
        .routes(routes!(rules::permit))
        .routes(routes!(rules::rules, rules::save))
        .routes(routes!(rules::try_out))
        .routes(routes!(rules::remove))
        .routes(routes!(plans::approve))
        .routes(routes!(hand::add))
        .routes(routes!(shape::remove))
        .routes(routes!(shape::bring_back))
        .routes(routes!(shape::put))
        .routes(routes!(shape::after))
        .routes(routes!(hand::mode))
        .routes(routes!(hand::done))
        .routes(routes!(hand::give_up))
        .routes(routes!(plans::split))
        .routes(routes!(plans::reject))
        .routes(routes!(plans::copy))
        .routes(routes!(retry))
        .routes(routes!(hand::requeue))
        .routes(routes!(terminal::show, terminal::open))
        .routes(routes!(terminal::type_there))
        .routes(routes!(terminal::close))
        .routes(routes!(resume))
        .routes(routes!(cancel))
        .routes(routes!(caps::caps))
        .routes(routes!(ends::close))
        .routes(routes!(ends::archive))
        .routes(routes!(ends::withdraw))
        .routes(routes!(ends::versions))
        .routes(routes!(budget))
        .routes(routes!(course::schedule))
        .routes(routes!(course::on_failure))
        .routes(routes!(plans::edit))
        .routes(routes!(course::evidence))
        .routes(routes!(limits::limits, limits::set_limits))
        .routes(routes!(models::models))
        .routes(routes!(models::set_models))
        .routes(routes!(projects::projects))
        .routes(routes!(projects::remember))
        .routes(routes!(worktrees::worktrees, worktrees::make))
        .routes(routes!(worktrees::remove))
        .routes(routes!(worktrees::bring_back))
        .routes(routes!(worktrees::adopt))
        .routes(routes!(events::follow))
        .split_for_parts();
    let description = Arc::new(with_refusals(description));
    router
        .route("/api/openapi.json", get(move || async move { Json(Arc::unwrap_or_clone(description)) }))
        .route("/api/{*path}", axum::routing::any(nothing_here))
        .method_not_allowed_fallback(other_method)
        .layer(DefaultBodyLimit::max(BODY))
        .with_state(desk)
}

/// Why a call is not carried out, with what to do.
#[derive(Debug)]
struct Refused(StatusCode, Problem);

impl Refused {
    fn new(status: StatusCode, error: impl ToString, next_step: &str) -> Self {
        Self(status, Problem { error: error.to_string(), next_step: next_step.to_owned() })
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0, Json(self.1)).into_response()
    }
}

impl From<Unknown> for Refused {
    fn from(unknown: Unknown) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            unknown.0,
            "GET /api/goals lists the goals, GET /api/goals/ID its tasks.",
        )
    }
}

impl From<Unsaid> for Refused {
    fn from(unsaid: Unsaid) -> Self {
        Self::new(StatusCode::CONFLICT, unsaid, "GET /api/tasks/ID says how it stands.")
    }
}

impl From<BadPlan> for Refused {
    fn from(bad: BadPlan) -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            bad,
            "Mend the plan; `orchestrator schema` says what it holds.",
        )
    }
}

impl From<Unstated> for Refused {
    fn from(unstated: Unstated) -> Self {
        match unstated {
            Unstated::Plan(bad) => bad.into(),
            Unstated::Agent(none) => Self::new(StatusCode::CONFLICT, none, NoAgent::NEXT),
        }
    }
}

impl From<NoTemplate> for Refused {
    fn from(none: NoTemplate) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, none, "GET /api/prompts lists them.")
    }
}

impl From<NoPersona> for Refused {
    fn from(none: NoPersona) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, none, "GET /api/agents lists them.")
    }
}

impl From<NoTerms> for Refused {
    fn from(none: NoTerms) -> Self {
        match none {
            NoTerms::Template(none) => none.into(),
            NoTerms::Persona(none) => none.into(),
            NoTerms::Words(words) => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                words,
                "GET /api/openapi.json says what a call takes.",
            ),
        }
    }
}

impl From<JsonRejection> for Refused {
    fn from(rejection: JsonRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text(), "GET /api/openapi.json says what a call takes.")
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            error,
            "Try again; see to the disk of the data folder if it stays.",
        )
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Store { why } => StoreError::Write(why).into(),
            Refusal::NotYours { why } | Refusal::Invalid { why } => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                why,
                "GET /api/openapi.json says what a call takes.",
            ),
            Refusal::Stale { .. } | Refusal::Overtaken { .. } => {
                Self::new(StatusCode::CONFLICT, "decided by another", "Try again.")
            }
        }
    }
}

impl From<QueryRejection> for Refused {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text(), "GET /api/openapi.json says what a call takes.")
    }
}

type Answer<T> = Result<Json<T>, Refused>;
type Sent<T> = Result<Json<T>, JsonRejection>;
type Queried<T> = Result<Query<T>, QueryRejection>;

async fn nothing_here(uri: Uri) -> Refused {
    let error = format!("there is nothing at {}", uri.path());
    Refused::new(StatusCode::NOT_FOUND, error, "GET /api/openapi.json says what there is.")
}

async fn other_method(method: Method, uri: Uri) -> Refused {
    let error = format!("{} takes no {method}", uri.path());
    Refused::new(StatusCode::METHOD_NOT_ALLOWED, error, "GET /api/openapi.json says what it takes.")
}

/// What is to be reached, and where. Of what is left out with a `list`, that says it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewGoal {
    /// Can be left out with a `list`.
    #[serde(default)]
    goal: String,
    /// Absolute, on the bridge's machine. Can be left out with a `list` that has one.
    folder: Option<String>,
    /// `claude`, `codex` or `demo`; without it, the first agent CLI of the machine that works.
    #[schema(value_type = Option<String>)]
    harness: Option<HarnessId>,
    /// `read_only`, `ask`, `edit` or `full`.
    #[schema(value_type = Option<String>, default = "edit")]
    access: Option<Access>,
    /// What all of it may spend; at that it pauses and asks.
    budget_usd: Option<f64>,
    /// How far the goal's own turns go by themselves, which plan and sum up; its tasks have caps of their own.
    #[serde(default)]
    caps: CapsJson,
    /// Name or id of the template whose guidelines its tasks work by.
    template: Option<String>,
    /// Name or id of the agent of the person's own that plans it and does its tasks.
    agent: Option<String>,
    /// Who reviews its tasks, where they are reviewed: `auto`, `other`, `claude`, `codex`, `codex:MODEL`, `model:MODEL` or an agent of the person's own.
    reviewer: Option<String>,
    /// What all its tasks are told when they begin, in Markdown.
    rules: Option<String>,
    /// What they should know, by name.
    #[serde(default)]
    facts: BTreeMap<String, String>,
    /// `quick`, `reviewed` or `autonomous`: whether each task is reviewed, and whether anybody is asked about a plan.
    #[schema(value_type = Option<String>, default = "quick")]
    preset: Option<Preset>,
    /// A plan of your own instead of a planner's, as `orchestrator schema` describes it, `caps` of its tasks among it; it is approved with this.
    #[schema(value_type = Option<Object>)]
    plan: Option<Value>,
    /// Without a planner and without a plan: the person adds its tasks.
    #[serde(default)]
    by_hand: bool,
    /// Name or id of a list of tasks that is carried out, instead of a plan; it is approved with this.
    list: Option<String>,
    /// What its blanks are filled with, by their names.
    #[serde(default)]
    words: Fillings,
    /// It works in a worktree of its own, on a branch of its own; the folder is in a git repository then.
    #[serde(default)]
    worktree: bool,
}

/// What was committed. What comes of it is in the log after this entry.
#[derive(Debug, Serialize, ToSchema)]
struct Committed {
    /// Of the goal or task.
    id: String,
    seq: u64,
    /// Of the task that was made, where one was.
    #[serde(skip_serializing_if = "Option::is_none")]
    made: Option<String>,
    /// That was made for the goal, where one was wanted: `worktree`, and how much of the folder is not in it as `left`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    worktree: Option<MadeWorktree>,
}

impl Committed {
    fn new(id: impl ToString, seq: u64) -> Self {
        Self { id: id.to_string(), seq, made: None, worktree: None }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Whom {
    /// Name or id; `nobody` for whoever does what it is a part of.
    agent: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Sum {
    /// In all, with what is spent already.
    usd: f64,
}

/// Nothing more to say.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Empty {}

fn dollars(usd: f64) -> Result<MicroUsd, Refused> {
    let why = || {
        Refused::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("{usd} is no sum in US dollars"),
            "Send one such as 2.50.",
        )
    };
    MicroUsd::from_usd(usd).ok_or_else(why)
}

/// All goals that are not archived, in the order in which they were stated
#[utoipa::path(get, path = "/api/goals", responses((status = OK, body = [TaskView])))]
async fn goals(State(desk): State<Arc<Desk>>) -> Answer<Vec<TaskView>> {
    let state = desk.state().await?;
    let goals = state.goals.iter().filter_map(|goal| state.task(goal)).filter(|task| !is_archived(task));
    Ok(Json(goals.map(|goal| TaskView::of(&state, goal)).collect()))
}

/// State a goal; without a plan of its own it is planned, and waits for approval
#[utoipa::path(post, path = "/api/goals", request_body = NewGoal, responses((status = CREATED, body = Committed)))]
async fn state_goal(
    State(desk): State<Arc<Desk>>,
    Extension(who): Extension<Who>,
    sent: Sent<NewGoal>,
) -> Result<(StatusCode, Json<Committed>), Refused> {
    let Json(new) = sent?;
    let wrong = |error: &str, next: &str| Refused::new(StatusCode::UNPROCESSABLE_ENTITY, error, next);
    if new.goal.trim().is_empty() && new.list.is_none() {
        return Err(wrong("the goal is empty", "Say in \"goal\" what is to be reached."));
    }
    if new.list.is_some() && (new.plan.is_some() || new.by_hand) {
        return Err(wrong("a list is a plan already", "Send it without \"plan\" and \"by_hand\"."));
    }
    if new.harness == Some(HarnessId::Command) {
        return Err(wrong("a command plans nothing", "Choose claude, codex or demo."));
    }
    let mut state = desk.state().await?;
    let list = new.list.as_deref().map(|name| kept::filled(&state, name, &new.words)).transpose()?;
    let folder = new.folder.or_else(|| list.as_ref()?.folder.clone());
    let Some(folder) = folder else {
        return Err(wrong("no folder is given", "Say in \"folder\" where it is done."));
    };
    let own = || list.as_ref().map(|list| list.words().to_owned());
    let text = Some(new.goal).filter(|goal| !goal.trim().is_empty()).or_else(own).unwrap_or_default();
    let budget = new.budget_usd.map(dollars).transpose()?;
    let wish = TermsJson {
        access: new.access,
        preset: new.preset,
        template: new.template,
        agent: new.agent,
        reviewer: new.reviewer,
        model: None,
        caps: new.caps,
        rules: new.rules,
        facts: new.facts,
    };
    let known = list.as_ref().map(|list| list.terms_with(new.harness)).unwrap_or_default();
    let terms = wish.wish()?.over(&state, known)?;
    let budget = budget.or(terms.caps.budget);
    let terms = Terms { caps: Caps { budget, ..terms.caps }, ..terms };
    let mut statement = Statement {
        text,
        folder,
        harness: new.harness.or_else(|| list.as_ref()?.harness),
        terms,
        planner: match (new.plan, list) {
            (Some(plan), _) => Planner::Written(statement::read(plan)?),
            (None, Some(list)) => kept::given(&list),
            (None, None) if new.by_hand => Planner::Person,
            (None, None) => Planner::Agent,
        },
    };
    let mut worktree = None;
    if new.worktree {
        // Nothing is made for what cannot be stated.
        statement.clone().drafts(&state)?;
        drop(state);
        let (folder, purpose) = (statement.folder.clone(), statement.text.clone());
        let made = desk.make_worktree(folder, purpose, &who).await?;
        statement.folder.clone_from(&made.worktree.folder);
        worktree = Some(made);
        state = desk.state().await?;
    }
    let (goal, drafts) = statement.drafts(&state)?;
    drop(state);
    let seq = desk.intend(drafts).await?.0;
    Ok((StatusCode::CREATED, Json(Committed { worktree, ..Committed::new(goal, seq) })))
}

/// A goal with its plan and all its tasks
#[utoipa::path(get, path = "/api/goals/{goal}", params(("goal" = String, Path)), responses((status = OK, body = GoalView)))]
async fn goal(State(desk): State<Arc<Desk>>, Named(goal): Named) -> Answer<GoalView> {
    let state = desk.state().await?;
    let view = GoalView::of(&state, find(&state, &goal)?);
    view.map(Json).ok_or_else(|| Unknown(format!("{goal} is a task and no goal")).into())
}

/// A task in detail
#[utoipa::path(get, path = "/api/tasks/{task}", params(("task" = String, Path)), responses((status = OK, body = TaskDetails)))]
async fn task(State(desk): State<Arc<Desk>>, Named(task): Named) -> Answer<TaskDetails> {
    let state = desk.state().await?;
    Ok(Json(TaskDetails::of(&state, find(&state, &task)?)))
}

/// A goal or task with all below it as a document in Markdown, with check boxes
#[utoipa::path(get, path = "/api/tasks/{task}/document", params(("task" = String, Path)), responses((status = OK, body = String, content_type = "text/markdown")))]
async fn document(State(desk): State<Arc<Desk>>, Named(task): Named) -> Result<impl IntoResponse, Refused> {
    let state = desk.state().await?;
    let text = conductor::plan::document::document(&state, find(&state, &task)?);
    Ok(([(CONTENT_TYPE, "text/markdown; charset=utf-8")], text))
}

/// The library of prompts: its templates, the record of each wording, and what failed how often
#[utoipa::path(get, path = "/api/prompts", responses((status = OK, body = LibraryView)))]
async fn prompts(State(desk): State<Arc<Desk>>) -> Answer<LibraryView> {
    Ok(Json(LibraryView::of(&*desk.state().await?)))
}

/// The agents of the person's own, also those that are offered no more
#[utoipa::path(get, path = "/api/agents", responses((status = OK, body = [AgentView])))]
async fn list_agents(State(desk): State<Arc<Desk>>) -> Answer<Vec<AgentView>> {
    Ok(Json(AgentView::all(&*desk.state().await?)))
}

/// Say which agent of the person's own does a task and all below it
#[utoipa::path(post, path = "/api/tasks/{task}/agent", params(("task" = String, Path)), request_body = Whom, responses((status = OK, body = Committed)))]
async fn set_agent(State(desk): State<Arc<Desk>>, Named(task): Named, sent: Sent<Whom>) -> Answer<Committed> {
    let Json(Whom { agent }) = sent?;
    desk.tell(&task, Word::As(agent)).await
}

/// Write into a task's conversation: an answer, or a wish
#[utoipa::path(post, path = "/api/tasks/{task}/answer", params(("task" = String, Path)), request_body = Said, responses((status = OK, body = Committed)))]
async fn answer(State(desk): State<Arc<Desk>>, Named(task): Named, sent: Sent<Said>) -> Answer<Committed> {
    let Json(said) = sent?;
    desk.tell(&task, Word::Answer(said)).await
}

/// Try a task anew
#[utoipa::path(post, path = "/api/tasks/{task}/retry", params(("task" = String, Path)), request_body = Empty, responses((status = OK, body = Committed)))]
async fn retry(State(desk): State<Arc<Desk>>, Named(task): Named, sent: Sent<Empty>) -> Answer<Committed> {
    let Json(Empty {}) = sent?;
    desk.tell(&task, Word::Retry).await
}

/// Take up a turn that was cut short now, instead of at its time
#[utoipa::path(post, path = "/api/tasks/{task}/resume", params(("task" = String, Path)), request_body = Empty, responses((status = OK, body = Committed)))]
async fn resume(State(desk): State<Arc<Desk>>, Named(task): Named, sent: Sent<Empty>) -> Answer<Committed> {
    let Json(Empty {}) = sent?;
    desk.tell(&task, Word::Resume).await
}

/// Stop a task and all below it
#[utoipa::path(post, path = "/api/tasks/{task}/cancel", params(("task" = String, Path)), request_body = Empty, responses((status = OK, body = Committed)))]
async fn cancel(State(desk): State<Arc<Desk>>, Named(task): Named, sent: Sent<Empty>) -> Answer<Committed> {
    let Json(Empty {}) = sent?;
    desk.tell(&task, Word::Cancel).await
}

/// Say what a task and all below it may spend; what paused for want of it goes on
#[utoipa::path(post, path = "/api/tasks/{task}/budget", params(("task" = String, Path)), request_body = Sum, responses((status = OK, body = Committed)))]
async fn budget(State(desk): State<Arc<Desk>>, Named(task): Named, sent: Sent<Sum>) -> Answer<Committed> {
    let Json(Sum { usd }) = sent?;
    desk.tell(&task, Word::Caps(CapsWish::budget(dollars(usd)?))).await
}
