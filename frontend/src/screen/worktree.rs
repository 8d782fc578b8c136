//! Where a goal works: on which branch of its own, and how what came of it is taken over.

use leptos::prelude::*;
use shared::id::TaskId;

use crate::component::flow::Show;
use crate::place::{Here, Part};
use crate::tree::view::Tree;

/// Says it of a goal that works in a worktree; else nothing.
#[component]
pub fn WorktreeField(tree: Tree, own: StoredValue<TaskId>) -> impl IntoView {
    let here = expect_context::<Here>();
    let kept = Memo::new(move |_| {
        tree.desk.read(|state| state.worktree_of(&state.task(&own.get_value())?.project).cloned())
    });
    let text = move |part: fn(&shared::worktree::Worktree) -> String| {
        move || kept.get().map(|kept| part(&kept.worktree)).unwrap_or_default()
    };
    let removed = move || kept.read().as_ref().is_some_and(|kept| kept.removed.is_some());
    view! {
        <Show when=move || kept.read().is_some()>
            <div class="field">
                <span>"Worktree"</span>
                <div class="row">
                    <span class="mono clip">{text(|worktree| worktree.branch.clone())}</span>
                    <button class="button push" data-size="sm" on:click=move |_| here.open_part(Part::Worktrees)>"Worktrees"</button>
                </div>
                <span class="hint mono">{text(|worktree| worktree.folder.clone())}</span>
                <span class="hint">
                    {move || if removed() { "It was removed; among the worktrees it can be brought back. " } else { "" }}
                    {text(|worktree| format!("To take what was committed over, in {}: ", worktree.of))}
                    <code>{text(|worktree| format!("git merge {}", worktree.branch))}</code>
                </span>
            </div>
        </Show>
    }
}
