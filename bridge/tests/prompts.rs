//! The library of prompts from a terminal and over HTTP: saved, worked by, recorded, retired.

use anyhow::Context;
use serde_json::{Value, json};
use tests::request::call;
use tests::world::World;

const BIN: &str = env!("CARGO_BIN_EXE_orchestrator");

#[tokio::test]
async fn a_template_is_saved_worked_by_recorded_and_retired() -> anyhow::Result<()> {
    let world = World::attended(BIN).await?;
    for (file, text) in [("brief.md", "Be brief. [[demo cost=7]]\n"), ("long.md", "Take your time.\n")] {
        std::fs::write(world.project.join(file), text)?;
    }
    let (code, said) = world.terminal(&["prompts"])?;
    assert!(code == Some(0) && said.contains("Next: orchestrator prompts save"), "{said}");
    let save = ["prompts", "save", "Review", "--variant", "brief=brief.md", "--variant", "long=long.md"];
    let folder = world.project.to_string_lossy().into_owned();
    let (code, said) = world.terminal(&[&save[..], &["--model", "demo-one", "--dir", &folder]].concat())?;
    assert!(code == Some(0) && said.contains("Review v1, demo-one: brief, long"), "{said}");
    let (code, said) = world.terminal(&["prompts", "save", "Review", "--variant", "brief"])?;
    assert!(code == Some(1) && said.contains("--variant short=brief.md"), "{said}");
    let (code, said) = world.terminal(&["run", "Build it", "--harness", "demo", "--template", "No such"])?;
    assert!(code == Some(2) && said.contains("no template \"No such\""), "{said}");

    let goal = "Build it. [[demo tasks=3]] [[task 2: fail]]";
    let (code, said) =
        world.terminal(&["run", goal, "--harness", "demo", "--template", "review", "--approve"])?;
    assert_eq!(code, Some(1), "the second task fails: {said}");
    let (status, library) = call(&world, "GET /api/prompts", &Value::Null).await?;
    assert_eq!(status, 200, "{library}");
    let template = &library["templates"][0];
    assert_eq!((template["name"].as_str(), template["version"].as_u64()), (Some("Review"), Some(1)));
    let records = template["records"].as_array().context("records")?;
    let sum = |name: &str| records.iter().filter_map(|record| record[name].as_u64()).sum::<u64>();
    assert_eq!((sum("attempts"), sum("completed")), (3, 2), "{library:#}");
    assert_eq!(template["suggestion"], Value::Null, "three say nothing");
    let failure = &library["failures"][0];
    assert_eq!(
        (failure["class"].as_str(), failure["of"].as_u64()),
        (Some("task_failure"), Some(3)),
        "{library:#}"
    );
    assert_eq!(failure["template"].as_str(), Some("Review"));

    let (_, log) = world.terminal(&["export"])?;
    assert_eq!(log.matches("\"kind\":\"run_guided\"").count(), 4, "the planner and three tasks");
    let all = tests::world::prompts(&log).concat();
    let told = |words: &str| all.matches(&format!("## Guidelines\n\n{words}")).count();
    assert!(told("Be brief.") + told("Take your time.") >= 4, "the guidelines stand in the words");
    let (code, said) = world.terminal(&["prompts", "promote", "Review"])?;
    assert!(code == Some(1) && said.contains("there must be 20"), "{said}");
    let (code, said) = world.terminal(&["prompts", "retire", "Review"])?;
    assert!(code == Some(0) && said.contains("No templates yet"), "{said}");
    Ok(())
}

#[tokio::test]
async fn agents_and_templates_are_kept_over_http() -> anyhow::Result<()> {
    let world = World::attended(BIN).await?;
    let wording = |name: &str| json!({"name": name, "guidelines": "Be brief."});
    for (line, body, status, told) in [
        ("POST /api/agents", json!({"name": "Ann", "role": "reviews", "character": "Calm."}), 200, ""),
        ("POST /api/agents", json!({"name": "ann", "soul": "Soul.md"}), 200, ""),
        ("POST /api/agents", json!({"name": " "}), 422, "an agent needs a name; nothing was saved."),
        ("POST /api/agents", json!({"name": "Bob", "soul": "a", "character": "b"}), 422, "and not in both"),
        ("POST /api/agents/Bob/retire", json!({}), 422, "no agent \"Bob\""),
        ("POST /api/prompts", json!({"name": "Review", "variants": [wording("a")]}), 200, ""),
        ("POST /api/prompts", json!({"name": "Review", "variants": [wording("b"), wording("c")]}), 200, ""),
        (
            "POST /api/prompts",
            json!({"name": "Review", "variants": []}),
            422,
            "needs guidelines; nothing was saved.",
        ),
        ("POST /api/prompts/review/promote", json!({}), 409, "there must be 20 for each"),
        ("POST /api/prompts/other/promote", json!({}), 422, "no template \"other\""),
    ] {
        let (found, answer) = call(&world, line, &body).await?;
        let error = answer["error"].as_str().unwrap_or_default();
        assert!(found == status && error.contains(told), "{line} {body} {found}: {answer}");
    }
    let (_, agents) = call(&world, "GET /api/agents", &Value::Null).await?;
    assert_eq!((agents.as_array().map(Vec::len), &agents[0]["soul"]), (Some(1), &json!("Soul.md")));
    let (_, library) = call(&world, "GET /api/prompts", &Value::Null).await?;
    assert_eq!(
        (&library["templates"][0]["version"], &library["templates"][0]["variants"][0]["name"]),
        (&json!(2), &json!("b"))
    );
    for (line, list) in
        [("POST /api/agents/ann/retire", "agents"), ("POST /api/prompts/review/retire", "prompts")]
    {
        let (status, answer) = call(&world, line, &json!({})).await?;
        assert_eq!(status, 200, "{answer}");
        let (_, kept) = call(&world, &format!("GET /api/{list}"), &Value::Null).await?;
        let kept = kept.get("templates").unwrap_or(&kept);
        assert_eq!(kept[0]["retired"], true, "{kept}");
    }
    Ok(())
}

/// Enough attempts of two wordings, of which one fails always, and the better one holds alone.
#[tokio::test]
async fn a_wording_that_does_better_is_promoted() -> anyhow::Result<()> {
    let world = World::attended(BIN).await?;
    let wording = |name: &str, words: &str| json!({"name": name, "guidelines": words});
    let variants = [wording("first", "Fail. [[demo fail]]"), wording("second", "Be brief. [[demo cost=2]]")];
    let (status, saved) =
        call(&world, "POST /api/prompts", &json!({"name": "Review", "variants": variants})).await?;
    assert_eq!(status, 200, "{saved}");
    // So many that each of the two has its twenty, by any draw.
    let task = |n: u32| json!({"key": n.to_string(), "title": format!("Look {n}"), "objective": "Look", "size": "light"});
    let tasks: Vec<Value> = (0..90).map(task).collect();
    std::fs::write(
        world.project.join("plan.json"),
        json!({"decision": "plan", "reply": "", "tasks": tasks}).to_string(),
    )?;
    let run = ["run", "Look", "--plan", "plan.json", "--harness", "demo", "--template", "Review"];
    let (code, said) = world.terminal(&run)?;
    assert_eq!(code, Some(1), "half of them fail: {said}");
    let (_, library) = call(&world, "GET /api/prompts", &Value::Null).await?;
    let template = &library["templates"][0];
    assert_eq!(
        (&template["suggestion"]["variant"], &template["suggestion"]["over"]),
        (&json!("second"), &json!("first"))
    );
    let (code, said) = world.terminal(&["prompts"])?;
    assert!(code == Some(0) && said.contains("second does better than first."), "{said}");
    let (status, promoted) = call(&world, "POST /api/prompts/review/promote", &json!({})).await?;
    assert_eq!(status, 200, "{promoted}");
    let (code, said) = world.terminal(&["prompts", "promote", "Review"])?;
    assert!(code == Some(1) && said.contains("no other variant does better"), "it is promoted once: {said}");
    let (_, library) = call(&world, "GET /api/prompts", &Value::Null).await?;
    let template = &library["templates"][0];
    let names: Vec<_> =
        template["variants"].as_array().context("variants")?.iter().map(|it| &it["name"]).collect();
    assert_eq!((&template["version"], names), (&json!(2), vec![&json!("second")]));
    Ok(())
}
