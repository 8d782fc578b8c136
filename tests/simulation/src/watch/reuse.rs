//! Results that are used again: what they are taken from said the same to the same agent in the same folder, changed
//! nothing there, and was shown as this one has to be. Nobody is given one twice.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};
use conductor::State;
use conductor::prompt::prompt;
use conductor::state::Standing;
use shared::agent::HarnessId;
use shared::entry::{Kind, Purpose};
use shared::harness;
use shared::id::{RunId, TaskId};

use super::{Processes, Watch};
use crate::agent::Truth;
use crate::process::Process;

/// What the world knows of its folder and of who was told what.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// How often the folder was changed.
    folder: u32,
    /// The same when each task was looked at, before and after its work.
    before: BTreeMap<TaskId, u32>,
    after: BTreeMap<TaskId, u32>,
    told: BTreeMap<RunId, (HarnessId, Option<String>, String)>,
    /// Turns of each task's conversation.
    turns: BTreeMap<TaskId, u32>,
    given: BTreeSet<TaskId>,
}

impl Known {
    pub(super) fn order(&mut self, kind: &Kind) {
        let Kind::RunRequested { run, task, purpose, harness, model, spec, .. } = kind else { return };
        match purpose {
            Purpose::Base => drop(self.before.insert(task.clone(), self.folder)),
            Purpose::After => drop(self.after.insert(task.clone(), self.folder)),
            Purpose::Work => {
                self.told.insert(run.clone(), (*harness, model.clone(), harness::prompt(spec)));
            }
            _ => {}
        }
        if purpose.is_conversation() {
            *self.turns.entry(task.clone()).or_default() += 1;
        }
    }

    pub(super) fn end(&mut self, process: Option<&Process>) {
        self.folder += u32::from(process.is_some_and(|process| process.changes));
    }
}

impl Watch {
    pub(super) fn take_after(
        &mut self,
        task: &TaskId,
        run: &RunId,
        print: &str,
        processes: &Processes,
    ) -> Result<()> {
        self.judge(task, run)?;
        self.put_off.remove(task);
        let seen = processes.get(run).context("a run that never was")?.truth() == Truth::Holds;
        ensure!(seen != print.is_empty(), "{run} saw {print:?}");
        Ok(())
    }

    pub(super) fn reused(
        &mut self,
        state: &State,
        id: &TaskId,
        from: &RunId,
        summary: &str,
        processes: &Processes,
    ) -> Result<()> {
        let task = state.task(id).context("a task that never was")?;
        ensure!(state.limits.reuse, "nobody allowed that");
        ensure!(task.standing == Standing::Open && !self.open.contains_key(id), "it is not to begin");
        ensure!(!self.reuse.turns.contains_key(id), "it has begun");
        ensure!(self.reuse.given.insert(id.clone()), "given a result twice");
        ensure!(self.unsaid.values().all(|(to, _)| to != id), "what the person said to it is passed over");
        self.check_standing(state, task, Purpose::Work, true)?;
        let process = processes.get(from).context("a run that never was")?;
        match process.truth() {
            Truth::Done(told) | Truth::Words(told) => ensure!(told == summary, "{from} said {told}"),
            other => bail!("{from} did {other:?}"),
        }
        let source = state.task(&process.task).context("a task that never was")?;
        ensure!(source.standing == Standing::Completed, "{} is not done", source.id);
        ensure!(self.reuse.turns.get(&source.id) == Some(&1), "{from} did not do it alone");
        let (harness, model, words) = self.reuse.told.get(from).context("no work")?;
        ensure!(*harness == state.harness_of(task), "done by another agent");
        ensure!(*words == prompt(state, task, Purpose::Work).0, "{from} was told something else");
        let usual = state.model_of(task, *harness, task.size);
        ensure!(model.is_none() || usual.is_some(), "done by the model {model:?}");
        let known = &self.reuse;
        let looks = [known.before.get(&source.id), known.after.get(&source.id), known.before.get(id)];
        ensure!(looks[0].is_some() && looks.iter().all(|look| *look == looks[0]), "the folder was {looks:?}");
        ensure!(self.is_shown_by(state, task, &source.id), "it wants more than was shown of {from}");
        self.requeues.close(id);
        self.afresh(id);
        Ok(())
    }
}
