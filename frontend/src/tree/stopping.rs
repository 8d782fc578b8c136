//! One key must not end the work of many agents: what has parts is stopped after a question.

use conductor::State;
use leptos::html;
use leptos::prelude::*;
use shared::id::TaskId;

use super::keys;
use super::view::Tree;
use crate::component::dialog::Dialog;

/// Stops the task, or asks first where it has parts that are not over.
pub fn stop(tree: Tree, task: &TaskId) {
    let many =
        tree.desk.peek(|state| state.task(task).is_some_and(|task| task.is_group() && !task.is_over()));
    if many {
        tree.here.select(task);
        tree.stopping.set(true);
    } else {
        tree.desk.stop(task);
    }
}

/// The question.
#[component]
pub fn StopDialog(tree: Tree) -> impl IntoView {
    view! { <Dialog open=tree.stopping title="Stop all of it?"><Question tree=tree/></Dialog> }
}

#[component]
fn Question(tree: Tree) -> impl IntoView {
    let Some(task) = tree.here.now().task else { return ().into_any() };
    let name = tree.desk.peek(|state| state.task(&task).map(conductor::plan::name));
    let own = StoredValue::new(task);
    let busy = Memo::new(move |_| {
        let at_work = |state: &State| {
            own.with_value(|task| {
                state.subtree(task).into_iter().filter(|task| task.current.is_some()).count()
            })
        };
        tree.desk.read(at_work)
    });
    let busy = move || match busy.get() {
        0 => "No agent is at work in it.".to_owned(),
        1 => "One agent is at work in it and is ended.".to_owned(),
        many => format!("{many} agents are at work in it and are ended."),
    };
    let node = NodeRef::<html::Button>::new();
    Effect::new(move |_| node.get().into_iter().for_each(|button| drop(button.focus())));
    let close = move || {
        tree.stopping.set(false);
        keys::focus(tree);
    };
    view! {
        <div class="body">
            <p><b>{name}</b></p>
            <p>{busy}" What was done stays, and what has not begun does not begin. Retry goes on with what was stopped."</p>
        </div>
        <footer>
            <button class="button" on:click=move |_| close()>"Cancel"</button>
            <button class="button" data-kind="solid" node_ref=node on:click=move |_| { tree.desk.stop(&own.get_value()); close(); }>"Stop all of it"</button>
        </footer>
    }.into_any()
}
