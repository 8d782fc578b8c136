//! `orchestrator lists`: tasks that are kept under a name to be run again and again, as people, scripts and the REST API
//! read them, and as a person changes them.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use conductor::State;
use conductor::list::{self, Known, NoList};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared::agent::HarnessId;
use shared::entry::{Draft, Kind};
use shared::id::ListId;
use shared::list::{Fillings, TaskList};
use shared::plan::Own;
use utoipa::ToSchema;

use super::caps::CapsJson;
use super::client::Client;
use super::own::OwnJson;
use super::place::Place;
use super::statement::{self, BadPlan, Planner, drawn};
use super::task::{self, Unknown};
use super::terms::{NoTerms, TermFlags, TermsJson, TermsWish};
use super::{DataArgs, Harness, folder};
use crate::cli::say;

#[derive(Debug, Args)]
pub struct ListsArgs {
    #[command(subcommand)]
    wish: Option<Wish>,
    /// One JSON object instead of words
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    data: DataArgs,
}

#[derive(Debug, Subcommand)]
enum Wish {
    /// Save a list, as a new one or in the place of the one that has the name
    Save(Box<SaveArgs>),
    /// Print a list as a plan in JSON, to be changed and saved again with --plan
    Show { name: String },
    /// Offer a list no more; goals that it became stay
    Retire { name: String },
}

#[derive(Debug, Args)]
struct SaveArgs {
    name: String,
    /// Its tasks: JSON as `orchestrator schema` describes it. Words such as {{branch}} in it are filled in at each run
    #[arg(long, value_name = "FILE", conflicts_with = "from", required_unless_present = "from")]
    plan: Option<PathBuf>,
    /// A goal or task whose tasks it takes, such as 1; with its folder, agent and words, and how it is gone about
    #[arg(long, value_name = "TASK")]
    from: Option<String>,
    /// The words of the goal that it becomes; without them, its name
    #[arg(long, value_name = "TEXT")]
    goal: Option<String>,
    /// The agent that does it, where none is chosen as it is run
    #[arg(long, value_enum)]
    harness: Option<Harness>,
    /// Where it is done, where no folder is chosen as it is run
    #[arg(long, value_name = "DIR", value_parser = folder)]
    dir: Option<PathBuf>,
    #[command(flatten)]
    terms: TermFlags,
}

/// A list to be saved, in the place of the one that has the name if there is one.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewList {
    name: String,
    /// The words of the goal that it becomes; without them, its name.
    goal: Option<String>,
    /// `claude`, `codex` or `demo`: who does it, where none is chosen as it is run.
    #[schema(value_type = Option<String>)]
    harness: Option<HarnessId>,
    /// Absolute; where it is done, where no folder is chosen as it is run.
    folder: Option<String>,
    /// Its tasks, as `orchestrator schema` describes a plan. Words such as `{{branch}}` in it are filled in at each run.
    #[schema(value_type = Option<Object>)]
    plan: Option<Value>,
    /// In its place, the goal or task whose tasks it takes; with its folder, agent, words and terms.
    from: Option<String>,
    /// How its goal is gone about, where nothing else is chosen as it is run.
    #[serde(default)]
    pub(super) terms: TermsJson,
}

/// Why a list cannot be saved or run.
#[derive(Debug, thiserror::Error)]
pub(super) enum ListProblem {
    #[error("{0}; `orchestrator lists` lists them.")]
    None(#[from] NoList),
    #[error(transparent)]
    Plan(#[from] BadPlan),
    #[error(transparent)]
    Task(#[from] Unknown),
    #[error(transparent)]
    Terms(#[from] NoTerms),
    #[error("{0}; nothing was saved.")]
    Unsaved(String),
    #[error("{unfilled}; its blanks are: {blanks}")]
    Unfilled { unfilled: shared::list::Unfilled, blanks: String },
}

impl NewList {
    /// The list, whose goal is gone about as it says, or as the goal whose tasks it takes.
    ///
    /// # Errors
    /// It cannot be a list, with what is wrong.
    pub(super) fn list(self, state: &State, wish: TermsWish) -> Result<TaskList, ListProblem> {
        let known = list::named(state, &self.name).ok().map(|known| known.list.clone());
        let list = known.unwrap_or_else(|| drawn(ListId::new));
        let name = self.name.trim().to_owned();
        let ((tasks, said), own) = match (self.plan, self.from) {
            (Some(plan), None) => {
                let (answer, said) = statement::read(plan)?.known(state)?;
                ((answer.tasks, said), None)
            }
            (None, Some(from)) => {
                let top = task::find(state, &from)?;
                (list::tasks(state, top), Some(top))
            }
            _ => {
                return Err(ListProblem::Unsaved(
                    "a list takes its tasks either from a plan or from a goal".to_owned(),
                ));
            }
        };
        let made = own.and_then(|top| state.folder_of(&top.project));
        let by = own.and_then(|top| state.goal_of(top)).map(|goal| goal.harness);
        let terms = own.map(|top| list::terms(state, top)).unwrap_or_default();
        let terms = wish.over(state, terms)?;
        let words = self.goal.or_else(|| own.map(|top| top.objective.clone())).unwrap_or_default();
        let (harness, folder) = (self.harness.or(by), self.folder.or(made));
        let (goal, Own { caps, choices }) = (words.trim().to_owned(), said);
        let list = TaskList { list, name, goal, harness, folder, terms, tasks, caps, choices };
        match list::problem(state, &list) {
            Some(problem) => Err(ListProblem::Unsaved(problem)),
            None => Ok(list),
        }
    }
}

/// The list of this name with its blanks filled in.
///
/// # Errors
/// There is none that is offered, or the words do not fit its blanks.
pub(super) fn filled(state: &State, name: &str, words: &Fillings) -> Result<TaskList, ListProblem> {
    let list = list::named(state, name)?;
    list.filled(words).map_err(|unfilled| {
        let blanks: Vec<String> = list.blanks().into_iter().collect();
        let blanks = if blanks.is_empty() { "none".to_owned() } else { blanks.join(", ") };
        ListProblem::Unfilled { unfilled, blanks }
    })
}

/// A list of the person's own.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ListView {
    id: String,
    name: String,
    /// The words of the goal that it becomes.
    goal: String,
    #[schema(value_type = Option<String>)]
    harness: Option<HarnessId>,
    folder: Option<String>,
    /// How that goal is gone about.
    terms: TermsJson,
    /// What is to be filled in when it is run.
    blanks: Vec<String>,
    /// Its tasks, as `orchestrator schema` describes a plan.
    #[schema(value_type = Object)]
    plan: Value,
    /// It is offered no more.
    retired: bool,
}

impl ListView {
    /// All of them, also those that are retired.
    pub(super) fn all(state: &State) -> Vec<Self> {
        state.lists.values().map(|known| Self::of(state, known)).collect()
    }

    fn of(state: &State, known: &Known) -> Self {
        let TaskList { list, name, harness, folder, terms, .. } = &known.list;
        Self {
            id: list.to_string(),
            name: name.clone(),
            goal: known.list.words().to_owned(),
            harness: *harness,
            folder: folder.clone(),
            terms: TermsJson::of(state, terms),
            blanks: known.list.blanks().into_iter().collect(),
            plan: plan(state, &known.list),
            retired: known.retired,
        }
    }
}

/// The list as a plan that can be read again.
fn plan(state: &State, list: &TaskList) -> Value {
    let mut plan = json!(list::plan(list));
    let tasks = plan["tasks"].as_array_mut().into_iter().flatten();
    for (task, key) in tasks.zip(list.tasks.iter().map(|task| &task.key)) {
        if let Some(caps) = list.caps.get(key) {
            task["caps"] = json!(CapsJson::of(*caps));
        }
        let own = list.choices.get(key).map(|choice| json!(OwnJson::chosen(state, choice.clone())));
        if let (Some(Value::Object(own)), Some(task)) = (own, task.as_object_mut()) {
            task.extend(own);
        }
    }
    plan
}

/// What a list that was filled in comes to as a goal's plan.
pub(super) fn given(list: &TaskList) -> Planner {
    Planner::Given(list::plan(list), list.own())
}

/// Prints the lists, or changes them.
pub(super) async fn see_to(args: &ListsArgs) -> anyhow::Result<ExitCode> {
    let place = Place::find_or_start(&args.data.dir()?, false).await?;
    let mut client = Client::connect(&place, "terminal").await?;
    let done = carry_out(&mut client, args).await;
    drop(client);
    place.leave().await?;
    done.map(|()| ExitCode::SUCCESS)
}

async fn carry_out(client: &mut Client, args: &ListsArgs) -> anyhow::Result<()> {
    let kind = match &args.wish {
        Some(Wish::Save(args)) => {
            Some(Kind::ListSaved { list: new(args)?.list(client.state(), args.terms.wish()?)? })
        }
        Some(Wish::Retire { name }) => {
            let list = list::named(client.state(), name).map_err(ListProblem::None)?.list.clone();
            Some(Kind::ListRetired { list })
        }
        Some(Wish::Show { name }) => {
            let list = list::named(client.state(), name).map_err(ListProblem::None)?;
            say(&format!("{:#}", plan(client.state(), list)));
            return Ok(());
        }
        None => None,
    };
    if let Some(kind) = kind {
        client.intend(vec![Draft::new(None, kind)]).await?;
    }
    if args.json {
        say(&json!({ "lists": ListView::all(client.state()) }).to_string());
    } else {
        tell(client.state());
    }
    Ok(())
}

fn new(args: &SaveArgs) -> anyhow::Result<NewList> {
    let SaveArgs { name, plan, from, goal, harness, dir, terms: _ } = args;
    let read = |file: &PathBuf| {
        let text = std::fs::read_to_string(file).with_context(|| {
            format!("the plan {} cannot be read. Give a file with --plan.", file.display())
        })?;
        let plan: serde_json::Result<Value> = serde_json::from_str(&text);
        match plan {
            Ok(plan) => Ok(plan),
            Err(error) => bail!(
                "{} is not JSON: {error}. `orchestrator schema` says what a plan holds.",
                file.display()
            ),
        }
    };
    Ok(NewList {
        name: name.clone(),
        goal: goal.clone(),
        harness: harness.map(Into::into),
        folder: dir.as_ref().map(|dir| dir.to_string_lossy().into_owned()),
        plan: plan.as_ref().map(read).transpose()?,
        from: from.clone(),
        terms: TermsJson::default(),
    })
}

fn tell(state: &State) {
    let offered = list::offered(state);
    if offered.is_empty() {
        say(
            "No lists yet. Next: orchestrator lists save NAME --plan FILE, or --from 1 for the tasks of a goal",
        );
    }
    for list in offered {
        let count = match list.tasks.len() {
            1 => "1 task".to_owned(),
            many => format!("{many} tasks"),
        };
        let harness = list.harness.map(|harness| harness.to_string());
        let about = [Some(count), harness, list.folder.clone()].into_iter().flatten();
        let about: Vec<String> = about.chain(list::said(state, &list.terms)).collect();
        let blanks: String = list.blanks().iter().map(|blank| format!(" --set {blank}=…")).collect();
        say(&format!(
            "{} ({})\n  Next: orchestrator run --list {:?}{blanks}",
            list.name,
            about.join(", "),
            list.name
        ));
    }
}
