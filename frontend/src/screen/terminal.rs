//! A task's terminal: opened, looked at, typed into, ended. The bridge draws it and tells what changes as rows of text.

use conductor::State;
use conductor::state::{Phase, Task};
use conductor::terminal::{last, may_open, opened};
use leptos::prelude::*;
use shared::id::{RunId, TaskId};
use shared::run::Window;

use crate::component::icon::Icon;
use crate::desk::Desk;

mod keys;
mod seat;

use seat::Seat;

/// Before its pane has a size of its own.
const USUAL: Window = Window { rows: 24, cols: 80 };

/// What is to be seen of a task's terminal.
#[derive(Debug, Clone, PartialEq)]
struct Seen {
    /// The last one, with whether it is open.
    run: Option<(RunId, bool)>,
    /// How the last one ended, or why there can be none now.
    words: String,
    can_open: bool,
}

/// Whether the task has a place for a terminal at all.
pub fn has_place(state: &State, task: &Task) -> bool {
    !task.is_goal() && (!task.is_group() || last(state, task).is_some())
}

fn seen(state: &State, task: &Task) -> Seen {
    let open = opened(state, task).is_some();
    let run = last(state, task);
    let may = may_open(state, task);
    let words = match (run.map(|run| &run.phase), may) {
        _ if task.terminal.is_some() => "It opens when there is room for it.".to_owned(),
        (Some(Phase::Requested), _) => "Opening…".to_owned(),
        (Some(Phase::Running { .. }), _) if task.stop.is_some() => "It is being ended.".to_owned(),
        (Some(Phase::Running { .. }), _) => "Leaving this page does not end it.".to_owned(),
        (Some(Phase::Read { report, .. }), _) => match &report.error {
            Some(error) => format!("It has ended. {}", error.message),
            None => "It has ended.".to_owned(),
        },
        (Some(Phase::Ended { .. }), _) => "It has ended.".to_owned(),
        (None, Ok(())) => format!(
            "{} opens in a terminal in the project's folder, with this task as its first words. You say when the task is done.",
            state.harness_of(task)
        ),
        (None, Err(why)) => format!("There is no terminal now: {why}."),
    };
    Seen { run: run.map(|run| (run.id.clone(), open)), words, can_open: may.is_ok() }
}

#[component]
pub fn Terminal(desk: Desk, id: TaskId) -> impl IntoView {
    let own = StoredValue::new(id);
    let seen = Memo::new(move |_| desk.look(&own.get_value(), |state, task, _| seen(state, task)));
    let run = Memo::new(move |_| seen.with(|seen| seen.as_ref()?.run.clone()));
    let open = Signal::derive(move || run.with(|run| run.as_ref().is_some_and(|run| run.1)));
    let shown = Memo::new(move |_| run.with(|run| run.as_ref().map(|run| run.0.clone())));
    let end = move || {
        let run = run.with_untracked(|run| run.as_ref().map(|run| run.0.clone()));
        run.iter().for_each(|run| desk.close_terminal(&own.get_value(), run));
    };
    view! {
        <div class="term">
            <div class="row">
                <span class="meta grow" role="status">{move || seen.with(|seen| seen.as_ref().map(|seen| seen.words.clone()))}</span>
                {move || seen.with(|seen| seen.as_ref().is_some_and(|seen| seen.can_open)).then(|| view! {
                    <button class="button" data-kind="solid" data-size="sm" on:click=move |_| desk.open_terminal(&own.get_value(), USUAL)>
                        <Icon name="agent"/>{move || if shown.read().is_some() { "Open another" } else { "Open a terminal" }}
                    </button>
                })}
                {move || open.get().then(|| view! {
                    <button class="button" data-size="sm" title="Ends its program; the task stays as it is" on:click=move |_| end()><Icon name="stop"/>"End it"</button>
                })}
            </div>
            {move || shown.get().map(|run| view! { <Seat desk=desk task=own.get_value() run=run open=open/> })}
        </div>
    }
}
