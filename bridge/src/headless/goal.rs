//! `orchestrator run` and `plan`: a goal from the terminal, from its words to its summary.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use conductor::plan::name;
use conductor::planning::{Plan, Planning};
use conductor::state::{State, Task};
use conductor::status::{Kind as Stands, Reason, Status, status};
use conductor::words;
use serde_json::json;
use shared::entry::{Draft, Kind};
use shared::id::TaskId;
use shared::list::{Fillings, TaskList};
use shared::plan::Terms;
use shared::wire::Want;
use shared::worktree::Worktree;

use super::client::Client;
use super::live::Live;
use super::next;
use super::place::Place;
use super::statement::{self, BadPlan, NoAgent, Planner, Statement, Unstated, Written};
use super::task;
use super::word::Word;
use super::{GoalArgs, lists, versions, worktrees};
use crate::cli::say;
use crate::clock;

pub(super) const HELP: &str = "\
Exit status:
  0  all of it is completed
  1  something failed or was stopped
  2  the command line or the plan is wrong
  3  a person is needed: a plan to approve, a question to answer";

const FAILED: u8 = 1;
const WRONG: u8 = 2;
const NEEDS_A_PERSON: u8 = 3;

/// How far a goal is followed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Until {
    /// By a planner, or not at all yet.
    Planned {
        by_hand: bool,
    },
    Done {
        approve: bool,
    },
}

/// What is to be done, and how far it is followed.
#[derive(Debug)]
pub(super) struct Wish {
    /// Without it, as the list says.
    pub text: Option<String>,
    pub until: Until,
    /// A file with a plan to be carried out.
    pub plan: Option<PathBuf>,
    /// The name of a list to be carried out in its place, and what its blanks are filled with.
    pub list: Option<(String, Fillings)>,
    /// It is archived when all of it is completed.
    pub archive: bool,
}

/// States a goal and follows it.
pub(super) async fn run(args: &GoalArgs, wish: Wish) -> anyhow::Result<ExitCode> {
    let Wish { text, until, plan, list, archive } = wish;
    let plan = match plan.as_deref().map(own_plan) {
        Some(Err(bad)) => return Ok(refused(&bad.into())),
        Some(Ok(plan)) => Planner::Written(plan),
        None if matches!(until, Until::Planned { by_hand: true }) => Planner::Person,
        None => Planner::Agent,
    };
    let mut place = Place::find_or_start(&args.data.dir()?, true).await?;
    let mut client = Client::connect(&place, "terminal").await?;
    client.want_baton(Want::Take).await?;
    // A bridge that was just started is still looking for them.
    while args.harness.is_none() && client.state().agents.is_empty() {
        client.step().await?;
    }
    let (list, terms) = match advice(client.state(), args, list.as_ref()) {
        Ok(advice) => advice,
        Err(none) => {
            drop(client);
            place.leave().await?;
            say(&format!("Nothing was started: {none}"));
            return Ok(ExitCode::from(WRONG));
        }
    };
    let own = list.as_ref().and_then(|list| list.folder.clone());
    let advised = own.or_else(|| advised(client.state(), &terms)).map(PathBuf::from);
    let folder = args.dir.clone().or(advised).map_or_else(std::env::current_dir, Ok)?;
    let folder = folder.to_str().context("the folder's name is not text")?.to_owned();
    let mut statement = Statement {
        text: text.or_else(|| Some(list.as_ref()?.words().to_owned())).unwrap_or_default(),
        folder,
        harness: args.harness.map(Into::into).or_else(|| list.as_ref()?.harness),
        terms,
        planner: list.as_ref().map_or(plan, lists::given),
    };
    // Nothing is made for what cannot be stated.
    let (goal, drafts) = match statement.clone().drafts(client.state()) {
        Ok(_) if args.worktree => {
            let folder = std::mem::take(&mut statement.folder);
            statement.folder = apart(&place, &mut client, folder, &statement.text, args.json).await?;
            statement.drafts(client.state())?
        }
        Ok(stated) => stated,
        Err(unstated) => {
            drop(client);
            place.leave().await?;
            return Ok(refused(&unstated));
        }
    };
    client.intend(drafts).await?;
    let followed = tokio::select! {
        followed = follow(&mut client, &goal, until, args.json) => followed,
        interrupted = tokio::signal::ctrl_c() => {
            interrupted?;
            say("The work goes on without this command; `orchestrator tasks` shows how far it is.");
            place.stay().iter().for_each(|line| say(line));
            return Ok(ExitCode::from(130));
        }
    };
    if archive && matches!(followed, Ok(0)) {
        tidy_away(&mut client, &goal, args.json).await?;
    }
    // Other goals, of other commands or of a page, need the bridge still.
    if client.state().active_runs() > 0 {
        place.stay().iter().for_each(|line| say(line));
        return followed.map(ExitCode::from);
    }
    drop(client);
    place.leave().await?;
    followed.map(ExitCode::from)
}

/// Makes a worktree for it and gives the folder in it; the log tells of it then.
async fn apart(
    place: &Place,
    client: &mut Client,
    folder: String,
    purpose: &str,
    json: bool,
) -> anyhow::Result<String> {
    let made = worktrees::make(place, folder, purpose).await?;
    if json {
        say(&serde_json::to_string(&made)?);
    } else {
        say(&worktrees::made(&made));
    }
    let worktree = made.worktree;
    while !client.state().worktrees.contains_key(&worktree.path) {
        client.step().await?;
    }
    Ok(worktree.folder)
}

/// Archives the goal, all of which is completed and told; not where somebody was quicker, or began a part of it anew.
async fn tidy_away(client: &mut Client, goal: &TaskId, json: bool) -> anyhow::Result<()> {
    let state = client.state();
    let task = state.task(goal).context("the goal is not in the log")?;
    match Word::Archive.to(state, task) {
        Ok(drafts) => client.intend(drafts).await?,
        Err(why) if !json => say(&format!("Not archived: {why}.")),
        Err(_) => {}
    }
    Ok(())
}

/// The list that is run, with its blanks filled in, and how its goal is gone about.
fn advice(
    state: &State,
    args: &GoalArgs,
    list: Option<&(String, Fillings)>,
) -> anyhow::Result<(Option<TaskList>, Terms)> {
    let list = list.map(|(name, words)| lists::filled(state, name, words)).transpose()?;
    let known = list.as_ref().map(|list| list.terms_with(args.harness.map(Into::into)));
    let terms = args.terms.wish()?.over(state, known.unwrap_or_default())?;
    Ok((list, terms))
}

/// The folder that its agent or template brings.
fn advised(state: &State, terms: &Terms) -> Option<String> {
    let persona = terms.persona.as_ref().and_then(|id| state.personas.get(id)?.persona.folder.clone());
    persona.or_else(|| state.templates.get(terms.template.as_ref()?)?.template.folder.clone())
}

/// The plan in a file.
///
/// # Errors
/// What is wrong with it, or with the file.
fn own_plan(file: &Path) -> Result<Written, BadPlan> {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => return Err(BadPlan(vec![format!("{} cannot be read: {error}", file.display())])),
    };
    let json = serde_json::from_str(&text).map_err(|error| BadPlan(vec![format!("it is not JSON: {error}")]));
    json.and_then(statement::read)
}

fn refused(unstated: &Unstated) -> ExitCode {
    let next = match unstated {
        Unstated::Plan(_) => "mend the file; `orchestrator schema` says what a plan holds.",
        Unstated::Agent(_) => NoAgent::NEXT,
    };
    say(&format!("Nothing was started, {unstated}\nNext: {next}"));
    ExitCode::from(WRONG)
}

/// Tells what changes until it has come as far as it should, or can without a person.
async fn follow(client: &mut Client, goal: &TaskId, until: Until, json: bool) -> anyhow::Result<u8> {
    let mut told = Told::new(json);
    loop {
        told.changes(client.state(), goal);
        let stands = client.state().task(goal).map(|task| (task.clone(), status(client.state(), task)));
        let (task, status) = stands.context("the goal is not in the log")?;
        match (status.kind, &status.reason, until) {
            (Stands::Completed, ..) => {
                told.leave(client.state(), goal);
                told.result(client.state(), &task);
                let below = client.state().subtree(goal);
                // A part that a person stopped is not done, however well the rest went.
                let undone = |task: &&Task| {
                    matches!(self::kind(client.state(), task), Stands::Failed | Stands::Cancelled)
                };
                let all = !below.iter().any(undone);
                return Ok(if all { 0 } else { FAILED });
            }
            (Stands::Failed | Stands::Cancelled, ..) | (_, Reason::Stuck(_), _) => {
                told.leave(client.state(), goal);
                told.result(client.state(), &task);
                return Ok(FAILED);
            }
            (_, Reason::NoTasks, Until::Planned { by_hand: true }) => {
                told.needs_a_person(client.state(), &task);
                return Ok(0);
            }
            (_, Reason::Approve { version }, Until::Planned { .. }) => {
                told.plan(client.state(), &task, *version);
                told.needs_a_person(client.state(), &task);
                return Ok(0);
            }
            (_, Reason::Approve { version }, Until::Done { approve }) => {
                told.plan(client.state(), &task, *version);
                if !approve {
                    told.needs_a_person(client.state(), &task);
                    return Ok(NEEDS_A_PERSON);
                }
                let approved = Kind::PlanApproved { goal: goal.clone(), version: *version };
                client.intend(vec![Draft::new(Some(task.project.clone()), approved)]).await?;
                continue;
            }
            (Stands::Waiting, _, Until::Done { approve: true })
                if let Some(part) = proposed(client.state(), goal) =>
            {
                let drafts = Word::Approve.to(client.state(), part)?;
                client.intend(drafts).await?;
                continue;
            }
            (Stands::Waiting, ..) => {
                told.leave(client.state(), goal);
                told.needs_a_person(client.state(), &task);
                return Ok(NEEDS_A_PERSON);
            }
            (Stands::Limited | Stands::Active | Stands::Review | Stands::Pending, ..) => {}
        }
        client.step_within(told.live.as_ref().map(Live::rest)).await?;
    }
}

/// The first part of the tree whose plan waits for a yes, and which is not written to besides.
fn proposed<'a>(state: &'a State, goal: &TaskId) -> Option<&'a Task> {
    let waits = |task: &&Task| matches!(status(state, task).reason, Reason::Approve { .. });
    state.subtree(goal).into_iter().find(waits)
}

fn kind(state: &State, task: &Task) -> Stands {
    status(state, task).kind
}

/// What the person was told, so that nothing is told twice.
struct Told {
    json: bool,
    /// In its place, what changes is said line by line.
    live: Option<Live>,
    seen: BTreeMap<TaskId, (Stands, String)>,
}

impl Told {
    fn new(json: bool) -> Self {
        let live = if json { None } else { Live::open() };
        Self { json, live, seen: BTreeMap::new() }
    }

    fn changes(&mut self, state: &State, goal: &TaskId) {
        if let Some(live) = &mut self.live {
            return live.draw(state, goal);
        }
        for task in state.subtree(goal) {
            let status = status(state, task);
            let why = words::says(state, task, &status, clock::now());
            // How far a group is and what an agent is doing change too often to be read.
            let what = if status.kind == Stands::Waiting { why.clone() } else { String::new() };
            let new = (status.kind, what);
            let first = !self.seen.contains_key(&task.id);
            if self.seen.get(&task.id) == Some(&new) {
                continue;
            }
            self.seen.insert(task.id.clone(), new);
            if self.json || !(first && status.kind == Stands::Pending) {
                self.change(state, task, &status, &why);
            }
        }
    }

    fn change(&self, state: &State, task: &Task, status: &Status, why: &str) {
        if self.json {
            return say(&task::json(state, task).to_string());
        }
        let why = match &status.reason {
            Reason::Failure { why, .. } => why,
            _ => why,
        };
        let cost = words::spent(state, task);
        let parts = [status.kind.word(), &name(task), why, &cost];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        say(&parts.join(" · "));
    }

    fn plan(&mut self, state: &State, goal: &Task, version: u32) {
        if let Some(live) = &mut self.live {
            live.erase();
        }
        let below = state.subtree(&goal.id);
        if self.json {
            let tasks: Vec<_> = below.iter().skip(1).map(|task| task::planned(state, task)).collect();
            return say(&json!({ "goal": goal.id.as_str(), "plan": version, "tasks": tasks }).to_string());
        }
        if let Some(Plan::Proposed { reply, .. }) = goal.planning.as_ref().map(|planning| &planning.plan) {
            say(&format!("\n{}\n", reply.trim()));
        }
        if let Some(news) = goal.planning.as_ref().and_then(Planning::news) {
            versions::lines(state, news).iter().for_each(|line| say(line));
        }
        for task in below.iter().skip(1) {
            let indent = "  ".repeat(task.number.len());
            let after = words::numbers(state, &task.after);
            let after = if after.is_empty() { after } else { format!(", after {after}") };
            let mode = words::mode(task.mode);
            let size = task.chosen_size().map_or("size to be found out", words::size);
            say(&format!("{indent}{} {} ({mode}, {size}{after})", task.number_text(), task.title));
        }
    }

    /// What is said from here on comes after the tree as it stands now.
    fn leave(&mut self, state: &State, goal: &TaskId) {
        if let Some(live) = &mut self.live {
            live.leave(state, goal);
        }
    }

    /// What waits for the person or failed, each with what helps.
    fn needs_a_person(&self, state: &State, goal: &Task) {
        for task in state.subtree(&goal.id) {
            let status = status(state, task);
            let Some(next) = next::step(state, task).filter(|_| !self.json) else { continue };
            let words = match &status.reason {
                Reason::Asks(question) => format!("{question}\n"),
                Reason::PlanProblem(problems) => {
                    format!("The plan cannot be used:\n  {}\n", problems.join("\n  "))
                }
                Reason::Used { cap, stage, .. } => {
                    format!("{}: {} used up.\n", name(task), words::cap(*cap, *stage, None))
                }
                Reason::Failure { why, .. } => format!("{} failed: {why}\n", name(task)),
                Reason::Stuck(_) | Reason::Unattended(_) => {
                    format!("{}: {}.\n", name(task), words::reason(state, &status, clock::now()))
                }
                Reason::Yours => format!("{} is yours to do:\n{}\n", name(task), task.objective.trim()),
                _ => String::new(),
            };
            say(&format!("\n{words}Next: {next}"));
        }
    }

    fn result(&self, state: &State, goal: &Task) {
        let kind = kind(state, goal);
        let result = goal.result.as_ref();
        let cost = words::spent(state, goal);
        if self.json {
            let summary = result.map(|result| result.summary.as_str());
            return say(
                &json!({ "goal": goal.id.as_str(), "status": kind.token(), "summary": summary }).to_string()
            );
        }
        if let Some(result) = result {
            say(&format!("\n{}", result.summary.trim()));
            for (word, items) in [("Output", &result.outputs), ("Not done", &result.not_done)] {
                items.iter().for_each(|item| say(&format!("{word}: {item}")));
            }
        }
        if let Some(kept) = state.worktree_of(&goal.project) {
            let Worktree { folder, branch, of, .. } = &kept.worktree;
            say(&format!(
                "Worktree: {folder}\nNext: in {of}, git merge {branch} takes over what is committed there"
            ));
        }
        self.needs_a_person(state, goal);
        say(&[kind.word(), &cost]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(" · "));
    }
}
