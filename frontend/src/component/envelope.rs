//! A budget as a bar: what is spent, what runs hold, and what is free.

use conductor::budget::Envelope;
use leptos::prelude::*;

use super::flow::Show;

/// Nothing where there is no budget.
#[component]
pub fn Meter(envelope: Signal<Option<Envelope>>) -> impl IntoView {
    let percent = move || envelope.get().map_or((0, 0), Envelope::percent);
    view! {
        <Show when=move || envelope.read().is_some()>
            <span class="envelope" role="meter" aria-label="Budget spent, in percent" aria-valuemin="0" aria-valuemax="100"
                aria-valuenow=move || percent().0.to_string()
                data-state=move || envelope.get().filter(|envelope| envelope.is_near()).map(|_| "near")
                style=("--spent", move || percent().0.to_string())
                style=("--held", move || percent().1.to_string())
            ><i></i><i></i></span>
        </Show>
    }
}
