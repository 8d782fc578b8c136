//! Status: derived from the facts, never stored. Each task is in exactly one, with a reason and with what
//! will wake it; nothing waits without a waker.

use std::collections::BTreeSet;

use shared::agent::{ErrorClass, HarnessId};
use shared::entry::Purpose;
use shared::id::TaskId;
use shared::limits::Stage;
use shared::permission::Ask;
use shared::plan::Mode;
use shared::retry::Again;
use shared::unit::{MicroUsd, Millis};

use crate::budget::{self, Cap, Short};
use crate::decide::{self, can_resume, parts_are_over, repeats_at, starts_at};
use crate::order::{is_free, waits_for};
use crate::planning::Plan;
use crate::proof;
use crate::state::{Phase, Run, Standing, State, Task};

mod money;
mod room;
mod since;

use money::{unpaid, used_above};
pub use room::Room;

/// The eight that a person sees; their order is how loudly they speak, the loudest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Waiting,
    Failed,
    Limited,
    Active,
    Review,
    Pending,
    Completed,
    Cancelled,
}

/// A task's status with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    pub kind: Kind,
    pub reason: Reason,
    pub since: Millis,
}

/// Why a task is where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// Part of a plan that waits for approval.
    Proposed,
    Removed,
    After(Vec<TaskId>),
    /// The parts of this one are planned anew, and what has not begun waits for that.
    Planned(TaskId),
    /// Begins with the group above it.
    WithParent(TaskId),
    /// All agents are busy.
    Slot,
    /// Not before this time.
    StartsAt(Millis),
    /// Done, and to be done anew.
    RepeatsAt(Millis),
    /// Others hold what is left of a budget.
    Held,
    /// A cap is used up: the task's own, in whole or of a stage, or the budget of a task above it.
    Used {
        cap: Cap,
        stage: Option<Stage>,
        above: Option<TaskId>,
    },
    /// Its kind of agent fails whatever it is given and is left alone until then; now one of its tasks may be
    /// under way to see whether it answers.
    Outage {
        harness: HarnessId,
        until: Millis,
        probed: bool,
    },
    /// So much was spent since a person last did anything.
    Unattended(MicroUsd),
    Starting,
    Running(String),
    Planning,
    Summing,
    /// The person is at its terminal.
    Terminal,
    /// Another agent looks at why it failed.
    Diagnosing,
    /// A light model is asked how hard it is.
    Sizing,
    /// It looks at the folder, before it begins or after it is done.
    Looking,
    Checking(String),
    Reviewing,
    Committing,
    /// The `n`th time of `of` that may be.
    Repairing {
        n: u32,
        of: u32,
    },
    Stopping,
    /// Its parts go on.
    Parts {
        done: u32,
        all: u32,
    },
    Asks(String),
    /// Its agent asks to be allowed something, and waits until the person answers.
    Permission(Ask),
    /// An interactive task whose turn is over.
    YourTurn,
    /// An interactive task that can begin.
    Begin,
    /// A task that the person does, and whose turn has come.
    Yours,
    Approve {
        version: u32,
    },
    PlanProblem(Vec<String>),
    /// A plan of the person's own that has no tasks.
    NoTasks,
    /// Cannot go on before these are retried, dropped or given up.
    Stuck(Vec<TaskId>),
    /// Its turn was cut short by `class`, and is taken up again.
    ResumesAt {
        until: Millis,
        class: Option<ErrorClass>,
        again: Again,
        /// Since when it is put off to the end of the quiet hours, if it is.
        quiet: Option<Millis>,
    },
    Done,
    Failure {
        class: ErrorClass,
        why: String,
    },
    Stopped,
}

/// What will change a status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waker {
    Person,
    Run,
    Clock(Millis),
    Tasks(Vec<TaskId>),
    /// A run of another task ends and makes room.
    Room,
    /// It is over; only a person's wish to go on would change it.
    Nothing,
}

/// The status of a task, as of this state.
pub fn status(state: &State, task: &Task) -> Status {
    status_beside(state, task, &|part| status(state, part))
}

/// The same, where those of the tasks below it are known.
pub(crate) fn status_beside(state: &State, task: &Task, of: Known<'_>) -> Status {
    let (kind, reason) = kind_and_reason(state, task, of);
    let since = since::since(state, task, kind, &reason);
    Status { kind, reason, since }
}

/// How a task below stands.
type Known<'a> = &'a dyn Fn(&Task) -> Status;

fn kind_and_reason(state: &State, task: &Task, of: Known<'_>) -> (Kind, Reason) {
    // Of a group that is not over its parts tell more than talk with it.
    let tells = |run: &&Run| run.purpose != Purpose::Talk || !task.is_group() || task.is_over();
    if let Some(run) = state.current(task).filter(tells) {
        return under_way(state, task, run);
    }
    let (kind, reason) = standing(state, task, of);
    // What the person does costs nothing and waits for no agent.
    let next = match reason {
        Reason::Slot | Reason::ResumesAt { .. } => true,
        // A group that is not over may say it of its parts.
        Reason::StartsAt(_) => {
            !task.is_group() || task.is_planned() || task.is_over() || parts_are_over(state, task)
        }
        // It is done, and has something left to do.
        Reason::RepeatsAt(_) => !task.is_group(),
        _ => false,
    };
    let due = next && !task.is_by_hand();
    let wished = due || (task.is_spoken_to() && !task.is_over() && kind != Kind::Pending);
    let short = || budget::short(state, task, decide::next_purpose(state, task));
    match wished.then(short).flatten() {
        Some(Short::Used { cap, stage, above: None }) => {
            (Kind::Waiting, Reason::Used { cap, stage, above: None })
        }
        Some(Short::Used { cap, stage, above }) => {
            // The task above asks for all of its own, unless it is over and this one is talked to again.
            let asks =
                above.as_ref().and_then(|above| state.task(above)).is_some_and(|above| !above.is_over());
            (if asks { Kind::Pending } else { Kind::Waiting }, Reason::Used { cap, stage, above })
        }
        Some(Short::Held { .. }) if matches!(kind, Kind::Pending | Kind::Review) => (kind, Reason::Held),
        None if due => held_up(state, task).unwrap_or((kind, reason)),
        Some(Short::Held { .. }) | None => (kind, reason),
    }
}

/// What keeps a turn that is wished for from its time on, and is none of the task's own doing.
fn held_up(state: &State, task: &Task) -> Option<(Kind, Reason)> {
    let harness = decide::harness(state, task, decide::next_purpose(state, task));
    if let Some(cap) = decide::unattended(state).filter(|_| harness != HarnessId::Command) {
        // The goal asks for all of its own.
        let kind = if task.is_goal() { Kind::Waiting } else { Kind::Pending };
        return Some((kind, Reason::Unattended(cap)));
    }
    let until = decide::outage(state, harness).filter(|_| !task.urged)?;
    let due = decide::due(state, task).or_else(|| repeats_at(state, task)).or_else(|| starts_at(state, task));
    let later = due.is_some_and(|due| due > until);
    let probed = decide::is_probed(state, harness);
    (!later).then_some((Kind::Limited, Reason::Outage { harness, until, probed }))
}

fn standing(state: &State, task: &Task, of: Known<'_>) -> (Kind, Reason) {
    match &task.standing {
        Standing::Proposed => match waits_for(state, task) {
            deps if deps.is_empty() => (Kind::Pending, Reason::Proposed),
            deps => (Kind::Pending, Reason::After(deps.into_iter().map(|dep| dep.id.clone()).collect())),
        },
        Standing::Removed { .. } => (Kind::Cancelled, Reason::Removed),
        // What is written to it is for a turn that begins anew, and that waits for what comes before it.
        Standing::Asked { .. } | Standing::Yielded | Standing::Claimed
            if task.is_spoken_to() && !decide::goes_on(state, task) && !is_ready(state, task) =>
        {
            open(state, task, of)
        }
        Standing::Yielded if task.is_by_hand() => (Kind::Waiting, Reason::Yours),
        // The person has answered, and its turn is next.
        Standing::Asked { .. } | Standing::Yielded if task.is_spoken_to() => (Kind::Pending, Reason::Slot),
        Standing::Asked { question, .. } => (Kind::Waiting, Reason::Asks(question.clone())),
        Standing::Yielded => (Kind::Waiting, Reason::YourTurn),
        // Its turn for that is next in line, after talk that is not over yet.
        Standing::Claimed => {
            state.current(task).map_or((Kind::Review, Reason::Slot), |talk| under_way(state, task, talk))
        }
        Standing::Limited { .. } if !can_resume(state, task) => open(state, task, of),
        Standing::Limited { until: at, class, again } => {
            let until = decide::due(state, task).unwrap_or(*at);
            // It waits for a service, or for another try of its own.
            let service = [ErrorClass::RateLimit, ErrorClass::Overload, ErrorClass::Network];
            let limited = *again == Again::GoOn && class.is_none_or(|class| service.contains(&class));
            let kind = if limited { Kind::Limited } else { Kind::Pending };
            let quiet = (until > *at).then(|| state.quieted.max(*at));
            (kind, Reason::ResumesAt { until, class: *class, again: *again, quiet })
        }
        Standing::Completed | Standing::Failed { .. } | Standing::Cancelled
            if decide::is_called_on(state, task) =>
        {
            (Kind::Pending, starts_at(state, task).map_or(Reason::Slot, Reason::StartsAt))
        }
        Standing::Completed => match repeats_at(state, task) {
            None => (Kind::Completed, Reason::Done),
            // Its next time waits for the same as its first.
            Some(at) => held_back(state, task).unwrap_or((Kind::Completed, Reason::RepeatsAt(at))),
        },
        Standing::Failed { class, why } => {
            (Kind::Failed, Reason::Failure { class: *class, why: why.clone() })
        }
        Standing::Cancelled => (Kind::Cancelled, Reason::Stopped),
        Standing::Open => open(state, task, of),
    }
}

/// What comes before a turn that begins anew is done: dependencies, and the parts of what sums up.
fn is_ready(state: &State, task: &Task) -> bool {
    is_free(state, task) && (!task.is_group() || parts_are_over(state, task))
}

fn under_way(state: &State, task: &Task, run: &Run) -> (Kind, Reason) {
    if let Some(asked) = run.asks_now().filter(|_| task.stop.is_none()) {
        return (Kind::Waiting, Reason::Permission(asked.ask.clone()));
    }
    let reason = match (&run.phase, run.purpose) {
        _ if task.stop.is_some() || run.signalled.is_some() => Reason::Stopping,
        (Phase::Requested, _) => Reason::Starting,
        (_, Purpose::Plan) => Reason::Planning,
        (_, Purpose::Summary) => Reason::Summing,
        (_, Purpose::Diagnose) => Reason::Diagnosing,
        (_, Purpose::Terminal) => Reason::Terminal,
        (_, Purpose::Classify) => Reason::Sizing,
        (_, Purpose::Work | Purpose::Talk) => Reason::Running(task.doing.clone()),
        (_, Purpose::Base | Purpose::After) => Reason::Looking,
        (_, Purpose::Check) => {
            Reason::Checking(run.check.as_ref().map(ToString::to_string).unwrap_or_default())
        }
        (_, Purpose::Review) => Reason::Reviewing,
        (_, Purpose::Commit) => Reason::Committing,
        (_, Purpose::Repair) => Reason::Repairing { n: task.proof.repairs, of: proof::bound(state, task) },
    };
    let shows = matches!(run.purpose, Purpose::Check | Purpose::Review | Purpose::Commit | Purpose::After);
    (if shows { Kind::Review } else { Kind::Active }, reason)
}

fn open(state: &State, task: &Task, of: Known<'_>) -> (Kind, Reason) {
    if let Some(planning) = &task.planning {
        match &planning.plan {
            // Its planner's turn is next in line, after talk that is not over yet.
            Plan::Wanted | Plan::Refused { .. } if let Some(talk) = state.current(task) => {
                return under_way(state, task, talk);
            }
            Plan::Wanted => {
                return (Kind::Pending, starts_at(state, task).map_or(Reason::Slot, Reason::StartsAt));
            }
            Plan::Proposed { .. } if !task.is_group() => return (Kind::Waiting, Reason::NoTasks),
            Plan::Proposed { .. } => {
                return (Kind::Waiting, Reason::Approve { version: planning.version });
            }
            Plan::Refused { problems } if planning.refusals > state.limits.repairs => {
                return (Kind::Waiting, Reason::PlanProblem(problems.clone()));
            }
            Plan::Refused { .. } => return (Kind::Pending, Reason::Slot),
            Plan::Approved { .. } | Plan::Answered | Plan::Unsplit { .. } | Plan::Rejected => {}
        }
    }
    held_back(state, task)
        .unwrap_or_else(|| if task.is_group() { group(state, task, of) } else { leaf(state, task) })
}

/// What keeps a task from beginning whose own plan is agreed on: that of a task above it, or what comes before it.
fn held_back(state: &State, task: &Task) -> Option<(Kind, Reason)> {
    if let Some(above) = state.planner_above(task) {
        return Some((Kind::Pending, Reason::Planned(above.id.clone())));
    }
    let deps = waits_for(state, task);
    let stuck: Vec<TaskId> = deps.iter().filter(|dep| is_dead(dep)).map(|dep| dep.id.clone()).collect();
    let reason = match stuck.is_empty() {
        true if deps.is_empty() => return None,
        true => Reason::After(deps.into_iter().map(|dep| dep.id.clone()).collect()),
        false => Reason::Stuck(stuck),
    };
    Some((Kind::Pending, reason))
}

fn leaf(state: &State, task: &Task) -> (Kind, Reason) {
    let begins = task.runs.is_empty() || task.session.is_none();
    if task.mode == Mode::Interactive && begins && task.queue.is_empty() {
        return (Kind::Waiting, Reason::Begin);
    }
    (Kind::Pending, starts_at(state, task).map_or(Reason::Slot, Reason::StartsAt))
}

/// Whether an open task without parts, whose plan is agreed on, waits for nothing but its time and a free agent.
pub(crate) fn can_begin(state: &State, task: &Task) -> bool {
    if !is_free(state, task) {
        return false;
    }
    match leaf(state, task).1 {
        Reason::Slot => budget::short(state, task, decide::next_purpose(state, task)).is_none(),
        reason => matches!(reason, Reason::StartsAt(_)),
    }
}

/// A failed or stopped task that others wait for.
fn is_dead(task: &Task) -> bool {
    matches!(task.standing, Standing::Failed { .. } | Standing::Cancelled)
}

/// A group speaks for its parts: the loudest of those that are not over, or what holds it up.
fn group(state: &State, task: &Task, of: Known<'_>) -> (Kind, Reason) {
    let parts: Vec<&Task> = task.children.iter().filter_map(|id| state.task(id)).collect();
    let all = u32::try_from(parts.len()).unwrap_or(u32::MAX);
    // Once each: a part that is a group asks its own parts.
    let statuses: Vec<Status> = parts.iter().map(|part| of(part)).collect();
    // What failed is given up with the goal.
    let closing = task.goal.as_ref().is_some_and(|goal| goal.closing.is_some());
    // Who sums up does not wait for talk with a part that is over.
    let talks = |part: &Task| {
        let through =
            closing || (!matches!(part.standing, Standing::Failed { .. }) && part.again().is_none());
        through && decide::is_called_on(state, part)
    };
    let over = |(part, status): &(&&Task, &Status)| {
        let quiet = matches!(status.kind, Kind::Completed | Kind::Cancelled);
        quiet || (closing && status.kind == Kind::Failed) || talks(part)
    };
    let done = parts.iter().zip(&statuses).filter(over).count();
    let done = u32::try_from(done).unwrap_or(u32::MAX);
    if done == all && parts.iter().any(|part| part.current.is_some()) {
        return (Kind::Active, Reason::Parts { done, all });
    }
    let again = parts.iter().filter_map(|part| repeats_at(state, part)).min();
    if let Some(at) = again.filter(|_| done == all) {
        return (Kind::Pending, Reason::RepeatsAt(at));
    }
    if done == all && !parts_are_over(state, task) {
        // What lies deeper was spoken to after the goal was closed, and is to be over first.
        return deeper(state, task, of, done, all).unwrap_or((Kind::Active, Reason::Parts { done, all }));
    }
    if done == all {
        // Talk that is not over yet comes before the summary.
        let due = || (Kind::Pending, starts_at(state, task).map_or(Reason::Slot, Reason::StartsAt));
        return state.current(task).map_or_else(due, |talk| under_way(state, task, talk));
    }
    let is = |kinds: &[Kind]| statuses.iter().any(|status| kinds.contains(&status.kind));
    let moving = is(&[Kind::Active, Kind::Limited, Kind::Review]);
    let startable = |status: &&Status| {
        let held_up = matches!(
            status.reason,
            Reason::Stuck(_)
                | Reason::After(_)
                | Reason::Planned(_)
                | Reason::Used { .. }
                | Reason::Unattended(_)
        );
        status.kind == Kind::Pending && !held_up
    };
    let starts = |status: &Status| match status.reason {
        // A group whose parts are all done is until one of them is done anew.
        Reason::StartsAt(at) | Reason::RepeatsAt(at) => Some(at),
        _ => None,
    };
    let startable: Vec<&Status> = statuses.iter().filter(startable).collect();
    let first = startable.iter().min_by_key(|status| starts(status));
    if let Some(first) = first.filter(|first| !moving && starts(first).is_some()) {
        return (Kind::Pending, first.reason.clone());
    }
    if moving || !startable.is_empty() {
        let begun = parts.iter().any(|part| !part.runs.is_empty() || part.is_group());
        return (if begun { Kind::Active } else { Kind::Pending }, Reason::Parts { done, all });
    }
    if let Some(asks) = unpaid(state, task, of) {
        return asks;
    }
    if is(&[Kind::Waiting]) {
        return (Kind::Waiting, Reason::Parts { done, all });
    }
    if let Some(used) = used_above(task, &statuses) {
        return used;
    }
    let mut stuck: Vec<TaskId> = Vec::new();
    for (part, status) in parts.iter().zip(&statuses) {
        let by = match &status.reason {
            _ if is_dead(part) || status.kind == Kind::Failed => std::slice::from_ref(&part.id),
            // What it waits for is elsewhere.
            Reason::Stuck(by) => by,
            _ => &[],
        };
        stuck.extend(by.iter().filter(|id| !stuck.contains(id)).cloned().collect::<Vec<_>>());
    }
    if !stuck.is_empty() {
        return (Kind::Waiting, Reason::Stuck(stuck));
    }
    match elsewhere(state, task, &statuses) {
        // Its parts come after what is deeper in one that the person took as done.
        after if after.is_empty() => {
            deeper(state, task, of, done, all).unwrap_or((Kind::Waiting, Reason::Stuck(stuck)))
        }
        after => (Kind::Pending, Reason::After(after)),
    }
}

/// What is said of a group by those parts of its parts that wait for nothing before them, if there are any.
fn deeper(state: &State, task: &Task, of: Known<'_>, done: u32, all: u32) -> Option<(Kind, Reason)> {
    // What is to come of a plan down there waits for who is asked about it.
    let speaks = |part: &&Task| !part.is_over() && state.planner_above(part).is_none();
    let below = state.subtree(&task.id).into_iter().skip(1).filter(speaks).map(of);
    let waits = |status: &Status| matches!(status.reason, Reason::After(_) | Reason::Stuck(_));
    let statuses: Vec<Status> = below.filter(|status| !waits(status)).collect();
    let asks = |status: &Status| status.kind == Kind::Waiting;
    let unpaid = |status: &Status| matches!(status.reason, Reason::Used { .. } | Reason::Unattended(_));
    if !statuses.iter().all(|status| asks(status) || unpaid(status)) {
        return Some((Kind::Active, Reason::Parts { done, all }));
    }
    let waiting = (!statuses.is_empty()).then_some((Kind::Waiting, Reason::Parts { done, all }));
    let any = statuses.iter().any(asks);
    let unpaid = statuses.iter().filter_map(|status| used_above(task, std::slice::from_ref(status)));
    unpaid.into_iter().find(|(kind, _)| *kind == Kind::Waiting || !any).or(waiting)
}

/// What parts of these statuses come after and is no part of the task itself.
fn elsewhere(state: &State, task: &Task, parts: &[Status]) -> Vec<TaskId> {
    let is_part = |dep: &TaskId| {
        state.task(dep).is_some_and(|dep| state.ancestors(dep).any(|above| above.id == task.id))
    };
    let deps = parts.iter().filter_map(|part| match &part.reason {
        Reason::After(deps) => Some(deps),
        _ => None,
    });
    let deps: BTreeSet<&TaskId> = deps.flatten().filter(|dep| !is_part(dep)).collect();
    deps.into_iter().cloned().collect()
}

impl Status {
    /// Since when it stands like this, as of now: `since`, or later where time alone changed what it waits for, which is in no
    /// entry.
    pub fn since_at(&self, now: Millis) -> Millis {
        let by_time = match &self.reason {
            // Its time has come, and it waits for room.
            Reason::ResumesAt { until: at, .. }
            | Reason::Outage { until: at, .. }
            | Reason::StartsAt(at)
            | Reason::ResumesAt { quiet: Some(at), .. }
                if *at <= now =>
            {
                *at
            }
            _ => self.since,
        };
        self.since.max(by_time)
    }

    /// What will change it.
    pub fn waker(&self) -> Waker {
        match &self.reason {
            Reason::Proposed | Reason::Asks(_) | Reason::Permission(_) | Reason::YourTurn => Waker::Person,
            Reason::Begin | Reason::Yours | Reason::Approve { .. } | Reason::PlanProblem(_) => Waker::Person,
            Reason::NoTasks | Reason::Stuck(_) => Waker::Person,
            Reason::Parts { .. } if self.kind == Kind::Waiting => Waker::Person,
            Reason::After(tasks) => Waker::Tasks(tasks.clone()),
            Reason::Planned(task) | Reason::WithParent(task) => Waker::Tasks(vec![task.clone()]),
            Reason::Used { above: None, .. } => Waker::Person,
            Reason::Used { .. } if self.kind == Kind::Waiting => Waker::Person,
            Reason::Used { above: Some(above), .. } => Waker::Tasks(vec![above.clone()]),
            Reason::Unattended(_) => Waker::Person,
            Reason::Slot | Reason::Held | Reason::Outage { probed: true, .. } => Waker::Room,
            Reason::Starting
            | Reason::Running(_)
            | Reason::Planning
            | Reason::Summing
            | Reason::Terminal
            | Reason::Diagnosing
            | Reason::Sizing
            | Reason::Looking
            | Reason::Checking(_)
            | Reason::Reviewing
            | Reason::Committing
            | Reason::Repairing { .. }
            | Reason::Stopping
            | Reason::Parts { .. } => Waker::Run,
            Reason::ResumesAt { until: at, .. }
            | Reason::Outage { until: at, .. }
            | Reason::StartsAt(at)
            | Reason::RepeatsAt(at) => Waker::Clock(*at),
            Reason::Removed | Reason::Done | Reason::Failure { .. } | Reason::Stopped => Waker::Nothing,
        }
    }
}

impl Kind {
    /// The loudest first.
    pub const ALL: [Self; 8] = [
        Self::Waiting,
        Self::Failed,
        Self::Limited,
        Self::Active,
        Self::Review,
        Self::Pending,
        Self::Completed,
        Self::Cancelled,
    ];

    /// The word that a person reads.
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "Waiting for you",
            Self::Failed => "Failed",
            Self::Limited => "Rate-limited",
            Self::Active => "Running",
            Self::Review => "In review",
            Self::Pending => "Pending",
            Self::Completed => "Completed",
            Self::Cancelled => "Cancelled",
        }
    }

    /// The value of `data-status`, which is also the glyph's name.
    pub fn token(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Failed => "failed",
            Self::Limited => "limited",
            Self::Active => "active",
            Self::Review => "review",
            Self::Pending => "pending",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
        }
    }
}
