//! Packages from npm: tools in folders of their own, and the packages of the browser tests.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::folder;
use crate::{fingerprint, place, program};

/// The file `file` of a folder that holds `packages` (names) at `version`.
///
/// # Errors
/// They are not installed and cannot be.
pub fn tool(name: &str, packages: &[&str], version: &str, file: &str) -> Result<PathBuf> {
    folder::ready(name, version, file, |folder| {
        // Without a package.json of its own npm would look for one further up.
        std::fs::write(folder.join("package.json"), "{ \"private\": true }\n")?;
        let mut command = npm(&["install", "--no-save"], folder)?;
        command.args(packages.iter().map(|package| format!("{package}@{version}")));
        program::run(&format!("install {name} {version}"), command).map(|_| ()).with_context(|| {
            format!("{name} {version} cannot be installed. Next: check that npm reaches its registry")
        })
    })
}

/// Installs what `folder`'s lock file names, unless that is there already.
///
/// # Errors
/// There is no package.json, or npm fails.
pub fn locked(folder: &Path) -> Result<()> {
    let wanted = fingerprint::of(folder, &["package.json", "package-lock.json"])?;
    let stamp = folder.join("node_modules/.xtask-stamp");
    if std::fs::read_to_string(&stamp).is_ok_and(|known| known == wanted) {
        return Ok(());
    }
    anyhow::ensure!(folder.join("package.json").is_file(), "{} has no package.json", folder.display());
    let verb = if folder.join("package-lock.json").is_file() { "ci" } else { "install" };
    let mut command = npm(&[verb], folder)?;
    // The browser is the system's.
    command.env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
    let shown = folder.strip_prefix(place::root()).unwrap_or(folder);
    program::run(&format!("npm {verb} in {}", shown.display()), command)?;
    std::fs::write(&stamp, fingerprint::of(folder, &["package.json", "package-lock.json"])?)
        .with_context(|| format!("cannot write {}", stamp.display()))
}

fn npm(args: &[&str], folder: &Path) -> Result<Command> {
    let npm = place::on_path(&["npm"])
        .context("npm is missing. Next: install Node.js 20 or later, which brings it")?;
    let mut command = Command::new(npm);
    command.args(args).args(["--no-audit", "--no-fund", "--no-progress"]).current_dir(folder);
    Ok(command)
}
