//! What is done anew: not before its time, as if it had never been done, and never summed up in between.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use conductor::State;
use conductor::state::{Goal, Standing, Task};
use shared::entry::{Kind, Purpose};
use shared::id::TaskId;
use shared::plan::PlanEdit;
use shared::unit::Millis;

use super::Watch;
use super::planned::is_open;

/// What is known of what comes round.
#[derive(Debug, Default)]
pub(super) struct Rounds {
    /// When each task came to be done.
    done: BTreeMap<TaskId, Millis>,
    /// The goal whose plan the person answers.
    answered: Option<TaskId>,
}

/// It is done again and again, as nothing is that has parts.
fn repeats(task: &Task) -> bool {
    task.goal.is_none() && task.children.is_empty() && task.schedule.repeat.is_some()
}

/// It is done, and will be once more.
pub(super) fn is_round(task: &Task) -> bool {
    repeats(task) && task.standing == Standing::Completed
}

impl Watch {
    /// Before an entry: a task that is not done comes to be.
    pub(super) fn note_done(&mut self, state: &State, id: &TaskId) {
        if state.task(id).is_some_and(|task| task.standing != Standing::Completed) {
            self.rounds.done.insert(id.clone(), self.at);
        }
    }

    /// The person said that it is done again and again, and it is time.
    pub(super) fn comes_round(&self, state: &State, task: &Task) -> bool {
        let (repeat, done) = (task.schedule.repeat, self.rounds.done.get(&task.id));
        let due = repeat.zip(done).is_some_and(|(repeat, done)| *done + repeat <= self.latest);
        let mut holders = std::iter::once(task).chain(state.ancestors(task));
        let started = holders.all(|holder| holder.schedule.start.is_none_or(|at| at <= self.latest));
        is_round(task) && due && started
    }

    /// Before an order: what is done anew begins with nothing of what was before.
    pub(super) fn begin_round(&mut self, state: &State, task: &Task, kind: &Kind) {
        let Kind::RunRequested { purpose: Purpose::Work | Purpose::Base, carries, .. } = kind else { return };
        if !carries.is_empty() || !self.comes_round(state, task) {
            return;
        }
        let id = &task.id;
        self.words.forget(id);
        self.sessions.remove(id);
        self.bases.remove(id);
        self.shown.remove(id);
        self.repairs.remove(id);
        self.refused.remove(id);
        self.found.remove(id);
    }

    /// Before an entry: a goal's plan is answered.
    pub(super) fn note_answer(&mut self, state: &State, kind: &Kind) {
        let (Kind::PlanApproved { goal, .. }
        | Kind::PlanAdopted { goal, .. }
        | Kind::PlanRejected { task: goal, .. }) = kind
        else {
            return;
        };
        let goal = state.task(goal).filter(|task| task.goal.is_some() && is_open(task));
        self.rounds.answered = goal.map(|goal| goal.id.clone());
    }

    /// After an entry: nothing above a task is over once a person has said that it comes round. Where a plan was open then, that
    /// is so when they have answered it.
    pub(super) fn check_opened(&mut self, state: &State, kind: &Kind) -> Result<()> {
        let answered = self.rounds.answered.take();
        let tasks: Vec<&Task> = match kind {
            Kind::PlanEdited { edit: PlanEdit::SetSchedule { task, .. }, .. } => {
                let will = |task: &&Task| is_round(task) || repeats(task) && !task.is_over();
                state.task(task).filter(will).into_iter().collect()
            }
            _ => answered
                .map(|goal| state.subtree(&goal))
                .unwrap_or_default()
                .into_iter()
                .filter(|task| is_round(task))
                .collect(),
        };
        for task in tasks {
            // It is asked for, and so is that what it is a part of comes to its end.
            self.stopped.remove(&task.id);
            if state.task(&task.root).is_some_and(is_open) {
                continue;
            }
            self.reopened(state, &task.id);
            for above in state.ancestors(task) {
                let put_away = |goal: &Goal| goal.closing.is_some() || goal.archived.is_some();
                let over = above.is_over() || above.goal.as_ref().is_some_and(put_away);
                ensure!(!over, "{} is to be done anew, and {} is over", task.id, above.id);
            }
        }
        Ok(())
    }

    /// What is done again and again is never through for those who sum it up.
    pub(super) fn check_rounds(state: &State, task: &Task) -> Result<()> {
        for part in task.children.iter().filter_map(|id| state.task(id)) {
            ensure!(!is_round(part), "sums up beside {}, which is done again and again", part.id);
        }
        Ok(())
    }
}
