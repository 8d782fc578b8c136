//! A modal dialog: the browser's own, so that focus, Esc and the backdrop are right.

use leptos::html;
use leptos::prelude::*;

use crate::component::flow::Show;

/// Shows its children while `open` is true.
#[component]
pub fn Dialog(open: RwSignal<bool>, #[prop(into)] title: String, children: ChildrenFn) -> impl IntoView {
    let (node, label) = (NodeRef::<html::Dialog>::new(), title.clone());
    Effect::new(move |_| {
        let Some(dialog) = node.get() else { return };
        if open.get() {
            if !dialog.open() {
                // Fails only on a dialog that is open or not in the document.
                let _ = dialog.show_modal();
            }
        } else {
            dialog.close();
        }
    });
    view! {
        <dialog aria-label=label node_ref=node on:close=move |_| open.set(false)>
            <header>
                <span>{title}</span>
                <button class="button push" data-kind="plain" data-size="sm" on:click=move |_| open.set(false)>"Close"</button>
            </header>
            <Show when=move || open.get()>{children()}</Show>
        </dialog>
    }
}
