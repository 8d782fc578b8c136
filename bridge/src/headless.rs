//! The bridge's clients without a page: the standby, and commands for scripts and terminals. Each is a client
//! like a page, with the same log, the same intents and the same conductor; none touches the store itself.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use serde::Deserialize;
use shared::limits::{Unbounded, Unit};
use shared::permission::Permit;
use shared::retry::Policy;
use shared::unit::{MicroUsd, Millis};

use crate::cli::say;
use crate::clock;

mod agents;
mod caps;
mod charter;
mod choice;
mod client;
mod conduct;
mod devices;
pub(crate) mod doctor;
mod edit;
mod evidence;
mod goal;
mod hand;
mod inbox;
mod limits;
mod lists;
mod live;
mod memory;
mod models;
mod next;
mod own;
mod place;
mod policies;
mod prompts;
mod ps;
pub(crate) mod rest;
mod rules;
mod shape;
mod show;
mod statement;
mod task;
mod terminal;
mod terms;
mod usage;
mod versions;
mod view;
mod waiting;
mod waker;
mod word;
mod worktrees;

use caps::CapsWish;
use choice::Harness;
pub(crate) use conduct::IDLE;
use word::Word;

/// The commands that need a bridge; they start one where none runs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// State a goal and see it through, in the terminal
    #[command(after_help = goal::HELP)]
    Run(Box<RunArgs>),
    /// Have a plan made for a goal, and print it
    Plan(PlanArgs),
    /// List goals and their tasks
    Tasks(task::TasksArgs),
    /// Print a task with what it is to reach, who does it and what came of it
    Show(show::ShowArgs),
    /// Print all that waits for you, and the commands that answer it
    Inbox(inbox::InboxArgs),
    /// Print what agents have used, each kind and all together
    Usage(usage::UsageArgs),
    /// Write into a task's conversation: an answer, or a wish
    #[command(visible_alias = "say")]
    Answer(AnswerArgs),
    /// Let an agent do what it asks to be allowed
    Allow(rules::AllowArgs),
    /// Do not let it, and say why
    Deny(rules::DenyArgs),
    /// Print the rules about what agents may do and what waits for an answer; try, save and remove rules
    Rules(rules::RulesArgs),
    /// Approve the plan of a goal, or of a task that is split
    Approve(TaskArgs),
    /// Say what a task and all below it may spend; what paused for want of it goes on
    Budget(BudgetArgs),
    /// Say how far a task goes by itself: in money, requests, time and tokens
    Caps(caps::CapsArgs),
    /// Say when a task gets its turn, and whether it is done again and again
    Schedule(ScheduleArgs),
    /// Print every bound that agents work within, and change it
    Limits(limits::LimitsArgs),
    /// Print which model does a task of which size, and change it
    Models(models::ModelsArgs),
    /// Print the agents of your own, and change them
    Agents(agents::AgentsArgs),
    /// Say which agent of your own does a task and all below it
    As(agents::AsArgs),
    /// Print the library of prompts with the record of each wording, and change it
    Prompts(prompts::PromptsArgs),
    /// Print the lists of tasks that you keep to run them again, and change them
    Lists(lists::ListsArgs),
    /// Print what all tasks of a project are told, and change it
    Memory(memory::MemoryArgs),
    /// Print the rules and facts that all tasks of a goal are told, and change them
    Charter(charter::CharterArgs),
    /// Say what has to be shown before a task counts as done
    Evidence(evidence::EvidenceArgs),
    /// Have a planner split a task, or plan a goal or what is below a task again; its plan then waits for approval
    Split(SplitArgs),
    /// Put a new task behind the last part of a goal or task
    Add(hand::AddArgs),
    /// Take a task that has not begun, and all below it, out of the plan (a worktree: `worktrees remove`)
    Remove(TaskArgs),
    /// Bring a task back that was removed, or a goal that is archived (a worktree: `worktrees bring-back`)
    BringBack(TaskArgs),
    /// Put a task, and all below it, in another place of its tree
    Move(shape::MoveArgs),
    /// Say what a task comes after, or comes after no more
    After(shape::AfterArgs),
    /// Say how much of you a task needs: nothing, or all of it
    Mode(hand::ModeArgs),
    /// Say that a task is done, with what came of it
    Done(hand::DoneArgs),
    /// Say that a task which is yours to do cannot be done
    GiveUp(hand::GiveUpArgs),
    /// Leave what is below a task, or a goal that is planned again, as it was before
    Reject(TaskArgs),
    /// Put a copy of a task and of all below it behind it
    Clone(TaskArgs),
    /// Try a task anew
    Retry(TaskArgs),
    /// End the turn of a task that is at work, and put it back in the queue for a fresh attempt
    Requeue(TaskArgs),
    /// Take up again now what waits: for a limit, a retry, an agent that fails, or a person
    Resume(TaskArgs),
    /// Open a terminal for a task, with its agent or command, and work in it
    Terminal(terminal::TerminalArgs),
    /// Work in the open terminal of a task; Ctrl-] leaves it, and it goes on
    Attach(TaskArgs),
    /// Say what a task is to reach, who does it with which model and template, what it needs and makes, and who reviews it
    Edit(edit::EditArgs),
    /// Say what becomes of a task when it fails
    OnFailure(OnFailureArgs),
    /// Stop a task and all below it
    Cancel(TaskArgs),
    /// Sum a goal up without what is not done
    Close(TaskArgs),
    /// Hide a goal that is over; nothing is deleted
    Archive(TaskArgs),
    /// List what you wrote to a task that waits for its next turn
    Waiting(TaskArgs),
    /// Take back what waits for a task's next turn
    Withdraw(waiting::WithdrawArgs),
    /// Print what each version of a plan changed
    Versions(TaskArgs),
    /// List the processes of all agents; needs no bridge
    Ps(ps::PsArgs),
    /// Check the set-up, and attack the bridge as others would; or try everything once
    Doctor(doctor::DoctorArgs),
    /// List the worktrees that goals work in; remove one, bring it back, or take one into keeping
    Worktrees(worktrees::WorktreesArgs),
    /// List the devices that are let in or ask, and let them in or send them away
    Devices(devices::DevicesArgs),
    /// Print the URL of the running bridge's page
    Url(DataArgs),
    /// Print the token for tools that use the REST API
    Token(DataArgs),
    /// Print the JSON schema of a plan
    Schema {
        /// Print a plan that can be filled in, instead
        #[arg(long)]
        example: bool,
    },
    #[command(hide = true)]
    Conduct(DataArgs),
}

#[derive(Debug, Args)]
pub struct DataArgs {
    /// Folder of the log, as given to `serve`; ORCHESTRATOR_DATA_DIR is it otherwise
    #[arg(long, value_name = "DIR", global = true)]
    data_dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct GoalArgs {
    /// The project's folder; without it, its list's, its agent's, its template's or this one
    #[arg(long, value_name = "DIR", value_parser = folder)]
    dir: Option<PathBuf>,
    /// The agent that plans and works; without it, the first that is installed and works
    #[arg(long, value_enum)]
    harness: Option<Harness>,
    #[command(flatten)]
    terms: terms::TermFlags,
    /// In a worktree of its own, on a branch of its own, beside the folder's checkout
    #[arg(long)]
    worktree: bool,
    /// One JSON object per line instead of words
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataArgs,
}

/// The absolute path of a folder that is there.
fn folder(path: &str) -> Result<PathBuf, String> {
    match dunce::canonicalize(path) {
        Ok(path) if path.is_dir() => Ok(path),
        Ok(_) => Err("this is not a folder. Give one that exists.".to_owned()),
        Err(error) => Err(format!("{error}. Give a folder that exists.")),
    }
}

#[derive(Debug, Args)]
pub struct RunArgs {
    /// What is to be done
    #[arg(value_name = "GOAL", required_unless_present = "list", value_parser = goal_text)]
    text: Option<String>,
    #[command(flatten)]
    goal: GoalArgs,
    /// Approve the plan as it is proposed
    #[arg(long, conflicts_with_all = ["plan", "list"])]
    approve: bool,
    /// A plan of your own instead of a planner's: JSON as `orchestrator schema` describes it, and `schema --example` shows it. It is approved with this
    #[arg(long, value_name = "FILE", conflicts_with = "list")]
    plan: Option<PathBuf>,
    /// The tasks of a list that you keep; `orchestrator lists` lists them
    #[arg(long, value_name = "NAME")]
    list: Option<String>,
    /// What a blank of the list is filled with. May be given again
    #[arg(long = "set", value_name = "BLANK=WORDS", value_parser = filling, requires = "list")]
    words: Vec<(String, String)>,
    /// Archive the goal when all of it is completed, after its results are printed; a failure or a question keeps it
    #[arg(long)]
    archive: bool,
}

/// Words, of which there have to be some.
fn goal_text(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("say what is to be done".to_owned()) } else { Ok(text.to_owned()) }
}

/// "branch=main" as what the blank `branch` is filled with.
fn filling(text: &str) -> Result<(String, String), String> {
    let (blank, words) =
        text.split_once('=').ok_or_else(|| format!("{text:?} fills no blank; say it as BLANK=WORDS"))?;
    Ok((blank.trim().to_owned(), words.to_owned()))
}

#[derive(Debug, Args)]
pub struct PlanArgs {
    /// What is to be done
    #[arg(value_name = "GOAL", value_parser = goal_text)]
    text: String,
    #[command(flatten)]
    goal: GoalArgs,
    /// Without a planner: you add its tasks, here or on the page
    #[arg(long)]
    myself: bool,
}

#[derive(Debug, Args)]
pub struct TaskArgs {
    /// As `tasks` names it: `3` is the third goal, `3/2.1` a task of it
    task: String,
    #[command(flatten)]
    data: DataArgs,
}

#[derive(Debug, Args)]
pub struct SplitArgs {
    #[command(flatten)]
    task: TaskArgs,
    /// What the planner is told, such as what should be different
    #[arg(default_value = "")]
    words: String,
}

#[derive(Debug, Args)]
pub struct AnswerArgs {
    #[command(flatten)]
    task: TaskArgs,
    #[command(flatten)]
    said: word::Said,
}

#[derive(Debug, Args)]
pub struct BudgetArgs {
    #[command(flatten)]
    task: TaskArgs,
    /// In all, with what is spent already
    #[arg(value_name = "USD", value_parser = dollars)]
    budget: MicroUsd,
}

#[derive(Debug, Args)]
#[command(group = any("schedule", &["priority", "within", "repeat"]))]
pub struct ScheduleArgs {
    #[command(flatten)]
    task: TaskArgs,
    /// -10 to 10; the higher goes first where not all can start
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    priority: Option<i32>,
    /// Do not begin before so long from now, such as 90s, 15m or 2h; 0s ends that
    #[arg(long = "in", value_name = "SPAN", value_parser = span)]
    within: Option<Millis>,
    /// Do it anew so long after each success; 0s ends that
    #[arg(long, value_name = "SPAN", value_parser = span)]
    repeat: Option<Millis>,
}

#[derive(Debug, Args)]
pub struct OnFailureArgs {
    #[command(flatten)]
    task: TaskArgs,
    /// Ask you, try the same again, find out why first, or what holds for all tasks
    #[arg(value_enum)]
    policy: OnFailure,
    /// Tries in all, 1 to 20
    #[arg(long, value_name = "N")]
    attempts: Option<u32>,
}

#[derive(Debug, Clone, Copy, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum OnFailure {
    Usual,
    #[serde(alias = "none")]
    Ask,
    Same,
    Analyze,
}

impl OnFailure {
    fn policy(self) -> Option<Policy> {
        match self {
            Self::Usual => None,
            Self::Ask => Some(Policy::None),
            Self::Same => Some(Policy::Same),
            Self::Analyze => Some(Policy::Analyze),
        }
    }
}

/// Options of which a command wants at least one.
fn any(name: &'static str, options: &[&'static str]) -> ArgGroup {
    ArgGroup::new(name).required(true).multiple(true).args(options.iter().copied())
}

/// A span of time from the command line.
fn span(text: &str) -> Result<Millis, Unbounded> {
    Unit::Time.read(text).map(Millis)
}

/// A sum of money from the command line.
fn dollars(text: &str) -> Result<MicroUsd, Unbounded> {
    Unit::Money.read(text).map(MicroUsd)
}

impl DataArgs {
    fn dir(&self) -> anyhow::Result<PathBuf> {
        self.data_dir.clone().map_or_else(crate::cli::default_data_dir, Ok)
    }
}

/// Carries a command out; the code says what came of it.
///
/// # Errors
/// No bridge can be reached or started, or the connection to it is lost.
pub fn run(command: Command) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start an event loop")?;
    runtime.block_on(async {
        match command {
            Command::Conduct(args) => conduct::conduct(&args.dir()?).await,
            Command::Run(args) => {
                let RunArgs { text, goal, plan, list, words, archive, approve } = *args;
                let until = goal::Until::Done { approve };
                let list = list.map(|name| (name, words.into_iter().collect()));
                goal::run(&goal, goal::Wish { text, until, plan, list, archive }).await
            }
            Command::Plan(args) => {
                let until = goal::Until::Planned { by_hand: args.myself };
                let wish =
                    goal::Wish { text: Some(args.text), until, plan: None, list: None, archive: false };
                goal::run(&args.goal, wish).await
            }
            Command::Schema { example } => {
                let schema = || format!("{:#}", statement::schema());
                say(&if example { statement::EXAMPLE.trim_end().to_owned() } else { schema() });
                Ok(ExitCode::SUCCESS)
            }
            Command::Tasks(args) => task::list(&args).await,
            Command::Show(args) => show::tell(&args).await,
            Command::Inbox(args) => inbox::list(&args).await,
            Command::Usage(args) => usage::tell(&args).await,
            Command::Answer(AnswerArgs { task, said }) => task::tell(&task, Word::Answer(said)).await,
            Command::Allow(args) => {
                let word = Word::Permit {
                    permit: Permit::Allow,
                    request: args.request,
                    word: String::new(),
                    rule: args.rule,
                };
                task::tell(&args.task, word).await
            }
            Command::Deny(rules::DenyArgs { allow, word }) => {
                let word =
                    Word::Permit { permit: Permit::Deny, request: allow.request, word, rule: allow.rule };
                task::tell(&allow.task, word).await
            }
            Command::Rules(args) => rules::see_to(&args).await,
            Command::Approve(args) => task::tell(&args, Word::Approve).await,
            Command::Budget(BudgetArgs { task, budget }) => {
                task::tell(&task, Word::Caps(CapsWish::budget(budget))).await
            }
            Command::Caps(args) => task::tell(&args.task, Word::Caps((&args.flags).into())).await,
            Command::Schedule(ScheduleArgs { task, priority, within, repeat }) => {
                let start = within.map(|span| if span > Millis(0) { clock::now() + span } else { span });
                task::tell(&task, Word::Schedule { priority, start, repeat }).await
            }
            Command::Evidence(args) => task::tell(&args.task, Word::Evidence(args.wanted)).await,
            Command::Limits(args) => limits::set(&args).await,
            Command::Models(args) => models::set(&args).await,
            Command::Charter(args) => charter::see_to(&args).await,
            Command::Memory(args) => memory::see_to(&args).await,
            Command::OnFailure(OnFailureArgs { task, policy, attempts }) => {
                let policy = policy.policy();
                task::tell(&task, Word::OnFailure { policy, attempts }).await
            }
            Command::Edit(args) => task::tell(&args.task, Word::Edit(args.changes)).await,
            Command::Agents(args) => agents::see_to(&args).await,
            Command::As(args) => task::tell(&args.task, Word::As(args.name)).await,
            Command::Lists(args) => lists::see_to(&args).await,
            Command::Prompts(args) => prompts::see_to(&args).await,
            Command::Split(args) => task::tell(&args.task, Word::Split(args.words)).await,
            Command::Reject(args) => task::tell(&args, Word::Reject).await,
            Command::Add(hand::AddArgs { above, new, data }) => {
                task::tell(&TaskArgs { task: above, data }, Word::Add(new)).await
            }
            Command::Remove(args) => task::tell(&args, Word::Remove).await,
            Command::BringBack(args) => task::tell(&args, Word::Restore).await,
            Command::Move(args) => task::tell(&args.task, Word::Move(args.place)).await,
            Command::After(args) => task::tell(&args.task, Word::After(args.order)).await,
            Command::Mode(args) => task::tell(&args.task, Word::Mode(args.mode.into())).await,
            Command::Done(args) => task::tell(&args.task, Word::Done(args.words)).await,
            Command::GiveUp(args) => task::tell(&args.task, Word::GiveUp(args.why)).await,
            Command::Clone(args) => task::tell(&args, Word::Clone).await,
            Command::Retry(args) => task::tell(&args, Word::Retry).await,
            Command::Requeue(args) => task::tell(&args, Word::Requeue).await,
            Command::Resume(args) => task::tell(&args, Word::Resume).await,
            Command::Terminal(args) => terminal::open(&args).await,
            Command::Attach(args) => terminal::attach(&args).await,
            Command::Cancel(args) => task::tell(&args, Word::Cancel).await,
            Command::Close(args) => task::tell(&args, Word::Close).await,
            Command::Archive(args) => task::tell(&args, Word::Archive).await,
            Command::Waiting(args) => waiting::list(&args).await,
            Command::Withdraw(args) => waiting::withdraw(&args).await,
            Command::Versions(args) => versions::list(&args).await,
            Command::Ps(args) => ps::list(&args).await,
            Command::Doctor(args) => doctor::look(&args).await,
            Command::Worktrees(args) => worktrees::see_to(&args).await,
            Command::Devices(args) => devices::see_to(&args).await,
            Command::Url(args) => task::url(&args),
            Command::Token(args) => task::token(&args),
        }
    })
}
