//! The part of the fold that shapes the tree: proposals, approval, and a person's edits.

use std::collections::BTreeSet;

use shared::id::{RunId, TaskId};
use shared::limits::Caps;
use shared::plan::{PlanEdit, PlannedTask, Schedule, Size};
use shared::unit::Millis;

use crate::apply::Changed;
use crate::order::waits_for;
use crate::plan::diff::{Revision, diff};
use crate::plan::edit::check_edit;
use crate::plan::feed::{Rewiring, rewire};
use crate::plan::fits;
use crate::planning::{Former, Plan, is_fixed};
use crate::state::{Account, Run, SizedBy, Spend, Standing, State, Task};

impl State {
    /// Takes a new version of the plan: its tasks replace those that were proposed before.
    pub(super) fn propose(
        &mut self,
        goal: &TaskId,
        version: u32,
        reply: &str,
        tasks: &[PlannedTask],
        at: Millis,
    ) {
        let Some(owner) = self.task(goal) else { return };
        let again = version > 1 || (!owner.is_goal() && owner.is_group());
        let before = again.then(|| self.clone());
        if !owner.is_planned() {
            // Its own worker would split it.
            let former = Some(Former::of(owner));
            self.with(goal, |task| task.planning.get_or_insert_default().former = former);
        }
        let mut former = self.task(goal).and_then(|task| task.planning.as_ref()?.former.clone());
        former.iter_mut().for_each(|former| former.keep(self, goal));
        self.with_planning(goal, |planning| planning.former = former);
        let standings = self.kept(goal);
        // Whatever is put below it from here on waits for a yes.
        self.with_planning(goal, |planning| planning.plan = Plan::Proposed { reply: reply.to_owned(), at });
        let kept: BTreeSet<&TaskId> = tasks.iter().map(|planned| &planned.task).collect();
        let dropped: Vec<TaskId> = self
            .subtree(goal)
            .into_iter()
            .skip(1)
            .filter(|task| !kept.contains(&task.id) && !is_fixed(self, task))
            .map(|task| task.id.clone())
            .collect();
        for id in dropped {
            self.remove(&id, at);
        }
        for planned in tasks {
            self.put(goal, planned, u32::MAX, standings.get(&planned.task), at);
        }
        let changes = before.map(|before| diff(&before, self, goal));
        self.with(goal, |task| {
            task.current = None;
            task.came_to_something();
        });
        self.with_planning(goal, |planning| {
            planning.revisions.extend(changes.map(|changes| Revision { version, changes }));
            planning.version = version;
            planning.edits = 0;
            planning.refusals = 0;
            planning.derived += u32::try_from(tasks.len()).unwrap_or(u32::MAX);
        });
    }

    /// Takes a person's own plan as the next version, while no run is at work on one and none is approved. The first may be
    /// empty: the person builds it task by task.
    pub(super) fn give(&mut self, goal: &TaskId, reply: &str, tasks: &[PlannedTask], at: Millis) {
        let Some(task) = self.task(goal) else { return };
        let open = task.planning.as_ref().filter(|planning| task.is_goal() && !planning.plan.admits());
        if let Some(version) = open.map(|planning| planning.version + 1)
            && task.current.is_none()
            && (fits(self, task, tasks) || version == 1 && tasks.is_empty())
        {
            self.propose(goal, version, reply, tasks, at);
            self.with(goal, |task| task.stand(Standing::Open, at));
        }
    }

    pub(super) fn approve(&mut self, goal: &TaskId, version: u32, at: Millis) {
        let proposed = self
            .task(goal)
            .and_then(|task| task.planning.as_ref())
            .is_some_and(|planning| planning.version == version && planning.is_proposed());
        // In a plan without tasks there is nothing to say yes to.
        if !proposed || self.task(goal).is_some_and(|task| task.numbered == 0 && !task.is_group()) {
            return;
        }
        let held = self.release(goal, at);
        // What the planner said since is an answer to a plan that is past.
        let answered = self.task(goal).and_then(|task| self.current(task)).is_some_and(Run::is_read);
        self.with(goal, |task| {
            if task.current.take_if(|_| answered).is_some() {
                task.stop = None;
            }
            task.stand(Standing::Open, at);
        });
        self.with_planning(goal, |planning| {
            planning.plan = Plan::Approved { at };
            planning.former = None;
        });
        self.with_goal(goal, |goal| goal.closing = None);
        self.reopen_goal(goal, &held, at);
    }

    /// Carries an edit out where it is still possible.
    pub(super) fn edit(&mut self, goal: &TaskId, edit: &PlanEdit, at: Millis) {
        if check_edit(self, goal, edit).is_err() {
            return;
        }
        let Rewiring { gained, lost, .. } = rewire(self, goal, edit);
        self.alter(edit, at);
        match edit {
            PlanEdit::Add { planned, index } => {
                self.put(goal, planned, *index, None, at);
                self.keep_added(&planned.task);
            }
            PlanEdit::Clone { task, copy } => {
                self.copy(task, copy, at);
                self.keep_added(copy);
            }
            PlanEdit::Remove { task } => self.remove(task, at),
            PlanEdit::Restore { task } => self.restore(task, at),
            PlanEdit::Move { task, parent, index } => {
                self.unlink(task);
                self.link(task, parent, *index);
            }
            PlanEdit::AddDependency { task, on } => self.with(task, |task| {
                if !task.after.contains(on) {
                    task.after.push(on.clone());
                    task.changed.after = at;
                }
            }),
            PlanEdit::DropDependency { task, on } => {
                self.with(task, |task| task.after.retain(|dep| dep != on))
            }
            _ => {}
        }
        for (task, maker) in lost {
            self.with(&task, |task| task.after.retain(|dep| *dep != maker));
        }
        for (task, maker) in gained {
            self.with(&task, |task| {
                task.after.push(maker);
                task.changed.after = at;
            });
        }
        match edit {
            PlanEdit::Add { planned: PlannedTask { task, .. }, .. }
            | PlanEdit::Clone { copy: task, .. }
            | PlanEdit::Restore { task }
            | PlanEdit::Move { task, .. } => self.reopen(task, at),
            // What is done by its parts never comes round itself.
            PlanEdit::SetSchedule { task, schedule: Schedule { repeat: Some(_), .. } }
                if !self.task(task).is_some_and(Task::is_group) =>
            {
                self.reopen(task, at);
            }
            _ => {}
        }
        self.take_from_hands(goal, at);
        self.with_planning(goal, |planning| planning.edits += 1);
    }

    /// What the person is asked to do and what has to come after others now waits for them; what an agent left when its
    /// parts were taken away is the person's.
    fn take_from_hands(&mut self, goal: &TaskId, at: Millis) {
        let moved = |task: &&Task| match task.standing {
            Standing::Yielded => !waits_for(self, task).is_empty(),
            Standing::Asked { .. } | Standing::Limited { .. } => task.current.is_none(),
            _ => false,
        };
        let tasks = self.subtree(goal).into_iter().filter(|task| task.is_by_hand()).filter(moved);
        for id in tasks.map(|task| task.id.clone()).collect::<Vec<_>>() {
            self.with(&id, |task| task.stand(Standing::Open, at));
        }
    }

    /// Makes the task of the plan, or brings an existing one to what the plan says; it stands as before where that is `kept`.
    fn put(&mut self, goal: &TaskId, planned: &PlannedTask, index: u32, kept: Option<&Standing>, at: Millis) {
        let Some(owner) = self.task(goal) else { return };
        let (root, project) = (owner.root.clone(), owner.project.clone());
        let admitted = self.task(&planned.parent).is_some_and(|parent| self.admits(parent));
        let usual = if admitted { Standing::Open } else { Standing::Proposed };
        let standing = kept.cloned().unwrap_or(usual);
        if let Some(task) = self.task(&planned.task) {
            let fixed = is_fixed(self, task);
            self.unlink(&planned.task);
            if fixed {
                return self.link(&planned.task, &planned.parent, index);
            }
        } else {
            let number = self.next_number(&planned.parent);
            let task = Task::planned(planned, &root, &project, number, at);
            self.enter(task);
        }
        self.with(&planned.task, |task| {
            // The planner has to be able to name what a person added.
            task.key = if planned.key.is_empty() { planned.task.to_string() } else { planned.key.clone() };
            task.title.clone_from(&planned.title);
            task.objective.clone_from(&planned.objective);
            task.mode = planned.mode;
            // Who says no size leaves it to whom the person chose, and what was found out.
            if planned.size.is_some() {
                (task.size, task.sized) = sized(planned.size);
            }
            task.after.clone_from(&planned.after);
            task.inputs.clone_from(&planned.inputs);
            task.outputs.clone_from(&planned.outputs);
            task.work = planned.work.clone();
            task.retry = planned.retry;
            task.evidence.clone_from(&planned.evidence);
            // Who proposes nobody leaves it to whom the person chose.
            if planned.persona.is_some() {
                task.persona.clone_from(&planned.persona);
            }
            if planned.caps != Caps::default() {
                task.caps = planned.caps;
            }
            if planned.reviewer.is_some() {
                task.reviewer.clone_from(&planned.reviewer);
            }
            task.stand(standing, at);
        });
        self.link(&planned.task, &planned.parent, index);
    }

    pub(super) fn next_number(&mut self, parent: &TaskId) -> Vec<u32> {
        let mut number = Vec::new();
        self.with(parent, |parent| {
            parent.numbered += 1;
            number.clone_from(&parent.number);
            number.push(parent.numbered);
        });
        number
    }

    pub(super) fn remove(&mut self, id: &TaskId, at: Millis) {
        let index = self.unlink(id);
        let below: Vec<TaskId> = self.subtree(id).into_iter().skip(1).map(|task| task.id.clone()).collect();
        self.with(id, |task| task.stand(Standing::Removed { index }, at));
        for id in below {
            self.with(&id, |task| task.stand(Standing::Removed { index: 0 }, at));
        }
    }

    fn restore(&mut self, id: &TaskId, at: Millis) {
        let Some(task) = self.task(id) else { return };
        let (Standing::Removed { index }, Some(parent)) = (task.standing.clone(), task.parent.clone()) else {
            return;
        };
        let admitted = self.task(&parent).is_some_and(|parent| self.admits(parent));
        let standing = if admitted { Standing::Open } else { Standing::Proposed };
        let ids: Vec<TaskId> = self.subtree(id).into_iter().map(|task| task.id.clone()).collect();
        for id in ids {
            self.with(&id, |task| task.stand(standing.clone(), at));
        }
        // What went with its parent is still among that one's parts, once.
        let place = self.unlink(id);
        self.link(id, &parent, if place == u32::MAX { index } else { place });
    }

    /// Takes it out of its parent's children and says where it stood.
    pub(super) fn unlink(&mut self, id: &TaskId) -> u32 {
        let mut index = u32::MAX;
        self.loosen(id);
        if let Some(parent) = self.task(id).and_then(|task| task.parent.clone()) {
            self.with(&parent, |parent| {
                if let Some(place) = parent.children.iter().position(|child| child == id) {
                    parent.children.remove(place);
                    index = u32::try_from(place).unwrap_or(u32::MAX);
                }
            });
        }
        index
    }

    pub(super) fn link(&mut self, id: &TaskId, parent: &TaskId, index: u32) {
        self.carry_account(id, parent);
        self.with(id, |task| task.parent = Some(parent.clone()));
        self.with(parent, |parent| {
            let place = usize::try_from(index).unwrap_or(usize::MAX).min(parent.children.len());
            parent.children.insert(place, id.clone());
        });
        self.fasten(id);
    }
}

/// The size that was given, if one was.
pub(super) fn sized(size: Option<Size>) -> (Size, SizedBy) {
    size.map_or((Size::default(), SizedBy::Nobody), |size| (size, SizedBy::Chosen))
}

impl Task {
    /// Takes the size that was found out, where nobody chose one meanwhile.
    pub(super) fn find(&mut self, size: Size, why: &str, run: Option<&RunId>) {
        self.current.take_if(|current| Some(&*current) == run);
        if self.sized != SizedBy::Chosen {
            (self.size, self.sized) = (size, SizedBy::Found { why: why.to_owned() });
        }
    }

    pub(super) fn planned(
        planned: &PlannedTask,
        root: &TaskId,
        project: &shared::id::ProjectId,
        number: Vec<u32>,
        at: Millis,
    ) -> Self {
        let (size, sized) = sized(planned.size);
        Self {
            id: planned.task.clone(),
            project: project.clone(),
            root: root.clone(),
            parent: Some(planned.parent.clone()),
            children: Vec::new(),
            number,
            numbered: 0,
            key: planned.key.clone(),
            title: planned.title.clone(),
            objective: planned.objective.clone(),
            mode: planned.mode,
            size,
            sized,
            after: planned.after.clone(),
            inputs: planned.inputs.clone(),
            outputs: planned.outputs.clone(),
            work: planned.work.clone(),
            harness: None,
            model: None,
            effort: None,
            template: None,
            persona: planned.persona.clone(),
            reviewer: planned.reviewer.clone(),
            caps: planned.caps,
            schedule: shared::plan::Schedule::default(),
            retry: planned.retry,
            evidence: planned.evidence.clone(),
            goal: None,
            planning: None,
            made: at,
            changed: Changed::default(),
            standing: Standing::Proposed,
            since: at,
            stop: None,
            attempt: 1,
            session: None,
            runs: Vec::new(),
            current: None,
            queue: Vec::new(),
            said: Vec::new(),
            asked: None,
            answer: None,
            late: BTreeSet::new(),
            resumptions: 0,
            retries: 0,
            helped: Vec::new(),
            failure: String::new(),
            diagnosis: None,
            alternate: None,
            urged: false,
            terminal: None,
            result: None,
            reused: None,
            proof: crate::proof::Proof::default(),
            spend: Spend::default(),
            account: Account::default(),
            doing: String::new(),
        }
    }
}
