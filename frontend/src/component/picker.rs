//! One of several by name, or none of them.

use leptos::prelude::*;

/// What can be picked: ids and names, in the order in which they are offered.
pub type Offers = Memo<Vec<(String, String)>>;

#[component]
pub fn Picker(
    label: &'static str,
    /// What it says where nothing is picked.
    none: &'static str,
    offers: Offers,
    #[prop(into)] value: Signal<Option<String>>,
    pick: impl Fn(&str) + 'static,
) -> impl IntoView {
    view! {
        <select class="input" aria-label=label on:change=move |event| pick(&event_target_value(&event))>
            <option value="" selected=move || value.get().is_none()>{none}</option>
            {move || offers.get().into_iter().map(|(id, name)| {
                let own = id.clone();
                view! { <option value=id selected=move || value.get().as_ref() == Some(&own)>{name}</option> }
            }).collect_view()}
        </select>
    }
}

/// A line of text.
#[component]
pub fn Line(label: &'static str, value: RwSignal<String>, hint: &'static str) -> impl IntoView {
    view! {
        <label class="field">
            <span>{label}</span>
            <input class="input" placeholder=hint prop:value=move || value.get() on:input=move |event| value.set(event_target_value(&event))/>
        </label>
    }
}

/// What a line says, if it says anything.
pub fn some(line: RwSignal<String>) -> Option<String> {
    Some(line.get_untracked().trim().to_owned()).filter(|text| !text.is_empty())
}
