//! Agents that are ended by the cap on requests or on money that they were given. Which ones follows from their runs alone, so
//! that a world without it is as it was.

use serde_json::{Value, json};
use shared::agent::ErrorClass;
use shared::entry::Purpose;
use shared::run::{RunEnd, RunSpec};

use crate::agent::{Order, Script, Truth, result};
use crate::chance::Chance;
use crate::ear::is_result;
use crate::process::argument;

/// The script as it is, or as it is where a cap ends it. Reviews and repairs, which have caps of their own, come to their end.
pub fn capped(script: Script, order: &Order<'_>, spec: &RunSpec) -> Script {
    let bound = matches!(order.purpose, Purpose::Plan | Purpose::Work | Purpose::Summary | Purpose::Talk);
    let succeeds = !matches!(script.truth, Truth::Broken(..) | Truth::Nothing);
    let told = script.lines.last().is_some_and(|line| is_result(&line.text));
    if !bound || !succeeds || !told || !Chance::named(order.run.as_str(), 11).one_in(6) {
        return script;
    }
    let turns = argument(spec, "--max-turns").and_then(|turns| turns.parse().ok());
    let money = order.holds.filter(|_| argument(spec, "--max-budget-usd").is_some());
    let (end, cost) = match (turns, money) {
        (Some(turns), _) => (over("error_max_turns", turns), script.cost),
        (None, Some(money)) => (over("error_max_budget_usd", 1), Some(money)),
        (None, None) => return script,
    };
    let mut lines = script.lines;
    lines.pop();
    lines.push(result(order.session, cost, end));
    let truth = Truth::Broken(ErrorClass::Capped, None);
    Script { lines, end: RunEnd::Exited { code: 1 }, truth, cost, ..script }
}

fn over(what: &str, turns: u32) -> Value {
    json!({"subtype": what, "is_error": true, "num_turns": turns})
}
