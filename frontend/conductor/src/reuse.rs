//! Using a result again: a task with the same words, agent and folder as one that is done, whose work changed nothing
//! there, comes to the same. Only where the person allows it, only for first attempts, and never for reviews or checks.

use shared::entry::Purpose;
use shared::models::Effort;
use shared::plan::{Access, Mode, Work};
use shared::unit::Millis;

use crate::decide::{BASE, harness, hash, model};
use crate::proof::{Step, step};
use crate::state::{Phase, Run, Standing, State, Task, TaskResult};
use crate::{persona, prompt};

/// How long the folder counts as it was when it was looked at.
const FRESH: Millis = Millis::from_secs(10);

/// The folder is looked at before the task begins, so that it may be done by what another did, or another by what it does.
pub fn is_allowed(state: &State, task: &Task) -> bool {
    let plain = task.work == Work::Agent && task.mode != Mode::Interactive && !task.is_goal();
    let first =
        task.attempt == 1 && task.session.is_none() && task.queue.is_empty() && task.planning.is_none();
    // Where its character is a file, nobody knows here what stands in it.
    let known = persona::of(state, task).is_none_or(|persona| persona::insert(persona).is_none());
    state.limits.reuse && plain && first && known && !task.is_group() && task.schedule.repeat.is_none()
}

/// The run that alone made what a first attempt came to, where that may be used again.
pub fn maker<'a>(state: &'a State, task: &Task) -> Option<&'a Run> {
    let runs = task.runs.iter().filter_map(|run| state.run(run));
    let mut turns = runs.filter(|run| run.purpose.is_conversation());
    let only = turns.next().filter(|run| run.key.is_some() && run.told.is_empty())?;
    (state.limits.reuse && task.attempt == 1 && turns.next().is_none()).then_some(only)
}

/// What the words, the agent and the folder of the task's first turn come to, as two FNV-1a hashes; nothing where its
/// result is not to be used again.
pub(crate) fn key(state: &State, task: &Task, now: Millis) -> Option<String> {
    let base = task.proof.base.as_deref().filter(|_| is_allowed(state, task))?;
    let harness = harness(state, task, Purpose::Work);
    let model = model(state, task, Purpose::Work, harness, now);
    let access = state.goal_of(task).map_or(Access::Edit, |goal| goal.access);
    let (words, _) = prompt::prompt(state, task, Purpose::Work);
    let folder = persona::folder(state, task);
    let effort = state.effort_of(task, harness, task.size).map_or("", Effort::token);
    let whole =
        format!("{harness:?} {model:?} {:?} {access:?} {folder:?} {base:?} {words}{effort}", task.size);
    Some(format!("{:016x}{:016x}", hash(&whole, BASE), hash(&whole, !BASE)))
}

/// What the task comes to by what another did, and the run that did it; to be asked where it is to begin now.
pub(crate) fn found<'a>(state: &'a State, task: &Task, now: Millis) -> Option<(&'a Run, &'a TaskResult)> {
    let look = state.run(task.runs.last()?).filter(|run| run.purpose == Purpose::Base)?;
    let Phase::Read { at, .. } = look.phase else { return None };
    if now.since(at) > FRESH {
        return None;
    }
    let done = state.tasks.values().filter(|other| is_like(state, task, other));
    let mut done = done.filter_map(|other| Some((maker(state, other)?, other.result.as_ref()?))).peekable();
    done.peek()?;
    // Its words are put together only where there is something to compare them with.
    let key = key(state, task, now)?;
    done.find(|(run, _)| run.key.as_ref() == Some(&key))
}

/// The other is done, with all that this one wants shown, and left the folder as it found it and as it is now.
fn is_like(state: &State, task: &Task, other: &Task) -> bool {
    let same = other.standing == Standing::Completed && other.objective == task.objective;
    let unchanged = other.proof.after.is_some() && other.proof.after == other.proof.base;
    same && unchanged && other.proof.base == task.proof.base && {
        let (result, proof) = (other.result.clone(), other.proof.clone());
        step(state, &Task { result, proof, ..task.clone() }) == Step::Done
    }
}
