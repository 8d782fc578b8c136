//! What a planner and a worker answer, and how a plan is edited. The JSON schemas that agents are
//! given come from these types; docs of fields reach the agent as descriptions.

#[cfg(test)]
use schemars::JsonSchema;
use serde::Serialize;
use shared_derive::FromJson;

use crate::agent::HarnessId;
use crate::context::Charter;
use crate::evidence::{Evidence, Preset};
use crate::id::{PersonaId, TaskId, TemplateId};
use crate::limits::{Caps, StageCaps};
use crate::models::Effort;
use crate::retry::{Retry, RetryWish};
use crate::reviewer::Reviewer;
use crate::sizing::SizeWish;
use crate::unit::{MicroUsd, Millis};

mod choice;
mod terms;

pub use choice::{Choice, Own};
pub use terms::Terms;

/// How much of a person a task needs: autonomous runs alone, hybrid runs alone but may ask, interactive
/// is done together with the person, who begins it and says when it is done, manual is done by the person without
/// an agent.
// Variants carry no docs of their own: with them the schema becomes a union, which strict providers refuse.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, FromJson)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    #[default]
    Autonomous,
    Hybrid,
    Interactive,
    Manual,
}

/// How hard a task is; chooses the model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, FromJson)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Size {
    Light,
    #[default]
    Standard,
    Heavy,
}

/// What an agent may do in the project's folder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, FromJson)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    ReadOnly,
    /// Asks the person before each edit and each command that no rule decides, where its harness can ask.
    Ask,
    /// Edits files; commands only as far as the harness allows them unasked.
    #[default]
    Edit,
    /// Edits files and runs commands.
    Full,
}

/// The planner's answer. All fields are required and no field has variants of shape, because strict
/// structured output of some providers allows neither options nor unions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
#[cfg_attr(test, derive(JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
pub struct PlannerAnswer {
    /// "answer" when the goal is small enough to answer at once, "plan" when it should be split into tasks.
    pub decision: Verdict,
    /// Markdown for the person: the whole answer, or what the plan does and why it is cut this way.
    pub reply: String,
    /// The tasks of the plan, 3 to 12; empty for an answer.
    #[serde(default)]
    pub tasks: Vec<ProposedTask>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, FromJson)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Answer,
    Plan,
}

/// One task as the planner words it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
#[cfg_attr(test, derive(JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
pub struct ProposedTask {
    /// A short key, unique in this plan, such as "schema". Keep the key of a task that you keep.
    pub key: String,
    /// At most 60 characters, starting with a verb.
    pub title: String,
    /// What is to be reached, so that an agent that sees nothing else can do it and knows when it is done.
    pub objective: String,
    /// "autonomous" runs alone, "hybrid" runs alone but may ask, "interactive" is done with the person, "manual" by the
    /// person alone.
    #[serde(default)]
    pub mode: Mode,
    /// How hard it is: "light", "standard" or "heavy"; "auto" where you cannot tell.
    #[serde(default)]
    pub size: SizeWish,
    /// Keys of the tasks whose results this one needs. No cycles.
    #[serde(default)]
    pub after: Vec<String>,
    /// Key of the task that this one is a part of; empty for the top level.
    #[serde(default)]
    pub parent: String,
    /// Files or facts that it needs: where another task makes one, written as under that task's "outputs", and it comes
    /// after that task by itself.
    #[serde(default)]
    pub inputs: Vec<String>,
    /// Files or facts that exist when it is done, such as "src/cart.rs".
    #[serde(default)]
    pub outputs: Vec<String>,
    /// A shell command that is the whole task, without a model; empty for an agent's task.
    #[serde(default)]
    pub command: String,
    /// When it fails: "usual", "none" asks the person, "same" tries it again, "analyze" tries it again with a diagnosis.
    #[serde(default)]
    pub retry: RetryWish,
    /// What a machine checks before it counts as done, in this order: "outputs_exist" (the files of "outputs"),
    /// "diff_not_empty", "no_error_in_output", "custom_command:COMMAND" (ends with 0, such as "custom_command:npm test").
    #[serde(default)]
    pub checks: Vec<String>,
    /// Name of the agent that does it, one of those that you were told of; empty for none.
    #[serde(default)]
    pub agent: String,
    /// Who reviews it: empty for the usual one, "other" for another kind of agent than the one that does it, "claude",
    /// "codex", or the name of one of those agents.
    #[serde(default)]
    pub reviewer: String,
    /// How far it goes by itself, for a task without parts; at each of them it pauses and asks the person, who may have set
    /// less.
    #[serde(default)]
    pub caps: ProposedCaps,
}

/// A worker's report at the end of its turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
#[cfg_attr(test, derive(JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
pub struct TaskReport {
    /// "done", "question" when you need an answer from the person first, "split" where you were told that you may split
    /// the task, "failed" when it cannot be done.
    pub outcome: ReportOutcome,
    /// Markdown, at most a page: what was done, where, what others must know. For "failed" and "split": why.
    pub summary: String,
    /// The question, for "question"; otherwise empty.
    #[serde(default)]
    pub question: String,
    /// Answers to choose from, the best first; may be empty.
    #[serde(default)]
    pub options: Vec<String>,
    /// Files that were made or changed.
    #[serde(default)]
    pub outputs: Vec<String>,
    /// What was asked for and is not done, one line each; empty when all is done.
    #[serde(default)]
    pub not_done: Vec<String>,
    /// The parts, for "split"; otherwise empty.
    #[serde(default)]
    pub tasks: Vec<ProposedTask>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, FromJson)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReportOutcome {
    Done,
    Question,
    Split,
    Failed,
}

/// What a planner says of how far a task goes by itself: 0 where it says nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, FromJson)]
#[serde(default)]
#[cfg_attr(test, derive(JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
pub struct ProposedCaps {
    /// What it may spend, in US cents; 0 for the usual sum.
    pub cents: u32,
    /// Model requests of its turns together; 0 for as many as it takes.
    pub requests: u32,
    /// Minutes that its turns take together; 0 for as long as it takes.
    pub minutes: u32,
    /// Tokens in and out, without those that a cache gave; 0 for as many as it takes.
    pub tokens: u64,
}

impl ProposedCaps {
    pub fn caps(self) -> StageCaps {
        let some = |count: u64| (count > 0).then_some(count);
        StageCaps {
            budget: some(self.cents.into()).map(|cents| MicroUsd(cents * 10_000)),
            turns: (self.requests > 0).then_some(self.requests),
            time: some(self.minutes.into()).map(|minutes| Millis::from_secs(minutes * 60)),
            tokens: some(self.tokens),
        }
    }

    /// What a planner would have said, rounded up.
    pub fn of(caps: StageCaps) -> Self {
        let small = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        Self {
            cents: caps.budget.map_or(0, |sum| small(sum.0.div_ceil(10_000))),
            requests: caps.turns.unwrap_or(0),
            minutes: caps.time.map_or(0, |time| small(time.0.div_ceil(60_000))),
            tokens: caps.tokens.unwrap_or(0),
        }
    }
}

/// When a task gets its turn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, FromJson)]
#[serde(default)]
pub struct Schedule {
    /// -10 to 10 and 0 by itself; the higher goes first where not all can start. Added to that of the tasks above it.
    pub priority: i32,
    /// Neither it nor anything below it begins before.
    pub start: Option<Millis>,
    /// It is done anew so long after each success, until it is stopped.
    pub repeat: Option<Millis>,
}

/// What a task consists of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, FromJson)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Work {
    /// An agent's conversation.
    #[default]
    Agent,
    /// A shell command without a model.
    Command { command: String, timeout: Millis },
}

/// A task of a plan that was checked: ids instead of keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
pub struct PlannedTask {
    pub task: TaskId,
    /// The planner's key, by which a next version refers to the same task.
    pub key: String,
    /// The task that it is a part of; the goal for the top level.
    pub parent: TaskId,
    pub title: String,
    pub objective: String,
    pub mode: Mode,
    /// Nothing where it is to be found out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Size>,
    pub after: Vec<TaskId>,
    /// Files or facts that it needs; `after` has who makes them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<String>,
    pub outputs: Vec<String>,
    #[serde(default)]
    pub work: Work,
    /// Nothing for what holds for all tasks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    #[serde(default)]
    pub evidence: Evidence,
    /// Nothing for that of what it is a part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persona: Option<PersonaId>,
    /// Nothing for that of what it is a part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reviewer: Option<Reviewer>,
    /// How far it goes by itself, where a planner says so.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub caps: Caps,
}

fn is_usual(caps: &Caps) -> bool {
    *caps == Caps::default()
}

impl PlannedTask {
    /// A task for an agent that works alone: of standard size, after nothing, and as all others in what nobody said.
    pub fn new(task: TaskId, parent: TaskId, title: impl Into<String>, objective: impl Into<String>) -> Self {
        Self {
            task,
            key: String::new(),
            parent,
            title: title.into(),
            objective: objective.into(),
            mode: Mode::Autonomous,
            size: Some(Size::Standard),
            after: Vec::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            work: Work::Agent,
            retry: None,
            evidence: Evidence::default(),
            persona: None,
            reviewer: None,
            caps: Caps::default(),
        }
    }
}

/// One change to the tree by a person. Each has an inverse, so that it can be undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromJson)]
#[serde(tag = "edit", rename_all = "snake_case")]
#[cfg_attr(
    target_pointer_width = "64",
    expect(clippy::large_enum_variant, reason = "edits come one at a time and are not kept")
)]
pub enum PlanEdit {
    Rename {
        task: TaskId,
        title: String,
    },
    SetObjective {
        task: TaskId,
        objective: String,
    },
    SetMode {
        task: TaskId,
        mode: Mode,
    },
    /// Nothing where it is to be found out.
    SetSize {
        task: TaskId,
        #[serde(default)]
        size: Option<Size>,
    },
    /// It comes after whoever makes them from then on, and no more after who made what it needed before.
    SetInputs {
        task: TaskId,
        inputs: Vec<String>,
    },
    SetOutputs {
        task: TaskId,
        outputs: Vec<String>,
    },
    SetHarness {
        task: TaskId,
        harness: Option<HarnessId>,
    },
    /// Nothing for the one of its size, and for the effort of that.
    SetModel {
        task: TaskId,
        model: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        effort: Option<Effort>,
    },
    /// For the task and all below it that have none of their own.
    SetTemplate {
        task: TaskId,
        template: Option<TemplateId>,
    },
    /// Who does the task and all below it that have none of their own; holds from the next session on.
    SetPersona {
        task: TaskId,
        persona: Option<PersonaId>,
    },
    /// Who reviews the task and all below it that have none of their own; nothing for that of what it is a part of.
    SetReviewer {
        task: TaskId,
        reviewer: Option<Reviewer>,
    },
    SetSchedule {
        task: TaskId,
        schedule: Schedule,
    },
    /// Also while it runs or waits. Nothing for what holds for all tasks.
    SetRetry {
        task: TaskId,
        retry: Option<Retry>,
    },
    /// What is wanted before it counts as done.
    SetEvidence {
        task: TaskId,
        evidence: Evidence,
    },
    /// How a goal is gone about.
    SetPreset {
        task: TaskId,
        preset: Preset,
    },
    /// What all tasks of a goal are told when they begin.
    SetCharter {
        task: TaskId,
        charter: Charter,
    },
    /// Also of a goal, and while it runs.
    SetCaps {
        task: TaskId,
        caps: Caps,
    },
    /// `index` is the place among the parent's children; past the end means last.
    Add {
        planned: PlannedTask,
        index: u32,
    },
    /// Puts a copy of the task and of all below it behind it; nothing of what was done there.
    Clone {
        task: TaskId,
        /// The copy's; those of its parts follow from it.
        copy: TaskId,
    },
    /// Hides the task and all below it.
    Remove {
        task: TaskId,
    },
    /// Brings a removed task back to where it was.
    Restore {
        task: TaskId,
    },
    Move {
        task: TaskId,
        parent: TaskId,
        index: u32,
    },
    AddDependency {
        task: TaskId,
        on: TaskId,
    },
    DropDependency {
        task: TaskId,
        on: TaskId,
    },
}

/// The JSON schema of [`PlannerAnswer`] as one line, with everything inlined (some providers resolve no `$ref`).
/// It is what the type says, which a test sees to: deriving it where it is needed would cost the page 34 KB.
pub const PLANNER_ANSWER: &str = include_str!("plan/planner_answer.schema.json").trim_ascii_end();
/// The JSON schema of [`TaskReport`], likewise.
pub const TASK_REPORT: &str = include_str!("plan/task_report.schema.json").trim_ascii_end();

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{REVIEW_ANSWER, ReviewAnswer};
    use crate::sizing::{SIZE_ANSWER, SizeAnswer};

    fn schema_of<T: JsonSchema>() -> String {
        // The contract of serialising: every field is there, though reading forgives a missing one.
        let settings = schemars::generate::SchemaSettings::draft07().for_serialize().with(|s| {
            s.inline_subschemas = true;
            s.meta_schema = None;
            s.transforms.push(Box::new(schemars::transform::RecursiveTransform(
                |part: &mut schemars::Schema| {
                    // Strict providers refuse what they do not know, also beside a number.
                    ["default", "format", "minimum"].iter().for_each(|word| drop(part.remove(*word)));
                },
            )));
        });
        let schema = settings.into_generator().into_root_schema_for::<T>();
        schema.to_value().to_string()
    }

    #[test]
    fn the_schemas_are_what_the_types_say() {
        for (name, text, derived) in [
            ("planner_answer", PLANNER_ANSWER, schema_of::<PlannerAnswer>()),
            ("task_report", TASK_REPORT, schema_of::<TaskReport>()),
            ("review_answer", REVIEW_ANSWER, schema_of::<ReviewAnswer>()),
            ("size_answer", SIZE_ANSWER, schema_of::<SizeAnswer>()),
        ] {
            assert!(
                text == derived,
                "the type changed. Next: write this line to plan/{name}.schema.json\n{derived}"
            );
        }
    }

    #[test]
    fn the_schema_is_strict_enough_for_every_provider() {
        let schema: serde_json::Value = serde_json::from_str(PLANNER_ANSWER).expect("JSON");
        let task = &schema["properties"]["tasks"]["items"];
        for object in [&schema, task] {
            assert_eq!(object["additionalProperties"], false, "{object}");
            let all = object["properties"].as_object().expect("properties").len();
            assert_eq!(object["required"].as_array().expect("required").len(), all, "{object}");
        }
        let text = schema.to_string();
        for unsupported in ["oneOf", "anyOf", "$ref", "\"default\""] {
            assert!(!text.contains(unsupported), "{unsupported} in {text}");
        }
    }

    #[test]
    fn a_plan_without_the_optional_fields_still_reads() {
        let text = r#"{"decision":"plan","reply":"","tasks":[{"key":"a","title":"A","objective":"Do A","extra":1}]}"#;
        let answer: PlannerAnswer = serde_json::from_str(text).expect("a lenient reader");
        assert_eq!(answer.tasks[0].mode, Mode::Autonomous);
    }
}
