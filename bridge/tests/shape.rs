//! Where tasks stand in their tree, what waits for the person and what was used: from a terminal and over HTTP, in the same
//! words.

use anyhow::Context;
use serde_json::{Value, json};
use tests::request::call;
use tests::world::World;

const BIN: &str = env!("CARGO_BIN_EXE_orchestrator");

fn said(world: &World, args: &[&str], code: i32, words: &str) -> anyhow::Result<String> {
    let (found, said) = world.terminal(args)?;
    anyhow::ensure!(found == Some(code) && said.contains(words), "{args:?} {found:?}: {said}");
    Ok(said)
}

/// A goal that nobody plans, with three tasks of the person's own, as its plan stands now.
async fn built(world: &World) -> anyhow::Result<()> {
    let folder = world.project.display().to_string();
    let new = json!({"goal": "Open the shop", "folder": folder, "harness": "demo", "by_hand": true});
    let (status, told) = call(world, "POST /api/goals", &new).await?;
    anyhow::ensure!(status == 201, "{told}");
    for title in ["Find a place", "Sign the lease", "Paint it"] {
        let (status, told) =
            call(world, "POST /api/tasks/1/add", &json!({"title": title, "mode": "manual"})).await?;
        anyhow::ensure!(status == 200, "{told}");
    }
    Ok(())
}

async fn tree(world: &World) -> anyhow::Result<Vec<String>> {
    let (_, goal) = call(world, "GET /api/goals/1", &Value::Null).await?;
    let tasks = goal["tasks"].as_array().context("tasks")?;
    Ok(tasks.iter().skip(1).filter_map(|task| Some(task["task"].as_str()?.to_owned())).collect())
}

#[tokio::test]
async fn tasks_are_moved_removed_brought_back_and_put_in_order() -> anyhow::Result<()> {
    let world = World::attended(BIN).await?;
    built(&world).await?;
    said(&world, &["move", "1/3", "--to", "1"], 0, "")?;
    assert_eq!(tree(&world).await?, ["1/3", "1/1", "1/2"]);
    said(&world, &["move", "1/2", "--under", "1/1"], 0, "")?;
    assert_eq!(tree(&world).await?, ["1/3", "1/1", "1/2"], "numbers stay");
    said(&world, &["move", "1/1", "--under", "1/2"], 1, "that makes a cycle")?;
    said(&world, &["move", "1/1"], 2, "--under")?;
    said(&world, &["move", "1", "--to", "1"], 1, "the goal itself cannot be moved")?;
    said(&world, &["after", "1/3", "1/1"], 0, "")?;
    said(&world, &["after", "1/3", "1/1"], 1, "3 Paint it comes after 1 Find a place as it is")?;
    said(&world, &["after", "1/2", "1/3"], 1, "cycle")?;
    for (line, body, status, told) in [
        ("POST /api/tasks/1%2F2/after", json!({"add": ["1/3"]}), 409, "cycle"),
        // Each is looked at as it is after those before it.
        ("POST /api/tasks/1%2F2/after", json!({"add": ["1/3"], "drop": ["1/1"]}), 409, "does not come after"),
        ("POST /api/tasks/1%2F3/after", json!({"drop": ["1/1"]}), 200, ""),
        ("POST /api/tasks/1%2F2/after", json!({"add": ["1/3"]}), 200, ""),
        ("POST /api/tasks/1%2F2/after", json!({"add": ["1/9"]}), 409, "has no task 9"),
        ("POST /api/tasks/1%2F2/after", json!({}), 409, "say what it is to come after"),
        ("POST /api/tasks/1%2F2/move", json!({"to": 0}), 409, "at which place from 1 on"),
        ("POST /api/tasks/1%2F2/move", json!({"under": "1", "to": 1}), 200, ""),
        ("POST /api/tasks/1%2F1/bring-back", json!({}), 409, "1 Find a place was not removed"),
        ("POST /api/tasks/1/bring-back", json!({}), 409, "is not archived"),
        ("POST /api/tasks/1%2F1/remove", json!({}), 200, ""),
        ("POST /api/tasks/1%2F1/remove", json!({}), 404, "has no task 1"),
        ("POST /api/tasks/1%2F1/bring-back", json!({}), 200, ""),
    ] {
        let (found, answer) = call(&world, line, &body).await?;
        let error = answer["error"].as_str().unwrap_or_default();
        assert!(found == status && error.contains(told), "{line} {body} {found}: {answer}");
    }
    assert_eq!(tree(&world).await?, ["1/2", "1/3", "1/1"], "it is brought back to where it was");
    said(&world, &["remove", "1/3"], 0, "")?;
    assert_eq!(tree(&world).await?, ["1/2", "1/1"]);
    said(&world, &["bring-back", "1/3"], 0, "")?;
    said(&world, &["cancel", "1"], 0, "")?;
    said(&world, &["archive", "1"], 0, "")?;
    said(&world, &["bring-back", "1"], 0, "")?;
    said(&world, &["tasks"], 0, "1  Open the shop")?;
    Ok(())
}

#[tokio::test]
async fn what_waits_for_the_person_is_told_with_the_command_that_answers_it() -> anyhow::Result<()> {
    let world = World::attended(BIN).await?;
    said(&world, &["inbox"], 0, "Nothing waits for you.")?;
    built(&world).await?;
    said(&world, &["after", "1/2", "1/1"], 0, "")?;
    let told = said(&world, &["inbox"], 0, "Next: orchestrator approve 1")?;
    assert!(told.contains("If ignored: nothing of the plan begins."), "{told}");
    said(&world, &["approve", "1"], 0, "")?;
    // Whoever decides hands them over with the next breath.
    let asks = || async {
        loop {
            let (_, inbox) = call(&world, "GET /api/inbox", &Value::Null).await?;
            let asks = inbox.as_array().context("a list")?.clone();
            if asks.len() == 2 {
                return anyhow::Ok(asks);
            }
            let mut page = world.client("page").await?;
            page.until("the person's turn", |state| {
                let handed = |task: &&std::sync::Arc<conductor::state::Task>| {
                    task.standing == conductor::state::Standing::Yielded
                };
                state.tasks.values().filter(handed).count() == 2
            })
            .await?;
        }
    };
    let asks = asks().await?;
    let first = &asks[0];
    assert_eq!(
        (&first["task"], &first["ask"], &first["goal"], &first["title"]),
        (&json!("1/1"), &json!("do"), &json!("Open the shop"), &json!("Find a place"))
    );
    assert_eq!(first["next_step"], "orchestrator done 1/1 \"…\", or give-up 1/1 \"…\"");
    assert!(first["since"].as_u64() > Some(0) && first["if_ignored"].is_string(), "{first}");
    said(&world, &["inbox"], 0, "1/3  3 Paint it · Open the shop · Do it · ")?;
    let (_, second) = call(&world, "GET /api/tasks/1%2F2", &Value::Null).await?;
    assert_eq!(second["task"]["waker"], json!({"is": "tasks", "tasks": [first["id"]]}), "{second:#}");
    let (_, third) = call(&world, "GET /api/tasks/1%2F3", &Value::Null).await?;
    assert_eq!(third["task"]["waker"], json!({"is": "person"}));
    Ok(())
}

#[tokio::test]
async fn a_bound_that_a_task_waits_at_is_named_and_what_was_used_is_told() -> anyhow::Result<()> {
    let world = World::attended(BIN).await?;
    said(&world, &["usage"], 0, "In all: no agent has run.")?;
    said(&world, &["limits", "--parallel", "1"], 0, "")?;
    let task = |key: &str, objective: &str| json!({"key": key, "title": key, "objective": objective});
    let tasks = json!([task("a", "Do [[demo hang cost=7]]"), task("b", "Do [[demo cost=7]]")]);
    let plan = json!({"decision": "plan", "reply": "", "tasks": tasks});
    let new = json!({"goal": "Do", "folder": world.project, "harness": "demo", "plan": plan});
    let (status, stated) = call(&world, "POST /api/goals", &new).await?;
    assert_eq!(status, 201, "{stated}");
    let mut watcher = world.watcher("watcher").await?;
    watcher.until("the first to run", |state| state.active_runs() == 1).await?;
    let (_, waits) = call(&world, "GET /api/tasks/1%2F2", &Value::Null).await?;
    let bound = json!({"is": "room", "of": "parallel", "limit": 1, "words": "1 of 1 agents run"});
    assert_eq!(waits["task"]["waker"], bound, "{waits:#}");
    assert!(waits["task"]["reason"].as_str().is_some_and(|why| why.ends_with("1 of 1 agents run")));
    let (_, runs) = call(&world, "GET /api/tasks/1%2F1", &Value::Null).await?;
    assert_eq!(runs["task"]["waker"], json!({"is": "agent"}));
    said(&world, &["schedule", "1/2", "--in", "2h"], 0, "")?;
    let (_, later) = call(&world, "GET /api/tasks/1%2F2", &Value::Null).await?;
    let waker = &later["task"]["waker"];
    assert!(waker["is"] == "time" && waker["at"].as_u64() > later["task"]["since"].as_u64(), "{later:#}");
    assert!(later["task"]["since"].as_u64() >= waits["task"]["since"].as_u64(), "the schedule was set later");
    said(&world, &["schedule", "1/2", "--in", "0s"], 0, "")?;
    let (_, back) = call(&world, "GET /api/tasks/1%2F2", &Value::Null).await?;
    assert_eq!(back["task"]["waker"], bound, "{back:#}");
    said(&world, &["cancel", "1"], 0, "")?;
    watcher.until("the end", |state| state.active_runs() == 0 && state.unread.is_empty()).await?;
    let (_, usage) = call(&world, "GET /api/usage", &Value::Null).await?;
    assert_eq!(
        (&usage["each"][0]["harness"], &usage["together"]["runs"]),
        (&json!("demo"), &json!(1)),
        "{usage}"
    );
    let (_, none) = call(&world, "GET /api/usage?since=9999999999999", &Value::Null).await?;
    assert_eq!(none["together"]["runs"], 0);
    said(&world, &["usage"], 0, "Demo agent")?;
    Ok(())
}
