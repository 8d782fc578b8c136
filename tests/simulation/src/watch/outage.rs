//! What agents, hours and money forbid, and what may be tried again.

use anyhow::{Context, Result, ensure};
use conductor::State;
use conductor::state::{Phase, Standing, Task};
use shared::agent::{ErrorClass, HarnessId};
use shared::entry::{Kind, Purpose};
use shared::id::RunId;
use shared::plan::Size;
use shared::retry::{Again, Policy};
use shared::unit::MicroUsd;

use super::Watch;
use super::reviewer::{judge, worker};
use crate::agent::Truth;
use crate::process::Process;

impl Watch {
    /// Books what a run that was read says of its agent, its model and the money.
    pub(super) fn answered(&mut self, state: &State, id: &RunId, process: &Process) {
        let Some(run) = state.run(id) else { return };
        let Phase::Ended { started, at, .. } = &run.phase else { return };
        let cost = process.cost().unwrap_or_else(|| match started {
            Some(_) if !process.is_command() => self.untold(run),
            _ => MicroUsd(0),
        });
        self.unattended += cost;
        let truth = process.truth();
        if process.purpose == Purpose::Diagnose {
            let found = if let Truth::Words(words) = &truth { words.as_str() } else { "" };
            self.found.insert(run.task.clone(), found.to_owned());
        }
        if process.is_command() || process.purpose == Purpose::Terminal {
            return;
        }
        let model = (run.harness, run.ordered.clone());
        match truth {
            Truth::Broken(
                ErrorClass::Interrupted | ErrorClass::Lost | ErrorClass::SessionLost | ErrorClass::Timeout,
                _,
            ) => return,
            Truth::Broken(class, _) if class.is_outage() => {
                let row = self.rows.entry(run.harness).or_default();
                *row = (row.0 + 1, row.1.max(*at));
                return;
            }
            Truth::Broken(ErrorClass::RateLimit, until) => drop(self.reached.insert(model, until)),
            Truth::Broken(..) => {}
            _ => drop(self.reached.remove(&model)),
        }
        self.rows.remove(&run.harness);
    }

    /// Nothing goes on by itself in quiet hours (P15), but what a person raised a cap of, against an agent that fails whatever it is given, past what may
    /// be spent while nobody looks, or with a model that reached its limit beside one that did not.
    pub(super) fn check_waits(&self, state: &State, task: &Task, kind: &Kind) -> Result<()> {
        let Kind::RunRequested { harness, model, purpose, .. } = kind else { return Ok(()) };
        let limits = &state.limits;
        if let Standing::Limited { until, class, again } = task.standing {
            let by_itself = !task.urged
                && (again != Again::GoOn
                    || !matches!(
                        class,
                        Some(
                            ErrorClass::Lost
                                | ErrorClass::SessionLost
                                | ErrorClass::Timeout
                                | ErrorClass::Capped
                        )
                    ));
            let quiet = limits.quiet.filter(|_| by_itself).and_then(|quiet| quiet.ends(until));
            ensure!(quiet.is_none_or(|end| end <= self.latest), "begins in quiet hours");
        }
        if *harness == HarnessId::Command {
            return Ok(());
        }
        let allowed = limits.unattended.is_none_or(|cap| self.unattended < cap);
        ensure!(allowed || self.unattended == MicroUsd(0), "{} spent and nobody looks", self.unattended);
        let (failures, last) = self.rows.get(harness).copied().unwrap_or_default();
        if failures >= limits.breaker.failures && !task.urged {
            let probes = || {
                let turns = state.runs.values().filter(|run| run.purpose != Purpose::Terminal);
                let runs = turns.filter(|run| run.harness == *harness);
                runs.into_iter().filter(|run| run.requested > last && !self.ended.contains(&run.id)).count()
            };
            ensure!(last + limits.breaker.wait <= self.latest, "{harness} failed {failures} times");
            ensure!(probes() == 0, "one goes first where {harness} failed {failures} times");
        }
        let reached = |model: Option<String>| self.reached.get(&(*harness, model));
        let at_limit = reached(model.clone()).is_some_and(|until| until.is_some_and(|at| at > self.latest));
        let reviews = *purpose == Purpose::Review;
        let aside = matches!(purpose, Purpose::Diagnose | Purpose::Classify);
        let judged = || judge(state, task).is_some_and(|judge| judge.model.is_some());
        let chosen = if reviews { judged() } else { task.model.is_some() };
        if at_limit && !aside && !chosen {
            let size = size_of(state, task, *purpose, *harness);
            let others = state.models.tiers(*harness).map_or(&[][..], |tiers| tiers.instead(size));
            let free = others.iter().find(|name| reached(Some((*name).clone())).is_none());
            ensure!(free.is_none(), "uses {model:?}, and {free:?} is free");
        }
        Ok(())
    }

    /// What is below a budget never has more than it, what is held and what nobody tells included (P16).
    pub(super) fn check_money(&self, state: &State, task: &Task, kind: &Kind) -> Result<()> {
        let Kind::RunRequested { holds, harness: agent, .. } = kind else { return Ok(()) };
        if *agent == HarnessId::Command {
            return Ok(());
        }
        for holder in std::iter::once(task).chain(state.ancestors(task)) {
            let Some(budget) = holder.caps.budget else { continue };
            let below = |task: &Task| {
                task.id == holder.id || state.ancestors(task).any(|above| above.id == holder.id)
            };
            let mut used = holds.context("no bound below a budget")?;
            ensure!(used > MicroUsd(0), "begins with no money");
            for run in state.runs.values().filter(|run| state.task(&run.task).is_some_and(below)) {
                let held = self.held.get(&run.id).copied().unwrap_or_default();
                used += match &run.phase {
                    Phase::Read { report, .. } if report.cost.is_some() => report.cost.unwrap_or_default(),
                    Phase::Read { .. } if run.harness == HarnessId::Command => MicroUsd(0),
                    Phase::Read { started: None, .. } => MicroUsd(0),
                    Phase::Read { .. } => self.untold(run),
                    _ => held,
                };
            }
            ensure!(used <= budget, "{used} below {}, of {budget}", holder.id);
        }
        Ok(())
    }

    /// A look at a failure comes once, before the attempt that it is for, and that one is told what it brought.
    pub(super) fn check_diagnosis(
        &self,
        task: &Task,
        purpose: Purpose,
        silent: bool,
        prompt: &str,
    ) -> Result<()> {
        let looked = self.found.get(&task.id);
        let Standing::Limited { again: Again::Diagnosed, .. } = task.standing else {
            ensure!(purpose != Purpose::Diagnose, "looks at a failure that is not there");
            return Ok(());
        };
        if purpose == Purpose::Diagnose {
            ensure!(looked.is_none(), "looks at the same failure twice");
            ensure!(silent, "a look at a failure carries messages");
            return Ok(());
        }
        let told = looked.context("begins without a look at the failure")?;
        ensure!(prompt.contains(told.as_str()), "{told:?} was found and is not told");
        Ok(())
    }

    /// Whether another attempt is due by the task's policy.
    pub(super) fn may_try(&self, state: &State, task: &Task, process: &Process) -> bool {
        let retry = task.retry.unwrap_or(state.limits.retry);
        let tried = self.tried.get(&task.id).copied().unwrap_or(0) + 1;
        retry.policy != Policy::None
            && tried < retry.attempts
            && matches!(process.purpose, Purpose::Plan | Purpose::Work | Purpose::Summary | Purpose::Repair)
    }

    /// Whether a model is free that may step in for the one of this run.
    pub(super) fn has_other(&self, state: &State, task: &Task, process: &Process) -> bool {
        let reviews = process.purpose == Purpose::Review;
        let judged = || judge(state, task).is_some_and(|judge| judge.model.is_some());
        let chosen = if reviews { judged() } else { task.model.is_some() };
        let Some(run) = state.run(&process.run).filter(|_| !chosen) else { return false };
        let size = size_of(state, task, process.purpose, run.harness);
        let others = state.models.tiers(run.harness).map_or(&[][..], |tiers| tiers.instead(size));
        let free = |name: &String| {
            let reached = self.reached.get(&(run.harness, Some(name.clone())));
            reached.is_none_or(|until| until.is_none_or(|until| until <= self.latest))
        };
        !process.is_command() && others.iter().any(free)
    }
}

/// A reviewer's model is that of another size than the worker's, where both are of one kind.
fn size_of(state: &State, task: &Task, purpose: Purpose, harness: HarnessId) -> Size {
    match (purpose, task.size) {
        (Purpose::Review, Size::Heavy) if worker(state, task) == harness => Size::Standard,
        (Purpose::Review, _) => Size::Heavy,
        (_, size) => size,
    }
}
