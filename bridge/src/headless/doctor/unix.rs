//! What the bridge needs of a Unix system.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use shared::api::Finding;

use super::{bad, warning, well};

/// Folders that inotify must be able to watch: one for each run.
const WATCHES: u64 = 1_024;
/// Open files that two hundred agents need.
const FILES: u64 = 4_096;

/// Looks at the system itself.
pub(super) fn examine() -> Vec<Finding> {
    vec![processes(), watches(), files()]
}

/// What closes a file or folder that others may read; nothing when they may not.
pub(super) fn open_to_others(path: &Path) -> Option<String> {
    let closed = path.metadata().is_ok_and(|meta| meta.permissions().mode() & 0o077 == 0);
    let mode = if path.is_dir() { "0700" } else { "0600" };
    (!closed).then(|| format!("chmod {mode} {}", path.display()))
}

/// Files in which others see something of a process.
pub(super) fn shown_of(pid: i32) -> impl Iterator<Item = PathBuf> {
    ["cmdline", "environ"].into_iter().map(move |part| PathBuf::from(format!("/proc/{pid}/{part}")))
}

/// Runs are found and ended by what `/proc` says.
fn processes() -> Finding {
    let seen = std::fs::read_link("/proc/self").ok().and_then(|link| link.to_str()?.parse().ok());
    if seen == Some(std::process::id()) {
        well("processes can be seen in /proc")
    } else {
        bad(
            "/proc shows other processes than this system's",
            "Mount it in this container: mount -t proc proc /proc. Agents could not be supervised.",
        )
    }
}

fn watches() -> Finding {
    let setting = "/proc/sys/fs/inotify/max_user_watches";
    let most = std::fs::read_to_string(setting).ok().and_then(|text| text.trim().parse::<u64>().ok());
    match most {
        Some(most) if most >= WATCHES => well(format!("{most} folders can be watched")),
        Some(most) => warning(
            format!("only {most} folders can be watched at once; each agent needs one"),
            format!("sysctl fs.inotify.max_user_watches={}", 8 * WATCHES),
        ),
        None => bad(format!("{setting} cannot be read"), "A Linux with inotify is needed."),
    }
}

fn files() -> Finding {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum;
    match limit {
        Some(most) if most < FILES => warning(
            format!("a process may open only {most} files, which is little for many agents"),
            format!("Raise the hard limit: ulimit -Hn {FILES}"),
        ),
        _ => well("enough files can be open"),
    }
}
