//! What must hold when nothing moves: whatever waits says truly what it waits for, and at the very end every
//! goal is over and every client knows the same.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use conductor::budget::{Short, short};
use conductor::inbox::{Request, inbox};
use conductor::state::{Run, Standing, Task};
use conductor::status::{Kind, Reason, Status, Waker, status};
use conductor::survey::Survey;
use conductor::{State, decide, next_deadline};
use shared::agent::HarnessId;
use shared::entry::Purpose;
use shared::id::TaskId;
use shared::unit::Millis;

use crate::bridge::Bridge;
use crate::client::Client;
use crate::watch;
use crate::world::World;

/// How each task stands. Each is asked once.
type Known<'a> = BTreeMap<&'a TaskId, Status>;

/// Nobody has anything to say or to do by itself.
///
/// # Errors
/// Something is left undone, or waits without a true reason (P10, P13).
pub fn check_quiet(bridge: &Bridge, holder: &Client, now: Millis) -> Result<()> {
    let state = &bridge.state;
    ensure!(holder.is_caught_up(bridge), "{} decides and has not caught up", holder.id);
    ensure!(holder.driver.decides(), "{} has the baton and does not decide", holder.id);
    ensure!(holder.driver.state() == state, "{} sees another state than the bridge", holder.id);
    // It asks a store that could not write again within a second, by a clock that may have gone back since.
    let soon = bridge.watch.latest + Millis::from_secs(1);
    if holder.driver.deadline().is_some_and(|at| at <= soon) {
        return Ok(());
    }
    ensure!(decide(state, now).is_empty(), "{} leaves decisions undone", holder.id);
    for process in bridge.live.iter().filter_map(|run| bridge.processes.get(run)) {
        if process.asks().is_some() {
            let task = state.task(&process.task).context("a task that never was")?;
            let reason = self::status(state, task).reason;
            let told = matches!(reason, Reason::Permission(_) | Reason::Stopping);
            ensure!(told, "{} waits for an answer, and {} says {reason:?}", process.run, task.id);
        }
        ensure!(!process.waits(), "{} has said all, and nobody ends its input", process.run);
    }
    check_waits(bridge, &known(state), now)
}

/// In the midst of things. Who waits is asked wherever nothing is to be decided or read, so that what they say is not
/// just about to change.
///
/// # Errors
/// Something waits without a true reason, or nobody is shown that it waits for them.
pub fn check_meanwhile(bridge: &mut Bridge, now: Millis) -> Result<()> {
    bridge.survey.renew(&bridge.state);
    let state = &bridge.state;
    let miscounted = state.miscounted();
    ensure!(miscounted.is_none(), "below {miscounted:?} is other than what is counted");
    let known = known(state);
    for (id, status) in &known {
        let over = matches!(status.kind, Kind::Completed | Kind::Failed | Kind::Cancelled);
        let idle = state.task(id).is_none_or(|task| task.current.is_none());
        ensure!(!over || idle, "{id} reads as over, and a turn of it is under way");
    }
    let settled = state.unread.iter().all(|run| bridge.live.contains(run)) && decide(state, now).is_empty();
    if settled { check_waits(bridge, &known, now) } else { check_inbox(state, &known, &bridge.survey) }
}

fn known(state: &State) -> Known<'_> {
    state.tasks.values().map(|task| (&task.id, status(state, task))).collect()
}

/// Whatever waits says truly what for.
fn check_waits(bridge: &Bridge, known: &Known<'_>, now: Millis) -> Result<()> {
    let state = &bridge.state;
    bridge.watch.check_spending(state)?;
    for goal in state.goals.iter().filter_map(|goal| state.task(goal)) {
        for task in state.subtree(&goal.id) {
            let status = known.get(&task.id).context("a task without a status")?;
            ensure!(
                truly_waits(bridge, task, status, now),
                "{} does not wait for what it says: {status:?}, and below it {:?}",
                task.id,
                state
                    .subtree(&task.id)
                    .into_iter()
                    .skip(1)
                    .map(|part| (&part.id, self::status(state, part)))
                    .collect::<Vec<_>>()
            );
            let (since, passed) = (status.since, status.since_at(now));
            let then = task.made <= since && since <= bridge.watch.latest;
            ensure!(then, "{} stands so since {since:?}, made at {:?}", task.id, task.made);
            let told = since <= passed && passed <= since.max(now);
            ensure!(told, "{} stands so since {passed:?}, at {now:?}", task.id);
        }
    }
    check_inbox(state, known, &bridge.survey)
}

fn truly_waits(bridge: &Bridge, task: &Task, status: &Status, now: Millis) -> bool {
    let state = &bridge.state;
    let lives = |task: &Task| task.current.as_ref().is_some_and(|run| bridge.live.contains(run));
    let asleep = |task: &Task| matches!(task.standing, Standing::Limited { .. });
    match status.waker() {
        Waker::Run => state
            .subtree(&task.id)
            .into_iter()
            .any(|task| lives(task) || asleep(task) || is_slot(state, task) || is_held_up(state, task)),
        Waker::Clock(at) if at <= now => {
            let held_up =
                |task: &&Task| is_bound(state, task) || is_probed(state, task) || is_held(state, task);
            state.subtree(&task.id).iter().any(held_up)
        }
        Waker::Clock(at) => next_deadline(state, now).is_some_and(|(first, _)| first <= at),
        Waker::Tasks(tasks) => {
            let open = |task: &Task| !matches!(task.standing, Standing::Completed | Standing::Removed { .. });
            !tasks.is_empty() && tasks.iter().all(|id| state.task(id).is_some_and(open))
        }
        Waker::Room if matches!(status.reason, Reason::Held | Reason::Outage { .. }) => {
            state.runs.values().any(|run| run.is_active())
        }
        Waker::Room => is_slot(state, task),
        // Nobody can help on what names nobody.
        Waker::Person if status.reason == Reason::Stuck(Vec::new()) => false,
        Waker::Person => !task.is_over() || task.is_spoken_to() || task.again().is_some(),
        Waker::Nothing => task.is_over(),
    }
}

/// It would run, and there is no room.
fn is_slot(state: &State, task: &Task) -> bool {
    is_bound(state, task) && status(state, task).reason == Reason::Slot
}

/// There is no room at all, for its kind of agent or for a look by the bridge, or in its folder.
fn is_bound(state: &State, task: &Task) -> bool {
    let turns = || state.runs.values().filter(|run| run.purpose != Purpose::Terminal);
    let active = || turns().filter(|run| run.is_active());
    let full = |bound: Option<u32>, taken: usize| {
        bound.is_some_and(|bound| u32::try_from(taken).is_ok_and(|taken| taken >= bound))
    };
    let each = state.limits.each;
    let goal = state.goal_of(task).map(|goal| goal.harness);
    // Whoever was chosen reviews what is claimed, else one of the worker's kind.
    let reviewers = [watch::reviewing(state, task), Some(watch::worker(state, task))];
    let reviewers = reviewers.into_iter().flatten().filter(|_| is_reviewed(task));
    let mut kinds = [state.harness_of(task), HarnessId::Command].into_iter().chain(goal).chain(reviewers);
    let here = |id: &TaskId| state.task(id).is_some_and(|other| other.project == task.project);
    is_full(state)
        || kinds.any(|kind| full(each.of(kind), active().filter(|run| run.harness == kind).count()))
        || full(state.limits.per_folder, active().filter(|run| here(&run.task)).count())
}

/// Its time has come, and others hold what is left of a budget.
fn is_held(state: &State, task: &Task) -> bool {
    matches!(short(state, task, Purpose::Work), Some(Short::Held { .. }))
        && state.runs.values().any(|run| run.is_active())
}

/// Its time has come, and another goes first to see whether its agent answers again.
fn is_probed(state: &State, task: &Task) -> bool {
    let fails = |harness| {
        let row = state.outages.row(harness);
        let first = |run: &Run| run.is_active() && run.harness == harness && run.requested > row.last;
        row.failures >= state.limits.breaker.failures && state.runs.values().any(|run| first(run))
    };
    let goal = state.goal_of(task).map(|goal| goal.harness);
    let mut reviewers = HarnessId::ALL.into_iter().filter(|_| is_reviewed(task));
    fails(state.harness_of(task)) || goal.is_some_and(fails) || reviewers.any(fails)
}

/// Its next turn may be a reviewer's: the first, or one that was cut short.
fn is_reviewed(task: &Task) -> bool {
    matches!(task.standing, Standing::Claimed | Standing::Limited { .. })
}

/// Its agent fails whatever it is given, or nothing may be spent while nobody looks.
fn is_held_up(state: &State, task: &Task) -> bool {
    matches!(status(state, task).reason, Reason::Outage { .. } | Reason::Held)
}

/// No place is free, or no disk or memory.
fn is_full(state: &State) -> bool {
    let active = state.runs.values().filter(|run| run.is_active()).count();
    u32::try_from(active).unwrap_or(u32::MAX) >= state.limits.parallel || state.is_full()
}

/// All that waits for a person is in the one place where they look for it, by itself or by what it is a part of (P10).
fn check_inbox(state: &State, known: &Known<'_>, survey: &Survey) -> Result<()> {
    let afresh = Survey::live(state);
    let requests = inbox(state, survey);
    let shelved = |goal: &&Task| goal.goal.as_ref().is_some_and(|goal| goal.archived.is_some());
    let goals = state.goals.iter().filter_map(|goal| state.task(goal)).filter(|goal| !shelved(goal));
    let listed: BTreeSet<&TaskId> =
        goals.flat_map(|goal| state.subtree(&goal.id)).map(|task| &task.id).collect();
    for task in state.tasks.values() {
        let status = known.get(&task.id).context("a task without a status")?;
        let asks = match task.standing {
            // Who has the answer and cannot pay for the turn waits for the money.
            Standing::Asked { .. } | Standing::Yielded if task.current.is_none() => !task.is_spoken_to(),
            _ => matches!(status.reason, Reason::Permission(_)),
        };
        let row = survey.row(&task.id);
        ensure!(
            row.is_some() == listed.contains(&task.id),
            "{} is put away, or is not, and the survey differs",
            task.id
        );
        let surveyed = row.is_none_or(|row| row.status == *status);
        ensure!(surveyed, "{} stands otherwise in the survey: {status:?}, {row:?}", task.id);
        ensure!(row == afresh.row(&task.id), "{} was left out when the survey went on", task.id);
        ensure!(!asks || status.kind == Kind::Waiting, "{} asks, and its status does not say so", task.id);
        let waits = status.kind == Kind::Waiting && row.is_some();
        ensure!(
            !waits || is_shown(state, known, &requests, task),
            "{} waits for a person, and nobody is shown that: {status:?}",
            task.id
        );
        let wakes = row.is_none() || status.waker() != Waker::Person;
        if let Reason::Used { above: Some(above), .. } = &status.reason
            && listed.contains(&task.id)
            && known.get(above).is_some_and(|above| above.waker() == Waker::Person)
        {
            let told = requests.iter().any(|request| request.task == *above);
            let above = known.get(above);
            ensure!(told, "{} waits for money, and nobody is asked for it: {status:?}, {above:?}", task.id);
        }
        let can = wakes || person_can(state, known, &requests, task, status);
        ensure!(can, "{} says that a person wakes it, and none is told by what: {status:?}", task.id);
    }
    for request in &requests {
        let told = known.get(&request.task) == Some(&request.status);
        ensure!(told, "{} is shown otherwise than it is", request.task);
    }
    Ok(())
}

/// It is in the inbox itself, or by what it waits for because of: its parts, or what failed before it.
fn is_shown(state: &State, known: &Known<'_>, requests: &[Request], task: &Task) -> bool {
    let there = |id: &TaskId| requests.iter().any(|request| request.task == *id);
    let because = match known.get(&task.id).map(|status| &status.reason) {
        Some(Reason::Stuck(by)) => !by.is_empty() && by.iter().all(there),
        _ => {
            let mut parts = task.children.iter().filter_map(|id| state.task(id));
            parts.any(|part| is_shown(state, known, requests, part))
        }
    };
    there(&task.id) || because
}

/// A person finds in the inbox what wakes it: the task itself, what it waits for because of, or who speaks for it above.
fn person_can(state: &State, known: &Known<'_>, requests: &[Request], task: &Task, status: &Status) -> bool {
    let speaks = |above: &Task| {
        // Who goes on with other parts asks when these have come to their end, and a planner when it has planned.
        is_shown(state, known, requests, above)
            || known.get(&above.id).is_some_and(|above| above.waker() != Waker::Person)
    };
    let of_above = matches!(
        status.reason,
        Reason::Proposed | Reason::Unattended(_) | Reason::Stuck(_) | Reason::Used { .. }
    );
    is_shown(state, known, requests, task) || of_above && state.ancestors(task).any(speaks)
}

/// The last moment of a world.
///
/// # Errors
/// A goal is left open, a process is left alive, or clients differ.
pub fn check_end(world: &World) -> Result<()> {
    let bridge = &world.bridge;
    for goal in bridge.state.goals.iter().filter_map(|goal| bridge.state.task(goal)) {
        ensure!(goal.is_over(), "{} never comes to its end: {:?}", goal.id, status(&bridge.state, goal));
    }
    ensure!(bridge.live.is_empty(), "{:?} live on", bridge.live);
    for client in world.clients.iter().filter(|client| client.is_caught_up(bridge)) {
        ensure!(*client.driver.state() == bridge.state, "{} sees another state", client.id);
        ensure!(!client.driver.decides() || client.driver.is_idle(), "{} is busy with nothing", client.id);
    }
    bridge.watch.check_end(&bridge.state, &bridge.processes)
}
