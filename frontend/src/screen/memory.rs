//! The project's memory: what each of its tasks is told when it begins, written by the person.

use conductor::words::amount;
use leptos::prelude::*;
use shared::context::MEMORY;
use shared::id::TaskId;
use shared::unit::Bytes;

use crate::component::dialog::Dialog;
use crate::component::filled::Filled;
use crate::component::icon::Icon;
use crate::tree::view::Tree;

/// Says how much there is, and opens it.
#[component]
pub fn MemoryField(tree: Tree, own: StoredValue<TaskId>) -> impl IntoView {
    let look = move |state: &conductor::State| {
        let (id, project) = state.home(&state.task(&own.get_value())?.project)?;
        Some((id.clone(), project.name.clone(), project.memory.clone()))
    };
    let known = Memo::new(move |_| tree.desk.read(look));
    let filled = Filled::new();
    let open = RwSignal::new(false);
    let text = RwSignal::new(String::new());
    let size = |bytes: usize| amount(Bytes(u64::try_from(bytes).unwrap_or(u64::MAX)));
    let show = move |_| {
        // As it is in this moment, not as it was last drawn.
        let memory = tree.desk.peek(look).map(|(.., memory)| memory).unwrap_or_default();
        filled.with(memory.clone());
        text.set(memory);
        open.set(true);
    };
    let save = move || {
        if let Some((project, _, memory)) = tree.desk.peek(look)
            && filled.may_go(tree.desk, memory)
        {
            tree.desk.remember(project, text.get_untracked());
            open.set(false);
        }
    };
    let much = move || match known.get() {
        Some((.., memory)) if !memory.is_empty() => size(memory.len()),
        _ => "none yet".to_owned(),
    };
    view! {
        <div class="field">
            <span>"Memory of the project"</span>
            <div class="row">
                <button class="button" data-size="sm" on:click=show><Icon name="copy"/>"Memory"</button>
                <span class="hint">{much}</span>
            </div>
        </div>
        <Dialog open=open title="Memory of the project">
            <form class="body stack" on:submit=move |event| { event.prevent_default(); save(); }>
                <label class="field">
                    <span>{move || known.get().map(|(_, name, _)| format!("What every task of {name} is told when it begins, in Markdown"))}</span>
                    <textarea class="input" rows="14" maxlength=MEMORY prop:value=move || text.get() on:input=move |event| text.set(event_target_value(&event))
                        placeholder="How to build and test. Which rules hold. What nobody should touch."></textarea>
                </label>
                <div class="row">
                    <button class="button" data-kind="solid" disabled=move || text.with(|text| text.len() > MEMORY)>"Save"</button>
                    <span class="hint">{move || format!("{} of {}", size(text.with(String::len)), size(MEMORY))}</span>
                </div>
            </form>
        </Dialog>
    }
}
