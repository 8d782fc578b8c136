//! Texts on the clipboard. Where the browser lets nothing there, the text stands in a field from which it is taken by hand.

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::dialog::Dialog;
use crate::desk::Desk;

/// Puts a text on the clipboard and says so; `what` it is stands after "Copied".
pub fn copy(desk: Desk, what: &str, text: String) {
    let (done, written) = (format!("Copied {what}."), window().navigator().clipboard().write_text(&text));
    leptos::task::spawn_local(async move {
        match JsFuture::from(written).await {
            Ok(_) => desk.say(done, false),
            Err(_) => desk.uncopied.set(Some(text)),
        }
    });
}

/// What could not be put on the clipboard.
#[component]
pub fn ByHand() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let open = RwSignal::new(false);
    Effect::new(move |_| open.set(desk.uncopied.read().is_some()));
    view! {
        <Dialog open=open title="Copy it by hand"><Text text=desk.uncopied/></Dialog>
    }
}

#[component]
fn Text(text: RwSignal<Option<String>>) -> impl IntoView {
    let node = NodeRef::<html::Textarea>::new();
    Effect::new(move |_| {
        if let Some(field) = node.get() {
            // Its text is set after this effect.
            request_animation_frame(move || {
                let _ = field.focus();
                field.select();
            });
        }
    });
    view! {
        <div class="body">
            <p class="hint">"The browser lets this page put nothing on the clipboard. The text is chosen: press Ctrl C, or ⌘ C."</p>
            <textarea class="input" readonly rows="16" aria-label="Text to copy" node_ref=node prop:value=move || text.get().unwrap_or_default()></textarea>
        </div>
    }
}
