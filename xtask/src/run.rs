//! `cargo xtask run`: from a fresh clone to a page in the browser, and within seconds from then on.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::{page, place, program};

/// Builds what changed, then becomes the orchestrator with `args`.
///
/// # Errors
/// Something is missing, does not build or does not start.
pub fn run(args: &[String]) -> Result<()> {
    // Help and version need no page.
    let wants_words =
        args.iter().any(|arg| ["--help", "-h", "help", "--version", "-V"].contains(&arg.as_str()));
    let binary =
        if wants_words && !place::dist().join("index.html").exists() { bridge()? } else { product()? };
    let mut command = Command::new(binary);
    command.args(args);
    program::become_it(command)
}

/// The release binary with the page inside it.
///
/// # Errors
/// Page or bridge does not build.
pub fn product() -> Result<PathBuf> {
    if place::binary("release").exists() {
        page::build()?;
        return bridge();
    }
    // The first time the bridge's dependencies are built beside the page; the bridge itself comes after it.
    let (page, bridge_alone) = std::thread::scope(|scope| {
        let ahead = scope.spawn(bridge);
        let page = page::build();
        (page, ahead.join().unwrap_or_else(|_| anyhow::bail!("the build's thread panicked")))
    });
    page?;
    bridge_alone?;
    bridge()
}

/// The release binary with whatever page is in `frontend/dist`.
///
/// # Errors
/// It does not build.
pub fn bridge() -> Result<PathBuf> {
    std::fs::create_dir_all(place::dist()).context("cannot make frontend/dist")?;
    program::run(
        "bridge: release build",
        program::cargo(&["build", "--release", "-p", "bridge", "--bin", "orchestrator"]),
    )
    .context("the bridge was not built. Next: mend what the output above names, then run this again")?;
    Ok(place::binary("release"))
}
