//! Where things are: the checkout, what is built, and the user's folder of tools.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::system::is_program;

/// The checkout's root.
pub fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_owned()
}

/// The built page, which the bridge embeds.
pub fn dist() -> PathBuf {
    root().join("frontend/dist")
}

/// The page as `cargo xtask dev` builds it.
pub fn dist_dev() -> PathBuf {
    root().join("frontend/dist-dev")
}

/// Cargo's output, and below it what this program remembers between runs.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// The built binary of a profile (`release` or `debug`).
pub fn binary(profile: &str) -> PathBuf {
    target().join(profile).join("orchestrator")
}

/// The folder of tools: `ORCHESTRATOR_TOOLS`, or `orchestrator/tools` in the user's cache folder.
///
/// # Errors
/// Neither that variable nor a home folder is set.
pub fn tools() -> Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = || set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
    set("ORCHESTRATOR_TOOLS")
        .or_else(|| cache().map(|cache| cache.join("orchestrator/tools")))
        .context("no place for the tools: HOME is not set. Next: set HOME, or ORCHESTRATOR_TOOLS to a folder")
}

/// The first of these programs that is on the PATH.
pub fn on_path(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    names.iter().find_map(|name| folders.iter().map(|folder| folder.join(name)).find(|file| is_program(file)))
}
