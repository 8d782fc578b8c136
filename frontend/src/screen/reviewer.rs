//! Who reviews, where that is done: for one task, for a goal, and for all that say nothing else.

use conductor::reviewer;
use leptos::prelude::*;
use shared::agent::HarnessId;
use shared::harness::HARNESSES;
use shared::id::{PersonaId, TaskId};
use shared::models::is_model;
use shared::plan::PlanEdit;
use shared::reviewer::Reviewer;

use crate::component::picker::Picker;
use crate::desk::Desk;
use crate::tree::view::Tree;

/// Of a task, for it and all below it, with what keeps the chosen one from it.
#[component]
pub fn ReviewerField(tree: Tree, own: StoredValue<TaskId>) -> impl IntoView {
    let known = Memo::new(move |_| tree.desk.read(|state| state.task(&own.get_value())?.reviewer.clone()));
    let absent =
        move || tree.desk.read(|state| reviewer::chosen(state, state.task(&own.get_value())?)?.err());
    let set = Callback::new(move |reviewer| {
        tree.desk.edit(&tree.goal.get_value(), PlanEdit::SetReviewer { task: own.get_value(), reviewer });
    });
    view! {
        <ReviewerChoice known=known set=set above=Some("As what it is a part of")/>
        {move || absent().map(|why| view! { <p class="hint">{why}" Another agent reviews."</p> })}
    }
}

/// The kind of agent or an agent of the person's own, and a model; `above` says what holds where nobody was chosen, if that
/// is not the worker's kind.
#[component]
pub fn ReviewerChoice(
    #[prop(into)] known: Signal<Option<Reviewer>>,
    set: Callback<Option<Reviewer>>,
    above: Option<&'static str>,
) -> impl IntoView {
    const LABEL: &str = "Who reviews";
    const SAME: &str = "The same kind of agent";
    let desk = expect_context::<Desk>();
    let offers = Memo::new(move |_| {
        let named = |reviewer: Reviewer, name: &str| (reviewer.to_string(), name.to_owned());
        let same = above.map(|_| named(Reviewer::Auto, SAME));
        let other = named(Reviewer::Other, "The other kind of agent");
        let kind = |harness: HarnessId| named(Reviewer::Agent { harness, model: None }, &harness.to_string());
        let own = desk.personas().into_iter().map(|persona| (persona.persona.to_string(), persona.name));
        same.into_iter().chain([other]).chain(HARNESSES.map(kind)).chain(own).collect()
    });
    let chosen = Signal::derive(move || {
        known.get().map(|reviewer| match reviewer {
            Reviewer::Agent { harness, .. } => Reviewer::Agent { harness, model: None }.to_string(),
            Reviewer::Model { .. } => Reviewer::Auto.to_string(),
            reviewer => reviewer.to_string(),
        })
    });
    let pick = move |id: &str| {
        let own = || PersonaId::new(id).ok().map(|persona| Reviewer::Persona { persona });
        set.run(Reviewer::named(id).or_else(own));
    };
    let model = Memo::new(move |_| match known.get() {
        Some(Reviewer::Agent { model, .. }) => model.unwrap_or_default(),
        Some(Reviewer::Model { model }) => model,
        _ => String::new(),
    });
    let with = move |name: String| {
        let model = Some(name.trim().to_owned()).filter(|name| is_model(name));
        set.run(match (known.get_untracked(), model) {
            (Some(Reviewer::Agent { harness, .. }), model) => Some(Reviewer::Agent { harness, model }),
            (_, Some(model)) => Some(Reviewer::Model { model }),
            (_, None) => Some(Reviewer::Auto),
        });
    };
    let is_plain = move || !matches!(known.get(), Some(Reviewer::Other | Reviewer::Persona { .. }));
    view! {
        <div class="caps">
            <label class="field"><span>{LABEL}</span><Picker label=LABEL none=above.unwrap_or(SAME) offers=offers value=chosen pick=pick/></label>
            <label class="field">
                <span>"With the model"</span>
                <input class="input" placeholder="of another size" disabled=move || !is_plain() prop:value=move || model.get()
                    on:change=move |event| with(event_target_value(&event))/>
            </label>
        </div>
    }
}
