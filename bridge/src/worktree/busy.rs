//! Who is at work in a folder just now: whoever has a file of it open for writing, and git commands that run in it. Told
//! from `/proc`; where there is none (macOS, Windows) nobody is named, and what changes is seen by reading twice.

use std::path::Path;

/// The processes, by number and name; those of others that may not be looked at are left out.
#[cfg(target_os = "linux")]
pub(super) fn at_work(folder: &Path) -> Vec<String> {
    use std::fs;

    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let busy = processes.filter_map(|process| {
        let id: u32 = process.file_name().to_str()?.parse().ok()?;
        let at = process.path();
        let name = fs::read_to_string(at.join("comm")).unwrap_or_default();
        let name = name.trim();
        let inside = fs::read_link(at.join("cwd")).is_ok_and(|cwd| cwd.starts_with(folder));
        let busy = (inside && name.starts_with("git")) || writes(&at, folder);
        busy.then(|| format!("{name} ({id})"))
    });
    busy.collect()
}

#[cfg(target_os = "linux")]
fn writes(process: &Path, folder: &Path) -> bool {
    use std::fs;

    /// The bits of a file's flags that say whether it may be written.
    const MODE: u32 = 0o3;
    let files = fs::read_dir(process.join("fd")).into_iter().flatten().flatten();
    files.into_iter().any(|file| {
        // One that was deleted carries a mark in its name, and is at no place any more.
        let open = fs::read_link(file.path()).is_ok_and(|path| path.starts_with(folder) && path.exists());
        open && {
            let about = process.join("fdinfo").join(file.file_name());
            let about = fs::read_to_string(about).unwrap_or_default();
            let flags = about.lines().find_map(|line| line.strip_prefix("flags:"));
            let flags = flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok());
            flags.is_none_or(|flags| flags & MODE != 0)
        }
    })
}

#[cfg(not(target_os = "linux"))]
pub(super) fn at_work(_: &Path) -> Vec<String> {
    Vec::new()
}
