//! What a turn that goes on is thought to have cost: by evidence or by the person's prices, never out of thin air. It warns,
//! counts for all above, and ends who has no budget of its own left, and what is told at the end stands in its place.

#![expect(clippy::unwrap_used, reason = "a test's own world is as the test makes it")]

use std::collections::BTreeMap;

use conductor::budget::{Cap, Near, envelope, near};
use conductor::estimate::Pace;
use conductor::health::{Warning, warnings};
use conductor::state::{Spend, Standing, Task};
use conductor::status::{Kind as Stands, Reason, status};
use conductor::words;
use serde_json::json;
use shared::agent::{
    AgentError, AgentEvent, ErrorClass, HarnessId, Progress, Tokens, TurnReport, UsageScope,
};
use shared::entry::Kind;
use shared::id::RunId;
use shared::limits::Caps;
use shared::models::{Models, Price, Tiers};
use shared::plan::{PlanEdit, PlannedTask};
use shared::run::{Arg, Signal};
use shared::unit::MicroUsd;

use crate::log::{carry_out, id};
use crate::stage::World;

const fn cents(cents: u64) -> MicroUsd {
    MicroUsd(cents * 10_000)
}

/// Of such a request a finished turn told that it cost a cent.
const REQUEST: Tokens = Tokens { input: 10, output: 200, cache_read: 20_000, cache_write: 400 };

fn requests(count: u64) -> Tokens {
    let all = |of: u64| of * count;
    let Tokens { input, output, cache_read, cache_write } = REQUEST;
    Tokens {
        input: all(input),
        output: all(output),
        cache_read: all(cache_read),
        cache_write: all(cache_write),
    }
}

/// Tasks that begin together, of this agent.
fn planned(harness: HarnessId, names: &[&str]) -> World {
    let mut world = World::new();
    let task = |name: &&str| PlannedTask::new(id(name), id("g"), *name, "Do");
    world.propose(names.iter().map(task).collect());
    world.edit(PlanEdit::SetHarness { task: id("g"), harness: Some(harness) });
    world.approve(1);
    world
}

impl World {
    fn running(&mut self, task: &str) -> RunId {
        self.step();
        let run = self.task(task).current.clone().unwrap();
        self.begins(&run);
        run
    }

    fn told(&mut self, run: &RunId, requests_so_far: u64) {
        let each = requests(requests_so_far);
        let progress = Progress {
            requests: u32::try_from(requests_so_far).unwrap(),
            tokens: each.input + each.output,
            each,
        };
        let (line, event) = (requests_so_far, AgentEvent::Progress { progress });
        self.say(Kind::AgentSpoke { run: run.clone(), line, event });
    }

    /// Its turn is over after so many requests, and says what it cost, if it does.
    fn over(&mut self, run: &RunId, count: u64, cost: Option<MicroUsd>) {
        self.used(run, count, cost);
        let answer = json!({"outcome": "done", "summary": "It is done."});
        self.ends(run, TurnReport { structured: Some(answer), cost, ..TurnReport::default() });
        self.step();
    }

    fn used(&mut self, run: &RunId, count: u64, cost: Option<MicroUsd>) {
        let event = AgentEvent::Usage { tokens: requests(count), scope: UsageScope::Turn, cost };
        self.say(Kind::AgentSpoke { run: run.clone(), line: 1_000, event });
    }

    /// It was asked to end in its middle, and did.
    fn interrupted(&mut self, run: &RunId, cost: Option<MicroUsd>) {
        let (class, message) = (ErrorClass::Interrupted, "Interrupted.".to_owned());
        let error = Some(AgentError { class, message, until: None });
        self.ends(run, TurnReport { error, cost, ..TurnReport::default() });
    }

    fn budget(&mut self, task: &str, budget: MicroUsd) {
        let caps = Caps { budget: Some(budget), ..Caps::default() };
        self.edit(PlanEdit::SetCaps { task: id(task), caps });
    }

    fn task(&self, name: &str) -> &Task {
        self.state.task(&id(name)).unwrap()
    }

    fn cost(&self, run: &RunId) -> String {
        words::cost(self.state.run(run).unwrap())
    }

    /// The runs that are asked to end now, and for whose budget.
    fn ended(&mut self) -> Vec<(RunId, Option<String>)> {
        let signals = carry_out(&mut self.state, self.now).into_iter().filter_map(|kind| match kind {
            Kind::SignalSent { run, signal: Signal::Terminate, budget } => {
                Some((run, budget.map(|task| task.to_string())))
            }
            _ => None,
        });
        signals.collect()
    }
}

/// One task is done, by which is known what a request costs, and the other is at work.
fn known() -> (World, RunId) {
    let mut world = planned(HarnessId::Claude, &["a", "b"]);
    let first = world.running("a");
    world.over(&first, 10, Some(cents(10)));
    let second = world.running("b");
    (world, second)
}

#[test]
fn finished_turns_of_its_model_tell_what_a_turn_has_cost_so_far() {
    let mut world = planned(HarnessId::Claude, &["a", "b"]);
    let (first, second) = (world.running("a"), world.running("b"));
    world.told(&first, 5);
    assert_eq!(world.cost(&first), "", "nobody knows, and nothing is no sum");
    assert_eq!(words::spent(&world.state, world.task("a")), "");
    world.over(&first, 10, Some(cents(10)));
    assert_eq!(world.cost(&first), "$0.10", "what it told");
    world.told(&second, 42);
    assert_eq!(world.cost(&second), "≈ $0.42 so far");
    assert_eq!(words::spent(&world.state, world.task("b")), "≈ $0.42");
    let goal = world.task("g").account;
    assert_eq!((goal.spend.known, goal.running), (cents(10), cents(42)));
    assert_eq!(words::spent(&world.state, world.task("g")), "≈ $0.52");
    world.over(&second, 50, Some(cents(45)));
    assert_eq!(world.cost(&second), "$0.45", "what it told stands in the place of what was thought");
    let goal = world.task("g").account;
    assert_eq!((goal.spend.known, goal.running, goal.spend.estimated), (cents(55), MicroUsd(0), MicroUsd(0)));
}

#[test]
fn another_model_tells_nothing_of_this_one() {
    let (mut world, run) = known();
    let session = world.state.run(&run).unwrap().session.clone().unwrap();
    let event = AgentEvent::Session { session, model: Some("another".to_owned()), version: None };
    world.say(Kind::AgentSpoke { run: run.clone(), line: 0, event });
    world.told(&run, 30);
    assert_eq!((world.cost(&run), world.task("g").account.running), (String::new(), MicroUsd(0)));
}

#[test]
fn it_warns_at_four_fifths_while_the_turn_goes_on_and_counts_for_all_above() {
    let (mut world, run) = known();
    world.budget("g", cents(100));
    world.told(&run, 69);
    assert_eq!(near(&world.state, world.task("g"), world.now), None);
    world.told(&run, 70);
    let cap = Cap::Budget(cents(100));
    let of_goal = Near { cap, stage: None, percent: 80, estimated: true };
    assert_eq!(warnings(&world.state, world.task("g"), world.now), [Warning::Near(of_goal)]);
    assert_eq!(
        words::warning(Warning::Near(of_goal), world.now),
        "about 80% of budget of $1.00 used",
        "told from what is known"
    );
    assert_eq!(near(&world.state, world.task("b"), world.now), None, "its own has some more");
    assert_eq!(words::spent(&world.state, world.task("g")), "≈ $0.80 of $1.00");
}

#[test]
fn a_turn_that_passes_a_budget_that_was_set_meanwhile_is_ended_and_its_person_asked() {
    let (mut world, run) = known();
    world.told(&run, 30);
    assert_eq!(world.ended(), []);
    world.budget("g", cents(40));
    assert_eq!(world.ended(), [(run.clone(), Some("g".to_owned()))], "ten cents and thirty");
    assert_eq!(world.ended(), [], "once");
    world.interrupted(&run, Some(cents(31)));
    assert_eq!(world.step(), []);
    assert!(
        matches!(world.task("b").standing, Standing::Limited { class: Some(ErrorClass::Capped), .. }),
        "it pauses, and has not failed"
    );
    let asked = status(&world.state, world.task("g"));
    let used = Reason::Used { cap: Cap::Budget(cents(40)), stage: None, above: None };
    assert_eq!((asked.kind, asked.reason), (Stands::Waiting, used));
    world.budget("g", cents(80));
    let again = world.order("b");
    assert!(again.spec.args.contains(&Arg::text("--resume")), "with its session: {:?}", again.spec.args);
    assert_eq!(world.state.run(&again.run).unwrap().holds, Some(cents(39)));
}

/// Until its cap on tokens, whose agent keeps none of its own, and on requests, where it was given none.
#[test]
fn a_turn_that_has_come_to_another_cap_is_ended_and_what_it_used_stays_used() {
    let tokens = |cap| Caps { tokens: Some(cap), ..Caps::default() };
    let turns = |cap| Caps { turns: Some(cap), ..Caps::default() };
    // Each request has 210 tokens in and out, and is told when it has begun.
    for (harness, caps, holds, passes, more) in [
        (HarnessId::Claude, tokens(1_000), 4, 5, tokens(2_000)),
        (HarnessId::Codex, tokens(1_000), 4, 5, tokens(2_000)),
        (HarnessId::Codex, turns(5), 5, 6, turns(9)),
    ] {
        let mut world = planned(harness, &["a"]);
        world.edit(PlanEdit::SetCaps { task: id("a"), caps });
        let run = world.running("a");
        world.told(&run, holds);
        assert_eq!(world.ended(), [], "{caps:?}");
        world.told(&run, passes);
        assert_eq!(world.ended(), [(run.clone(), Some("a".to_owned()))], "{caps:?}");
        let (class, message) = (ErrorClass::Interrupted, "Interrupted.".to_owned());
        let error = Some(AgentError { class, message, until: None });
        let turns = u32::try_from(passes).unwrap();
        world.ends(&run, TurnReport { error, turns, ..TurnReport::default() });
        assert_eq!(world.step(), []);
        let asked = status(&world.state, world.task("a"));
        assert!(
            matches!(asked.reason, Reason::Used { cap: Cap::Tokens(1_000) | Cap::Turns(5), .. }),
            "its end told no tokens, and they count all the same: {asked:?}"
        );
        world.edit(PlanEdit::SetCaps { task: id("a"), caps: more });
        assert_eq!(world.order("a").run, id("a").run(2), "{caps:?}");
    }
}

/// Claude Code is told how many requests it may make, and counts them in its own way.
#[test]
fn who_keeps_its_requests_by_itself_is_not_ended_for_them() {
    let mut world = planned(HarnessId::Claude, &["a"]);
    let caps = Caps { turns: Some(5), ..Caps::default() };
    world.edit(PlanEdit::SetCaps { task: id("a"), caps });
    let run = world.running("a");
    world.told(&run, 6);
    assert_eq!(world.ended(), []);
}

#[test]
fn who_told_less_than_was_thought_goes_on_at_once() {
    let (mut world, run) = known();
    world.told(&run, 30);
    world.budget("g", cents(40));
    assert_eq!(world.ended().len(), 1);
    world.interrupted(&run, Some(cents(15)));
    let again = world.order("b");
    assert_eq!(
        world.state.run(&again.run).unwrap().holds,
        Some(cents(15)),
        "of forty, twenty-five are spent"
    );
}

#[test]
fn an_agent_that_was_given_what_is_left_keeps_to_it_by_itself() {
    let (mut world, run) = known();
    assert_eq!(world.state.run(&run).unwrap().holds, Some(cents(100)));
    world.told(&run, 130);
    assert_eq!(world.ended(), [], "an estimate is no reason to distrust it");
    world.budget("b", cents(90));
    assert_eq!(world.ended(), [(run, Some("b".to_owned()))], "it does not know of this one");
}

#[test]
fn beside_one_that_has_no_bound_it_is_ended_with_it() {
    let (mut world, run) = known();
    world.write("g");
    let talk = world.order("g").run;
    world.begins(&talk);
    assert_eq!(world.state.run(&talk).unwrap().holds, None);
    world.told(&run, 20);
    world.used(&talk, 95, Some(cents(95)));
    world.budget("g", cents(120));
    let mut ended = world.ended();
    ended.sort();
    let of_goal = Some("g".to_owned());
    assert_eq!(ended, [(run, of_goal.clone()), (talk, of_goal)], "nobody knows how far the other goes");
}

#[test]
fn what_one_is_thought_to_have_passed_is_promised_to_nobody_else() {
    let (mut world, run) = known();
    world.budget("g", cents(300));
    world.told(&run, 130);
    let mut holds = |name: &str| {
        let planned = PlannedTask::new(id(name), id("g"), name, "Do");
        world.edit(PlanEdit::Add { planned, index: u32::MAX });
        let run = world.order(name).run;
        world.state.run(&run).unwrap().holds
    };
    assert_eq!(holds("c"), Some(cents(100)), "all that a task may by itself");
    assert_eq!(
        holds("d"),
        Some(cents(60)),
        "of three hundred, ten are spent, 130 thought and a hundred held"
    );
}

#[test]
fn one_that_dies_unheard_leaves_what_was_thought_and_the_rest_unknown() {
    let (mut world, run) = known();
    world.told(&run, 30);
    world.interrupted(&run, None);
    let spend = world.task("b").spend;
    let known = Spend { estimated: cents(30), unknown_runs: 1, presumed: cents(70), known: MicroUsd(0) };
    assert_eq!(spend, known);
    assert_eq!(words::money(spend), "≈ $0.30 + unknown");
    let spent = envelope(&world.state, world.task("b")).unwrap().spent;
    assert_eq!(spent, cents(30), "nobody set its budget: what is thought counts, what was held does not");
}

#[test]
fn prices_of_the_person_tell_what_nobody_else_does() {
    let mut world = planned(HarnessId::Codex, &["a", "b"]);
    let run = world.running("a");
    world.over(&run, 10, None);
    assert_eq!(world.cost(&run), "cost unknown");
    let price = Price { input: MicroUsd(1_000_000), output: MicroUsd(10_000_000) };
    let prices = BTreeMap::from([("*".to_owned(), price)]);
    let codex = Tiers { prices, ..Tiers::default() };
    world.say(Kind::ModelsSet { models: Models { codex, ..Models::default() } });
    world.budget("b", cents(50));
    let run = world.running("b");
    assert_eq!(world.cost(&run), "");
    // 10 in, 200 out, 20,000 from the cache and 400 into it: 4,510 millionths of a dollar.
    world.over(&run, 100, None);
    let spend = Spend { estimated: MicroUsd(451_000), ..Spend::default() };
    assert_eq!((world.task("b").spend, world.cost(&run).as_str()), (spend, "≈ $0.45"));
    let budget = envelope(&world.state, world.task("b")).unwrap();
    assert_eq!((budget.spent, budget.is_near()), (MicroUsd(451_000), true));
}

#[test]
fn a_turn_of_several_results_counts_each_once() {
    let (mut world, run) = known();
    world.told(&run, 20);
    world.used(&run, 20, Some(cents(18)));
    assert_eq!(world.cost(&run), "≈ $0.18 so far", "what is over was told");
    world.told(&run, 30);
    assert_eq!(world.cost(&run), "≈ $0.28 so far", "and ten more");
}

/// However many requests a turn makes, the log has an entry for each twentieth of its tightest budget.
#[test]
fn the_log_grows_by_what_is_news_and_not_by_requests() {
    let (mut world, run) = known();
    let told = |world: &World, most: u64| {
        let pace = Pace::of(&world.state, world.task("b"), world.state.run(&run).unwrap()).unwrap();
        let mut last = Tokens::default();
        let news = (1..=most).map(requests).filter(|now| {
            let news = pace.is_news(last, *now);
            last = if news { *now } else { last };
            news
        });
        news.count()
    };
    assert_eq!(told(&world, 100), 20, "of a dollar, a cent each");
    world.budget("g", cents(20));
    assert_eq!(told(&world, 20), 20, "a budget above is tighter, and each request is a twentieth of it");
    world.budget("g", cents(10_000));
    assert_eq!(told(&world, 100), 20);
}
