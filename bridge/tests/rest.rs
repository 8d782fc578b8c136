//! The REST API, as a monitor and a tool use it: nothing of it but a token, JSON, and the log's numbers.

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tests::world::World;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;

const BIN: &str = env!("CARGO_BIN_EXE_orchestrator");

/// A call with these headers beside the usual ones; its status and its JSON, null where there is none.
async fn send(
    world: &World,
    line: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> anyhow::Result<(u16, Value)> {
    let mut text = format!(
        "{line} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n",
        world.host()?,
        body.len()
    );
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    let answer = world.http(&format!("{text}\r\n{body}")).await?;
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).context("no status")?;
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    Ok((status, serde_json::from_str(body).unwrap_or_default()))
}

async fn call(world: &World, line: &str, body: &Value) -> anyhow::Result<(u16, Value)> {
    let token = format!("Bearer {}", world.secret()?);
    send(world, line, &[("Authorization", &token)], &body.to_string()).await
}

/// Follows the log from after an entry on.
struct Events(
    Lines<BufReader<OwnedReadHalf>>,
    #[expect(dead_code, reason = "keeps the connection")] tokio::net::tcp::OwnedWriteHalf,
);

impl Events {
    async fn after(world: &World, last: u64) -> anyhow::Result<Self> {
        let (reading, mut writing) = TcpStream::connect(world.host()?).await?.into_split();
        let request = format!(
            "GET /api/events HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nLast-Event-ID: {last}\r\n\r\n",
            world.host()?,
            world.secret()?
        );
        writing.write_all(request.as_bytes()).await?;
        Ok(Self(BufReader::new(reading).lines(), writing))
    }

    /// The next entry and the number that came with it.
    async fn next(&mut self) -> anyhow::Result<(u64, Value)> {
        let (mut id, mut data) = (None, None);
        loop {
            let line = tokio::time::timeout(std::time::Duration::from_secs(60), self.0.next_line()).await??;
            let line = line.context("the stream ended")?;
            if let Some(number) = line.strip_prefix("id: ") {
                id = Some(number.parse()?);
            } else if let Some(json) = line.strip_prefix("data: ") {
                data = Some(serde_json::from_str(json)?);
            }
            if let (Some(id), Some(data)) = (id, data.clone()) {
                return Ok((id, data));
            }
        }
    }

    async fn until(&mut self, wished: impl Fn(&Value) -> bool) -> anyhow::Result<u64> {
        loop {
            let (seq, entry) = self.next().await?;
            if wished(&entry) {
                return Ok(seq);
            }
        }
    }
}

fn settled(entry: &Value, task: &str) -> bool {
    entry["body"]["kind"] == "task_settled" && entry["body"]["task"] == task
}

#[tokio::test]
async fn a_goal_is_stated_approved_answered_and_watched_without_a_page() -> anyhow::Result<()> {
    let world = World::attended(BIN).await?;
    let folder = world.project.display().to_string();
    let text = "Build it. [[demo tasks=3]] [[task 1: ask]] [[task 2: fail-once]]";
    let new = json!({"goal": text, "folder": folder, "harness": "demo", "budget_usd": 5});
    let (status, stated) = call(&world, "POST /api/goals", &new).await?;
    ensure!(status == 201, "{stated}");
    let (goal, seq) =
        (stated["id"].as_str().context("an id")?.to_owned(), stated["seq"].as_u64().context("a seq")?);
    let mut events = Events::after(&world, seq).await?;
    let proposed = events.until(|entry| entry["body"]["kind"] == "plan_proposed").await?;
    let (_, view) = call(&world, &format!("GET /api/goals/{goal}"), &json!({})).await?;
    assert_eq!(
        (&view["plan"], &view["version"], view["tasks"].as_array().map(Vec::len)),
        (&json!("proposed"), &json!(1), Some(4))
    );
    assert_eq!(view["tasks"][0]["budget_usd"], 5.0);
    let (status, approved) = call(&world, &format!("POST /api/tasks/{goal}/approve"), &json!({})).await?;
    ensure!(status == 200 && approved["seq"].as_u64() > Some(proposed), "{approved}");
    let (first, second) = (format!("{goal}~1"), format!("{goal}~2"));
    // Two monitors see the same; one was cut off and goes on from what it has.
    events.until(|entry| settled(entry, &first)).await?;
    let mut resumed = Events::after(&world, proposed).await?;
    let (next, _) = resumed.next().await?;
    assert_eq!(next, proposed + 1, "nothing is missed");
    resumed.until(|entry| settled(entry, &second)).await?;
    let (_, asked) = call(&world, &format!("GET /api/tasks/{first}"), &json!({})).await?;
    assert_eq!(asked["task"]["status"], "waiting");
    ensure!(asked["task"]["question"].is_string() && asked["runs"][0]["usd"].as_f64() > Some(0.0), "{asked}");
    let (status, said) =
        call(&world, &format!("POST /api/tasks/{first}/answer"), &json!({"text": "The first."})).await?;
    ensure!(status == 200, "{said}");
    let (_, failed) = call(&world, &format!("GET /api/tasks/{second}"), &json!({})).await?;
    assert_eq!(
        (&failed["task"]["status"], &failed["task"]["failure"]["class"]),
        (&json!("failed"), &json!("task_failure"))
    );
    let (status, _) = call(&world, "POST /api/tasks/1%2F2/retry", &json!({})).await?;
    assert_eq!(status, 200, "as the terminal names it");
    resumed.until(|entry| settled(entry, &goal)).await?;
    let (_, goals) = call(&world, "GET /api/goals", &json!({})).await?;
    assert_eq!((&goals[0]["status"], goals.as_array().map(Vec::len)), (&json!("completed"), Some(1)));
    Ok(())
}

#[tokio::test]
async fn a_plan_of_ones_own_a_budget_and_a_stop() -> anyhow::Result<()> {
    let world = World::attended(BIN).await?;
    let task = |key: &str, objective: &str| json!({"key": key, "title": key, "objective": objective});
    let plan = |tasks: Value| json!({"decision": "plan", "reply": "", "tasks": tasks});
    let new = |plan: Value| json!({"goal": "Do", "folder": world.project, "harness": "demo", "plan": plan});
    let twice = plan(json!([task("a", "Do"), task("a", "Do")]));
    let (status, refused) = call(&world, "POST /api/goals", &new(twice)).await?;
    ensure!(
        status == 422 && refused["error"].as_str().is_some_and(|why| why.contains("given twice")),
        "{refused}"
    );
    let tasks = json!([task("a", "Do [[demo hang]]"), task("b", "Do [[demo cost=7]]")]);
    let (status, stated) = call(&world, "POST /api/goals", &new(plan(tasks))).await?;
    ensure!(status == 201, "{stated}");
    let goal = stated["id"].as_str().context("an id")?.to_owned();
    let mut events = Events::after(&world, 0).await?;
    events.until(|entry| settled(entry, &format!("{goal}~2"))).await?;
    let (status, _) = call(&world, &format!("POST /api/tasks/{goal}~1/budget"), &json!({"usd": 2.5})).await?;
    assert_eq!(status, 200);
    let (_, view) = call(&world, &format!("GET /api/tasks/{goal}~1"), &json!({})).await?;
    assert_eq!((&view["task"]["status"], &view["task"]["budget_usd"]), (&json!("active"), &json!(2.5)));
    let (status, _) = call(&world, &format!("POST /api/tasks/{goal}~1/cancel"), &json!({})).await?;
    assert_eq!(status, 200);
    events.until(|entry| settled(entry, &goal)).await?;
    let (status, over) = call(&world, &format!("POST /api/tasks/{goal}/cancel"), &json!({})).await?;
    ensure!(status == 409 && over["next_step"].is_string(), "{over}");
    Ok(())
}

/// Every problem is JSON with a next step, and the description names every route.
#[tokio::test]
async fn what_is_wrong_is_said_in_json_with_a_next_step() -> anyhow::Result<()> {
    let world = World::attended(BIN).await?;
    let folder = world.project.display().to_string();
    let long = "x".repeat(1_100_000);
    for (line, body, status) in [
        ("GET /api/goals/7", json!({}), 404),
        ("GET /api/tasks/nobody", json!({}), 404),
        ("GET /api/nothing", json!({}), 404),
        ("DELETE /api/goals", json!({}), 405),
        ("POST /api/goals", json!({"goal": "Do"}), 422),
        ("POST /api/goals", json!({"goal": " ", "folder": folder}), 422),
        ("POST /api/goals", json!({"goal": "Do", "folder": "/nowhere/at/all", "harness": "demo"}), 422),
        ("POST /api/goals", json!({"goal": "Do", "folder": folder, "harness": "gemini"}), 422),
        ("POST /api/goals", json!({"goal": "Do", "folder": folder, "budget_usd": -1}), 422),
        ("POST /api/goals", json!({"goal": "Do", "folder": folder, "typo": 1}), 422),
        ("POST /api/goals", json!({"goal": long, "folder": folder}), 413),
        ("POST /api/tasks/1/answer", json!("words"), 422),
        ("POST /api/tasks/1/schedule", json!({"priority": 1}), 404),
        ("POST /api/tasks/1/on-failure", json!({"policy": "perhaps"}), 422),
        ("POST /api/tasks/1/on-failure", json!({"policy": "same"}), 404),
        ("POST /api/tasks/1/edit", json!({"size": "huge"}), 422),
        ("POST /api/tasks/1/edit", json!({"size": "light"}), 404),
        ("GET /api/tasks/%FF", json!({}), 400),
        ("GET /api/events?after=now", json!({}), 400),
        // Of a log that is no more: what this one has up to there would be left out.
        ("GET /api/events?after=1000000", json!({}), 409),
        ("GET /api/usage?since=today", json!({}), 400),
        ("GET /api/tasks/1/terminal?all=perhaps", json!({}), 400),
    ] {
        let (found, told) = call(&world, line, &body).await?;
        let words = |name: &str| told[name].as_str().is_some_and(|words| !words.is_empty());
        ensure!(found == status && words("error") && words("next_step"), "{line} {found}: {told}");
    }
    let (_, described) = call(&world, "GET /api/openapi.json", &json!({})).await?;
    let paths = described["paths"].as_object().context("no paths")?;
    assert_eq!(paths.len(), 60, "{paths:?}");
    for (path, calls) in paths {
        let refused = "/responses/4XX/content/application~1json/schema/$ref";
        let refuses = |(_, call): (_, &Value)| {
            call.pointer(refused).is_some_and(|problem| problem == "#/components/schemas/Problem")
        };
        ensure!(calls.as_object().into_iter().flatten().all(refuses), "{path} never refuses");
        let (status, told) = call(&world, &format!("OPTIONS {path}"), &json!({})).await?;
        assert_eq!(status, 405, "{path} is there: {told}");
    }
    assert_eq!(described["components"]["securitySchemes"]["token"]["scheme"], "bearer");
    Ok(())
}

#[tokio::test]
async fn a_token_opens_the_api_alone_and_never_from_a_page() -> anyhow::Result<()> {
    let world = World::attended(BIN).await?;
    let (right, wrong) = (format!("Bearer {}", world.secret()?), format!("Bearer {}", "x".repeat(43)));
    let own = format!("http://{}", world.host()?);
    let cookie = world.enter().await?;
    for (line, headers, status) in [
        ("GET /api/goals", vec![("Authorization", right.as_str())], 200),
        ("GET /api/goals", vec![], 403),
        ("GET /api/goals", vec![("Authorization", &wrong)], 401),
        ("GET /api/goals", vec![("Authorization", world.secret()?)], 403),
        // Another page that learnt it; our own page needs its cookie as ever.
        ("GET /api/goals", vec![("Authorization", &right), ("Origin", "http://evil.example")], 403),
        ("GET /api/goals", vec![("Authorization", &right), ("Sec-Fetch-Site", "cross-site")], 403),
        ("GET /api/goals", vec![("Authorization", &right), ("Origin", &own)], 401),
        ("GET /api/goals", vec![("Cookie", &cookie), ("Origin", &own)], 200),
        ("GET /api/goals", vec![("Cookie", &cookie)], 403),
        ("GET /ws", vec![("Authorization", &right)], 403),
    ] {
        let (found, told) = send(&world, line, &headers, "{}").await?;
        assert_eq!(found, status, "{line} {headers:?}: {told}");
    }
    let request = format!(
        "POST /api/goals HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nAuthorization: {right}\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{{}}",
        world.host()?
    );
    ensure!(world.http(&request).await?.starts_with("HTTP/1.1 415"), "only JSON");
    let elsewhere = request.replace(world.host()?, "evil.example");
    ensure!(world.http(&elsewhere).await?.starts_with("HTTP/1.1 421"), "not by another name");
    // Who guesses is turned away, and who knows is not.
    for _ in 0..25 {
        send(&world, "GET /api/goals", &[("Authorization", &wrong)], "{}").await?;
    }
    let (status, _) = send(&world, "GET /api/goals", &[("Authorization", &wrong)], "{}").await?;
    assert_eq!(status, 429);
    let (status, _) = send(&world, "GET /api/goals", &[("Authorization", &right)], "{}").await?;
    assert_eq!(status, 200);
    Ok(())
}

#[tokio::test]
async fn a_plan_is_built_done_by_hand_and_read_as_a_document() -> anyhow::Result<()> {
    let world = World::attended(BIN).await?;
    let folder = world.project.display().to_string();
    let new = json!({"goal": "Open the shop", "folder": folder, "harness": "demo", "by_hand": true});
    let (_, stated) = call(&world, "POST /api/goals", &new).await?;
    let mut events = Events::after(&world, stated["seq"].as_u64().context("a seq")?).await?;
    for (line, body, status) in [
        ("POST /api/tasks/1/approve", json!({}), 409),
        ("PUT /api/goals/1/charter", json!({"rules": "Use no red.", "facts": {"door": "oak"}}), 200),
        ("PUT /api/goals/1/charter", json!({"facts": {" ": "oak"}}), 409),
        ("POST /api/tasks/1/add", json!({"title": "Sign the lease"}), 200),
        ("POST /api/tasks/1%2F1/mode", json!({"mode": "manual"}), 200),
        ("POST /api/tasks/1%2F1/done", json!({}), 409),
        ("POST /api/tasks/1/approve", json!({}), 200),
        ("POST /api/tasks/1%2F1/requeue", json!({}), 409),
        ("POST /api/tasks/1%2F1/give-up", json!({"why": " "}), 409),
        ("POST /api/tasks/1%2F1/give-up", json!({"why": "Closed."}), 200),
        ("POST /api/tasks/1%2F1/done", json!({"words": "Signed."}), 200),
    ] {
        let (found, told) = call(&world, line, &body).await?;
        ensure!(found == status, "{line} {found}: {told}");
    }
    let goal = stated["id"].as_str().context("an id")?.to_owned();
    events.until(|entry| settled(entry, &goal)).await?;
    let (_, view) = call(&world, "GET /api/goals/1", &json!({})).await?;
    assert_eq!((&view["rules"], &view["facts"]), (&json!("Use no red."), &json!({"door": "oak"})));
    let request = format!(
        "GET /api/tasks/1/document HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\r\n",
        world.host()?,
        world.secret()?
    );
    let answer = world.http(&request).await?;
    ensure!(
        answer.contains("text/markdown") && answer.contains("- [x] 1 Sign the lease · by you\n"),
        "{answer}"
    );
    ensure!(answer.contains("### 1 Sign the lease\n\nSigned.\n"), "{answer}");
    Ok(())
}

/// The doctor, the page and the API take it from one place.
#[cfg(unix)]
#[tokio::test]
async fn the_version_of_a_cli_is_said_with_how_far_it_was_tested() -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt;

    let mut world = World::prepare(BIN)?;
    let home = world.home.path().to_owned();
    let (claude, codex) = (home.join("claude"), home.join("codex"));
    for (program, said) in [(&claude, "99.0.1 (Claude Code)"), (&codex, "codex-cli 0.1.0")] {
        std::fs::write(program, format!("#!/bin/sh\necho '{said}'\n"))?;
        std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o755))?;
    }
    let config = home.join("config.toml");
    let agents = format!("[agents.claude]\nprogram = {claude:?}\n[agents.codex]\nprogram = {codex:?}\n");
    let tool = "command = [\"env\"]\nenv = [\"NOT_SET\"]\nagents = [\"codex\"]\neverywhere = true\n";
    let worker = "agents = [\"claude\"]\nwrap = [\"env\"]\n";
    let gone = "agents = [\"demo\"]\nwrap = [\"no-such-wrapper\"]\n";
    let beside = format!("[tools.tracker]\n{tool}[workers.box]\n{worker}[workers.gone]\n{gone}");
    std::fs::write(&config, agents + &beside)?;
    for argument in ["--config", &config.to_string_lossy()] {
        world.argument(argument);
    }
    world.start_bridge().await?;
    let mut client = world.watcher("watcher").await?;
    client.until("the agents", |state| !state.agents.is_empty()).await?;
    let (status, harnesses) = call(&world, "GET /api/harnesses", &Value::Null).await?;
    let tested = |name: &str| {
        let rows = harnesses.as_array().into_iter().flatten();
        rows.clone().find(|row| row["name"] == name).map(|row| (&row["tested"], row["next_step"].is_null()))
    };
    assert_eq!(status, 200);
    let newer = json!("untested, newer than 2.1.329");
    assert_eq!(tested("Claude Code"), Some((&newer, false)));
    assert_eq!(tested("Codex"), Some((&json!("too old, 0.169.0 was tested"), false)));
    assert_eq!(tested("Demo agent"), Some((&Value::Null, true)), "{harnesses}");
    let rows: Vec<_> = harnesses.as_array().into_iter().flatten().collect();
    let given =
        |name: &str| rows.iter().find(|row| row["name"] == name).map(|row| (&row["tools"], &row["worker"]));
    assert_eq!(given("Claude Code"), Some((&json!([]), &json!("box"))));
    assert_eq!(given("Codex"), Some((&json!(["tracker"]), &Value::Null)));

    let (_, said) = world.terminal(&["doctor", "--config", &config.to_string_lossy()])?;
    for words in [
        "warning  Claude Code 99.0.1 (Started by box): untested, newer than 2.1.329",
        "Codex 0.1.0 (Tools: tracker): too old",
        "Update it.",
        "warning  the tool tracker needs NOT_SET, which is not set",
        "the worker box is called by",
        "BAD      the worker gone cannot be called: no-such-wrapper is not there",
    ] {
        ensure!(said.contains(words), "{words}: {said}");
    }
    Ok(())
}

#[tokio::test]
async fn a_terminal_is_opened_read_typed_into_and_closed() -> anyhow::Result<()> {
    let world = World::attended(BIN).await?;
    let goal = json!({"goal": "Try things", "folder": world.project, "harness": "demo", "by_hand": true});
    let (status, stated) = call(&world, "POST /api/goals", &goal).await?;
    ensure!(status == 201, "{stated}");
    let (status, refused) = call(&world, "POST /api/tasks/1/terminal", &json!({})).await?;
    ensure!(
        status == 409 && refused["error"].as_str().is_some_and(|why| why.contains("no terminal")),
        "{refused}"
    );
    call(&world, "POST /api/tasks/1/add", &json!({"title": "Look", "mode": "interactive"})).await?;
    call(&world, "POST /api/tasks/1/approve", &json!({})).await?;
    let (status, none) = call(&world, "GET /api/tasks/1%2F1/terminal", &json!({})).await?;
    ensure!(status == 404 && none["next_step"] == "POST to the same path opens one.", "{none}");
    let mut events = Events::after(&world, 0).await?;
    let size = json!({"rows": 30, "cols": 100});
    let (status, opened) = call(&world, "POST /api/tasks/1%2F1/terminal", &size).await?;
    ensure!(status == 200, "{opened}");
    events.until(|entry| entry["body"]["kind"] == "run_started").await?;
    let (status, typed) =
        call(&world, "POST /api/tasks/1%2F1/terminal/type", &json!({"text": "hello\r"})).await?;
    ensure!(status == 200, "{typed}");
    let shown = loop {
        let (status, shown) = call(&world, "GET /api/tasks/1%2F1/terminal", &json!({})).await?;
        ensure!(status == 200, "{shown}");
        if shown["text"].as_str().is_some_and(|text| text.contains("You said: hello")) {
            break shown;
        }
    };
    ensure!(
        (&shown["rows"], &shown["cols"], &shown["open"]) == (&json!(30), &json!(100), &json!(true)),
        "{shown}"
    );
    let lines: String = (1..=40).map(|number| format!("line {number}.\r")).collect();
    let (status, typed) =
        call(&world, "POST /api/tasks/1%2F1/terminal/type", &json!({"text": lines})).await?;
    ensure!(status == 200, "{typed}");
    let whole = loop {
        let (_, whole) = call(&world, "GET /api/tasks/1%2F1/terminal?all=true", &json!({})).await?;
        let text = whole["text"].as_str().context("no text")?.to_owned();
        if text.contains("You said: line 40.") {
            break text;
        }
    };
    ensure!(whole.contains("You said: hello") && whole.contains("You said: line 1."), "{whole}");
    let (_, shown) = call(&world, "GET /api/tasks/1%2F1/terminal", &json!({})).await?;
    let stands = shown["text"].as_str().context("no text")?;
    ensure!(stands.contains("line 40.") && !stands.contains("line 1."), "only what stands there: {stands}");
    let (status, refused) = call(&world, "GET /api/tasks/1%2F1/terminal?most=3", &json!({})).await?;
    ensure!(status == 400, "{refused}");
    let (status, closed) = call(&world, "POST /api/tasks/1%2F1/terminal/close", &json!({})).await?;
    ensure!(status == 200, "{closed}");
    events.until(|entry| entry["body"]["kind"] == "run_ended").await?;
    let long = "x".repeat(64 * 1024 + 1);
    let (status, refused) =
        call(&world, "POST /api/tasks/1%2F1/terminal/type", &json!({"text": long})).await?;
    ensure!(status == 409 || status == 422, "{refused}");
    Ok(())
}
