//! The work as scripts and monitors read it: what `--json` prints and the REST API answers.

use std::collections::BTreeMap;

use conductor::budget;
use conductor::health::{Warning, warnings};
use conductor::library::template_of;
use conductor::persona;
use conductor::planning::Plan;
use conductor::proof::{commits, reviews};
use conductor::reviewer;
use conductor::state::{Message, Phase, State, Task};
use conductor::status::{Kind as Stands, Reason, Waker, status};
use conductor::words;
use serde::Serialize;
use shared::agent::{ErrorClass, HarnessId};
use shared::context::{Charter, Cut, Section};
use shared::entry::Purpose;
use shared::evidence::CommitOutcome;
use shared::plan::Size;
use shared::unit::Millis;
use utoipa::ToSchema;

use super::caps::CapsJson;
use super::next;
use super::own::OwnJson;
use super::rules::RequestView;
use super::task::reference;
use super::waker::WakerView;
use crate::clock;

/// A task, or a goal, which is the top of its tasks.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TaskView {
    /// How these commands name it: `3` is the third goal, `3/2.1` a task of it.
    task: String,
    id: String,
    title: String,
    /// `waiting`, `failed`, `limited`, `active`, `review`, `pending`, `completed` or `cancelled`.
    status: &'static str,
    /// Why, in words.
    reason: String,
    /// What it asks the person.
    question: Option<String>,
    /// What its agent asks to be allowed; it waits until it is answered.
    permission: Option<RequestView>,
    failure: Option<Failure>,
    /// The commands of a terminal that help where it waits for the person or failed.
    next_step: Option<String>,
    /// When what it waits for by itself is over, in milliseconds since 1970: a limit, a retry, an agent that fails.
    resumes: Option<u64>,
    /// What will change that.
    waker: WakerView,
    /// Since when it has this status, in milliseconds since 1970.
    since: u64,
    /// `claude`, `codex`, `demo` or `command`: what does it.
    #[schema(value_type = String)]
    harness: HarnessId,
    /// `light`, `standard` or `heavy`: how hard it is, which chooses the model where nobody did.
    #[schema(value_type = String)]
    size: Size,
    /// Of its next turn of work; nothing where that chooses itself.
    model: Option<String>,
    /// The template by whose guidelines it is done.
    template: Option<String>,
    /// What of these, and of when it gets its turn, was chosen for it alone.
    own: OwnJson,
    /// What it and all below it cost, as far as is known.
    usd: f64,
    /// What, beyond that, tokens tell of runs that go on and of those that told no cost.
    estimated_usd: f64,
    /// Runs whose cost nobody knows.
    unknown_costs: u32,
    /// What it and all below it may spend.
    budget_usd: Option<f64>,
    /// Why somebody should look although it goes on, the most urgent first.
    warnings: Vec<WarningView>,
}

/// A warning; nothing is done about it by itself.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WarningView {
    /// `stalled`, `slow`, `long`, `near` or `heavy`.
    class: &'static str,
    what: String,
    next_step: &'static str,
}

impl WarningView {
    fn of(warning: Warning, now: Millis) -> Self {
        let class = match warning {
            Warning::Stalled { .. } => "stalled",
            Warning::Slow { .. } => "slow",
            Warning::Long { .. } => "long",
            Warning::Near(_) => "near",
            Warning::Heavy { .. } => "heavy",
        };
        Self { class, what: words::warning(warning, now), next_step: words::remedy(warning) }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Failure {
    #[schema(value_type = String)]
    class: ErrorClass,
    why: String,
}

/// How a task comes to its parts.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PlanView {
    /// `wanted`, `proposed`, `refused`, `approved`, `answered`, `rejected`, or `unsplit`, whose
    /// worker would split it and cannot like that.
    plan: &'static str,
    /// Of the plan, 0 before the first.
    version: u32,
    /// What is wrong with the answer.
    problems: Vec<String>,
}

impl PlanView {
    /// Nothing for a task that nobody thought of splitting.
    fn of(task: &Task) -> Option<Self> {
        let planning = task.planning.as_ref()?;
        let (plan, problems) = match &planning.plan {
            Plan::Wanted => ("wanted", Vec::new()),
            Plan::Proposed { .. } => ("proposed", Vec::new()),
            Plan::Refused { problems } => ("refused", problems.clone()),
            Plan::Approved { .. } => ("approved", Vec::new()),
            Plan::Answered => ("answered", Vec::new()),
            Plan::Unsplit { problems } => ("unsplit", problems.clone()),
            Plan::Rejected => ("rejected", Vec::new()),
        };
        Some(Self { plan, version: planning.version, problems })
    }
}

/// A goal with all its tasks, parents first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct GoalView {
    /// `wanted`, `proposed`, `refused`, `approved` or `answered`.
    plan: &'static str,
    /// Of the plan, 0 before the first.
    version: u32,
    /// What is wrong with the planner's answer.
    problems: Vec<String>,
    folder: String,
    /// Of the worktree that it works in; nothing where it works in a folder of the person's.
    #[serde(skip_serializing_if = "Option::is_none")]
    branch: Option<String>,
    /// How its tasks go about it, in Markdown.
    rules: String,
    /// What they should know, by name.
    facts: BTreeMap<String, String>,
    tasks: Vec<TaskView>,
}

/// A task with what it is to reach and what came of it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TaskDetails {
    task: TaskView,
    objective: String,
    /// `autonomous`, `hybrid` or `interactive`.
    mode: &'static str,
    plan: Option<PlanView>,
    /// How far it goes by itself, by its own caps and those that hold for all tasks.
    caps: CapsJson,
    /// What the person wrote that no turn has carried yet, the oldest first.
    waiting: Vec<WaitingView>,
    /// Which agent of the person's own does it.
    agent: Option<String>,
    /// `light`, `standard` or `heavy`: how hard it is, which chooses the model.
    #[schema(value_type = String)]
    size: Size,
    /// Why it has that size, where nobody chose it.
    sizing: Option<String>,
    /// Ids of the tasks that it comes after.
    after: Vec<String>,
    /// Files or facts that it needs.
    inputs: Vec<String>,
    /// Answers to choose from, where it asks.
    options: Vec<String>,
    /// Whose result it was given instead of a turn of its own, in words.
    reused: Option<String>,
    summary: Option<String>,
    outputs: Vec<String>,
    not_done: Vec<String>,
    /// What has to hold before it counts as done, such as `custom_command:npm test`.
    checks: Vec<String>,
    /// Whether another agent reviews it.
    reviewed: bool,
    /// Who, where it is: `auto`, `other`, `claude`, `codex`, `codex:MODEL`, `model:MODEL` or an agent's name.
    reviewer: String,
    /// Whether what it makes is committed.
    commits: bool,
    /// The hash of the commit of its last work.
    commit: Option<String>,
    /// What was shown of its last work: checks, then the review, then the commit.
    shown: Vec<ShownView>,
    runs: Vec<RunView>,
}

/// What the person wrote and can still take back.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WaitingView {
    message: String,
    text: String,
    /// When it was written, in milliseconds since 1970.
    at: u64,
    /// The turn that runs is to read it.
    now: bool,
    /// Its task was stopped since: it goes along with the next turn, and starts none.
    held: bool,
}

impl WaitingView {
    fn of(message: &Message) -> Self {
        let Message { id, text, at, held, urged } = message;
        Self { message: id.to_string(), text: text.clone(), at: at.0, now: *urged, held: *held }
    }
}

/// One thing that was shown of a task's last work.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ShownView {
    /// A check, `review` or `commit`.
    what: String,
    /// What is wrong; nothing where it holds.
    problems: Vec<String>,
}

/// One process that worked on it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RunView {
    id: String,
    /// `requested`, `running` or `ended`.
    phase: &'static str,
    /// `plan`, `work`, `summary`, `talk`, `classify`, `diagnose`, `base`, `check`, `review`, `repair`, `commit` or `after`.
    #[schema(value_type = String)]
    purpose: Purpose,
    model: Option<String>,
    tokens_in: u64,
    tokens_out: u64,
    /// Nothing where the agent does not say.
    usd: Option<f64>,
    /// What its tokens tell so far, where that is known of its model.
    estimated_usd: Option<f64>,
    /// Why it reviews in the place of who was chosen to.
    replaced: Option<String>,
    /// What it used of the processor, once it has ended and where the system told.
    cpu_ms: Option<u64>,
    /// Bytes that the largest of its processes had resident at most; likewise.
    memory: Option<u64>,
    /// What of its words did not fit, such as `results`.
    cut: Vec<CutView>,
}

/// A part of a run's words that was cut to fit `limits --words`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CutView {
    #[schema(value_type = String)]
    section: Section,
    bytes: u64,
    of: u64,
}

impl TaskView {
    pub(super) fn of(state: &State, task: &Task) -> Self {
        let (status, now) = (status(state, task), clock::now());
        let (spend, harness) = (task.account.spend, state.harness_of(task));
        let question = match &status.reason {
            Reason::Asks(question) => Some(question.clone()),
            _ => None,
        };
        let failure = match &status.reason {
            Reason::Failure { class, why } if status.kind == Stands::Failed => {
                Some(Failure { class: *class, why: why.clone() })
            }
            _ => None,
        };
        let resumes = match status.waker() {
            Waker::Clock(at) => Some(at.0),
            _ => None,
        };
        let permission =
            state.current(task).and_then(|run| Some(RequestView::of(state, run, run.asks_now()?)));
        Self {
            waker: WakerView::of(state, task, &status, now),
            resumes,
            permission,
            task: reference(state, task),
            id: task.id.to_string(),
            title: task.title.clone(),
            status: status.kind.token(),
            reason: words::says(state, task, &status, now),
            question,
            failure,
            next_step: next::step(state, task),
            since: status.since_at(now).0,
            harness,
            size: task.size,
            model: state.model_of(task, harness, task.size).map(str::to_owned),
            template: template_of(state, task).map(|shelf| shelf.template.name.clone()),
            own: OwnJson::of(state, task),
            usd: spend.known.as_usd(),
            estimated_usd: (spend.estimated + task.account.running).as_usd(),
            unknown_costs: spend.unknown_runs,
            budget_usd: budget::envelope(state, task).map(|envelope| envelope.budget.as_usd()),
            warnings: warnings(state, task, now).into_iter().map(|it| WarningView::of(it, now)).collect(),
        }
    }
}

impl GoalView {
    /// Nothing for a task that is no goal.
    pub(super) fn of(state: &State, task: &Task) -> Option<Self> {
        let PlanView { plan, version, problems } = PlanView::of(task).filter(|_| task.is_goal())?;
        let folder = state.projects.get(&task.project).map(|project| project.folder.clone());
        let branch = state.worktree_of(&task.project).map(|kept| kept.worktree.branch.clone());
        let tasks = state.subtree(&task.id).into_iter().map(|task| TaskView::of(state, task)).collect();
        let Charter { rules, facts } =
            task.goal.as_ref().map(|goal| goal.charter.clone()).unwrap_or_default();
        let facts = facts.into_iter().map(|fact| (fact.key, fact.value)).collect();
        let folder = folder.unwrap_or_default();
        Some(Self { plan, version, problems, folder, branch, rules, facts, tasks })
    }
}

/// Answers that its agent proposes to what it asks.
pub(super) fn options(task: &Task) -> &[String] {
    match &task.standing {
        conductor::state::Standing::Asked { options, .. } => options,
        _ => &[],
    }
}

impl TaskDetails {
    pub(super) fn of(state: &State, task: &Task) -> Self {
        let result = task.result.clone();
        let options = options(task).to_vec();
        Self {
            task: TaskView::of(state, task),
            objective: task.objective.clone(),
            mode: words::mode_token(task.mode),
            plan: PlanView::of(task),
            caps: CapsJson::of(budget::caps(state, task)),
            waiting: task.queue.iter().map(WaitingView::of).collect(),
            size: task.size,
            sizing: words::sizing(state, task),
            agent: persona::of(state, task).map(|persona| persona.name.clone()),
            after: task.after.iter().map(ToString::to_string).collect(),
            inputs: task.inputs.clone(),
            options,
            reused: words::reused(state, task),
            summary: result.as_ref().map(|result| result.summary.clone()),
            outputs: result.as_ref().map(|result| result.outputs.clone()).unwrap_or_default(),
            not_done: result.map(|result| result.not_done).unwrap_or_default(),
            checks: task.evidence.checks.iter().map(ToString::to_string).collect(),
            reviewed: reviews(state, task),
            reviewer: reviewer::words(state, reviewer::wished(state, task)),
            commits: commits(state, task),
            commit: match &task.proof.commit {
                Some(CommitOutcome::Made { commit, .. }) => Some(commit.clone()),
                _ => None,
            },
            shown: ShownView::all(task),
            runs: task.runs.iter().filter_map(|run| state.run(run)).map(RunView::of).collect(),
        }
    }
}

impl ShownView {
    fn all(task: &Task) -> Vec<Self> {
        let made = task.proof.checked.iter().map(|made| Self {
            what: made.check.to_string(),
            problems: made.problem.iter().cloned().collect(),
        });
        let review = task.proof.review.iter();
        let review =
            review.map(|review| Self { what: "review".to_owned(), problems: review.findings.clone() });
        let commit = task.proof.commit.iter().map(|outcome| Self {
            what: "commit".to_owned(),
            problems: match outcome {
                CommitOutcome::Made { left, .. } => left.clone(),
                CommitOutcome::Nothing { why } => vec![why.clone()],
                CommitOutcome::Failed { problem } => vec![problem.clone()],
            },
        });
        made.chain(review).chain(commit).collect()
    }
}

impl RunView {
    fn of(run: &conductor::state::Run) -> Self {
        let (phase, cost) = match &run.phase {
            Phase::Requested => ("requested", None),
            Phase::Running { .. } => ("running", None),
            Phase::Ended { .. } => ("ended", None),
            Phase::Read { report, .. } => ("ended", report.cost),
        };
        Self {
            id: run.id.to_string(),
            phase,
            purpose: run.purpose,
            model: run.model.clone(),
            tokens_in: run.tokens.input,
            tokens_out: run.tokens.output,
            usd: cost.map(shared::unit::MicroUsd::as_usd),
            estimated_usd: run.estimate.filter(|_| cost.is_none()).map(shared::unit::MicroUsd::as_usd),
            replaced: run.replaced.clone(),
            cpu_ms: run.used.map(|used| used.cpu.0),
            memory: run.used.map(|used| used.memory.0),
            cut: run.cuts.iter().map(CutView::of).collect(),
        }
    }
}

impl CutView {
    fn of(cut: &Cut) -> Self {
        Self { section: cut.section, bytes: cut.bytes.0, of: cut.of.0 }
    }
}
