//! Below a plan: what its new version changed, and a way to take the marks off the tree.

use leptos::prelude::*;

use crate::tree::view::Tree;
use crate::words;

pub fn news(tree: Tree) -> AnyView {
    let text = move || {
        let owner = tree.proposal.get()?;
        tree.desk.read(|state| {
            let news = state.task(&owner)?.planning.as_ref()?.news()?;
            let before = words::before_version(news.version);
            Some(format!("v{} against {before}: {}", news.version, words::changes(&news.changes)))
        })
    };
    (move || {
        tree.marks.get().map(|_| {
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
