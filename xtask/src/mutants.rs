//! `cargo xtask mutants`: would the simulation notice? Each patch under `tests/mutations/` is a fault that
//! somebody could make. It is applied to a copy of the sources, which is built and simulated, and must fail.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::{place, program, say};

/// In which a fault must be found.
const SECONDS: &str = "60";

/// Tries the patches whose name contains `only`, or all.
///
/// # Errors
/// A patch does not apply or build, the sources fail without one, or a fault is not noticed.
pub fn mutants(only: Option<&str>) -> Result<()> {
    let scratch = place::target().join("mutants");
    let sources = scratch.join("sources");
    let mut patches = patches(&place::root().join("tests/mutations"))?;
    patches.retain(|patch| only.is_none_or(|only| name(patch).contains(only)));
    ensure!(!patches.is_empty(), "no patch has that name");
    copy(&place::root(), &sources)?;
    build(&sources, &scratch)?;
    let survey = simulate(&scratch, "5")?;
    ensure!(survey.is_none(), "the sources themselves fail: {}", survey.unwrap_or_default());
    let mut unnoticed = Vec::new();
    for patch in &patches {
        apply(&sources, patch, &[])?;
        let found = build(&sources, &scratch).and_then(|()| {
            let began = Instant::now();
            simulate(&scratch, SECONDS).map(|fault| (fault, began.elapsed()))
        });
        apply(&sources, patch, &["--reverse"])?;
        let (fault, after) = found.with_context(|| name(patch))?;
        say::line(&verdict(&name(patch), fault.as_deref(), after));
        if fault.is_none() {
            unnoticed.push(name(patch));
        }
    }
    if unnoticed.is_empty() {
        say::line(&format!("all {} faults were noticed", patches.len()));
        return Ok(());
    }
    bail!("not noticed within {SECONDS} s: {}. Next: teach tests/simulation to see it", unnoticed.join(", "))
}

fn verdict(name: &str, fault: Option<&str>, after: Duration) -> String {
    match fault {
        Some(fault) => format!("{name}: noticed after {:.1} s: {fault}", after.as_secs_f64()),
        None => format!("{name}: NOT NOTICED"),
    }
}

fn patches(folder: &Path) -> Result<Vec<PathBuf>> {
    let listed = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut patches: Vec<PathBuf> = listed.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    patches.retain(|path| path.extension().is_some_and(|ending| ending == "patch"));
    patches.sort();
    Ok(patches)
}

fn name(patch: &Path) -> String {
    patch.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// Copies what git knows or would take; a file that is the same stays, so that little is built again.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let mut git = Command::new("git");
    git.args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"]).current_dir(from);
    for file in program::quiet(git)?.split('\0').filter(|file| !file.is_empty()) {
        // A file that was removed and not yet committed is not to be had.
        let Ok(bytes) = fs::read(from.join(file)) else { continue };
        let target = to.join(file);
        if fs::read(&target).is_ok_and(|known| known == bytes) {
            continue;
        }
        let folder = target.parent().context("a file is in a folder")?;
        fs::create_dir_all(folder)?;
        fs::write(&target, bytes).with_context(|| format!("cannot write {}", target.display()))?;
    }
    Ok(())
}

fn apply(sources: &Path, patch: &Path, how: &[&str]) -> Result<()> {
    let mut git = Command::new("git");
    // The scratch copy lies in a repository of its own name only: paths are taken as they stand.
    git.args(["apply", "--unidiff-zero", "--recount"]).args(how).arg(patch).current_dir(sources);
    git.env("GIT_CEILING_DIRECTORIES", sources.parent().unwrap_or(sources));
    program::quiet(git).map(drop).with_context(|| format!("{} does not apply; mend it", name(patch)))
}

fn build(sources: &Path, scratch: &Path) -> Result<()> {
    let mut command = program::cargo(&["build", "--quiet", "--profile", "simulation", "-p", "simulation"]);
    command.current_dir(sources).env("CARGO_TARGET_DIR", scratch);
    // Each fault is built for itself: what is quick to build again counts for more than what is quick.
    let quick = [("INCREMENTAL", "true"), ("LTO", "false"), ("CODEGEN_UNITS", "16")];
    command.envs(quick.map(|(name, value)| (format!("CARGO_PROFILE_SIMULATION_{name}"), value)));
    program::quiet(command).map(drop)
}

/// What failed, or nothing.
fn simulate(scratch: &Path, seconds: &str) -> Result<Option<String>> {
    let mut command = Command::new(scratch.join("simulation/simulation"));
    command.args(["--seconds", seconds, "--failed"]).env("RUST_LIB_BACKTRACE", "0").stdin(Stdio::null());
    let output = command.output().context("cannot start the simulation")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let fault = text.lines().find(|line| line.starts_with("seed ")).unwrap_or("it ended without a word");
    let last = fault.rsplit(": ").next().unwrap_or(fault);
    Ok((!output.status.success()).then(|| last.to_owned()))
}
