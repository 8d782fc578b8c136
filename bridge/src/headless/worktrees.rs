//! `orchestrator worktrees`: the folders that goals work in beside a person's own checkout.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use conductor::words::amount;
use shared::api::{ChosenWorktree, MadeWorktree, NewWorktree, Stands, WorktreeView};
use shared::worktree::{BRANCH, Worktree};

use super::DataArgs;
use super::place::Place;
use crate::cli::say;

#[derive(Debug, Args)]
pub struct WorktreesArgs {
    /// What is to become of one
    #[arg(value_enum, requires = "which")]
    wish: Option<WorktreeWish>,
    /// Its folder, or its branch
    which: Option<String>,
    /// With remove: also what git ignores there goes, of which nothing is kept
    #[arg(long, requires = "wish")]
    with_ignored: bool,
    /// One JSON object per line instead of words
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum WorktreeWish {
    /// Take it away; what is not committed is kept in a commit
    Remove,
    /// Make one again that was removed, as it was
    BringBack,
    /// Take one into keeping that was found
    Adopt,
}

/// Lists them, or carries out what the person wishes for one.
pub(super) async fn see_to(args: &WorktreesArgs) -> anyhow::Result<ExitCode> {
    let place = Place::find_or_start(&args.data.dir()?, false).await?;
    let known: Vec<WorktreeView> = serde_json::from_str(&place.call("GET", "/api/worktrees", "").await?)?;
    match (args.wish, &args.which) {
        (Some(wish), Some(which)) => {
            let way = match wish {
                WorktreeWish::Remove => "/api/worktrees/remove",
                WorktreeWish::BringBack => "/api/worktrees/bring-back",
                WorktreeWish::Adopt => "/api/worktrees/adopt",
            };
            let path = match (wish, find(&known, which)) {
                (_, Ok(view)) => view.path.clone(),
                // One that somebody made elsewhere is in no list.
                (WorktreeWish::Adopt, Err(_)) if Path::new(which).is_dir() => place_of(which),
                (_, Err(none)) => return Err(none),
            };
            let sent = serde_json::to_string(&ChosenWorktree { path, with_ignored: args.with_ignored })?;
            let now: WorktreeView = serde_json::from_str(&place.call("POST", way, &sent).await?)?;
            list(&[now], args.json)?;
        }
        _ => list(&known, args.json)?,
    }
    place.leave().await?;
    Ok(ExitCode::SUCCESS)
}

/// Makes one for what is to be done in `folder`.
pub(super) async fn make(place: &Place, folder: String, purpose: &str) -> anyhow::Result<MadeWorktree> {
    let sent = serde_json::to_string(&NewWorktree { folder, purpose: purpose.to_owned() })?;
    Ok(serde_json::from_str(&place.call("POST", "/api/worktrees", &sent).await?)?)
}

/// What a person is told of one that was made.
pub(super) fn made(made: &MadeWorktree) -> String {
    let Worktree { folder, branch, .. } = &made.worktree;
    let left = made.left().map(|left| format!(" {left}")).unwrap_or_default();
    format!("It works in {folder}, on branch {branch}.{left}")
}

fn place_of(which: &str) -> String {
    let place = dunce::canonicalize(which).unwrap_or_else(|_| PathBuf::from(which));
    place.to_string_lossy().into_owned()
}

fn find<'a>(known: &'a [WorktreeView], which: &str) -> anyhow::Result<&'a WorktreeView> {
    let place = place_of(which);
    let named = |view: &&WorktreeView| {
        let branch = view.branch.as_deref();
        let short = branch.and_then(|branch| branch.strip_prefix(BRANCH));
        view.path == which || view.path == place || branch == Some(which) || short == Some(which)
    };
    let mut found = known.iter().filter(named);
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => bail!("there is no worktree {which:?}. `orchestrator worktrees` lists them."),
        (Some(_), Some(_)) => bail!("more than one worktree is on {which:?}; give its folder."),
    }
}

fn list(views: &[WorktreeView], json: bool) -> anyhow::Result<()> {
    if json {
        for view in views {
            say(&serde_json::to_string(view).context("a worktree cannot be written")?);
        }
        return Ok(());
    }
    for view in views {
        let branch = view.branch.as_deref().unwrap_or("no branch");
        say(&format!("{}  {branch}  {}", view.path, stands(view)));
        if !view.purpose.is_empty() {
            say(&format!("  for: {}", view.purpose.lines().next().unwrap_or_default()));
        }
    }
    if views.is_empty() {
        say("There are no worktrees. Next: orchestrator run --worktree \"GOAL\" makes one for a goal.");
    }
    Ok(())
}

fn stands(view: &WorktreeView) -> String {
    match &view.stands {
        Stands::There { known, holds } => {
            let parts = [
                Some(amount(holds.bytes)),
                (holds.changes > 0).then(|| format!("{} not committed", holds.changes)),
                holds.ahead.filter(|ahead| *ahead > 0).map(|ahead| counted(ahead, "commit") + " of its own"),
                (holds.ignored > 0).then(|| {
                    format!("{} ({}) ignored", counted(holds.ignored, "file"), amount(holds.ignored_bytes))
                }),
                (!known).then(|| "found; `orchestrator worktrees adopt` takes it into keeping".to_owned()),
            ];
            parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
        }
        Stands::Gone => "gone: somebody else took it away; remove lets its branch go".to_owned(),
        Stands::Removed { snapshot: Some(snapshot), .. } => {
            format!("removed; what was not committed is in {snapshot}; bring-back restores it")
        }
        Stands::Removed { snapshot: None, .. } => {
            "removed; all of it was committed; bring-back restores it".to_owned()
        }
        Stands::Unreadable { why } => format!("cannot be looked at: {why}"),
    }
}

fn counted(count: u32, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
