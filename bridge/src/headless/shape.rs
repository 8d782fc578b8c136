//! `orchestrator remove`, `bring-back`, `move` and `after`: where a task stands in its tree. The REST API says it in the same
//! words.

use clap::Args;
use conductor::plan::edit::{EditProblem, check_edit};
use conductor::plan::given::foretold;
use conductor::plan::name;
use conductor::state::{Standing, State, Task};
use serde::Deserialize;
use shared::entry::Kind;
use shared::plan::PlanEdit;
use utoipa::ToSchema;

use super::TaskArgs;
use super::task::find;
use super::word::Unsaid;

#[derive(Debug, Args)]
pub struct MoveArgs {
    #[command(flatten)]
    pub(super) task: TaskArgs,
    #[command(flatten)]
    pub(super) place: Place,
}

#[derive(Debug, Args)]
pub struct AfterArgs {
    #[command(flatten)]
    pub(super) task: TaskArgs,
    #[command(flatten)]
    pub(super) order: Order,
}

/// Another place in the tree.
#[derive(Debug, Clone, Default, Args, Deserialize, ToSchema)]
#[group(required = true, multiple = true)]
#[serde(deny_unknown_fields)]
pub(super) struct Place {
    /// The goal or task that it becomes a part of; without it, the one that it is a part of
    #[arg(long, value_name = "TASK")]
    under: Option<String>,
    /// Its place among the parts there, from 1 on; without it, the last
    #[arg(long = "to", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    to: Option<u32>,
}

/// What becomes other of what a task comes after.
#[derive(Debug, Clone, Default, Args, Deserialize, ToSchema)]
#[group(required = true, multiple = true)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Order {
    /// Tasks that it is to come after
    #[arg(value_name = "ON")]
    add: Vec<String>,
    /// A task that it is to come after no more. May be given again
    #[arg(long = "not", value_name = "ON")]
    drop: Vec<String>,
}

/// Takes the task and all below it out of the plan.
pub(super) fn remove(state: &State, task: &Task) -> Result<Kind, Unsaid> {
    edited(state, task, PlanEdit::Remove { task: task.id.clone() })
}

/// Brings back what was taken out, or an archived goal.
pub(super) fn restore(state: &State, task: &Task) -> Result<Kind, Unsaid> {
    match &task.goal {
        Some(goal) if goal.archived.is_some() => Ok(Kind::GoalRestored { goal: task.id.clone() }),
        Some(_) => Err(Unsaid(format!("{} is not archived", name(task)))),
        None if !matches!(task.standing, Standing::Removed { .. }) => {
            Err(Unsaid(format!("{} was not removed", name(task))))
        }
        None => edited(state, task, PlanEdit::Restore { task: task.id.clone() }),
    }
}

impl Place {
    pub(super) fn put(self, state: &State, task: &Task) -> Result<Kind, Unsaid> {
        let Self { under, to } = self;
        if under.is_none() && to.is_none() || to == Some(0) {
            return Err(Unsaid("say under which task it is to be, or at which place from 1 on".to_owned()));
        }
        let under = under.map(|under| named(state, &under)).transpose()?;
        let parent = under.map(|under| under.id.clone()).or_else(|| task.parent.clone());
        let parent = parent.ok_or_else(|| Unsaid(EditProblem::Goal.to_string()))?;
        let index = to.map_or(u32::MAX, |to| to - 1);
        edited(state, task, PlanEdit::Move { task: task.id.clone(), parent, index })
    }
}

impl Order {
    /// The edits that it comes to, each of which can be made after those before it.
    pub(super) fn edits(self, state: &State, task: &Task) -> Result<Vec<Kind>, Unsaid> {
        let mut kinds: Vec<Kind> = Vec::new();
        let mut seen = state.clone();
        let names =
            self.drop.iter().map(|name| (name, false)).chain(self.add.iter().map(|name| (name, true)));
        for (name, wanted) in names {
            let on = named(state, name)?;
            let holds = seen.task(&task.id).is_some_and(|task| task.after.contains(&on.id));
            if holds == wanted {
                let how = if wanted { "comes after" } else { "does not come after" };
                return Err(Unsaid(format!("{} {how} {} as it is", self::name(task), self::name(on))));
            }
            let (task_id, on) = (task.id.clone(), on.id.clone());
            let edit = if wanted {
                PlanEdit::AddDependency { task: task_id, on }
            } else {
                PlanEdit::DropDependency { task: task_id, on }
            };
            let kind = edited(&seen, task, edit)?;
            seen = foretold(&seen, &task.project, std::slice::from_ref(&kind));
            kinds.push(kind);
        }
        if kinds.is_empty() {
            return Err(Unsaid("say what it is to come after, or to come after no more".to_owned()));
        }
        Ok(kinds)
    }
}

fn named<'a>(state: &'a State, text: &str) -> Result<&'a Task, Unsaid> {
    find(state, text).map_err(|unknown| Unsaid(unknown.to_string()))
}

/// The edit, where it can be made.
fn edited(state: &State, task: &Task, edit: PlanEdit) -> Result<Kind, Unsaid> {
    check_edit(state, &task.root, &edit).map_err(|problem| Unsaid(problem.to_string()))?;
    Ok(Kind::PlanEdited { goal: task.root.clone(), edit })
}
