//! `cargo xtask check`: everything short of the browser. All steps run, and the failed ones are named at the end.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::program::cargo;
use crate::report::Report;
use crate::tools::{wasm_target, windows_target};
use crate::{mutants, place, program, say, tidy};

/// What runs natively: all but the page.
const NATIVE: [&str; 3] = ["--workspace", "--exclude", "frontend"];
/// Crates that hold no IO, and what they must therefore never depend on.
const PURE: [&str; 2] = ["shared", "conductor"];
const IMPURE: [&str; 12] = [
    "tokio",
    "axum",
    "rusqlite",
    "leptos",
    "web-sys",
    "js-sys",
    "wasm-bindgen",
    "rand",
    "getrandom",
    "tracing",
    "log",
    "rustix",
];

/// Runs all checks and prints the table.
///
/// # Errors
/// A check failed.
pub fn check() -> Result<()> {
    let report = Report::default();
    steps(&report);
    report.finish()
}

/// Runs all checks into `report`.
pub fn steps(report: &Report) {
    // The bridge embeds this folder, so it must be there, be it empty.
    report.step("folder of the page", || std::fs::create_dir_all(place::dist()).map_err(Into::into));
    report.step("format", || {
        let unformatted =
            program::run("format", cargo(&["fmt", "--all", "--check", "--", "-l", "--color", "never"]));
        unformatted.map(|_| ()).context("these files are not formatted. Next: cargo fmt --all")
    });
    report.step("fault patches", || say::step("fault patches", mutants::all_apply));
    report.step("tidy", || say::step("tidy", tidy::check));
    for package in PURE {
        let name = format!("purity of {package}");
        report.step(&name, || say::step(&name, || purity(package)));
    }
    step(report, "clippy", || {
        let mut command = cargo(&["clippy", "--quiet", "--all-targets"]);
        command.args(NATIVE).args(["--", "-D", "warnings"]);
        command
    });
    report.step("clippy for WASM", clippy_wasm);
    // Binaries first: integration tests start them.
    let built = step(report, "build", || {
        let mut command = cargo(&["build"]);
        command.args(NATIVE);
        command
    });
    if built {
        report.step("unit and integration tests", || {
            let mut command = cargo(&["test", "--no-fail-fast"]);
            command.args(NATIVE).env("ORCHESTRATOR_BIN", place::binary("debug"));
            let output = program::run("unit and integration tests", command)?;
            say::line(&format!("      {} tests passed", tests_passed(&output)));
            Ok(())
        });
    }
    // What of the page needs no browser: the link, the layout of the tree, Markdown.
    report.step("the page's unit tests", || {
        let output = program::run("the page's unit tests", cargo(&["test", "-p", "frontend"]))?;
        say::line(&format!("      {} tests passed", tests_passed(&output)));
        Ok(())
    });
}

fn step(report: &Report, name: &str, command: impl FnOnce() -> Command) -> bool {
    report.step(name, || program::run(name, command())).is_some()
}

fn clippy_wasm() -> Result<()> {
    let env = wasm_target::ready()?;
    let mut command =
        cargo(&["clippy", "--quiet", "-p", "frontend", "--all-targets", "--target", wasm_target::TARGET]);
    command.args(["--", "-D", "warnings"]).envs(env);
    program::run("clippy for WASM", command).map(|_| ())
}

/// Lints all that runs natively, and the tests of the Windows side, as Windows sees them. Nothing of it is run.
///
/// # Errors
/// Something does not compile there, or a lint has something to say.
pub fn clippy_windows() -> Result<()> {
    if let Err(error) = windows_target::ready() {
        // Out of reach of those who give it out, nothing can be said, for or against the sources.
        say::line(&format!("      not looked at for Windows: {error:#}"));
        return Ok(());
    }
    let mut command = cargo(&["clippy", "--quiet", "--lib", "--bins", "--test", "windows"]);
    command.args(["--target", windows_target::TARGET]).args(NATIVE).args(["--", "-D", "warnings"]);
    program::run("clippy for Windows", command).map(|_| ())
}

fn purity(package: &str) -> Result<()> {
    let tree = program::quiet(cargo(&[
        "tree",
        "--package",
        package,
        "--edges",
        "normal",
        "--target",
        "all",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]))?;
    let found = impure(&tree);
    ensure!(
        found.is_empty(),
        "{package} depends on {}. Next: cargo tree -p {package} -i {}, and take the IO to the bridge or the page",
        found.join(", "),
        found[0]
    );
    Ok(())
}

fn impure(tree: &str) -> Vec<&str> {
    let mut found: Vec<&str> = tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
    found.retain(|name| IMPURE.contains(name));
    found.sort_unstable();
    found.dedup();
    found
}

/// Sums up the lines in which cargo's test programs say how many passed.
fn tests_passed(output: &str) -> u64 {
    let counts = output.lines().filter_map(|line| line.trim().strip_prefix("test result: ok. "));
    counts.filter_map(|rest| rest.split(' ').next()?.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::{impure, tests_passed};

    #[test]
    fn tests_of_all_programs_are_counted() {
        let output = "test result: ok. 15 passed; 0 failed\nnoise\ntest result: ok. 2 passed; 0 failed\n";
        assert_eq!(tests_passed(output), 17);
    }

    #[test]
    fn impure_dependencies_are_named_once() {
        let tree =
            "shared v0.1.0 (/somewhere)\nserde v1.0.0\ntokio v1.54.0\ntokio v1.54.0 (*)\ntokio-util v1.0.0\n";
        assert_eq!(impure(tree), ["tokio"]);
    }
}
