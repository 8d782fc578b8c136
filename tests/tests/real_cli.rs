//! The real Claude Code and Codex, driven through the real bridge, with a model server of our own: plan,
//! approve, two tasks side by side, a tool call that writes a file, a resumed session, the summary.

#![expect(clippy::unwrap_used, reason = "a failing step is the test's result")]

use conductor::state::State;
use conductor::status::{Kind as Status, status};
use serde_json::{Value, json};
use shared::agent::HarnessId;
use shared::entry::{Draft, Kind};
use shared::id::{ProjectId, TaskId};
use shared::permission::Rule as Allows;
use shared::plan::{Access, Mode, PlannedTask, Size};
use tests::stub::{Rule, Step, Stub};
use tests::world::{Client, World};

#[path = "real_cli/agents.rs"]
mod agents;
#[path = "real_cli/faults.rs"]
mod faults;
#[path = "real_cli/first_try.rs"]
mod first_try;
#[path = "real_cli/permission.rs"]
mod permission;
#[path = "real_cli/restart.rs"]
mod restart;
#[path = "real_cli/terminal.rs"]
mod terminal;
#[path = "real_cli/told.rs"]
mod told;
#[path = "real_cli/tools.rs"]
mod tools;
#[path = "real_cli/trust.rs"]
mod trust;

fn variable(name: &str) -> anyhow::Result<String> {
    std::env::var(name)
        .map_err(|_| anyhow::anyhow!("{name} is not set; `cargo xtask test` installs the CLIs and sets it"))
}

fn report(summary: &str) -> Step {
    Step::Structured(
        json!({"outcome": "done", "summary": summary, "question": "", "options": [], "outputs": [], "not_done": [], "tasks": []}),
    )
}

fn task(key: &str, after: &[&str]) -> Value {
    json!({
        "key": key, "title": format!("Do {key}"), "objective": format!("OBJECTIVE-{key}"), "mode": "autonomous", "size": "light",
        "after": after, "parent": "", "inputs": [], "outputs": [], "command": "", "retry": "usual", "checks": [], "agent": "", "reviewer": "",
        "caps": {"cents": 0, "requests": 0, "minutes": 0, "tokens": 0},
    })
}

/// What the model answers; `write` is the tool call that makes `made.txt`.
fn rules(write: Step) -> Vec<Rule> {
    let plan = json!({"decision": "plan", "reply": "Three tasks.", "tasks": [task("alpha", &[]), task("beta", &[]), task("gamma", &["alpha"])]});
    let rule = |when: &str, steps: Vec<Step>| Rule { when: when.to_owned(), steps };
    vec![
        rule("# Plan this goal", vec![Step::Structured(plan)]),
        rule("# Sum up", vec![report("SUMMARY: all three are done.")]),
        rule("SAY IT AGAIN", vec![report("RESULT-again")]),
        rule("OBJECTIVE-alpha", vec![write, report("RESULT-alpha")]),
        rule("OBJECTIVE-beta", vec![report("RESULT-beta")]),
        rule("OBJECTIVE-gamma", vec![report("RESULT-gamma")]),
    ]
}

fn is(state: &State, task: &TaskId, wished: Status) -> bool {
    state.task(task).is_some_and(|task| status(state, task).kind == wished)
}

/// Opens the project and states a goal there with the task `alpha`, which begins at once, and two that wait for the person;
/// `rules` hold from before that.
async fn begin(
    client: &mut Client,
    world: &World,
    (harness, access): (HarnessId, Access),
    rules: Vec<Allows>,
) -> anyhow::Result<TaskId> {
    let (project, goal) = (ProjectId::new("project")?, TaskId::new("goal")?);
    let part = |name: &str, mode| {
        let objective = format!("OBJECTIVE-{name}");
        let planned = PlannedTask::new(TaskId::new(name)?, goal.clone(), name, objective);
        anyhow::Ok(PlannedTask { size: Some(Size::Light), mode, ..planned })
    };
    let tasks = vec![
        part("alpha", Mode::Autonomous)?,
        part("beta", Mode::Interactive)?,
        part("gamma", Mode::Interactive)?,
    ];
    let alpha = tasks[0].task.clone();
    let folder = world.project.to_string_lossy().into_owned();
    let opened = Kind::ProjectOpened { folder, name: "project".to_owned() };
    let begun = [
        Kind::GoalStated { task: goal.clone(), text: "Do it".to_owned(), harness, access },
        Kind::PlanGiven { goal: goal.clone(), reply: "So".to_owned(), tasks },
        Kind::PlanApproved { goal, version: 1 },
    ];
    let kinds =
        [opened].into_iter().chain(rules.into_iter().map(|rule| Kind::RuleSaved { rule })).chain(begun);
    client.append(kinds.map(|kind| Draft::new(Some(project.clone()), kind)).collect()).await?;
    Ok(alpha)
}

async fn journey(world: &World, stub: &Stub, harness: HarnessId) -> anyhow::Result<Client> {
    let mut client = world.client("page").await?;
    client.until("the agents", |state| state.agents.iter().any(|agent| agent.harness == harness)).await?;
    let goal = world.goal(&mut client, "Make three things", harness).await?;
    let proposed = |state: &State| conductor::plan::awaits_approval(state.task(&goal).unwrap());
    client.until("a plan", proposed).await?;
    client.intend(Kind::PlanApproved { goal: goal.clone(), version: 1 }).await?;
    client.until("the summary", |state| is(state, &goal, Status::Completed)).await?;
    let state = client.state();
    let summary = &state.task(&goal).unwrap().result.as_ref().unwrap().summary;
    assert!(summary.contains("SUMMARY"), "{summary}");
    assert_eq!(std::fs::read_to_string(world.project.join("made.txt"))?.trim(), "made");

    // Each prompt holds its own objective and the results it depends on, and nothing of its siblings.
    let prompts = stub.prompts();
    let of = |key: &str| {
        prompts.iter().find(|prompt| prompt.starts_with(&format!("# Your task: Do {key}"))).unwrap()
    };
    assert!(!of("beta").contains("alpha") && !of("alpha").contains("beta") && !of("gamma").contains("beta"));
    assert!(of("gamma").contains("RESULT-alpha"));

    let first = state.task(&goal).unwrap().children[1].clone();
    let session = state.task(&first).unwrap().session.clone();
    assert!(session.is_some());
    client.say(&first, "SAY IT AGAIN").await?;
    let again = |state: &State| {
        state.task(&first).unwrap().result.as_ref().is_some_and(|result| result.summary == "RESULT-again")
    };
    client.until("the resumed turn", again).await?;
    assert_eq!(client.state().task(&first).unwrap().session, session, "the same session goes on");
    client.all_taken()?;
    Ok(client)
}

fn world_of(agent: &str, program: &str) -> anyhow::Result<World> {
    configured(&format!("[agents.{agent}]\nprogram = {program:?}\n"))
}

fn configured(text: &str) -> anyhow::Result<World> {
    let mut world = World::prepare(variable("ORCHESTRATOR_BIN")?)?;
    let config = world.home.path().join("config.toml");
    std::fs::write(&config, text)?;
    world.argument("--config");
    world.argument(&config.to_string_lossy());
    Ok(world)
}

#[tokio::test]
async fn claude_code_works_through_a_plan() -> anyhow::Result<()> {
    let mut world = world_of("claude", &variable("CLAUDE_BIN")?)?;
    let file = world.project.join("made.txt");
    let write = Step::Tool("Write".to_owned(), json!({"file_path": file, "content": "made\n"}));
    let stub = Stub::start(rules(write)).await?;
    claude_at(&mut world, &stub);
    world.set("ANTHROPIC_API_KEY", "dummy");
    world.start_bridge().await?;
    let client = journey(&world, &stub, HarnessId::Claude).await?;
    let state = client.state();
    let spend = state.task(&state.goals[0]).unwrap().spend;
    assert!(spend.known.0 > 0 && spend.unknown_runs == 0, "Claude says what it cost: {spend:?}");
    Ok(())
}

#[tokio::test]
async fn codex_works_through_a_plan() -> anyhow::Result<()> {
    let mut world = world_of("codex", &variable("CODEX_BIN")?)?;
    let write = Step::Tool("exec_command".to_owned(), json!({"cmd": "echo made > made.txt"}));
    let stub = Stub::start(rules(write)).await?;
    codex_at(&mut world, &stub)?;
    world.start_bridge().await?;
    let client = journey(&world, &stub, HarnessId::Codex).await?;
    let state = client.state();
    let spend = state.task(&state.goals[0]).unwrap().spend;
    assert!(spend.known.0 == 0 && spend.unknown_runs > 0, "Codex does not say what it cost: {spend:?}");
    Ok(())
}

/// Claude Code asks the stub, and nobody else.
fn claude_at(world: &mut World, stub: &Stub) {
    world.set("ANTHROPIC_BASE_URL", &stub.url());
    for name in [
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
        "DISABLE_AUTOUPDATER",
        "DISABLE_TELEMETRY",
        "DISABLE_ERROR_REPORTING",
    ] {
        world.set(name, "1");
    }
}

/// Codex asks the stub, and nobody else.
fn codex_at(world: &mut World, stub: &Stub) -> anyhow::Result<()> {
    let home = world.home.path().join("codex");
    std::fs::create_dir(&home)?;
    let config = format!(
        "model = \"gpt-5.5-codex\"\nmodel_provider = \"stub\"\ncheck_for_update_on_startup = false\n[model_providers.stub]\nname = \"stub\"\n\
         base_url = \"{}/v1\"\nwire_api = \"responses\"\nenv_key = \"STUB_API_KEY\"\nrequest_max_retries = 2\nstream_max_retries = 2\n\
         [analytics]\nenabled = false\n",
        stub.url()
    );
    std::fs::write(home.join("config.toml"), config)?;
    world.set("CODEX_HOME", &home.to_string_lossy());
    world.set("STUB_API_KEY", "dummy");
    Ok(())
}
