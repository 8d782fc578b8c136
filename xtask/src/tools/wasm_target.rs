//! The compiler's WASM target: rustup's, or, where its downloads are out of reach, one built from Debian's
//! sources (`wasm_std`).

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::wasm_std;
use crate::{place, program, say};

/// The target's name.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// Makes sure that WASM can be compiled; gives the variables that the build needs for it (usually none).
///
/// # Errors
/// There is no such target and neither way gives one.
pub fn ready() -> Result<BTreeMap<String, OsString>> {
    if compiler_has_it() {
        return Ok(BTreeMap::new());
    }
    if let Some(env) = wasm_std::built()? {
        return Ok(env);
    }
    let Err(error) = add_by_rustup() else { return Ok(BTreeMap::new()) };
    say::line(&format!("      {error:#}; building the target from Debian's sources instead"));
    wasm_std::build().context("the WASM target cannot be had. Next: rustup target add wasm32-unknown-unknown")
}

fn compiler_has_it() -> bool {
    let mut rustc = Command::new("rustc");
    rustc.args(["--print", "target-libdir", "--target", TARGET]).current_dir(place::root());
    program::quiet(rustc).is_ok_and(|folder| has_core(Path::new(folder.trim())))
}

fn has_core(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|mut entries| {
        entries
            .any(|entry| entry.is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with("libcore-")))
    })
}

fn add_by_rustup() -> Result<()> {
    let rustup = place::on_path(&["rustup"]).context("rustup is missing")?;
    let mut command = Command::new(rustup);
    command.args(["target", "add", TARGET]).current_dir(place::root());
    program::run("rustup target add wasm32-unknown-unknown", command).map(|_| ())
}
