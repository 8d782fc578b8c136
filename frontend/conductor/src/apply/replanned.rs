//! The part of the fold for what is planned below a goal: the wish for a plan, and the way back to what was before it.

use std::collections::BTreeMap;

use shared::entry::Purpose;
use shared::id::{RunId, TaskId};
use shared::unit::Millis;

use crate::planning::{Former, Plan, is_fixed, may_plan};
use crate::state::{Standing, State, Task};

impl State {
    /// A planner is to look at the task: in a session of its own, whatever its worker said before.
    pub(super) fn want_plan(&mut self, id: &TaskId, at: Millis) {
        let Some(task) = self.task(id).filter(|task| may_plan(self, task).is_ok()) else { return };
        let former = Former::of(task);
        self.with(id, |task| {
            let planning = task.planning.get_or_insert_default();
            planning.former = Some(former);
            planning.plan = Plan::Wanted;
            planning.refusals = 0;
            task.session = None;
            (task.failure, task.diagnosis) = (String::new(), None);
            task.start_over();
            task.stand(Standing::Open, at);
        });
        self.reopen(id, at);
    }

    /// The answer of a run was no plan. A worker's whose task is whole stays so.
    pub(super) fn refuse_plan(&mut self, id: &TaskId, run: &RunId, problems: &[String]) {
        let planner = self.run(run).is_none_or(|run| run.purpose == Purpose::Plan);
        self.with(id, |task| {
            task.current = None;
            let planning = task.planning.get_or_insert_default();
            let problems = problems.to_vec();
            match planning.plan {
                _ if planner => planning.plan = Plan::Refused { problems },
                // A person's no stays.
                Plan::Rejected => {}
                _ => planning.plan = Plan::Unsplit { problems },
            }
            planning.refusals += 1;
        });
    }

    /// What is below the task is as it was, but for what began there and what its persons wrote.
    pub(super) fn reject(&mut self, id: &TaskId, at: Millis) {
        let Some(task) = self.task(id).filter(|task| task.is_planned() && task.current.is_none()) else {
            return;
        };
        let Some(mut former) = task.planning.as_ref().and_then(|planning| planning.former.clone()) else {
            return;
        };
        // Nothing before there was a proposal.
        if former.tasks.is_some() {
            former.keep(self, id);
        }
        if let Some(tasks) = &former.tasks {
            let known = |task: &&Task| tasks.iter().any(|former| former.id == task.id);
            let new = self.subtree(id).into_iter().skip(1).filter(|task| !known(task));
            for new in new.map(|task| task.id.clone()).collect::<Vec<_>>() {
                self.remove(&new, at);
            }
            tasks.iter().for_each(|task| self.put_back(task, at));
        }
        // Also what a person added or wanted tried again meanwhile.
        let held = self.subtree(id).into_iter().skip(1).filter(|task| task.standing == Standing::Proposed);
        for held in held.map(|task| task.id.clone()).collect::<Vec<_>>() {
            self.with(&held, |task| task.stand(Standing::Open, at));
        }
        self.with(id, |task| {
            // A worker that would have split it goes on in its session; a planner's is over.
            task.session.take_if(|session| former.session.as_ref() != Some(session));
            if !matches!(task.standing, Standing::Cancelled | Standing::Completed) {
                task.stand(former.standing, at);
            }
            if let Some(planning) = &mut task.planning {
                planning.plan = former.plan;
                planning.former = None;
            }
        });
    }

    fn put_back(&mut self, former: &Task, at: Millis) {
        let (id, Some(parent)) = (&former.id, &former.parent) else { return };
        self.unlink(id);
        self.link(id, parent, u32::MAX);
        // What the last plan left out may be what a plan before that had made another.
        let stays = |task: &Task| !matches!(task.standing, Standing::Removed { .. }) && is_fixed(self, task);
        let fixed = self.task(id).is_some_and(stays);
        self.with(id, |task| {
            let standing = match task.standing {
                Standing::Removed { .. } => former.standing.clone(),
                _ => task.standing.clone(),
            };
            if !fixed {
                *task = Task {
                    key: former.key.clone(),
                    title: former.title.clone(),
                    objective: former.objective.clone(),
                    mode: former.mode,
                    size: former.size,
                    after: former.after.clone(),
                    inputs: former.inputs.clone(),
                    outputs: former.outputs.clone(),
                    work: former.work.clone(),
                    retry: former.retry,
                    evidence: former.evidence.clone(),
                    persona: former.persona.clone(),
                    reviewer: former.reviewer.clone(),
                    caps: former.caps,
                    ..task.clone()
                };
            }
            task.stand(standing, at);
        });
    }

    /// How those parts stand that the next plan leaves as they are: what has begun, and what was stopped.
    pub(super) fn kept(&self, owner: &TaskId) -> BTreeMap<TaskId, Standing> {
        let begun = |task: &&Task| !task.runs.is_empty() || task.is_dead();
        let below = self.subtree(owner).into_iter().skip(1).filter(begun);
        let planned = self.task(owner).filter(|task| !task.is_goal());
        below.filter(|_| planned.is_some()).map(|task| (task.id.clone(), task.standing.clone())).collect()
    }
}
