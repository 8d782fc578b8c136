//! Projects, and what all their tasks are told.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::context::MEMORY;
use shared::entry::{Draft, Kind};
use utoipa::ToSchema;

use super::desk::Desk;
use super::named::Named;
use super::{Answer, Committed, Refused, Sent};

/// What all tasks of a project are told.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Memory {
    text: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProjectView {
    id: String,
    name: String,
    folder: String,
    /// What each of its tasks is told when it begins, in Markdown.
    memory: String,
}

/// The projects with their memory, by their ids
#[utoipa::path(get, path = "/api/projects", responses((status = OK, body = [ProjectView])))]
pub(super) async fn projects(State(desk): State<Arc<Desk>>) -> Answer<Vec<ProjectView>> {
    let state = desk.state().await?;
    let views = state.projects.iter().map(|(id, project)| ProjectView {
        id: id.to_string(),
        name: project.name.clone(),
        folder: project.folder.clone(),
        memory: project.memory.clone(),
    });
    Ok(Json(views.collect()))
}

/// Say what all tasks of a project are told from now on; no text forgets it
#[utoipa::path(put, path = "/api/projects/{project}/memory", params(("project" = String, Path)), request_body = Memory, responses((status = OK, body = Committed)))]
pub(super) async fn remember(
    State(desk): State<Arc<Desk>>,
    Named(project): Named,
    sent: Sent<Memory>,
) -> Answer<Committed> {
    let Json(Memory { text }) = sent?;
    if text.len() > MEMORY {
        let error = format!("a memory has {MEMORY} bytes at most, and this has {}", text.len());
        return Err(Refused::new(StatusCode::UNPROCESSABLE_ENTITY, error, "Send a shorter one."));
    }
    let known = desk.state().await?.projects.keys().find(|id| id.as_str() == project).cloned();
    let Some(id) = known else {
        let error = format!("there is no project {project}");
        return Err(Refused::new(StatusCode::NOT_FOUND, error, "GET /api/projects lists them."));
    };
    let seq = desk.intend(vec![Draft::new(Some(id.clone()), Kind::MemorySet { text })]).await?.0;
    Ok(Json(Committed::new(id, seq)))
}
