//! Letting go of a worktree whose folder somebody else took away.

use std::path::{Path, PathBuf};

use super::git::{Failed, Git, pieces, text, to_path};
use super::remove::{NotRemoved, Removed};
use super::snapshot::{KEPT, kept_of};
use super::{Custody, aside, is_there};

/// What git noted of a worktree.
#[derive(Debug, Default)]
struct Noted {
    head: String,
    /// None where HEAD is detached.
    branch: Option<String>,
}

impl Custody {
    /// Lets go of the worktree at `path`, of which nothing is there: its branch and its place are free again. `of` is a checkout
    /// of its repository, `branch` and `base` are what was noted when it was made. What a removal kept that nobody heard
    /// the end of is found again, so that it can be restored.
    ///
    /// # Errors
    /// Something is there, or git says no. Then nothing is changed.
    pub(crate) fn forget(
        &self,
        path: &Path,
        of: &Path,
        branch: &str,
        base: &str,
    ) -> Result<Removed, NotRemoved> {
        let _locked = self.lock()?;
        if let Some(there) = [path.to_owned(), aside(path)].into_iter().find(|place| is_there(place)) {
            return Err(NotRemoved::Taken(there));
        }
        let git = Git::from(of);
        let noted = noted(&git, path)?;
        let tip = git.ask(["rev-parse", "--verify", "--quiet", &format!("refs/heads/{branch}")])?;
        let known = noted.is_some();
        let Noted { head, branch } = noted.unwrap_or_else(|| Noted {
            head: tip.unwrap_or_else(|| base.to_owned()),
            branch: Some(branch.to_owned()),
        });
        let mut snapshot = snapshot(&git, path, &head)?;
        if snapshot.is_none() && branch.is_none() {
            // Nothing else may lead to it once the record is gone.
            git.run(["update-ref", &format!("{KEPT}/{head}"), &head])?;
            snapshot = Some(head.clone());
        }
        if known {
            let name = path.as_os_str();
            git.run(
                ["worktree", "remove", "--force", "--force"].map(AsRef::as_ref).into_iter().chain([name]),
            )?;
        }
        Ok(Removed { snapshot, branch, head, bytes: 0 })
    }
}

fn noted(git: &Git, path: &Path) -> Result<Option<Noted>, Failed> {
    let mut found: Option<Noted> = None;
    for piece in pieces(&git.run(["worktree", "list", "--porcelain", "-z"])?) {
        if let Some(of) = piece.strip_prefix(b"worktree ") {
            if found.is_some() {
                break;
            }
            let of: PathBuf = to_path(of);
            found = (of == path).then(Noted::default);
        } else if let Some(noted) = &mut found {
            if let Some(head) = piece.strip_prefix(b"HEAD ") {
                noted.head = text(head);
            } else if let Some(branch) = piece.strip_prefix(b"branch refs/heads/") {
                noted.branch = Some(text(branch));
            }
        }
    }
    Ok(found)
}

/// The newest snapshot that was made of it at this commit.
fn snapshot(git: &Git, path: &Path, head: &str) -> Result<Option<String>, Failed> {
    let format = "--format=%(objectname) %(parent) %(subject)";
    let listed = git.run(["for-each-ref", "--sort=-creatordate", format, KEPT])?;
    let is_its = |line: &&str| {
        let ids = line.strip_suffix(&kept_of(path)).unwrap_or_default();
        ids.split_whitespace().nth(1) == Some(head)
    };
    let listed = text(&listed);
    Ok(listed.lines().find(is_its).and_then(|line| line.split(' ').next()).map(str::to_owned))
}
