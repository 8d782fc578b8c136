//! Which model does a task of which size, how hard it thinks, and who steps in while that one has reached its limit.

use leptos::prelude::*;
use shared::agent::HarnessId;
use shared::models::{Choice, Models};
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
    let change =
        Callback::new(move |(harness, size, text): (HarnessId, Size, String)| match Choice::read(&text) {
            Ok(choice) => desk.set_models(latest.change(|models| with(models, harness, size, choice))),
            Err(odd) => desk.say(odd.to_string(), false),
        });
    view! {
        <fieldset><legend>"Models, by the size of a task"</legend>
            {[HarnessId::Claude, HarnessId::Codex].map(|harness| view! {
                <div class="caps">{SIZES.map(|size| view! { <Cell known=known harness=harness size=size change=change/> })}</div>
            })}
            <p class="hint">"Names as the agent's CLI takes them; behind one, how hard it thinks: low, medium, high or xhigh. After a comma: who steps in while the first has reached its limit, such as “opus high, sonnet”. Empty leaves it to the agent."</p>
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

/// "opus · high, sonnet".
fn written(models: &Models, harness: HarnessId, size: Size) -> String {
    models.tiers(harness).map(|tiers| tiers.choice(size).to_string()).unwrap_or_default()
}

fn with(mut models: Models, harness: HarnessId, size: Size, choice: Choice) -> Models {
    let tiers = match harness {
        HarnessId::Codex => &mut models.codex,
        _ => &mut models.claude,
    };
    tiers.choose(size, choice);
    models
}
