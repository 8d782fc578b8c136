//! Which folders are worktrees, of which project, and what became of them. The bridge makes them and takes them away; here
//! it is only known.

use std::path::Path;

use shared::entry::Kind;
use shared::id::ProjectId;
use shared::unit::Millis;
use shared::worktree::Worktree;

use crate::permission;
use crate::state::{Project, State, Task};

/// One that is or was in the bridge's keeping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub worktree: Worktree,
    /// What it was asked for, in the words of who asked.
    pub purpose: String,
    /// The device that asked; nothing for the person at the bridge's own machine.
    pub device: Option<String>,
    /// When it came into the bridge's keeping, last.
    pub since: Millis,
    pub removed: Option<Removed>,
}

/// It is gone, and can be brought back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    pub at: Millis,
    /// The commit that holds what was not committed; nothing where all was.
    pub snapshot: Option<String>,
    /// What was checked out; nothing where that was a commit and no branch.
    pub branch: Option<String>,
    /// The commit that was checked out.
    pub head: String,
}

impl State {
    pub(crate) fn keep_worktree(&mut self, kept: Kept) {
        let path = kept.worktree.path.clone();
        // What is found again or brought back is for what it was for.
        let known = self.worktrees.remove(&path).filter(|_| kept.purpose.is_empty());
        let (purpose, device) =
            known.map_or((kept.purpose, kept.device), |known| (known.purpose, known.device));
        self.worktrees.insert(path, Kept { purpose, device, ..kept });
    }

    pub(crate) fn lose_worktree(&mut self, path: &str, removed: Removed) {
        if let Some(kept) = self.worktrees.get_mut(path) {
            kept.removed = Some(removed);
        }
    }

    /// The worktree in which the tasks of a project work, if they work in one.
    pub fn worktree_of(&self, project: &ProjectId) -> Option<&Kept> {
        self.worktree_at(&self.projects.get(project)?.folder)
    }

    /// The worktree that a folder lies in; the innermost, should one lie in another.
    fn worktree_at(&self, folder: &str) -> Option<&Kept> {
        let around = self.worktrees.values().filter(|kept| is_below(folder, &kept.worktree.path));
        around.max_by_key(|kept| kept.worktree.path.len())
    }

    /// The folder that a person knows a folder by: of what lies in a worktree, the place which that stands in for.
    pub fn known_as(&self, folder: &str) -> String {
        let mut folder = folder.to_owned();
        // A worktree may be made from another one; no chain is longer than there are.
        for _ in &self.worktrees {
            let Some(Kept { worktree, .. }) = self.worktree_at(&folder) else { break };
            folder = match Path::new(&folder).strip_prefix(&worktree.path) {
                Ok(inner) if folder != worktree.folder => {
                    Path::new(&worktree.of).join(inner).to_string_lossy().into_owned()
                }
                _ => worktree.from.clone(),
            };
        }
        folder
    }

    /// The project whose memory and rules hold for a project: of a worktree it is that of the folder which it stands in for.
    pub fn home(&self, project: &ProjectId) -> Option<(&ProjectId, &Project)> {
        let (own, known) = self.projects.get_key_value(project)?;
        let home = self.project_in(&self.known_as(&known.folder)).unwrap_or(own);
        self.projects.get_key_value(home)
    }

    /// The folder that a person knows a project by.
    pub fn folder_of(&self, project: &ProjectId) -> Option<String> {
        Some(self.known_as(&self.projects.get(project)?.folder))
    }

    /// The goals whose tasks work in the worktree of this top.
    pub fn goals_in(&self, path: &str) -> impl Iterator<Item = &Task> {
        let within = move |goal: &&Task| {
            self.projects.get(&goal.project).is_some_and(|project| is_below(&project.folder, path))
        };
        self.goals.iter().filter_map(|goal| self.task(goal)).filter(within)
    }

    /// Who needs the worktree of this top: a goal in it that is neither over nor put away, or a task whose turn works there.
    pub fn at_work_in(&self, path: &str) -> Option<&Task> {
        let wanted = |goal: &&Task| {
            let archived = goal.goal.as_ref().is_some_and(|goal| goal.archived.is_some());
            !(goal.is_over() || archived)
        };
        let runs = self.runs.values().filter(|run| run.is_active());
        let mut there = runs.filter(|run| permission::folder(self, run).is_some_and(|it| is_below(it, path)));
        self.goals_in(path).find(wanted).or_else(|| self.task(&there.next()?.task))
    }

    /// The project of a folder, where it is one.
    pub fn project_in(&self, folder: &str) -> Option<&ProjectId> {
        self.projects.iter().find(|(_, project)| project.folder == folder).map(|(id, _)| id)
    }

    /// The entry that makes a folder a project.
    pub fn opening(&self, folder: &str) -> Kind {
        let last =
            |path: &str| path.rsplit(['/', '\\']).find(|part| !part.is_empty()).unwrap_or(path).to_owned();
        let name = match self.worktree_at(folder).map(|kept| &kept.worktree) {
            Some(worktree) => format!("{} · {}", last(&self.known_as(folder)), worktree.name()),
            None => last(folder),
        };
        Kind::ProjectOpened { folder: folder.to_owned(), name }
    }
}

fn is_below(folder: &str, top: &str) -> bool {
    Path::new(folder).starts_with(top)
}
