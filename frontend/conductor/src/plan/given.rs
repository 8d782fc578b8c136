//! A goal that is stated together with its plan: what is said of the plan, checked before anything of it is in the log.

use std::collections::BTreeMap;

use shared::entry::{Actor, Body, Entry, Kind};
use shared::id::{ProjectId, TaskId};
use shared::limits::Caps;
use shared::plan::{PlanEdit, PlannerAnswer};
use shared::unit::Millis;

use super::validate_given;
use crate::apply;
use crate::state::State;

/// What follows the words that state a goal, to be committed with them: its plan, the caps of tasks by their keys, and the
/// person's yes. `new` are the goal and its project, which may be new as well.
///
/// # Errors
/// What is wrong with the plan, at most ten problems.
pub fn given(
    state: &State,
    new: (&ProjectId, &TaskId),
    stated: &[Kind],
    answer: &PlannerAnswer,
    caps: &BTreeMap<String, Caps>,
) -> Result<Vec<Kind>, Vec<String>> {
    let (project, goal) = new;
    let state = foretold(state, project, stated);
    let owner = state.task(goal).ok_or_else(|| vec!["the goal is empty".to_owned()])?;
    let tasks = validate_given(&state, owner, answer)?;
    let capped = tasks.iter().filter_map(|task| Some((task, *caps.get(&task.key)?)));
    let capped = capped.map(|(task, caps)| {
        let edit = PlanEdit::SetCaps { task: task.task.clone(), caps };
        Kind::PlanEdited { goal: goal.clone(), edit }
    });
    let capped: Vec<Kind> = capped.collect();
    let plan = Kind::PlanGiven { goal: goal.clone(), reply: answer.reply.clone(), tasks };
    let approved = Kind::PlanApproved { goal: goal.clone(), version: 1 };
    Ok([plan].into_iter().chain(capped).chain([approved]).collect())
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
