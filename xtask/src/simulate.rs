//! `cargo xtask simulate`: the conductor in worlds of its own, and `cargo xtask mutants`: whether they would
//! notice a fault.

use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};

use crate::{place, program, say};

/// Of `cargo xtask test`.
const SECONDS: &str = "60";

/// Lives worlds; `args` say how many and from which seed.
///
/// # Errors
/// The simulation does not build, or a world fails.
pub fn simulate(args: &[String]) -> Result<()> {
    let mut command =
        program::cargo(&["run", "--quiet", "--profile", "simulation", "-p", "simulation", "--"]);
    command.args(args).env("RUST_LIB_BACKTRACE", "0");
    program::attended(command)
}

/// Lives the worlds that failed once, and new ones for a minute.
///
/// # Errors
/// The simulation does not build, or a world fails; the error has its seed.
pub fn minute() -> Result<()> {
    let build = program::cargo(&["build", "--profile", "simulation", "-p", "simulation"]);
    program::run("simulation: build", build)?;
    let mut command = Command::new(place::binary("simulation").with_file_name("simulation"));
    command.args(["--failed", "--seconds", SECONDS, "--seed", &seed()?.to_string()]);
    command.env("RUST_LIB_BACKTRACE", "0");
    let output = program::run("simulation", command)?;
    say::line(&format!("      {}", output.lines().next().unwrap_or_default()));
    Ok(())
}

/// Other worlds for each state of the sources, and the same ones for the same: what fails here fails for everybody.
/// Where git cannot tell, the time does. The seed of a world that fails is printed.
fn seed() -> Result<u64> {
    let mut git = Command::new("git");
    git.args(["rev-parse", "HEAD^{tree}"]).current_dir(place::root());
    let tree = program::quiet(git).ok().and_then(|tree| u64::from_str_radix(tree.get(..12)?, 16).ok());
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970");
    match tree {
        Some(tree) => Ok(tree),
        None => Ok(u64::try_from(now()?.as_millis()).unwrap_or_default()),
    }
}
