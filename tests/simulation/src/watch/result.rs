//! Results: what a run that is over may be called, beside what it really did.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};
use conductor::State;
use conductor::state::{Standing, Task};
use shared::agent::{ErrorClass, HarnessId, TurnReport};
use shared::entry::{Outcome, Purpose};
use shared::id::{RunId, TaskId};
use shared::limits::Recovery;
use shared::plan::{Mode, PlannedTask};
use shared::retry::Again;
use shared::unit::Millis;

use super::hand::check_handed;
use super::planned::is_open;
use super::{Processes, Watch, proof};
use crate::agent::Truth;
use crate::process::Process;

impl Watch {
    /// A run's output was read to its end: once, whole, with what it cost (P17).
    pub(super) fn turn(
        &mut self,
        state: &State,
        run: &RunId,
        report: &TurnReport,
        process: &Process,
    ) -> Result<()> {
        ensure!(self.ended.contains(run), "read before its end");
        ensure!(self.read.insert(run.clone()), "read twice");
        ensure!(report.cost == process.cost(), "cost {:?}, and {:?} was said", process.cost(), report.cost);
        let nothing = BTreeMap::new();
        let heard = self.heard.get(run).unwrap_or(&nothing);
        for (line, facts) in (0..).zip(process.facts()) {
            let kept = heard.get(&line).copied().unwrap_or(0);
            ensure!(kept == facts, "line {line} has {facts} facts, and {kept} are in the log");
        }
        self.answered(state, run, process);
        self.use_up(state, run, report, process);
        if !process.purpose.is_conversation() {
            // A conversation of its own, or none.
        } else if report.error.as_ref().is_some_and(|error| error.class == ErrorClass::SessionLost) {
            self.sessions.remove(&process.task);
        } else if let Some(session) = &report.session {
            let harness = state.run(run).map_or(HarnessId::Demo, |run| run.harness);
            self.sessions.insert(process.task.clone(), (harness, session.clone()));
        }
        if is_moot(state, run) && !self.decides(state, process) {
            self.judge(&process.task, run)?;
            self.ends_for_anew(state, &process.task);
        }
        Ok(())
    }

    /// What a run comes to is what it really did (P12), told once (P1).
    pub(super) fn settle(
        &mut self,
        state: &State,
        id: &TaskId,
        run: Option<&RunId>,
        outcome: &Outcome,
        processes: &Processes,
    ) -> Result<()> {
        let task = state.task(id).context("a task that never was")?;
        let Some(run) = run else {
            self.requeues.close(id);
            if let Outcome::Yielded { .. } = outcome {
                ensure!(!self.stopped.contains(id), "the person is asked to do what they stopped");
                ensure!(
                    task.standing == Standing::Open || self.comes_round(state, task),
                    "is done, and not to be done again now"
                );
                return check_handed(state, task, self.latest);
            }
            let stopped =
                |part: &TaskId| state.task(part).is_some_and(|part| part.standing == Standing::Cancelled);
            ensure!(*outcome == Outcome::Cancelled, "settled without a run");
            let parts = || task.children.iter().filter_map(|part| state.task(part));
            let stand = || parts().map(|part| (&part.id, &part.standing)).collect::<Vec<_>>();
            ensure!(task.children.iter().all(stopped), "called off with parts that go on: {:?}", stand());
            self.afresh(id);
            return Ok(());
        };
        if task.current.is_none() {
            self.requeues.close(id);
            let process = processes.get(run).context("a run that never was")?;
            self.prove(state, task, process, outcome)?;
            return self.count(state, id, outcome);
        }
        self.judge(id, run)?;
        if task.stop.is_some() {
            ensure!(*outcome == Outcome::Cancelled, "it was stopped, and is not called so");
            self.afresh(id);
            self.ends_for_anew(state, id);
            return Ok(());
        }
        self.requeues.close(id);
        let process = processes.get(run).context("a run that never was")?;
        if matches!(process.truth(), Truth::Split | Truth::BadSplit) {
            let times = self.refused.remove(id).unwrap_or_default();
            ensure!(times >= state.limits.repairs, "given up after {times} refusals");
        }
        let taken = matches!(outcome, Outcome::Completed { .. }) && proof::is_wanted(self, state, task);
        ensure!(!taken, "done by its agent's word alone");
        if process.purpose == Purpose::Terminal {
            self.check_exit(state, task, process, outcome)?;
            return self.count(state, id, outcome);
        }
        self.check_truth(state, task, process, outcome)?;
        self.count(state, id, outcome)
    }

    /// Counts what is tried again without asking.
    fn count(&mut self, state: &State, id: &TaskId, outcome: &Outcome) -> Result<()> {
        if let Outcome::Limited { until, class, .. } = outcome
            && *class != Some(ErrorClass::Capped)
        {
            self.help_on(state, id, *until)?;
        }
        match outcome {
            Outcome::Limited { again: Again::GoOn, .. } => *self.put_off.entry(id.clone()).or_default() += 1,
            Outcome::Limited { again, .. } => {
                // Who begins anew is told of no answer before.
                if is_anew(*again) {
                    self.repairs.remove(id);
                    self.refused.remove(id);
                }
                self.put_off.remove(id);
                self.sessions.remove(id);
                self.found.remove(id);
                match again {
                    Again::Instead { .. } => drop(self.instead.insert(id.clone())),
                    _ => *self.tried.entry(id.clone()).or_default() += 1,
                }
            }
            _ => self.afresh(id),
        }
        Ok(())
    }

    /// What was tried so far no longer counts.
    pub(super) fn afresh(&mut self, task: &TaskId) {
        self.put_off.remove(task);
        self.tried.remove(task);
        self.helped.remove(task);
    }

    /// Nothing is helped on more often in a window than may be, whatever mixture of failures it is.
    fn help_on(&mut self, state: &State, task: &TaskId, until: Millis) -> Result<()> {
        let Recovery { times, window } = state.limits.recovery;
        let helped = self.helped.entry(task.clone()).or_default();
        helped.push(until);
        let within = helped.iter().filter(|at| **at + window > until).count();
        ensure!(within <= usize::try_from(times)?, "helped on {within} times within {window:?}");
        Ok(())
    }

    fn check_truth(&self, state: &State, task: &Task, process: &Process, outcome: &Outcome) -> Result<()> {
        let together = task.mode == Mode::Interactive && !task.is_group();
        let truth = process.truth();
        let fits = match (&truth, outcome) {
            (Truth::Done(told) | Truth::Words(told), Outcome::Completed { summary, .. }) => {
                // A command's words are quoted.
                let quoted = process.is_command() && summary.contains(told);
                quoted || (summary == told && !together)
            }
            (Truth::Done(told) | Truth::Words(told), Outcome::Yielded { summary, .. }) => {
                summary == told && together
            }
            // Words about a plan that is on the table leave it there.
            (Truth::Words(told), Outcome::Asked { question, .. }) if process.purpose == Purpose::Plan => {
                question == told
            }
            (Truth::Question(told), Outcome::Asked { question, .. }) => question == told,
            (Truth::Pause(told), Outcome::Yielded { summary, .. }) => summary == told,
            // It would be split, and nobody could tell how.
            (
                Truth::CannotBeDone | Truth::Split | Truth::BadSplit,
                Outcome::Failed { class: ErrorClass::TaskFailure, .. },
            )
            | (Truth::Nothing, Outcome::Failed { class: ErrorClass::NothingSaid, .. }) => {
                !self.may_try(state, task, process)
            }
            (
                Truth::CannotBeDone | Truth::Split | Truth::BadSplit,
                Outcome::Limited { class: Some(ErrorClass::TaskFailure), again, .. },
            )
            | (Truth::Nothing, Outcome::Limited { class: Some(ErrorClass::NothingSaid), again, .. }) => {
                self.may_try(state, task, process) && is_anew(*again)
            }
            // Its budget was used up in its middle: it pauses.
            (
                Truth::Broken(ErrorClass::Interrupted, _),
                Outcome::Limited { class: Some(ErrorClass::Capped), again: Again::GoOn, .. },
            ) => self.overdrawn.contains(&process.run),
            // So did another cap while its time ran out.
            (
                Truth::Broken(ErrorClass::Timeout, _),
                Outcome::Limited { class: Some(ErrorClass::Capped), again: Again::GoOn, .. },
            ) => self.is_used_up(state, task, process.purpose),
            (Truth::Broken(class, until), Outcome::Limited { until: at, class: told, again, .. }) => {
                let before = self.put_off.get(&task.id).copied().unwrap_or(0);
                let again = match again {
                    // It pauses, and a person lets it go on.
                    Again::GoOn if ends_by_cap(*class) => self.is_used_up(state, task, process.purpose),
                    Again::GoOn => {
                        let other = *class == ErrorClass::RateLimit && self.has_other(state, task, process);
                        passes(*class, process)
                            && before < state.limits.resumptions
                            && (other || until.is_none_or(|until| *at >= until))
                    }
                    Again::Anew | Again::Diagnosed => {
                        !passes(*class, process) && self.may_try(state, task, process)
                    }
                    Again::Instead { harness } => {
                        is_other(state, &process.run, *harness)
                            && class.is_outage()
                            && before >= state.limits.resumptions
                            && state.limits.alternate
                            && !state.agents.is_empty()
                            && !self.instead.contains(&task.id)
                    }
                };
                *told == Some(*class) && again
            }
            (Truth::Broken(class, _), Outcome::Failed { class: told, why }) => {
                let before = self.put_off.get(&task.id).copied().unwrap_or(0);
                let spent = if passes(*class, process) {
                    before >= state.limits.resumptions
                } else {
                    !is_worth_it(*class) || !self.may_try(state, task, process)
                };
                let pauses = *class == ErrorClass::Capped && self.is_used_up(state, task, process.purpose);
                class == told && spent && !pauses && !why.trim().is_empty()
            }
            _ => false,
        };
        ensure!(fits, "{} did {truth:?}", process.run);
        Ok(())
    }
}

/// Talk, and thoughts about a plan that was approved meanwhile, come to nothing that is judged.
fn is_moot(state: &State, run: &RunId) -> bool {
    let Some(run) = state.run(run) else { return false };
    let open = state.task(&run.task).is_some_and(is_open);
    matches!(run.purpose, Purpose::Talk | Purpose::Diagnose | Purpose::Terminal)
        || (run.purpose == Purpose::Plan && !open)
}

/// It is the one real agent that the run was not.
fn is_other(state: &State, run: &RunId, harness: HarnessId) -> bool {
    matches!(
        (state.run(run).map(|run| run.harness), harness),
        (Some(HarnessId::Claude), HarnessId::Codex) | (Some(HarnessId::Codex), HarnessId::Claude)
    )
}

/// A cap that it was given may have ended it.
fn ends_by_cap(class: ErrorClass) -> bool {
    matches!(class, ErrorClass::Capped | ErrorClass::Timeout)
}

/// What passes by itself: nothing is wrong with the task. What a lost command did nobody knows.
fn passes(class: ErrorClass, process: &Process) -> bool {
    if process.purpose == Purpose::Work && process.is_command() && class == ErrorClass::Lost {
        return false;
    }
    matches!(
        class,
        ErrorClass::RateLimit
            | ErrorClass::Overload
            | ErrorClass::Network
            | ErrorClass::CliCrash
            | ErrorClass::Lost
            | ErrorClass::SessionLost
    )
}

/// What another attempt may do better.
fn is_worth_it(class: ErrorClass) -> bool {
    matches!(class, ErrorClass::ContextOverflow | ErrorClass::Timeout)
}

pub(super) fn is_anew(again: Again) -> bool {
    matches!(again, Again::Anew | Again::Diagnosed)
}

/// A plan that is taken can be done in some order.
pub(super) fn check_order(goal: &TaskId, tasks: &[PlannedTask]) -> Result<()> {
    let mut ids = BTreeSet::from([goal]);
    for task in tasks {
        ensure!(ids.insert(&task.task), "{} is there twice", task.task);
    }
    for task in tasks {
        ensure!(ids.contains(&task.parent), "{} is a part of nothing", task.task);
        ensure!(task.after.iter().all(|dep| ids.contains(dep)), "{} waits for nothing", task.task);
    }
    let parents: BTreeMap<&TaskId, &TaskId> = tasks.iter().map(|task| (&task.task, &task.parent)).collect();
    let after: BTreeMap<&TaskId, Vec<&TaskId>> =
        tasks.iter().map(|task| (&task.task, task.after.iter().collect())).collect();
    feasible(goal, &parents, &after)
}

/// The tree is a tree, and can be done in some order.
pub(super) fn check_tree(state: &State, goal: &TaskId) -> Result<()> {
    check_tree_with(state, goal, None)
}

/// Of those for whom the task waited, only who would close a circle with all others is missing.
pub(super) fn check_released(state: &State, id: &TaskId, was: &[TaskId]) -> Result<()> {
    let task = state.task(id).context("a task that is gone")?;
    let left: Vec<&TaskId> = was.iter().filter(|dep| task.after.contains(dep)).collect();
    ensure!(task.after.iter().eq(left), "{id} waits for {:?}, and before for {was:?}", task.after);
    for dep in was.iter().filter(|dep| !task.after.contains(dep)) {
        let circle = check_tree_with(state, &task.root, Some((id, dep))).is_err();
        ensure!(circle, "{id} could wait for {dep} as before");
    }
    Ok(())
}

/// As if the first of these waited for the second as well.
fn check_tree_with(state: &State, goal: &TaskId, wait: Option<(&TaskId, &TaskId)>) -> Result<()> {
    let tasks = state.subtree(goal);
    let mut parents = BTreeMap::new();
    let mut after = BTreeMap::new();
    for task in &tasks {
        for child in &task.children {
            ensure!(parents.insert(child, &task.id).is_none(), "{child} has two places");
            let parent = state.task(child).and_then(|child| child.parent.as_ref());
            ensure!(parent == Some(&task.id), "{child} and its parent disagree");
        }
        let gone = |dep: &&TaskId| !tasks.iter().any(|task| task.id == **dep);
        let more = wait.filter(|(waits, _)| **waits == task.id).map(|(_, dep)| dep);
        after.insert(&task.id, task.after.iter().chain(more).filter(|dep| !gone(dep)).collect());
    }
    feasible(goal, &parents, &after)
}

/// Takes away whoever can be done next until nobody is left: who has no part left and waits for nobody,
/// neither itself nor by a group that it is in.
fn feasible(
    goal: &TaskId,
    parents: &BTreeMap<&TaskId, &TaskId>,
    after: &BTreeMap<&TaskId, Vec<&TaskId>>,
) -> Result<()> {
    let mut left: BTreeSet<&TaskId> = parents.keys().copied().collect();
    while !left.is_empty() {
        let waits =
            |id: &TaskId| after.get(id).is_some_and(|deps| deps.iter().any(|dep| left.contains(*dep)));
        let ready: Vec<&TaskId> = left
            .iter()
            .copied()
            .filter(|id| {
                let has_part = left.iter().any(|part| parents.get(part) == Some(id));
                let mut holder = Some(*id);
                let mut free = !has_part;
                for _ in 0..=parents.len() {
                    let Some(next) = holder.filter(|holder| *holder != goal) else { break };
                    free &= !waits(next);
                    holder = parents.get(next).copied();
                }
                free
            })
            .collect();
        if ready.is_empty() {
            bail!("{left:?} wait for each other");
        }
        left.retain(|id| !ready.contains(id));
    }
    Ok(())
}
