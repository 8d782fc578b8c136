//! A task that is to be added: its name is asked for first, and nothing is in the plan before it is given. In a plan that is
//! approved already, its agent may begin in the same moment.

use conductor::plan::TITLE;
use leptos::prelude::*;
use shared::id::TaskId;
use shared::plan::{PlanEdit, PlannedTask};

use super::keys;
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
    let node = document().query_selector(&format!("[data-task=\"{beside}\"]")).ok().flatten();
    let place = node.map(|node| node.get_bounding_client_rect());
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
    let pressed = move |event: web_sys::KeyboardEvent| {
        event.stop_propagation();
        let name = node.get_untracked().map(|field| field.value()).unwrap_or_default();
        match (event.key().as_str(), name.trim()) {
            ("Escape", _) => {
                tree.adding.set(None);
                keys::focus(tree);
            }
            ("Enter", name) if !name.is_empty() => add(tree, &adding, name),
            _ => {}
        }
    };
    view! {
        <div class="menu" data-kind="new" style:left=format!("{x}px") style:top=format!("{y}px")>
            <input class="input" aria-label="Name" placeholder="What is to be done" maxlength=TITLE node_ref=node
                on:keydown=pressed
                // Who goes elsewhere without a word has thought better of it.
                on:blur:target=move |event| if event.target().value().trim().is_empty() { tree.adding.set(None) }
            />
            <p class="hint"><kbd class="key">"Enter"</kbd>" adds it, "<kbd class="key">"Esc"</kbd>" does not"</p>
        </div>
    }
}

fn add(tree: Tree, adding: &Adding, name: &str) {
    tree.adding.set(None);
    let Some(edit) = edit(&adding.parent, adding.index, name) else { return };
    let PlanEdit::Add { planned, .. } = &edit else { return };
    let task = planned.task.clone();
    tree.desk.edit(&tree.goal.get_value(), edit);
    if tree.desk.foresee(|state| state.task(&task).is_none()) {
        return keys::focus(tree); // Why it cannot be was said.
    }
    tree.folded.update(|folded| {
        folded.remove(&adding.parent);
    });
    tree.here.select(&task);
    tree.awaited.set_value(Some(task));
    // Until it is drawn, keys are for the tree all the same.
    keys::focus_node(&adding.parent);
}

/// The node of this task is drawn now: it has the focus if it was waited for, and nobody writes meanwhile.
pub fn drawn(tree: Tree, task: &TaskId) {
    if tree.awaited.with_value(|awaited| awaited.as_ref() == Some(task)) {
        tree.awaited.set_value(None);
        if !keys::is_writing() {
            keys::focus_node(task);
        }
    }
}
