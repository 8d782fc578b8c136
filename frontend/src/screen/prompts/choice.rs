//! Choosing a template: for a goal before it is stated, and for a task.

use leptos::prelude::*;
use shared::id::{TaskId, TemplateId};
use shared::plan::PlanEdit;

use crate::component::flow::Show;
use crate::component::picker::{Offers, Picker};
use crate::desk::Desk;
use crate::place::{Here, Part};
use crate::tree::view::Tree;

fn offers(desk: Desk) -> Offers {
    Memo::new(move |_| {
        let templates = desk.templates().into_iter().map(|shelf| shelf.template);
        templates.map(|template| (template.template.to_string(), template.name)).collect()
    })
}

/// Of a goal that is not stated yet.
#[component]
pub fn TemplateChoice(chosen: RwSignal<Option<TemplateId>>) -> impl IntoView {
    let (desk, here) = (expect_context::<Desk>(), expect_context::<Here>());
    let value = Signal::derive(move || chosen.get().map(|id| id.to_string()));
    view! {
        <div class="field">
            <span>"Guidelines"</span>
            <div class="row">
                <Picker label="Guidelines" none="None" offers=offers(desk) value=value pick=move |id| chosen.set(TemplateId::new(id).ok())/>
                <button class="button" type="button" on:click=move |_| here.open_part(Part::Prompts)>"Prompts"</button>
            </div>
        </div>
    }
}

/// Of a task, for it and all below it.
#[component]
pub fn TemplateField(tree: Tree, own: StoredValue<TaskId>) -> impl IntoView {
    const LABEL: &str = "Guidelines, for it and all below it";
    let desk = tree.desk;
    let value = Memo::new(move |_| desk.read(|state| state.task(&own.get_value())?.template.clone()));
    let pick = move |id: &str| {
        let edit = PlanEdit::SetTemplate { task: own.get_value(), template: TemplateId::new(id).ok() };
        desk.edit(&tree.goal.get_value(), edit);
    };
    let offers = offers(desk);
    let any = Memo::new(move |_| value.get().is_some() || !offers.read().is_empty());
    let chosen = Signal::derive(move || value.get().map(|id| id.to_string()));
    view! {
        <Show when=move || any.get()>
            <div class="field">
                <span>{LABEL}</span>
                <Picker label=LABEL none="As what it is a part of" offers=offers value=chosen pick=pick/>
            </div>
        </Show>
    }
}
