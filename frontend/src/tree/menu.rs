//! The menu of a node: everything that keys and hovering offer, in words.

use conductor::state::Task;
use leptos::prelude::*;
use shared::id::TaskId;
use shared::plan::Mode;

use super::keys;
use super::view::Tree;

#[component]
pub fn Menu(tree: Tree) -> impl IntoView {
    let close = move || tree.menu.set(None);
    let away = window_event_listener(leptos::ev::pointerdown, move |event| {
        use wasm_bindgen::JsCast;
        let inside = event
            .target()
            .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
            .and_then(|element| element.closest(".menu").ok().flatten());
        if inside.is_none() && tree.menu.with_untracked(Option::is_some) {
            close();
        }
    });
    on_cleanup(move || away.remove());
    view! {
        {move || tree.menu.get().map(|(task, x, y)| {
            let left = x.min(window().inner_width().ok().and_then(|width| width.as_f64()).map_or(x, |width| clamp(width - 240.0)));
            let top = y.min(window().inner_height().ok().and_then(|height| height.as_f64()).map_or(y, |height| clamp(height - 514.0)));
            view! {
                <div class="menu" role="menu" style:left=format!("{left}px") style:top=format!("{top}px")
                    on:keydown=move |event| if event.key() == "Escape" { close(); keys::focus(tree); }
                >
                    <Choices tree=tree task=task/>
                </div>
            }
        })}
    }
}

#[expect(clippy::cast_possible_truncation, reason = "pixels of a screen")]
fn clamp(pixels: f64) -> i32 {
    pixels.max(8.0) as i32
}

#[component]
fn Choices(tree: Tree, task: TaskId) -> impl IntoView {
    let goal = tree.goal.get_value();
    let is_goal = task == goal;
    let (group, manual, busy) = tree.desk.peek(|state| {
        let found = state.task(&task);
        let is = |look: fn(&Task) -> bool| found.is_some_and(look);
        (is(Task::is_group), is(|task| task.mode == Mode::Manual), is(|task| task.current.is_some()))
    });
    let item = move |name: &'static str, key: &'static str, off: bool, act: fn(Tree, &TaskId)| {
        let task = task.clone();
        view! {
            <button role="menuitem" disabled=off on:click=move |_| {
                tree.menu.set(None);
                act(tree, &task);
            }>{name}{(!key.is_empty()).then(|| view! { <kbd class="key">{key}</kbd> })}</button>
        }
    };
    view! {
        {item("Rename", "F2", is_goal, |tree, task| keys::rename(tree, task.clone()))}
        {item("Change the mode", "E", is_goal, keys::change_mode)}
        {item(if manual { "Give it to an agent" } else { "Do it yourself" }, "", is_goal, keys::change_hands)}
        {item("Add a task after", "N", is_goal, keys::add_after)}
        {item("Add a task inside", "Shift N", false, |tree, task| keys::add(tree, task, None))}
        {item("Move …", "M", is_goal, |tree, _| tree.moving.set(true))}
        {item("Clone", "Y", is_goal, keys::copy)}
        {item("Remove", "Del", is_goal, keys::remove)}
        {item("Copy as Markdown", "", false, keys::copy_document)}
        {item("Write to it", "Enter", false, |_, _| keys::focus_composer())}
        {item(if group { "Plan again" } else { "Split this task" }, "P", false, keys::plan)}
        {item("Retry", "R", false, |tree, task| tree.desk.retry(task))}
        {item("Back to the queue", "Shift R", !busy, |tree, task| tree.desk.requeue(task))}
        {item("Stop", "S", false, |tree, task| tree.desk.stop(task))}
        {item("Undo the last edit", "Z", false, |tree, _| tree.desk.undo())}
    }
}
