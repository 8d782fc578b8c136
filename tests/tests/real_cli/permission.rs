//! What Claude Code and Codex ask to be allowed: a rule answers at once, the person says no with a word and yes, and what was
//! denied is not done.

use conductor::permission::Reply;
use conductor::state::State;
use conductor::status::{Kind as Status, Reason, status};
use serde_json::json;
use shared::agent::HarnessId;
use shared::entry::Kind;
use shared::id::{ProjectId, RuleId, TaskId};
use shared::permission::{Permit, Rule as Allows, Scope, What};
use shared::plan::Access;
use tests::stub::{Rule, Step, Stub};
use tests::world::{Client, World};

use super::{begin, claude_at, codex_at, is, report, variable, world_of};

/// Waits until the task asks about this; gives the request.
async fn asks(client: &mut Client, task: &TaskId, about: &str) -> anyhow::Result<String> {
    let asked = |state: &State| match status(state, state.task(task)?).reason {
        Reason::Permission(ask) if ask.about().contains(about) => Some(ask.request),
        _ => None,
    };
    client.until(about, |state| asked(state).is_some()).await?;
    Ok(asked(client.state()).unwrap())
}

#[tokio::test]
async fn claude_code_asks_and_does_only_what_it_may() -> anyhow::Result<()> {
    let mut world = world_of("claude", &variable("CLAUDE_BIN")?)?;
    let file = world.project.join("made.txt");
    let bash = |line: &str| Step::Tool("Bash".to_owned(), json!({"command": line}));
    let write = Step::Tool("Write".to_owned(), json!({"file_path": file, "content": "made\n"}));
    let steps = vec![bash("touch one"), bash("touch two && rm -f one"), write, report("RESULT-alpha")];
    let stub = Stub::start(vec![Rule { when: "OBJECTIVE-alpha".to_owned(), steps }]).await?;
    claude_at(&mut world, &stub);
    world.set("ANTHROPIC_API_KEY", "dummy");
    asks_and_keeps_to_it(world, stub, HarnessId::Claude).await
}

#[tokio::test]
async fn codex_asks_and_does_only_what_it_may() -> anyhow::Result<()> {
    let mut world = world_of("codex", &variable("CODEX_BIN")?)?;
    let bash = |line: &str| Step::Tool("exec_command".to_owned(), json!({"cmd": line}));
    let rule = |when: &str, steps: Vec<Step>| Rule { when: when.to_owned(), steps };
    let (first, then) = (["touch one", "touch two && rm -f one"], "echo made > made.txt");
    let steps = first.into_iter().map(bash).collect();
    // Why not it reads as the person's newest words.
    let after = rule("KEEP-one", vec![bash(then), report("RESULT-alpha")]);
    let stub = Stub::start(vec![rule("OBJECTIVE-alpha", steps), after]).await?;
    codex_at(&mut world, &stub)?;
    asks_and_keeps_to_it(world, stub, HarnessId::Codex).await
}

/// It may touch; it may not remove, and it may make a file.
async fn asks_and_keeps_to_it(mut world: World, stub: Stub, harness: HarnessId) -> anyhow::Result<()> {
    world.start_bridge().await?;
    let mut client = world.client("page").await?;
    client.until("the agents", |state| !state.agents.is_empty()).await?;
    let touch = Allows {
        rule: RuleId::new("touch")?,
        permit: Permit::Allow,
        what: What::commands("touch").map_err(anyhow::Error::msg)?,
        scope: Scope::Project { project: ProjectId::new("project")? },
    };
    let task = begin(&mut client, &world, (harness, Access::Ask), vec![touch]).await?;

    let run = task.run(1);
    let answer = |request: String, permit, word: &str| Kind::PermissionAnswered {
        run: run.clone(),
        request,
        permit,
        word: word.to_owned(),
    };
    let request = asks(&mut client, &task, "rm -f one").await?;
    client.intend(answer(request, Permit::Deny, "KEEP-one")).await?;
    let request = asks(&mut client, &task, "made.txt").await?;
    client.intend(answer(request, Permit::Allow, "")).await?;
    client.until("its end", |state| is(state, &task, Status::Completed)).await?;

    let asks = &client.state().run(&run).unwrap().asks;
    let permits: Vec<(Permit, bool)> = asks
        .iter()
        .map(|asked| match &asked.reply {
            Reply::Sent { permit, by, .. } => (*permit, by.is_some()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(permits, [(Permit::Allow, true), (Permit::Deny, false), (Permit::Allow, false)]);
    let there = ["one", "two", "made.txt"].map(|name| world.project.join(name).exists());
    assert_eq!(there, [true, false, true]);
    assert!(stub.requests_with(&["KEEP-one"]) > 0, "the agent reads why not");
    client.all_taken()
}
