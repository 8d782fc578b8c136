//! The `orchestrator` binary.

use std::process::ExitCode;

#[expect(clippy::print_stderr, reason = "an error ends the program and is told on its terminal")]
fn main() -> ExitCode {
    match bridge::cli::run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {}", told(&error));
            ExitCode::FAILURE
        }
    }
}

/// An error with its causes, in one line.
fn told(error: &anyhow::Error) -> String {
    let mut told = error.to_string();
    for cause in error.chain().skip(1) {
        // What says what to do is a sentence, and ends there.
        told += &if told.ends_with('.') { format!(" ({cause})") } else { format!(": {cause}") };
    }
    told
}
