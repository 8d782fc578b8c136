//! What it takes to check for Windows from elsewhere: the compiler's target, and a C compiler for it, as some
//! dependencies hold C.

use anyhow::{Context, Result};

use super::{apt, rustup};
use crate::place;

/// The target's name: that of the linker which Debian has.
pub const TARGET: &str = "x86_64-pc-windows-gnu";
const COMPILER: &str = "x86_64-w64-mingw32-gcc";
const PACKAGE: &str = "gcc-mingw-w64-x86-64";

/// Makes sure that both are there.
///
/// # Errors
/// One of them cannot be had.
pub fn ready() -> Result<()> {
    if !rustup::has(TARGET) {
        rustup::add(TARGET)
            .with_context(|| format!("the Windows target cannot be had. Next: rustup target add {TARGET}"))?;
    }
    if place::on_path(&[COMPILER]).is_none() {
        apt::install(&[PACKAGE]).with_context(|| format!("there is no {COMPILER}"))?;
    }
    Ok(())
}
