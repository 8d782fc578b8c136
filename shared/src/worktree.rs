//! Git worktrees that the bridge keeps: folders in which the tasks of a goal work beside the person's own checkout, on a
//! branch of their own.

use serde::Serialize;
use shared_derive::FromJson;

/// What begins the name of each branch that is made for a goal.
pub const BRANCH: &str = "orchestrator/";

/// One of them. Paths are absolute, on the bridge's machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
pub struct Worktree {
    /// Its top, which is what tells it from all others.
    pub path: String,
    /// Where tasks work: in it at the place that `from` has in its own checkout.
    pub folder: String,
    /// The folder that it stands in for, whose project it belongs to.
    pub from: String,
    /// The top of the checkout that it was made from.
    pub of: String,
    pub branch: String,
    /// The commit that it began at.
    pub base: String,
}

impl Worktree {
    /// What it is called among the others of its project: its branch, without what they all begin with.
    pub fn name(&self) -> &str {
        self.branch.strip_prefix(BRANCH).unwrap_or(&self.branch)
    }
}
