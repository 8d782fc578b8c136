//! What the work has used, behind the cost in the bar: each kind of agent and all together, today and in all, and what was
//! spent since the person's last word.

use conductor::state::Run;
use conductor::usage::{Usage, Used, by, unattended};
use leptos::prelude::*;
use shared::agent::HarnessId;
use shared::unit::Millis;

use crate::component::dialog::Dialog;
use crate::component::envelope::Meter;
use crate::component::flow::Show;
use crate::desk::Desk;
use crate::words::{day, dollars, many, midnight, money};

/// The latest days that are listed.
const DAYS: usize = 14;

/// The cost in the bar is its button; `children` are that.
#[component]
pub fn UsageButton(children: Children) -> impl IntoView {
    let open = RwSignal::new(false);
    view! {
        <button class="fact" title="Spent on this goal; usage of all" on:click=move |_| open.set(true)>
            {children()}<span class="sr">", usage"</span>
        </button>
        <Dialog open=open title="Usage"><Panel/></Dialog>
    }
}

#[component]
fn Panel() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let today = Memo::new(move |_| midnight(desk.clock.get()));
    let usages = Memo::new(move |_| {
        let from = [("Today", today.get()), ("In all", Millis(0))];
        desk.read(|state| from.map(|(name, from)| (name, Usage::since(state, from))))
    });
    let models = Memo::new(move |_| desk.read(|state| by(state, &model)));
    let days = Memo::new(move |_| {
        let now = today.get();
        desk.read(|state| by(state, &|run| day(run.ended().unwrap_or(now))))
    });
    let away = Memo::new(move |_| desk.read(unattended));
    let words = move || match away.get() {
        Some(away) => format!(
            "{} since your last word, of {} that may be spent without one. Then nothing begins until you come back.",
            dollars(away.spent),
            dollars(away.budget)
        ),
        None => {
            "What may be spent while you do nothing has no limit; see limits, behind the agents in the bar."
                .to_owned()
        }
    };
    view! {
        <div class="body settings">
            <Show when=move || usages.with(|[_, (_, all)]| all.each.is_empty())>
                <p class="quiet">"No agent has run yet."</p>
            </Show>
            <div class="scroll-x sums">
                {move || usages.get().map(|(name, usage)| table(name, usage))}
                {move || models.with(|rows| ledger("Models", rows.iter()))}
                {move || days.with(|rows| ledger("Latest days", rows.iter().rev().take(DAYS)))}
            </div>
            <h3 class="label">"While you are away"</h3>
            <Meter envelope=Signal::derive(move || away.get())/>
            <p class="meta">{words}</p>
        </div>
    }
}

fn table(name: &'static str, usage: Usage) -> Option<AnyView> {
    let all = (usage.each.len() > 1).then(|| ("Together".to_owned(), usage.all));
    let each = usage.each.iter().map(|(harness, used)| (called(*harness).to_owned(), *used));
    let rows: Vec<_> = each.chain(all).collect();
    ledger(name, rows.iter().map(|(name, used)| (name, used)))
}

/// A row for each; nothing where there is none.
fn ledger<'a>(name: &'static str, rows: impl Iterator<Item = (&'a String, &'a Used)>) -> Option<AnyView> {
    let rows: Vec<AnyView> = rows.map(|(name, used)| line(name.clone(), used)).collect();
    (!rows.is_empty()).then(|| {
        view! {
            <table class="ledger">
                <thead><tr><th scope="col">{name}</th>{["Cost", "Runs", "Tokens in", "Out", "Cached"].map(|head| view! { <th scope="col">{head}</th> })}</tr></thead>
                <tbody>{rows}</tbody>
            </table>
        }
        .into_any()
    })
}

/// "Claude Code, opus".
fn model(run: &Run) -> String {
    format!("{}, {}", called(run.harness), run.known_model().unwrap_or("model unknown"))
}

fn line(name: String, used: &Used) -> AnyView {
    let cost = Some(money(used.spend)).filter(|cost| !cost.is_empty()).unwrap_or("$0.00".to_owned());
    let tokens = used.tokens;
    let cells =
        [cost, many(used.runs.into()), many(tokens.input), many(tokens.output), many(tokens.cache_read)];
    view! { <tr><td>{name}</td>{cells.map(|cell| view! { <td>{cell}</td> })}</tr> }.into_any()
}

fn called(harness: HarnessId) -> &'static str {
    match harness {
        HarnessId::Claude => "Claude Code",
        HarnessId::Codex => "Codex",
        HarnessId::Demo => "Demo",
        HarnessId::Command => "Commands",
    }
}
