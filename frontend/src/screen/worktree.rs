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
    // Branch, folder, what to do, and the command for it.
    let told = Memo::new(move |_| {
        tree.desk.read(|state| {
            let kept = state.worktree_of(&state.task(&own.get_value())?.project)?;
            let worktree = &kept.worktree;
            let removed = match kept.removed {
                Some(_) => "It was removed; among the worktrees it can be brought back. ",
                None => "",
            };
            let next = format!("{removed}To take what was committed over, in {}: ", worktree.of);
            let command = format!("git merge {}", worktree.branch);
            Some([worktree.branch.clone(), worktree.folder.clone(), next, command])
        })
    });
    let text = move |part: usize| move || told.with(|told| told.as_ref().map(|told| told[part].clone()));
    view! {
        <Show when=move || told.read().is_some()>
            <div class="field">
                <span>"Worktree"</span>
                <div class="row">
                    <span class="mono clip">{text(0)}</span>
                    <button class="button push" data-size="sm" on:click=move |_| here.open_part(Part::Worktrees)>"Worktrees"</button>
                </div>
                <span class="hint mono">{text(1)}</span>
                <span class="hint">{text(2)}<code>{text(3)}</code></span>
            </div>
        </Show>
    }
}
