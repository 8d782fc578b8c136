//! Every file below a worktree's folder, by what the disk says and not by what git does: what git does not name (a folder
//! that it cannot read, a file that it was told to overlook) must not be lost for that. Links are not followed.

use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::git::Failed;

/// One file or link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// Relative to the worktree's folder.
    pub(super) path: PathBuf,
    pub(super) kind: Kind,
    pub(super) stamp: Stamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File {
        executable: bool,
    },
    Link,
    /// A pipe, a socket, a device: it holds no bytes.
    Other,
}

/// What changes when a file is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) bytes: u64,
    modified: Option<SystemTime>,
    /// The file itself, its mode and when either was changed, where the system tells.
    itself: [i128; 4],
}

impl Stamp {
    pub(super) fn of(file: &Metadata) -> Self {
        Self { bytes: file.len(), modified: file.modified().ok(), itself: itself(file) }
    }
}

#[cfg(unix)]
fn itself(file: &Metadata) -> [i128; 4] {
    use std::os::unix::fs::MetadataExt as _;
    [file.ino().into(), file.mode().into(), file.ctime().into(), file.ctime_nsec().into()]
}

#[cfg(not(unix))]
fn itself(_: &Metadata) -> [i128; 4] {
    [0; 4]
}

#[cfg(unix)]
fn executable(file: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.permissions().mode() & 0o100 != 0
}

#[cfg(not(unix))]
fn executable(_: &Metadata) -> bool {
    false
}

impl Kind {
    pub(super) fn of(file: &Metadata) -> Self {
        if file.is_symlink() {
            Self::Link
        } else if file.is_file() {
            Self::File { executable: executable(file) }
        } else {
            Self::Other
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Walk {
    pub(super) files: Vec<Found>,
    /// Each `.git` but the worktree's own: a repository in it, whose commits may be nowhere else.
    pub(super) repositories: Vec<PathBuf>,
}

impl Walk {
    /// Everything below `root`, of which no more than `most` files are looked at.
    ///
    /// # Errors
    /// A folder cannot be read. What vanishes meanwhile is left out.
    pub(super) fn of(root: &Path, most: usize) -> Result<Self, Failed> {
        let mut walk = Self::default();
        let mut folders = vec![PathBuf::new()];
        while let Some(folder) = folders.pop() {
            let whole = root.join(&folder);
            let entries = match fs::read_dir(&whole) {
                Ok(entries) => entries,
                Err(error) if error.kind() == ErrorKind::NotFound && whole != root => continue,
                Err(error) => return Err(Failed::disk(&whole, error)),
            };
            for entry in entries {
                let entry = entry.map_err(|error| Failed::disk(&whole, error))?;
                let path = folder.join(entry.file_name());
                // Git takes no other spelling of it for a file's name either.
                if entry.file_name().eq_ignore_ascii_case(".git") {
                    if path != Path::new(".git") {
                        walk.repositories.push(path);
                    }
                    continue;
                }
                let file = match entry.metadata() {
                    Ok(file) => file,
                    Err(error) if error.kind() == ErrorKind::NotFound => continue,
                    Err(error) => return Err(Failed::disk(&root.join(path), error)),
                };
                if file.is_dir() {
                    folders.push(path);
                } else if walk.files.len() < most {
                    walk.files.push(Found { path, kind: Kind::of(&file), stamp: Stamp::of(&file) });
                } else {
                    return Ok(walk);
                }
            }
        }
        walk.files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(walk)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.stamp.bytes).sum()
    }
}
