//! `orchestrator ps`: every process of every run, as the system has it at this moment; also without a bridge,
//! as agents outlive it.

use std::process::ExitCode;

use clap::Args;
use conductor::State;
use serde_json::json;
use shared::id::RunId;

use super::DataArgs;
use super::client::Client;
use super::place::Place;
use super::task::reference;
use crate::cli::say;
use crate::store;
use crate::supervisor::{END_WITH_BRIDGE, ProcessUsage, RunProcesses, run_processes};

#[derive(Debug, Args)]
pub struct PsArgs {
    /// One JSON object per line instead of words
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataArgs,
}

/// Prints a line for each process. Which task it is for the bridge says, or the log where none runs; a log that cannot be read
/// leaves the run's own name.
pub(super) async fn list(args: &PsArgs) -> anyhow::Result<ExitCode> {
    let data_dir = args.data.dir()?;
    let place = Place::find(&data_dir)?;
    let client = match &place {
        Some(place) => Some(Client::connect(place, "terminal").await?),
        None => None,
    };
    let runs = run_processes(&data_dir.join("runs"));
    let replayed = match client {
        None if !runs.is_empty() => store::replayed(&data_dir).ok(),
        _ => None,
    };
    let state = client.as_ref().map(Client::state).or(replayed.as_ref());
    let mut found = false;
    for run in &runs {
        let task = state.and_then(|state| task_of(state, &run.run));
        for (process, role) in processes(run) {
            if args.json {
                let (task, title) = task.clone().unzip();
                say(&json!({
                    "run": run.run.as_str(), "task": task, "title": title, "pid": process.pid, "role": role,
                    "command": process.command, "age_seconds": process.age.as_secs(),
                    "started": crate::clock::now().0.saturating_sub(millis(process.age)),
                    "cpu_seconds": process.cpu.as_secs_f64(), "memory_bytes": process.memory,
                })
                .to_string());
            } else {
                if !found {
                    say("    PID  AGE       CPU      MEMORY   TASK");
                }
                let task =
                    task.as_ref().map_or_else(|| run.run.to_string(), |(no, title)| format!("{no} {title}"));
                say(&line(process, role, &task));
            }
            found = true;
        }
    }
    if args.json {
        return Ok(ExitCode::SUCCESS);
    }
    if !found {
        say("No agent runs.");
    } else if let Some(known) = END_WITH_BRIDGE {
        say(known);
    } else if client.is_none() {
        say(
            "No bridge runs. Its next start takes these over; to end them: orchestrator serve --stop-agents, then ctrl-c.",
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn processes(run: &RunProcesses) -> impl Iterator<Item = (&ProcessUsage, &'static str)> {
    let shim = run.shim.iter().map(|shim| (shim, "shim"));
    shim.chain(run.program.iter().map(|process| (process, "agent")))
}

/// How the task of a run is named, and its title.
fn task_of(state: &State, run: &RunId) -> Option<(String, String)> {
    let task = state.task(&state.run(run)?.task)?;
    Some((reference(state, task), task.title.clone()))
}

fn line(process: &ProcessUsage, role: &str, task: &str) -> String {
    let seconds = process.age.as_secs();
    let age = format!("{}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let memory = format!("{:.1} MiB", to_mib(process.memory));
    let cpu = format!("{:.1} s", process.cpu.as_secs_f64());
    format!("{:>7}  {age:<8}  {cpu:<7}  {memory:<10}  {task} · {role} {}", process.pid, process.command)
}

#[expect(clippy::cast_precision_loss, reason = "one digit is shown")]
fn to_mib(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}

/// As much as a clock counts in.
fn millis(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
