//! A place in git's record of a worktree for files of our own, on the repository's disk.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;

use super::git::{Failed, Git};
use super::linked::Linked;

/// What its name begins with.
const SCRATCH: &str = "orchestrator-scratch-";

/// It is removed when nobody needs it any more, and goes with the record at the latest.
#[derive(Debug)]
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn new(linked: &Linked) -> Result<Self, Failed> {
        let folder = linked.record.join(format!("{SCRATCH}{}", uuid::Uuid::now_v7()));
        let objects = folder.join("objects").join("info");
        let made = || {
            fs::create_dir(&folder)?;
            fs::create_dir_all(&objects)?;
            // The repository's own, which are only read.
            let mut line = linked.common.join("objects").as_os_str().as_encoded_bytes().to_vec();
            line.push(b'\n');
            fs::write(objects.join("alternates"), line)
        };
        made().map_err(|error| Failed::disk(&folder, error))?;
        Ok(Self(folder))
    }

    pub(super) fn place(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// A file with this in it, from its beginning.
    pub(super) fn holding(&self, name: &str, bytes: &[u8]) -> Result<File, Failed> {
        let path = self.place(name);
        let made = fs::write(&path, bytes).and_then(|()| File::open(&path));
        made.map_err(|error| Failed::disk(&path, error))
    }

    /// Git that checks files of a commit out, by an index of its own and from an empty folder: it converts them as the
    /// commit's attributes say, and not as those do that lie in the worktree.
    pub(super) fn checkout(&self, linked: &Linked, commit: &str) -> Result<Git, Failed> {
        let empty = self.place("empty");
        fs::create_dir_all(&empty).map_err(|error| Failed::disk(&empty, error))?;
        let git = Git::with(&linked.record, &empty).set("GIT_INDEX_FILE", self.place("head"));
        git.run(["read-tree", commit])?;
        Ok(git)
    }
}

/// Removes the places that an interruption left behind. Nothing else of ours may be at work there.
///
/// # Errors
/// The record cannot be read, or one cannot be removed.
pub(super) fn clear(linked: &Linked) -> io::Result<()> {
    for entry in fs::read_dir(&linked.record)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(SCRATCH) && entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed goes with git's record of the worktree.
        let _ = fs::remove_dir_all(&self.0);
    }
}
