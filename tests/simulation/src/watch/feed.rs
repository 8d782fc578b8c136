//! Worker chains: who needs what another task of a plan makes comes after it, but where the plan has them the other
//! way round; and it is told what it needs.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};
use conductor::state::Task;
use shared::entry::Purpose;
use shared::id::TaskId;
use shared::plan::PlannedTask;

/// Whoever makes an input is waited for, or waits itself.
pub(super) fn check_feeds(tasks: &[PlannedTask]) -> Result<()> {
    let all: BTreeMap<&TaskId, &PlannedTask> = tasks.iter().map(|task| (&task.task, task)).collect();
    let line = |task: &PlannedTask| -> BTreeSet<TaskId> {
        let above = std::iter::successors(Some(task), |task| all.get(&task.parent).copied());
        above.map(|task| task.task.clone()).collect()
    };
    for task in tasks {
        for maker in tasks {
            let feeds = task.inputs.iter().any(|input| maker.outputs.contains(input));
            let kin = line(task).contains(&maker.task) || line(maker).contains(&task.task);
            if feeds && !kin && !task.after.contains(&maker.task) {
                ensure!(waits(maker, task, tasks, &line), "{} does not wait for {}", task.task, maker.task);
            }
        }
    }
    Ok(())
}

/// Whether `one`, a part of it or what comes before them waits for the other or a part of that.
fn waits(
    one: &PlannedTask,
    other: &PlannedTask,
    tasks: &[PlannedTask],
    line: &impl Fn(&PlannedTask) -> BTreeSet<TaskId>,
) -> bool {
    let below = |id: &TaskId| tasks.iter().filter(|task| line(task).contains(id)).collect::<Vec<_>>();
    let mut seen = BTreeSet::new();
    let mut open = below(&one.task);
    while let Some(task) = open.pop() {
        if !seen.insert(&task.task) {
            continue;
        }
        let holders = line(task);
        for holder in tasks.iter().filter(|holder| holders.contains(&holder.task)) {
            holder.after.iter().for_each(|dep| open.extend(below(dep)));
        }
    }
    below(&other.task).iter().any(|part| seen.contains(&part.task))
}

/// Who begins is told what it needs, where nothing was cut.
pub(super) fn check_inputs(task: &Task, purpose: Purpose, prompt: &str) -> Result<()> {
    let begins = purpose == Purpose::Work && task.session.is_none() && !prompt.contains("## Cut to fit");
    for input in task.inputs.iter().filter(|_| begins) {
        ensure!(prompt.contains(&format!("\n- {input}")), "{} is not told that it needs {input}", task.id);
    }
    Ok(())
}
