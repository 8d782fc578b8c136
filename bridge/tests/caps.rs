//! How far tasks go by themselves, said without a page: with the goal, in a plan of one's own, and while it runs.

use std::time::{Duration, Instant};

use anyhow::ensure;
use serde_json::{Value, json};
use tests::request::call;
use tests::world::World;

const BIN: &str = env!("CARGO_BIN_EXE_orchestrator");

async fn details(world: &World, task: &str) -> anyhow::Result<Value> {
    let (status, view) = call(world, &format!("GET /api/tasks/{task}"), &json!({})).await?;
    ensure!(status == 200, "{view}");
    Ok(view)
}

fn says(world: &World, line: &str, code: i32, words: &str) -> anyhow::Result<()> {
    world.says(&line.split(' ').collect::<Vec<_>>(), code, words).map(drop)
}

#[tokio::test]
async fn a_task_pauses_at_each_of_its_caps_and_goes_on_when_it_is_raised() -> anyhow::Result<()> {
    let world = World::attended(BIN).await?;
    let file = world.project.join("plan.json");
    let task = |caps: Value| json!({"key": "a", "title": "A", "objective": "Do [[demo ask]]", "caps": caps});
    let plan = |caps: Value| json!({"decision": "plan", "reply": "", "tasks": [task(caps)]}).to_string();
    let run = ["run", "Do it", "--harness", "demo", "--plan", "plan.json", "--time", "2h", "--budget", "9"];
    for (caps, words) in [
        (json!({"requests": 0}), "tasks: 0: caps: 0 is no cap"),
        (json!({"usd": -1}), "tasks: 0: caps: -1 is no cap"),
        (json!({"minutes": 1}), "tasks: 0: caps: unknown field"),
    ] {
        std::fs::write(&file, plan(caps))?;
        let (code, said) = world.terminal(&run)?;
        ensure!(code == Some(2) && said.contains(words), "{said}");
    }
    // So is a number below zero, which is no flag.
    says(&world, "limits --parallel -1", 2, "is no whole number")?;
    says(&world, "budget 1 -5", 2, "is no sum")?;
    // What is no plan at all is told as that.
    for text in ["[]", "7", r#"{"decision": "plan", "reply": "", "tasks": [1]}"#] {
        std::fs::write(&file, text)?;
        let (code, said) = world.terminal(&run)?;
        ensure!(code == Some(2) && said.contains("the plan cannot be used"), "{text}: {said}");
    }
    std::fs::write(&file, plan(json!({"requests": 1, "seconds": 600})))?;
    let (code, said) = world.terminal(&run)?;
    ensure!(code == Some(3), "it asks: {said}");
    assert_eq!(details(&world, "1").await?["caps"], json!({"usd": 9.0, "seconds": 7200}));
    let held = json!({"usd": 1.0, "requests": 1, "seconds": 600});
    assert_eq!(details(&world, "1%2F1").await?["caps"], held, "its own, and the general one");
    says(&world, "answer 1/1 Blue", 0, "")?;
    says(&world, "tasks", 0, "1 requests used up")?;
    says(&world, "tasks", 0, "Next: orchestrator caps 1/1 --requests N, or cancel 1/1")?;
    says(&world, "caps 1/1 --requests 0", 2, "leaves nothing to do")?;
    says(&world, "caps 1/1 --requests 40 --time none --tokens 900000", 0, "")?;
    let deadline = Instant::now() + Duration::from_secs(60);
    while details(&world, "1").await?["task"]["status"] != "completed" {
        ensure!(Instant::now() < deadline, "{:#}", details(&world, "1").await?);
    }
    let caps = json!({"usd": 1.0, "requests": 40, "tokens": 900_000});
    assert_eq!(details(&world, "1%2F1").await?["caps"], caps);
    for (body, status) in
        [(json!({"tokens": null, "usd": 2.5}), 200), (json!({"seconds": 0}), 422), (json!({"s": 1}), 422)]
    {
        let (found, said) = call(&world, "POST /api/tasks/1%2F1/caps", &body).await?;
        assert_eq!(found, status, "{body}: {said}");
    }
    assert_eq!(details(&world, "1%2F1").await?["caps"], json!({"usd": 2.5, "requests": 40}));
    let said = std::process::Command::new(BIN).arg("schema").output()?.stdout;
    ensure!(String::from_utf8(said)?.contains("Model requests of its turns"));
    Ok(())
}

#[tokio::test]
async fn reviews_pause_at_their_own_cap_and_go_on_when_it_is_raised() -> anyhow::Result<()> {
    let world = World::attended(BIN).await?;
    let caps = json!({"review": {"requests": 1}});
    let task = json!({"key": "a", "title": "A", "objective": "Do [[demo reject-once]]", "caps": caps});
    let plan = json!({"decision": "plan", "reply": "", "tasks": [task]});
    std::fs::write(world.project.join("plan.json"), plan.to_string())?;
    let run = "run Do --harness demo --preset reviewed --plan plan.json";
    says(&world, run, 3, "1 requests for reviews used up")?;
    says(&world, "tasks", 0, "Next: orchestrator caps 1/1 --review requests=N, or cancel 1/1")?;
    says(&world, "caps 1/1 --review request=3", 2, "is no cap, such as budget=0.20")?;
    says(&world, "caps 1/1 --review requests=0", 2, "leaves nothing to do")?;
    let stays = json!({"usd": 1.0, "review": {"requests": 1}, "repair": {"seconds": 60}});
    let (status, said) =
        call(&world, "POST /api/tasks/1%2F1/caps", &json!({"repair": {"seconds": 60}})).await?;
    assert_eq!((status, &details(&world, "1%2F1").await?["caps"]), (200, &stays), "{said}");
    says(&world, "caps 1/1 --review requests=9 --repair time=none", 0, "")?;
    let deadline = Instant::now() + Duration::from_secs(60);
    while details(&world, "1").await?["task"]["status"] != "completed" {
        ensure!(Instant::now() < deadline, "{:#}", details(&world, "1").await?);
    }
    Ok(())
}
