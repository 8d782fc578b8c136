//! Custody of git worktrees: those that this program makes for goals, and those that it is asked to take over. It knows
//! what each holds, and takes none away before all that is on no branch is in a commit of the repository. A person's own
//! git may run beside it. It knows nothing of goals, the log or the network; whoever calls it waits, so not from an async
//! task.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

mod busy;
#[cfg(all(test, unix))]
mod chaos;
mod filters;
mod forget;
mod git;
mod limit;
mod linked;
mod look;
mod make;
mod put_back;
mod remove;
mod restore;
mod scratch;
mod snapshot;
#[cfg(all(test, unix))]
mod tests;
mod walk;

use git::Failed;
use linked::Linked;
pub(crate) use look::{Held, Look};
pub(crate) use make::Made;
pub(crate) use remove::{IgnoredFiles, Removed};

/// Bytes of a name that is made from what a person wrote.
const SLUG: usize = 40;
/// What a name becomes that has nothing in it to make one from.
const NAMELESS: &str = "goal";
/// What the folder of a worktree is called while it stands aside: nobody who writes by path reaches it there.
const ASIDE: &str = ".removing";

/// The folder of all worktrees in the data folder.
const ROOT: &str = "worktrees";
/// The file in it that is locked while a worktree comes or goes.
const LOCK: &str = "lock";

/// Why something was not done.
pub(crate) trait NextStep: std::error::Error {
    /// What a person can do about it, as sentences.
    fn next_step(&self) -> &'static str;
}

/// The worktrees of one data folder.
#[derive(Debug, Clone)]
pub(crate) struct Custody {
    root: PathBuf,
}

impl Custody {
    /// Under `data_dir/worktrees`, which need not be there yet.
    pub(crate) fn new(data_dir: &Path) -> Self {
        Self { root: data_dir.join(ROOT) }
    }

    /// Puts every worktree back in its place that an interruption left aside, whole as before: a half removal is undone, and
    /// what it wrote for itself goes.
    /// To be called when the bridge starts, before anything else here. `known` are worktrees in custody that may be
    /// elsewhere. One whose place is taken stays aside, and is listed so.
    ///
    /// # Errors
    /// A folder cannot be read, or one cannot be put back (the first such; the others are).
    pub(crate) fn recover(&self, known: &[PathBuf]) -> io::Result<()> {
        let mut left: Vec<PathBuf> = known.iter().map(|path| aside(path)).collect();
        left.extend(self.folders()?.into_iter().filter(|path| in_place(path).is_some()));
        left.sort();
        left.dedup();
        let mut first = Ok(());
        for aside in left {
            let Some(path) = in_place(&aside).filter(|path| is_there(&aside) && !is_there(path)) else {
                continue;
            };
            first = first.and(recovered(&aside, &path));
        }
        for path in known.iter().chain(&self.folders()?) {
            if let Ok(linked) = Linked::at(path)
                && self.holds(&linked)
            {
                first = first.and(scratch::clear(&linked));
            }
        }
        first
    }

    /// Whether the worktree at `path` belongs to the repository of the checkout `of`, as was noted when it was made or
    /// taken over. To be asked before it is looked at or removed: its `.git` can be written by whoever works in it.
    ///
    /// # Errors
    /// It does not, or that cannot be told: why, as a sentence's end.
    pub(crate) fn is_of(path: &Path, of: &Path) -> Result<(), NotOf> {
        let linked = Linked::at(path).map_err(|why| NotOf(why.to_string()))?;
        let common = linked::common_of(of)
            .map_err(|error| NotOf(format!("its repository {} cannot be read: {error}", of.display())))?;
        if linked.common == common {
            Ok(())
        } else {
            Err(NotOf(linked::NotLinked::Strange(linked.of()).to_string()))
        }
    }

    /// The folders two levels below the root; none where there is no root.
    fn folders(&self) -> io::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for group in below(&self.whole_root())? {
            found.extend(below(&group)?);
        }
        Ok(found)
    }

    /// The root without links, once it is there.
    fn whole_root(&self) -> PathBuf {
        dunce::canonicalize(&self.root).unwrap_or_else(|_| self.root.clone())
    }

    /// Whether it is this program's to remove: made by it, or taken over, which its lock tells.
    fn holds(&self, linked: &Linked) -> bool {
        let ours = || linked.locked().is_some_and(|reason| reason.starts_with(linked::OURS));
        linked.tree.starts_with(self.whole_root()) || ours()
    }

    /// Names are chosen and branches made by one at a time, in this process and of all that use the data folder.
    fn lock(&self) -> Result<Locked, Failed> {
        static HERE: Mutex<()> = Mutex::new(());
        let here = HERE.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.root.join(LOCK);
        let locked = fs::create_dir_all(&self.root).and_then(|()| {
            let file = File::options().create(true).append(true).open(&path)?;
            file.lock()?;
            Ok(file)
        });
        let file = locked.map_err(|error| Failed::disk(&path, error))?;
        Ok(Locked { _file: file, _here: here })
    }
}

/// Why a worktree is not taken for one of the repository that it was made from.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NotOf(String);

impl NextStep for NotOf {
    fn next_step(&self) -> &'static str {
        "Run `git worktree repair` in its repository, or save its files and delete the folder by hand."
    }
}

struct Locked {
    _file: File,
    _here: MutexGuard<'static, ()>,
}

/// Makes what stands at `aside` whole again and puts it at `path`.
fn recovered(aside: &Path, path: &Path) -> io::Result<()> {
    let Ok(linked) = Linked::aside(aside) else {
        // Not a worktree as git knows it, but still somebody's files.
        return fs::rename(aside, path);
    };
    if let Some(mark) = linked.mark() {
        put_back::put_back(&linked, &mark).map_err(io::Error::other)?;
    }
    come_back(&linked, path)
}

/// Puts a worktree that stands aside and is whole in its place.
fn come_back(linked: &Linked, path: &Path) -> io::Result<()> {
    if is_there(path) {
        return Err(io::Error::new(ErrorKind::AlreadyExists, format!("{} is taken", path.display())));
    }
    fs::rename(&linked.tree, path)?;
    let linked = linked.moved(path);
    linked.mend()?;
    linked.clear_mark()
}

fn aside(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ASIDE);
    PathBuf::from(name)
}

/// The place of a folder that stands aside; none where it does not.
fn in_place(aside: &Path) -> Option<PathBuf> {
    (aside.extension()? == &ASIDE[1..]).then(|| aside.with_extension(""))
}

fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// The folders in a folder, by name; none where it is not there.
fn below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries.collect::<io::Result<Vec<_>>>()?,
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    let folders = entries.into_iter().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let mut folders: Vec<PathBuf> = folders.map(|entry| entry.path()).collect();
    folders.sort();
    Ok(folders)
}

/// A name for a branch and a folder, from whatever a person wrote.
fn slug(name: &str) -> String {
    /// What no folder may be called on Windows.
    const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];
    let mut slug = String::new();
    for letter in name.chars().map(|letter| letter.to_ascii_lowercase()) {
        if slug.len() == SLUG {
            break;
        } else if letter.is_ascii_alphanumeric() {
            slug.push(letter);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    match slug {
        "" => NAMELESS.to_owned(),
        device if DEVICES.contains(&device) => format!("{NAMELESS}-{device}"),
        _ => slug.to_owned(),
    }
}
