//! Lists of tasks from a terminal and over HTTP: saved, run with their blanks filled in, retired.

use anyhow::Context;
use serde_json::{Value, json};
use tests::request::call;
use tests::world::World;

const BIN: &str = env!("CARGO_BIN_EXE_orchestrator");

fn plan() -> Value {
    let task = |key: &str, title: &str, after: &[&str]| json!({"key": key, "title": title, "objective": format!("{title}. [[demo cost=2]]"), "after": after});
    let mut tasks = vec![task("read", "Read {{branch}}", &[]), task("say", "Say it to {{whom}}", &["read"])];
    tasks[0]["caps"] = json!({"requests": 9});
    tasks[1]["model"] = json!("demo-two");
    tasks[1]["priority"] = json!(3);
    json!({"decision": "plan", "reply": "", "tasks": tasks})
}

#[tokio::test]
async fn a_list_is_saved_run_with_its_blanks_filled_and_retired() -> anyhow::Result<()> {
    let world = World::attended(BIN).await?;
    std::fs::write(world.project.join("plan.json"), plan().to_string())?;
    let folder = world.project.to_string_lossy().into_owned();
    let said = |args: &[&str], code: i32, words: &str| -> anyhow::Result<String> {
        let (found, said) = world.terminal(args)?;
        anyhow::ensure!(found == Some(code) && said.contains(words), "{args:?} {found:?}: {said}");
        Ok(said)
    };
    said(&["lists"], 0, "Next: orchestrator lists save NAME --plan FILE")?;
    let save = ["lists", "save", "Reviews", "--plan", "plan.json", "--goal", "Review {{branch}}"];
    let terms = ["--access", "read-only", "--preset", "reviewed", "--budget", "9"];
    let save = [&save[..], &["--harness", "demo", "--dir", &folder], &terms].concat();
    let listed = said(&save, 0, "run --list \"Reviews\" --set branch=… --set whom=…")?;
    assert!(listed.contains("only reading, reviewed, budget of $9.00)"), "{listed}");
    said(&["lists", "save", "Other", "--plan", "plan.json", "--as", "Bob"], 1, "no agent \"Bob\"")?;
    said(&["run", "--list", "Reviwes"], 2, "no list \"Reviwes\"; `orchestrator lists` lists them.")?;
    said(&["run", "--list", "reviews", "--set", "branch=main"], 2, "Reviews needs words for whom")?;
    said(&["run", "--list", "reviews", "--set", "branch"], 2, "say it as BLANK=WORDS")?;
    said(&["run"], 2, "GOAL")?;
    let run = ["run", "--list", "reviews", "--set", "branch=main", "--set", "whom=Ann"];
    let told = said(&run, 0, "Completed")?;
    assert!(told.contains("Read main") && told.contains("Say it to Ann"), "{told}");
    let (_, goal) = call(&world, "GET /api/goals/1", &Value::Null).await?;
    assert_eq!((&goal["folder"], &goal["tasks"][0]["title"]), (&json!(folder), &json!("Review main")));
    let (_, read) = call(&world, "GET /api/tasks/1%2F1", &Value::Null).await?;
    assert_eq!(read["caps"]["requests"], 9, "{read:#}");
    let (_, said_it) = call(&world, "GET /api/tasks/1%2F2", &Value::Null).await?;
    assert_eq!(said_it["task"]["own"], json!({"model": "demo-two", "priority": 3}), "{said_it:#}");

    // As it was run, and as it stands in the library.
    let kept = said(&["lists", "save", "Main", "--from", "1"], 0, "Main (2 tasks, Demo agent")?;
    assert_eq!(kept.matches("only reading, reviewed, budget of $9.00)").count(), 2, "{kept}");
    let shown = said(&["lists", "show", "main"], 0, "Read main")?;
    assert!(shown.contains("\"model\": \"demo-two\"") && shown.contains("\"priority\": 3"), "{shown}");
    std::fs::write(world.project.join("shown.json"), &shown)?;
    said(&["lists", "save", "Main", "--plan", "shown.json"], 0, "Main (2 tasks)")?;
    said(
        &["lists", "save", "Empty", "--from", "1/1"],
        1,
        "a list needs at least one task; nothing was saved",
    )?;
    said(&["lists", "save", "Far", "--from", "7"], 1, "there is no goal 7")?;
    said(&["lists", "retire", "Reviews"], 0, "Main (2 tasks)")?;
    said(&["run", "--list", "Reviews"], 2, "the list Reviews is retired; save it again to have it back")?;
    Ok(())
}

#[tokio::test]
async fn a_list_is_kept_and_run_over_http() -> anyhow::Result<()> {
    let world = World::attended(BIN).await?;
    let new = json!({"name": "Reviews", "plan": plan(), "harness": "demo", "folder": world.project});
    let (status, saved) = call(&world, "POST /api/lists", &new).await?;
    assert_eq!(status, 200, "{saved}");
    let (_, lists) = call(&world, "GET /api/lists", &Value::Null).await?;
    assert_eq!((&lists[0]["name"], &lists[0]["blanks"]), (&json!("Reviews"), &json!(["branch", "whom"])));
    assert_eq!(lists[0]["plan"]["tasks"][0]["caps"], json!({"requests": 9}), "{lists:#}");
    let words = json!({"branch": "main", "whom": "Ann"});
    let mut strange = plan();
    strange["tasks"][0]["template"] = json!("nothing");
    for (line, body, status, told) in [
        ("POST /api/lists", json!({"name": "None"}), 422, "either from a plan or from a goal"),
        (
            "POST /api/lists",
            json!({"name": "None", "plan": strange}),
            422,
            "there is no template \"nothing\"",
        ),
        ("POST /api/lists", json!({"name": "None", "from": "1"}), 404, "there is no goal 1"),
        (
            "POST /api/goals",
            json!({"list": "Reviews"}),
            422,
            "needs words for branch, whom; its blanks are: branch, whom",
        ),
        ("POST /api/goals", json!({"list": "Nothing"}), 422, "no list \"Nothing\""),
        ("POST /api/goals", json!({"list": "Reviews", "by_hand": true}), 422, "a list is a plan already"),
        ("POST /api/goals", json!({"list": "Reviews", "words": words}), 201, ""),
        ("POST /api/lists/reviews/retire", json!({}), 200, ""),
        ("POST /api/goals", json!({"list": "Reviews", "words": words}), 422, "is retired"),
        ("POST /api/lists/nothing/retire", json!({}), 422, "no list"),
    ] {
        let (found, answer) = call(&world, line, &body).await?;
        let error = answer["error"].as_str().unwrap_or_default();
        assert!(found == status && error.contains(told), "{line} {body} {found}: {answer}");
    }
    let (_, goal) = call(&world, "GET /api/goals/1", &Value::Null).await?;
    let titles: Vec<_> = goal["tasks"].as_array().context("tasks")?.iter().map(|it| &it["title"]).collect();
    assert_eq!(titles, ["Reviews", "Read main", "Say it to Ann"]);
    Ok(())
}

/// How the goal of a list is gone about: as the list says, but for what is chosen as it is run.
#[tokio::test]
async fn a_list_keeps_how_its_goal_is_gone_about() -> anyhow::Result<()> {
    let world = World::attended(BIN).await?;
    let ann = json!({"name": "Ann", "role": "writes", "character": "Short."});
    let (status, saved) = call(&world, "POST /api/agents", &ann).await?;
    assert_eq!(status, 200, "{saved}");
    let terms = json!({"access": "full", "preset": "autonomous", "agent": "ann", "reviewer": "other",
        "model": "demo-two high", "caps": {"usd": 9.0, "requests": 60}});
    let tasks = json!([{"key": "a", "title": "Look", "objective": "Look at it. [[demo cost=2]]"}]);
    let plan = json!({"decision": "plan", "reply": "", "tasks": tasks});
    let list = |terms: &Value| json!({"name": "Looks", "plan": plan, "harness": "demo", "folder": world.project, "terms": terms});
    for (wrong, told) in [
        (json!({"agent": "Bob"}), "no agent \"Bob\""),
        (json!({"template": "Brief"}), "no template \"Brief\""),
        (json!({"reviewer": "me"}), "is no reviewer"),
        (json!({"model": "--yes"}), "--yes"),
        (json!({"caps": {"usd": 0.0}}), "0 is no cap"),
        (json!({"plan": 1}), "unknown field"),
    ] {
        let (status, answer) = call(&world, "POST /api/lists", &list(&wrong)).await?;
        let error = answer["error"].as_str().unwrap_or_default();
        assert!(status == 422 && error.contains(told), "{wrong} {status}: {answer}");
    }
    let (status, saved) = call(&world, "POST /api/lists", &list(&terms)).await?;
    assert_eq!(status, 200, "{saved}");
    let kept = async |name: &str| -> anyhow::Result<Value> {
        let (_, lists) = call(&world, "GET /api/lists", &Value::Null).await?;
        let found = lists.as_array().context("lists")?.iter().find(|list| list["name"] == name);
        Ok(found.context("the list")?["terms"].clone())
    };
    let named = |terms: &Value, other: &[(&str, Value)]| {
        let mut named = terms.clone();
        named["agent"] = json!("Ann");
        named["model"] = json!("demo-two · high");
        other.iter().for_each(|(name, value)| named[*name] = value.clone());
        named
    };
    assert_eq!(kept("Looks").await?, named(&terms, &[]));
    let chosen =
        json!({"list": "Looks", "preset": "reviewed", "caps": {"requests": null}, "budget_usd": 5.0});
    for (goal, chosen, other) in [
        (1, json!({"list": "Looks"}), Vec::new()),
        (2, chosen, vec![("preset", json!("reviewed")), ("caps", json!({"usd": 5.0}))]),
    ] {
        let (status, stated) = call(&world, "POST /api/goals", &chosen).await?;
        assert_eq!(status, 201, "{stated}");
        let name = format!("Of {goal}");
        let from = json!({"name": name, "from": goal.to_string()});
        let (status, saved) = call(&world, "POST /api/lists", &from).await?;
        assert_eq!(status, 200, "{saved}");
        assert_eq!(kept(&name).await?, named(&terms, &other));
    }
    world.says(&["run", "--list", "Looks", "--access", "read-only", "--as", "Bob"], 2, "no agent \"Bob\"")?;
    world.says(&["run", "--list", "Looks", "--access", "edit", "--preset", "quick"], 0, "Completed")?;
    world.says(
        &["lists", "save", "Of 3", "--from", "3"],
        0,
        "as Ann, demo-two · high, reviewer other, budget of $9.00",
    )?;
    Ok(())
}

/// Of what is completed nothing is left in the lists of goals, and what is not stays there.
#[tokio::test]
async fn what_is_run_to_be_archived_is_gone_when_it_is_done_and_stays_when_it_failed() -> anyhow::Result<()> {
    let world = World::attended(BIN).await?;
    let plan = |objective: &str| -> anyhow::Result<()> {
        let task = json!({"key": "a", "title": "Look", "objective": objective});
        let plan = json!({"decision": "plan", "reply": "", "tasks": [task]});
        Ok(std::fs::write(world.project.join("plan.json"), plan.to_string())?)
    };
    let run =
        |goal: &str| world.terminal(&["run", goal, "--plan", "plan.json", "--harness", "demo", "--archive"]);
    plan("Look at it. [[demo cost=2]]")?;
    let (code, said) = run("Look well")?;
    assert!(code == Some(0) && said.contains("Completed"), "{said}");
    plan("Look at it. [[demo fail]]")?;
    let (code, said) = run("Look badly")?;
    assert!(code == Some(1) && said.contains("orchestrator retry 2/1"), "{said}");
    let (_, goals) = call(&world, "GET /api/goals", &Value::Null).await?;
    let titles: Vec<_> = goals.as_array().context("goals")?.iter().map(|goal| &goal["title"]).collect();
    assert_eq!(titles, ["Look badly"]);
    let (_, all) = world.terminal(&["tasks", "--all"])?;
    assert!(all.contains("1  Look well · Completed"), "nothing is deleted: {all}");
    Ok(())
}
