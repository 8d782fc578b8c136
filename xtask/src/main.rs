//! `cargo xtask`: builds, runs, tests and measures. The README's two commands are `run` and `test`.
//! Every tool that is missing is installed into a folder of this project's own (see `tools`).

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod bench;
mod check;
mod dev;
mod fingerprint;
mod mutants;
mod page;
mod place;
mod program;
mod report;
mod run;
mod say;
mod simulate;
mod size;
mod system;
mod test;
mod tidy;
mod tools;

#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    about = "Builds, runs, tests and measures the orchestrator"
)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Build what changed and start the orchestrator; what follows `--` goes to it (try `-- --help`).
    Run(Passed),
    /// Like `run`, with a quickly built page that is rebuilt and reloaded on every change.
    Dev(Passed),
    /// Everything short of the browser: format, lints, purity, tidiness, unit and integration tests.
    Check,
    /// `check`, the built page's size, the journeys in Chromium, and the real agent CLIs.
    Test,
    /// Run the benchmark; what follows goes to it (try `-- --help`).
    Bench(Passed),
    /// Keep the bridge busy with 20 agents and clients that come and go, and fail when memory or files grow.
    Soak {
        #[arg(long, default_value_t = 60)]
        minutes: u64,
        /// Keep two tabs of a browser busy instead, and fail when their memory grows.
        #[arg(long)]
        page: bool,
    },
    /// Live virtual worlds and check what must always hold; what follows goes to it (try `-- --help`).
    Simulate(Passed),
    /// Apply each fault under tests/mutations/ to a copy, and fail when the simulation does not notice it.
    Mutants {
        /// Only those whose name contains this.
        only: Option<String>,
    },
    /// Build the page into `frontend/dist`, if anything changed.
    Page,
    /// Print the brotli size of the built page's files, and whether they are within the ceiling.
    Size,
    /// Install every tool that `run` and `test` need, and print where each one is.
    Tools,
}

#[derive(Debug, clap::Args)]
struct Passed {
    /// Arguments for the program that is started.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

fn main() -> ExitCode {
    let done = match Cli::parse().task {
        Task::Run(passed) => run::run(&passed.args),
        Task::Dev(passed) => dev::dev(&passed.args),
        Task::Check => check::check(),
        Task::Test => test::test(),
        Task::Bench(passed) => bench::bench(&passed.args),
        Task::Soak { minutes, page } => bench::soak(minutes, page),
        Task::Simulate(passed) => simulate::simulate(&passed.args),
        Task::Mutants { only } => mutants::mutants(only.as_deref()),
        Task::Page => page::build().map(|_| ()),
        Task::Size => size::print().and_then(|()| size::within_budget()),
        Task::Tools => tools::print(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say::error(&error);
            ExitCode::FAILURE
        }
    }
}
