//! Worktrees: folders beside a person's own checkout, in which goals work on branches of their own. The bridge makes them and
//! takes them away itself, at a person's word; what it did is a fact in the log.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use conductor::plan::name;
use conductor::worktree::Kept;
use serde::Deserialize;
use shared::api::{Holds, MadeWorktree, Stands, WorktreeView};
use shared::entry::{Actor, Draft, Kind};
use shared::id::ProjectId;
use shared::unit::Bytes;
use shared::worktree::Worktree;
use utoipa::ToSchema;

use super::desk::Desk;
use super::{Answer, Refused, Sent};
use crate::access::Who;
use crate::config::below;
use crate::headless::statement::drawn;
use crate::headless::task::reference;
use crate::worktree::{Custody, Held, IgnoredFiles, Look, Made, NextStep, Removed};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewWorktree {
    /// Absolute, on the bridge's machine, in a git repository.
    folder: String,
    /// What is to be done there; its branch is named by it.
    #[serde(default)]
    purpose: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Chosen {
    /// Its top, as `GET /api/worktrees` lists it.
    path: String,
    /// Also what git ignores there may go, of which nothing is kept.
    #[serde(default)]
    with_ignored: bool,
}

/// The worktrees that are and were in the bridge's keeping, and those that were found beside them
#[utoipa::path(get, path = "/api/worktrees", responses((status = OK, body = [Value], description = "`path`, `of`, `branch`, `base`, `purpose`, `device`, `since`, `goals`, and `stands`: `there`, `gone`, `removed` or `unreadable`")))]
pub(super) async fn worktrees(State(desk): State<Arc<Desk>>) -> Answer<Vec<WorktreeView>> {
    let known: Vec<(PathBuf, PathBuf)> = {
        let state = desk.state().await?;
        let there = state.worktrees.values().filter(|kept| kept.removed.is_none());
        there.map(|kept| (PathBuf::from(&kept.worktree.path), PathBuf::from(&kept.worktree.of))).collect()
    };
    let found = desk.with_custody(move |custody| looked(custody, &known)).await?;
    let state = desk.state().await?;
    let mut views: Vec<WorktreeView> = found.into_iter().map(|held| of_found(&state, held)).collect();
    let removed = state.worktrees.values().filter_map(|kept| of_removed(&state, kept));
    let unseen: Vec<_> = removed.filter(|gone| views.iter().all(|view| view.path != gone.path)).collect();
    views.extend(unseen);
    Ok(Json(views))
}

/// How all of them are; those of `known` that lead to another repository than the one that is noted for them are not looked at.
fn looked(custody: &Custody, known: &[(PathBuf, PathBuf)]) -> Vec<Held> {
    let problem = |(path, of): &(PathBuf, PathBuf)| {
        let why = Custody::is_of(path, of).err().filter(|_| path.exists())?.to_string();
        Some(Held { path: path.clone(), state: Err(why) })
    };
    let strange: Vec<Held> = known.iter().filter_map(problem).collect();
    let is_strange = |path: &PathBuf| strange.iter().any(|held| held.path == *path);
    let others: Vec<PathBuf> =
        known.iter().map(|(path, _)| path.clone()).filter(|path| !is_strange(path)).collect();
    let mut all: Vec<Held> =
        custody.list(&others).into_iter().filter(|held| !is_strange(&held.path)).collect();
    all.extend(strange);
    all.sort_by(|a, b| a.path.cmp(&b.path));
    all
}

/// Make a worktree for what is to be done in a folder; a goal that is stated in its folder works there
#[utoipa::path(post, path = "/api/worktrees", request_body = NewWorktree, responses((status = CREATED, body = Value, description = "`worktree`, and `left`: changes of the folder that are not in it")))]
pub(super) async fn make(
    State(desk): State<Arc<Desk>>,
    Extension(who): Extension<Who>,
    sent: Sent<NewWorktree>,
) -> Result<(StatusCode, Json<MadeWorktree>), Refused> {
    let Json(NewWorktree { folder, purpose }) = sent?;
    let made = desk.make_worktree(folder, purpose, &who).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Take a worktree away whose goals are over; what is not committed is, before that
#[utoipa::path(post, path = "/api/worktrees/remove", request_body = Chosen, responses((status = OK, body = Value)))]
pub(super) async fn remove(
    State(desk): State<Arc<Desk>>,
    Extension(who): Extension<Who>,
    sent: Sent<Chosen>,
) -> Answer<WorktreeView> {
    let Json(Chosen { path, with_ignored }) = sent?;
    let device = who.device().map(str::to_owned);
    seen_through(async move {
        let kept = {
            let state = desk.state().await?;
            let kept = known(&state, &path)?;
            if kept.removed.is_some() {
                return Err(conflict(format!("{path} was removed"), "It can be brought back."));
            }
            is_free(&state, &path)?;
            kept.worktree.clone()
        };
        let ignored = if with_ignored { IgnoredFiles::Drop } else { IgnoredFiles::Keep };
        let (place, of, noted) = (PathBuf::from(&path), PathBuf::from(&kept.of), kept.clone());
        let removed = desk.with_custody(move |custody| {
            if !place.exists() {
                let gone = custody.forget(&place, &of, &noted.branch, &noted.base);
                return gone.map_err(not_done);
            }
            Custody::is_of(&place, &of).map_err(not_done)?;
            custody.remove(&place, ignored).map_err(not_done)
        });
        let removed = removed.await??;
        let needed = is_free(&*desk.state().await?, &path);
        if needed.is_err() {
            // Somebody began to work there meanwhile.
            let back = removed.clone();
            let (place, of) = (PathBuf::from(&path), PathBuf::from(&kept.of));
            let back = desk.with_custody(move |custody| custody.restore(&place, &of, &back)).await?;
            if back.is_ok() {
                needed?;
            }
        }
        let Removed { snapshot, branch, head, .. } = removed;
        let kind = Kind::WorktreeRemoved { path: path.clone(), snapshot, branch, head, device };
        desk.note(&kept, kind).await
    })
    .await
}

/// Bring a worktree back that was removed, as it was
#[utoipa::path(post, path = "/api/worktrees/bring-back", request_body = Chosen, responses((status = OK, body = Value)))]
pub(super) async fn bring_back(
    State(desk): State<Arc<Desk>>,
    Extension(who): Extension<Who>,
    sent: Sent<Chosen>,
) -> Answer<WorktreeView> {
    let Json(Chosen { path, .. }) = sent?;
    seen_through(async move {
        let kept = known(&*desk.state().await?, &path)?.clone();
        let Some(removed) = kept.removed else {
            return Err(conflict(format!("{path} was not removed"), "There is nothing to bring back."));
        };
        let worktree = kept.worktree.clone();
        let restored = desk.with_custody(move |custody| {
            let (path, of) = (PathBuf::from(&worktree.path), PathBuf::from(&worktree.of));
            let conductor::worktree::Removed { snapshot, branch, head, .. } = removed;
            custody.restore(&path, &of, &Removed { snapshot, branch, head, bytes: 0 })
        });
        restored.await?.map_err(not_done)?;
        desk.note(&kept.worktree, made_again(&kept.worktree, &who)).await
    })
    .await
}

/// Take a worktree into keeping that somebody else made, or that nobody remembers
#[utoipa::path(post, path = "/api/worktrees/adopt", request_body = Chosen, responses((status = OK, body = Value)))]
pub(super) async fn adopt(
    State(desk): State<Arc<Desk>>,
    Extension(who): Extension<Who>,
    sent: Sent<Chosen>,
) -> Answer<WorktreeView> {
    let Json(Chosen { path, .. }) = sent?;
    seen_through(async move {
        desk.may_work_in(&path).await?;
        let is_kept =
            |state: &conductor::State| state.worktrees.get(&path).is_some_and(|kept| kept.removed.is_none());
        if is_kept(&*desk.state().await?) {
            return Err(conflict(format!("{path} is in keeping already"), NEXT));
        }
        let place = PathBuf::from(&path);
        let adopted = desk.with_custody(move |custody| custody.adopt(&place)).await?;
        let made = adopted.map_err(not_done)?;
        let from = made.of.to_string_lossy().into_owned();
        let worktree = record(made, from);
        // What was removed and is there again stands in for what it stood in for.
        let known = desk.state().await?.worktrees.get(&worktree.path).map(|kept| kept.worktree.clone());
        let worktree = known.unwrap_or(worktree);
        desk.note(&worktree, made_again(&worktree, &who)).await
    })
    .await
}

/// Carries work out to its end, whoever goes away meanwhile: what git did must get into the log.
async fn seen_through<T: Send + 'static>(
    work: impl Future<Output = Result<T, Refused>> + Send + 'static,
) -> Result<T, Refused> {
    let done = tokio::spawn(work).await;
    done.unwrap_or_else(|error| Err(Refused::new(StatusCode::INTERNAL_SERVER_ERROR, error, "Try again.")))
}

fn conflict(why: impl ToString, next: &str) -> Refused {
    Refused::new(StatusCode::CONFLICT, why, next)
}

fn not_done(problem: impl NextStep) -> Refused {
    conflict(&problem, problem.next_step())
}

/// Nobody works in it, and no goal there is to go on.
fn is_free(state: &conductor::State, path: &str) -> Result<(), Refused> {
    let Some(task) = state.at_work_in(path) else { return Ok(()) };
    let number = reference(state, task);
    let next = format!("Stop it (`orchestrator cancel {number}`) or archive it first.");
    Err(conflict(format!("{} ({number}) still needs it", name(task)), &next))
}

const NEXT: &str = "GET /api/worktrees lists them.";

fn known<'a>(state: &'a conductor::State, path: &str) -> Result<&'a Kept, Refused> {
    state.worktrees.get(path).ok_or_else(|| {
        let error = format!("{path} is not in the bridge's keeping");
        Refused::new(StatusCode::NOT_FOUND, error, NEXT)
    })
}

fn made_again(worktree: &Worktree, who: &Who) -> Kind {
    let device = who.device().map(str::to_owned);
    Kind::WorktreeMade { worktree: worktree.clone(), purpose: String::new(), device }
}

fn record(made: Made, from: String) -> Worktree {
    let text = |path: PathBuf| path.to_string_lossy().into_owned();
    Worktree {
        path: text(made.path),
        folder: text(made.folder),
        from,
        of: text(made.of),
        branch: made.branch.unwrap_or_default(),
        base: made.base,
    }
}

impl Desk {
    /// Makes a worktree for what is to be done in `folder`, and says so in the log.
    pub(super) async fn make_worktree(
        self: &Arc<Self>,
        folder: String,
        purpose: String,
        who: &Who,
    ) -> Result<MadeWorktree, Refused> {
        let (desk, device) = (Arc::clone(self), who.device().map(str::to_owned));
        seen_through(async move {
            desk.may_work_in(&folder).await?;
            let (place, name) =
                (PathBuf::from(&folder), purpose.lines().next().unwrap_or_default().to_owned());
            // What was removed can be brought back, and so keeps its place.
            let known: Vec<PathBuf> = desk.state().await?.worktrees.keys().map(PathBuf::from).collect();
            let made = desk.with_custody(move |custody| custody.make(&place, &name, &known)).await?;
            let made = made.map_err(not_done)?;
            let left = u32::try_from(made.left).unwrap_or(u32::MAX);
            let worktree = record(made, folder);
            // It has the memory and the rules of the folder, which therefore is a project.
            let opening = {
                let state = desk.state().await?;
                let home = state.known_as(&worktree.from);
                state.project_in(&home).is_none().then(|| state.opening(&home))
            };
            if let Some(opening) = opening {
                desk.intend(vec![Draft::new(Some(drawn(ProjectId::new)), opening)]).await?;
            }
            let kind = Kind::WorktreeMade { worktree: worktree.clone(), purpose, device };
            desk.state_fact(&worktree, kind).await?;
            Ok(MadeWorktree { worktree, left })
        })
        .await
    }

    /// The configuration lets runs work in the folder.
    async fn may_work_in(&self, folder: &str) -> Result<(), Refused> {
        if !Path::new(folder).is_absolute() {
            return Err(conflict(format!("{folder} is not absolute"), "Give the whole path of the folder."));
        }
        let home = self.state().await?.known_as(folder);
        let home = dunce::canonicalize(&home).unwrap_or_else(|_| PathBuf::from(home));
        if self.allowed.is_empty() || below(&self.allowed, &home) {
            return Ok(());
        }
        let why = format!("{folder} lies in none of the folders that the configuration allows");
        Err(conflict(why, "Choose another folder, or add it to `folders` in the configuration."))
    }

    /// Says what became of a worktree, and how it stands then.
    async fn note(&self, worktree: &Worktree, kind: Kind) -> Answer<WorktreeView> {
        self.state_fact(worktree, kind).await?;
        let place = PathBuf::from(&worktree.path);
        let looked = self.with_custody(move |_| Custody::look(&place)).await?;
        let state = self.state().await?;
        let kept = known(&state, &worktree.path)?;
        let held = || Held { path: PathBuf::from(&worktree.path), state: looked };
        Ok(Json(of_removed(&state, kept).unwrap_or_else(|| of_found(&state, held()))))
    }

    /// Says something of a worktree in the log, as of the project that it stands in for.
    async fn state_fact(&self, worktree: &Worktree, kind: Kind) -> Result<(), Refused> {
        let project = self.state().await?.project_in(&worktree.from).cloned();
        self.store.append(Actor::Bridge, vec![Draft::new(project, kind)]).await?;
        Ok(())
    }

    /// Does something with git, beside everything else.
    async fn with_custody<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Custody) -> T + Send + 'static,
    ) -> Result<T, Refused> {
        let custody = Arc::clone(&self.custody);
        let done = tokio::task::spawn_blocking(move || work(&custody)).await;
        done.map_err(|error| Refused::new(StatusCode::INTERNAL_SERVER_ERROR, error, "Try again."))
    }
}

fn of_found(state: &conductor::State, held: Held) -> WorktreeView {
    let path = held.path.to_string_lossy().into_owned();
    let kept = state.worktrees.get(&path).filter(|kept| kept.removed.is_none());
    let known = kept.is_some();
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let (of, branch, stands) = match held.state {
        Ok(Look { of, branch, changes, ignored, bytes, ahead, .. }) => {
            let holds = Holds {
                bytes: Bytes(bytes),
                changes: count(changes),
                ahead,
                ignored: count(ignored.files),
                ignored_bytes: Bytes(ignored.bytes),
            };
            (Some(of.to_string_lossy().into_owned()), branch, Stands::There { known, holds })
        }
        Err(_) if known && !held.path.exists() => (None, None, Stands::Gone),
        Err(why) => (None, None, Stands::Unreadable { why }),
    };
    let told = view(state, path, kept, stands);
    WorktreeView { of: of.or(told.of), branch: branch.or(told.branch), ..told }
}

/// Nothing of one that was not removed.
fn of_removed(state: &conductor::State, kept: &Kept) -> Option<WorktreeView> {
    let removed = kept.removed.as_ref()?;
    let stands = Stands::Removed { at: removed.at, snapshot: removed.snapshot.clone() };
    Some(view(state, kept.worktree.path.clone(), Some(kept), stands))
}

/// What the log knows of it.
fn view(state: &conductor::State, path: String, kept: Option<&Kept>, stands: Stands) -> WorktreeView {
    WorktreeView {
        goals: state.goals_in(&path).map(|goal| goal.id.clone()).collect(),
        of: kept.map(|kept| kept.worktree.of.clone()),
        branch: kept.map(|kept| kept.worktree.branch.clone()),
        base: kept.map(|kept| kept.worktree.base.clone()),
        purpose: kept.map(|kept| kept.purpose.clone()).unwrap_or_default(),
        device: kept.and_then(|kept| kept.device.clone()),
        since: kept.map(|kept| kept.since),
        path,
        stands,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn what_was_begun_comes_to_its_end_when_its_caller_goes_away() {
        let (begins, begun) = oneshot::channel();
        let (goes_on, go_on) = oneshot::channel();
        let (ends, ended) = oneshot::channel();
        let caller = tokio::spawn(seen_through(async move {
            begins.send(()).unwrap();
            go_on.await.unwrap();
            ends.send(()).unwrap();
            Ok(())
        }));
        begun.await.unwrap();
        caller.abort();
        assert!(caller.await.unwrap_err().is_cancelled());
        goes_on.send(()).unwrap();
        ended.await.unwrap();
    }
}
