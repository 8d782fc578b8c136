//! Tools from the Rust registry, built from source: prebuilt ones would be downloaded from elsewhere.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::folder;
use crate::{program, say};

/// How a tool is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Build {
    /// It reads or writes much itself.
    Optimised,
    /// It mostly starts others: how soon it is built counts for more than how quick it is. Without its default features, which
    /// look for updates and speak TLS.
    Plain,
}

impl Build {
    fn command(self, name: &str, version: &str) -> Command {
        let mut command = program::cargo(&["install", name, "--version", version]);
        if self == Self::Plain {
            command.arg("--no-default-features");
        }
        let level = if self == Self::Plain { "0" } else { "1" };
        // As published some of these build with fat LTO, which costs many minutes and gains nothing here.
        command
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", level);
        command
    }
}

/// The binary `binary` of the package `name`.
///
/// # Errors
/// It is not installed and cannot be.
pub fn tool(name: &str, binary: &str, version: &str, how: Build) -> Result<PathBuf> {
    folder::ready(name, version, &format!("bin/{binary}"), |folder| {
        // The build's own folder stays after an interruption, so that the next attempt goes on from there.
        let build = folder.with_file_name(format!(".{name}-{version}.build"));
        let label = format!("install {name} {version}");
        let mut locked = placed(how.command(name, version), folder, &build);
        locked.arg("--locked");
        if let Err(error) = program::run(&label, locked) {
            say::line(&format!("      {name}: {error:#}; trying once more without its lock file"));
            let unlocked = placed(how.command(name, version), folder, &build);
            program::run(&label, unlocked).with_context(|| {
                format!("{name} {version} cannot be installed. Next: check that cargo reaches its registry")
            })?;
        }
        // Only space is lost if this fails.
        let _ = std::fs::remove_dir_all(&build);
        Ok(())
    })
}

/// Built in `build`, installed in `folder`: outside the checkout, whose cargo configuration is not the tool's.
fn placed(mut command: Command, folder: &Path, build: &Path) -> Command {
    command
        .arg("--root")
        .arg(folder)
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", build)
        .env_remove("RUSTFLAGS");
    command
}
