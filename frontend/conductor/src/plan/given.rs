//! A goal that is stated together with its plan: what is said of the plan, checked before anything of it is in the log.

use shared::agent::HarnessId;
use shared::entry::{Actor, Body, Entry, Kind};
use shared::evidence::Evidence;
use shared::id::{ProjectId, TaskId};
use shared::plan::{Choice, Own, PlanEdit, PlannedTask, PlannerAnswer, Schedule, Terms};
use shared::unit::Millis;

use super::edit::check_edit;
use super::validate_given;
use crate::apply;
use crate::state::State;

/// The words that state a goal, and how it is gone about.
pub fn stated(goal: &TaskId, text: String, harness: HarnessId, terms: Terms) -> Vec<Kind> {
    let access = terms.access.unwrap_or_default();
    let edited = |edit| Kind::PlanEdited { goal: goal.clone(), edit };
    let edits = terms.edits(goal).into_iter().map(edited);
    [Kind::GoalStated { task: goal.clone(), text, harness, access }].into_iter().chain(edits).collect()
}

/// What follows the words that state a goal, to be committed with them: its plan, what the person says of its tasks, and
/// their yes. `new` are the goal and its project, which may be new as well.
///
/// # Errors
/// What is wrong with the plan, at most ten problems, or with what is said of its tasks and of the goal.
pub fn given(
    state: &State,
    new: (&ProjectId, &TaskId),
    stated: &[Kind],
    answer: &PlannerAnswer,
    own: &Own,
) -> Result<Vec<Kind>, Vec<String>> {
    let (project, goal) = new;
    let state = foretold(state, project, stated);
    let owner = state.task(goal).ok_or_else(|| vec!["the goal is empty".to_owned()])?;
    let tasks = validate_given(&state, owner, answer)?;
    let edits: Vec<(String, PlanEdit)> = tasks.iter().flat_map(|task| said(task, own)).collect();
    let plan = Kind::PlanGiven { goal: goal.clone(), reply: answer.reply.clone(), tasks };
    let planned = foretold(&state, project, std::slice::from_ref(&plan));
    let problem = |(key, edit): &(String, PlanEdit)| {
        let problem = check_edit(&planned, goal, edit).err()?;
        Some(format!("task {key:?}: {problem}"))
    };
    let own = stated.iter().filter_map(|kind| {
        let Kind::PlanEdited { edit, .. } = kind else { return None };
        Some(format!("the goal: {}", check_edit(&planned, goal, edit).err()?))
    });
    let problems: Vec<String> = own.chain(edits.iter().filter_map(problem)).collect();
    if !problems.is_empty() {
        return Err(problems);
    }
    let edits = edits.into_iter().map(|(_, edit)| Kind::PlanEdited { goal: goal.clone(), edit });
    let approved = Kind::PlanApproved { goal: goal.clone(), version: 1 };
    Ok([plan].into_iter().chain(edits).chain([approved]).collect())
}

/// What is said of a task beside its plan, as edits, each with the task's key.
fn said(task: &PlannedTask, own: &Own) -> Vec<(String, PlanEdit)> {
    let id = || task.task.clone();
    let caps = own.caps.get(&task.key).map(|caps| PlanEdit::SetCaps { task: id(), caps: *caps });
    let choice = own.choices.get(&task.key).cloned().unwrap_or_default();
    let Choice { harness, model, effort, template, priority, repeat, review, commit } = choice;
    let schedule = Schedule { priority, repeat, start: None };
    let checks = || task.evidence.checks.clone();
    let edits = [
        caps,
        harness.map(|harness| PlanEdit::SetHarness { task: id(), harness: Some(harness) }),
        (model.is_some() || effort.is_some()).then(|| PlanEdit::SetModel { task: id(), model, effort }),
        template.map(|template| PlanEdit::SetTemplate { task: id(), template: Some(template) }),
        (schedule != Schedule::default()).then(|| PlanEdit::SetSchedule { task: id(), schedule }),
        (review.is_some() || commit.is_some()).then(|| PlanEdit::SetEvidence {
            task: id(),
            evidence: Evidence { checks: checks(), review, commit },
        }),
    ];
    edits.into_iter().flatten().map(|edit| (task.key.clone(), edit)).collect()
}

/// The state as it is when these are committed, all in one project.
pub fn foretold(state: &State, project: &ProjectId, kinds: &[Kind]) -> State {
    let mut state = state.clone();
    for kind in kinds {
        let (seq, body) = (state.seq.next(), Body::Known(Box::new(kind.clone())));
        apply(
            &mut state,
            &Entry { seq, at: Millis(0), actor: Actor::Bridge, project: Some(project.clone()), body },
        );
    }
    state
}
