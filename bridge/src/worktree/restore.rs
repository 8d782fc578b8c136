//! Undoing a removal, and taking over a worktree that somebody else made.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::git::{Failed, Git};
use super::linked::{Linked, Mark, OURS, home, recorded};
use super::make::{Made, NotMade, Source};
use super::put_back::put_back;
use super::remove::Removed;
use super::{Custody, NextStep, aside, come_back, is_there, snapshot};

/// Why a worktree was not restored. Its snapshot stays.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotRestored {
    #[error("{} is taken", .0.display())]
    Taken(PathBuf),
    #[error("its repository cannot be used: {0}")]
    Repository(#[source] NotMade),
    #[error("the repository does not have the commit {0} any more")]
    NoCommit(String),
    #[error(
        "its branch {branch} has gone on since it was removed; what was not committed there is in {kept}"
    )]
    Moved { branch: String, kept: String },
    #[error(transparent)]
    Git(#[from] Failed),
}

impl NextStep for NotRestored {
    fn next_step(&self) -> &'static str {
        match self {
            Self::Taken(_) => "Move that folder away and try again.",
            Self::Repository(why) => why.next_step(),
            Self::Moved { .. } => {
                "Take that over by hand: `git cherry-pick -n` with that commit, on the branch."
            }
            Self::NoCommit(_) => "Fetch that commit from a clone that has it, and try again.",
            Self::Git(failed) if failed.says("already") => {
                "Check out another branch where its branch is checked out now, and try again."
            }
            Self::Git(failed) => failed.next_step(),
        }
    }
}

/// Why a worktree was not taken over. It is as it was.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotAdopted {
    #[error("{} is not there", .0.display())]
    Gone(PathBuf),
    #[error("{path} cannot be taken over: {why}", path = path.display())]
    NotLinked { path: PathBuf, why: String },
    #[error("no branch with a commit is checked out in {}", .0.display())]
    NoBranch(PathBuf),
    #[error("{path} is locked by somebody else: {reason}", path = path.display())]
    Locked { path: PathBuf, reason: String },
    #[error(transparent)]
    Git(#[from] Failed),
}

impl NextStep for NotAdopted {
    fn next_step(&self) -> &'static str {
        match self {
            Self::Gone(_) => "Run `git worktree list` in the repository to see whether it was moved.",
            Self::NotLinked { .. } => "Name the top folder of a worktree that `git worktree add` made.",
            Self::NoBranch(_) => "Check out a branch in it (`git switch -c NAME`) and try again.",
            Self::Locked { .. } => {
                "Run `git worktree unlock` on it, if that reason is not yours, and try again."
            }
            Self::Git(failed) => failed.next_step(),
        }
    }
}

impl Custody {
    /// Undoes a removal: the worktree at the same path, on the same branch where it is now, or on one made anew of that
    /// name; its files as they were, and uncommitted as before. `of` is a checkout of its repository. The snapshot stays.
    /// It appears at its path only when it is whole.
    ///
    /// # Errors
    /// Then nothing is at the path.
    pub(crate) fn restore(&self, path: &Path, of: &Path, removed: &Removed) -> Result<Made, NotRestored> {
        let source = Source::of(of).map_err(NotRestored::Repository)?;
        let _locked = self.lock()?;
        let aside = aside(path);
        if let Some(taken) = [path, &aside].into_iter().find(|place| is_there(place)) {
            return Err(NotRestored::Taken(taken.to_owned()));
        }
        forget_gone(&source, path);
        for commit in removed.snapshot.iter().chain([&removed.head]) {
            let known = format!("{commit}^{{commit}}");
            if source.git.ask(["rev-parse", "--verify", "--quiet", &known])?.is_none() {
                return Err(NotRestored::NoCommit(commit.clone()));
            }
        }
        let mut made = made(&source.git, &source.common, path, removed.branch.clone(), removed.head.clone())?;
        made.of.clone_from(&source.top);
        if let Some(branch) = &removed.branch
            && let Some(tip) =
                source.git.ask(["rev-parse", "--verify", "--quiet", &format!("refs/heads/{branch}")])?
            && tip != removed.head
        {
            // Its files would stand there as if they undid what came since.
            let kept = removed.snapshot.clone().unwrap_or_else(|| removed.head.clone());
            return Err(NotRestored::Moved { branch: branch.clone(), kept });
        }
        let new = match &removed.branch {
            Some(branch) if !source.has_branch(branch)? => {
                source.new_branch(branch, &removed.head)?;
                Some(branch)
            }
            _ => None,
        };
        let restored = add(&source, path, removed).and_then(|linked| fill(&linked, path, &aside, removed));
        if restored.is_err()
            && let Some(branch) = new
        {
            source.drop_branch(branch, &removed.head);
        }
        restored?;
        Ok(made)
    }

    /// Takes over the linked worktree at `path`, wherever it is: it is locked as one that was made here.
    ///
    /// # Errors
    /// Then it is as it was.
    pub(crate) fn adopt(&self, path: &Path) -> Result<Made, NotAdopted> {
        let path = dunce::canonicalize(path).map_err(|_| NotAdopted::Gone(path.to_owned()))?;
        let linked = Linked::at(&path)
            .map_err(|why| NotAdopted::NotLinked { path: path.clone(), why: why.to_string() })?;
        let _locked = self.lock()?;
        // By git's own way to it, which says no where the repository is somebody else's.
        Git::from(&path).run(["rev-parse", "--git-dir"])?;
        let git = linked.git();
        let (Some(branch), Some(head)) = (snapshot::branch(&git)?, snapshot::head(&git)?) else {
            return Err(NotAdopted::NoBranch(path));
        };
        let made = made(&git, &linked.common, &path, Some(branch), head)?;
        match linked.locked() {
            Some(reason) if reason.starts_with(OURS) => {}
            Some(reason) => return Err(NotAdopted::Locked { path: made.path, reason }),
            None => {
                let reason = format!("{OURS}taken over");
                let args = ["worktree", "lock", "--reason", &reason].map(OsStr::new);
                git.run(args.into_iter().chain([made.path.as_os_str()]))?;
            }
        }
        Ok(made)
    }
}

/// Drops git's record of a worktree at `path` that a removal was interrupted at the very end of: its mark is still there.
fn forget_gone(source: &Source, path: &Path) {
    if !recorded(&source.common).iter().any(|known| known == path) {
        return;
    }
    for record in super::below(&source.common.join("worktrees")).unwrap_or_default() {
        let linked = Linked { tree: path.to_owned(), record, common: source.common.clone() };
        if linked.is_known_at(path) && linked.mark().is_some() {
            // If it cannot be, git says so next.
            let _ = fs::remove_dir_all(&linked.record);
        }
    }
}

/// A new worktree without its files.
fn add(source: &Source, path: &Path, removed: &Removed) -> Result<Linked, Failed> {
    let reason = format!("{OURS}restored");
    let args = ["worktree", "add", "--quiet", "--no-checkout", "--lock", "--reason", &reason].map(OsStr::new);
    let last: [&OsStr; 2] = match &removed.branch {
        Some(branch) => [path.as_ref(), branch.as_ref()],
        None => [path.as_ref(), removed.head.as_ref()],
    };
    let detached = removed.branch.is_none().then_some(OsStr::new("--detach"));
    source.git.run(args.into_iter().chain(detached).chain(last))?;
    Linked::at(path).map_err(|why| Failed::Said(why.to_string()))
}

/// Moves it aside, writes its files there and brings it back.
fn fill(linked: &Linked, path: &Path, aside: &Path, removed: &Removed) -> Result<(), Failed> {
    let holds = removed.snapshot.as_ref().unwrap_or(&removed.head).clone();
    let mark = Mark { holds, head: removed.head.clone() };
    let away = linked.moved(aside);
    let filled = linked
        .set_mark(&mark)
        .and_then(|()| fs::rename(path, aside))
        .map_err(|error| Failed::disk(path, error))
        .and_then(|()| put_back(&away, &mark))
        .and_then(|()| come_back(&away, path).map_err(|error| Failed::disk(path, error)));
    if filled.is_err() {
        // All that is in it was just written from the snapshot, or it is empty but for this.
        let _ = fs::remove_dir_all(aside);
        let _ = fs::remove_file(path.join(".git"));
        let _ = fs::remove_dir(path);
        let _ = fs::remove_dir_all(&linked.record);
    }
    filled
}

/// What is said of a worktree at `path` with this checked out: it began where it left what is checked out in the
/// repository's own checkout.
fn made(git: &Git, common: &Path, path: &Path, branch: Option<String>, head: String) -> Result<Made, Failed> {
    let of = home(common);
    let (own, left) = match Source::of(&of) {
        Ok(source) => {
            (source.git.ask(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])?, source.left()?)
        }
        // A repository without a checkout of its own.
        Err(_) => (None, 0),
    };
    let base = match own {
        Some(own) => git.ask(["merge-base", &own, &head])?,
        None => None,
    };
    Ok(Made { folder: path.to_owned(), path: path.to_owned(), of, branch, base: base.unwrap_or(head), left })
}
