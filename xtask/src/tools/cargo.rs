//! Tools from the Rust registry, built from source: prebuilt ones would be downloaded from elsewhere.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::folder;
use crate::{program, say};

/// The binary `binary` of the package `name`.
///
/// # Errors
/// It is not installed and cannot be.
pub fn tool(name: &str, binary: &str, version: &str) -> Result<PathBuf> {
    folder::ready(name, version, &format!("bin/{binary}"), |folder| {
        // The build's own folder stays after an interruption, so that the next attempt goes on from there.
        let build = folder.with_file_name(format!(".{name}-{version}.build"));
        let label = format!("install {name} {version}");
        let locked = program::run(&label, install(name, version, folder, &build, true));
        if let Err(error) = locked {
            say::line(&format!("      {name}: {error:#}; trying once more without its lock file"));
            program::run(&label, install(name, version, folder, &build, false)).with_context(|| {
                format!("{name} {version} cannot be installed. Next: check that cargo reaches its registry")
            })?;
        }
        // Only space is lost if this fails.
        let _ = std::fs::remove_dir_all(&build);
        Ok(())
    })
}

fn install(name: &str, version: &str, folder: &Path, build: &Path, locked: bool) -> Command {
    let mut command = program::cargo(&["install", name, "--version", version]);
    command.arg("--root").arg(folder);
    if locked {
        command.arg("--locked");
    }
    // Outside the checkout, whose cargo configuration is not the tool's. As published some of these build
    // with fat LTO, which costs many minutes and gains nothing here.
    command
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", build)
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
        .env_remove("RUSTFLAGS");
    command
}
