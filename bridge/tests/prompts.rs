//! The library of prompts from a terminal and over HTTP: saved, worked by, recorded, retired.

use anyhow::Context;
use serde_json::Value;
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
