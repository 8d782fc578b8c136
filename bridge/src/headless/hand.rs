//! What a person does themselves: the tasks that are theirs, and a plan that they build task by task.

use clap::{Args, ValueEnum};
use conductor::plan::edit::{check_edit, title};
use conductor::plan::given::foretold;
use conductor::state::{State, Task};
use serde::Deserialize;
use shared::entry::Kind;
use shared::id::TaskId;
use shared::plan::{Mode, PlanEdit, PlannedTask};
use utoipa::ToSchema;

use super::choice::OwnHarness;
use super::edit::{Changes, Hardness};
use super::statement::drawn;
use super::task::find;
use super::word::Unsaid;
use super::{DataArgs, TaskArgs};

#[derive(Debug, Args)]
pub struct DoneArgs {
    #[command(flatten)]
    pub(super) task: TaskArgs,
    /// What came of it, in Markdown; whatever comes after it is told
    #[arg(default_value = "")]
    pub(super) words: String,
}

#[derive(Debug, Args)]
pub struct GiveUpArgs {
    #[command(flatten)]
    pub(super) task: TaskArgs,
    /// Why it cannot be done
    pub(super) why: String,
}

#[derive(Debug, Args)]
pub struct ModeArgs {
    #[command(flatten)]
    pub(super) task: TaskArgs,
    /// How much of you it needs
    #[arg(value_enum)]
    pub(super) mode: How,
}

#[derive(Debug, Args)]
pub struct AddArgs {
    /// The goal or task that it becomes a part of, as `tasks` names it
    #[arg(value_name = "TASK")]
    pub(super) above: String,
    #[command(flatten)]
    pub(super) new: NewTask,
    #[command(flatten)]
    pub(super) data: DataArgs,
}

/// A task to be put behind the last part. The REST API says it in the same words.
#[derive(Debug, Clone, Args, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewTask {
    /// Its name
    title: String,
    /// What is to be reached, where the name does not say it all
    #[arg(long, value_name = "TEXT")]
    objective: Option<String>,
    /// How much of you it needs: autonomous, hybrid, interactive, or manual, where you do it
    #[arg(long, value_enum, default_value_t = How::Autonomous)]
    #[serde(default)]
    #[schema(value_type = String, default = "autonomous")]
    mode: How,
    /// A task that it comes after. May be given again
    #[arg(long, value_name = "TASK")]
    #[serde(default)]
    after: Vec<String>,
    /// How hard it is, which chooses the model: light, standard or heavy; without it, that is found out
    #[arg(long, value_enum)]
    #[schema(value_type = Option<String>)]
    size: Option<Hardness>,
    /// A file or fact that it needs. May be given again
    #[arg(long = "needs", value_name = "INPUT")]
    inputs: Option<Vec<String>>,
    /// What is there when it is done. May be given again
    #[arg(long = "makes", value_name = "OUTPUT")]
    outputs: Option<Vec<String>>,
    /// Who reviews it, where it is reviewed: auto, other (kind of agent), claude, codex, codex:MODEL, model:MODEL or an agent of your own
    #[arg(long, value_name = "WHO")]
    reviewer: Option<String>,
    /// The agent CLI that does it: claude, codex or demo; without it, that of what it is a part of
    #[arg(long, value_enum)]
    #[schema(value_type = Option<String>)]
    harness: Option<OwnHarness>,
    /// The model of its turns, as that CLI takes it; without it, that of its size
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    /// The template by whose guidelines it is done; without it, that of what it is a part of
    #[arg(long, value_name = "NAME")]
    template: Option<String>,
}

impl NewTask {
    /// The task as a part of this one, then what is said of it besides.
    ///
    /// # Errors
    /// It cannot be put there, or something that is said of it cannot be.
    pub(super) fn kinds(self, state: &State, above: &Task) -> Result<Vec<Kind>, Unsaid> {
        let after = self.after.iter().map(|name| find(state, name).map(|task| task.id.clone()));
        let after = after.collect::<Result<_, _>>().map_err(|none| Unsaid(none.to_string()))?;
        let title = title(&self.title).map_err(|problem| Unsaid(problem.to_string()))?;
        let id = drawn(TaskId::new);
        let objective = self.objective.unwrap_or_else(|| title.clone());
        let planned = PlannedTask::new(id.clone(), above.id.clone(), title, objective);
        let planned = PlannedTask { size: None, mode: self.mode.into(), after, ..planned };
        let edited = |edit| Kind::PlanEdited { goal: above.root.clone(), edit };
        let add = PlanEdit::Add { planned, index: u32::MAX };
        check_edit(state, &above.root, &add).map_err(|problem| Unsaid(problem.to_string()))?;
        let add = edited(add);
        let with_it = foretold(state, &above.project, std::slice::from_ref(&add));
        let besides = Changes {
            size: self.size,
            inputs: self.inputs,
            outputs: self.outputs,
            reviewer: self.reviewer,
            harness: self.harness,
            model: self.model,
            template: self.template,
            ..Changes::default()
        };
        let besides = with_it.task(&id).map_or(Ok(Vec::new()), |task| besides.all(&with_it, task));
        let besides = besides.map_err(Unsaid)?.into_iter().map(edited);
        Ok([add].into_iter().chain(besides).collect())
    }
}

#[derive(Debug, Clone, Copy, Default, ValueEnum, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum How {
    /// An agent does it alone; the page says "auto"
    #[default]
    #[value(alias = "auto")]
    #[serde(alias = "auto")]
    Autonomous,
    /// An agent does it alone, and may ask you
    Hybrid,
    /// An agent does it together with you; the page says "with you"
    #[value(alias = "with-you", alias = "with you")]
    #[serde(alias = "with you")]
    Interactive,
    /// You do it, without an agent; the page says "by you"
    #[value(alias = "by-you", alias = "by you")]
    #[serde(alias = "by you")]
    Manual,
}

impl From<How> for Mode {
    fn from(how: How) -> Self {
        match how {
            How::Autonomous => Self::Autonomous,
            How::Hybrid => Self::Hybrid,
            How::Interactive => Self::Interactive,
            How::Manual => Self::Manual,
        }
    }
}
