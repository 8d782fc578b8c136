//! Who reviews, and how far reviews and repairs go: whom the person chose where that one is there and did none of the work, else another with a word about it.

use anyhow::{Context, Result, ensure};
use conductor::State;
use conductor::state::{Phase, Run, Task};
use shared::agent::HarnessId;
use shared::entry::{Kind, Purpose};
use shared::id::{PersonaId, RunId, TaskId};
use shared::limits::StageCaps;
use shared::reviewer::Reviewer;
use shared::unit::MicroUsd;

use super::Watch;

/// Who was chosen, as far as a run tells it.
pub(super) struct Judge {
    pub harness: HarnessId,
    pub model: Option<String>,
    pub persona: Option<PersonaId>,
}

/// Who has to review the task's work by the person's choice; nothing where nobody was chosen or the chosen one does not.
pub(super) fn judge(state: &State, task: &Task) -> Option<Judge> {
    let own = worker(state, task);
    let judge = |harness, model: Option<&String>| Judge { harness, model: model.cloned(), persona: None };
    let judge = match wish(state, task) {
        Reviewer::Auto => return None,
        Reviewer::Other if own == HarnessId::Claude => judge(HarnessId::Codex, None),
        Reviewer::Other if own == HarnessId::Codex => judge(HarnessId::Claude, None),
        Reviewer::Other => return None,
        Reviewer::Agent { harness, model } => judge(*harness, model.as_ref()),
        Reviewer::Model { model } => judge(own, Some(model)),
        Reviewer::Persona { persona } => {
            let known = &state.personas.get(persona)?.persona;
            let judge = judge(known.harness.unwrap_or(own), known.model.as_ref());
            Judge { persona: Some(persona.clone()), ..judge }
        }
    };
    let there = state.agents.iter().any(|agent| agent.harness == judge.harness && agent.problem.is_none());
    let did_it = |run: &&Run| match (&judge.persona, &judge.model) {
        (Some(persona), _) => run.persona.as_ref() == Some(persona),
        (None, Some(model)) => {
            run.harness == judge.harness && [&run.ordered, &run.model].contains(&&Some(model.clone()))
        }
        (None, None) => false,
    };
    let was_there = workers(state, task).any(|run| did_it(&run));
    ((there || judge.harness == own) && !was_there).then_some(judge)
}

/// The kind of agent that has to review the task's work by the person's choice.
pub(crate) fn reviewing(state: &State, task: &Task) -> Option<HarnessId> {
    judge(state, task).map(|judge| judge.harness)
}

/// Whose work is looked at.
pub(crate) fn worker(state: &State, task: &Task) -> HarnessId {
    workers(state, task).last().map_or_else(|| state.harness_of(task), |run| run.harness)
}

fn workers<'a>(state: &'a State, task: &'a Task) -> impl Iterator<Item = &'a Run> {
    let runs = task.runs.iter().filter_map(|run| state.run(run));
    runs.filter(|run| matches!(run.purpose, Purpose::Work | Purpose::Repair | Purpose::Summary))
}

fn wish<'a>(state: &'a State, task: &'a Task) -> &'a Reviewer {
    let mut chain = std::iter::once(task).chain(state.ancestors(task));
    chain.find_map(|holder| holder.reviewer.as_ref()).unwrap_or(&state.limits.reviewer)
}

impl Watch {
    pub(super) fn check_reviewer(&mut self, state: &State, task: &Task, kind: &Kind) -> Result<()> {
        let Kind::RunRequested { run, purpose: Purpose::Review, harness, model, .. } = kind else {
            return Ok(());
        };
        match judge(state, task) {
            Some(judge) => {
                ensure!(*harness == judge.harness, "{harness} reviews, and {} was chosen", judge.harness);
                let other = judge.model.is_some() && *model != judge.model;
                ensure!(!other, "{model:?} reviews, and {:?} was chosen", judge.model);
            }
            None if *wish(state, task) == Reviewer::Auto => {}
            None => drop(self.replaced.insert(run.clone())),
        }
        Ok(())
    }

    /// No review or repair begins when what such turns of its task have used has come to a cap of theirs.
    pub(super) fn check_stage_caps(&self, state: &State, task: &Task, kind: &Kind) -> Result<()> {
        let Kind::RunRequested { purpose: purpose @ (Purpose::Review | Purpose::Repair), holds, .. } = kind
        else {
            return Ok(());
        };
        let (caps, turns, money) = self.stage(state, task, *purpose);
        ensure!(caps.turns.is_none_or(|cap| turns < cap), "{turns} requests by {purpose:?}, of {caps:?}");
        let Some(budget) = caps.budget else { return Ok(()) };
        let given = holds.context("no bound on the money of a stage")?;
        ensure!(given > MicroUsd(0) && money + given <= budget, "{money} and {given} of {budget}");
        Ok(())
    }

    /// What such turns of the task have used is all that its reviews, or its repairs, may.
    pub(super) fn is_stage_used_up(&self, state: &State, task: &Task, purpose: Purpose) -> bool {
        let (caps, turns, money) = self.stage(state, task, purpose);
        caps.turns.is_some_and(|cap| turns >= cap) || caps.budget.is_some_and(|cap| money >= cap)
    }

    /// The caps of the task's reviews or repairs, with the requests and the money that those have used which were read. The
    /// script's person draws no others for them.
    fn stage(&self, state: &State, task: &Task, purpose: Purpose) -> (StageCaps, u32, MicroUsd) {
        let caps = match purpose {
            Purpose::Review => task.caps.review,
            Purpose::Repair => task.caps.repair,
            _ => StageCaps::default(),
        };
        let (mut turns, mut money) = (0, MicroUsd(0));
        for run in task.runs.iter().filter_map(|run| state.run(run)).filter(|run| run.purpose == purpose) {
            let Phase::Read { started, report, .. } = &run.phase else { continue };
            turns += report.turns;
            let untold = started.map(|_| self.untold(run));
            money += report.cost.or(untold).unwrap_or_default();
        }
        (caps, turns, money)
    }

    pub(super) fn replace(&mut self, state: &State, run: &RunId, task: &TaskId, why: &str) -> Result<()> {
        let known = self.replaced.remove(run) && state.run(run).is_some_and(|run| run.task == *task);
        ensure!(known && !why.is_empty(), "the chosen one reviews, and another word is told");
        Ok(())
    }

    /// Every review by another one was explained when all is at rest.
    pub(super) fn check_replaced(&self) -> Result<()> {
        ensure!(self.replaced.is_empty(), "{:?} review in another's place, unsaid", self.replaced);
        Ok(())
    }
}
