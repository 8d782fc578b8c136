//! Tasks found by number or name: where a task may go, and what it may wait for. So many as a tree may have, a list of all
//! would be no help.

use conductor::State;
use conductor::plan::edit::check_edit;
use conductor::plan::name;
use conductor::state::Task;
use leptos::html;
use leptos::prelude::*;
use shared::id::TaskId;
use shared::plan::PlanEdit;

use super::keys;
use super::view::Tree;
use crate::component::dialog::Dialog;

/// So many are listed; who looks for another writes more of its name.
const LISTED: usize = 50;

/// The dialog in which the chosen task is given another place.
#[component]
pub fn MoveDialog(tree: Tree) -> impl IntoView {
    view! { <Dialog open=tree.moving title="Move the task under …"><Places tree=tree/></Dialog> }
}

/// The dialog in which a task is given another one to wait for.
#[component]
pub fn AfterDialog(tree: Tree, own: StoredValue<TaskId>, open: RwSignal<bool>) -> impl IntoView {
    // A cycle is told by name when one is chosen.
    let fits = |_: &State, own: &Task, other: &Task| {
        own.id != other.id && !other.is_goal() && !own.after.contains(&other.id)
    };
    let choose = move |(on, _): (TaskId, String)| {
        tree.desk.edit(&tree.goal.get_value(), PlanEdit::AddDependency { task: own.get_value(), on });
        open.set(false);
    };
    view! { <Dialog open=open title="Wait for …"><Search tree=tree own=own none="No other task has that name." fits=fits choose=choose/></Dialog> }
}

fn to(task: &TaskId, parent: &TaskId) -> PlanEdit {
    PlanEdit::Move { task: task.clone(), parent: parent.clone(), index: u32::MAX }
}

#[component]
fn Places(tree: Tree) -> impl IntoView {
    let own = StoredValue::new(tree.here.now().task.unwrap_or_else(|| tree.goal.get_value()));
    let fits = |state: &State, own: &Task, other: &Task| {
        own.parent.as_ref() != Some(&other.id)
            && check_edit(state, &own.root, &to(&own.id, &other.id)).is_ok()
    };
    let choose = move |(parent, name): (TaskId, String)| {
        tree.desk.edit(&tree.goal.get_value(), to(&own.get_value(), &parent));
        tree.desk.say(format!("Moved under {name}."), true);
        tree.moving.set(false);
        keys::focus(tree);
    };
    view! { <Search tree=tree own=own none="No task of that name can take it in." fits=fits choose=choose/> }
}

/// Whether a task (the second) is one that can be chosen for the first.
type Fits = fn(&State, &Task, &Task) -> bool;

/// Those of the task's tree that fit and are called like that.
fn found(state: &State, own: &TaskId, called: &str, fits: Fits) -> Vec<(TaskId, String)> {
    let called = called.trim().to_lowercase();
    let Some(own) = state.task(own) else { return Vec::new() };
    let named = state.walk(&own.root).map(|other| (other, name(other)));
    let meant = named.filter(|(_, name)| name.to_lowercase().contains(&called));
    let fitting = meant.filter(|(other, _)| fits(state, own, other));
    fitting.take(LISTED).map(|(other, name)| (other.id.clone(), name)).collect()
}

#[component]
fn Search(
    tree: Tree,
    own: StoredValue<TaskId>,
    none: &'static str,
    fits: Fits,
    choose: impl Fn((TaskId, String)) + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let (text, node) = (RwSignal::new(String::new()), NodeRef::<html::Input>::new());
    Effect::new(move |_| node.get().into_iter().for_each(|field| drop(field.focus())));
    let listed = Memo::new(move |_| {
        // Not with each revision: whoever looks for a name is told what is wrong with it when they choose it.
        let _shape = tree.desk.shape(&tree.goal.get_value());
        own.with_value(|own| tree.desk.peek(|state| found(state, own, &text.read(), fits)))
    });
    view! {
        <form class="body" on:submit=move |event| {
            event.prevent_default();
            listed.get_untracked().into_iter().next().into_iter().for_each(choose);
        }>
            <input class="input" aria-label="Number or name" placeholder="Number or name, then Enter" node_ref=node prop:value=move || text.get() on:input=move |event| text.set(event_target_value(&event))/>
            <div class="listed">
                {move || listed.get().into_iter().map(|place| {
                    let name = place.1.clone();
                    view! { <button type="button" on:click=move |_| choose(place.clone())><span class="clip">{name}</span></button> }
                }).collect_view()}
            </div>
            <p class="hint" role="status">{move || if listed.read().is_empty() { none } else { "" }}</p>
        </form>
    }
}
