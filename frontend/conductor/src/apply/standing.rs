//! Where a task stands after what happened to it, and what of its past counts no more.

use shared::agent::ErrorClass;
use shared::entry::Outcome;
use shared::retry::Again;
use shared::unit::Millis;

use crate::planning::Plan;
use crate::proof::Proof;
use crate::state::{Halt, Standing, Task, TaskResult};

/// Times that are kept of those when a task was helped on: as many as a window may ever have.
const HELPED: usize = 20;

impl Task {
    /// Ends it: at once where nothing runs, else when the run has ended.
    pub(super) fn halt(&mut self, at: Millis) {
        (self.urged, self.terminal) = (false, None);
        self.hold_words();
        if self.current.is_some() {
            self.stop = Some(Halt::Stopped);
        }
        if self.is_over() {
            // What is done stays done, and is not done anew, whoever sits at its terminal.
            self.schedule.repeat = None;
        } else if self.current.is_none() {
            self.stand(Standing::Cancelled, at);
        }
    }

    /// What was written to it before wakes it no more.
    pub(super) fn hold_words(&mut self) {
        self.queue.iter_mut().for_each(|message| message.held = true);
    }

    pub(crate) fn stand(&mut self, standing: Standing, at: Millis) {
        if self.standing != standing {
            self.standing = standing;
            self.since = at;
        }
    }

    pub(super) fn settle(&mut self, outcome: &Outcome, at: Millis) {
        self.current = None;
        self.stop = None;
        self.urged = false;
        self.came_to_something();
        match outcome {
            Outcome::Limited { until, class, again, why } => {
                // Where a cap is used up, it is the person who helps on.
                if *class != Some(ErrorClass::Capped) {
                    self.helped.drain(..self.helped.len().saturating_sub(HELPED - 1));
                    self.helped.push(*until);
                }
                self.put_off(*again, why);
            }
            _ => self.start_over(),
        }
        let standing = match outcome {
            Outcome::Completed { summary, outputs, not_done } => {
                self.result = Some(TaskResult {
                    summary: summary.clone(),
                    outputs: outputs.clone(),
                    not_done: not_done.clone(),
                });
                if let Some(planning) = self.planning.as_mut().filter(|_| self.goal.is_some())
                    && matches!(planning.plan, Plan::Wanted | Plan::Refused { .. })
                {
                    planning.plan = Plan::Answered;
                }
                Standing::Completed
            }
            Outcome::Failed { class, why } => Standing::Failed { class: *class, why: why.clone() },
            Outcome::Asked { question, options } => {
                Standing::Asked { question: question.clone(), options: options.clone() }
            }
            // It is theirs from now on; what came of it the last time stands until they are done.
            Outcome::Yielded { .. } if self.is_by_hand() => Standing::Yielded,
            Outcome::Yielded { summary, outputs, not_done } => {
                self.result = Some(TaskResult {
                    summary: summary.clone(),
                    outputs: outputs.clone(),
                    not_done: not_done.clone(),
                });
                Standing::Yielded
            }
            Outcome::Limited { until, class, again, .. } => {
                Standing::Limited { until: *until, class: *class, again: *again }
            }
            Outcome::Cancelled => Standing::Cancelled,
        };
        self.stand(standing, at);
    }

    /// What failed before counts no more.
    pub(super) fn start_over(&mut self) {
        (self.resumptions, self.retries) = (0, 0);
        self.helped.clear();
    }

    /// Counts that its turn is taken up again without asking, and makes room for a new one where it is not the same.
    fn put_off(&mut self, again: Again, why: &str) {
        if again == Again::GoOn {
            self.resumptions += 1;
            return;
        }
        self.resumptions = 0;
        self.session = None;
        if let Again::Instead { harness } = again {
            self.alternate = Some(harness);
            return;
        }
        self.retries += 1;
        self.attempt += 1;
        self.result = None;
        self.diagnosis = None;
        self.proof.repairs = 0;
        self.planning.iter_mut().for_each(|planning| planning.refusals = 0);
        why.clone_into(&mut self.failure);
    }

    /// Is done because the person says so, with their words about it if there are any.
    pub(super) fn accept(&mut self, words: &str, at: Millis) {
        if self.current.is_some() || matches!(self.standing, Standing::Proposed | Standing::Removed { .. }) {
            return;
        }
        let result = self.result.get_or_insert_default();
        if !words.is_empty() {
            *result = TaskResult { summary: words.to_owned(), ..TaskResult::default() };
        }
        // It was stopped before, so it is not done anew by itself.
        if self.standing == Standing::Cancelled {
            self.schedule.repeat = None;
        }
        self.stand(Standing::Completed, at);
    }

    /// The person cannot do it; nobody tries it again unasked.
    pub(super) fn give_up(&mut self, why: &str, at: Millis) {
        if self.is_by_hand() && matches!(self.standing, Standing::Open | Standing::Yielded) {
            let why = why.to_owned();
            self.stand(Standing::Failed { class: ErrorClass::TaskFailure, why }, at);
        }
    }

    /// What a person was asked to do is not theirs any more, or not yet.
    pub(super) fn take_from_hand(&mut self, at: Millis) {
        if self.standing == Standing::Yielded {
            self.stand(Standing::Open, at);
        }
    }

    /// The person does not want to wait for what it waits for by itself.
    pub(super) fn urge(&mut self, at: Millis) {
        if self.current.is_some() {
            return;
        }
        if let Standing::Limited { until, .. } = &mut self.standing {
            *until = at.min(*until);
            self.start_over();
        }
        self.urged = matches!(self.standing, Standing::Limited { .. } | Standing::Open);
    }

    /// A fresh attempt; where the plan that it is a part of is not agreed on, when it is.
    pub(super) fn begin_again_where(&mut self, agreed: bool, at: Millis) {
        self.begin_again(at);
        if !agreed && !self.is_goal() {
            self.stand(Standing::Proposed, at);
        }
    }

    fn begin_again(&mut self, at: Millis) {
        self.attempt += 1;
        self.session = None;
        self.start_over();
        self.failure.clear();
        (self.diagnosis, self.alternate) = (None, None);
        self.urged = false;
        (self.result, self.reused) = (None, None);
        self.proof = Proof { base: self.proof.base.take(), ..Proof::default() };
        self.stop = None;
        if let Some(planning) = &mut self.planning {
            planning.refusals = 0;
            if matches!(planning.plan, Plan::Answered | Plan::Refused { .. }) {
                planning.plan = Plan::Wanted;
            }
        }
        self.standing = Standing::Open;
        self.since = at;
    }
}
