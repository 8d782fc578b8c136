//! A turn: which harness, which session, which words, as one order.

use shared::entry::{Draft, Kind, Purpose};
use shared::evidence::REVIEW_ANSWER;
use shared::harness::{Start, Turn, command_line};
use shared::id::{RunId, SessionId};
use shared::models::is_model;
use shared::plan::{Access, PLANNER_ANSWER, Size, TASK_REPORT, Work};
use shared::run::{RunLimits, RunSpec};
use shared::sizing::SIZE_ANSWER;
use shared::unit::Millis;

use super::{BASE, draft, hash, next_run, prove, waits};
use crate::budget::Grant;
use crate::state::{State, Task};
use crate::{library, persona, prompt, reuse, reviewer};

/// The order for the task's next turn, which may use what was granted, and by which guidelines it works.
pub(super) fn request(state: &State, task: &Task, purpose: Purpose, grant: Grant, now: Millis) -> Vec<Draft> {
    let run = next_run(task);
    let harness = waits::harness(state, task, purpose);
    let key = if purpose == Purpose::Work { reuse::key(state, task, now) } else { None };
    let keyed = key.map(|key| draft(task, Kind::RunKeyed { run: run.clone(), key }));
    // It is no turn of the task's own: a light model looks at it from outside.
    let aside = matches!(purpose, Purpose::Diagnose | Purpose::Classify);
    // What is done anew knows nothing of the last time; what is written to a task is for who does it.
    let from_scratch = (task.again().is_some() && task.queue.is_empty()) || aside;
    let strange = task.session.is_some() && state.session_with(task, harness).is_none();
    let anew = (from_scratch || strange).then(|| Task {
        session: None,
        result: task.result.clone().filter(|_| !from_scratch),
        queue: if aside { Vec::new() } else { task.queue.clone() },
        said: if from_scratch { Vec::new() } else { task.said.clone() },
        ..task.clone()
    });
    let task = anew.as_ref().unwrap_or(task);
    let (prompt, cuts) = match (&task.work, purpose) {
        (Work::Command { command, .. }, Purpose::Work) => (command.clone(), Vec::new()),
        _ => prompt::prompt(state, task, purpose),
    };
    let wall = match (&task.work, purpose) {
        (Work::Command { timeout, .. }, Purpose::Work) => {
            Some(grant.time.map_or(*timeout, |time| time.min(*timeout)))
        }
        (_, Purpose::Base | Purpose::Check | Purpose::Commit | Purpose::After) => Some(state.limits.command),
        _ => grant.time,
    };
    let access = match purpose {
        Purpose::Work | Purpose::Repair => state.goal_of(task).map_or(Access::Edit, |goal| goal.access),
        Purpose::Plan
        | Purpose::Summary
        | Purpose::Talk
        | Purpose::Diagnose
        | Purpose::Terminal
        | Purpose::Classify
        | Purpose::Base
        | Purpose::Check
        | Purpose::Commit
        | Purpose::After
        | Purpose::Review => Access::ReadOnly,
    };
    let session = match &task.session {
        Some(session) if purpose.is_conversation() => Start::Resume { session: session.clone() },
        _ => Start::New { session: session_for(&run) },
    };
    let Grant { money, turns, .. } = grant;
    let schema = schema(purpose);
    let reviewing = (purpose == Purpose::Review).then(|| prove::reviewing(state, task, harness));
    let whose = reviewing.as_ref().unwrap_or(task);
    let size = if aside { Size::Light } else { whose.size };
    let model = match aside {
        true => state.models.of(harness, size).filter(|name| is_model(name)).map(str::to_owned),
        false => waits::model(state, whose, purpose, harness, now),
    };
    let effort = match aside {
        true => state.models.effort(harness, size),
        false => state.effort_of(whose, harness, size),
    };
    let ordered = model.clone();
    let listens = purpose.is_conversation();
    let turn = Turn { prompt, session, size, model, effort, access, schema, budget: money, turns, listens };
    let folder = persona::folder(state, task);
    let silence = Some(state.limits.health.stalled);
    let limits = RunLimits { wall, grace: state.limits.grace, silence, ..RunLimits::default() };
    let look = match purpose {
        Purpose::Base | Purpose::Check | Purpose::Commit | Purpose::After => {
            prove::command_line(state, task, purpose)
        }
        _ => None,
    };
    let command = look.unwrap_or_else(|| command_line(harness, &turn));
    let cast = persona::begins(state, task, purpose);
    let inserts = cast.and_then(persona::insert).into_iter().collect();
    let spec = RunSpec { inserts, ..command.into_spec(folder, limits) };
    let carried = task.queue.iter().filter(|_| purpose.is_conversation());
    let carries = carried.map(|message| message.id.clone()).collect();
    let guided = library::guidelines(state, task, purpose);
    let guided = guided.map(|(by, _)| draft(task, Kind::RunGuided { run: run.clone(), by }));
    let cast = cast.map(|persona| persona.persona.clone());
    let cast = cast.map(|persona| draft(task, Kind::RunCast { run: run.clone(), persona }));
    let replaced = (purpose == Purpose::Review).then(|| reviewer::chosen(state, task)?.err()).flatten();
    let replaced = replaced
        .map(|why| draft(task, Kind::ReviewerReplaced { run: run.clone(), task: task.id.clone(), why }));
    let id = task.id.clone();
    let trimmed = (!cuts.is_empty())
        .then(|| draft(task, Kind::RunTrimmed { run: run.clone(), task: id.clone(), cuts }));
    let order =
        Kind::RunRequested { run, task: id, purpose, harness, carries, holds: money, model: ordered, spec };
    let beside = guided.into_iter().chain(cast).chain(replaced).chain(trimmed).chain(keyed);
    [draft(task, order)].into_iter().chain(beside).collect()
}

fn schema(purpose: Purpose) -> Option<String> {
    match purpose {
        Purpose::Plan => Some(PLANNER_ANSWER.to_owned()),
        Purpose::Work | Purpose::Summary | Purpose::Repair => Some(TASK_REPORT.to_owned()),
        Purpose::Review => Some(REVIEW_ANSWER.to_owned()),
        Purpose::Classify => Some(SIZE_ANSWER.to_owned()),
        Purpose::Talk
        | Purpose::Diagnose
        | Purpose::Terminal
        | Purpose::Base
        | Purpose::Check
        | Purpose::Commit
        | Purpose::After => None,
    }
}

/// A session id in the form of a UUID (version 8, RFC 9562), derived from the run so that deciding again
/// names the same session. Two FNV-1a hashes with different bases give its bits.
pub(crate) fn session_for(run: &RunId) -> SessionId {
    let (high, low) = (hash(run.as_str(), BASE), hash(run.as_str(), 0x6c62_272e_07bb_0142));
    let high = (high & !0xf000) | 0x8000;
    let low = (low & !(0b11 << 62)) | (0b10 << 62);
    let text = format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    );
    SessionId::new(&text).unwrap_or_else(|_| unreachable!("hexadecimal digits and hyphens are an id"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_a_uuid_of_its_own() {
        let run = |text: &str| RunId::new(text).expect("an id");
        let (a, b) = (session_for(&run("goal~1~r1")), session_for(&run("goal~1~r2")));
        assert_ne!(a, b);
        assert_eq!(a, session_for(&run("goal~1~r1")));
        let parts: Vec<usize> = a.as_str().split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12]);
        assert_eq!(a.as_str().as_bytes()[14], b'8');
    }
}
