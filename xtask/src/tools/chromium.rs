//! The browser of the end-to-end tests: the system's.

use std::path::PathBuf;

use anyhow::{Context, Result};

use super::apt;
use crate::place;

const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// The browser's program: `CHROMIUM`, or what is on the PATH, or Debian's, which is then installed.
///
/// # Errors
/// There is none and it cannot be installed.
pub fn ready() -> Result<PathBuf> {
    if let Some(set) = std::env::var_os("CHROMIUM").filter(|set| !set.is_empty()) {
        return Ok(set.into());
    }
    if let Some(found) = place::on_path(&NAMES) {
        return Ok(found);
    }
    apt::install(&["chromium"])
        .context("the end-to-end tests need Chromium; CHROMIUM may name its program")?;
    place::on_path(&NAMES).context("chromium was installed, but is not on the PATH")
}
