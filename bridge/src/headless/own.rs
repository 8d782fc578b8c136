//! What was chosen for one task alone: who does it, how and when. A plan of the person's own says it of its tasks beside what
//! planners say, and the details of a task tell it in the same words.

use std::collections::BTreeMap;

use conductor::list;
use conductor::state::{State, Task};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use shared::id::TemplateId;
use shared::models::{Effort, ModelChoice};
use shared::plan::Choice;
use shared::unit::Millis;
use utoipa::ToSchema;

use super::choice::Harness;
use super::prompts;

/// The names of [`OwnJson`].
const NAMES: [&str; 7] = ["harness", "model", "template", "priority", "repeat_seconds", "review", "commit"];

/// What was chosen for a task alone. What is left out is as for what it is a part of.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct OwnJson {
    /// The agent CLI that does it: `claude`, `codex` or `demo`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    harness: Option<Harness>,
    /// The model of its turns, whatever its size, and how hard it thinks: `opus`, `opus high` or `high`.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    /// Name or id of the template by whose guidelines it is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    template: Option<String>,
    /// -10 to 10; the higher goes first where not all can start.
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<i32>,
    /// It is done anew so long after each success.
    #[serde(skip_serializing_if = "Option::is_none")]
    repeat_seconds: Option<u64>,
    /// Whether another agent reviews it, whatever the goal's preset says.
    #[serde(skip_serializing_if = "Option::is_none")]
    review: Option<bool>,
    /// Whether what it made is committed, whatever the goal's preset says.
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<bool>,
}

/// The choices of a plan's tasks, by their keys.
pub(super) type TaskOwn = BTreeMap<String, OwnJson>;

impl OwnJson {
    /// As it was chosen for the task.
    pub(super) fn of(state: &State, task: &Task) -> Self {
        Self::chosen(state, list::choice(task))
    }

    /// A choice of a list, with the template's name.
    pub(super) fn chosen(state: &State, choice: Choice) -> Self {
        let Choice { harness, model, effort, template, priority, repeat, review, commit } = choice;
        Self {
            harness: harness.and_then(Harness::of),
            model: (model.is_some() || effort.is_some()).then(|| ModelChoice::of(model, effort).to_string()),
            template: template.map(|template| named(state, &template)),
            priority: Some(priority).filter(|priority| *priority != 0),
            repeat_seconds: repeat.map(|repeat| repeat.0 / 1_000),
            review,
            commit,
        }
    }

    /// # Errors
    /// There is no such template, or the priority is none.
    pub(super) fn choice(self, state: &State) -> Result<Choice, String> {
        let priority = self.priority.unwrap_or_default();
        if !(-10..=10).contains(&priority) {
            return Err(format!("{priority} is no priority; it goes from -10 to 10"));
        }
        let (model, effort) = self.model.map_or(Ok((None, None)), |words| thinker(&words))?;
        Ok(Choice {
            harness: self.harness.map(Into::into),
            model,
            effort,
            template: self.template.map(|name| template(state, &name)).transpose()?,
            priority,
            repeat: self.repeat_seconds.filter(|span| *span > 0).map(Millis::from_secs),
            review: self.review,
            commit: self.commit,
        })
    }
}

/// A model and how hard it thinks, as a person says them.
///
/// # Errors
/// They are no such words.
pub(super) fn thinker(words: &str) -> Result<(Option<String>, Option<Effort>), String> {
    let ModelChoice { model, effort, instead } = ModelChoice::read(words).map_err(|none| none.to_string())?;
    if instead.is_empty() {
        Ok((model, effort))
    } else {
        Err(format!(
            "{words:?} names several models; who steps in stands in the table (`orchestrator models`)"
        ))
    }
}

/// A template as a person names it; one that is offered no more has its id alone.
pub(super) fn named(state: &State, template: &TemplateId) -> String {
    let shelf = state.templates.get(template).filter(|shelf| !shelf.retired);
    shelf.map_or_else(|| template.to_string(), |shelf| shelf.template.name.clone())
}

fn template(state: &State, name: &str) -> Result<TemplateId, String> {
    let retired = || state.templates.keys().find(|template| template.as_str() == name);
    match prompts::find(state, name) {
        Ok(shelf) => Ok(shelf.template.template.clone()),
        Err(none) => retired().cloned().ok_or_else(|| none.to_string()),
    }
}

/// Takes the choices out of a plan of the person's own, by the tasks' keys.
///
/// # Errors
/// Some are none; every problem names its place.
pub(super) fn take(plan: &mut Value) -> Result<TaskOwn, Vec<String>> {
    let (mut own, mut problems) = (TaskOwn::new(), Vec::new());
    let tasks = plan.get_mut("tasks").and_then(Value::as_array_mut);
    for (place, task) in tasks.into_iter().flatten().enumerate() {
        let Some(task) = task.as_object_mut() else { continue };
        let said: Map<String, Value> = NAMES.iter().filter_map(|name| task.remove_entry(*name)).collect();
        if said.is_empty() {
            continue;
        }
        let key = task.get("key").and_then(Value::as_str).unwrap_or_default().to_owned();
        match serde_json::from_value(Value::Object(said)) {
            Ok(said) => drop(own.insert(key, said)),
            Err(problem) => problems.push(format!("tasks: {place}: {problem}")),
        }
    }
    if problems.is_empty() { Ok(own) } else { Err(problems) }
}

/// Puts the choices into the schema of a plan's task, where each may be left out.
pub(super) fn describe(task: &mut Value) {
    let [harness, model, template, priority, repeat, review, commit] = NAMES;
    let described = |kind: &str, what: &str| json!({ "description": what, "type": kind });
    let properties = [
        (
            harness,
            json!({
                "description": "The agent CLI that does it and its parts; may be left out, as all that follows.",
                "type": "string", "enum": ["claude", "codex", "demo"],
            }),
        ),
        (
            model,
            described(
                "string",
                "The model of its turns, whatever its size, and how hard it thinks: opus, opus high or high.",
            ),
        ),
        (template, described("string", "Name of the template by whose guidelines it is done.")),
        (
            priority,
            json!({
                "description": "The higher goes first where not all can start.",
                "type": "integer", "minimum": -10, "maximum": 10,
            }),
        ),
        (repeat, described("integer", "It is done anew so many seconds after each success.")),
        (review, described("boolean", "Whether another agent reviews it, whatever the preset says.")),
        (commit, described("boolean", "Whether what it made is committed, whatever the preset says.")),
    ];
    for (name, property) in properties {
        task["properties"][name] = property;
    }
}
