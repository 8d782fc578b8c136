//! Choosing a template: for a goal before it is stated, and for a task.

use leptos::prelude::*;
use shared::id::{TaskId, TemplateId};
use shared::plan::PlanEdit;

use crate::component::flow::Show;
use crate::desk::Desk;
use crate::place::{Here, Part};
use crate::tree::view::Tree;

/// Of a goal that is not stated yet.
#[component]
pub fn TemplateChoice(chosen: RwSignal<Option<TemplateId>>) -> impl IntoView {
    let (desk, here) = (expect_context::<Desk>(), expect_context::<Here>());
    view! {
        <div class="field">
            <span>"Guidelines"</span>
            <div class="row">
                <Options desk=desk label="Guidelines" none="None" value=Signal::derive(move || chosen.get()) pick=move |id| chosen.set(id)/>
                <button class="button" on:click=move |_| here.open_part(Part::Prompts)>"Prompts"</button>
            </div>
        </div>
    }
}

/// Of a task, for it and all below it.
#[component]
pub fn TemplateField(tree: Tree, own: StoredValue<TaskId>) -> impl IntoView {
    let desk = tree.desk;
    let value = Memo::new(move |_| desk.read(|state| state.task(&own.get_value())?.template.clone()));
    let pick = move |template: Option<TemplateId>| {
        desk.edit(&tree.goal.get_value(), PlanEdit::SetTemplate { task: own.get_value(), template });
    };
    let any = Memo::new(move |_| value.get().is_some() || !desk.templates().is_empty());
    view! {
        <Show when=move || any.get()>
            <div class="field">
                <span>"Guidelines, for it and all below it"</span>
                <Options desk=desk label="Guidelines, for it and all below it" none="As what it is a part of" value=value.into() pick=pick/>
            </div>
        </Show>
    }
}

#[component]
fn Options(
    desk: Desk,
    label: &'static str,
    none: &'static str,
    value: Signal<Option<TemplateId>>,
    pick: impl Fn(Option<TemplateId>) + 'static,
) -> impl IntoView {
    let shelves = Memo::new(move |_| desk.templates());
    view! {
        <select class="input" aria-label=label on:change=move |event| pick(TemplateId::new(&event_target_value(&event)).ok())>
            <option value="" selected=move || value.get().is_none()>{none}</option>
            {move || shelves.get().into_iter().map(|shelf| {
                let id = shelf.template.template;
                let own = id.clone();
                view! { <option value=id.to_string() selected=move || value.get().as_ref() == Some(&own)>{shelf.template.name}</option> }
            }).collect_view()}
        </select>
    }
}
