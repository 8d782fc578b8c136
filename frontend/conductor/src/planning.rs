//! How a task comes to its parts: the first plan of a goal, a worker that splits its task, and a goal or a part of its
//! tree that is planned again. While that is open nothing begins below the task; what runs there goes on.

use std::collections::BTreeSet;
use std::sync::Arc;

use shared::entry::{Kind, Purpose};
use shared::id::{MessageId, SessionId, TaskId};
use shared::plan::Work;
use shared::unit::Millis;

use crate::plan::diff::Revision;
use crate::plan::name;
use crate::state::{Standing, State, Task, TaskResult};
use crate::survey::Survey;

/// A task's plan, and how it came to be. A goal always has one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Planning {
    pub plan: Plan,
    /// Versions proposed so far.
    pub version: u32,
    /// What each version changed that had something before it, oldest first.
    pub revisions: Vec<Revision>,
    /// Edits by the person since the last proposal.
    pub edits: u32,
    /// Ids derived so far for tasks below it.
    pub derived: u32,
    /// Times in a row that the answer was refused.
    pub refusals: u32,
    /// What comes back when the person rejects it; nothing for a goal's first plan, which is stopped instead.
    pub former: Option<Former>,
}

/// Where a plan is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Plan {
    /// The planner has not answered yet.
    #[default]
    Wanted,
    Proposed {
        reply: String,
        at: Millis,
    },
    /// Its answer was none, and what was wrong with it.
    Refused {
        problems: Vec<String>,
    },
    Approved {
        at: Millis,
    },
    /// The planner answered the goal itself.
    Answered,
    /// Something is wrong with how its worker would split the task.
    Unsplit {
        problems: Vec<String>,
    },
    /// The person would not have it split.
    Rejected,
}

/// A task and what was below it before it was planned.
#[derive(Debug, Clone, PartialEq)]
pub struct Former {
    pub standing: Standing,
    pub session: Option<SessionId>,
    pub plan: Plan,
    pub result: Option<TaskResult>,
    /// All below it, parents first; nothing while nothing is proposed.
    pub tasks: Option<Vec<Arc<Task>>>,
    /// What the person put below a goal since, which stays whatever becomes of the plan.
    pub added: BTreeSet<TaskId>,
}

impl Plan {
    /// What is below the task may begin.
    pub fn admits(&self) -> bool {
        matches!(self, Self::Approved { .. } | Self::Unsplit { .. } | Self::Rejected)
    }
}

impl Planning {
    /// A plan waits for a yes.
    pub fn is_proposed(&self) -> bool {
        matches!(self.plan, Plan::Proposed { .. })
    }

    /// What the version that waits for a yes changed; nothing where it began everything.
    pub fn news(&self) -> Option<&Revision> {
        let proposed = self.is_proposed();
        self.revisions.last().filter(|revision| proposed && revision.version == self.version)
    }
}

impl Former {
    pub(crate) fn of(task: &Task) -> Self {
        Self {
            standing: match task.standing {
                // The turn that was cut short is not its last one any more, and begins again when it may.
                Standing::Limited { .. } => Standing::Open,
                _ => task.standing.clone(),
            },
            session: task.session.clone(),
            plan: match task.planning.as_ref().map(|planning| &planning.plan) {
                Some(plan @ Plan::Approved { .. }) => plan.clone(),
                _ => Plan::Rejected,
            },
            result: task.result.clone(),
            tasks: None,
            added: BTreeSet::new(),
        }
    }

    /// It is not what the last plan put there.
    pub(crate) fn keeps(&self, state: &State, task: &Task) -> bool {
        let known = self.tasks.iter().flatten().any(|former| former.id == task.id);
        let added = |task: &Task| self.added.contains(&task.id);
        known || added(task) || state.ancestors(task).any(added)
    }

    /// Keeps what is below the task before its first proposal; later, what was stopped or tried there since.
    pub(crate) fn keep(&mut self, state: &State, id: &TaskId) {
        let below = || state.subtree(id).into_iter().skip(1);
        let Some(tasks) = &mut self.tasks else {
            self.tasks = Some(below().filter_map(|task| state.tasks.get(&task.id).cloned()).collect());
            return;
        };
        for task in tasks {
            if let Some(now) = below().find(|now| now.id == task.id && now.standing != Standing::Proposed) {
                Arc::make_mut(task).standing = now.standing.clone();
            }
        }
    }
}

impl Task {
    /// Its plan, or that of the person or agent that thinks about splitting it, is not agreed on.
    pub fn is_planned(&self) -> bool {
        self.planning.as_ref().is_some_and(|planning| !planning.plan.admits())
    }

    /// Its plan is not agreed on, and there is something that comes back when it is rejected. Never so while a goal is
    /// planned for the first time.
    pub fn is_planned_again(&self) -> bool {
        self.is_planned() && self.planning.as_ref().is_some_and(|planning| planning.former.is_some())
    }

    /// What has begun below it goes on.
    pub(crate) fn goes_on_below(&self) -> bool {
        !self.is_planned() || self.is_planned_again()
    }

    /// It comes back as it was when the plan that waits for a yes is rejected.
    pub(crate) fn was_below(&self, part: &TaskId) -> bool {
        let former = self.planning.as_ref().and_then(|planning| planning.former.as_ref()?.tasks.as_ref());
        former.is_some_and(|tasks| tasks.iter().any(|task| task.id == *part))
    }

    /// It failed or was stopped, and nothing of it goes on.
    pub(crate) fn is_dead(&self) -> bool {
        self.current.is_none() && matches!(self.standing, Standing::Failed { .. } | Standing::Cancelled)
    }
}

impl State {
    /// What is put below the task may begin: the plans that it would be a part of are agreed on.
    pub fn admits(&self, task: &Task) -> bool {
        !task.is_planned() && self.is_agreed(task)
    }

    /// The plans that the task is a part of are agreed on; for a goal, its own.
    pub fn is_agreed(&self, task: &Task) -> bool {
        if task.is_goal() { !task.is_planned() } else { self.planner_above(task).is_none() }
    }

    /// The nearest above whose plan is not agreed on.
    pub fn planner_above(&self, task: &Task) -> Option<&Task> {
        self.ancestors(task).find(|above| above.is_planned())
    }
}

/// Levels between a task and its goal, which has none.
pub fn level(state: &State, task: &Task) -> u32 {
    u32::try_from(state.ancestors(task).count()).unwrap_or(u32::MAX)
}

/// Why a task is not planned now, for the person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unplannable {
    #[error("the plan of {0} is not agreed on; write to its planner what to change")]
    Goal(String),
    #[error("{0} is being summed up; ask again when that is over")]
    Summed(String),
    #[error("{0} is a command; there is nobody to split it")]
    Command(String),
    #[error("{0} is at work; stop it first")]
    Busy(String),
    #[error("{0} is done")]
    Done(String),
    #[error("{0} waits for you; answer it, or stop it first")]
    Asks(String),
    #[error("the plan of {0} is not agreed on; say there what to change")]
    Above(String),
    #[error("the plan of {0}, a part of it, is not agreed on; approve or reject that first")]
    Below(String),
    #[error("its parts would be deeper than {0} levels")]
    Deep(u32),
}

/// Whether a planner may split the task, or plan what is below it again.
///
/// # Errors
/// Why not, with what to do first.
pub fn may_plan(state: &State, task: &Task) -> Result<(), Unplannable> {
    may_plan_unless(state, task, || planned_below(state, task))
}

/// The same for who asks at each entry and has a survey of all goals: it knows where planners are.
///
/// # Errors
/// As [`may_plan`].
pub fn may_plan_beside(state: &State, survey: &Survey, task: &Task) -> Result<(), Unplannable> {
    may_plan_unless(state, task, || planned_below_beside(state, survey, task))
}

/// `planned` gives who is planned at or below the task.
fn may_plan_unless<'a>(
    state: &State,
    task: &Task,
    planned: impl FnOnce() -> Option<&'a Task>,
) -> Result<(), Unplannable> {
    if task.is_goal() && task.is_planned() {
        return Err(Unplannable::Goal(name(task)));
    }
    if let Some(above) = state.planner_above(task) {
        return Err(Unplannable::Above(name(above)));
    }
    if let Some(planned) = planned() {
        return Err(Unplannable::Below(name(planned)));
    }
    if task.work != Work::Agent {
        return Err(Unplannable::Command(name(task)));
    }
    if level(state, task) >= state.limits.depth {
        return Err(Unplannable::Deep(state.limits.depth));
    }
    if task.is_goal() {
        // Talk decides nothing, and a planner begins when it is over.
        let sums = state.current(task).is_some_and(|run| run.purpose != Purpose::Talk || task.stop.is_some());
        let sums = sums || task.standing == Standing::Claimed;
        return if sums { Err(Unplannable::Summed(name(task))) } else { Ok(()) };
    }
    match task.standing {
        _ if task.current.is_some() => Err(Unplannable::Busy(name(task))),
        Standing::Open | Standing::Failed { .. } | Standing::Cancelled => Ok(()),
        Standing::Claimed | Standing::Limited { .. } => Err(Unplannable::Busy(name(task))),
        Standing::Asked { .. } | Standing::Yielded => Err(Unplannable::Asks(name(task))),
        Standing::Completed | Standing::Removed { .. } | Standing::Proposed => {
            Err(Unplannable::Done(name(task)))
        }
    }
}

/// What wishes for a planner to look at the task, who is told these words if there are any: behind the wish, so that nobody
/// else takes them up.
pub fn wanted(task: &TaskId, message: MessageId, words: String) -> Vec<Kind> {
    let wish = Kind::PlanWanted { task: task.clone() };
    let said = (!words.trim().is_empty()).then(|| {
        let task = task.clone();
        Kind::MessageSent { task, message, text: words, answers: None }
    });
    [wish].into_iter().chain(said).collect()
}

/// The first of the task and all below it whose plan is not agreed on.
pub fn planned_below<'a>(state: &'a State, task: &Task) -> Option<&'a Task> {
    state.walk(&task.id).find(|part| part.is_planned())
}

/// The same for who asks at each entry and has a survey of all goals.
pub fn planned_below_beside<'a>(state: &'a State, survey: &Survey, task: &Task) -> Option<&'a Task> {
    first_planned(state, survey, task, Task::is_planned)
}

/// Whether the task's own worker may split it: it is whole, there is room below it, and nobody said no.
pub fn may_split(state: &State, task: &Task) -> bool {
    let wished = task.planning.as_ref().is_none_or(|planning| planning.plan != Plan::Rejected);
    wished
        && state.is_agreed(task)
        && !task.is_goal()
        && !task.is_group()
        && task.work == Work::Agent
        && task.schedule.repeat.is_none()
        && level(state, task) < state.limits.depth
        && room(state, task) >= state.limits.plan_min
}

/// The fewest and the most tasks that a planner's plan of it may have. Where a goal is planned again, what stays counts as
/// well, and there may be less left to do.
pub(crate) fn width(state: &State, task: &Task) -> (u32, u32) {
    let (min, max) = (state.limits.plan_min, state.limits.plan_max);
    if !(task.is_goal() && task.is_planned_again()) {
        return (min, max);
    }
    let there = u32::try_from(state.walk(&task.id).skip(1).count()).unwrap_or(u32::MAX);
    (1, max.saturating_add(there))
}

/// Tasks that agents may still add to the task's tree.
pub fn room(state: &State, task: &Task) -> u32 {
    let most = state.limits.tasks;
    // How far a larger tree is beyond the bound makes no difference.
    let there = state.walk(&task.root).skip(1).take(most as usize).count();
    most.saturating_sub(u32::try_from(there).unwrap_or(u32::MAX))
}

/// A plan leaves it as it is: it or something below it has begun, and did not fail.
pub(crate) fn is_fixed(state: &State, task: &Task) -> bool {
    let begun = |task: &Task| match task.standing {
        // No run shows what a person did or took as done, nor what was taken over from an earlier task.
        Standing::Completed => true,
        // With what it was a part of, while the same plan puts it elsewhere: how it stood is kept beside it.
        Standing::Removed { .. } => false,
        _ => !task.runs.is_empty() && !task.is_dead(),
    };
    state.subtree(&task.id).into_iter().any(begun)
}

/// The tasks below this one with the keys by which a planner names them, each once: parts of parts have keys of their
/// own planner's choosing.
pub(crate) fn keyed<'a>(state: &'a State, task: &Task) -> Vec<(String, &'a Task)> {
    let mut known = BTreeSet::new();
    let below = state.subtree(&task.id).into_iter().skip(1);
    below
        .map(|task| {
            let own = known.insert(task.key.clone());
            (if own { task.key.clone() } else { task.id.to_string() }, task)
        })
        .collect()
}

/// The task whose proposal a person looks at when this one is chosen: itself, the nearest above, or the first in its tree.
pub fn proposal<'a>(state: &'a State, survey: &Survey, task: &'a Task) -> Option<&'a Task> {
    let proposed = |task: &Task| task.planning.as_ref().is_some_and(Planning::is_proposed);
    let near = std::iter::once(task).chain(state.ancestors(task)).find(|task| proposed(task));
    near.or_else(|| first_planned(state, survey, state.task(&task.root)?, proposed))
}

/// Which task at or below `top` is planned in this way, the first in the order of the tree. That is gone through only where
/// there is such a one somewhere in it.
fn first_planned<'a>(
    state: &'a State,
    survey: &Survey,
    top: &Task,
    is: impl Fn(&Task) -> bool,
) -> Option<&'a Task> {
    let mut planned = survey.planned().filter_map(|id| state.task(id));
    let somewhere = planned.any(|task| task.root == top.root && is(task));
    somewhere.then(|| state.walk(&top.id).find(|task| is(task))).flatten()
}
