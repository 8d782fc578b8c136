//! What the page asks the bridge about itself while somebody looks: the processes of all runs, and a test of
//! set-up and defences.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use shared::api::{Process, RunProcesses};
use shared::unit::{Bytes, Millis};
use tokio::sync::Semaphore;

use crate::access::problem;
use crate::config::Config;
use crate::headless::doctor;
use crate::supervisor::{ProcessUsage, run_processes};
use crate::{clock, supervisor};

/// What both calls need.
#[derive(Debug, Clone)]
pub(crate) struct Inspection {
    data_dir: PathBuf,
    config: Arc<Config>,
    /// One look at a time, and one test; who comes meanwhile with a look waits, with a test is sent away.
    look: Arc<Semaphore>,
    test: Arc<Semaphore>,
}

impl Inspection {
    pub(crate) fn new(data_dir: PathBuf, config: Arc<Config>) -> Self {
        Self { data_dir, config, look: Arc::new(Semaphore::new(1)), test: Arc::new(Semaphore::new(1)) }
    }
}

/// `GET /api/processes`: nothing is looked at unless somebody asks.
pub(crate) async fn processes(State(inspection): State<Inspection>) -> Response {
    let _one = inspection.look.acquire().await;
    let runs = inspection.data_dir.join("runs");
    match tokio::task::spawn_blocking(move || run_processes(&runs)).await {
        Ok(found) => Json(found.iter().map(told).collect::<Vec<_>>()).into_response(),
        Err(error) => problem(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string(), "Try again."),
    }
}

fn told(run: &supervisor::RunProcesses) -> RunProcesses {
    let now = clock::now();
    let of = |shim: bool| {
        move |process: &ProcessUsage| Process {
            pid: process.pid.unsigned_abs(),
            shim,
            command: process.command.clone(),
            started: Millis(now.0.saturating_sub(millis(process.age).0)),
            cpu: millis(process.cpu),
            memory: Bytes(process.memory),
        }
    };
    let processes = run.shim.iter().map(of(true)).chain(run.program.iter().map(of(false))).collect();
    RunProcesses { run: run.run.clone(), processes }
}

fn millis(span: std::time::Duration) -> Millis {
    Millis(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
}

/// `POST /api/self-test`: takes as long as reading the whole database.
pub(crate) async fn self_test(State(inspection): State<Inspection>) -> Response {
    let Ok(_one) = inspection.test.try_acquire() else {
        return problem(StatusCode::CONFLICT, "a test is under way", "Wait until it is done.");
    };
    match doctor::of_itself(&inspection.data_dir, &inspection.config).await {
        Ok(findings) => Json(findings).into_response(),
        Err(error) => {
            problem(StatusCode::INTERNAL_SERVER_ERROR, &format!("{error:#}"), "See to the data folder.")
        }
    }
}
