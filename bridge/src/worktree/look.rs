//! What worktrees hold. It reads and changes nothing, and what is wrong with one is told of that one alone.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::git::{Failed, Git};
use super::linked::Linked;
use super::make::changes;
use super::snapshot;
use super::walk::Walk;
use super::{Custody, in_place};

/// Files of one worktree that are looked at; its bytes are those of that many.
const FILES: usize = 1_000_000;

/// One worktree, or what is in the place of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) path: PathBuf,
    /// What it holds, or why that cannot be told, as a sentence's end.
    pub(crate) state: Result<Look, String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Look {
    /// The repository's own checkout, or the repository where it has none.
    pub(crate) of: PathBuf,
    /// None where HEAD is detached.
    pub(crate) branch: Option<String>,
    pub(crate) head: String,
    /// Paths that are not committed, untracked files each for itself.
    pub(crate) changes: usize,
    pub(crate) ignored: Ignored,
    /// Of the files in its folder, the first million of them.
    pub(crate) bytes: u64,
    /// Commits of its branch that are on no other branch here; none where HEAD is detached.
    pub(crate) ahead: Option<u32>,
}

/// Files that git is told to ignore, which no snapshot keeps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ignored {
    pub(crate) files: usize,
    pub(crate) bytes: u64,
    /// They, or the folders at the top that they are in, with their bytes.
    pub(crate) tops: BTreeMap<PathBuf, u64>,
}

/// What git alone tells quickly of a worktree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Glance {
    pub(crate) of: PathBuf,
    pub(crate) branch: Option<String>,
    pub(crate) head: String,
    pub(crate) changes: usize,
}

impl Ignored {
    /// The names of the least first, as those are what somebody wrote by hand, and of how many more there are.
    pub(super) fn named(&self) -> String {
        /// Names that are easily read at once.
        const NAMES: usize = 6;
        let mut tops: Vec<_> = self.tops.iter().collect();
        tops.sort_by_key(|(_, bytes)| **bytes);
        let mut names: Vec<String> =
            tops.iter().take(NAMES).map(|(top, _)| top.display().to_string()).collect();
        if let Some(more) = tops.len().checked_sub(NAMES).filter(|more| *more > 0) {
            names.push(format!("{more} more"));
        }
        names.join(", ")
    }
}

impl Custody {
    /// All below the root, and those that are known to be in custody wherever they are, by path.
    pub(crate) fn list(&self, known: &[PathBuf]) -> Vec<Held> {
        let (mut paths, problem) = match self.folders() {
            Ok(folders) => (folders, None),
            Err(error) => {
                (Vec::new(), Some(Held { path: self.root.clone(), state: Err(unreadable(&error)) }))
            }
        };
        paths.extend(known.iter().map(|path| dunce::canonicalize(path).unwrap_or_else(|_| path.clone())));
        paths.sort();
        paths.dedup();
        let held = paths.into_iter().map(|path| Held { state: Self::look(&path), path });
        problem.into_iter().chain(held).collect()
    }

    /// What the worktree at `path` holds, files and all.
    ///
    /// # Errors
    /// Why that cannot be told, as a sentence's end.
    pub(crate) fn look(path: &Path) -> Result<Look, String> {
        let glance = Self::glance(path)?;
        let told = || -> Result<Look, Failed> {
            let linked = Linked::at(path).map_err(|why| Failed::Said(why.to_string()))?;
            let git = linked.git();
            let ignored = ignored(path, snapshot::ignored(&git)?)?;
            let ahead = glance.branch.as_deref().map(|branch| ahead(&git, branch)).transpose()?.flatten();
            let bytes = Walk::of(path, FILES)?.bytes();
            let Glance { of, branch, head, changes } = glance;
            Ok(Look { of, branch, head, changes, ignored, bytes, ahead })
        };
        told().map_err(|failed| failed.to_string())
    }

    /// The quick part of a look.
    ///
    /// # Errors
    /// Why that cannot be told, as a sentence's end.
    pub(crate) fn glance(path: &Path) -> Result<Glance, String> {
        match fs::symlink_metadata(path) {
            Ok(file) if file.is_dir() => {}
            Ok(_) => return Err("it is no folder".to_owned()),
            Err(error) if error.kind() == ErrorKind::NotFound => return Err("it is gone".to_owned()),
            Err(error) => return Err(unreadable(&error)),
        }
        if in_place(path).is_some() {
            return Err("it is being removed or restored, or that was interrupted".to_owned());
        }
        let linked = Linked::at(path).map_err(|why| why.to_string())?;
        let git = linked.git();
        let told = || -> Result<Option<Glance>, Failed> {
            let Some(head) = snapshot::head(&git)? else { return Ok(None) };
            let branch = snapshot::branch(&git)?;
            Ok(Some(Glance { of: linked.of(), branch, head, changes: changes(&git)? }))
        };
        match told() {
            Ok(glance) => glance.ok_or_else(|| "what is checked out in it has no commit".to_owned()),
            Err(failed) => Err(failed.to_string()),
        }
    }
}

fn unreadable(error: &std::io::Error) -> String {
    format!("it cannot be read: {error}")
}

/// How much git is told to ignore below `root`.
pub(super) fn ignored(root: &Path, paths: impl IntoIterator<Item = PathBuf>) -> Result<Ignored, Failed> {
    let mut ignored = Ignored::default();
    for path in paths {
        let whole = root.join(&path);
        let bytes = match fs::symlink_metadata(&whole) {
            // A repository of its own, which git names as one.
            Ok(file) if file.is_dir() => Walk::of(&whole, FILES)?.bytes(),
            Ok(file) => file.len(),
            // It went meanwhile.
            Err(_) => continue,
        };
        ignored.files += 1;
        ignored.bytes += bytes;
        if let Some(top) = path.components().next() {
            *ignored.tops.entry(PathBuf::from(top.as_os_str())).or_default() += bytes;
        }
    }
    Ok(ignored)
}

fn ahead(git: &Git, branch: &str) -> Result<Option<u32>, Failed> {
    let (others, own) = (format!("--exclude={branch}"), format!("refs/heads/{branch}"));
    Ok(git.word(["rev-list", "--count", &own, "--not", &others, "--branches"])?.parse().ok())
}
