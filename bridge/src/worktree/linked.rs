//! A linked worktree as it stands on disk: its folder, git's record of it (`.git/worktrees/<id>`) and the repository
//! that both belong to. Read from the files that gitrepository-layout(5) describes; nothing is started for it.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::git::{Git, to_path};

/// What git leaves where it is in the middle of something that the person has to end.
const UNDER_WAY: [(&str, &str); 7] = [
    ("MERGE_HEAD", "a merge"),
    ("CHERRY_PICK_HEAD", "a cherry-pick"),
    ("REVERT_HEAD", "a revert"),
    ("rebase-merge", "a rebase"),
    ("rebase-apply", "a rebase"),
    ("sequencer", "a cherry-pick or revert of several commits"),
    ("BISECT_LOG", "a bisect"),
];
/// What the reason of a lock begins with when it is ours.
pub(super) const OURS: &str = "orchestrator: ";
/// In git's record, while the folder stands aside: the commit whose files it is to hold, and the one checked out.
const MARK: &str = "orchestrator-aside";

#[derive(Debug, Clone)]
pub(super) struct Linked {
    /// Where its files are just now.
    pub(super) tree: PathBuf,
    /// Git's record of it.
    pub(super) record: PathBuf,
    /// The repository's folder, which all its worktrees share.
    pub(super) common: PathBuf,
}

/// Why a folder is no linked worktree.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotLinked {
    #[error("git does not know it as a worktree: it has no .git")]
    Plain,
    #[error("it is a repository's own checkout and no linked worktree")]
    Main,
    #[error("git does not know it as a worktree: its record {} is gone", .0.display())]
    NoRecord(PathBuf),
    #[error("git knows this worktree at another place: {}", .0.display())]
    Elsewhere(PathBuf),
    #[error("its .git leads to the repository {}, which it was not made from", .0.display())]
    Strange(PathBuf),
    #[error("its .git cannot be read: {0}")]
    Unreadable(#[from] io::Error),
}

impl Linked {
    /// The worktree at `path`, which git has to know there.
    pub(super) fn at(path: &Path) -> Result<Self, NotLinked> {
        let linked = Self::aside(path)?;
        let known = linked.known_at()?;
        // Of a folder that was copied, the record is the other's.
        match (dunce::canonicalize(&known), dunce::canonicalize(path.join(".git"))) {
            (Ok(known), Ok(here)) if known == here => Ok(linked),
            _ => Err(NotLinked::Elsewhere(known)),
        }
    }

    /// The worktree whose files are at `tree`, wherever git knows it.
    pub(super) fn aside(tree: &Path) -> Result<Self, NotLinked> {
        let file = tree.join(".git");
        match fs::symlink_metadata(&file) {
            Ok(file) if file.is_file() => {}
            Ok(_) => return Err(NotLinked::Main),
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(NotLinked::Plain),
            Err(error) => return Err(error.into()),
        }
        let said = fs::read(&file)?;
        let record = said.strip_prefix(b"gitdir:").ok_or(NotLinked::Plain)?;
        let record = tree.join(to_path(record.trim_ascii()));
        let Ok(record) = dunce::canonicalize(&record) else { return Err(NotLinked::NoRecord(record)) };
        let common = match fs::read(record.join("commondir")) {
            Ok(common) => dunce::canonicalize(record.join(to_path(common.trim_ascii())))?,
            // A submodule, or a repository whose folder stands elsewhere.
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(NotLinked::Main),
            Err(error) => return Err(error.into()),
        };
        // The record is deleted in the end, so it must be what it seems to be.
        if record.parent() != Some(&common.join("worktrees")) {
            return Err(NotLinked::Main);
        }
        // Who may write in the worktree may have it lead to a repository of their own.
        if group_of(tree).is_some_and(|name| *name != *super::make::group(&common)) {
            return Err(NotLinked::Strange(home(&common)));
        }
        Ok(Self { tree: tree.to_owned(), record, common })
    }

    /// Where git knows its `.git`.
    fn known_at(&self) -> io::Result<PathBuf> {
        let known = fs::read(self.record.join("gitdir"))?;
        Ok(self.record.join(to_path(known.trim_ascii_end())))
    }

    pub(super) fn is_known_at(&self, path: &Path) -> bool {
        self.known_at().is_ok_and(|known| known == path.join(".git"))
    }

    /// The same with its files at another place.
    pub(super) fn moved(&self, tree: &Path) -> Self {
        Self { tree: tree.to_owned(), ..self.clone() }
    }

    /// Tells git that it is at `self.tree`, should a command have noted the place where it stood aside.
    pub(super) fn mend(&self) -> io::Result<()> {
        let here = self.tree.join(".git");
        let known = self.known_at().and_then(dunce::canonicalize);
        if known.ok() == dunce::canonicalize(&here).ok() {
            return Ok(());
        }
        let mut line = here.as_os_str().as_encoded_bytes().to_vec();
        line.push(b'\n');
        fs::write(self.record.join("gitdir"), line)
    }

    pub(super) fn git(&self) -> Git {
        Git::with(&self.record, &self.tree)
    }

    /// What a person calls the repository: the folder of its own checkout, or its own where it has none.
    pub(super) fn of(&self) -> PathBuf {
        home(&self.common)
    }

    /// Why it is locked, where it is.
    pub(super) fn locked(&self) -> Option<String> {
        let reason = fs::read(self.record.join("locked")).ok()?;
        Some(String::from_utf8_lossy(&reason).trim().to_owned())
    }

    pub(super) fn under_way(&self) -> Option<&'static str> {
        let here = |file: &&(&str, &str)| self.record.join(file.0).exists();
        UNDER_WAY.iter().find(here).map(|(_, what)| *what)
    }

    pub(super) fn set_mark(&self, mark: &Mark) -> io::Result<()> {
        // On the disk before the first file is deleted.
        let mut file = File::create(self.record.join(MARK))?;
        write!(file, "{}\n{}\n", mark.holds, mark.head)?;
        file.sync_all()
    }

    pub(super) fn mark(&self) -> Option<Mark> {
        let mark = fs::read_to_string(self.record.join(MARK)).ok()?;
        let (holds, head) = mark.trim().split_once('\n')?;
        Some(Mark { holds: holds.to_owned(), head: head.to_owned() })
    }

    pub(super) fn clear_mark(&self) -> io::Result<()> {
        match fs::remove_file(self.record.join(MARK)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// The name of the folder for a repository's worktrees that this one lies in; none where it lies elsewhere. The lock of
/// [`super::Custody::lock`] tells a root of ours.
fn group_of(tree: &Path) -> Option<&OsStr> {
    let group = tree.parent()?;
    let root = group.parent()?;
    let ours = root.file_name().is_some_and(|name| name == super::ROOT) && root.join(super::LOCK).is_file();
    if ours { group.file_name() } else { None }
}

/// The repository's folder of a checkout, by the files alone.
pub(super) fn common_of(checkout: &Path) -> io::Result<PathBuf> {
    let file = checkout.join(".git");
    let record = match fs::symlink_metadata(&file) {
        Ok(found) if found.is_file() => {
            let said = fs::read(&file)?;
            checkout.join(to_path(said.strip_prefix(b"gitdir:").unwrap_or(&said).trim_ascii()))
        }
        Ok(_) => file,
        // A repository without a checkout of its own.
        Err(error) if error.kind() == ErrorKind::NotFound => checkout.to_owned(),
        Err(error) => return Err(error),
    };
    match fs::read(record.join("commondir")) {
        Ok(common) => dunce::canonicalize(record.join(to_path(common.trim_ascii()))),
        Err(error) if error.kind() == ErrorKind::NotFound => dunce::canonicalize(record),
        Err(error) => Err(error),
    }
}

/// What a folder that stands aside has to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    /// The commit that has its files.
    pub(super) holds: String,
    /// The commit that was checked out. What is the same in both is as a checkout writes it.
    pub(super) head: String,
}

/// The folder of a repository's own checkout; the repository's own where it has none.
pub(super) fn home(common: &Path) -> PathBuf {
    match common.parent() {
        Some(above) if common.file_name().is_some_and(|name| name == ".git") => above.to_owned(),
        _ => common.to_owned(),
    }
}

/// The folders that the repository has a record of, whether they are there or not.
pub(super) fn recorded(common: &Path) -> Vec<PathBuf> {
    let records = fs::read_dir(common.join("worktrees")).into_iter().flatten().flatten();
    let known = records.filter_map(|record| {
        let known = fs::read(record.path().join("gitdir")).ok()?;
        Some(record.path().join(to_path(known.trim_ascii_end())).parent()?.to_owned())
    });
    known.collect()
}
