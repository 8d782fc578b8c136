//! What somebody should look at: above a task's conversation, and as a count in the bar.

use conductor::health::{Warning, unwell, warnings};
use leptos::prelude::*;
use shared::id::TaskId;

use crate::component::flow::{For, Show};
use crate::component::icon::Icon;
use crate::desk::Desk;
use crate::place::Here;
use crate::words;

/// The warnings of one task, each with what to do about it.
#[component]
pub fn Warnings(desk: Desk, id: TaskId) -> impl IntoView {
    let found: Memo<Vec<Warning>> = Memo::new(move |_| {
        let now = desk.pulse.get();
        desk.read(|state| state.task(&id).map(|task| warnings(state, task, now))).unwrap_or_default()
    });
    view! {
        <For each=move || found.get() key=|warning| format!("{warning:?}") children=|warning| view! {
            <div class="short" data-status="limited" role="status">
                <span class="status" data-status="limited"><Icon name="clock"/>{words::warning(warning)}</span>
                <span class="hint">{words::remedy(warning)}</span>
            </div>
        }/>
    }
}

/// How many tasks are worth a look; goes to the first.
#[component]
pub fn WorthALook() -> impl IntoView {
    let (desk, here) = (expect_context::<Desk>(), expect_context::<Here>());
    let found = Memo::new(move |_| {
        let now = desk.pulse.get();
        let place = |task: &conductor::state::Task| (task.root.clone(), task.id.clone());
        desk.read(|state| unwell(state, now).into_iter().map(|(task, _)| place(task)).collect::<Vec<_>>())
    });
    view! {
        <Show when=move || !found.read().is_empty()>
            <button class="fact" title="Go to what goes on and may not get on" on:click=move |_| {
                if let Some((goal, task)) = found.get_untracked().first().cloned() {
                    here.go(Some(goal), Some(task));
                }
            }>
                <Icon name="clock"/>
                <span class="wide-only">"Worth a look"</span>
                <span class="count">{move || found.read().len()}</span>
            </button>
        </Show>
    }
}
