//! What the page wears, chosen for this browser. `theme.js` dresses it so at the next start and in other tabs.

use gloo_storage::{LocalStorage as Local, Storage};
use leptos::prelude::*;

use super::icon::Icon;

/// Where the choice is kept, as `theme.js` reads it.
const KEY: &str = "theme";
/// Themes by the names of their sheets, and by what they are called; the first is none of our own.
const THEMES: [(&str, &str); 4] =
    [("", "As the system"), ("light", "Light"), ("dark", "Dark"), ("2b", "2B: sepia")];

#[component]
pub fn ThemeChoice() -> impl IntoView {
    let kept = Local::raw().get_item(KEY).ok().flatten().unwrap_or_default();
    let options = THEMES
        .map(|(token, name)| view! { <option value=token selected=token == kept>{name}</option> })
        .collect_view();
    view! {
        <label class="fact theme" title="Theme, in this browser">
            <Icon name="theme"/>
            <select aria-label="Theme" on:change=move |event| wear(&event_target_value(&event))>{options}</select>
        </label>
    }
}

/// Dresses the page, and keeps the choice; a browser that keeps nothing forgets it with the tab.
fn wear(theme: &str) {
    let kept = Local::raw();
    let Some(root) = document().document_element() else { return };
    let _ = if theme.is_empty() {
        kept.remove_item(KEY).and(root.remove_attribute("data-theme"))
    } else {
        kept.set_item(KEY, theme).and(root.set_attribute("data-theme", theme))
    };
}
