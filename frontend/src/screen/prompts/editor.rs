//! A template as a form: its name, its defaults, and its wordings.

use leptos::prelude::*;
use shared::id::TemplateId;
use shared::template::{Template, Variant};

use crate::component::flow::{For, Show};
use crate::component::picker::{Line, some};
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

/// Writes a template; without an id a new one.
#[component]
pub fn Editor(id: Option<TemplateId>, done: impl Fn() + Copy + Send + Sync + 'static) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let known = desk.peek(|state| Some(state.templates.get(id.as_ref()?)?.template.clone()));
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
    let save = move || {
        let own = known.with_value(|known| known.as_ref().map(|known| known.template.clone()));
        let Some(template) = own.or_else(|| TemplateId::new(&draw()).ok()) else { return };
        let variant = |draft: &Draft| Variant {
            name: draft.name.get_untracked().trim().to_owned(),
            guidelines: draft.guidelines.get_untracked(),
        };
        let saved = desk.save_template(Template {
            template,
            name: name.get_untracked().trim().to_owned(),
            variants: drafts.with_untracked(|drafts| drafts.iter().map(variant).collect()),
            harness: known.with_value(|known| known.as_ref().and_then(|known| known.harness)),
            model: some(model),
            folder: some(folder),
        });
        if saved {
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
                <button class="button" type="button" data-kind="plain" on:click=move |_| done()>"Leave it"</button>
            </div>
        </form>
    }
}
