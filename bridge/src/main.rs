//! The `orchestrator` binary.

use std::process::ExitCode;

#[expect(clippy::print_stderr, reason = "an error ends the program and is told on its terminal")]
fn main() -> ExitCode {
    match bridge::cli::run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
