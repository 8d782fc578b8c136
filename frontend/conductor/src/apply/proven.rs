//! The part of the fold that keeps what was shown of a task's work.

use shared::entry::Purpose;
use shared::evidence::{Check, CommitOutcome};
use shared::id::{RunId, TaskId};
use shared::unit::Millis;

use crate::proof::{Checked, Proof, Review};
use crate::state::{Standing, State, Task, TaskResult};

impl State {
    /// Its agent says that it is done: what was shown of earlier work is past.
    pub(super) fn claim(&mut self, task: &TaskId, result: TaskResult, at: Millis) {
        self.with(task, |task| {
            task.current = None;
            task.resumptions = 0;
            task.result = Some(result);
            let Proof { base, repairs, .. } = std::mem::take(&mut task.proof);
            task.proof = Proof { base, repairs, ..Proof::default() };
            task.stand(Standing::Claimed, at);
        });
    }

    pub(super) fn take_base(&mut self, task: &TaskId, print: &str) {
        self.with(task, |task| {
            task.current = None;
            task.resumptions = 0;
            task.proof.base = Some(print.to_owned());
        });
    }

    pub(super) fn take_after(&mut self, task: &TaskId, run: &RunId, print: &str, at: Millis) {
        self.with(task, |task| {
            task.release(run, at);
            task.proof.after = Some(print.to_owned());
        });
    }

    /// It is done by what another did, with all that was shown of that.
    pub(super) fn reuse(&mut self, id: &TaskId, from: &RunId, result: TaskResult, at: Millis) {
        let source = self.run(from).and_then(|run| self.task(&run.task));
        let shown = source.map(|source| source.proof.clone()).unwrap_or_default();
        self.with(id, |task| {
            if task.current.is_some() || task.standing != Standing::Open {
                return;
            }
            task.result = Some(result);
            task.reused = Some(from.clone());
            task.proof = Proof { base: task.proof.base.take(), repairs: 0, ..shown };
            task.urged = false;
            task.start_over();
            task.stand(Standing::Completed, at);
        });
    }

    pub(super) fn check(
        &mut self,
        task: &TaskId,
        run: &RunId,
        check: &Check,
        problem: Option<&String>,
        at: Millis,
    ) {
        let made = Checked { check: check.clone(), run: run.clone(), problem: problem.cloned() };
        self.with(task, |task| {
            task.release(run, at);
            task.proof.checked.push(made);
        });
    }

    pub(super) fn committed(&mut self, task: &TaskId, run: &RunId, outcome: &CommitOutcome, at: Millis) {
        self.with(task, |task| {
            task.release(run, at);
            task.proof.commit = Some(outcome.clone());
        });
    }

    pub(super) fn review(
        &mut self,
        task: &TaskId,
        run: &RunId,
        summary: &str,
        findings: &[String],
        at: Millis,
    ) {
        let review = Review { run: run.clone(), summary: summary.to_owned(), findings: findings.to_vec() };
        self.with(task, |task| {
            task.release(run, at);
            task.proof.review = Some(review);
        });
    }
}

impl Task {
    /// A run of this purpose was ordered.
    pub(super) fn prove(&mut self, purpose: Purpose, spoken: bool, at: Millis) {
        match purpose {
            Purpose::Check | Purpose::Review | Purpose::Commit | Purpose::After => {
                self.stand(Standing::Claimed, at)
            }
            // One that was cut short is the same one when it is taken up again.
            Purpose::Repair if self.standing == Standing::Claimed => self.proof.repairs += 1,
            _ => {}
        }
        if spoken {
            self.proof.repairs = 0;
        }
    }

    /// It goes on without a word of the person.
    pub(super) fn is_on_its_way(&self) -> bool {
        matches!(self.standing, Standing::Open | Standing::Limited { .. })
    }

    fn release(&mut self, run: &RunId, at: Millis) {
        if matches!(self.standing, Standing::Limited { .. }) {
            self.stand(Standing::Claimed, at);
        }
        self.current.take_if(|current| current == run);
        self.resumptions = 0;
    }
}
