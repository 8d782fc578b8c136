//! The menu of a node: everything that keys and hovering offer, in words.

use conductor::state::Task;
use leptos::html;
use leptos::prelude::*;
use shared::id::TaskId;
use shared::plan::Mode;
use wasm_bindgen::JsValue;

use super::keys;
use super::stopping::stop;
use super::view::Tree;
use crate::component::rove::rove;

const ITEMS: &str = ".menu [role=menuitem]:not(:disabled)";
/// What is kept free at the window's edges, in pixels.
const MARGIN: i32 = 8;

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
    let node = NodeRef::<html::Div>::new();
    Effect::new(move |_| node.get().into_iter().for_each(|_| rove(ITEMS, 1)));
    view! {
        {move || tree.menu.get().map(|(task, x, y)| {
            let (left, top) = within((x, y), (240, 514));
            view! {
                <div class="menu" role="menu" node_ref=node aria-label="What can be done with the task" style=("--x", format!("{left}px")) style=("--y", format!("{top}px"))
                    on:keydown=move |event| pressed(tree, &event)
                >
                    <Choices tree=tree task=task/>
                </div>
            }
        })}
    }
}

/// Keys are the menu's own while it is open.
fn pressed(tree: Tree, event: &web_sys::KeyboardEvent) {
    event.stop_propagation();
    match event.key().as_str() {
        "ArrowDown" => rove(ITEMS, 1),
        "ArrowUp" => rove(ITEMS, -1),
        "Escape" | "Tab" => {
            tree.menu.set(None);
            keys::focus(tree);
        }
        _ => return,
    }
    event.prevent_default();
}

/// The point, or the nearest one at which something of this size is in the window.
pub(super) fn within((x, y): (i32, i32), (width, height): (i32, i32)) -> (i32, i32) {
    #[expect(clippy::cast_possible_truncation, reason = "pixels of a screen")]
    let pixels =
        |span: Result<JsValue, JsValue>| span.ok().and_then(|span| span.as_f64()).map(|span| span as i32);
    let least = |at: i32, whole: Option<i32>, own: i32| {
        whole.map_or(at, |whole| at.clamp(MARGIN, (whole - own).max(MARGIN)))
    };
    (least(x, pixels(window().inner_width()), width), least(y, pixels(window().inner_height()), height))
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
            <button role="menuitem" tabindex="-1" disabled=off on:click=move |_| {
                tree.menu.set(None);
                // Some act on what is chosen.
                tree.here.select(&task);
                keys::focus(tree);
                act(tree, &task);
            }>{name}{(!key.is_empty()).then(|| view! { <kbd class="key">{key}</kbd> })}</button>
        }
    };
    view! {
        {item("Rename", "F2", is_goal, |tree, task| keys::rename(tree, task.clone()))}
        {item("Change the mode", "E", is_goal, keys::change_mode)}
        {item(if manual { "Give it to an agent" } else { "Do it yourself" }, "", is_goal, keys::change_hands)}
        {item("Add a task below", "N", is_goal, keys::add_after)}
        {item("Add a task inside", "Shift N", false, keys::add_inside)}
        {item("Move …", "M", is_goal, |tree, _| tree.moving.set(true))}
        {item("Clone", "Y", is_goal, keys::copy)}
        {item("Remove", "Del", is_goal, keys::remove)}
        {item("Copy as Markdown", "", false, keys::copy_document)}
        {item("Write to it", "Enter", false, |_, _| keys::focus_composer())}
        {item(if group { "Plan again" } else { "Split this task" }, "P", false, keys::plan)}
        {item("Retry", "R", false, |tree, task| tree.desk.retry(task))}
        {item("Back to the queue", "Shift R", !busy, |tree, task| tree.desk.requeue(task))}
        {item("Stop", "S", false, stop)}
        {item("Undo the last edit", "Z", false, |tree, _| tree.desk.undo())}
    }
}
