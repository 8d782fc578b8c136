//! `orchestrator edit`: what a task is to reach, who does it and how, and who reviews it, while that can be changed. The REST API
//! says it in the same words.

use clap::{Args, ValueEnum};
use conductor::plan::edit::{check_edit, title};
use conductor::reviewer;
use conductor::state::{State, Task};
use serde::Deserialize;
use shared::id::TaskId;
use shared::plan::{PlanEdit, Size};
use utoipa::ToSchema;

use super::choice::OwnHarness;
use super::own::thinker;
use super::{TaskArgs, prompts};

#[derive(Debug, Args)]
pub struct EditArgs {
    #[command(flatten)]
    pub(super) task: TaskArgs,
    #[command(flatten)]
    pub(super) changes: Changes,
}

/// What becomes other of a task; what is not given stays.
#[derive(Debug, Clone, Default, Args, Deserialize, ToSchema)]
#[group(required = true, multiple = true)]
#[serde(deny_unknown_fields)]
pub(super) struct Changes {
    /// Its name
    #[arg(long)]
    pub(super) title: Option<String>,
    /// What it is to reach
    #[arg(long)]
    pub(super) objective: Option<String>,
    /// How hard it is, which chooses the model: light, standard or heavy; auto has that found out
    #[arg(long, value_enum)]
    #[schema(value_type = Option<String>)]
    pub(super) size: Option<Hardness>,
    /// A file or fact that it needs. May be given again; these are all of them, and one empty word is none
    #[arg(long = "needs", value_name = "INPUT")]
    pub(super) inputs: Option<Vec<String>>,
    /// What is there when it is done. May be given again; these are all of them, and one empty word is none
    #[arg(long = "makes", value_name = "OUTPUT")]
    pub(super) outputs: Option<Vec<String>>,
    /// Who reviews it and all below it, where that is reviewed: auto, other (kind of agent), claude, codex, codex:MODEL, model:MODEL or an agent of your own; usual leaves it to what it is a part of
    #[arg(long, value_name = "WHO")]
    pub(super) reviewer: Option<String>,
    /// The agent CLI that does it and all below it: claude, codex or demo; none leaves it to what it is a part of
    #[arg(long, value_enum)]
    #[schema(value_type = Option<String>)]
    pub(super) harness: Option<OwnHarness>,
    /// The model of its turns, as that CLI takes it, and how hard it thinks, such as "opus high"; none leaves it to its size
    #[arg(long, value_name = "MODEL")]
    pub(super) model: Option<String>,
    /// The template by whose guidelines it and all below it are done; none leaves it to what it is a part of
    #[arg(long, value_name = "NAME")]
    pub(super) template: Option<String>,
}

/// The word that takes a choice back.
pub(super) const NONE: &str = "none";

#[derive(Debug, Clone, Copy, ValueEnum, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Hardness {
    Auto,
    Light,
    Standard,
    Heavy,
}

impl Hardness {
    fn size(self) -> Option<Size> {
        match self {
            Self::Auto => None,
            Self::Light => Some(Size::Light),
            Self::Standard => Some(Size::Standard),
            Self::Heavy => Some(Size::Heavy),
        }
    }
}

impl Changes {
    /// The edits that they come to.
    ///
    /// # Errors
    /// There are none, or why one of them cannot be made as the task is now; then none is.
    pub(super) fn edits(self, state: &State, task: &Task) -> Result<Vec<PlanEdit>, String> {
        let edits = self.all(state, task)?;
        if edits.is_empty() {
            return Err("nothing is to be changed; say what".to_owned());
        }
        Ok(edits)
    }

    /// The same, which may be none.
    ///
    /// # Errors
    /// Why one of them cannot be made as the task is now.
    pub(super) fn all(self, state: &State, task: &Task) -> Result<Vec<PlanEdit>, String> {
        let id = || -> TaskId { task.id.clone() };
        let lines = |lines: Vec<String>| -> Vec<String> {
            lines.iter().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
        };
        let title =
            self.title.map(|given| title(&given).map_err(|problem| problem.to_string())).transpose()?;
        let reviewer = self.reviewer.map(|words| reviewer::named(state, &words)).transpose()?;
        let template = self.template.map(|name| match &*name {
            NONE => Ok(None),
            name => prompts::find(state, name).map(|shelf| Some(shelf.template.template.clone())),
        });
        let template = template.transpose().map_err(|none| none.to_string())?;
        let model = self.model.map(|words| if words == NONE { Ok((None, None)) } else { thinker(&words) });
        let model = model.transpose()?;
        let edits = [
            title.map(|title| PlanEdit::Rename { task: id(), title }),
            self.objective.map(|objective| PlanEdit::SetObjective { task: id(), objective }),
            self.size.map(|size| PlanEdit::SetSize { task: id(), size: size.size() }),
            self.inputs.map(|inputs| PlanEdit::SetInputs { task: id(), inputs: lines(inputs) }),
            self.outputs.map(|outputs| PlanEdit::SetOutputs { task: id(), outputs: lines(outputs) }),
            reviewer.map(|reviewer| PlanEdit::SetReviewer { task: id(), reviewer }),
            self.harness.map(|own| PlanEdit::SetHarness { task: id(), harness: own.harness() }),
            model.map(|(model, effort)| PlanEdit::SetModel { task: id(), model, effort }),
            template.map(|template| PlanEdit::SetTemplate { task: id(), template }),
        ];
        let edits: Vec<PlanEdit> = edits.into_iter().flatten().collect();
        for edit in &edits {
            check_edit(state, &task.root, edit).map_err(|problem| problem.to_string())?;
        }
        Ok(edits)
    }
}
