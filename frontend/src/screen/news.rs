//! Below a plan: what its new version changed, and a way to take the marks off the tree.

use leptos::prelude::*;

use crate::tree::view::Tree;
use crate::words;

pub fn news(tree: Tree) -> AnyView {
    let text = move || {
        let goal = tree.goal.get_value();
        tree.desk.read(|state| {
            let news = state.task(&goal)?.goal.as_ref()?.news()?;
            Some(format!(
                "v{} against v{}: {}",
                news.version,
                news.version - 1,
                words::changes(&news.changes)
            ))
        })
    };
    (move || {
        tree.marks.get().then(|| {
            view! {
                <p class="news meta" role="status">
                    <span>{text}</span>
                    <button class="button" data-kind="plain" data-size="sm" on:click=move |_| tree.dismiss()>"Hide the marks"</button>
                </p>
            }
        })
    })
    .into_any()
}
