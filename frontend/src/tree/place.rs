//! Where a task may go: a list of the tasks that can take it in, found by number or name.

use conductor::State;
use conductor::plan::edit::check_edit;
use conductor::plan::name;
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

fn to(task: &TaskId, parent: &TaskId) -> PlanEdit {
    PlanEdit::Move { task: task.clone(), parent: parent.clone(), index: u32::MAX }
}

/// Tasks that can take it in and are called like that.
fn places(state: &State, goal: &TaskId, task: &TaskId, called: &str) -> Vec<(TaskId, String)> {
    let called = called.trim().to_lowercase();
    let Some(own) = state.task(task) else { return Vec::new() };
    let others = state.subtree(goal).into_iter().filter(|other| own.parent.as_ref() != Some(&other.id));
    let named = others.map(|other| (other, name(other)));
    let meant = named.filter(|(_, name)| name.to_lowercase().contains(&called));
    let takes = meant.filter(|(other, _)| check_edit(state, goal, &to(task, &other.id)).is_ok());
    takes.take(LISTED).map(|(other, name)| (other.id.clone(), name)).collect()
}

#[component]
fn Places(tree: Tree) -> impl IntoView {
    let (text, node) = (RwSignal::new(String::new()), NodeRef::<html::Input>::new());
    Effect::new(move |_| node.get().into_iter().for_each(|field| drop(field.focus())));
    let goal = tree.goal.get_value();
    let task = StoredValue::new(tree.here.now().task.unwrap_or_else(|| goal.clone()));
    let found = Memo::new(move |_| {
        let called = text.read();
        tree.desk.read(|state| places(state, &goal, &task.get_value(), &called))
    });
    let choose = move |(parent, name): (TaskId, String)| {
        tree.desk.edit(&tree.goal.get_value(), to(&task.get_value(), &parent));
        tree.desk.say(format!("Moved under {name}."), true);
        tree.moving.set(false);
        keys::focus(tree);
    };
    view! {
        <form class="body" on:submit=move |event| {
            event.prevent_default();
            found.get_untracked().into_iter().next().into_iter().for_each(choose);
        }>
            <input class="input" aria-label="Number or name" placeholder="Number or name, then Enter" node_ref=node prop:value=move || text.get() on:input=move |event| text.set(event_target_value(&event))/>
            <div class="listed">
                {move || found.get().into_iter().map(|place| {
                    let name = place.1.clone();
                    view! { <button type="button" on:click=move |_| choose(place.clone())><span class="clip">{name}</span></button> }
                }).collect_view()}
            </div>
            <p class="hint" role="status">{move || if found.read().is_empty() { "No task of that name can take it in." } else { "" }}</p>
        </form>
    }
}
