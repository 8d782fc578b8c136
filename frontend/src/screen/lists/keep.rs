//! Keeps the tasks of a goal as a list.

use conductor::list;
use leptos::prelude::*;
use shared::id::{ListId, TaskId};
use shared::list::TaskList;

use crate::component::picker::some;
use crate::desk::draw;
use crate::place::Part;
use crate::tree::view::Tree;

/// Under a name; the list that has it is changed.
#[component]
pub fn KeepField(tree: Tree, own: StoredValue<TaskId>) -> impl IntoView {
    const LABEL: &str = "Keep its tasks as a list, to run them again";
    let (desk, name) = (tree.desk, RwSignal::new(String::new()));
    let list = move |state: &conductor::State| {
        let goal = state.task(&own.get_value())?;
        let (tasks, own) = list::tasks(state, goal);
        let name = some(name).unwrap_or_default();
        let known = list::named(state, &name).ok().map(|known| known.list.clone());
        Some(TaskList {
            list: known.or_else(|| ListId::new(&draw()).ok())?,
            name,
            goal: goal.objective.trim().to_owned(),
            harness: goal.goal.as_ref().map(|goal| goal.harness),
            folder: state.folder_of(&goal.project),
            terms: list::terms(state, goal),
            tasks,
            caps: own.caps,
            choices: own.choices,
        })
    };
    let keep = move || {
        let Some(list) = desk.peek(list) else { return };
        let told = format!("The list {} is kept under {}.", list.name, Part::Lists.name());
        if desk.save_list(list) {
            name.set(String::new());
            desk.say(told, false);
        }
    };
    view! {
        <form class="field" on:submit=move |event| { event.prevent_default(); keep(); }>
            <span>{LABEL}</span>
            <div class="row">
                <input class="input" aria-label=LABEL placeholder="Its name" prop:value=move || name.get() on:input=move |event| name.set(event_target_value(&event))/>
                <button class="button">"Keep"</button>
            </div>
        </form>
    }
}
