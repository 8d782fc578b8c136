//! Icons: symbols of the sprite in `index.html`.

use leptos::prelude::*;

/// Decoration; what it means stands beside it in words.
#[component]
pub fn Icon(#[prop(into)] name: Signal<&'static str>) -> impl IntoView {
    view! {
        <svg class="icon" aria-hidden="true">
            <use href=move || format!("#{}", name.get())></use>
        </svg>
    }
}

/// A status as glyph and word.
#[component]
pub fn StatusMark(#[prop(into)] kind: Signal<conductor::status::Kind>) -> impl IntoView {
    view! {
        <span class="status" data-status=move || kind.get().token()>
            <Icon name=Signal::derive(move || kind.get().token())/>
            {move || kind.get().word()}
        </span>
    }
}
