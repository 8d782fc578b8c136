//! The agents of the person's own: who they are, and what they bring with them.

use conductor::persona::title;
use leptos::prelude::*;
use shared::id::PersonaId;
use shared::persona::{Character, Persona};

use super::bridge::Tabs;
use crate::component::flow::{For, Show};
use crate::desk::Desk;
use crate::place::Part;

mod choice;
mod editor;

pub use choice::{HarnessPicker, PersonaChoice, PersonaField};
use editor::Editor;

#[component]
pub fn Agents() -> impl IntoView {
    let desk = expect_context::<Desk>();
    // The one that is being written; an empty id for a new one.
    let writing = RwSignal::new(None::<Option<PersonaId>>);
    let offered = Memo::new(move |_| desk.personas());
    view! {
        <div class="start"><div class="bridge">
            <Tabs parts=&Part::LIBRARY part=Part::Agents/>
            <div class="row">
                <h1>"Agents"</h1>
                <button class="button push" data-kind="solid" on:click=move |_| writing.set(Some(None))>"New agent"</button>
            </div>
            <p class="quiet">"Give a goal or a task to an agent of your own. What it is like is told to it once, when a session begins; its model and folder hold where you chose no other. Planners know their names and roles. Somebody else reviews what it did."</p>
            {move || writing.get().map(|id| view! { <Editor id=id done=move || writing.set(None)/> })}
            <Show when=move || !desk.loaded.get()>
                <p class="meta" aria-busy="true">"Reading the log"</p>
            </Show>
            <Show when=move || desk.loaded.get() && offered.read().is_empty() && writing.get().is_none()>
                <p class="quiet">"There is no agent of yours yet."</p>
            </Show>
            <For each=move || offered.get() key=|persona| format!("{persona:?}") children=move |persona| {
                view! { <Section persona=persona writing=writing/> }
            }/>
        </div></div>
    }
}

#[component]
fn Section(persona: Persona, writing: RwSignal<Option<Option<PersonaId>>>) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let (edited, retired, name) = (persona.persona.clone(), persona.persona.clone(), persona.name.clone());
    let like = match &persona.character {
        Character::Words { text } => text.trim().to_owned(),
        Character::File { path } => format!("As {path} says when a session begins"),
    };
    let harness = persona.harness.map(|harness| harness.to_string());
    let about = [harness, persona.model.clone(), persona.folder.clone()];
    let about = about.into_iter().flatten().collect::<Vec<_>>().join(" · ");
    view! {
        <section class="stack">
            <div class="row">
                <h2 class="clip">{title(&persona)}</h2>
                <span class="row push">
                    <button class="button" data-size="sm" aria-label=format!("Change {name}") on:click=move |_| writing.set(Some(Some(edited.clone())))>"Change"</button>
                    <button class="button" data-kind="plain" data-size="sm" aria-label=format!("Retire {name}") title="It is offered no more; tasks that have it keep it" on:click=move |_| desk.retire_persona(retired.clone())>"Retire"</button>
                </span>
            </div>
            {(!about.is_empty()).then(|| view! { <span class="meta">{about}</span> })}
            <p class="quiet">{like}</p>
        </section>
    }
}
