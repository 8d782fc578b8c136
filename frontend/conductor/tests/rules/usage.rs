//! What the work has used, by kind of agent and together.

#![expect(clippy::expect_used, reason = "a test's own world is as the test makes it")]

use conductor::state::Spend;
use conductor::usage::{Usage, by, unattended};
use conductor::words;
use shared::agent::{AgentEvent, HarnessId, Tokens, TurnReport, UsageScope};
use shared::entry::Kind;
use shared::id::RunId;
use shared::limits::Limits;
use shared::plan::{PlanEdit, PlannedTask};
use shared::unit::{MicroUsd, Millis};

use crate::log::id;
use crate::stage::World;

const HOUR: Millis = Millis::from_secs(3_600);

/// Two tasks of Claude's and one of Codex', which never says what it costs; all ordered.
fn work() -> (World, [RunId; 3]) {
    let task = |name: &str| PlannedTask {
        key: name.to_owned(),
        ..PlannedTask::new(id(name), id("g"), name.to_owned(), "Do")
    };
    let mut world = World::new();
    world.propose(["a", "b", "c"].map(task).to_vec());
    world.edit(PlanEdit::SetHarness { task: id("c"), harness: Some(HarnessId::Codex) });
    world.approve(1);
    let orders = world.step();
    let run = |name: &str| {
        let of = |run: &RunId| world.state.run(run).is_some_and(|run| run.task == id(name));
        orders.iter().map(|order| order.run.clone()).find(of).expect("an order")
    };
    let runs = ["a", "b", "c"].map(run);
    (world, runs)
}

fn ends(world: &mut World, run: &RunId, tokens: Tokens, cost: Option<MicroUsd>) {
    world.begins(run);
    let event = AgentEvent::Usage { tokens, cost, scope: UsageScope::Turn };
    world.say(Kind::AgentSpoke { run: run.clone(), line: 1, event });
    world.ends(run, TurnReport { cost, final_text: "Did it".to_owned(), ..TurnReport::default() });
}

fn tokens(input: u64, output: u64) -> Tokens {
    Tokens { input, output, ..Tokens::default() }
}

#[test]
fn each_kind_and_all_together_today_and_in_all() {
    let (mut world, [first, second, third]) = work();
    ends(&mut world, &first, tokens(100, 10), Some(MicroUsd(40_000)));
    world.now = world.now + HOUR;
    let today = world.now;
    ends(&mut world, &second, tokens(200, 20), Some(MicroUsd(20_000)));
    ends(&mut world, &third, tokens(400, 40), None);

    let ever = Usage::since(&world.state, Millis(0));
    let claude = ever.each[&HarnessId::Claude];
    assert_eq!((claude.runs, claude.tokens, claude.spend.known), (2, tokens(300, 30), MicroUsd(60_000)));
    let codex = ever.each[&HarnessId::Codex];
    assert_eq!((codex.runs, codex.tokens, codex.spend.unknown_runs), (1, tokens(400, 40), 1));
    assert_eq!(words::money(codex.spend), "cost unknown");
    assert_eq!(words::money(ever.all.spend), "$0.06 + unknown");
    assert_eq!(
        ever.all.spend,
        world.state.task(&id("g")).expect("the goal").account.spend,
        "as the goal's sum"
    );

    let now = Usage::since(&world.state, today);
    assert_eq!(now.all.runs, 2);
    assert_eq!(now.each[&HarnessId::Claude].spend, Spend { known: MicroUsd(20_000), ..Spend::default() });
}

#[test]
fn each_model_has_its_sum_and_what_no_agent_told_stays_unknown() {
    let (mut world, [first, second, third]) = work();
    ends(&mut world, &first, tokens(100, 10), Some(MicroUsd(40_000)));
    ends(&mut world, &second, tokens(200, 20), Some(MicroUsd(20_000)));
    ends(&mut world, &third, tokens(400, 40), None);
    let sums = by(&world.state, &|run| format!("{} {:?}", run.harness, run.known_model()));
    let sums = sums.iter().map(|(model, used)| (model.as_str(), used.runs, words::money(used.spend)));
    let sums: Vec<_> = sums.collect();
    // A task's order names the model of its size; the table has none for Codex.
    let known = [
        ("Claude Code Some(\"sonnet\")", 2, "$0.06".to_owned()),
        ("Codex None", 1, "cost unknown".to_owned()),
    ];
    assert_eq!(sums, known);
    let all = by(&world.state, &|_| String::new());
    assert_eq!(all[""], Usage::since(&world.state, Millis(0)).all);
}

#[test]
fn what_was_spent_since_the_last_word_stands_beside_its_bound() {
    let (mut world, [first, ..]) = work();
    let bound = Limits { unattended: Some(MicroUsd(100_000)), ..Limits::default() };
    world.say(Kind::LimitsSet { limits: bound });
    assert_eq!(unattended(&world.state).expect("a bound").spent, MicroUsd(0));
    ends(&mut world, &first, tokens(1, 1), Some(MicroUsd(90_000)));
    let spent = unattended(&world.state).expect("a bound");
    assert_eq!((spent.spent, spent.is_near()), (MicroUsd(90_000), true));
    world.say(Kind::LimitsSet { limits: Limits { unattended: None, ..Limits::default() } });
    assert_eq!(unattended(&world.state), None);
}

#[test]
fn many_in_few_figures() {
    assert_eq!([950, 12_400, 4_815_000].map(words::many), ["950", "12 k", "4.81 M"]);
}
