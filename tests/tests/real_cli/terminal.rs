//! The real CLIs in a terminal of a task: what they ask at their first start is seen and answered there, their first words are
//! the task, what they wrote stands on the screen, they go on with the session of the task's own turns, and end when asked.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use conductor::state::{Phase, Run, Standing, State, Task};
use conductor::terminal::{last, opened};
use serde_json::{Value, json};
use shared::agent::HarnessId;
use shared::entry::{Draft, Kind};
use shared::id::{ProjectId, RunId, TaskId};
use shared::plan::{Access, Mode, PlannedTask};
use shared::run::{RunEnd, Window};
use tests::stub::{Rule, Step, Stub};
use tests::world::{Client, World};
use tokio::process::Command;

use super::{claude_at, codex_at, report, variable, world_of};

/// Before words stand on a screen; nothing tells of that moment, so it is looked at again and again.
const PATIENCE: Duration = Duration::from_secs(100);
const PAUSE: Duration = Duration::from_millis(100);
/// Before a key that may have come too early is pressed again.
const AGAIN: Duration = Duration::from_secs(5);
const WINDOW: Window = Window { rows: 40, cols: 110 };

/// A person at the terminals of one task that is done together with them.
struct Seat {
    world: World,
    client: Client,
    task: TaskId,
}

impl Seat {
    async fn take(world: World, harness: HarnessId, access: Access) -> anyhow::Result<Self> {
        let mut client = world.client("page").await?;
        client.until("the agents", |state| state.agents.iter().any(|agent| agent.harness == harness)).await?;
        let project = ProjectId::new("project")?;
        let folder = world.project.to_string_lossy().into_owned();
        let (goal, task) = (TaskId::new("goal")?, TaskId::new("alpha")?);
        let planned = PlannedTask::new(task.clone(), goal.clone(), "Do alpha", "OBJECTIVE-alpha");
        let tasks = vec![PlannedTask { mode: Mode::Interactive, ..planned }];
        let said = [
            Kind::ProjectOpened { folder, name: "project".to_owned() },
            Kind::GoalStated { task: goal.clone(), text: "Do it".to_owned(), harness, access },
            Kind::PlanGiven { goal: goal.clone(), reply: String::new(), tasks },
            Kind::PlanApproved { goal, version: 1 },
        ];
        client.append(said.map(|kind| Draft::new(Some(project.clone()), kind)).into()).await?;
        client.until("the task", |state| state.task(&task).is_some()).await?;
        Ok(Self { world, client, task })
    }

    fn task(&self) -> anyhow::Result<&Task> {
        self.client.state().task(&self.task).context("no task")
    }

    async fn opens(&mut self) -> anyhow::Result<RunId> {
        self.client.intend(Kind::TerminalOpened { task: self.task.clone(), window: WINDOW }).await?;
        let begun = |state: &State| {
            let run = state.task(&self.task).and_then(|task| opened(state, task));
            run.is_some_and(|run| matches!(run.phase, Phase::Running { .. }))
        };
        self.client.until("its terminal", begun).await?;
        let run = opened(self.client.state(), self.task()?).context("no terminal")?;
        Ok(run.id.clone())
    }

    /// Waits until these words stand on it, or stood before they were scrolled away; with all that does.
    async fn shows(&mut self, words: &str) -> anyhow::Result<String> {
        self.shows_within(words, PATIENCE).await
    }

    async fn shows_within(&mut self, words: &str, patience: Duration) -> anyhow::Result<String> {
        let began = Instant::now();
        loop {
            let (_, answer) = self.world.get(&format!("/api/tasks/{}/terminal?all=true", self.task)).await?;
            let shown: Value = serde_json::from_slice(&answer)?;
            let text = shown["text"].as_str().context("no screen")?.to_owned();
            if text.contains(words) {
                return Ok(text);
            }
            ensure!(began.elapsed() < patience, "no {words:?} in\n{text}");
            // A client that takes nothing would be taken for one that hangs.
            tokio::select! {
                stepped = self.client.step() => drop(stepped?),
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }

    async fn types(&mut self, run: &RunId, text: &str) -> anyhow::Result<()> {
        self.client.intend(Kind::TerminalTyped { run: run.clone(), text: text.to_owned() }).await
    }

    /// Presses a key until these words stand there: a question takes no answer in its first moment.
    async fn insists(&mut self, run: &RunId, key: &str, words: &str) -> anyhow::Result<String> {
        let began = Instant::now();
        loop {
            self.types(run, key).await?;
            match self.shows_within(words, AGAIN).await {
                Err(error) if began.elapsed() > PATIENCE => return Err(error),
                Err(_) => {}
                shown => return shown,
            }
        }
    }

    /// Types words, and Enter when they stand there: both at once would be taken for something pasted.
    async fn says(&mut self, run: &RunId, words: &str) -> anyhow::Result<()> {
        self.types(run, words).await?;
        self.shows(words).await?;
        self.types(run, "\r").await
    }

    /// How the last terminal ended, once it has.
    async fn ended(&mut self) -> anyhow::Result<RunEnd> {
        let end = |state: &State| {
            let run =
                state.task(&self.task).and_then(|task| last(state, task)).map(|run: &Run| run.phase.clone());
            match run {
                Some(Phase::Read { end, .. }) => Some(end),
                _ => None,
            }
        };
        self.client.until("its end", |state| end(state).is_some()).await?;
        end(self.client.state()).context("no end")
    }

    /// Asks it to end, which it does by itself.
    async fn closes(&mut self, run: &RunId) -> anyhow::Result<()> {
        self.client.intend(Kind::TerminalClosed { run: run.clone() }).await?;
        let end = self.ended().await?;
        ensure!(!matches!(end, RunEnd::Signalled { signal: 9 }), "it had to be ended by force");
        ensure!(self.task()?.standing == Standing::Yielded, "{:?}", self.task()?.standing);
        Ok(())
    }

    /// A turn of the task's own, without a terminal.
    async fn works(&mut self, words: &str, result: &str) -> anyhow::Result<()> {
        self.client.say(&self.task, words).await?;
        let done = |state: &State| {
            let result_of = state.task(&self.task).and_then(|task| task.result.as_ref());
            result_of.is_some_and(|known| known.summary == result)
        };
        self.client.until("its turn", done).await
    }
}

async fn stub() -> anyhow::Result<Stub> {
    let rule = |when: &str, steps: Vec<Step>| Rule { when: when.to_owned(), steps };
    let write = json!({"cmd": "touch made.txt"});
    Stub::start(vec![
        rule("SAY IT AGAIN", vec![Step::Text("WORDS-again".to_owned())]),
        rule(
            "TRY TO WRITE",
            vec![Step::Tool("exec_command".to_owned(), write), Step::Text("WORDS-tried".to_owned())],
        ),
        rule("REPORT NOW", vec![report("RESULT-now")]),
        rule("OBJECTIVE-alpha", vec![Step::Text("WORDS-alpha".to_owned())]),
    ])
    .await
}

/// What was said in the task's own turn is what the terminal goes on from.
async fn goes_on(seat: &mut Seat, stub: &Stub) -> anyhow::Result<RunId> {
    seat.works("REPORT NOW", "RESULT-now").await?;
    let run = seat.opens().await?;
    seat.shows("REPORT NOW").await?;
    seat.says(&run, "SAY IT AGAIN").await?;
    seat.shows("WORDS-again").await?;
    let (now, before) =
        (stub.requests_with(&["SAY IT AGAIN"]), stub.requests_with(&["SAY IT AGAIN", "REPORT NOW"]));
    ensure!(before > 0, "{now} requests, none of which knows what was said before");
    Ok(run)
}

#[tokio::test]
async fn claude_code_is_worked_with_in_a_terminal() -> anyhow::Result<()> {
    let mut world = world_of("claude", &variable("CLAUDE_BIN")?)?;
    let stub = stub().await?;
    claude_at(&mut world, &stub);
    world.set("ANTHROPIC_API_KEY", "dummy");
    // It was begun by hand before: what it shows at its very first start needs its provider.
    let settings = world.home.path().join(".claude.json");
    std::fs::write(&settings, r#"{"hasCompletedOnboarding": true}"#)?;
    world.start_bridge().await?;
    let mut seat = Seat::take(world, HarnessId::Claude, Access::Edit).await?;
    // It asks about a folder that it does not know, with a no in front, and ends by that.
    let run = seat.opens().await?;
    seat.shows("Yes, I trust this folder").await?;
    seat.insists(&run, "\r", "this folder isn't trusted").await?;
    ensure!(seat.ended().await? == RunEnd::Exited { code: 1 });
    ensure!(seat.task()?.standing == Standing::Yielded, "an agent that ends so has not failed the task");
    // The person has said yes meanwhile, and that its key may be used.
    let mut known: Value = serde_json::from_slice(&std::fs::read(&settings)?)?;
    known["projects"][seat.world.project.to_string_lossy().as_ref()]["hasTrustDialogAccepted"] = json!(true);
    known["customApiKeyResponses"] = json!({"approved": ["dummy"], "rejected": []});
    std::fs::write(&settings, known.to_string())?;
    let run = seat.opens().await?;
    let shown = seat.shows("WORDS-alpha").await?;
    ensure!(shown.contains("OBJECTIVE-alpha"), "its first words are the task: {shown}");
    seat.closes(&run).await?;
    let run = goes_on(&mut seat, &stub).await?;
    seat.says(&run, "/exit").await?;
    ensure!(seat.ended().await? == RunEnd::Exited { code: 0 });
    seat.client.all_taken()
}

#[tokio::test]
async fn codex_is_worked_with_in_a_terminal() -> anyhow::Result<()> {
    let mut world = world_of("codex", &variable("CODEX_BIN")?)?;
    let stub = stub().await?;
    codex_at(&mut world, &stub)?;
    // It asks about a folder that is under version control, and about no other.
    let made = Command::new("git").args(["init", "--quiet"]).current_dir(&world.project).status().await?;
    ensure!(made.success(), "no git");
    world.start_bridge().await?;
    let mut seat = Seat::take(world, HarnessId::Codex, Access::Ask).await?;
    let run = seat.opens().await?;
    seat.shows("Trust and continue").await?;
    let shown = seat.insists(&run, "\r", "WORDS-alpha").await?;
    ensure!(shown.contains("OBJECTIVE-alpha"), "its first words are the task: {shown}");
    // Who has to be asked writes nothing unasked.
    seat.says(&run, "TRY TO WRITE").await?;
    seat.shows("WORDS-tried").await?;
    ensure!(!seat.world.project.join("made.txt").exists(), "it wrote, and nobody was asked");
    seat.closes(&run).await?;
    let run = goes_on(&mut seat, &stub).await?;
    seat.says(&run, "/quit").await?;
    ensure!(seat.ended().await? == RunEnd::Exited { code: 0 });
    seat.client.all_taken()
}
