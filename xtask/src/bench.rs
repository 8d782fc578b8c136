//! `cargo xtask bench`: the benchmark of the release build.

use anyhow::Result;

use crate::{program, run};

/// Builds the product, then becomes the benchmark with `args`.
///
/// # Errors
/// Something does not build or start.
pub fn bench(args: &[String]) -> Result<()> {
    let binary = run::product()?;
    program::run(
        "benchmark: release build",
        program::cargo(&["build", "--release", "-p", "tests", "--bin", "bench"]),
    )?;
    let mut command = program::cargo(&["run", "--quiet", "--release", "-p", "tests", "--bin", "bench", "--"]);
    command.args(args).env("ORCHESTRATOR_BIN", binary);
    program::become_it(command)
}
