//! Waits that are none of the task's own doing: quiet hours, a kind of agent that is left alone because it fails
//! whatever it is given, and the cap on what is spent while nobody looks. A person's word goes before each of them.

use shared::agent::{ErrorClass, HarnessId};
use shared::entry::Purpose;
use shared::id::SessionId;
use shared::models::is_model;
use shared::plan::Size;
use shared::retry::Again;
use shared::unit::{MicroUsd, Millis};

use super::{again, prove};
use crate::reviewer;
use crate::state::{Standing, State, Task};

/// When a turn that was cut short is taken up again: at its time, or when the quiet hours are over that it lies in.
pub(crate) fn due(state: &State, task: &Task) -> Option<Millis> {
    let Standing::Limited { until, class, again } = task.standing else { return None };
    // A process that went away is simply gone on with, and a cap is raised by a person.
    let gone = matches!(
        class,
        Some(ErrorClass::Lost | ErrorClass::SessionLost | ErrorClass::Capped | ErrorClass::Timeout)
    );
    let at_once = task.urged || (gone && again == Again::GoOn);
    let quiet = state.limits.quiet.filter(|_| !at_once);
    Some(quiet.and_then(|quiet| quiet.ends(until)).unwrap_or(until))
}

/// Until when a kind of agent is left alone; then one of its tasks goes first. Nothing while it answers.
pub(crate) fn outage(state: &State, harness: HarnessId) -> Option<Millis> {
    let (row, breaker) = (state.outages.row(harness), state.limits.breaker);
    row.is_open(breaker).then(|| row.last + breaker.wait)
}

/// One of its tasks is under way since it was left alone, to see whether it answers.
pub(crate) fn is_probed(state: &State, harness: HarnessId) -> bool {
    let last = state.outages.row(harness).last;
    let runs = state.unread.iter().filter_map(|run| state.run(run));
    let turns = runs.filter(|run| run.purpose != Purpose::Terminal);
    turns.into_iter().any(|run| run.harness == harness && run.requested > last)
}

/// The cap on what is spent while nobody does anything, if it is reached.
pub(crate) fn unattended(state: &State) -> Option<MicroUsd> {
    let spent = state.outages.unattended;
    state.limits.unattended.filter(|cap| spent > MicroUsd(0) && spent >= *cap)
}

/// The harness of the task's next turn.
pub(crate) fn harness(state: &State, task: &Task, purpose: Purpose) -> HarnessId {
    match purpose {
        Purpose::Work | Purpose::Terminal | Purpose::Classify => state.harness_of(task),
        Purpose::Base | Purpose::Check | Purpose::Commit | Purpose::After => HarnessId::Command,
        // Where nobody was chosen the reviewer's agent is of the worker's kind, which is known to work here.
        Purpose::Review => match reviewer::chosen(state, task) {
            Some(Ok(chosen)) => chosen.harness,
            Some(Err(_)) | None => {
                worker(state, task).filter(|_| task.alternate.is_none()).unwrap_or(state.harness_of(task))
            }
        },
        // In the session that did the work.
        Purpose::Repair => {
            worker(state, task).filter(|_| task.session.is_some()).unwrap_or(state.harness_of(task))
        }
        // What became a group by its parts is talked to as before.
        Purpose::Talk
            if !task.is_goal()
                && let Some(speaker) = state.speaker(task) =>
        {
            speaker
        }
        // Planning, summing up and talking take an agent, also where the work itself is a command.
        Purpose::Plan | Purpose::Summary | Purpose::Talk | Purpose::Diagnose => {
            let worker = Some(state.harness_of(task)).filter(|_| purpose == Purpose::Diagnose);
            let goal = state.goal_of(task).map_or(HarnessId::Demo, |goal| goal.harness);
            task.alternate.or(worker).unwrap_or(goal)
        }
    }
}

/// What the task's next turn goes on with.
pub(super) fn session<'a>(state: &State, task: &'a Task, purpose: Purpose) -> Option<&'a SessionId> {
    state.session_with(task, harness(state, task, purpose))
}

fn worker(state: &State, task: &Task) -> Option<HarnessId> {
    prove::worker(state, task).map(|run| run.harness)
}

/// The model of the task's next turn: the person's choice, or that of its size, or who steps in while that one has
/// reached its limit; nothing for the harness's own.
pub(crate) fn model(
    state: &State,
    task: &Task,
    purpose: Purpose,
    harness: HarnessId,
    now: Millis,
) -> Option<String> {
    let size = task.size;
    let fixed = fixed_model(state, task, purpose, harness);
    let first = match purpose {
        // Whoever did the work does not review it.
        Purpose::Review => fixed.or_else(|| state.usual_model(task, harness, size)),
        _ => state.model_of(task, harness, size),
    };
    let free = |model: Option<&str>| free(state, harness, model, now);
    if free(first) || fixed.is_some() {
        return first.map(str::to_owned);
    }
    let next = others(state, harness, size).find(|name| free(Some(*name)));
    next.or(first).map(str::to_owned)
}

/// Whether another model can step in now for one of this run's size that reached its limit.
pub(super) fn has_other(
    state: &State,
    task: &Task,
    purpose: Purpose,
    harness: HarnessId,
    now: Millis,
) -> bool {
    fixed_model(state, task, purpose, harness).is_none()
        && others(state, harness, task.size).any(|name| free(state, harness, Some(name), now))
}

/// The model that was chosen for this turn, in whose place no other steps in.
fn fixed_model<'a>(
    state: &'a State,
    task: &'a Task,
    purpose: Purpose,
    harness: HarnessId,
) -> Option<&'a str> {
    match purpose {
        Purpose::Review => reviewer::chosen(state, task)?.ok()?.model,
        _ => state.chosen_model(task, harness),
    }
}

fn others(state: &State, harness: HarnessId, size: Size) -> impl Iterator<Item = &str> {
    let names = state.models.tiers(harness).map_or(&[][..], |tiers| tiers.instead(size));
    names.iter().map(String::as_str).filter(|name| is_model(name))
}

fn free(state: &State, harness: HarnessId, model: Option<&str>, now: Millis) -> bool {
    let reached = state.outages.reached(harness, model);
    reached.is_none_or(|reached| reached.until.unwrap_or(reached.at + again::SERVICE) <= now)
}

/// The other agent, where the person allows that one may do what this one cannot, and it is there.
pub(super) fn alternate(state: &State, task: &Task, harness: HarnessId) -> Option<HarnessId> {
    let other = harness.other()?;
    let there = state.agents.iter().any(|agent| agent.harness == other && agent.problem.is_none());
    (state.limits.alternate && task.alternate.is_none() && there).then_some(other)
}
