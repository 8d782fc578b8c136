//! A task in the shape in which planners word it.

use shared::id::TaskId;
use shared::plan::{ProposedCaps, ProposedTask, Work};
use shared::retry::RetryWish;

use crate::persona;
use crate::reviewer;
use crate::state::{State, Task};

/// The task under this key of its own, and what it follows and belongs to under those that `key` gives; what has none
/// there is left out.
pub(crate) fn worded(
    state: &State,
    task: &Task,
    own: String,
    key: impl Fn(&TaskId) -> Option<String> + Copy,
) -> ProposedTask {
    ProposedTask {
        key: own,
        title: task.title.clone(),
        objective: task.objective.clone(),
        mode: task.mode,
        size: task.chosen_size().into(),
        after: task.after.iter().filter_map(key).collect(),
        parent: task.parent.as_ref().and_then(key).unwrap_or_default(),
        inputs: task.inputs.clone(),
        outputs: task.outputs.clone(),
        command: match &task.work {
            Work::Agent => String::new(),
            Work::Command { command, .. } => command.clone(),
        },
        retry: task.retry.map_or(RetryWish::Usual, |retry| retry.policy.into()),
        checks: task.evidence.checks.iter().map(ToString::to_string).collect(),
        agent: persona::own(state, task).map(|persona| persona.name.clone()).unwrap_or_default(),
        reviewer: task.reviewer.as_ref().map(|chosen| reviewer::words(state, chosen)).unwrap_or_default(),
        caps: ProposedCaps::of(task.caps.of(None)),
    }
}
