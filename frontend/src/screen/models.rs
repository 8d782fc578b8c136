//! Which model does a task of which size, how hard it thinks, who steps in while that one has reached its limit, and what
//! models cost.

use leptos::prelude::*;
use shared::agent::HarnessId;
use shared::models::{ModelChoice, Models, Price, Tiers};
use shared::plan::Size;

use crate::component::latest::Latest;
use crate::desk::Desk;
use crate::words;

const SIZES: [Size; 3] = [Size::Light, Size::Standard, Size::Heavy];
const HARNESSES: [HarnessId; 2] = [HarnessId::Claude, HarnessId::Codex];

#[component]
pub fn ModelsTable() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let known = Memo::new(move |_| desk.read(|state| state.models.clone()));
    let latest = Latest::of(known);
    let set = move |harness: HarnessId, change: &dyn Fn(&mut Tiers)| {
        desk.set_models(latest.change(|mut models| {
            change(tiers(&mut models, harness));
            models
        }));
    };
    let choose =
        Callback::new(move |(harness, size, text): (HarnessId, Size, String)| {
            match ModelChoice::read(&text) {
                Ok(choice) => set(harness, &|tiers| tiers.choose(size, choice.clone())),
                Err(odd) => desk.say(odd.to_string(), false),
            }
        });
    let price = move |harness: HarnessId, text: &str| {
        let prices = Price::read_all(text).map_err(|odd| odd.to_string())?;
        set(harness, &|tiers| tiers.prices.clone_from(&prices));
        Ok(())
    };
    view! {
        <fieldset><legend>"Models, by the size of a task"</legend>
            {HARNESSES.map(|harness| view! {
                <div class="caps">{SIZES.map(|size| view! { <Cell known=known harness=harness size=size change=choose/> })}</div>
            })}
            <p class="hint">"Names as the agent's CLI takes them; behind one, how hard it thinks: low, medium, high or xhigh. After a comma: who steps in while the first has reached its limit, such as “opus high, sonnet”. Empty leaves it to the agent."</p>
            {HARNESSES.map(|harness| view! { <Prices known=known harness=harness price=price/> })}
            <p class="hint">"Dollars for a million tokens in and out, such as opus=15/75; * is any other model. By these a turn is estimated while it runs, and where its agent tells no cost."</p>
        </fieldset>
    }
}

#[component]
fn Cell(
    known: Memo<Models>,
    harness: HarnessId,
    size: Size,
    change: Callback<(HarnessId, Size, String)>,
) -> impl IntoView {
    let text = Memo::new(move |_| known.with(|models| written(models, harness, size)));
    view! {
        <label class="field"><span>{format!("{harness}, {}", words::size(size))}</span>
            <input class="input" placeholder="its own choice" prop:value=move || text.get()
                on:change:target=move |event| change.run((harness, size, event.target().value()))/>
        </label>
    }
}

/// What the models of one CLI cost; a text that cannot be is left to be mended, with what is wrong.
#[component]
fn Prices(
    known: Memo<Models>,
    harness: HarnessId,
    price: impl Fn(HarnessId, &str) -> Result<(), String> + Send + Sync + 'static,
) -> impl IntoView {
    let problem = RwSignal::new(None::<String>);
    let text = Memo::new(move |_| {
        let tiers = |models: &Models| models.tiers(harness).map(|tiers| Price::write_all(&tiers.prices));
        known.with(tiers).unwrap_or_default()
    });
    let (label, hint) = (format!("{harness}, prices"), format!("prices-{harness:?}"));
    view! {
        <div class="field"><span>{label.clone()}</span>
            <input class="input" aria-label=label aria-describedby=hint.clone() placeholder="unknown"
                aria-invalid=move || problem.read().is_some().to_string() prop:value=move || text.get()
                on:change:target=move |event| problem.set(price(harness, &event.target().value()).err())/>
            <span class="hint" id=hint role="status" data-state="error">{move || problem.get()}</span>
        </div>
    }
}

/// "opus · high, sonnet".
fn written(models: &Models, harness: HarnessId, size: Size) -> String {
    models.tiers(harness).map(|tiers| tiers.choice(size).to_string()).unwrap_or_default()
}

fn tiers(models: &mut Models, harness: HarnessId) -> &mut Tiers {
    match harness {
        HarnessId::Codex => &mut models.codex,
        _ => &mut models.claude,
    }
}
