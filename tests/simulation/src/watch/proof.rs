//! Proof: nothing that wants evidence is done without it, and nobody mends without end (P12).

use anyhow::{Context, Result, bail, ensure};
use conductor::State;
use conductor::state::{Goal, Standing, Task};
use shared::agent::ErrorClass;
use shared::entry::{Outcome, Purpose};
use shared::evidence::{Check, CommitOutcome, Preset};
use shared::id::{RunId, TaskId};
use shared::plan::{Access, Mode, Work};

use super::result::is_anew;
use super::{Processes, Watch};
use crate::agent::Truth;
use crate::process::Process;

/// What was shown of a task's last work.
#[derive(Debug)]
pub(super) struct Shown {
    work: RunId,
    checks: Vec<(Check, bool)>,
    passed: Option<bool>,
    committed: Option<bool>,
}

/// Whether a task wants more than its agent's word.
pub(super) fn is_wanted(watch: &Watch, state: &State, task: &Task) -> bool {
    watch.checks(state, task).next().is_some() || wants_review(state, task) || wants_commit(state, task)
}

fn wants_commit(state: &State, task: &Task) -> bool {
    let writes = |goal: &Goal| goal.preset == Preset::Autonomous && goal.access != Access::ReadOnly;
    let preset = state.goal_of(task).is_some_and(writes);
    let usual = preset && task.children.is_empty() && task.work == Work::Agent;
    task.goal.is_none() && task.evidence.commit.unwrap_or(usual)
}

fn wants_review(state: &State, task: &Task) -> bool {
    let preset = state.goal_of(task).is_some_and(|goal| goal.preset.reviews());
    task.goal.is_none()
        && task.work == Work::Agent
        && task.evidence.review.unwrap_or(preset && task.children.is_empty())
}

impl Watch {
    /// Something that is wanted was found not to be so.
    fn is_wanting(&self, state: &State, task: &Task) -> bool {
        let Some(shown) = self.shown.get(&task.id) else { return false };
        let wanted = |check: &Check| self.checks(state, task).any(|wanted| wanted == check);
        shown.checks.iter().any(|(check, holds)| !holds && wanted(check))
            || shown.passed == Some(false) && wants_review(state, task)
            || shown.committed == Some(false) && wants_commit(state, task)
    }

    /// The checks that are wanted, those of declared files among them; nothing is compared with a folder that nobody
    /// looked at.
    pub(super) fn checks<'a>(&self, state: &State, task: &'a Task) -> impl Iterator<Item = &'a Check> {
        let base = self.bases.contains(&task.id);
        let writes = state.goal_of(task).is_some_and(|goal| goal.access != Access::ReadOnly);
        let files = writes && task.outputs.iter().any(|output| output.ends_with(".md"));
        let own = &task.evidence.checks;
        let declared = (files && !own.contains(&Check::OutputsExist)).then_some(&Check::OutputsExist);
        let all = declared.into_iter().chain(own).filter(|_| task.goal.is_none());
        all.filter(move |check| base || **check != Check::DiffNotEmpty)
    }

    /// What shows a task's work, and what mends it, comes after that work was called done.
    pub(super) fn check_stage(
        &mut self,
        state: &State,
        task: &Task,
        purpose: Purpose,
        silent: bool,
    ) -> Result<()> {
        let cut_short = matches!(task.standing, Standing::Limited { .. });
        let claimed = task.standing == Standing::Claimed;
        let compares = task.evidence.checks.contains(&Check::DiffNotEmpty) && task.children.is_empty();
        match purpose {
            Purpose::Check | Purpose::Review | Purpose::Commit | Purpose::After => {
                ensure!(claimed || cut_short, "nobody said that it is done");
                let shown = self.shown.get(&task.id).context("looked at, and nothing was claimed")?;
                ensure!(
                    !self.is_wanting(state, task),
                    "looked at further, though something is wrong with it"
                );
                ensure!(silent, "what the person said goes to an agent that does not know it");
                let all =
                    self.checks(state, task).all(|check| shown.checks.iter().any(|(made, _)| made == check));
                ensure!(purpose == Purpose::Check || all, "goes on before its checks are made");
                let reviewed = !wants_review(state, task) || shown.passed == Some(true);
                let commits = wants_commit(state, task) && reviewed && shown.committed.is_none();
                ensure!(
                    purpose != Purpose::Commit || commits,
                    "committed before all else is shown, or unasked"
                );
                let committed = !wants_commit(state, task) || shown.committed == Some(true);
                ensure!(
                    purpose != Purpose::After || all && reviewed && committed,
                    "looked at once more before all is shown"
                );
            }
            Purpose::Repair => {
                ensure!(self.is_wanting(state, task), "mended, and nothing was wrong");
                let repairs = self.repairs.entry(task.id.clone()).or_default();
                *repairs += u32::from(claimed);
                let usual = state.limits.repairs;
                let most = state.goal_of(task).map_or(usual, |goal| goal.preset.repairs(usual));
                // The person may have allowed more before.
                ensure!(*repairs <= most || cut_short, "mended {repairs} times, of {most}");
            }
            Purpose::Base => ensure!(!self.bases.contains(&task.id), "looked at twice before it began"),
            Purpose::Work if compares && silent && !cut_short => {
                ensure!(self.bases.contains(&task.id), "begins before its folder was looked at");
            }
            Purpose::Plan
            | Purpose::Work
            | Purpose::Summary
            | Purpose::Talk
            | Purpose::Diagnose
            | Purpose::Terminal
            | Purpose::Classify => {}
        }
        if !silent {
            self.repairs.remove(&task.id);
        }
        Ok(())
    }

    pub(super) fn claim(
        &mut self,
        state: &State,
        id: &TaskId,
        run: &RunId,
        summary: &str,
        processes: &Processes,
    ) -> Result<()> {
        self.judge(id, run)?;
        self.put_off.remove(id);
        let task = state.task(id).context("a task that never was")?;
        ensure!(task.stop.is_none(), "it was stopped, and is not called so");
        let process = processes.get(run).context("a run that never was")?;
        let together = task.mode == Mode::Interactive && !task.is_group() && !process.is_command();
        ensure!(!together, "the person says when it is done");
        if process.purpose == Purpose::Terminal {
            let (outputs, not_done) = (Vec::new(), Vec::new());
            let claimed = Outcome::Completed { summary: summary.to_owned(), outputs, not_done };
            self.check_exit(state, task, process, &claimed)?;
        }
        let told = match process.truth() {
            Truth::Done(told) | Truth::Words(told) => told,
            other => bail!("{run} did {other:?}"),
        };
        ensure!(summary == told || process.is_command() && summary.contains(&told), "{run} said {told}");
        self.shown.insert(
            id.clone(),
            Shown { work: run.clone(), checks: Vec::new(), passed: None, committed: None },
        );
        Ok(())
    }

    pub(super) fn take_base(&mut self, task: &TaskId, run: &RunId, processes: &Processes) -> Result<()> {
        self.judge(task, run)?;
        self.put_off.remove(task);
        let truth = processes.get(run).context("a run that never was")?.truth();
        ensure!(truth == Truth::Holds, "{run} did {truth:?}");
        self.bases.insert(task.clone());
        Ok(())
    }

    pub(super) fn check_made(
        &mut self,
        state: &State,
        id: &TaskId,
        run: &RunId,
        check: &Check,
        problem: Option<&str>,
        processes: &Processes,
    ) -> Result<()> {
        let process = processes.get(run).context("a run that never was")?;
        let holds = if *check == Check::NoErrorInOutput {
            let shown = self.shown.get(id).context("checked, and nothing was claimed")?;
            ensure!(shown.work == *run, "checks the words of another work");
            !process.tells_error()
        } else {
            self.judge(id, run)?;
            ensure!(
                state.run(run).and_then(|run| run.check.as_ref()) == Some(check),
                "it made another check"
            );
            match process.truth() {
                Truth::Holds => true,
                Truth::FoundWanting | Truth::Broken(ErrorClass::Timeout, _) => false,
                other => bail!("{run} did {other:?}"),
            }
        };
        self.put_off.remove(id);
        ensure!(holds == problem.is_none(), "{check} holds: {holds}, and is told as {problem:?}");
        let shown = self.shown.get_mut(id).context("checked, and nothing was claimed")?;
        shown.checks.push((check.clone(), holds));
        Ok(())
    }

    pub(super) fn reviewed(
        &mut self,
        id: &TaskId,
        run: &RunId,
        findings: &[String],
        processes: &Processes,
    ) -> Result<()> {
        self.judge(id, run)?;
        self.put_off.remove(id);
        let passes = match processes.get(run).context("a run that never was")?.truth() {
            Truth::Holds => true,
            Truth::FoundWanting => false,
            other => bail!("{run} did {other:?}"),
        };
        ensure!(passes == findings.is_empty(), "passes: {passes}, and is told as {findings:?}");
        let shown = self.shown.get_mut(id).context("reviewed, and nothing was claimed")?;
        shown.passed = Some(passes);
        Ok(())
    }

    pub(super) fn committed(
        &mut self,
        id: &TaskId,
        run: &RunId,
        outcome: &CommitOutcome,
        processes: &Processes,
    ) -> Result<()> {
        self.judge(id, run)?;
        self.put_off.remove(id);
        let lets = match processes.get(run).context("a run that never was")?.truth() {
            Truth::Holds => true,
            Truth::FoundWanting | Truth::Broken(ErrorClass::Timeout, _) => false,
            other => bail!("{run} did {other:?}"),
        };
        let told = match outcome {
            CommitOutcome::Made { commit, left } => {
                ensure!(*commit == run.to_string() && left.len() == 1, "{run} made another commit");
                true
            }
            CommitOutcome::Nothing { why } => why == "There is nothing to commit.",
            CommitOutcome::Failed { .. } => false,
        };
        ensure!(lets == told, "lets it be: {lets}, and is told as {outcome:?}");
        let shown = self.shown.get_mut(id).context("committed, and nothing was claimed")?;
        shown.committed = Some(lets);
        Ok(())
    }

    /// What is wanted of `task` was shown of another's last work.
    pub(super) fn is_shown_by(&self, state: &State, task: &Task, other: &TaskId) -> bool {
        let Some(shown) = self.shown.get(other) else { return false };
        let held = |check: &Check| shown.checks.iter().any(|(made, holds)| made == check && *holds);
        self.checks(state, task).all(held)
            && (!wants_review(state, task) || shown.passed == Some(true))
            && (!wants_commit(state, task) || shown.committed == Some(true))
    }

    /// What was claimed comes to its end: done with all that was wanted, or failed by what was found.
    pub(super) fn prove(
        &mut self,
        state: &State,
        task: &Task,
        process: &Process,
        outcome: &Outcome,
    ) -> Result<()> {
        let shown = self.shown.get(&task.id).context("done, and nothing was claimed")?;
        ensure!(shown.work == process.run, "it is another work that was shown");
        match outcome {
            Outcome::Completed { .. } => {
                for check in self.checks(state, task) {
                    let held = shown.checks.iter().any(|(made, holds)| made == check && *holds);
                    ensure!(held, "done, and {check} was not shown");
                }
                ensure!(!wants_review(state, task) || shown.passed == Some(true), "done without its review");
                ensure!(
                    !wants_commit(state, task) || shown.committed == Some(true),
                    "done before its commit"
                );
            }
            Outcome::Failed { class, why } | Outcome::Limited { class: Some(class), why, .. } => {
                ensure!(
                    self.is_wanting(state, task) && !why.trim().is_empty(),
                    "failed, and nothing is wrong"
                );
                ensure!(matches!(class, ErrorClass::CheckFailed | ErrorClass::Rejected), "{class:?}");
                let anew = matches!(outcome, Outcome::Limited { again, .. } if is_anew(*again));
                let due = self.may_try(state, task, process);
                ensure!(anew == due, "another try is due: {due}, and it comes to {outcome:?}");
            }
            other => bail!("claimed, and comes to {other:?}"),
        }
        Ok(())
    }
}
