//! Caps on requests, time and tokens: who has come to one begins nothing more until a person raises it.

use anyhow::{Context, Result, ensure};
use conductor::State;
use conductor::budget::envelope;
use conductor::state::{Phase, Run, Task};
use shared::agent::{HarnessId, TurnReport};
use shared::entry::{Kind, Purpose};
use shared::id::RunId;
use shared::limits::Caps;
use shared::run::{RunEnd, RunSpec};
use shared::unit::Millis;

use super::Watch;
use crate::process::{Process, argument};

/// What a task's runs have used that were read.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Used {
    turns: u32,
    time: Millis,
    tokens: u64,
}

impl Used {
    fn is_all(self, caps: Caps) -> bool {
        caps.turns.is_some_and(|cap| self.turns >= cap)
            || caps.time.is_some_and(|cap| self.time >= cap)
            || caps.tokens.is_some_and(|cap| self.tokens >= cap)
    }
}

/// The general ones are for who does the work itself.
pub(super) fn caps(state: &State, task: &Task) -> Caps {
    let whole = task.goal.is_some() || !task.children.is_empty();
    if whole { task.caps } else { task.caps.or(state.limits.caps) }
}

impl Watch {
    /// A run was read.
    pub(super) fn use_up(&mut self, state: &State, id: &RunId, report: &TurnReport, process: &Process) {
        let Some(run) = state.run(id) else { return };
        let Phase::Ended { started, at, end, .. } = &run.phase else { return };
        let used = self.used.entry(process.task.clone()).or_default();
        used.turns += report.turns;
        // How long the person sits at a terminal is theirs.
        if process.purpose != Purpose::Terminal {
            let begun = if *end == RunEnd::TimedOut { run.requested } else { started.unwrap_or(*at) };
            used.time = used.time + at.since(begun);
        }
        let told = self.told.get(id).map_or(0, |told| told.tokens);
        used.tokens += process.tokens().max(told);
    }

    /// A run makes another request, and its task's caps have none for it. Only some agents are told how many they may make.
    pub(super) fn outruns(&self, state: &State, run: &Run) -> bool {
        let (Some(task), Some(told)) = (state.task(&run.task), self.told.get(&run.id)) else { return false };
        let (caps, used) = (caps(state, task), self.used(task));
        let requests = caps.turns.is_some_and(|cap| used.turns + told.requests > cap);
        let tokens = caps.tokens.is_some_and(|cap| told.tokens > 0 && used.tokens + told.tokens >= cap);
        tokens || (requests && run.harness == HarnessId::Codex)
    }

    fn used(&self, task: &Task) -> Used {
        self.used.get(&task.id).copied().unwrap_or_default()
    }

    /// Something is left of each of the task's caps, and the run is given no more than that.
    pub(super) fn check_caps(&self, state: &State, task: &Task, kind: &Kind) -> Result<()> {
        let Kind::RunRequested { purpose, spec, .. } = kind else { return Ok(()) };
        // What the bridge looks at costs nothing.
        if let Purpose::Base | Purpose::Check | Purpose::Commit | Purpose::After = purpose {
            return Ok(());
        }
        let (caps, used) = (caps(state, task), self.used(task));
        ensure!(!used.is_all(caps), "{used:?} is used, of {caps:?}");
        if let Some(cap) = caps.time {
            let wall = spec.limits.wall.context("no limit on its time, and its task has a cap")?;
            ensure!(used.time + wall <= cap, "is given {wall:?} beside {used:?}, of {cap:?}");
        }
        if let (Some(cap), Some(given)) = (caps.turns, turns(spec)) {
            ensure!(used.turns + given <= cap, "is given {given} requests beside {used:?}, of {cap}");
        }
        Ok(())
    }

    /// A cap of the task or of the turn's stage, or a budget that it is below, is used up, so that it pauses.
    pub(super) fn is_used_up(&self, state: &State, task: &Task, purpose: Purpose) -> bool {
        let mut holders = std::iter::once(task).chain(state.ancestors(task));
        let spent =
            |holder| envelope(state, holder).is_some_and(|envelope| envelope.spent >= envelope.budget);
        let whole = self.used(task).is_all(caps(state, task)) || holders.any(spent);
        whole || self.is_stage_used_up(state, task, purpose)
    }
}

/// The requests that a command line allows.
fn turns(spec: &RunSpec) -> Option<u32> {
    argument(spec, "--max-turns")?.parse().ok()
}
