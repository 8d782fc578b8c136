//! Two devices answer one question at once: its agent is told the first, and whoever wrote the other sees that.

use conductor::plan::awaits_approval;
use conductor::state::Standing;
use shared::agent::HarnessId;
use shared::entry::Kind;
use tests::world::{World, prompts};

const BIN: &str = env!("CARGO_BIN_EXE_orchestrator");

#[tokio::test]
async fn two_answers_at_once_are_one() -> anyhow::Result<()> {
    let world = World::start(BIN).await?;
    let mut page = world.client("page").await?;
    let goal = world.goal(&mut page, "[[demo tasks=3 shape=chain]] [[task 1: ask]]", HarnessId::Demo).await?;
    page.until("a plan", |state| state.task(&goal).is_some_and(awaits_approval)).await?;
    let task = goal.derived(1);
    page.intend(Kind::PlanApproved { goal: goal.clone(), version: 1 }).await?;
    let mut phone = world.watcher("phone").await?;
    let asked = |standing: &Standing| matches!(standing, Standing::Asked { .. });
    for client in [&mut page, &mut phone] {
        client.until("a question", |state| state.task(&task).is_some_and(|it| asked(&it.standing))).await?;
    }
    // Neither knows of the other's.
    page.say(&task, "Blue, says the page.").await?;
    phone.say(&task, "Red, says the phone.").await?;
    let done = |standing: &Standing| *standing == Standing::Completed;
    page.until("the result", |state| state.task(&task).is_some_and(|it| done(&it.standing))).await?;
    let late = |state: &conductor::State| state.task(&task).map(|task| task.late.len());
    phone.until("word that it was late", |state| late(state) == Some(1)).await?;
    let answer = page.state().task(&task).and_then(|task| task.answer.clone());
    let by_page = answer.is_some_and(|answer| answer.message.as_str().starts_with("page"));
    let (told, kept) = if by_page { ("Blue", "Red") } else { ("Red", "Blue") };
    let count = |words: &str| -> anyhow::Result<usize> {
        Ok(prompts(&world.terminal(&["export"])?.1).iter().filter(|prompt| prompt.contains(words)).count())
    };
    assert_eq!((count(told)?, count(kept)?), (1, 0));
    // Its writer insists.
    phone.say(&task, "Red after all.").await?;
    page.until("it is told", |state| state.task(&task).is_some_and(|task| task.said.len() == 2)).await?;
    assert_eq!(count("Red after all.")?, 1);
    page.intend(Kind::TaskStopped { task: goal.clone() }).await?;
    page.until("all is over", |state| state.task(&goal).is_some_and(|goal| goal.is_over())).await?;
    Ok(())
}

/// By commands that each know how things stand, before anybody decides.
#[tokio::test]
async fn an_answer_is_told_beside_another_only_on_purpose_and_never_to_another_question() -> anyhow::Result<()>
{
    let world = World::start(BIN).await?;
    let mut page = world.client("page").await?;
    let goal = world.goal(&mut page, "[[demo tasks=3 shape=chain]] [[task 1: ask]]", HarnessId::Demo).await?;
    page.until("a plan", |state| state.task(&goal).is_some_and(awaits_approval)).await?;
    let task = goal.derived(1);
    page.intend(Kind::PlanApproved { goal: goal.clone(), version: 1 }).await?;
    let asked = |standing: &Standing| matches!(standing, Standing::Asked { .. });
    page.until("a question", |state| state.task(&task).is_some_and(|it| asked(&it.standing))).await?;
    let inbox = world.says(&["inbox", "--json"], 0, "question")?;
    let row: serde_json::Value = serde_json::from_str(inbox.lines().next().unwrap_or_default())?;
    let question = row["question"].as_str().unwrap_or_default();
    // So that nobody decides, however long the commands take.
    drop(page);
    world.says(&["answer", "1/1", "Green.", "--question", "another"], 1, "another is no question of")?;
    world.says(&["answer", "1/1", "Blue.", "--question", question], 0, "")?;
    let taken = world.says(&["answer", "1/1", "Red."], 1, "it was answered")?;
    assert!(taken.contains("\u{201c}Blue.\u{201d}") && taken.contains("--also"), "{taken}");
    world.says(&["answer", "1/1", "Red.", "--question", question], 1, "does not wait for an answer")?;
    world.says(&["answer", "1/1", "With a border.", "--also"], 0, "")?;
    let mut page = world.client("page").await?;
    let done = |standing: &Standing| *standing == Standing::Completed;
    page.until("the result", |state| state.task(&task).is_some_and(|it| done(&it.standing))).await?;
    let told = prompts(&world.terminal(&["export"])?.1);
    let count = |words: &str| told.iter().filter(|prompt| prompt.contains(words)).count();
    assert_eq!(["Blue.", "With a border.", "Red.", "Green."].map(count), [1, 1, 0, 0]);
    page.intend(Kind::TaskStopped { task: goal.clone() }).await?;
    page.until("all is over", |state| state.task(&goal).is_some_and(|goal| goal.is_over())).await
}
