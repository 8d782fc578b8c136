//! An agent of the person's own as a form.

use leptos::prelude::*;
use shared::id::PersonaId;
use shared::persona::{Character, Persona};

use super::choice::HarnessPicker;
use crate::component::picker::{Line, some};
use crate::desk::{Desk, draw};

/// Writes an agent; without an id a new one.
#[component]
pub fn Editor(id: Option<PersonaId>, done: impl Fn() + Copy + Send + Sync + 'static) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let known = desk.peek(|state| Some(state.personas.get(id.as_ref()?)?.persona.clone()));
    let line = |look: fn(&Persona) -> Option<String>| {
        RwSignal::new(known.as_ref().and_then(look).unwrap_or_default())
    };
    let name = line(|known| Some(known.name.clone()));
    let role = line(|known| Some(known.role.clone()));
    let model = line(|known| known.model.clone());
    let folder = line(|known| known.folder.clone());
    let words = line(|known| match &known.character {
        Character::Words { text } => Some(text.clone()),
        Character::File { .. } => None,
    });
    let soul = line(|known| match &known.character {
        Character::File { path } => Some(path.clone()),
        Character::Words { .. } => None,
    });
    let harness = RwSignal::new(known.and_then(|known| known.harness));
    let save = move || {
        let Some(persona) = id.clone().or_else(|| PersonaId::new(&draw()).ok()) else { return };
        let text = words.get_untracked();
        let saved = desk.save_persona(Persona {
            persona,
            name: some(name).unwrap_or_default(),
            role: some(role).unwrap_or_default(),
            character: some(soul).map_or(Character::Words { text }, |path| Character::File { path }),
            harness: harness.get_untracked(),
            model: some(model),
            folder: some(folder),
        });
        if saved {
            done();
        }
    };
    view! {
        <form class="stack" aria-label="Agent" on:submit=move |event| { event.prevent_default(); save(); }>
            <div class="pair">
                <Line label="Name" value=name hint=""/>
                <Line label="Role, in one line" value=role hint="what it is good for"/>
            </div>
            <label class="field">
                <span>"Character"</span>
                <textarea class="input" rows="5" disabled=move || !soul.read().trim().is_empty() prop:value=move || words.get() on:input=move |event| words.set(event_target_value(&event))></textarea>
            </label>
            <Line label="Or a file that says it, from the folder that it works in or absolute" value=soul hint="Soul.md"/>
            <div class="pair">
                <HarnessPicker none="As the goal" chosen=harness/>
                <Line label="Model" value=model hint="the one for a task's size"/>
            </div>
            <Line label="Folder, in a project that is open" value=folder hint="that of the goal"/>
            <div class="row">
                <button class="button" data-kind="solid">"Save"</button>
                <button class="button" type="button" data-kind="plain" on:click=move |_| done()>"Cancel"</button>
            </div>
        </form>
    }
}
