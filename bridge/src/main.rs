//! The `orchestrator` binary.

use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    match bridge::cli::run() {
        Ok(code) => code,
        Err(error) => {
            // Where nobody reads it any more, its code still tells.
            let _ = writeln!(std::io::stderr(), "error: {}", told(&error));
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
