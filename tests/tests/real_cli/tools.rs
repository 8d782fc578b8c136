//! Tools of the person's own: the configuration gives them to an agent by its command line alone, each call is asked for
//! where the person wants to be asked, and what they need of the environment stands nowhere else.

use conductor::state::State;
use conductor::status::{Kind as Status, Reason, status};
use serde_json::json;
use shared::agent::HarnessId;
use shared::entry::{Draft, Kind};
use shared::id::{ProjectId, RuleId, TaskId};
use shared::permission::{Permit, Rule as Allows, Scope, What};
use shared::plan::Access;
use tests::stub::{Rule, Step, Stub};
use tests::world::{Client, World};

use super::{claude_at, codex_at, configured, is, report, variable};

const TOKEN: &str = "sealed-0123456789";
const NOTE: &str = "mcp__tracker__note";

/// A world in which agents have the tool `tracker`, whose notes stand in the file `notes` of the project.
fn world_with_a_tool(agent: &str, program: &str) -> anyhow::Result<World> {
    let server = env!("CARGO_BIN_EXE_tool-server");
    // By its folder, which is its run's.
    let mut world = configured(&format!(
        "[agents.{agent}]\nprogram = {program:?}\n[tools.tracker]\ncommand = [{server:?}, \"notes\"]\n\
        env = [\"TRACKER_TOKEN\"]\neverywhere = true\n"
    ))?;
    world.set("TRACKER_TOKEN", TOKEN);
    Ok(world)
}

/// The task `alpha` of an agent that has the tool.
async fn begin(
    client: &mut Client,
    world: &World,
    harness: HarnessId,
    access: Access,
) -> anyhow::Result<TaskId> {
    client.until("the agents", |state| state.agents.iter().any(|agent| agent.tools == ["tracker"])).await?;
    super::begin(client, world, (harness, access), Vec::new()).await
}

/// The request in which the task asks to use the tool, other than `before`.
async fn asks(client: &mut Client, task: &TaskId, before: &str) -> anyhow::Result<String> {
    let asked = |state: &State| match status(state, state.task(task)?).reason {
        Reason::Permission(ask) if ask.tool == NOTE && ask.request != before => Some(ask.request),
        _ => None,
    };
    client.until("its question", |state| asked(state).is_some()).await?;
    Ok(asked(client.state()).unwrap())
}

fn has(bytes: &[u8], words: &str) -> bool {
    bytes.windows(words.len()).any(|window| window == words.as_bytes())
}

/// Whether the token stands in what is stored, or on a command line that everybody can see.
fn token_is_out(world: &World) -> anyhow::Result<bool> {
    let data = world.home.path().join("data");
    let stored =
        ["log.db", "log.db-wal"].map(|name| std::fs::read(data.join(name)).unwrap_or_default()).concat();
    assert!(has(&stored, &format!("noted one with {}", "*".repeat(TOKEN.len()))), "its answer is there");
    let lines = std::fs::read_dir("/proc")?.flatten().map(|entry| entry.path().join("cmdline"));
    let shown = lines.flat_map(std::fs::read).any(|line| has(&line, TOKEN));
    Ok(shown || has(&stored, TOKEN))
}

#[tokio::test]
async fn claude_code_asks_for_each_call_of_a_tool() -> anyhow::Result<()> {
    let mut world = world_with_a_tool("claude", &variable("CLAUDE_BIN")?)?;
    let note = |text: &str| Step::Tool(NOTE.to_owned(), json!({"text": text}));
    let steps = vec![note("one"), note("two"), note("three"), report("RESULT-alpha")];
    let stub = Stub::start(vec![Rule { when: "OBJECTIVE-alpha".to_owned(), steps }]).await?;
    claude_at(&mut world, &stub);
    world.set("ANTHROPIC_API_KEY", "dummy");
    asks_for_each_call(world, stub, HarnessId::Claude).await
}

#[tokio::test]
async fn codex_asks_for_each_call_of_a_tool() -> anyhow::Result<()> {
    let mut world = world_with_a_tool("codex", &variable("CODEX_BIN")?)?;
    let note = |text: &str| Step::Tool("mcp__tracker/note".to_owned(), json!({"text": text}));
    let rule = |when: &str, steps: Vec<Step>| Rule { when: when.to_owned(), steps };
    // Why not it reads as the person's newest words.
    let after = rule("NOT-two", vec![note("three"), report("RESULT-alpha")]);
    let stub = Stub::start(vec![rule("OBJECTIVE-alpha", vec![note("one"), note("two")]), after]).await?;
    codex_at(&mut world, &stub)?;
    asks_for_each_call(world, stub, HarnessId::Codex).await
}

/// The first is allowed, the second denied with a word, and the third what a rule then says.
async fn asks_for_each_call(mut world: World, stub: Stub, harness: HarnessId) -> anyhow::Result<()> {
    world.start_bridge().await?;
    let mut client = world.client("page").await?;
    let task = begin(&mut client, &world, harness, Access::Ask).await?;

    let run = task.run(1);
    let answer = |request: &str, permit, word: &str| Kind::PermissionAnswered {
        run: run.clone(),
        request: request.to_owned(),
        permit,
        word: word.to_owned(),
    };
    let first = asks(&mut client, &task, "").await?;
    client.intend(answer(&first, Permit::Allow, "")).await?;
    let second = asks(&mut client, &task, &first).await?;
    assert!(stub.requests_with(&[&format!("noted one with {TOKEN}")]) > 0, "the tool has its token");
    assert!(!token_is_out(&world)?);
    let what = What::Tool { name: NOTE.to_owned() };
    let scope = Scope::Project { project: ProjectId::new("project")? };
    let rule = Allows { rule: RuleId::new("note")?, permit: Permit::Allow, what, scope };
    // Together: a decision between the two would be overtaken by the second.
    let said = [answer(&second, Permit::Deny, "NOT-two"), Kind::RuleSaved { rule }];
    client
        .append(said.map(|kind| Draft::new(Some(ProjectId::new("project").unwrap()), kind)).to_vec())
        .await?;
    client.until("its end", |state| is(state, &task, Status::Completed)).await?;
    assert_eq!(std::fs::read_to_string(world.project.join("notes"))?, "one\nthree\n");
    let settings = std::fs::read_to_string(world.home.path().join(".claude.json")).unwrap_or_default();
    assert!(!settings.contains("tracker"), "{settings}");
    client.all_taken()
}

#[tokio::test]
async fn codex_uses_a_tool_where_it_may_edit() -> anyhow::Result<()> {
    let mut world = world_with_a_tool("codex", &variable("CODEX_BIN")?)?;
    let note = Step::Tool("mcp__tracker/note".to_owned(), json!({"text": "one"}));
    let rule = Rule { when: "OBJECTIVE-alpha".to_owned(), steps: vec![note, report("RESULT-alpha")] };
    let stub = Stub::start(vec![rule]).await?;
    codex_at(&mut world, &stub)?;
    world.start_bridge().await?;
    let mut client = world.client("page").await?;
    let task = begin(&mut client, &world, HarnessId::Codex, Access::Edit).await?;
    client.until("its end", |state| is(state, &task, Status::Completed)).await?;
    assert_eq!(std::fs::read_to_string(world.project.join("notes"))?, "one\n");
    assert!(stub.requests_with(&[&format!("noted one with {TOKEN}")]) > 0, "the tool has its token");
    client.all_taken()
}
