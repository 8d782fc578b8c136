//! The compiler's WASM target: rustup's, or, where its downloads are out of reach, one built from Debian's
//! sources (`wasm_std`).

use std::collections::BTreeMap;
use std::ffi::OsString;

use anyhow::{Context, Result};

use super::{rustup, wasm_std};
use crate::say;

/// The target's name.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// Makes sure that WASM can be compiled; gives the variables that the build needs for it (usually none).
///
/// # Errors
/// There is no such target and neither way gives one.
pub fn ready() -> Result<BTreeMap<String, OsString>> {
    if rustup::has(TARGET) {
        return Ok(BTreeMap::new());
    }
    if let Some(env) = wasm_std::built()? {
        return Ok(env);
    }
    let Err(error) = rustup::add(TARGET) else { return Ok(BTreeMap::new()) };
    say::line(&format!("      {error:#}; building the target from Debian's sources instead"));
    wasm_std::build().context("the WASM target cannot be had. Next: rustup target add wasm32-unknown-unknown")
}
