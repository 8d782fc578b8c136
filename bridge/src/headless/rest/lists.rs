//! Lists of tasks that are run again and again. `POST /api/goals` runs one.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use conductor::list;
use shared::entry::{Draft, Kind};

use super::desk::Desk;
use super::named::Named;
use super::{Answer, Committed, Empty, Refused, Sent};
use crate::headless::lists::{ListProblem, ListView, NewList};

impl From<ListProblem> for Refused {
    fn from(problem: ListProblem) -> Self {
        match problem {
            ListProblem::Plan(bad) => bad.into(),
            ListProblem::Task(unknown) => unknown.into(),
            ListProblem::Terms(none) => none.into(),
            ListProblem::None(_) | ListProblem::Unsaved(_) | ListProblem::Unfilled { .. } => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                problem,
                "GET /api/lists lists them with their blanks.",
            ),
        }
    }
}

/// The lists of tasks that are kept, also those that are offered no more
#[utoipa::path(get, path = "/api/lists", responses((status = OK, body = [ListView])))]
pub(super) async fn lists(State(desk): State<Arc<Desk>>) -> Answer<Vec<ListView>> {
    Ok(Json(ListView::all(&*desk.state().await?)))
}

/// Save a list, as a new one or in the place of the one that has the name
#[utoipa::path(post, path = "/api/lists", request_body = NewList, responses((status = OK, body = Committed)))]
pub(super) async fn save(State(desk): State<Arc<Desk>>, sent: Sent<NewList>) -> Answer<Committed> {
    let Json(mut new) = sent?;
    let wish = std::mem::take(&mut new.terms).wish()?;
    let list = new.list(&*desk.state().await?, wish)?;
    let id = list.list.to_string();
    let seq = desk.intend(vec![Draft::new(None, Kind::ListSaved { list })]).await?.0;
    Ok(Json(Committed::new(id, seq)))
}

/// Offer a list, by its name or id, no more; goals that it became stay
#[utoipa::path(post, path = "/api/lists/{list}/retire", params(("list" = String, Path)), request_body = Empty, responses((status = OK, body = Committed)))]
pub(super) async fn retire(
    State(desk): State<Arc<Desk>>,
    Named(list): Named,
    sent: Sent<Empty>,
) -> Answer<Committed> {
    let Json(Empty {}) = sent?;
    let found = list::named(&*desk.state().await?, &list).map(|list| list.list.clone());
    let list = found.map_err(ListProblem::None)?;
    let id = list.to_string();
    let seq = desk.intend(vec![Draft::new(None, Kind::ListRetired { list })]).await?.0;
    Ok(Json(Committed::new(id, seq)))
}
