//! Tasks that the person does: their turn comes when it may, nobody else does them, and what the person says of them is
//! what came of them.

use anyhow::{Context, Result, ensure};
use conductor::State;
use conductor::state::{Standing, Task};
use shared::entry::{Kind, Purpose};
use shared::plan::Mode;
use shared::unit::Millis;

/// The person does it: it has no parts that do, and nobody thinks about giving it some.
fn is_theirs(task: &Task) -> bool {
    let planned = task.planning.as_ref().is_some_and(|planning| !planning.plan.admits());
    task.mode == Mode::Manual && task.children.is_empty() && task.goal.is_none() && !planned
}

/// It is the person's from now on.
pub(super) fn check_handed(state: &State, task: &Task, latest: Millis) -> Result<()> {
    ensure!(is_theirs(task) && task.current.is_none(), "{} is not the person's to do", task.id);
    ensure!(
        matches!(task.standing, Standing::Open | Standing::Completed),
        "it was theirs already, or is over"
    );
    ensure!(
        task.standing == Standing::Open || task.schedule.repeat.is_some(),
        "is done, and not to be done again"
    );
    // A start is that of what never ran: who sat at its terminal has not begun it.
    let mut runs = task.runs.iter().filter_map(|run| state.run(run));
    let ran = runs.any(|run| run.purpose != Purpose::Terminal);
    for holder in std::iter::once(task).chain(state.ancestors(task)) {
        for dep in holder.after.iter().filter_map(|id| state.task(id)) {
            let ready = matches!(dep.standing, Standing::Completed | Standing::Removed { .. });
            ensure!(ready, "the person is asked before {} is done", dep.id);
        }
        let due = ran || holder.schedule.start.is_none_or(|at| at <= latest);
        ensure!(due, "the person is asked too early");
    }
    let goal = state.task(&task.root).context("a task without a goal")?;
    ensure!(!goal.is_planned(), "the person is asked before the plan is approved");
    Ok(())
}

/// No agent is given what is the person's.
pub(super) fn check_agent(task: &Task, purpose: Purpose) -> Result<()> {
    let does = matches!(purpose, Purpose::Work | Purpose::Base | Purpose::Classify);
    ensure!(!does || !is_theirs(task), "{} is the person's to do, and an agent gets it", task.id);
    Ok(())
}

/// After an entry: the person's words are what came of it.
pub(super) fn check_words(state: &State, kind: &Kind) -> Result<()> {
    let Kind::TaskAccepted { task, words } = kind else { return Ok(()) };
    let Some(task) = state.task(task).filter(|task| task.standing == Standing::Completed) else {
        return Ok(());
    };
    let kept = task.result.as_ref().is_some_and(|result| words.is_empty() || result.summary == *words);
    ensure!(kept || task.current.is_some(), "what the person said of {} is lost", task.id);
    Ok(())
}
