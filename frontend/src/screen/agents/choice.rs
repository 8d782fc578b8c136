//! Choosing an agent of the person's own: for a goal before it is stated, and for a task. And an agent CLI.

use leptos::prelude::*;
use shared::agent::HarnessId;
use shared::harness::HARNESSES;
use shared::id::{PersonaId, TaskId};
use shared::plan::PlanEdit;

use crate::component::flow::Show;
use crate::component::picker::{Offers, Picker};
use crate::desk::Desk;
use crate::place::{Here, Part};
use crate::tree::view::Tree;

fn offers(desk: Desk) -> Offers {
    Memo::new(move |_| {
        desk.personas().into_iter().map(|persona| (persona.persona.to_string(), persona.name)).collect()
    })
}

/// Of a goal that is not stated yet.
#[component]
pub fn PersonaChoice(chosen: RwSignal<Option<PersonaId>>) -> impl IntoView {
    let (desk, here) = (expect_context::<Desk>(), expect_context::<Here>());
    let value = Signal::derive(move || chosen.get().map(|id| id.to_string()));
    view! {
        <div class="field">
            <span>"As"</span>
            <div class="row">
                <Picker label="As" none="No agent of yours" offers=offers(desk) value=value pick=move |id| chosen.set(PersonaId::new(id).ok())/>
                <button class="button" type="button" on:click=move |_| here.open_part(Part::Agents)>"Agents"</button>
            </div>
        </div>
    }
}

/// Of a task, for it and all below it. One that is retired stays and is named.
#[component]
pub fn PersonaField(tree: Tree, own: StoredValue<TaskId>) -> impl IntoView {
    const LABEL: &str = "As which of your agents, for it and all below it";
    let desk = tree.desk;
    let value = Memo::new(move |_| desk.read(|state| state.task(&own.get_value())?.persona.clone()));
    let pick = move |id: &str| {
        let edit = PlanEdit::SetPersona { task: own.get_value(), persona: PersonaId::new(id).ok() };
        desk.edit(&tree.goal.get_value(), edit);
    };
    let offered = offers(desk);
    let offers = Memo::new(move |_| {
        let mut all = offered.get();
        let id = value.get().map(|id| id.to_string()).filter(|id| all.iter().all(|(known, _)| known != id));
        let name = || desk.read(|state| Some(state.personas.get(&value.get()?)?.persona.name.clone()));
        all.extend(id.map(|id| (id, name().unwrap_or_default())));
        all
    });
    let chosen = Signal::derive(move || value.get().map(|id| id.to_string()));
    view! {
        <Show when=move || !offers.read().is_empty()>
            <div class="field">
                <span>{LABEL}</span>
                <Picker label=LABEL none="As what it is a part of" offers=offers value=chosen pick=pick/>
            </div>
        </Show>
    }
}

/// An agent CLI, or none.
#[component]
pub fn HarnessPicker(
    /// What it says where none is chosen.
    none: &'static str,
    chosen: RwSignal<Option<HarnessId>>,
) -> impl IntoView {
    const LABEL: &str = "Agent CLI";
    let offers =
        Memo::new(|_| HARNESSES.map(|harness| (format!("{harness:?}"), harness.to_string())).to_vec());
    let value = Signal::derive(move || chosen.get().map(|harness| format!("{harness:?}")));
    let pick = move |id: &str| {
        chosen.set(HARNESSES.into_iter().find(|harness: &HarnessId| format!("{harness:?}") == id));
    };
    view! { <div class="field"><span>{LABEL}</span><Picker label=LABEL none=none offers=offers value=value pick=pick/></div> }
}
