//! The part of the fold that copies a task: what it is, with its parts and what comes before what among them; nothing
//! of what was done, said or spent there.

use std::collections::BTreeMap;

use shared::id::TaskId;
use shared::plan::PlannedTask;
use shared::unit::Millis;

use crate::state::{Standing, State, Task};

impl State {
    /// Puts a copy of the task, under this id, behind it.
    pub(super) fn copy(&mut self, id: &TaskId, copy: &TaskId, at: Millis) {
        let originals: Vec<Task> = self.subtree(id).into_iter().cloned().collect();
        let Some(parent) = originals.first().and_then(|task| self.task(task.parent.as_ref()?)) else {
            return;
        };
        let place = parent
            .children
            .iter()
            .position(|child| child == id)
            .map_or(u32::MAX, |place| u32::try_from(place + 1).unwrap_or(u32::MAX));
        let standing = if self.admits(parent) { Standing::Open } else { Standing::Proposed };
        let named = |n: usize| if n == 0 { copy.clone() } else { copy.copied(n) };
        let copies: BTreeMap<TaskId, TaskId> =
            originals.iter().enumerate().map(|(n, task)| (task.id.clone(), named(n))).collect();
        for task in &originals {
            let same = |id: &TaskId| copies.get(id).unwrap_or(id).clone();
            let Some(parent) = task.parent.as_ref().map(same) else { continue };
            let own = same(&task.id);
            let planned = PlannedTask {
                // By which a planner tells it from the original.
                key: own.to_string(),
                mode: task.mode,
                size: task.chosen_size(),
                after: task.after.iter().map(same).collect(),
                inputs: task.inputs.clone(),
                outputs: task.outputs.clone(),
                work: task.work.clone(),
                retry: task.retry,
                evidence: task.evidence.clone(),
                ..PlannedTask::new(own.clone(), parent.clone(), task.title.clone(), task.objective.clone())
            };
            let number = self.next_number(&parent);
            let made = Task {
                persona: task.persona.clone(),
                reviewer: task.reviewer.clone(),
                harness: task.harness,
                model: task.model.clone(),
                effort: task.effort,
                template: task.template.clone(),
                caps: task.caps,
                schedule: task.schedule,
                standing: standing.clone(),
                ..Task::planned(&planned, &task.root, &task.project, number, at)
            };
            self.enter(made);
            self.link(&own, &parent, if own == *copy { place } else { u32::MAX });
        }
    }
}
