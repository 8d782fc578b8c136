//! A modal dialog: the browser's own, so that focus, Esc and the backdrop are right.

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use crate::component::flow::Show;

/// Whether a dialog is open: keys are its own then, and none of what is behind it.
pub fn is_open() -> bool {
    document().query_selector("dialog[open]").is_ok_and(|dialog| dialog.is_some())
}

/// Whether the press was beside the dialog, on what it veils: there is nothing of it but itself.
pub fn is_beside(event: &web_sys::MouseEvent) -> bool {
    let dialog = event.target().and_then(|target| target.dyn_into::<web_sys::HtmlDialogElement>().ok());
    dialog.is_some_and(|dialog| {
        let place = dialog.get_bounding_client_rect();
        let (x, y) = (f64::from(event.client_x()), f64::from(event.client_y()));
        !(place.left()..=place.right()).contains(&x) || !(place.top()..=place.bottom()).contains(&y)
    })
}

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
        <dialog aria-label=label node_ref=node on:close=move |_| open.set(false) on:pointerdown=move |event| if is_beside(&event) { open.set(false) }>
            <header>
                <span>{title}</span>
                <button class="button push" data-kind="plain" data-size="sm" on:click=move |_| open.set(false)>"Close"</button>
            </header>
            <Show when=move || open.get()>{children()}</Show>
        </dialog>
    }
}
