//! `cargo xtask bench`: the benchmark of the release build.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::tools::{self, wasm_target};
use crate::{place, program, run, size, test};

/// Builds the product, then runs the benchmark with `args` and adds the page's size.
///
/// # Errors
/// Something does not build or start, or the benchmark fails.
pub fn bench(args: &[String]) -> Result<()> {
    let binary = run::product()?;
    program::run(
        "benchmark: release build",
        program::cargo(&["build", "--release", "-p", "tests", "--bin", "bench"]),
    )?;
    let chromium = test::browser()?;
    let fold = fold()?;
    let mut command = program::cargo(&["run", "--quiet", "--release", "-p", "tests", "--bin", "bench", "--"]);
    command.args(args).env("ORCHESTRATOR_BIN", binary).env("CHROMIUM", chromium).env("FOLD_DIR", fold);
    program::attended(command)?;
    size::print()
}

/// Builds the product and keeps it busy for so many minutes: the bridge, or where `page` says so two tabs of a browser.
///
/// # Errors
/// Something does not build or start, or what was kept busy grew or lost something.
pub fn soak(minutes: u64, page: bool) -> Result<()> {
    let binary = run::product()?;
    let minutes = minutes.to_string();
    let mut command = program::cargo(&["run", "--quiet", "--release", "-p", "tests", "--bin", "bench", "--"]);
    command.args(["--soak", &minutes]).env("ORCHESTRATOR_BIN", binary);
    if page {
        command.arg("--page").env("CHROMIUM", test::browser()?);
    }
    program::attended(command)
}

/// The fold, compiled as the page is; the folder of its glue and WASM.
///
/// # Errors
/// It does not build.
pub fn fold() -> Result<PathBuf> {
    let tools = tools::for_page()?;
    let mut build = program::cargo(&[
        "build",
        "-p",
        "fold",
        "--lib",
        "--profile",
        "page",
        "--target",
        wasm_target::TARGET,
    ]);
    build.envs(tools.env);
    program::run("fold for the browser", build)?;
    let folder = place::target().join("xtask/fold");
    let mut bindgen = Command::new("wasm-bindgen");
    bindgen
        .args(["--target", "web", "--no-typescript", "--out-dir"])
        .arg(&folder)
        .arg(place::target().join(wasm_target::TARGET).join("page/fold.wasm"))
        .env("PATH", tools.path);
    program::run("fold for the browser: glue", bindgen)?;
    Ok(folder)
}
