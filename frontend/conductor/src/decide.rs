//! The policy: what happens next. `decide` looks at the state and the time and gives drafts of entries;
//! the same state and time give the same drafts. Where judging changes the picture it stops there: the
//! driver folds what was decided and asks again until nothing is left to decide.

use std::cmp::Reverse;

use shared::agent::HarnessId;
use shared::entry::{Draft, Kind, Outcome, Purpose};
use shared::id::{RunId, TaskId};
use shared::retry::Again;
use shared::run::Signal;
use shared::unit::Millis;

use crate::budget::{self, Purse};
use crate::order::is_free;
use crate::planning::{Plan, Planning};
use crate::proof;
use crate::reuse;
use crate::sizing;
use crate::state::{Ear, Run, Standing, State, Task, TaskResult};
use crate::status;
use crate::terminal;

mod again;
mod judge;
mod permit;
mod prove;
mod queue;
mod tell;
mod turn;
mod waits;

use queue::Room;
pub use queue::{Bound, bound};
pub(crate) use queue::{repeats_at, starts_at};
pub use tell::{Hearing, hearing};
pub(crate) use turn::session_for;
pub(crate) use waits::{due, harness, is_probed, model, outage, unattended};

/// What to append now, as one batch. Empty when nothing is to be decided.
#[must_use]
pub fn decide(state: &State, now: Millis) -> Vec<Draft> {
    // What another did may stand for each that could begin.
    let tasks: Vec<&Task> =
        if state.limits.reuse { state.line().collect() } else { state.stirring().collect() };
    let under_way: Vec<(&Task, &Run)> =
        tasks.iter().filter_map(|task| Some((*task, state.current(task)?))).collect();
    let mut drafts: Vec<Draft> = stops(&under_way).chain(overdrawn(state, &under_way)).collect();
    drafts.extend(permit::answers(state));
    drafts.extend(tell::tells(&under_way));
    drafts.extend(tell::closes(state));
    // Runs that were read and whose task waits for a judgement.
    for (_, run) in under_way.iter().filter(|(_, run)| run.is_read()) {
        drafts.extend(judge::judge(state, run, now));
        // What the next one may add hangs on what this one did.
        let proposes = |draft: &Draft| matches!(draft.body.known(), Some(Kind::PlanProposed { .. }));
        if drafts.last().is_some_and(proposes) {
            return drafts;
        }
    }
    drafts.extend(tasks.iter().flat_map(|task| terminal::request(state, task)));
    for task in &tasks {
        drafts.extend(sized(state, task, now).or_else(|| reused(state, task, now)));
        if is_shown(state, task, now) {
            drafts.extend(prove::settle(state, task, now));
        }
        drafts.extend(adopted(state, task));
    }
    // What else is decided may open a part again, and with it what others come after.
    if drafts.is_empty() {
        drafts = handed(state, &tasks, now);
    }
    if drafts.is_empty() {
        drafts.extend(tasks.iter().filter_map(|task| cancelled_whole(state, task)));
    }
    if drafts.is_empty() { starts(state, now) } else { drafts }
}

/// When, after `after`, time alone will change what `decide` says, and for which task.
pub fn next_deadline(state: &State, after: Millis) -> Option<(Millis, TaskId)> {
    let outages = HarnessId::ALL.into_iter().any(|harness| waits::outage(state, harness).is_some());
    // An agent that is left alone may be whom any of them waits for.
    let tasks: Vec<&Task> = if outages { state.line().collect() } else { state.stirring().collect() };
    // What is below it begins no sooner.
    let timed = tasks.iter().filter(|task| task.schedule.start.is_some());
    let timed: Vec<&Task> = timed.flat_map(|task| state.walk(&task.id)).collect();
    let due = tasks.into_iter().chain(timed).flat_map(|task| {
        let idle = task.current.is_none();
        let limited = waits::due(state, task).filter(|_| idle);
        let wished = !task.is_over() || task.is_spoken_to();
        let starts = queue::starts_at(state, task).filter(|_| wished);
        let wanted = matches!(task.standing, Standing::Open | Standing::Limited { .. } | Standing::Claimed);
        let wanted = outages && idle && !task.is_by_hand() && (wanted || task.is_spoken_to());
        let outage =
            wanted.then(|| waits::outage(state, waits::harness(state, task, next_purpose(state, task))));
        [limited, starts, repeats_at(state, task), outage.flatten()]
            .into_iter()
            .flatten()
            .map(|at| (at, task.id.clone()))
    });
    due.filter(|(at, _)| *at > after).min()
}

/// Orders the end of runs whose task is to stop; once each, the supervisor sees it through.
fn stops(under_way: &[(&Task, &Run)]) -> impl Iterator<Item = Draft> {
    let stopping = under_way.iter().filter(|(task, run)| task.stop.is_some() && run.signalled.is_none());
    stopping.filter(|(_, run)| run.is_active()).map(|(task, run)| draft(task, ended(run, None)))
}

/// Ends turns whose budget is used up in their middle by what they are thought to have cost; the person is asked then.
fn overdrawn(state: &State, under_way: &[(&Task, &Run)]) -> impl Iterator<Item = Draft> {
    // Whose turn is over ends by itself.
    let works = |run: &Run| run.is_active() && matches!(run.ear, Ear::Deaf | Ear::Open);
    let goes_on = move |task: &Task, run: &Run| task.stop.is_none() && run.signalled.is_none() && works(run);
    let active = under_way.iter().filter(move |(task, run)| goes_on(task, run));
    active.filter_map(move |(task, run)| {
        Some(draft(task, ended(run, Some(budget::overdrawn(state, task, run)?))))
    })
}

fn ended(run: &Run, budget: Option<&TaskId>) -> Kind {
    Kind::SignalSent { run: run.id.clone(), signal: Signal::Terminate, budget: budget.cloned() }
}

/// A group all of whose parts were stopped has nothing to sum up.
fn cancelled_whole(state: &State, task: &Task) -> Option<Draft> {
    let waits = task.is_group() && task.standing == Standing::Open && task.current.is_none();
    let stopped = |part: &TaskId| state.task(part).is_none_or(|part| part.standing == Standing::Cancelled);
    let whole = waits && state.admits(task) && task.children.iter().all(stopped);
    let outcome = Outcome::Cancelled;
    whole.then(|| draft(task, Kind::TaskSettled { task: task.id.clone(), run: None, outcome }))
}

/// The tasks of the person's own whose turn has come are theirs. What comes round goes one by one: others may come after it.
fn handed(state: &State, tasks: &[&Task], now: Millis) -> Vec<Draft> {
    let theirs = || tasks.iter().filter(|task| is_theirs(state, task, now));
    let round = theirs().find(|task| task.standing == Standing::Completed);
    let hand = |task: &&Task| {
        let outcome = Outcome::Yielded { summary: String::new(), outputs: Vec::new(), not_done: Vec::new() };
        draft(task, Kind::TaskSettled { task: task.id.clone(), run: None, outcome })
    };
    round.map_or_else(|| theirs().map(hand).collect(), |round| vec![hand(round)])
}

/// The turn of a task that the person does has come.
fn is_theirs(state: &State, task: &Task, now: Millis) -> bool {
    let begins = || {
        task.standing == Standing::Open
            && state.is_agreed(task)
            && is_free(state, task)
            && queue::starts_at(state, task).is_none_or(|at| at <= now)
    };
    // Who is about to sit at its terminal has it in hand already.
    let idle = task.current.is_none() && task.terminal.is_none();
    task.is_by_hand() && idle && (begins() || comes_round(state, task, now))
}

/// Nobody is asked about a plan where the person said so beforehand, unless there is something to answer first.
fn adopted(state: &State, task: &Task) -> Option<Draft> {
    let planning = task.planning.as_ref().filter(|planning| planning.is_proposed())?;
    let quiet = task.standing == Standing::Open
        && task.is_group()
        && task.current.is_none()
        && task.stop.is_none()
        && !task.is_spoken_to();
    let adopts = quiet && state.goal_of(task).is_some_and(|goal| goal.preset.approves());
    adopts.then(|| draft(task, Kind::PlanAdopted { goal: task.id.clone(), version: planning.version }))
}

fn starts(state: &State, now: Millis) -> Vec<Draft> {
    // What runs goes on.
    let mut room = Room::of(state);
    if state.is_full() || room.is_taken() {
        return Vec::new();
    }
    // Stable: of the same priority, the first in the tree goes first. Where nobody has one, that is the tree's order, and
    // only so many are asked as there are places.
    let line: Box<dyn Iterator<Item = &Task>> = if state.is_ranked() {
        let mut line: Vec<&Task> = state.line().collect();
        line.sort_by_cached_key(|task| Reverse(queue::priority(state, task)));
        Box::new(line.into_iter())
    } else {
        Box::new(state.line())
    };
    let mut purse = Purse::new(state);
    let mut drafts = Vec::new();
    let unattended = waits::unattended(state).is_some();
    let (mut probed, mut wholes) = (Vec::new(), Vec::new());
    for task in line {
        if room.is_taken() {
            break;
        }
        let Some(purpose) = wish(state, task, now) else { continue };
        // A part of what it would sum up begins with this very batch.
        if purpose == Purpose::Summary && wholes.contains(&Some(&task.id)) {
            continue;
        }
        let harness = waits::harness(state, task, purpose);
        if unattended && harness != HarnessId::Command {
            continue;
        }
        let outage = waits::outage(state, harness).filter(|_| !task.urged);
        if outage.is_some_and(|until| until > now || probed.contains(&harness) || is_probed(state, harness)) {
            continue;
        }
        if room.has(task, harness)
            && let Ok(grant) = purse.draw(task, purpose)
        {
            room.take(task, harness);
            probed.push(harness);
            wholes.push(task.parent.as_ref());
            drafts.extend(turn::request(state, task, purpose, grant, now));
        }
    }
    drafts
}

/// The turn that a task should have now, if any.
fn wish(state: &State, task: &Task, now: Millis) -> Option<Purpose> {
    if task.current.is_some() || task.stop.is_some() {
        return None;
    }
    if is_shown(state, task, now) {
        return proof::purpose(&proof::step(state, task));
    }
    if let (Standing::Limited { until, again, .. }, Some(due)) = (&task.standing, waits::due(state, task)) {
        // There is time to look at what went wrong while it waits, but not in quiet hours.
        if *again == Again::Diagnosed && task.diagnosis.is_none() {
            return (due == *until || due <= now).then_some(Purpose::Diagnose);
        }
        return (due <= now && can_resume(state, task)).then(|| resumed(state, task));
    }
    if queue::starts_at(state, task).is_some_and(|at| at > now) {
        return None;
    }
    let by_agent = !task.is_planned() && !task.is_goal() && !task.is_by_hand();
    let round = Some(Purpose::Work).filter(|_| by_agent && comes_round(state, task, now));
    match round.or_else(|| next_turn(state, task)) {
        Some(Purpose::Work) if sizing::asks(state, task) => Some(Purpose::Classify),
        Some(Purpose::Work) if proof::needs_base(state, task) => Some(Purpose::Base),
        wish => wish,
    }
}

/// The turn that comes next, whenever its time is.
fn next_turn(state: &State, task: &Task) -> Option<Purpose> {
    let spoken_to = task.is_spoken_to();
    match &task.planning {
        Some(planning) if task.is_planned() => plan_wish(state, task, planning, spoken_to),
        _ if task.is_goal() => goal_wish(state, task, spoken_to),
        _ if task.is_by_hand() => None,
        _ => task_wish(state, task, spoken_to),
    }
}

/// It is over, and what the person said to it since is told by a turn that is still to come.
pub(crate) fn is_called_on(state: &State, task: &Task) -> bool {
    let idle = task.current.is_none() && task.stop.is_none();
    task.is_over() && task.is_spoken_to() && idle && next_turn(state, task).is_some()
}

/// It is done, and time to do it anew, which begins like the first time: when the plans that it is a part of are agreed on, and
/// after what comes before it.
fn comes_round(state: &State, task: &Task, now: Millis) -> bool {
    repeats_at(state, task).is_some_and(|at| at <= now) && state.is_agreed(task) && is_free(state, task)
}

/// How hard a task is that begins now, by the rule, where nobody said and no model is asked.
fn sized(state: &State, task: &Task, now: Millis) -> Option<Draft> {
    let begins = sizing::is_open(&state.limits, task)
        && matches!(wish(state, task, now), Some(Purpose::Work | Purpose::Base));
    let sizing::Guess { size, why, .. } = begins.then(|| sizing::guess(task))?;
    Some(draft(task, Kind::TaskSized { task: task.id.clone(), run: None, size, why }))
}

/// What another did stands for what it would do that begins now.
fn reused(state: &State, task: &Task, now: Millis) -> Option<Draft> {
    let begins = state.limits.reuse && wish(state, task, now) == Some(Purpose::Work);
    let (run, result) = begins.then(|| reuse::found(state, task, now))??;
    let TaskResult { summary, outputs, not_done } = result.clone();
    let (id, from) = (task.id.clone(), run.id.clone());
    Some(draft(task, Kind::ResultReused { task: id, from, summary, outputs, not_done }))
}

/// Its agent says that it is done, and what is left is to show that; also where that was cut short and its time has come.
fn is_shown(state: &State, task: &Task, now: Millis) -> bool {
    let looks = |task: &Task| {
        matches!(last_purpose(state, task), Some(Purpose::Check | Purpose::Review | Purpose::Commit))
    };
    let claimed = match task.standing {
        Standing::Claimed => true,
        Standing::Limited { .. } => {
            let due = waits::due(state, task).is_some_and(|due| due <= now);
            due && !task.is_group() && !begins_anew(task) && looks(task)
        }
        _ => false,
    };
    claimed && task.current.is_none() && task.stop.is_none() && !task.is_spoken_to()
}

fn last_purpose(state: &State, task: &Task) -> Option<Purpose> {
    let runs = task.runs.iter().rev().filter_map(|run| state.run(run));
    let aside = [Purpose::Diagnose, Purpose::Classify, Purpose::Terminal];
    runs.map(|run| run.purpose).find(|purpose| !aside.contains(purpose))
}

/// Nothing that comes before the turn that was cut short was added or tried again meanwhile: a part of what is
/// summed up, or a dependency of what has to begin anew.
pub(crate) fn can_resume(state: &State, task: &Task) -> bool {
    let purpose = resumed(state, task);
    match (task.is_group(), waits::session(state, task, purpose)) {
        // How it is to be split can be thought of before.
        _ if purpose == Purpose::Plan => true,
        (true, _) if purpose == Purpose::Summary => parts_are_over(state, task),
        (_, None) => is_free(state, task),
        (_, Some(_)) => true,
    }
}

/// A turn with what the person writes goes on with the task's session.
pub(crate) fn goes_on(state: &State, task: &Task) -> bool {
    let purpose = if task.is_group() { Purpose::Talk } else { Purpose::Work };
    waits::session(state, task, purpose).is_some()
}

/// What was done so far does not count in its next try.
fn begins_anew(task: &Task) -> bool {
    matches!(task.standing, Standing::Limited { again: Again::Anew | Again::Diagnosed, .. })
}

/// The purpose of the turn that was cut short.
fn resumed(state: &State, task: &Task) -> Purpose {
    match last_purpose(state, task).unwrap_or(Purpose::Work) {
        // What was to be shown is past, when there is more to do.
        Purpose::Check | Purpose::Review | Purpose::Commit | Purpose::Repair if task.is_group() => {
            Purpose::Summary
        }
        Purpose::Check | Purpose::Review | Purpose::Commit | Purpose::Repair if begins_anew(task) => {
            Purpose::Work
        }
        Purpose::Check | Purpose::Review | Purpose::Commit if task.is_spoken_to() => Purpose::Work,
        // The person wants less than before.
        Purpose::Repair if proof::problem(state, task).is_none() => Purpose::Work,
        purpose => purpose,
    }
}

/// What the task's next turn is for, as far as that chooses the agent.
pub(crate) fn next_purpose(state: &State, task: &Task) -> Purpose {
    match task.standing {
        Standing::Claimed if !task.is_spoken_to() => {
            proof::purpose(&proof::step(state, task)).unwrap_or(Purpose::Work)
        }
        // What went wrong is looked at first, by the agent of its work, which may be another than its planner.
        Standing::Limited { again: Again::Diagnosed, .. } if task.diagnosis.is_none() => Purpose::Diagnose,
        Standing::Limited { .. } => resumed(state, task),
        _ if task.is_planned() => Purpose::Plan,
        _ if task.is_goal() || task.is_group() => Purpose::Summary,
        _ => Purpose::Work,
    }
}

/// The turn of a planner; of a task below a goal only while it is a part of the work.
fn plan_wish(state: &State, task: &Task, planning: &Planning, spoken_to: bool) -> Option<Purpose> {
    if matches!(task.standing, Standing::Removed { .. } | Standing::Proposed) {
        return None;
    }
    let open = task.standing == Standing::Open;
    let wished = match &planning.plan {
        Plan::Wanted => open,
        Plan::Refused { .. } => open && planning.refusals <= state.limits.repairs,
        Plan::Proposed { .. }
        | Plan::Answered
        | Plan::Approved { .. }
        | Plan::Unsplit { .. }
        | Plan::Rejected => false,
    };
    (wished || spoken_to).then_some(Purpose::Plan)
}

/// The turn of a goal whose plan is approved.
fn goal_wish(state: &State, task: &Task, spoken_to: bool) -> Option<Purpose> {
    if wants_sum(task) && parts_are_over(state, task) {
        return Some(Purpose::Summary);
    }
    spoken_to.then_some(Purpose::Talk)
}

/// Its parts are to be summed up: not done yet, or the person answers what came of it.
fn wants_sum(task: &Task) -> bool {
    match task.standing {
        Standing::Open => true,
        Standing::Asked { .. } | Standing::Yielded | Standing::Failed { .. } => task.is_spoken_to(),
        Standing::Claimed => task.is_spoken_to(),
        Standing::Proposed
        | Standing::Removed { .. }
        | Standing::Limited { .. }
        | Standing::Completed
        | Standing::Cancelled => false,
    }
}

/// Every part is completed or stopped, or is given up by closing the goal.
pub(crate) fn parts_are_over(state: &State, task: &Task) -> bool {
    if task.goal.as_ref().is_some_and(|goal| goal.closing.is_some()) {
        let mut below = state.subtree(&task.id).into_iter().skip(1);
        return below.all(|part| part.is_over() && part.current.is_none());
    }
    task.children.iter().filter_map(|id| state.task(id)).all(is_through)
}

/// Nothing more is to come of it for those who sum up.
fn is_through(part: &Task) -> bool {
    matches!(part.standing, Standing::Completed | Standing::Cancelled)
        && part.current.is_none()
        && part.again().is_none()
}

fn task_wish(state: &State, task: &Task, spoken_to: bool) -> Option<Purpose> {
    // What failed or was stopped may be another task by then.
    let begins = task.standing == Standing::Open || task.is_dead();
    let admitted =
        if begins { state.is_agreed(task) } else { state.task(&task.root).is_some_and(Task::goes_on_below) };
    if !admitted || matches!(task.standing, Standing::Removed { .. } | Standing::Proposed) {
        return None;
    }
    if task.is_group() {
        if wants_sum(task) && is_free(state, task) && parts_are_over(state, task) {
            return Some(Purpose::Summary);
        }
        return (spoken_to && goes_on(state, task)).then_some(Purpose::Talk);
    }
    match task.standing {
        // When it starts was looked at before, and whether its agent is left alone is looked at for all together.
        Standing::Open => status::can_begin(state, task).then_some(Purpose::Work),
        // What never began waits for its dependencies also when it is spoken to.
        _ => (spoken_to && (goes_on(state, task) || is_free(state, task))).then_some(Purpose::Work),
    }
}

/// A draft in the task's project.
pub(crate) fn draft(task: &Task, kind: Kind) -> Draft {
    Draft::new(Some(task.project.clone()), kind)
}

/// Of FNV-1a.
pub(crate) const BASE: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a of `text` from `base`: what has to look like chance and be the same in every replay.
pub(crate) fn hash(text: &str, base: u64) -> u64 {
    text.bytes().fold(base, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// The id of a task's next run.
pub(crate) fn next_run(task: &Task) -> RunId {
    task.id.run(u32::try_from(task.runs.len() + 1).unwrap_or(u32::MAX))
}
