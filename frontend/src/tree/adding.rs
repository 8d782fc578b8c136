//! A task that is to be added: its name is asked for first, and nothing is in the plan before it is given. In a plan that is
//! approved already, its agent may begin in the same moment.

use conductor::plan::TITLE;
use leptos::prelude::*;
use shared::id::TaskId;
use shared::plan::{PlanEdit, PlannedTask};
use wasm_bindgen::JsCast;

use super::keys;
use super::layout::Layout;
use super::view::Tree;

/// Where a new task will be, and where on the screen its name is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adding {
    parent: TaskId,
    /// Its place among the parts of its parent; the last where there is none.
    index: Option<u32>,
    at: (i32, i32),
}

/// Asks for the name of a new task within `parent`, at `index` or last, next to the task `beside`; says why where there can
/// be none.
pub fn ask(tree: Tree, parent: &TaskId, index: Option<u32>, beside: &TaskId) {
    let Some(edit) = edit(parent, index, "New task") else { return };
    if let Err(problem) = tree.desk.check(&tree.goal.get_value(), &edit) {
        return tree.desk.say(format!("Not possible: {problem}."), false);
    }
    tree.reveal(beside);
    let node = document().query_selector(&format!("[data-task=\"{beside}\"]")).ok().flatten();
    let place = node.map(|node| node.get_bounding_client_rect()).filter(|place| place.height() > 0.0);
    #[expect(clippy::cast_possible_truncation, reason = "pixels of a screen")]
    let at = place.map_or((16, 96), |place| (place.left() as i32 + 16, place.bottom() as i32));
    tree.adding.set(Some(Adding { parent: parent.clone(), index, at }));
}

fn edit(parent: &TaskId, index: Option<u32>, title: &str) -> Option<PlanEdit> {
    let task = TaskId::new(&crate::desk::draw()).ok()?;
    // What is to be reached is what its name says, until somebody says more.
    let planned = PlannedTask { size: None, ..PlannedTask::new(task, parent.clone(), title, title) };
    Some(PlanEdit::Add { planned, index: index.unwrap_or(u32::MAX) })
}

/// The field of the name, while one is asked for.
#[component]
pub fn NewTask(tree: Tree) -> impl IntoView {
    move || tree.adding.get().map(|adding| view! { <NameOfNew tree=tree adding=adding/> })
}

#[component]
fn NameOfNew(tree: Tree, adding: Adding) -> impl IntoView {
    let node = NodeRef::<leptos::html::Input>::new();
    Effect::new(move |_| node.get().into_iter().for_each(|field| drop(field.focus())));
    let (x, y) = super::menu::within(adding.at, (248, 88));
    let adding = StoredValue::new(adding);
    let close = move || {
        tree.adding.set(None);
        keys::focus(tree);
    };
    let done = move || {
        let name = node.get_untracked().map(|field| field.value()).unwrap_or_default();
        if !name.trim().is_empty() {
            adding.with_value(|adding| add(tree, adding, name.trim()));
        }
    };
    let pressed = move |event: web_sys::KeyboardEvent| {
        event.stop_propagation();
        match event.key().as_str() {
            // While letters are composed, these keys are the composition's.
            _ if event.is_composing() => {}
            "Escape" => close(),
            "Enter" => done(),
            _ => {}
        }
    };
    // Who goes elsewhere without a word has thought better of it.
    let left = move |event: web_sys::FocusEvent| {
        let name = node.get_untracked().map(|field| field.value()).unwrap_or_default();
        if name.trim().is_empty() && event.related_target().is_none_or(|to| !is_within(&to)) {
            tree.adding.set(None);
        }
    };
    view! {
        <div class="menu" data-kind="new" style=("--x", format!("{x}px")) style=("--y", format!("{y}px"))>
            <input class="input" aria-label="Name of the new task" placeholder="What is to be done" maxlength=TITLE node_ref=node on:keydown=pressed on:blur=left/>
            <div class="row">
                <button class="button" type="button" data-kind="solid" data-size="sm" on:click=move |_| done()>"Add"<kbd class="key">"Enter"</kbd></button>
                <button class="button" type="button" data-kind="plain" data-size="sm" on:click=move |_| close()>"Cancel"<kbd class="key">"Esc"</kbd></button>
            </div>
        </div>
    }
}

fn is_within(target: &web_sys::EventTarget) -> bool {
    let element = target.dyn_ref::<web_sys::Element>();
    element.is_some_and(|element| element.closest("[data-kind=new]").is_ok_and(|menu| menu.is_some()))
}

/// Adds it, or says why that cannot be any more; what was written stays then.
fn add(tree: Tree, adding: &Adding, name: &str) {
    let Some(edit) = edit(&adding.parent, adding.index, name) else { return };
    let PlanEdit::Add { planned, .. } = &edit else { return };
    let (goal, task) = (tree.goal.get_value(), planned.task.clone());
    if let Err(problem) = tree.desk.check(&goal, &edit) {
        return tree.desk.say(format!("Not possible: {problem}."), false);
    }
    let parent = adding.parent.clone();
    tree.adding.set(None);
    tree.desk.edit(&goal, edit);
    tree.folded.update(|folded| {
        folded.remove(&parent);
    });
    tree.here.select(&task);
    tree.awaited.set_value(Some(task));
    // Until it is drawn, keys are for the tree all the same.
    keys::focus_node(&parent);
    tree.held.set_value(true);
}

/// The tree has this shape now: a task that is waited for is brought into sight, and so is drawn.
pub fn placed(tree: Tree, layout: &Layout) {
    let awaited = tree.awaited.get_value().filter(|task| layout.find(task).is_some());
    if let Some(task) = awaited.filter(|_| tree.held.get_value()) {
        // When the tree is as long as it is now.
        request_animation_frame(move || tree.reveal(&task));
    }
}

/// The node of this task is drawn now: it has the focus if it was waited for, and nobody has gone elsewhere meanwhile.
pub fn drawn(tree: Tree, task: &TaskId) {
    if tree.awaited.with_value(|awaited| awaited.as_ref() == Some(task)) {
        tree.awaited.set_value(None);
        if tree.held.get_value() && tree.here.now().task.as_ref() == Some(task) && !keys::is_writing() {
            keys::focus_node(task);
        }
    }
}
