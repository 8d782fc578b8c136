//! What agents ask to be allowed, with real processes behind a real bridge: an answer reaches its agent once, whoever is
//! killed and however many answer, and the terminal and the REST API say what the page says.

#![expect(clippy::unwrap_used, reason = "tests")]

use conductor::State;
use conductor::permission::Reply;
use conductor::status::{Kind as Stands, status};
use serde_json::json;
use shared::agent::HarnessId;
use shared::entry::{Draft, Kind};
use shared::id::{ProjectId, RuleId, RunId, TaskId};
use shared::permission::{Permit, Rule, Scope, What};
use shared::plan::{Access, PlannedTask, Size};
use tests::request::call;
use tests::world::{Client, World};

const BIN: &str = env!("CARGO_BIN_EXE_orchestrator");

/// A goal of one task, whose agent asks before all that it does and begins with these commands.
async fn stated(world: &World, client: &mut Client, directive: &str) -> anyhow::Result<RunId> {
    let project = ProjectId::new("project")?;
    let folder = world.project.to_string_lossy().into_owned();
    let goal = TaskId::new(&format!("asks-{}", uuid::Uuid::now_v7()))?;
    let objective = format!("Do it. [[demo slow=1 {directive}]]");
    let part = TaskId::new(&format!("{goal}-part"))?;
    let tasks = ["a", "b", "c"].map(|name| PlannedTask {
        size: Some(Size::Light),
        mode: if name == "a" { shared::plan::Mode::Autonomous } else { shared::plan::Mode::Interactive },
        ..PlannedTask::new(
            if name == "a" { part.clone() } else { TaskId::new(&format!("{goal}-{name}")).unwrap() },
            goal.clone(),
            name,
            &*objective,
        )
    });
    let kinds = [
        Kind::ProjectOpened { folder, name: "project".to_owned() },
        Kind::GoalStated {
            task: goal.clone(),
            text: "Do it".to_owned(),
            harness: HarnessId::Demo,
            access: Access::Ask,
        },
        Kind::PlanGiven { goal: goal.clone(), reply: "So".to_owned(), tasks: tasks.to_vec() },
        Kind::PlanApproved { goal, version: 1 },
    ];
    client.append(kinds.map(|kind| Draft::new(Some(project.clone()), kind)).to_vec()).await?;
    Ok(part.run(1))
}

fn asks_now(state: &State, run: &RunId) -> Option<(String, String)> {
    let asked = state.run(run)?.asks_now()?;
    Some((asked.ask.request.clone(), asked.ask.about()))
}

/// Waits until the run asks this.
async fn asks(client: &mut Client, run: &RunId, about: &str) -> anyhow::Result<String> {
    let is = |state: &State| asks_now(state, run).is_some_and(|(_, own)| own == about);
    client.until(about, is).await?;
    Ok(asks_now(client.state(), run).unwrap().0)
}

fn answers(run: &RunId, request: &str, permit: Permit, word: &str) -> Kind {
    Kind::PermissionAnswered { run: run.clone(), request: request.to_owned(), permit, word: word.to_owned() }
}

/// All that the run wrote.
async fn said(world: &World, run: &RunId) -> anyhow::Result<String> {
    let (_, said) = world.get(&format!("/api/runs/{run}/output")).await?;
    Ok(String::from_utf8_lossy(&said).into_owned())
}

fn over(run: &RunId) -> impl Fn(&State) -> bool {
    move |state: &State| state.run(run).is_some_and(conductor::state::Run::is_read)
}

/// How often the log sends an answer to the run.
fn sent(client: &Client, run: &RunId) -> Vec<(Permit, Option<RuleId>)> {
    let asks = &client.state().run(run).unwrap().asks;
    let sent = asks.iter().map(|asked| match &asked.reply {
        Reply::Sent { permit, by, .. } => (*permit, by.clone()),
        other => panic!("{other:?}"),
    });
    sent.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_reaches_its_agent_once_past_a_bridge_that_is_killed_while_it_is_asked()
-> anyhow::Result<()> {
    let mut world = World::start(BIN).await?;
    let mut client = world.client("page").await?;
    let run = stated(&world, &mut client, "may=cargo_test may=rm_-rf_target").await?;
    let request = asks(&mut client, &run, "cargo test").await?;
    world.kill_bridge().await?;
    world.start_bridge().await?;
    let mut client = world.client("other").await?;
    assert_eq!(asks(&mut client, &run, "cargo test").await?, request, "it waits as before");
    let task = client.state().run(&run).unwrap().task.clone();
    assert_eq!(status(client.state(), client.state().task(&task).unwrap()).kind, Stands::Waiting);
    client.intend(answers(&run, &request, Permit::Allow, "")).await?;
    let next = asks(&mut client, &run, "rm -rf target").await?;
    world.kill_bridge().await?;
    world.start_bridge().await?;
    let mut client = world.client("third").await?;
    asks(&mut client, &run, "rm -rf target").await?;
    client.intend(answers(&run, &next, Permit::Deny, "Use cargo clean.")).await?;
    let note = asks(&mut client, &run, "demo/a.md").await?;
    client.intend(answers(&run, &note, Permit::Allow, "")).await?;
    client.until("its end", over(&run)).await?;
    let permits: Vec<Permit> = sent(&client, &run).into_iter().map(|(permit, _)| permit).collect();
    assert_eq!(permits, [Permit::Allow, Permit::Deny, Permit::Allow]);
    let said = said(&world, &run).await?;
    assert_eq!(said.matches("It may; but the demo agent runs nothing.").count(), 1, "{said}");
    assert_eq!(said.matches("Use cargo clean.").count(), 1);
    assert!(world.project.join("demo/a.md").exists());
    client.all_taken()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_answer_at_once_one_counts_and_both_know_which() -> anyhow::Result<()> {
    let world = World::start(BIN).await?;
    let mut client = world.client("page").await?;
    let mut other = world.watcher("phone").await?;
    let run = stated(&world, &mut client, "may=make").await?;
    let request = asks(&mut client, &run, "make").await?;
    asks(&mut other, &run, "make").await?;
    let (one, two) = tokio::join!(
        client.intend(answers(&run, &request, Permit::Allow, "")),
        other.intend(answers(&run, &request, Permit::Deny, "No.")),
    );
    one?;
    two?;
    let settled =
        |state: &State| state.run(&run).is_some_and(|run| matches!(run.asks[0].reply, Reply::Sent { .. }));
    client.until("one answer", settled).await?;
    other.until("the same", settled).await?;
    let reply = |client: &Client| client.state().run(&run).unwrap().asks[0].reply.clone();
    assert_eq!(reply(&client), reply(&other));
    let allowed = matches!(reply(&client), Reply::Sent { permit: Permit::Allow, by: None, .. });
    let request = asks(&mut client, &run, "demo/a.md").await?;
    client.intend(answers(&run, &request, Permit::Deny, "")).await?;
    client.until("its end", over(&run)).await?;
    let said = said(&world, &run).await?;
    assert_eq!(said.contains("It may; but"), allowed, "{said}");
    assert_eq!(said.contains("\"No.\""), !allowed);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_answers_at_once_and_deny_stands_above_it() -> anyhow::Result<()> {
    let world = World::start(BIN).await?;
    let mut client = world.client("page").await?;
    let rule = |name: &str, permit, what| Kind::RuleSaved {
        rule: Rule { rule: RuleId::new(name).unwrap(), permit, what, scope: Scope::Always },
    };
    client.intend(rule("cargo", Permit::Allow, What::commands("cargo").unwrap())).await?;
    client.intend(rule("push", Permit::Deny, What::commands("git push").unwrap())).await?;
    client.intend(rule("demo", Permit::Allow, What::Edits { under: "demo".to_owned() })).await?;
    let run = stated(&world, &mut client, "may=cargo_test may=cargo_test&&git_push").await?;
    client.until("its end, unasked", over(&run)).await?;
    let id = |name: &str| RuleId::new(name).ok();
    let expected = [(Permit::Allow, id("cargo")), (Permit::Deny, id("push")), (Permit::Allow, id("demo"))];
    assert_eq!(sent(&client, &run), expected);
    client.all_taken()
}

#[tokio::test(flavor = "multi_thread")]
async fn terminal_and_api_answer_and_try_rules_before_they_save_them() -> anyhow::Result<()> {
    let world = World::start(BIN).await?;
    let mut client = world.client("page").await?;
    let run = stated(&world, &mut client, "may=cargo_test_--all may=cargo_test_-p_x may=make").await?;
    asks(&mut client, &run, "cargo test --all").await?;
    let (_, text) = world.terminal(&["rules"])?;
    assert!(text.contains("1/1 asks whether it may run cargo test --all"), "{text}");
    let (_, text) = world.terminal(&["rules", "try", "allow", "--command", "cargo test"])?;
    assert!(
        text.contains(
            "Of 1 requests so far it would have decided 1 otherwise.\n  Bash cargo test --all (waiting)"
        ),
        "{text}"
    );
    let (_, text) = world.terminal(&["rules"])?;
    assert!(text.contains("No rules yet."), "{text}");
    let (code, text) = world.terminal(&["allow", "1/1", "--request", "another"])?;
    assert!(code != Some(0) && text.contains("there is no such request"), "{text}");
    let request = asks_now(client.state(), &run).unwrap().0;
    let (code, text) = world.terminal(&["allow", "1/1", "--request", &request, "--rule", "task"])?;
    assert_eq!(code, Some(0), "{text}");
    let told = "allow commands that begin with cargo test, for 1 a\nOf ";
    assert!(text.contains(told), "{text}");
    // The second command is decided by the rule that came with the first answer.
    asks(&mut client, &run, "make").await?;
    let (_, text) = world.terminal(&["rules"])?;
    assert!(text.contains("allow commands that begin with cargo test, for 1 a"), "{text}");
    let wanted =
        json!({"permit": "deny", "what": {"is": "commands", "words": ["make"]}, "scope": {"is": "always"}});
    let (code, body) = call(&world, "POST /api/rules/try", &wanted).await?;
    assert_eq!((code, body["would_decide"][0]["about"].as_str()), (200, Some("make")), "{body}");
    let (code, body) =
        call(&world, "POST /api/tasks/1%2F1/permission", &json!({"permit": "deny", "word": "Not now."}))
            .await?;
    assert_eq!(code, 200, "{body}");
    asks(&mut client, &run, "demo/a.md").await?;
    let (code, _) = world.terminal(&["deny", "1/1", "--word", "No notes."])?;
    assert_eq!(code, Some(0));
    client.until("its end", over(&run)).await?;
    let (code, body) = call(&world, "POST /api/tasks/1%2F1/permission", &json!({"permit": "allow"})).await?;
    assert_eq!(code, 409, "{body}");
    let (code, text) = world.terminal(&["allow", "1/1"])?;
    assert!(code != Some(0) && text.contains("asks nothing now"), "{text}");
    let rule = client.state().rules.keys().next().unwrap().to_string();
    let (code, text) = world.terminal(&["rules", "remove", &rule])?;
    assert_eq!(code, Some(0), "{text}");
    client.until("no rule", |state| state.rules.is_empty()).await
}
