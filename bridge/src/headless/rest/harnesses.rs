//! The agent CLIs of the bridge's machine.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use conductor::words;
use serde::Serialize;
use shared::agent::FoundAgent;
use shared::harness::tried;
use utoipa::ToSchema;

use super::Answer;
use super::desk::Desk;

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HarnessView {
    name: String,
    /// Its path; empty for the one that comes with the bridge.
    program: String,
    version: Option<String>,
    /// How far that version was tested: "verified", "untested, newer than 2.1.329"; nothing for the one that comes with the bridge.
    tested: Option<String>,
    /// Why it cannot be used.
    problem: Option<String>,
    /// What to do about its version, where anything is.
    next_step: Option<&'static str>,
    /// Tools of your own that the configuration gives its agents, in some project or everywhere.
    tools: Vec<String>,
    /// The worker of the configuration that starts it.
    worker: Option<String>,
}

impl HarnessView {
    fn of(agent: &FoundAgent) -> Self {
        let (tested, next_step) = tried(agent.harness, agent.version.as_deref()).map(words::tried).unzip();
        Self {
            name: agent.name.clone(),
            program: agent.program.clone(),
            version: agent.version.clone(),
            tested,
            problem: agent.problem.clone(),
            next_step: next_step.filter(|step| !step.is_empty()),
            tools: agent.tools.clone(),
            worker: agent.worker.clone(),
        }
    }
}

/// The agent CLIs that were found when the bridge started, and how far their versions were tested
#[utoipa::path(get, path = "/api/harnesses", responses((status = OK, body = [HarnessView])))]
pub(super) async fn harnesses(State(desk): State<Arc<Desk>>) -> Answer<Vec<HarnessView>> {
    Ok(Json(desk.state().await?.agents.iter().map(HarnessView::of).collect()))
}
