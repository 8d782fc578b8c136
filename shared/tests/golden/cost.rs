//! What models are chosen, what they cost, and what follows from that.

use std::collections::BTreeMap;

use shared::agent::{AgentEvent, Progress, Tokens};
use shared::entry::Kind;
use shared::id::RunId;
use shared::models::{Effort, Efforts, Models, Price, Tiers};
use shared::plan::PlanEdit;
use shared::run::Signal;
use shared::unit::MicroUsd;

use crate::{edited, task};

pub fn chosen() -> [Kind; 4] {
    // Codex thinks hard about what is hard, and costs what the person says.
    let effort = Efforts { heavy: Some(Effort::High), ..Efforts::default() };
    let price = Price { input: MicroUsd(1_250_000), output: MicroUsd(10_000_000) };
    let prices = BTreeMap::from([("*".to_owned(), price)]);
    let codex = Tiers { effort, prices, ..Tiers::default() };
    let model = |model: Option<&str>, effort| {
        edited(PlanEdit::SetModel { task: task("goal~1"), model: model.map(str::to_owned), effort })
    };
    [
        Kind::ModelsSet { models: Models::default() },
        Kind::ModelsSet { models: Models { codex, ..Models::default() } },
        model(Some("opus"), None),
        model(None, Some(Effort::Xhigh)),
    ]
}

pub fn told(run: &RunId) -> [Kind; 4] {
    let counted = Progress { requests: 2, tokens: 350, each: Tokens::default() };
    let each = Tokens { input: 50, output: 300, cache_read: 9_000, cache_write: 700 };
    let progress = |progress| {
        let event = AgentEvent::Progress { progress };
        Kind::AgentSpoke { run: run.clone(), line: 1, event }
    };
    let signal = |budget| Kind::SignalSent { run: run.clone(), signal: Signal::Terminate, budget };
    [progress(counted), progress(Progress { each, ..counted }), signal(None), signal(Some(task("goal")))]
}
