//! Targets of the compiler.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::{place, program};

/// Whether the compiler has the library of a target.
pub fn has(target: &str) -> bool {
    let mut rustc = Command::new("rustc");
    rustc.args(["--print", "target-libdir", "--target", target]).current_dir(place::root());
    program::quiet(rustc).is_ok_and(|folder| has_core(Path::new(folder.trim())))
}

fn has_core(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|mut entries| {
        entries
            .any(|entry| entry.is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with("libcore-")))
    })
}

/// Has rustup add a target to the compiler.
///
/// # Errors
/// There is no rustup, or it cannot have it.
pub fn add(target: &str) -> Result<()> {
    let rustup = place::on_path(&["rustup"]).context("rustup is missing")?;
    let mut command = Command::new(rustup);
    command.args(["target", "add", target]).current_dir(place::root());
    program::run(&format!("rustup target add {target}"), command).map(|_| ())
}
