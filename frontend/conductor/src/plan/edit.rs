//! Which edits of a plan a person may make, and what takes each back.

use shared::agent::HarnessId;
use shared::evidence::Check;
use shared::id::TaskId;
use shared::models::is_model;
use shared::plan::{Mode, PlanEdit};
use shared::reviewer::Reviewer;

use super::{TITLE, feed, name};
use crate::order::Order;
use crate::planning::level;
use crate::state::{Standing, State, Task};

/// Why an edit is not possible, for the person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditProblem {
    #[error("this task is no longer in the plan")]
    Gone,
    #[error("{0} belongs to another goal; tasks move, and wait for each other, within one")]
    Elsewhere(String),
    #[error("the goal itself cannot be moved, removed or made to wait")]
    Goal,
    #[error("{0} is running or done; only what has not begun can be changed like this")]
    Begun(String),
    #[error("that makes a cycle: {}", .0.join(" waits for "))]
    Cycle(Vec<String>),
    #[error("{maker} makes {input} and comes after {task}, so that would be a cycle")]
    Late { maker: String, input: String, task: String },
    #[error("{0} is done by its parts, and what has parts does not repeat; let its parts repeat")]
    Repeats(String),
    #[error("that would be deeper than {0} levels")]
    Deep(u32),
    #[error("{0:?} is no model's name")]
    Model(String),
    #[error("there is no such template")]
    Template,
    #[error("there is no such agent")]
    Persona,
    #[error("nobody like that can review")]
    Reviewer,
    #[error("{0}")]
    Charter(String),
    #[error("a task needs a name")]
    Nameless,
    #[error("a name has at most {TITLE} characters; say the rest in what the task is to reach")]
    Wordy,
    #[error("this task exists already")]
    Exists,
    #[error("it was a part of {0}, which was taken out too; bring that back first")]
    Below(String),
    #[error("the plan of {0} is not agreed on; approve or reject it first")]
    Planned(String),
}

/// A name as a person gave it, without the space around it. Logs of before hold longer ones, which stay as they are.
///
/// # Errors
/// It is none, or longer than [`TITLE`].
pub fn title(given: &str) -> Result<String, EditProblem> {
    match given.trim() {
        "" => Err(EditProblem::Nameless),
        title if title.chars().count() > TITLE => Err(EditProblem::Wordy),
        title => Ok(title.to_owned()),
    }
}

/// Whether a person's edit can be carried out on this state.
pub fn check_edit(state: &State, goal: &TaskId, edit: &PlanEdit) -> Result<(), EditProblem> {
    let known = |id: &TaskId| match state.task(id) {
        Some(task) if task.root == *goal => Ok(task),
        Some(task) => Err(EditProblem::Elsewhere(super::name(task))),
        None => Err(EditProblem::Gone),
    };
    match edit {
        PlanEdit::Rename { task, title } => {
            known(task)?;
            if title.trim().is_empty() { Err(EditProblem::Nameless) } else { Ok(()) }
        }
        PlanEdit::SetModel { model: Some(name), .. } if !is_model(name) => {
            Err(EditProblem::Model(name.clone()))
        }
        PlanEdit::SetTemplate { template: Some(template), .. } if !state.templates.contains_key(template) => {
            Err(EditProblem::Template)
        }
        PlanEdit::SetPersona { persona: Some(persona), .. } if !state.personas.contains_key(persona) => {
            Err(EditProblem::Persona)
        }
        PlanEdit::SetReviewer { reviewer: Some(reviewer), .. } if !may_review(state, reviewer) => {
            Err(EditProblem::Reviewer)
        }
        // What it is compared with is taken before it begins.
        PlanEdit::SetEvidence { task, evidence }
            if evidence.checks.contains(&Check::DiffNotEmpty) && known(task)?.proof.base.is_none() =>
        {
            unbegun(not_goal(known(task)?)?)
        }
        PlanEdit::SetEvidence { task, .. } => not_goal(known(task)?).map(drop),
        PlanEdit::SetCharter { charter, .. } if let Some(problem) = charter.problem() => {
            Err(EditProblem::Charter(problem))
        }
        PlanEdit::SetPreset { task, .. } | PlanEdit::SetCharter { task, .. } => {
            if *task == *goal {
                known(task).map(drop)
            } else {
                Err(EditProblem::Gone)
            }
        }
        PlanEdit::SetSchedule { task, schedule }
            if schedule.repeat.is_some() && (known(task)?.is_goal() || known(task)?.is_group()) =>
        {
            Err(EditProblem::Repeats(name(known(task)?)))
        }
        // Whoever has begun it goes on with it.
        PlanEdit::SetMode { task, mode }
            if (*mode == Mode::Manual) != (known(task)?.mode == Mode::Manual) =>
        {
            unbegun(not_goal(known(task)?)?)
        }
        PlanEdit::SetModel { task, .. }
        | PlanEdit::SetTemplate { task, .. }
        | PlanEdit::SetPersona { task, .. }
        | PlanEdit::SetReviewer { task, .. }
        | PlanEdit::SetMode { task, .. }
        | PlanEdit::SetCaps { task, .. }
        | PlanEdit::SetSchedule { task, .. }
        | PlanEdit::SetRetry { task, .. } => known(task).map(drop),
        PlanEdit::DropDependency { task, .. } => in_place(state, known(task)?),
        PlanEdit::SetObjective { task, .. }
        | PlanEdit::SetSize { task, .. }
        | PlanEdit::SetHarness { task, .. } => unbegun(known(task)?),
        PlanEdit::SetInputs { task, .. } | PlanEdit::SetOutputs { task, .. } => {
            unbegun(known(task)?)?;
            in_place(state, known(task)?)?;
            rewirable(state, goal, edit)
        }
        PlanEdit::Add { planned, .. } => {
            if state.task(&planned.task).is_some() {
                return Err(EditProblem::Exists);
            }
            if planned.title.trim().is_empty() {
                return Err(EditProblem::Nameless);
            }
            let parent = there(known(&planned.parent)?)?;
            deep_enough(state, parent, 1)?;
            rewirable(state, goal, edit)
        }
        PlanEdit::Clone { copy, .. } if state.task(copy).is_some() => Err(EditProblem::Exists),
        PlanEdit::Clone { task, .. } => there(not_goal(known(task)?)?).map(drop),
        PlanEdit::Remove { task } => {
            let task = not_goal(known(task)?)?;
            in_place(state, task)?;
            idle(state, task)
        }
        PlanEdit::Restore { task } => {
            let removed = known(task)?;
            if there(removed).is_ok() {
                return Err(EditProblem::Exists);
            }
            let Some(parent) = removed.parent.as_ref().and_then(|parent| state.task(parent)) else {
                return Ok(());
            };
            if there(parent).is_err() {
                return Err(EditProblem::Below(name(parent)));
            }
            // What it came after may have come to wait for what it is a part of.
            let mut order = Order::of(state, goal);
            order.restore(state, task, &parent.id);
            acyclic(state, order.cycle_before(task))
        }
        PlanEdit::Move { task, parent, .. } => {
            let moved = there(not_goal(known(task)?)?)?;
            let parent = there(known(parent)?)?;
            if moved.parent.as_ref() == Some(&parent.id) {
                return in_place(state, moved);
            }
            if parent.id == moved.id || state.ancestors(parent).any(|above| above.id == moved.id) {
                return Err(EditProblem::Cycle(vec![name(moved), name(parent), name(moved)]));
            }
            idle(state, moved)?;
            in_place(state, moved)?;
            same_plan(state, moved, parent)?;
            deep_enough(state, parent, height(state, moved))?;
            let mut order = Order::of(state, goal);
            order.reparent(&moved.id, &parent.id);
            acyclic(state, order.cycle_before(task))
        }
        PlanEdit::AddDependency { task, on } => {
            let (waiting, _) = (not_goal(known(task)?)?, not_goal(known(on)?)?);
            unbegun(waiting)?;
            in_place(state, waiting)?;
            let mut order = Order::of(state, goal);
            order.depend(task, on);
            acyclic(state, order.cycle_before(task))
        }
    }
}

/// The mode that follows the task's in the round of those that it may have now.
pub fn next_mode(state: &State, task: &Task) -> Mode {
    let all = [Mode::Autonomous, Mode::Hybrid, Mode::Interactive, Mode::Manual];
    let after = all.into_iter().cycle().skip_while(|mode| *mode != task.mode).skip(1).take(all.len());
    let may = |mode: &Mode| {
        check_edit(state, &task.root, &PlanEdit::SetMode { task: task.id.clone(), mode: *mode }).is_ok()
    };
    after.into_iter().find(may).unwrap_or(task.mode)
}

/// Its agent is known, and its model's name is one.
fn may_review(state: &State, reviewer: &Reviewer) -> bool {
    match reviewer {
        Reviewer::Auto | Reviewer::Other => true,
        Reviewer::Agent { harness, model } => {
            *harness != HarnessId::Command && model.as_deref().is_none_or(is_model)
        }
        Reviewer::Model { model } => is_model(model),
        Reviewer::Persona { persona } => state.personas.contains_key(persona),
    }
}

fn not_goal(task: &Task) -> Result<&Task, EditProblem> {
    if task.is_goal() { Err(EditProblem::Goal) } else { Ok(task) }
}

/// It was not taken out.
fn there(task: &Task) -> Result<&Task, EditProblem> {
    match task.standing {
        Standing::Removed { .. } => Err(EditProblem::Gone),
        _ => Ok(task),
    }
}

pub(super) fn unbegun(task: &Task) -> Result<(), EditProblem> {
    match task.standing {
        Standing::Proposed => Ok(()),
        Standing::Open if task.runs.is_empty() => Ok(()),
        // The person is asked to do it, which nobody does by asking.
        Standing::Open | Standing::Yielded if task.is_by_hand() && task.current.is_none() => Ok(()),
        // What failed or was stopped may be put right before it is tried again.
        Standing::Failed { .. } | Standing::Cancelled if task.current.is_none() => Ok(()),
        _ => Err(EditProblem::Begun(name(task))),
    }
}

/// Nothing of the subtree runs or has a result.
fn idle(state: &State, task: &Task) -> Result<(), EditProblem> {
    state.subtree(&task.id).into_iter().try_for_each(unbegun)
}

/// No rejected plan would bring it back to where it was. What else is changed of it stays, whatever becomes of the plan.
fn in_place(state: &State, task: &Task) -> Result<(), EditProblem> {
    let planned = state.planner_above(task).filter(|above| above.was_below(&task.id));
    planned.map_or(Ok(()), |above| Err(EditProblem::Planned(name(above))))
}

/// What is proposed in one place is not agreed on in another.
fn same_plan(state: &State, moved: &Task, parent: &Task) -> Result<(), EditProblem> {
    let from = state.planner_above(moved).filter(|above| !above.is_goal());
    let to = std::iter::once(parent).chain(state.ancestors(parent)).find(|above| above.is_planned());
    let to = to.filter(|above| !above.is_goal());
    match (from, to) {
        _ if from.map(|task| &task.id) == to.map(|task| &task.id) => Ok(()),
        (Some(planned), _) | (None, Some(planned)) => Err(EditProblem::Planned(name(planned))),
        (None, None) => Ok(()),
    }
}

fn height(state: &State, task: &Task) -> u32 {
    1 + task
        .children
        .iter()
        .filter_map(|child| state.task(child))
        .map(|child| height(state, child))
        .max()
        .unwrap_or(0)
}

fn deep_enough(state: &State, parent: &Task, height: u32) -> Result<(), EditProblem> {
    if level(state, parent).saturating_add(height) > state.limits.depth {
        Err(EditProblem::Deep(state.limits.depth))
    } else {
        Ok(())
    }
}

/// Nobody comes to need what is made after it, or to wait for itself.
fn rewirable(state: &State, goal: &TaskId, edit: &PlanEdit) -> Result<(), EditProblem> {
    let wiring = feed::rewire(state, goal, edit);
    if let Some(feed::Late { task, input, maker }) = wiring.late {
        let name = |id| state.task(id).map_or_else(|| "the new task".to_owned(), name);
        return Err(EditProblem::Late { maker: name(&maker), input, task: name(&task) });
    }
    acyclic(state, wiring.order.cycle())
}

fn acyclic(state: &State, cycle: Option<Vec<TaskId>>) -> Result<(), EditProblem> {
    match cycle {
        None => Ok(()),
        Some(mut cycle) => {
            cycle.extend(cycle.first().cloned());
            let names = cycle.iter().map(|id| state.task(id).map_or_else(|| "the new task".to_owned(), name));
            Err(EditProblem::Cycle(names.collect()))
        }
    }
}

/// The edit that takes `edit` back, to be computed before it is made; nothing where there is nothing to undo.
pub fn inverse(state: &State, edit: &PlanEdit) -> Option<PlanEdit> {
    let task = |id: &TaskId| state.task(id);
    Some(match edit {
        PlanEdit::Rename { task: id, .. } => {
            PlanEdit::Rename { task: id.clone(), title: task(id)?.title.clone() }
        }
        PlanEdit::SetObjective { task: id, .. } => {
            PlanEdit::SetObjective { task: id.clone(), objective: task(id)?.objective.clone() }
        }
        PlanEdit::SetMode { task: id, .. } => PlanEdit::SetMode { task: id.clone(), mode: task(id)?.mode },
        PlanEdit::SetSize { task: id, .. } => {
            PlanEdit::SetSize { task: id.clone(), size: task(id)?.chosen_size() }
        }
        PlanEdit::SetInputs { task: id, .. } => {
            PlanEdit::SetInputs { task: id.clone(), inputs: task(id)?.inputs.clone() }
        }
        PlanEdit::SetOutputs { task: id, .. } => {
            PlanEdit::SetOutputs { task: id.clone(), outputs: task(id)?.outputs.clone() }
        }
        PlanEdit::SetHarness { task: id, .. } => {
            PlanEdit::SetHarness { task: id.clone(), harness: task(id)?.harness }
        }
        PlanEdit::SetModel { task: id, .. } => {
            let task = task(id)?;
            PlanEdit::SetModel { task: id.clone(), model: task.model.clone(), effort: task.effort }
        }
        PlanEdit::SetTemplate { task: id, .. } => {
            PlanEdit::SetTemplate { task: id.clone(), template: task(id)?.template.clone() }
        }
        PlanEdit::SetPersona { task: id, .. } => {
            PlanEdit::SetPersona { task: id.clone(), persona: task(id)?.persona.clone() }
        }
        PlanEdit::SetReviewer { task: id, .. } => {
            PlanEdit::SetReviewer { task: id.clone(), reviewer: task(id)?.reviewer.clone() }
        }
        PlanEdit::SetSchedule { task: id, .. } => {
            PlanEdit::SetSchedule { task: id.clone(), schedule: task(id)?.schedule }
        }
        PlanEdit::SetRetry { task: id, .. } => {
            PlanEdit::SetRetry { task: id.clone(), retry: task(id)?.retry }
        }
        PlanEdit::SetEvidence { task: id, .. } => {
            PlanEdit::SetEvidence { task: id.clone(), evidence: task(id)?.evidence.clone() }
        }
        PlanEdit::SetPreset { task: id, .. } => {
            PlanEdit::SetPreset { task: id.clone(), preset: task(id)?.goal.as_ref()?.preset }
        }
        PlanEdit::SetCharter { task: id, .. } => {
            PlanEdit::SetCharter { task: id.clone(), charter: task(id)?.goal.as_ref()?.charter.clone() }
        }
        PlanEdit::SetCaps { task: id, .. } => PlanEdit::SetCaps { task: id.clone(), caps: task(id)?.caps },
        PlanEdit::Add { planned, .. } => PlanEdit::Remove { task: planned.task.clone() },
        PlanEdit::Clone { copy, .. } => PlanEdit::Remove { task: copy.clone() },
        PlanEdit::Remove { task } => PlanEdit::Restore { task: task.clone() },
        PlanEdit::Restore { task } => PlanEdit::Remove { task: task.clone() },
        PlanEdit::Move { task: id, .. } => {
            let parent = task(task(id)?.parent.as_ref()?)?;
            let index = u32::try_from(parent.children.iter().position(|child| child == id)?).ok()?;
            PlanEdit::Move { task: id.clone(), parent: parent.id.clone(), index }
        }
        PlanEdit::AddDependency { task: id, on } => {
            if task(id)?.after.contains(on) {
                return None;
            }
            PlanEdit::DropDependency { task: id.clone(), on: on.clone() }
        }
        PlanEdit::DropDependency { task: id, on } => {
            if !task(id)?.after.contains(on) {
                return None;
            }
            PlanEdit::AddDependency { task: id.clone(), on: on.clone() }
        }
    })
}
