//! A template as a form: its name, its defaults, and its wordings.

use gloo_storage::{LocalStorage as Local, Storage};
use leptos::prelude::*;
use shared::id::TemplateId;
use shared::template::{Template, Variant};

use crate::component::flow::{For, Show};
use crate::component::picker::Line;
use crate::desk::{Desk, draw};

/// A wording as it is written; the number tells it from the others.
#[derive(Clone, Copy)]
struct Draft {
    number: usize,
    name: RwSignal<String>,
    guidelines: RwSignal<String>,
}

impl Draft {
    fn new(number: usize, variant: Variant) -> Self {
        Self { number, name: RwSignal::new(variant.name), guidelines: RwSignal::new(variant.guidelines) }
    }
}

/// The wordings' first names.
fn letter(number: usize) -> String {
    char::from_u32('a' as u32 + u32::try_from(number % 26).unwrap_or(0)).unwrap_or('a').to_string()
}

const KEPT: &str = "orchestrator.template";

/// A template as it was left unsaved, and the id of the one that it changes.
type Kept = (Option<TemplateId>, Template);

/// Which template was being written when the page was left; nothing in it for a new one.
pub fn unsaved() -> Option<Option<TemplateId>> {
    Local::get::<Kept>(KEPT).ok().map(|(id, _)| id)
}

/// Writes a template; without an id a new one. What is written is kept until it is saved or given up.
#[component]
pub fn Editor(id: Option<TemplateId>, done: impl Fn() + Copy + Send + Sync + 'static) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let kept = Local::get::<Kept>(KEPT).ok().filter(|(of, _)| *of == id).map(|(_, kept)| kept);
    let known = kept.or_else(|| desk.peek(|state| Some(state.templates.get(id.as_ref()?)?.template.clone())));
    let done = move || {
        Local::delete(KEPT);
        done();
    };
    let first = || vec![Variant { name: letter(0), guidelines: String::new() }];
    let known = StoredValue::new(known);
    let look = move |look: fn(&Template) -> Option<String>| {
        known.with_value(|known| known.as_ref().and_then(look)).unwrap_or_default()
    };
    let variants =
        known.with_value(|known| known.as_ref().map_or_else(first, |known| known.variants.clone()));
    let drafts: Vec<Draft> =
        variants.into_iter().enumerate().map(|(number, variant)| Draft::new(number, variant)).collect();
    let next = RwSignal::new(drafts.len());
    let drafts = RwSignal::new(drafts);
    let name = RwSignal::new(look(|known| Some(known.name.clone())));
    let model = RwSignal::new(look(|known| known.model.clone()));
    let folder = RwSignal::new(look(|known| known.folder.clone()));
    let add = move |_| {
        let number = next.get_untracked();
        next.set(number + 1);
        let variant = Variant { name: letter(number), guidelines: String::new() };
        drafts.update(|drafts| drafts.push(Draft::new(number, variant)));
    };
    let own = known.with_value(|known| known.as_ref().map(|known| known.template.clone()));
    let own = StoredValue::new(own.or_else(|| TemplateId::new(&draw()).ok()));
    // Tracked.
    let written = move || {
        let line =
            |line: RwSignal<String>| Some(line.get().trim().to_owned()).filter(|text| !text.is_empty());
        let variant = |draft: &Draft| Variant {
            name: draft.name.get().trim().to_owned(),
            guidelines: draft.guidelines.get(),
        };
        Some(Template {
            template: own.get_value()?,
            name: line(name).unwrap_or_default(),
            variants: drafts.with(|drafts| drafts.iter().map(variant).collect()),
            harness: known.with_value(|known| known.as_ref().and_then(|known| known.harness)),
            model: line(model),
            folder: line(folder),
        })
    };
    let id = StoredValue::new(id);
    Effect::new(move |_| {
        written().into_iter().for_each(|kept| drop(Local::set(KEPT, (id.get_value(), kept))))
    });
    let save = move || {
        if untrack(written).is_some_and(|template| desk.save_template(template)) {
            done();
        }
    };
    view! {
        <form class="stack" aria-label="Template" on:submit=move |event| { event.prevent_default(); save(); }>
            <Line label="Name" value=name hint=""/>
            <div class="pair">
                <Line label="Model" value=model hint="the one for a task's size"/>
                <Line label="Folder" value=folder hint="/path/of/a/project"/>
            </div>
            <For each=move || drafts.get() key=|draft| draft.number.to_string() children=move |draft| view! {
                <fieldset class="stack">
                    <div class="row">
                        <Line label="Wording" value=draft.name hint=""/>
                        <Show when=move || drafts.with(|drafts| drafts.len() > 1)>
                            <button class="button push" type="button" data-kind="plain" data-size="sm" on:click=move |_| drafts.update(|drafts| drafts.retain(|other| other.number != draft.number))>"Drop this wording"</button>
                        </Show>
                    </div>
                    <label class="field">
                        <span>"Guidelines"</span>
                        <textarea class="input" rows="5" prop:value=move || draft.guidelines.get() on:input=move |event| draft.guidelines.set(event_target_value(&event))></textarea>
                    </label>
                </fieldset>
            }/>
            <div class="row" data-wraps="">
                <button class="button" data-kind="solid">"Save"</button>
                <button class="button" type="button" on:click=add>"Try another wording beside it"</button>
                <button class="button" type="button" data-kind="plain" on:click=move |_| done()>"Cancel"</button>
            </div>
        </form>
    }
}
