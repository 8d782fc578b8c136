//! `orchestrator doctor --try`: what a person would try first, from a goal to a bridge that is killed, with the demo agent and in
//! a place of its own that is gone afterwards. Each step says what was seen and how long that took.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use conductor::plan::awaits_approval;
use conductor::state::{Phase, Run, Standing, State, Task};
use conductor::status::{Kind as Stands, status};
use conductor::words;
use shared::agent::{ErrorClass, HarnessId};
use shared::api::{Finding, Verdict};
use shared::entry::{Draft, Kind};
use shared::id::{ProjectId, TaskId};
use shared::plan::{Access, PlannedTask};
use shared::retry::{Policy, Retry};
use shared::run::RunEnd;
use shared::unit::Millis;
use shared::wire::Want;
use tokio::time::timeout;

use self::ground::Ground;
use super::{DoctorArgs, bad, tell, warning, well};
use crate::clock;
use crate::headless::Harness;
use crate::headless::client::Client;
use crate::headless::place::Place;
use crate::headless::statement::drawn;
use crate::supervisor::END_WITH_BRIDGE;

mod ground;

/// For each thing that is waited for: what takes a second on a machine at rest.
const PATIENCE: Duration = Duration::from_secs(60);
/// For an answer of a real agent.
const ANSWER: Duration = Duration::from_secs(5 * 60);
const REMEDY: &str = "Run `orchestrator doctor` to see whether the set-up is well. If it is, report this with what stands here.";
/// A plan of three tasks, one after the other.
const GOAL: &str = "Try everything once. [[demo tasks=3 shape=chain]]";
const QUESTION: &str = "This is the first try of a new set-up. Answer directly with the one word: ready. Use no tool, plan nothing, change nothing.";

/// Tries it, tells of each step as it is made, and leaves nothing behind. The exit status is 1 when a step failed.
pub(super) async fn run(args: &DoctorArgs) -> anyhow::Result<ExitCode> {
    let harness = args.harness.map_or(HarnessId::Demo, Harness::into);
    let mut told = Told { json: args.json, bad: false };
    let ground = Ground::lay(args.config.as_deref(), harness == HarnessId::Demo)?;
    if harness != HarnessId::Demo {
        let what =
            format!("{harness} is asked one short question now, which uses tokens or money of its account");
        told.tell(&warning(
            what,
            "Ctrl-C ends it. Without --harness the built-in demo agent is tried, which costs nothing.",
        ));
    }
    let mut trial = Trial { ground, place: None, client: None, project: drawn(ProjectId::new) };
    let tried = tokio::select! {
        tried = trial.go(harness, &mut told) => tried,
        interrupted = tokio::signal::ctrl_c() => interrupted.map_err(Into::into).and_then(|()| bail!("it was interrupted")),
    };
    if let Err(error) = tried {
        let last = trial.ground.last_words();
        let remedy = if last.is_empty() {
            REMEDY.to_owned()
        } else {
            format!("{REMEDY} The bridge's last words: {last}")
        };
        told.tell(&bad(format!("{error:#}"), remedy));
    }
    let began = Instant::now();
    let ended = trial.end().await;
    for finding in trial.ground.clear(ended, harness == HarnessId::Demo) {
        told.tell(&Finding { what: timed(&finding.what, began), ..finding });
    }
    Ok(if told.bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The steps that were told.
struct Told {
    json: bool,
    bad: bool,
}

impl Told {
    fn tell(&mut self, finding: &Finding) {
        self.bad |= finding.verdict == Verdict::Bad;
        tell(finding, self.json);
    }

    /// A step that was made since then.
    fn step(&mut self, began: Instant, what: &str) {
        self.tell(&well(timed(what, began)));
    }
}

fn timed(what: &str, began: Instant) -> String {
    match began.elapsed().as_secs() {
        0 => format!("{what}, within a second"),
        secs => format!("{what}, after {}", words::span(Millis::from_secs(secs))),
    }
}

/// A bridge on ground of its own, and the person's connection to it.
struct Trial {
    ground: Ground,
    place: Option<Place>,
    client: Option<Client>,
    project: ProjectId,
}

impl Trial {
    async fn go(&mut self, harness: HarnessId, told: &mut Told) -> anyhow::Result<()> {
        let began = Instant::now();
        self.start().await?;
        told.step(began, "a bridge of its own was started");
        if harness != HarnessId::Demo {
            return self.asks(harness, told).await;
        }
        self.carries_out(told).await?;
        self.fails(told).await?;
        self.stops(told).await?;
        self.survives(told).await
    }

    /// One bridge, one client that decides.
    async fn start(&mut self) -> anyhow::Result<()> {
        let place = self.ground.bridge().await.context("no bridge could be started")?;
        let mut client = Client::connect(&place, "terminal").await?;
        client.want_baton(Want::Take).await?;
        (self.place, self.client) = (Some(place), Some(client));
        Ok(())
    }

    /// Ends the bridge, and what it may still have at work.
    async fn end(&mut self) -> anyhow::Result<()> {
        self.client = None;
        match self.place.take() {
            Some(place) => timeout(PATIENCE, place.leave()).await.context("the bridge does not end")??,
            None => return Ok(()),
        }
        ensure!(!self.ground.has_bridge(), "the bridge goes on although it was asked to end");
        Ok(())
    }

    /// A real agent answers a goal.
    async fn asks(&mut self, harness: HarnessId, told: &mut Told) -> anyhow::Result<()> {
        let began = Instant::now();
        self.until("the agents of this machine", PATIENCE, |state| !state.agents.is_empty()).await?;
        let found = self.state()?.agents.iter().find(|agent| agent.harness == harness);
        let found = found.with_context(|| {
            format!("{harness} was not found. Install it, or name its path in the configuration")
        })?;
        if let Some(problem) = &found.problem {
            bail!("{harness} ({}) {problem}", found.program);
        }
        let goal = self.states(QUESTION, harness, Access::ReadOnly).await?;
        let over = |task: &Task| task.current.is_none() && !task.runs.is_empty();
        self.until("its answer", ANSWER, |state| state.task(&goal).is_some_and(over)).await?;
        let task = self.task(&goal)?;
        match status(self.state()?, task) {
            status if status.kind == Stands::Completed || awaits_approval(task) => {
                let said = task
                    .result
                    .as_ref()
                    .map_or("a plan, though none was wanted", |result| result.summary.trim());
                told.step(
                    began,
                    &format!("{harness} answered: {}", said.chars().take(60).collect::<String>()),
                );
                Ok(())
            }
            status => {
                bail!("{harness} gave no answer: {}", words::reason(self.state()?, &status, clock::now()))
            }
        }
    }

    /// From a goal to what came of it.
    async fn carries_out(&mut self, told: &mut Told) -> anyhow::Result<()> {
        let began = Instant::now();
        let goal = self.states(GOAL, HarnessId::Demo, Access::Edit).await?;
        self.until("a plan", PATIENCE, |state| state.task(&goal).is_some_and(awaits_approval)).await?;
        let parts = self.task(&goal)?.children.clone();
        told.step(began, &format!("a goal was stated and came to a plan of {} tasks", parts.len()));
        let began = Instant::now();
        self.say(vec![Kind::PlanApproved { goal: goal.clone(), version: 1 }]).await?;
        let mut seen = BTreeSet::new();
        self.until("the end of all its tasks", PATIENCE, |state| {
            let phases = parts.iter().filter_map(|part| state.current(state.task(part)?));
            seen.extend(phases.filter_map(stage));
            state.task(&goal).is_some_and(|goal| status(state, goal).kind == Stands::Completed)
        })
        .await?;
        let unseen = ["ordered", "running"].into_iter().find(|stage| !seen.contains(stage));
        ensure!(
            unseen.is_none(),
            "its tasks were completed, and none was seen {}",
            unseen.unwrap_or_default()
        );
        told.step(began, "the plan was approved, its tasks were ordered, seen at work and completed, and the goal with them");
        Ok(())
    }

    /// What is made to fail is called failed, by its name.
    async fn fails(&mut self, told: &mut Told) -> anyhow::Result<()> {
        let began = Instant::now();
        let task = self.begins("Fail on purpose. [[demo fail]]").await?;
        let failed = |task: &Task| task.current.is_none() && task.is_over();
        self.until("its failure", PATIENCE, |state| state.task(&task).is_some_and(failed)).await?;
        match &self.task(&task)?.standing {
            Standing::Failed { class: class @ ErrorClass::TaskFailure, .. } => {
                told.step(
                    began,
                    &format!(
                        "a task that was made to fail is called failed ({})",
                        words::class_words(*class)
                    ),
                );
                Ok(())
            }
            other => bail!("a task that was made to fail came to {other:?}"),
        }
    }

    /// What is stopped in the middle ends, with its processes.
    async fn stops(&mut self, told: &mut Told) -> anyhow::Result<()> {
        let task = self.begins("Never end. [[demo hang]]").await?;
        self.at_work(&task).await?;
        let began = Instant::now();
        self.stop(&task).await?;
        told.step(began, "a task that was stopped in the middle is cancelled, and its processes are gone");
        Ok(())
    }

    /// A bridge that is killed takes no agent along, and the next one has it.
    async fn survives(&mut self, told: &mut Told) -> anyhow::Result<()> {
        let task = self.begins("Never end, whatever happens. [[demo hang]]").await?;
        self.at_work(&task).await?;
        let began = Instant::now();
        let before = self.ground.processes();
        let place = self.place.take().context("there is no bridge")?;
        self.client = None;
        place.kill().await?;
        if END_WITH_BRIDGE.is_none() {
            ensure!(self.ground.processes() == before, "the agent did not outlive its bridge");
        }
        self.start().await?;
        if let Some(known) = END_WITH_BRIDGE {
            self.until("what became of its agent", PATIENCE, |state| {
                state.task(&task).is_some_and(|task| task.runs.len() > 1)
            })
            .await?;
            self.stop(&task).await?;
            told.step(
                began,
                &format!("a bridge was killed and started again; its task went on anew ({known})"),
            );
            return Ok(());
        }
        self.at_work(&task).await?;
        ensure!(
            self.ground.processes() == before,
            "the agent is another one after the bridge was started again"
        );
        self.stop(&task).await?;
        let state = self.state()?;
        let lost = state.task(&task).into_iter().flat_map(|task| &task.runs).filter_map(|run| state.run(run));
        let lost =
            lost.filter(|run| matches!(run.phase, Phase::Read { end: RunEnd::Lost { .. }, .. })).count();
        ensure!(lost == 0, "the bridge that was started again knew nothing of the agent");
        told.step(began, "a bridge was killed under its agent and started again; the agent went on, was taken over and stopped");
        Ok(())
    }

    /// A goal with this one task for the demo agent, which begins at once.
    async fn begins(&mut self, objective: &str) -> anyhow::Result<TaskId> {
        let (goal, task) = (drawn(TaskId::new), drawn(TaskId::new));
        let planned = PlannedTask {
            retry: Some(Retry { policy: Policy::None, attempts: 1 }),
            ..PlannedTask::new(task.clone(), goal.clone(), objective, objective)
        };
        let (text, harness, access) = (objective.to_owned(), HarnessId::Demo, Access::Edit);
        self.begins_with(vec![
            Kind::GoalStated { task: goal.clone(), text, harness, access },
            Kind::PlanGiven { goal: goal.clone(), reply: String::new(), tasks: vec![planned] },
            Kind::PlanApproved { goal, version: 1 },
        ])
        .await?;
        Ok(task)
    }

    /// A goal that the agent of this kind plans and does.
    async fn states(&mut self, text: &str, harness: HarnessId, access: Access) -> anyhow::Result<TaskId> {
        let (task, text) = (drawn(TaskId::new), text.to_owned());
        self.begins_with(vec![Kind::GoalStated { task: task.clone(), text, harness, access }]).await?;
        Ok(task)
    }

    /// Says this of the project, which is opened with it.
    async fn begins_with(&mut self, mut kinds: Vec<Kind>) -> anyhow::Result<()> {
        let opened = Kind::ProjectOpened { folder: self.ground.project()?, name: "first try".to_owned() };
        kinds.insert(0, opened);
        self.say(kinds).await
    }

    async fn say(&mut self, kinds: Vec<Kind>) -> anyhow::Result<()> {
        let project = self.project.clone();
        let drafts = kinds.into_iter().map(|kind| Draft::new(Some(project.clone()), kind)).collect();
        self.client()?.intend(drafts).await
    }

    async fn at_work(&mut self, task: &TaskId) -> anyhow::Result<()> {
        let running = |state: &State| {
            let run = state.task(task).and_then(|task| state.current(task));
            run.is_some_and(|run| matches!(run.phase, Phase::Running { .. }))
        };
        self.until("its agent to begin", PATIENCE, running).await?;
        ensure!(
            !self.ground.processes().is_empty(),
            "an agent is said to run, and no process of it is there"
        );
        Ok(())
    }

    async fn stop(&mut self, task: &TaskId) -> anyhow::Result<()> {
        self.say(vec![Kind::TaskStopped { task: task.clone() }]).await?;
        let stopped = |state: &State| {
            let task = state.task(task);
            task.is_some_and(|task| status(state, task).kind == Stands::Cancelled && task.current.is_none())
        };
        self.until("its stop", PATIENCE, stopped).await?;
        let left = self.ground.processes();
        ensure!(left.is_empty(), "it is cancelled, and processes of it are left: {left:?}");
        Ok(())
    }

    /// Goes on, deciding what is to be decided, until the state is so.
    async fn until(
        &mut self,
        what: &str,
        patience: Duration,
        mut is: impl FnMut(&State) -> bool,
    ) -> anyhow::Result<()> {
        let client = self.client()?;
        let waited = timeout(patience, async {
            while !is(client.state()) {
                client.step().await?;
            }
            anyhow::Ok(())
        });
        if let Ok(ended) = waited.await {
            return ended.with_context(|| format!("while it waited for {what}"));
        }
        let span = words::span(Millis::from_secs(patience.as_secs()));
        bail!("it waited {span} for {what} in vain; {}", standing(self.state()?))
    }

    fn client(&mut self) -> anyhow::Result<&mut Client> {
        self.client.as_mut().context("there is no connection to the bridge")
    }

    fn state(&self) -> anyhow::Result<&State> {
        self.client.as_ref().map(Client::state).context("there is no connection to the bridge")
    }

    fn task(&self, id: &TaskId) -> anyhow::Result<&Task> {
        self.state()?.task(id).context("the task is not in the log")
    }
}

fn stage(run: &Run) -> Option<&'static str> {
    match run.phase {
        Phase::Requested => Some("ordered"),
        Phase::Running { .. } => Some("running"),
        Phase::Ended { .. } | Phase::Read { .. } => None,
    }
}

/// How everything stands that is not over, for whoever reads why something did not come.
fn standing(state: &State) -> String {
    let open = state.tasks.values().filter(|task| !task.is_over());
    let told = open.map(|task| {
        let status = status(state, task);
        format!("{:?}: {}", task.title, words::reason(state, &status, clock::now()))
    });
    let told: Vec<String> = told.collect();
    if told.is_empty() { "nothing is open".to_owned() } else { told.join("; ") }
}
