//! Taking a worktree away without losing a byte that is committed nowhere: it is moved aside, so that whoever writes by
//! its path gets an error and no silence; then all of it is put into a snapshot; then it is read again, and only what is
//! as it was read is deleted, file by file.

use std::collections::HashMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::busy::at_work;
use super::git::Failed;
use super::linked::{Linked, Mark};
use super::look::{Ignored, ignored};
use super::put_back::put_back;
use super::scratch::Scratch;
use super::snapshot::{self, Held, Kept, Reading};
use super::walk::{Found, Kind, Stamp, Walk};
use super::{Custody, NextStep, aside, come_back, is_there};

/// Readings that may find that something still writes.
const TRIES: usize = 3;
/// How long it is waited for whoever writes just now.
const PATIENCE: Duration = Duration::from_secs(2);
const STEP: Duration = Duration::from_millis(20);

/// What becomes of files that git ignores; no snapshot keeps them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IgnoredFiles {
    /// A worktree that has some is not removed.
    Keep,
    Drop,
}

/// What is left of a worktree that was removed, and all that it takes to restore it. Of its files are kept: names, bytes,
/// links and whether they may be run; not empty folders, times and other rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Removed {
    /// The commit with what was on no branch; none where there was no such thing.
    pub(crate) snapshot: Option<String>,
    /// None where HEAD was detached.
    pub(crate) branch: Option<String>,
    /// The commit that was checked out.
    pub(crate) head: String,
    /// Of its files.
    pub(crate) bytes: u64,
}

/// Why a worktree was not removed. It is then as it was.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotRemoved {
    #[error("{} is not there", .0.display())]
    Gone(PathBuf),
    #[error("{path} is no worktree to remove: {why}", path = path.display())]
    NotLinked { path: PathBuf, why: String },
    #[error("{} was neither made nor taken over by this program", .0.display())]
    NotOurs(PathBuf),
    #[error("git is in the middle of {what} in {path}", path = path.display())]
    UnderWay { path: PathBuf, what: &'static str },
    #[error("what is checked out in {} has no commit yet", .0.display())]
    NoCommit(PathBuf),
    #[error("{path} has repositories of its own: {}", named(which), path = path.display())]
    Repositories { path: PathBuf, which: Vec<PathBuf> },
    #[error("{path} holds {files} ignored files with {bytes} bytes: {}", ignored.named(), path = path.display(), files = ignored.files, bytes = ignored.bytes)]
    Ignored { path: PathBuf, ignored: Ignored },
    #[error("{path} is in use by {}", who.join(", "), path = path.display())]
    InUse { path: PathBuf, who: Vec<String> },
    #[error("something still changes files in {}", .0.display())]
    Changing(PathBuf),
    #[error("{} is in the way", .0.display())]
    Taken(PathBuf),
    #[error("{path} cannot be moved aside: {source}", path = path.display())]
    Stuck { path: PathBuf, source: io::Error },
    #[error("{why}; it stands at {aside} now and could not be put back: {source}", aside = aside.display())]
    Stranded { aside: PathBuf, why: Box<NotRemoved>, source: io::Error },
    #[error(transparent)]
    Git(#[from] Failed),
}

fn named(which: &[PathBuf]) -> String {
    which.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

impl NextStep for NotRemoved {
    fn next_step(&self) -> &'static str {
        match self {
            Self::Gone(_) => {
                "It may have been removed already: `orchestrator worktrees` says so, and brings it back."
            }
            Self::NotLinked { .. } => {
                "Run `git worktree repair` in it, or save its files and delete the folder by hand."
            }
            Self::NotOurs(_) => "Let it be taken over first, or remove it with `git worktree remove`.",
            Self::UnderWay { .. } => "End that in the worktree, or abort it, and try again.",
            Self::NoCommit(_) => "Commit there, or check out a branch that has a commit.",
            Self::Repositories { .. } => "Save what they hold elsewhere, delete them from it and try again.",
            Self::Ignored { .. } => "Save those that you need, and let the others go with `--with-ignored`.",
            Self::InUse { .. } => "End that program, or wait for it, and try again.",
            Self::Changing(_) => "End what works in it and try again.",
            Self::Taken(_) => "Move that folder away and try again.",
            Self::Stuck { .. } => {
                "Close the programs that have it open, see to its permissions and try again."
            }
            Self::Stranded { .. } => {
                "Move away what is in its place and start the bridge again: it is put back then."
            }
            Self::Git(failed) => failed.next_step(),
        }
    }
}

impl Custody {
    /// Removes the worktree at `path`: its folder and git's record of it. Its branch stays. What it holds and no branch
    /// does is in the snapshot, which a reference under `refs/orchestrator/snapshots` keeps.
    ///
    /// # Errors
    /// Then it is as it was, in its place.
    pub(crate) fn remove(&self, path: &Path, files: IgnoredFiles) -> Result<Removed, NotRemoved> {
        let _locked = self.lock()?;
        let path = dunce::canonicalize(path).map_err(|_| NotRemoved::Gone(path.to_owned()))?;
        let linked = Linked::at(&path)
            .map_err(|why| NotRemoved::NotLinked { path: path.clone(), why: why.to_string() })?;
        if !self.holds(&linked) {
            return Err(NotRemoved::NotOurs(path));
        }
        let removal = Removal { path: &path, linked: linked.moved(&aside(&path)), files };
        // Once before it is moved: who is told no must not have been disturbed.
        let walk = Walk::of(&path, usize::MAX)?;
        removal.may(&linked, walk.repositories, snapshot::ignored(&linked.git())?)?;
        if is_there(&removal.linked.tree) {
            return Err(NotRemoved::Taken(removal.linked.tree));
        }
        fs::rename(&path, &removal.linked.tree)
            .map_err(|source| NotRemoved::Stuck { path: path.clone(), source })?;
        let taken = removal.take();
        taken.map_err(|why| match removal.undo() {
            Ok(()) => why,
            Err(source) => {
                NotRemoved::Stranded { aside: removal.linked.tree.clone(), why: Box::new(why), source }
            }
        })
    }
}

/// A worktree that is to go.
struct Removal<'a> {
    /// Its place.
    path: &'a Path,
    /// It, standing aside.
    linked: Linked,
    files: IgnoredFiles,
}

impl Removal<'_> {
    /// Whether anything in it forbids it.
    fn may(
        &self,
        linked: &Linked,
        mut repositories: Vec<PathBuf>,
        ignoring: impl IntoIterator<Item = PathBuf>,
    ) -> Result<(), NotRemoved> {
        let path = || self.path.to_owned();
        if let Some(what) = linked.under_way() {
            return Err(NotRemoved::UnderWay { path: path(), what });
        }
        // Those of modules that were checked out once.
        let modules = linked.record.join("modules");
        if fs::read_dir(&modules).is_ok_and(|mut modules| modules.next().is_some()) {
            repositories.push(modules);
        }
        if !repositories.is_empty() {
            return Err(NotRemoved::Repositories { path: path(), which: repositories });
        }
        let ignored = ignored(&linked.tree, ignoring)?;
        if self.files == IgnoredFiles::Keep && ignored.files > 0 {
            return Err(NotRemoved::Ignored { path: path(), ignored });
        }
        Ok(())
    }

    /// Puts it in its place again, unless files are missing in it that the snapshot has: whoever finds it then would
    /// take them for deleted.
    fn undo(&self) -> io::Result<()> {
        if let Some(mark) = self.linked.mark() {
            put_back(&self.linked, &mark).map_err(io::Error::other)?;
        }
        come_back(&self.linked, self.path)
    }

    /// Keeps what is in it and deletes it.
    fn take(&self) -> Result<Removed, NotRemoved> {
        let mut last = NotRemoved::Changing(self.path.to_owned());
        for _ in 0..TRIES {
            match self.try_once() {
                Ok(removed) => return Ok(removed),
                // It is not whole, and its snapshot is not to be taken anew from what is left.
                Err(problem) if self.linked.mark().is_some() => return Err(problem),
                // A file that goes while it is read, or a git command beside this one, is another cause to read again.
                Err(problem @ (NotRemoved::Changing(_) | NotRemoved::Git(_))) => last = problem,
                Err(problem) => return Err(problem),
            }
        }
        Err(last)
    }

    fn try_once(&self) -> Result<Removed, NotRemoved> {
        self.quiet()?;
        let scratch = Scratch::new(&self.linked)?;
        let reading = Reading::new(&self.linked, &scratch);
        let held = reading.held()?.ok_or_else(|| NotRemoved::NoCommit(self.path.to_owned()))?;
        self.may(&self.linked, held.repositories.clone(), held.ignored.iter().cloned())?;
        let kept = reading.keep(&held, self.path)?;
        drop(scratch);
        let removed = self.same(&held).and_then(|()| self.delete(&held, kept.as_ref()));
        if removed.is_err()
            && let Some(kept) = &kept
            && self.linked.mark().is_none()
        {
            kept.forget(&self.linked.git())?;
        }
        removed
    }

    /// Waits until nobody has a file of it open and no git command runs in it.
    fn quiet(&self) -> Result<(), NotRemoved> {
        let began = Instant::now();
        loop {
            let mut who = at_work(&self.linked.tree);
            let lock = self.linked.record.join("index.lock");
            if lock.exists() {
                who.push(format!("the git command that made {}", lock.display()));
            }
            if who.is_empty() {
                return Ok(());
            }
            if began.elapsed() > PATIENCE {
                return Err(NotRemoved::InUse { path: self.path.to_owned(), who });
            }
            thread::sleep(STEP);
        }
    }

    /// Whether it holds what it held.
    fn same(&self, held: &Held) -> Result<(), NotRemoved> {
        self.quiet()?;
        let scratch = Scratch::new(&self.linked)?;
        let again = Reading::new(&self.linked, &scratch).held()?;
        let under_way = self.linked.under_way().is_some();
        if again.as_ref() == Some(held) && !under_way {
            Ok(())
        } else {
            Err(NotRemoved::Changing(self.path.to_owned()))
        }
    }

    fn delete(&self, held: &Held, kept: Option<&Kept>) -> Result<Removed, NotRemoved> {
        let snapshot = kept.map(|kept| kept.commit.clone());
        let mark =
            Mark { holds: snapshot.clone().unwrap_or_else(|| held.head.clone()), head: held.head.clone() };
        let record = &self.linked.record;
        self.linked.set_mark(&mark).map_err(|error| Failed::disk(record, error))?;
        if let Err(problem) = self.sweep(held).and_then(|()| self.leave()) {
            put_back(&self.linked, &mark)?;
            self.linked.clear_mark().map_err(|error| Failed::disk(record, error))?;
            return Err(problem);
        }
        // Nothing is in the folder any more: a record of no folder at most is left.
        let _ = fs::remove_dir_all(record);
        if let Some(records) = record.parent() {
            // As git does after the last.
            let _ = fs::remove_dir(records);
        }
        Ok(Removed { snapshot, branch: held.branch.clone(), head: held.head.clone(), bytes: held.bytes })
    }

    /// Deletes all that was read and is as it was.
    fn sweep(&self, held: &Held) -> Result<(), NotRemoved> {
        let known: HashMap<&Path, &Found> =
            held.files.iter().map(|file| (file.path.as_path(), file)).collect();
        let goes = |path: &Path, kind: Kind, stamp: &Stamp| {
            kind == Kind::Other
                || held.ignored.contains(path)
                || known.get(path).is_some_and(|known| known.kind == kind && known.stamp == *stamp)
        };
        // All of it once before the first goes: what may be dropped is not, unless the rest may.
        let walk = Walk::of(&self.linked.tree, usize::MAX)?;
        if !walk.repositories.is_empty()
            || !walk.files.iter().all(|file| goes(&file.path, file.kind, &file.stamp))
        {
            return Err(NotRemoved::Changing(self.path.to_owned()));
        }
        self.empty(Path::new(""), &goes)
    }

    fn empty(&self, folder: &Path, goes: &dyn Fn(&Path, Kind, &Stamp) -> bool) -> Result<(), NotRemoved> {
        let whole = self.linked.tree.join(folder);
        let entries = fs::read_dir(&whole).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        for entry in entries.map_err(|error| Failed::disk(&whole, error))? {
            let path = folder.join(entry.file_name());
            let file = entry.metadata().map_err(|error| Failed::disk(&entry.path(), error))?;
            let gone = if path == Path::new(".git") {
                continue;
            } else if file.is_dir() {
                self.empty(&path, goes)?;
                fs::remove_dir(entry.path())
            } else if goes(&path, Kind::of(&file), &Stamp::of(&file)) {
                fs::remove_file(entry.path())
            } else {
                return Err(NotRemoved::Changing(self.path.to_owned()));
            };
            gone.map_err(|error| self.not_gone(&entry.path(), error))?;
        }
        Ok(())
    }

    /// Removes the empty folder.
    fn leave(&self) -> Result<(), NotRemoved> {
        let (tree, file) = (&self.linked.tree, self.linked.tree.join(".git"));
        let leads = fs::read(&file).map_err(|error| Failed::disk(&file, error))?;
        fs::remove_file(&file).map_err(|error| Failed::disk(&file, error))?;
        fs::remove_dir(tree).map_err(|error| {
            // It holds something new; with this it is a worktree again.
            let again = fs::write(&file, leads);
            self.not_gone(tree, again.err().unwrap_or(error))
        })
    }

    fn not_gone(&self, path: &Path, error: io::Error) -> NotRemoved {
        if error.kind() == ErrorKind::DirectoryNotEmpty {
            NotRemoved::Changing(self.path.to_owned())
        } else {
            Failed::disk(path, error).into()
        }
    }
}
