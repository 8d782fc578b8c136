//! Which model does a task of which size, and who steps in while that one has reached its limit.

use leptos::prelude::*;
use shared::agent::HarnessId;
use shared::models::{Models, Tiers, is_model};
use shared::plan::Size;

use crate::component::latest::Latest;
use crate::desk::Desk;
use crate::words;

const SIZES: [Size; 3] = [Size::Light, Size::Standard, Size::Heavy];

#[component]
pub fn ModelsTable() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let known = Memo::new(move |_| desk.read(|state| state.models.clone()));
    let latest = Latest::of(known);
    let change = Callback::new(move |(harness, size, names): (HarnessId, Size, Vec<String>)| {
        if let Some(odd) = names.iter().find(|name| !is_model(name)) {
            desk.say(format!("{odd:?} is no model's name. Give it as the agent's CLI takes it."), false);
            return;
        }
        desk.set_models(latest.change(|models| with(models, harness, size, names)));
    });
    view! {
        <fieldset><legend>"Models, by the size of a task"</legend>
            {[HarnessId::Claude, HarnessId::Codex].map(|harness| view! {
                <div class="caps">{SIZES.map(|size| view! { <Cell known=known harness=harness size=size change=change/> })}</div>
            })}
            <p class="hint">"Names as the agent's CLI takes them. After a comma: who steps in while the first has reached its limit, such as “opus, sonnet”. Empty leaves it to the agent."</p>
        </fieldset>
    }
}

#[component]
fn Cell(
    known: Memo<Models>,
    harness: HarnessId,
    size: Size,
    change: Callback<(HarnessId, Size, Vec<String>)>,
) -> impl IntoView {
    let text = Memo::new(move |_| known.with(|models| written(models, harness, size)));
    view! {
        <label class="field"><span>{format!("{harness}, {}", words::size(size))}</span>
            <input class="input" placeholder="its own choice" prop:value=move || text.get()
                on:change:target=move |event| {
                    let names = event.target().value();
                    let names = names.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned);
                    change.run((harness, size, names.collect()));
                }/>
        </label>
    }
}

/// "opus, sonnet".
fn written(models: &Models, harness: HarnessId, size: Size) -> String {
    let Some(tiers) = models.tiers(harness) else { return String::new() };
    let names: Vec<&str> =
        tiers.get(size).into_iter().chain(tiers.instead(size).iter().map(String::as_str)).collect();
    names.join(", ")
}

/// The table with these names, the first for the size and the others to step in.
fn with(mut models: Models, harness: HarnessId, size: Size, names: Vec<String>) -> Models {
    let tiers = match harness {
        HarnessId::Codex => &mut models.codex,
        _ => &mut models.claude,
    };
    let Tiers { light, standard, heavy, instead } = tiers;
    let (first, others) = match size {
        Size::Light => (light, &mut instead.light),
        Size::Standard => (standard, &mut instead.standard),
        Size::Heavy => (heavy, &mut instead.heavy),
    };
    let mut names = names.into_iter();
    *first = names.next();
    *others = names.collect();
    models
}
