//! What there is to say of a Windows system.

use std::path::{Path, PathBuf};

use shared::api::Finding;

use super::warning;
use crate::supervisor::END_WITH_BRIDGE;
use crate::win32::{self, rights};

/// Looks at the system itself.
pub(super) fn examine() -> Vec<Finding> {
    let known = END_WITH_BRIDGE.map(|what| warning(what, "Leave the bridge running while they work."));
    known.into_iter().collect()
}

/// What closes a file or folder that others may read; nothing when they may not.
pub(super) fn open_to_others(path: &Path) -> Option<String> {
    let open = win32::rights(path).map_or(true, |list| rights::open_to_others(&list));
    let below = if path.is_dir() { "(OI)(CI)" } else { "" };
    open.then(|| format!("icacls \"{}\" /inheritance:r /grant:r \"%USERNAME%:{below}F\"", path.display()))
}

/// Files in which others see something of a process: there are none here.
pub(super) fn shown_of(_pid: i32) -> impl Iterator<Item = PathBuf> {
    std::iter::empty()
}
