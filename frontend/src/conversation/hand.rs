//! Where the person says how a task of their own went.

use leptos::prelude::*;
use shared::id::TaskId;

use super::composer::draft;
use crate::desk::Desk;

#[component]
pub fn HandIn(id: TaskId) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let text = draft(&id);
    let own = StoredValue::new(id);
    let take = move || std::mem::take(&mut *text.write()).trim().to_owned();
    let done = move || desk.accept(&own.get_value(), take());
    view! {
        <form class="composer" on:submit=move |event| { event.prevent_default(); done(); }>
            <textarea aria-label="What came of it" rows="2" placeholder="What came of it, for whatever comes after it"
                prop:value=move || text.get()
                on:input=move |event| text.set(event_target_value(&event))
                on:keydown=move |event| if event.key() == "Enter" && (event.ctrl_key() || event.meta_key()) { done() }
            ></textarea>
            <div>
                <span class="push"></span>
                <button class="button" type="button" data-kind="plain" data-size="sm" title="Say why" disabled=move || text.read().trim().is_empty()
                    on:click=move |_| desk.give_up(&own.get_value(), take())>"It cannot be done"</button>
                <button class="button" data-kind="solid" data-size="sm">"Done "<kbd class="key">"Ctrl Enter"</kbd></button>
            </div>
        </form>
    }
}
