//! The bounds of all work, set and lifted without a page.

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use shared::entry::Kind;
use shared::limits::Limits;
use tests::request::call;
use tests::world::World;

const BIN: &str = env!("CARGO_BIN_EXE_orchestrator");

fn says(world: &World, line: &str, code: i32, words: &str) -> anyhow::Result<()> {
    let (found, said) = world.terminal(&line.split(' ').collect::<Vec<_>>())?;
    let said: Vec<&str> = said.split_whitespace().collect();
    ensure!(found == Some(code) && said.join(" ").contains(words), "{line}: {found:?} {said:?}");
    Ok(())
}

#[tokio::test]
async fn every_bound_is_set_and_lifted_in_its_range() -> anyhow::Result<()> {
    let world = World::start(BIN).await?;
    says(&world, "limits --parallel 0", 2, "parallel goes from 1 to 1000")?;
    says(&world, "limits --parallel none", 2, "parallel cannot be lifted")?;
    says(&world, "limits --claude 2 --per-folder 1 --unattended 3", 0, "--claude 2 Claude Code agents")?;
    says(&world, "limits --claude none --per-folder none --unattended none", 0, "--claude none")?;
    says(&world, "limits", 0, "--unattended none")?;
    says(&world, "limits --task-requests 40 --task-time 30m --task-tokens 500000", 0, "--task-time 30m")?;
    says(&world, "limits --depth 2 --plan-max 5 --resumptions 0 --command 2h", 0, "--command 2h")?;
    says(&world, "limits --plan-max 2", 1, "no plan would do")?;
    says(&world, "limits --help", 0, "Longest run of a plain command: 1s to 24h")?;
    let (_, bounds) = call(&world, "GET /api/limits", &json!({})).await?;
    let bound = |name: &str| {
        let found = bounds.as_array().into_iter().flatten().find(|bound| bound["name"] == name);
        found.cloned().with_context(|| format!("no {name}: {bounds}"))
    };
    assert_eq!(bound("task-time")?["value"], 1800.0);
    assert_eq!((&bound("claude")?["value"], &bound("claude")?["lifts"]), (&Value::Null, &json!(true)));
    assert_eq!(bound("words")?["value"], 48.0);
    for (body, status) in [
        (json!({"parallel": 3, "task-budget": 2.5, "task-requests": null}), 200),
        (json!({"parallel": 0}), 422),
        (json!({"parallel": -1}), 422),
        (json!({"resumptions": -1}), 422),
        (json!({"depth": null}), 422),
        (json!({"typo": 1}), 422),
        (json!({"parallel": "many"}), 422),
        (json!({"reviewer": "other", "sizes": "rule", "on-failure": "analyze", "alternate": true}), 200),
        (json!({"quiet": "22:00-07:00+02:00", "depth": 3}), 200),
        (json!({"reviewer": "nobody at all"}), 422),
        (json!({"reviewer": null}), 422),
        (json!({"sizes": "large"}), 422),
        (json!({"quiet": "at night"}), 422),
    ] {
        let (found, said) = call(&world, "PATCH /api/limits", &body).await?;
        ensure!(found == status, "{body}: {found} {said}");
    }
    says(&world, "limits", 0, "--task-budget $2.5")?;
    says(&world, "limits", 0, "--task-requests none")?;
    says(&world, "limits", 0, "--parallel 3")?;
    // What is no number has its word.
    says(&world, "limits", 0, "--reviewer other")?;
    let (_, limits) = call(&world, "GET /api/limits", &json!({})).await?;
    for (name, value) in [
        ("reviewer", json!("other")),
        ("sizes", json!("rule")),
        ("on-failure", json!("analyze")),
        ("alternate", json!(true)),
        ("reuse", json!(false)),
        ("quiet", json!("22:00-07:00+02:00")),
    ] {
        let held = limits.as_array().into_iter().flatten().find(|held| held["name"] == name);
        assert_eq!(held.map(|held| &held["value"]), Some(&value), "{name}: {limits}");
    }
    let (status, _) = call(&world, "PATCH /api/limits", &json!({"quiet": null})).await?;
    assert_eq!(status, 200);
    says(&world, "limits", 0, "--quiet none")?;
    Ok(())
}

/// Whoever sends it: nothing would begin by such limits, and nothing would say so.
#[tokio::test]
async fn limits_that_nothing_goes_on_by_are_not_appended() -> anyhow::Result<()> {
    let world = World::start(BIN).await?;
    let mut page = world.client("page").await?;
    page.intend(Kind::LimitsSet { limits: Limits { parallel: 0, ..Limits::default() } }).await?;
    while page.refused.is_empty() {
        page.step().await?;
    }
    ensure!(page.refused[0].contains("parallel goes from 1 to 1000"), "{:?}", page.refused);
    assert_eq!(page.state().limits, Limits::default());
    Ok(())
}

#[tokio::test]
async fn models_are_read_and_set_over_http() -> anyhow::Result<()> {
    let world = World::start(BIN).await?;
    let effort = json!({"light": null, "standard": null, "heavy": "xhigh"});
    let prices = json!({"*": {"input_usd": 1.25, "output_usd": 10.0}});
    let codex = json!({"light": [], "standard": ["gpt-5.1"], "heavy": ["gpt-5.1-codex", "gpt-5.1"], "effort": effort, "prices": prices});
    let (status, said) = call(&world, "PUT /api/models/codex", &codex).await?;
    ensure!(status == 200, "{said}");
    let (_, models) = call(&world, "GET /api/models", &json!({})).await?;
    assert_eq!((&models["codex"], &models["claude"]["light"]), (&codex, &json!(["haiku"])));
    let names = json!({"light": [], "standard": [], "heavy": ["gpt-5.1"]});
    call(&world, "PUT /api/models/codex", &names).await?;
    let (_, models) = call(&world, "GET /api/models", &json!({})).await?;
    assert_eq!((&models["codex"]["effort"], &models["codex"]["prices"]), (&effort, &prices), "as they were");
    let wrong = json!({"light": ["--yolo"], "standard": [], "heavy": []});
    let free = json!({"light": [], "standard": [], "heavy": [], "prices": {"*": {"input_usd": -1, "output_usd": 1}}});
    let hard = json!({"light": [], "standard": [], "heavy": [], "effort": {"heavy": "hard"}});
    for (line, body, status) in [
        ("PUT /api/models/codex", &wrong, 422),
        ("PUT /api/models/codex", &free, 422),
        ("PUT /api/models/codex", &hard, 422),
        ("PUT /api/models/demo", &codex, 404),
    ] {
        let (found, said) = call(&world, line, body).await?;
        ensure!(found == status && said["next_step"].is_string(), "{line}: {said}");
    }
    Ok(())
}
