//! A new worktree for a goal: a branch of its own at what is checked out in a folder, under a name that is free.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::git::{Failed, Git, pieces, text};
use super::linked::{Linked, OURS, home, recorded};
use super::{Custody, NextStep, aside, is_there, slug};

/// Bytes of the repository's path, hashed, in the name of the folder for its worktrees.
const HASHED: usize = 4;
/// Bytes of a name in the reason of the lock, which git has as an argument.
const REASON: usize = 200;
/// Names that are tried.
const NAMES: u32 = 10_000;

/// A worktree in custody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Made {
    pub(crate) path: PathBuf,
    /// The folder in it that stands for the one it was made for.
    pub(crate) folder: PathBuf,
    /// The checkout it was made from, by its top folder.
    pub(crate) of: PathBuf,
    /// None only where a worktree is restored whose HEAD was detached.
    pub(crate) branch: Option<String>,
    /// The commit it began with, by its full id.
    pub(crate) base: String,
    /// Paths of that checkout that are not committed, and so not in the worktree.
    pub(crate) left: usize,
}

/// Why no worktree was made. Nothing is left of the attempt.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotMade {
    #[error("{path} cannot be entered: {source}", path = path.display())]
    Folder { path: PathBuf, source: io::Error },
    #[error("{} is in no git repository", .0.display())]
    NoRepository(PathBuf),
    #[error("{} is a bare repository, which has no files checked out", .0.display())]
    Bare(PathBuf),
    #[error("the repository of {} has no commit yet", .0.display())]
    NoCommit(PathBuf),
    #[error("no name is free for a worktree called {0}")]
    NoName(String),
    #[error(transparent)]
    Git(#[from] Failed),
}

impl NextStep for NotMade {
    fn next_step(&self) -> &'static str {
        match self {
            Self::Folder { .. } => "Choose a folder that is there and that the bridge may read.",
            Self::NoRepository(_) => {
                "Run `git init` and commit there, or let the goal work in the folder itself."
            }
            Self::Bare(_) => "Choose a folder in a checkout of it.",
            Self::NoCommit(_) => "Commit something there first: a worktree begins with a commit.",
            Self::NoName(_) => "Give it another name, or remove worktrees and branches that nobody needs.",
            Self::Git(failed) => failed.next_step(),
        }
    }
}

/// Where a worktree is made from.
pub(super) struct Source {
    pub(super) git: Git,
    /// The checkout's top folder.
    pub(super) top: PathBuf,
    pub(super) common: PathBuf,
}

impl Source {
    /// The repository whose checkout `folder` is in.
    pub(super) fn of(folder: &Path) -> Result<Self, NotMade> {
        let git = Git::from(folder);
        let bare = match git.word(["rev-parse", "--is-bare-repository"]) {
            Ok(bare) => bare == "true",
            Err(failed) if failed.says("not a git repository") => {
                return Err(NotMade::NoRepository(folder.to_owned()));
            }
            Err(failed) => return Err(failed.into()),
        };
        if bare {
            return Err(NotMade::Bare(folder.to_owned()));
        }
        if git.word(["rev-parse", "--is-inside-work-tree"])? != "true" {
            return Err(NotMade::NoRepository(folder.to_owned()));
        }
        let whole = |path: PathBuf| dunce::canonicalize(&path).map_err(|error| Failed::disk(&path, error));
        let top = whole(git.path(["rev-parse", "--show-toplevel"])?)?;
        let common = whole(git.path(["rev-parse", "--git-common-dir"])?)?;
        Ok(Self { git: Git::from(&top), top, common })
    }

    /// Paths of the checkout that are not committed.
    pub(super) fn left(&self) -> Result<usize, Failed> {
        changes(&self.git)
    }

    pub(super) fn has_branch(&self, branch: &str) -> Result<bool, Failed> {
        let branch = format!("refs/heads/{branch}");
        Ok(self.git.ask(["show-ref", "--verify", "--quiet", &branch])?.is_some())
    }

    /// Makes a branch that is not there yet.
    pub(super) fn new_branch(&self, branch: &str, at: &str) -> Result<(), Failed> {
        let name = format!("refs/heads/{branch}");
        self.git.run(["update-ref", "-m", "orchestrator: made", &name, at, ""]).map(drop)
    }

    /// Takes back a branch that was just made and that nobody has moved since.
    pub(super) fn drop_branch(&self, branch: &str, at: &str) {
        // One that was moved meanwhile is somebody's, and stays.
        let _ = self.git.run(["update-ref", "-d", &format!("refs/heads/{branch}"), at]);
    }
}

/// Paths that `git status` names, those of untracked files each for itself. It does not look into repositories that lie in
/// the worktree, whose settings would be theirs.
pub(super) fn changes(git: &Git) -> Result<usize, Failed> {
    let args = [
        "status",
        "--porcelain=v1",
        "-z",
        "--untracked-files=all",
        "--no-renames",
        "--ignore-submodules=dirty",
    ];
    Ok(pieces(&git.run(args)?).count())
}

impl Custody {
    /// Makes a worktree and its branch `orchestrator/<slug of name>` at the commit that is checked out where `folder`
    /// lies, in none of the places that are `known`. The checkout itself is not touched. It is locked, so that a
    /// `git worktree prune` or `remove` by hand leaves it.
    ///
    /// # Errors
    /// Then nothing is left of it, neither folder nor branch.
    pub(crate) fn make(&self, folder: &Path, name: &str, known: &[PathBuf]) -> Result<Made, NotMade> {
        let folder = dunce::canonicalize(folder)
            .and_then(|whole| fs::read_dir(&whole).map(|_| whole))
            .map_err(|source| NotMade::Folder { path: folder.to_owned(), source })?;
        let source = Source::of(&folder)?;
        let Some(base) = source.git.ask(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])? else {
            return Err(NotMade::NoCommit(folder));
        };
        let left = source.left()?;
        let _locked = self.lock()?;
        let group = self.whole_root().join(group(&source.common));
        let taken = recorded(&source.common).into_iter().chain(known.iter().cloned()).collect::<Vec<_>>();
        let (path, branch) = free(&source, &group, name, &base, &taken)?;
        let reason = format!("{OURS}made for {}", line(name));
        let args = ["worktree", "add", "--quiet", "--lock", "--reason", &reason]
            .map(AsRef::<std::ffi::OsStr>::as_ref);
        let added = source.git.run(args.into_iter().chain([path.as_os_str(), branch.as_ref()]));
        // Joined with nothing, a path would end in a slash.
        let inner = match folder.strip_prefix(&source.top) {
            Ok(inner) if inner != Path::new("") => path.join(inner),
            _ => path.clone(),
        };
        // A folder that has nothing committed in it is not checked out.
        let there =
            added.and_then(|_| fs::create_dir_all(&inner).map_err(|error| Failed::disk(&inner, error)));
        if let Err(failed) = there {
            undo(&source, &path, &branch, &base);
            return Err(failed.into());
        }
        Ok(Made { path, folder: inner, of: source.top, branch: Some(branch), base, left })
    }
}

/// A free place and a new branch of the same name.
fn free(
    source: &Source,
    group: &Path,
    name: &str,
    base: &str,
    taken: &[PathBuf],
) -> Result<(PathBuf, String), NotMade> {
    let slug = slug(name);
    for number in 1..=NAMES {
        let slug = if number == 1 { slug.clone() } else { format!("{slug}-{number}") };
        let (path, branch) = (group.join(&slug), format!("orchestrator/{slug}"));
        if is_there(&path)
            || is_there(&aside(&path))
            || taken.contains(&path)
            || source.has_branch(&branch)?
        {
            continue;
        }
        match source.new_branch(&branch, base) {
            Ok(()) => return Ok((path, branch)),
            // Somebody was quicker.
            Err(_) if source.has_branch(&branch)? => {}
            Err(failed) => return Err(failed.into()),
        }
    }
    Err(NotMade::NoName(slug))
}

/// Takes back a worktree that did not come about.
fn undo(source: &Source, path: &Path, branch: &str, base: &str) {
    // Each as far as it came: what is not there need not be removed.
    if let Ok(linked) = Linked::aside(path) {
        let _ = fs::remove_dir_all(&linked.record);
    }
    let _ = fs::remove_dir_all(path);
    if let Some(group) = path.parent() {
        // It stays where others are in it.
        let _ = fs::remove_dir(group);
    }
    source.drop_branch(branch, base);
}

/// The folder for a repository's worktrees: its name to be read, and some of its path's hash to tell it from others.
pub(super) fn group(common: &Path) -> String {
    let home = home(common);
    let hash = Sha256::digest(home.as_os_str().as_encoded_bytes());
    let hash: String = hash.iter().take(HASHED).map(|byte| format!("{byte:02x}")).collect();
    let name = home.file_name().unwrap_or_default().to_string_lossy();
    let plain = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.');
    let name: String = name.chars().map(|letter| if plain(letter) { letter } else { '-' }).collect();
    format!("{name}-{hash}")
}

/// A name as one line of text, and no long one.
fn line(name: &str) -> String {
    let name = &name[..name.floor_char_boundary(REASON)];
    text(name.replace(char::is_control, " ").as_bytes())
}
