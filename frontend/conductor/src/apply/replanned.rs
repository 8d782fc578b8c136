//! The part of the fold for what is planned again, or below a goal: the wish for a plan, and the way back to what was
//! before it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use shared::entry::Purpose;
use shared::id::{RunId, TaskId};
use shared::unit::Millis;

use crate::order::Order;
use crate::planning::{Former, Plan, may_plan};
use crate::state::{Halt, SizedBy, Standing, State, Task};

impl State {
    /// A planner is to look at the task: a goal's in the goal's session, any other in one of its own, whatever its worker
    /// said before.
    pub(super) fn want_plan(&mut self, id: &TaskId, at: Millis) {
        let Some(task) = self.task(id).filter(|task| may_plan(self, task).is_ok()) else { return };
        let former = Former::of(task);
        self.with(id, |task| {
            let planning = task.planning.get_or_insert_default();
            planning.former = Some(former);
            planning.plan = Plan::Wanted;
            planning.refusals = 0;
            if !task.is_goal() {
                task.session = None;
            }
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

    /// What is below the task is as it was, but for what began there and what its persons wrote. While the planner of a task
    /// below a goal is at it, nothing is; who would end that stops the task, and of a goal that would be everything.
    pub(super) fn reject(&mut self, id: &TaskId, at: Millis) {
        let may = |task: &&Task| task.is_planned() && (task.current.is_none() || task.is_goal());
        let Some(task) = self.task(id).filter(may) else { return };
        let Some(mut former) = task.planning.as_ref().and_then(|planning| planning.former.clone()) else {
            return;
        };
        // Nothing before there was a proposal.
        if former.tasks.is_some() {
            former.keep(self, id);
        }
        if let Some(tasks) = &former.tasks {
            let new = self.subtree(id).into_iter().skip(1).filter(|task| !former.keeps(self, task));
            for new in new.map(|task| task.id.clone()).collect::<Vec<_>>() {
                self.remove(&new, at);
            }
            tasks.iter().for_each(|task| self.put_back(task, at));
            self.untangle(id, tasks);
        }
        // Also what a person added or wanted tried again meanwhile.
        let held = self.release(id, at);
        self.dismiss_planner(id, at);
        self.with(id, |task| {
            // A worker that would have split it goes on in its session; a planner's is over, but for a goal's, who sums up.
            task.session.take_if(|session| former.session.as_ref() != Some(session) && task.goal.is_none());
            task.result = task.result.take().or(former.result);
            if !matches!(task.standing, Standing::Cancelled | Standing::Completed) {
                task.stand(former.standing, at);
            }
            if let Some(planning) = &mut task.planning {
                planning.plan = former.plan;
                planning.former = None;
            }
        });
        self.reopen_goal(id, &held, at);
    }

    /// What a no to the open plan of the task would bring back does not go on either.
    pub(super) fn halt_away(&mut self, id: &TaskId, at: Millis) {
        let former = self.task(id).and_then(|task| task.planning.as_ref()?.former.as_ref()?.tasks.as_ref());
        let is_away = |task: &&Arc<Task>| {
            self.task(&task.id).is_some_and(|now| matches!(now.standing, Standing::Removed { .. }))
        };
        let away = former.into_iter().flatten().filter(is_away).map(|task| task.id.clone());
        let away: BTreeSet<TaskId> = away.collect();
        away.iter().for_each(|id| self.with(id, Task::hold_words));
        self.with_planning(id, |planning| {
            let former = planning.former.iter_mut().filter_map(|former| former.tasks.as_mut()).flatten();
            former.filter(|task| away.contains(&task.id)).for_each(|task| Arc::make_mut(task).halt(at));
        });
    }

    /// What the person puts below a goal while its next plan waits for a yes is no part of that plan.
    pub(super) fn keep_added(&mut self, id: &TaskId) {
        let planner = self.task(id).and_then(|task| self.planner_above(task)).filter(|above| above.is_goal());
        let Some(planner) = planner.map(|above| above.id.clone()) else { return };
        self.with_planning(&planner, |planning| {
            if let Some(former) = &mut planning.former {
                former.added.insert(id.clone());
            }
        });
    }

    /// What waited for the plan below the task waits for it no more; gives those that did.
    pub(super) fn release(&mut self, id: &TaskId, at: Millis) -> Vec<TaskId> {
        let held = self.subtree(id).into_iter().skip(1).filter(|task| task.standing == Standing::Proposed);
        let held: Vec<TaskId> = held.map(|task| task.id.clone()).collect();
        held.iter().for_each(|id| self.with(id, |task| task.stand(Standing::Open, at)));
        held
    }

    /// A goal that was over, and the groups in it, are not while these of its tasks are to be done, nor while one comes round:
    /// that it does may have been said while the plan was open.
    pub(super) fn reopen_goal(&mut self, id: &TaskId, held: &[TaskId], at: Millis) {
        if self.task(id).is_some_and(Task::is_goal) {
            let round = self.walk(id).filter(|task| task.again().is_some()).map(|task| task.id.clone());
            let round: Vec<TaskId> = round.collect();
            held.iter().chain(&round).for_each(|id| self.reopen(id, at));
        }
    }

    /// Nobody waits for what the planner thinks of: its turn ends, and comes to nothing.
    fn dismiss_planner(&mut self, id: &TaskId, at: Millis) {
        let planner = self.task(id).and_then(|task| self.current(task));
        let Some(planner) = planner.filter(|run| run.purpose != Purpose::Talk) else { return };
        let answered = planner.is_read();
        self.with(id, |task| {
            if !answered {
                task.stop.get_or_insert(Halt::Closed);
                return;
            }
            task.current = None;
            if task.stop.take() == Some(Halt::Stopped) {
                task.stand(Standing::Cancelled, at);
            }
        });
    }

    fn put_back(&mut self, former: &Task, at: Millis) {
        let (id, Some(parent)) = (&former.id, &former.parent) else { return };
        self.unlink(id);
        self.link(id, parent, u32::MAX);
        self.with(id, |task| {
            let standing = match task.standing {
                Standing::Removed { .. } => former.standing.clone(),
                _ => task.standing.clone(),
            };
            // What was found out since is so whatever the plan.
            let (size, sized) = match (&former.sized, &task.sized) {
                (SizedBy::Nobody, SizedBy::Found { .. }) => (task.size, task.sized.clone()),
                _ => (former.size, former.sized.clone()),
            };
            *task = Task {
                key: former.key.clone(),
                title: former.title.clone(),
                objective: former.objective.clone(),
                mode: former.mode,
                size,
                sized,
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
            task.stand(standing, at);
        });
    }

    /// Nobody waits for who waits for them, now that the parts are where they were and what a person ordered meanwhile still holds.
    /// Where both cannot be, what is elsewhere is left as it is, then what came back; only what closes a circle with those goes.
    fn untangle(&mut self, id: &TaskId, former: &[Arc<Task>]) {
        let Some(root) = self.task(id).map(|task| task.root.clone()) else { return };
        let mut order = Order::of(self, &root);
        if order.cycle().is_none() {
            return;
        }
        let below: BTreeSet<&TaskId> = self.walk(id).skip(1).map(|task| &task.id).collect();
        let former: BTreeMap<&TaskId, &Task> = former.iter().map(|task| (&task.id, task.as_ref())).collect();
        let was =
            |task: &Task, dep: &TaskId| former.get(&task.id).is_some_and(|former| former.after.contains(dep));
        let pairs = self.walk(&root).flat_map(|task| task.after.iter().map(move |dep| (task, dep)));
        let mut waits: Vec<(bool, bool, TaskId, TaskId)> = pairs
            .map(|(task, dep)| (below.contains(&task.id), !was(task, dep), task.id.clone(), dep.clone()))
            .collect();
        waits.sort();
        waits.iter().for_each(|(_, _, task, dep)| order.release(task, dep));
        for (_, _, task, dep) in &waits {
            order.depend(task, dep);
            if order.cycle_before(task).is_some() {
                order.release(task, dep);
                self.with(task, |task| task.after.retain(|known| known != dep));
            }
        }
    }

    /// How those parts stand that the next plan leaves as they are: what has begun, and what was stopped.
    pub(super) fn kept(&self, owner: &TaskId) -> BTreeMap<TaskId, Standing> {
        let begun = |task: &&Task| !task.runs.is_empty() || task.is_dead();
        let below = self.subtree(owner).into_iter().skip(1).filter(begun);
        let planned = self.task(owner).filter(|task| !task.is_goal() || task.is_planned_again());
        below.filter(|_| planned.is_some()).map(|task| (task.id.clone(), task.standing.clone())).collect()
    }
}
