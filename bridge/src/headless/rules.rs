//! `orchestrator rules`, `allow` and `deny`: what agents may do, as a person, a script or the REST API says it. A rule is
//! tried on all that was asked before it is saved.

use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};
use conductor::permission::{Asked, Reply, replayed, waiting};
use conductor::state::{Run, State, Task};
use conductor::words;
use serde::Serialize;
use serde_json::json;
use shared::entry::{Draft, Kind};
use shared::id::RuleId;
use shared::permission::{Permit, Rule, Scope, What, seen};
use utoipa::ToSchema;

use super::client::Client;
use super::place::Place;
use super::statement::{drawn, project};
use super::task::{find, reference};
use super::{DataArgs, TaskArgs, folder};
use crate::cli::say;

/// Past requests of which a trial tells each; the rest it counts.
const TOLD: usize = 20;

#[derive(Debug, Args)]
pub struct RulesArgs {
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
    /// Save a rule, and tell which requests of the past it would have decided
    Save(RuleArgs),
    /// Tell that, and save nothing
    Try(RuleArgs),
    /// Take a rule away; what was decided by it stays so
    Remove { rule: String },
}

#[derive(Debug, Args)]
struct RuleArgs {
    #[arg(value_enum)]
    permit: Permitted,
    #[command(flatten)]
    what: WhatArgs,
    #[command(flatten)]
    scope: ScopeArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Permitted {
    Allow,
    Deny,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct WhatArgs {
    /// Commands that begin with these words; a line is allowed where each of its commands is
    #[arg(long, value_name = "WORDS")]
    command: Option<String>,
    /// Changes of this file, or of what is below this folder; a relative path is from each project's folder
    #[arg(long, value_name = "PATH")]
    edit: Option<String>,
    /// Looks at it, likewise
    #[arg(long, value_name = "PATH")]
    read: Option<String>,
    /// Whatever this tool of the agent does
    #[arg(long, value_name = "NAME")]
    tool: Option<String>,
}

#[derive(Debug, Args)]
#[group(multiple = false)]
struct ScopeArgs {
    /// For this task and all below it alone; without this and --dir, always
    #[arg(long, value_name = "TASK")]
    task: Option<String>,
    /// In the project of this folder alone
    #[arg(long, value_name = "DIR", value_parser = folder)]
    dir: Option<std::path::PathBuf>,
}

#[derive(Debug, Args)]
pub struct AllowArgs {
    #[command(flatten)]
    pub task: TaskArgs,
    /// The request that is meant, where more than one waits for the task; `rules` lists them
    #[arg(long, value_name = "ID")]
    pub request: Option<String>,
    /// Save it as a rule too, the narrowest that says more than this once; `rules` lists it
    #[arg(long, value_enum, value_name = "WHERE")]
    pub rule: Option<Reach>,
}

#[derive(Debug, Args)]
pub struct DenyArgs {
    #[command(flatten)]
    pub allow: AllowArgs,
    /// Why, or what to do instead; the agent reads it
    #[arg(long, default_value = "")]
    pub word: String,
}

/// Where an answer holds from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    Task,
    Project,
    Always,
}

impl Reach {
    pub(super) fn scope(self, task: &Task) -> Scope {
        match self {
            Self::Task => Scope::Task { task: task.id.clone() },
            Self::Project => Scope::Project { project: task.project.clone() },
            Self::Always => Scope::Always,
        }
    }
}

/// A rule.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RuleView {
    id: String,
    /// `allow` or `deny`.
    #[schema(value_type = String)]
    permit: Permit,
    /// `{"is":"commands","words":[…]}`, `{"is":"edits","under":"…"}`, `{"is":"reads","under":"…"}` or `{"is":"tool","name":"…"}`.
    #[schema(value_type = Object)]
    what: What,
    /// `{"is":"always"}`, `{"is":"project","project":"…"}` or `{"is":"task","task":"…"}`.
    #[schema(value_type = Object)]
    scope: Scope,
    /// All of it in words.
    words: String,
}

impl RuleView {
    pub(super) fn all(state: &State) -> Vec<Self> {
        state.rules.values().map(|rule| Self::of(state, rule)).collect()
    }

    fn of(state: &State, rule: &Rule) -> Self {
        let (what, scope) = (rule.what.clone(), rule.scope.clone());
        Self { id: rule.rule.to_string(), permit: rule.permit, what, scope, words: in_words(state, rule) }
    }
}

/// A request, and what it was answered.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RequestView {
    run: String,
    request: String,
    /// As the agent names it, such as `Bash`.
    tool: String,
    /// The command, the path, or what else it is about; characters that show nothing stand as `\u{202e}`.
    about: String,
    /// In milliseconds since 1970.
    at: u64,
    /// `waiting`, `allowed`, `denied`, `withdrawn`, or `over` where its run ended before anybody answered.
    answer: &'static str,
    /// The rule that decided.
    rule: Option<String>,
    /// Who answered and how, in words.
    words: String,
}

impl RequestView {
    pub(super) fn of(state: &State, run: &Run, asked: &Asked) -> Self {
        let said = |permit: Permit| if permit == Permit::Allow { "allowed" } else { "denied" };
        let (answer, rule) = match &asked.reply {
            Reply::None if run.is_active() => ("waiting", None),
            Reply::None => ("over", None),
            Reply::Said { permit, .. } => (said(*permit), None),
            Reply::Sent { permit, by, .. } => (said(*permit), by.as_ref().map(ToString::to_string)),
            Reply::Withdrawn => ("withdrawn", None),
        };
        Self {
            run: run.id.to_string(),
            request: asked.ask.request.clone(),
            tool: seen(&asked.ask.tool),
            about: asked.ask.about(),
            at: asked.at.0,
            answer,
            rule,
            words: words::reply(state, run, asked),
        }
    }
}

/// What a rule would have decided otherwise, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TrialView {
    /// Requests that were ever asked, as far as they are kept.
    asked: usize,
    would_decide: Vec<RequestView>,
}

impl TrialView {
    pub(super) fn of(state: &State, rule: &Rule) -> Self {
        let (decided, asked) = replayed(state, rule);
        let would_decide =
            decided.into_iter().map(|(run, asked)| RequestView::of(state, run, asked)).collect();
        Self { asked, would_decide }
    }
}

pub(super) fn in_words(state: &State, rule: &Rule) -> String {
    let permit = if rule.permit == Permit::Allow { "allow" } else { "deny" };
    format!("{permit} {}, {}", words::rule(&rule.what), words::scope(state, &rule.scope))
}

/// Prints the rules and what waits, or changes the rules.
pub(super) async fn see_to(args: &RulesArgs) -> anyhow::Result<ExitCode> {
    let place = Place::find_or_start(&args.data.dir()?, false).await?;
    let mut client = Client::connect(&place, "terminal").await?;
    match &args.wish {
        None => list(client.state(), args.json),
        Some(Wish::Save(wanted)) => {
            let (rule, opened) = wanted.rule(client.state())?;
            tell(client.state(), &rule, args.json);
            let project = opened.as_ref().map(|(id, _)| id.clone());
            let opened = opened.map(|(_, kind)| Draft::new(project, kind));
            let saved = Draft::new(None, Kind::RuleSaved { rule });
            client.intend(opened.into_iter().chain([saved]).collect()).await?;
        }
        Some(Wish::Try(wanted)) => {
            let (rule, _) = wanted.rule(client.state())?;
            tell(client.state(), &rule, args.json);
        }
        Some(Wish::Remove { rule }) => {
            let known = named(client.state(), rule)?.rule.clone();
            client.intend(vec![Draft::new(None, Kind::RuleRemoved { rule: known })]).await?;
        }
    }
    drop(client);
    place.leave().await?;
    Ok(ExitCode::SUCCESS)
}

/// The rule of this id, or of which this is the end or the beginning.
fn named<'a>(state: &'a State, text: &str) -> anyhow::Result<&'a Rule> {
    let is = |rule: &&Rule| rule.rule.as_str().starts_with(text) || rule.rule.as_str().ends_with(text);
    let mut found = state.rules.values().filter(is);
    match (found.next(), found.next()) {
        (Some(rule), None) => Ok(rule),
        (None, _) => bail!("there is no rule {text:?}. `orchestrator rules` lists them."),
        (Some(_), Some(_)) => bail!("more than one rule is called {text:?}. Give more of its id."),
    }
}

impl RuleArgs {
    /// The rule, and the opening of its project where that is new.
    fn rule(&self, state: &State) -> anyhow::Result<(Rule, Option<(shared::id::ProjectId, Kind)>)> {
        let WhatArgs { command, edit, read, tool } = &self.what;
        let what = match (command, edit, read, tool) {
            (Some(text), ..) => What::commands(text).map_err(anyhow::Error::msg)?,
            (_, Some(under), ..) => What::Edits { under: under.clone() },
            (_, _, Some(under), _) => What::Reads { under: under.clone() },
            (.., tool) => What::Tool { name: tool.clone().unwrap_or_default() },
        };
        if let Some(problem) = what.problem() {
            bail!("{problem}; nothing was saved.");
        }
        let (scope, opened) = match (&self.scope.task, &self.scope.dir) {
            (Some(task), _) => (Scope::Task { task: find(state, task)?.id.clone() }, None),
            (None, Some(dir)) => {
                let dir = dir.to_str().context("the folder's name is not text")?;
                let (id, opened) = project(state, dir);
                (Scope::Project { project: id.clone() }, opened.map(|kind| (id, kind)))
            }
            (None, None) => (Scope::Always, None),
        };
        let permit = if self.permit == Permitted::Allow { Permit::Allow } else { Permit::Deny };
        Ok((Rule { rule: drawn(RuleId::new), permit, what, scope }, opened))
    }
}

/// What the rule is and what it would have decided.
pub(super) fn tell(state: &State, rule: &Rule, as_json: bool) {
    let trial = TrialView::of(state, rule);
    if as_json {
        return say(&json!({ "rule": RuleView::of(state, rule), "trial": trial }).to_string());
    }
    say(&in_words(state, rule));
    let TrialView { asked, would_decide } = trial;
    say(&format!("Of {asked} requests so far it would have decided {} otherwise.", would_decide.len()));
    for RequestView { tool, about, answer, .. } in would_decide.iter().take(TOLD) {
        say(&format!("  {tool} {} ({answer})", words::beginning(about)));
    }
    if would_decide.len() > TOLD {
        say(&format!("  and {} more; --json tells all", would_decide.len() - TOLD));
    }
}

fn list(state: &State, as_json: bool) {
    let requests: Vec<RequestView> =
        waiting(state).map(|(run, asked)| RequestView::of(state, run, asked)).collect();
    if as_json {
        return say(&json!({ "rules": RuleView::all(state), "waiting": requests }).to_string());
    }
    for rule in state.rules.values() {
        // The end of a drawn id tells it from others; its beginning is the time.
        let id = rule.rule.as_str();
        let short = id.get(id.len().saturating_sub(8)..).unwrap_or(id);
        say(&format!("{short}  {}", in_words(state, rule)));
    }
    if state.rules.is_empty() {
        say("No rules yet. Next: orchestrator rules save allow --command \"cargo test\"");
    }
    for (run, asked) in waiting(state) {
        let task = state.task(&run.task).map(|task| reference(state, task)).unwrap_or_default();
        say(&format!(
            "{task} asks whether it may {}. Next: orchestrator allow {task} --request {}",
            words::deed(&asked.ask),
            seen(&asked.ask.request)
        ));
    }
}
