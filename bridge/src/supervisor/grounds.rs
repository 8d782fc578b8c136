//! Where runs may work: in opened projects, as far as the configuration allows. It speaks of a worktree as of the folder that
//! this one stands in for, so that nobody gets past it by working beside that.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use shared::entry::Kind;

use crate::config::below;

#[derive(Debug, Clone, Default)]
pub(super) struct Grounds {
    /// Folders of opened projects, as given.
    projects: Vec<PathBuf>,
    /// The top of each worktree, and of the checkout that it was made from.
    worktrees: BTreeMap<PathBuf, PathBuf>,
}

impl Grounds {
    /// Takes in what an entry says of them.
    pub(super) fn learn(&mut self, kind: &Kind) {
        match kind {
            Kind::ProjectOpened { folder, .. } => self.projects.push(PathBuf::from(folder)),
            Kind::WorktreeMade { worktree, .. } => {
                // What is adopted or brought back may be of a checkout that was moved since.
                self.worktrees.insert(PathBuf::from(&worktree.path), PathBuf::from(&worktree.of));
            }
            _ => {}
        }
    }

    /// The folder that the configuration is asked about in the place of one which is given without links.
    pub(super) fn home(&self, folder: &Path) -> PathBuf {
        let mut home = folder.to_owned();
        // A worktree may be made from another one; no chain is longer than there are.
        for _ in &self.worktrees {
            let around = self.worktrees.iter().filter_map(|(top, of)| stood_for(top, of, &home));
            // Of one in another the inner one.
            let Some((_, next)) = around.max_by_key(|(depth, _)| *depth) else { break };
            home = next;
        }
        home
    }

    /// Whether a folder, which is given without links, lies in an opened project that is among those `allowed`; all are where
    /// none are named.
    pub(super) fn is_open(&self, folder: &Path, allowed: &[PathBuf]) -> bool {
        below(&self.projects, folder) && (allowed.is_empty() || below(allowed, &self.home(folder)))
    }
}

/// The place in `of` of a folder in the worktree of this `top`, and how deep that lies.
fn stood_for(top: &Path, of: &Path, folder: &Path) -> Option<(usize, PathBuf)> {
    let top = dunce::canonicalize(top).ok()?;
    let inner = folder.strip_prefix(&top).ok()?;
    let of = dunce::canonicalize(of).unwrap_or_else(|_| of.to_owned());
    Some((top.components().count(), of.join(inner)))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use shared::worktree::Worktree;

    fn made(path: &Path, of: &Path) -> Kind {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let (folder, from) = (text(path), text(of));
        let worktree = Worktree {
            path: text(path),
            folder,
            from,
            of: text(of),
            branch: "orchestrator/a".to_owned(),
            base: "0a".to_owned(),
        };
        Kind::WorktreeMade { worktree, purpose: String::new(), device: None }
    }

    #[test]
    fn a_worktree_is_allowed_what_its_checkout_is() {
        let home = tempfile::tempdir().unwrap();
        let root = dunce::canonicalize(home.path()).unwrap();
        let folder = |name: &str| {
            let folder = root.join(name);
            std::fs::create_dir_all(&folder).unwrap();
            folder
        };
        let (shop, other, first, second) = (folder("shop"), folder("other"), folder("w/1"), folder("w/2"));
        let inner = folder("w/2/web");
        let mut grounds = Grounds::default();
        let opened =
            |folder: &Path| Kind::ProjectOpened { folder: folder.display().to_string(), name: String::new() };
        [opened(&shop), opened(&inner), made(&first, &shop), made(&second, &first)]
            .iter()
            .for_each(|kind| grounds.learn(kind));
        assert_eq!(grounds.home(&inner), shop.join("web"));
        assert_eq!(grounds.home(&other), other);
        assert!(grounds.is_open(&inner, &[]) && grounds.is_open(&inner, &[shop]));
        assert!(!grounds.is_open(&inner, &[other]), "the data folder is no way around the configuration");
        assert!(!grounds.is_open(&second, &[]), "nobody opened all of it");
        // What was moved is where it is now; of two that name each other there is an end.
        grounds.learn(&made(&first, &folder("moved")));
        assert_eq!(grounds.home(&inner), root.join("moved/web"));
        grounds.learn(&made(&first, &second));
        grounds.home(&inner);
    }
}
