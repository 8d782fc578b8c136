//! `Show` and `For` as Leptos has them, but compiled once for the whole page: theirs are compiled anew for
//! each condition, list and view, which took 60 KB of WASM.

use std::sync::Arc;

use leptos::prelude::*;

/// Shows its children while `when` says so; they are built anew only when its word changes.
#[component]
pub fn Show<W: Fn() -> bool + Send + Sync + 'static>(when: W, children: ChildrenFn) -> impl IntoView {
    shown(Box::new(when), children)
}

fn shown(when: Box<dyn Fn() -> bool + Send + Sync>, children: ChildrenFn) -> AnyView {
    let when = Memo::new(move |_| when());
    (move || when.get().then(|| children())).into_any()
}

/// One item of a list: its identity, and how it is drawn when it is new.
struct Row {
    key: String,
    draw: Box<dyn FnOnce() -> AnyView + Send>,
}

/// Draws each item once for as long as its key stays in the list. Keys are unique in their list.
#[component]
pub fn For<T: Send + 'static, I: IntoIterator<Item = T>, V: IntoView>(
    each: impl Fn() -> I + Send + Sync + 'static,
    key: impl Fn(&T) -> String + Send + Sync + 'static,
    children: impl Fn(T) -> V + Send + Sync + 'static,
) -> impl IntoView {
    let children = Arc::new(children);
    list(Box::new(move || {
        let row = |item: T| {
            let (key, children) = (key(&item), Arc::clone(&children));
            Row { key, draw: Box::new(move || children(item).into_view().into_any()) }
        };
        each().into_iter().map(row).collect()
    }))
}

fn list(rows: Box<dyn Fn() -> Vec<Row> + Send + Sync>) -> AnyView {
    leptos::control_flow::For(
        leptos::control_flow::ForProps::builder()
            .each(rows)
            .key(|row: &Row| row.key.clone())
            .children(|row: Row| (row.draw)())
            .build(),
    )
    .into_any()
}
