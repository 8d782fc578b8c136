//! What the page asks the bridge about itself while somebody looks: the processes of all runs, and a test of
//! set-up and defences.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use anyhow::Context;
use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use shared::api::{Finding, Process, RunProcesses};
use shared::unit::{Bytes, Millis};
use tokio::process::Command;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::access::{body, problem};
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

/// Which test.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SelfTest {
    /// Everything is tried once, with the demo agent, in a place of its own.
    #[serde(default)]
    first_try: bool,
}

/// `POST /api/self-test`: takes as long as reading the whole database, or as everything takes that is tried once.
pub(crate) async fn self_test(
    State(inspection): State<Inspection>,
    sent: Result<Json<SelfTest>, JsonRejection>,
) -> Response {
    let wanted = match body(sent) {
        Ok(wanted) => wanted,
        Err(refused) => return *refused,
    };
    let Ok(one) = Arc::clone(&inspection.test).try_acquire_owned() else {
        return problem(StatusCode::CONFLICT, "a test is under way", "Wait until it is done.");
    };
    let found = if wanted.first_try {
        // It goes on, and cleans up, when nobody waits for it any more.
        let tried = tokio::spawn(first_try(one)).await;
        tried.map_err(Into::into).and_then(|found| found)
    } else {
        doctor::of_itself(&inspection.data_dir, &inspection.config).await
    };
    match found {
        Ok(findings) => Json(findings).into_response(),
        Err(error) => {
            problem(StatusCode::INTERNAL_SERVER_ERROR, &format!("{error:#}"), "See to the data folder.")
        }
    }
}

/// Tries everything once, by the same command as in a terminal; each of its steps is bounded in time.
async fn first_try(_one: OwnedSemaphorePermit) -> anyhow::Result<Vec<Finding>> {
    let program = std::env::current_exe().context("cannot find this program's own file")?;
    let mut command = Command::new(program);
    command.args(["doctor", "--try", "--json"]).stdin(Stdio::null()).stderr(Stdio::null());
    let output = command.output().await.context("the first try does not start")?;
    let said = String::from_utf8_lossy(&output.stdout);
    said.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}
