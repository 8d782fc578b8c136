//! An agent of the person's own whom the planner names: told once who it is, from its file, and given the model of a size
//! that a light model found out.

use conductor::planning::Planning;
use conductor::state::{SizedBy, State};
use conductor::status::Kind as Status;
use serde_json::json;
use shared::agent::HarnessId;
use shared::entry::{Kind, Purpose};
use shared::id::PersonaId;
use shared::limits::Limits;
use shared::persona::{Character, Persona};
use shared::plan::Size;
use tests::stub::{Rule, Step, Stub};

use super::{claude_at, is, report, task, variable, world_of};

#[tokio::test]
async fn claude_code_is_told_who_it_is_and_gets_the_model_of_the_size_that_was_found() -> anyhow::Result<()> {
    let mut world = world_of("claude", &variable("CLAUDE_BIN")?)?;
    std::fs::write(world.project.join("Soul.md"), "SOUL-WORDS\n")?;
    let mut alpha = task("alpha", &[]);
    for (name, value) in [("title", "Design alpha"), ("agent", "ann"), ("size", "auto")] {
        alpha[name] = json!(value);
    }
    let plan = json!({"decision": "plan", "reply": "One.", "tasks": [alpha]});
    let size = json!({"size": "heavy", "why": "much hangs on it"});
    let rule = |when: &str, step: Step| Rule { when: when.to_owned(), steps: vec![step] };
    let stub = Stub::start(vec![
        rule("# Plan this goal", Step::Structured(plan)),
        rule("# How hard is this task?", Step::Structured(size)),
        rule("# Sum up", report("SUMMARY")),
        rule("SAY IT AGAIN", report("RESULT-again")),
        rule("OBJECTIVE-alpha", report("RESULT-alpha")),
    ])
    .await?;
    claude_at(&mut world, &stub);
    world.set("ANTHROPIC_API_KEY", "dummy");
    world.start_bridge().await?;
    let mut client = world.client("page").await?;
    let harness = HarnessId::Claude;
    client.until("the agents", |state| state.agents.iter().any(|agent| agent.harness == harness)).await?;
    client.intend(Kind::LimitsSet { limits: Limits { plan_min: 1, ..Limits::default() } }).await?;
    let (name, role) = ("Ann".to_owned(), "reads closely".to_owned());
    let (persona, character) = (PersonaId::new("ann")?, Character::File { path: "Soul.md".to_owned() });
    let saved = Persona { persona, name, role, character, harness: None, model: None, folder: None };
    client.intend(Kind::PersonaSaved { persona: saved }).await?;
    let goal = world.goal(&mut client, "Make a thing", harness).await?;
    let proposed =
        |state: &State| state.task(&goal).unwrap().planning.as_ref().is_some_and(Planning::is_proposed);
    client.until("a plan", proposed).await?;
    client.intend(Kind::PlanApproved { goal: goal.clone(), version: 1 }).await?;
    client.until("the summary", |state| is(state, &goal, Status::Completed)).await?;
    let alpha = client.state().task(&goal).unwrap().children[0].clone();
    let found = client.state().task(&alpha).unwrap();
    assert_eq!(found.size, Size::Heavy);
    assert_eq!(found.sized, SizedBy::Found { why: "much hangs on it".to_owned() });
    let runs: Vec<_> = found.runs.iter().filter_map(|run| client.state().run(run)).collect();
    let ordered: Vec<_> = runs.iter().map(|run| (run.purpose, run.ordered.as_deref())).collect();
    assert_eq!(ordered, [(Purpose::Classify, Some("haiku")), (Purpose::Work, Some("opus"))]);

    client.say(&alpha, "SAY IT AGAIN").await?;
    let again = |state: &State| {
        state.task(&alpha).unwrap().result.as_ref().is_some_and(|result| result.summary == "RESULT-again")
    };
    client.until("the resumed turn", again).await?;
    let prompts = stub.prompts();
    let of = |start: &str| prompts.iter().find(|prompt| prompt.starts_with(start)).unwrap();
    assert!(
        of("# Your task").contains("You are Ann, reads closely.\n\nSOUL-WORDS\n"),
        "{}",
        of("# Your task")
    );
    assert!(of("# Plan").contains("- Ann, reads closely"), "the planner knows whom it may name");
    for start in ["# Plan", "# How hard", "# The person says", "# Sum up"] {
        assert!(!of(start).contains("SOUL-WORDS"), "{start}");
    }
    client.all_taken()?;
    Ok(())
}
