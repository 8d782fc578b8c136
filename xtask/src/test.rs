//! `cargo xtask test`: the checks, the built page and its size, the journeys in Chromium, and the real
//! agent CLIs. What does not wait for the same build lock runs side by side.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::report::Report;
use crate::tools::agents::{self, Agents};
use crate::tools::{cargo, chromium, npm, windows_target};
use crate::{bench, check, place, program, run, say, simulate, size};

/// Finds dependencies that nothing uses.
const MACHETE: &str = "0.9.2";

/// Lines of what is told of journeys that passed when they were tried once more, at most.
const FLAKY: usize = 80;

/// Runs everything and prints the table.
///
/// # Errors
/// A step failed.
pub fn test() -> Result<()> {
    let report = Report::default();
    let (product, browser, agents) = std::thread::scope(|scope| {
        let product = scope.spawn(|| report.step("page and bridge, release", run::product));
        let browser = scope.spawn(|| report.step("browser and its packages", browser));
        let agents = scope.spawn(|| report.step("agent CLIs", agents::ready));
        let windows = scope.spawn(windows_target::ready);
        let machete = scope.spawn(machete);
        check::steps(&report);
        // Both once more below, where a failure is reported and a success costs nothing.
        let _ = (machete.join(), windows.join());
        (product.join().ok().flatten(), browser.join().ok().flatten(), agents.join().ok().flatten())
    });
    let fold = std::thread::scope(|scope| {
        // They mostly wait, for limits that pass and for each other, while the rest keeps the processors busy.
        scope.spawn(|| {
            report.step("real agent CLIs", || {
                let agents = agents.context("there are no agent CLIs to test with")?;
                real_agents(&agents)?;
                real_journeys(
                    product.as_deref().context("there is no binary to test")?,
                    browser.as_deref().context("there is no browser to test with")?,
                    &agents,
                )
            })
        });
        report.step("clippy for Windows", check::clippy_windows);
        report.step("simulation", simulate::minute);
        report.step("unused dependencies", unused_dependencies);
        report.step("page size", || {
            size::print()?;
            size::within_budget()
        });
        report.step("fold for the browser", bench::fold)
    });
    report.step("journeys in Chromium", || {
        journeys(
            product.as_deref().context("there is no binary to test")?,
            browser.as_deref().context("there is no browser to test with")?,
            &fold.context("there is no fold to compare")?,
        )
    });
    report.finish()
}

fn browser_tests() -> PathBuf {
    place::root().join("tests/browser")
}

/// The browser, with the packages of the tests beside them.
///
/// # Errors
/// One of them cannot be had.
pub fn browser() -> Result<PathBuf> {
    npm::locked(&browser_tests())?;
    chromium::ready()
}

fn journeys(product: &Path, chromium: &Path, fold: &Path) -> Result<()> {
    let mut command = playwright(product, chromium)?;
    command.env("FOLD_DIR", fold).env("NATIVE_DIR", place::target().join("debug"));
    play("journeys in Chromium", command)
}

/// What a person sees of the real CLIs when their provider, which is a stub, fails.
fn real_journeys(product: &Path, chromium: &Path, agents: &Agents) -> Result<()> {
    let stub = program::cargo(&["build", "-p", "tests", "--features", "real-cli", "--bin", "model-stub"]);
    program::run("model server", stub)?;
    let mut command = playwright(product, chromium)?;
    command
        .arg("real.spec.js")
        .env("MODEL_STUB", place::target().join("debug/model-stub"))
        .env("CLAUDE_BIN", &agents.claude)
        .env("CODEX_BIN", &agents.codex);
    play("real agent CLIs on screen", command)
}

fn playwright(product: &Path, chromium: &Path) -> Result<Command> {
    let folder = browser_tests();
    let playwright = folder.join("node_modules/.bin/playwright");
    ensure!(playwright.exists(), "tests/browser does not bring Playwright");
    let mut command = Command::new(playwright);
    command
        .arg("test")
        .current_dir(folder)
        .env("ORCHESTRATOR_BIN", product)
        .env("CHROMIUM", chromium)
        .env("CI", "1");
    Ok(command)
}

fn play(name: &str, command: Command) -> Result<()> {
    let output = program::run(name, command)?;
    // What passed only when it was tried once more is told with why it did not at first.
    if output.contains(" flaky") {
        let first = output.lines().skip_while(|line| !line.trim_start().starts_with("1) "));
        first.take(FLAKY).for_each(|line| say::line(&format!("      {line}")));
    }
    say::line(&format!(
        "      {}",
        output.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default().trim()
    ));
    Ok(())
}

fn real_agents(agents: &Agents) -> Result<()> {
    let mut command =
        program::cargo(&["test", "-p", "tests", "--features", "real-cli", "--test", "real_cli"]);
    command
        .env("CLAUDE_BIN", &agents.claude)
        .env("CODEX_BIN", &agents.codex)
        .env("ORCHESTRATOR_BIN", place::binary("debug"));
    program::run("real agent CLIs", command).map(|_| ())
}

fn machete() -> Result<PathBuf> {
    cargo::tool("cargo-machete", "cargo-machete", MACHETE, cargo::Build::Optimised)
}

fn unused_dependencies() -> Result<()> {
    let mut machete = Command::new(machete()?);
    machete.arg(place::root());
    program::run("unused dependencies", machete).map(|_| ())
}
