//! The library of prompts: templates, how each wording did, and what fails most.

use conductor::library::{self, Pattern, Record, Shelf, Suggestion, percent, promoted, wilson};
use leptos::prelude::*;
use shared::id::TemplateId;
use shared::template::Guided;

use super::bridge::Tabs;
use crate::component::flow::{For, Show};
use crate::desk::Desk;
use crate::place::Part;
use crate::words::{class_words, dollars, span};

mod choice;
mod editor;

pub use choice::{TemplateChoice, TemplateField};
use editor::{Editor, unsaved};

#[component]
pub fn Prompts() -> impl IntoView {
    let desk = expect_context::<Desk>();
    // The template that is being written; an empty id for a new one.
    let writing = RwSignal::new(unsaved());
    let shelves = Memo::new(move |_| desk.templates());
    let patterns = Memo::new(move |_| desk.read(library::patterns));
    view! {
        <div class="start"><div class="bridge">
            <Tabs parts=&Part::LIBRARY part=Part::Prompts/>
            <div class="row">
                <h1>"Prompts"</h1>
                <button class="button push" data-kind="solid" on:click=move |_| writing.set(Some(None))>"New template"</button>
            </div>
            <p class="quiet">"Guidelines that stand before what an agent is told. Choose one for a goal or for a task. With several wordings each task works by one of them, and their records say which does better."</p>
            {move || writing.get().map(|id| view! { <Editor id=id done=move || writing.set(None)/> })}
            <Show when=move || !desk.loaded.get()>
                <p class="meta" aria-busy="true">"Reading the log"</p>
            </Show>
            <Show when=move || desk.loaded.get() && shelves.read().is_empty() && writing.get().is_none()>
                <p class="quiet">"There is no template yet."</p>
            </Show>
            <For each=move || shelves.get() key=|shelf| format!("{} {}", shelf.template.template, shelf.version) children=move |shelf| {
                view! { <Section shelf=shelf writing=writing/> }
            }/>
            <Show when=move || !patterns.read().is_empty()>
                <section class="stack">
                    <h2 class="label">"What fails"</h2>
                    <Failures patterns=patterns/>
                </section>
            </Show>
        </div></div>
    }
}

/// One template: its record, and what is advised.
#[component]
fn Section(shelf: Shelf, writing: RwSignal<Option<Option<TemplateId>>>) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let id = shelf.template.template.clone();
    let (edited, retired, own) = (id.clone(), id.clone(), id.clone());
    let records = Memo::new(move |_| desk.read(|state| rows(library::records(state), &own)));
    let advice = Memo::new(move |_| desk.read(|state| library::suggestion(state, &id)));
    let variants = shelf.template.variants.iter().map(|variant| variant.name.as_str()).collect::<Vec<_>>();
    let about = format!("v{}, {}", shelf.version, variants.join(" · "));
    let name = shelf.template.name.clone();
    let shelf = StoredValue::new(shelf);
    let promote = move |found: &Suggestion| {
        desk.save_template(promoted(&shelf.get_value(), &found.variant));
    };
    view! {
        <section class="stack">
            <div class="row">
                <h2 class="clip">{name.clone()}</h2>
                <span class="meta clip">{about}</span>
                <span class="row push">
                    <button class="button" data-size="sm" aria-label=format!("Change {name}") on:click=move |_| writing.set(Some(Some(edited.clone())))>"Change"</button>
                    <button class="button" data-kind="plain" data-size="sm" aria-label=format!("Retire {name}") title="It is offered no more; tasks that have it keep it" on:click=move |_| desk.retire_template(retired.clone())>"Retire"</button>
                </span>
            </div>
            {move || advice.get().map(|found| {
                let text = format!("{} does better than {}. {}", found.variant, found.over, found.why);
                view! {
                    <div class="short" data-status="completed" role="status">
                        <span>{text}</span>
                        <button class="button push" data-size="sm" on:click=move |_| promote(&found)>{format!("Go on with {} alone", found.variant)}</button>
                    </div>
                }
            })}
            {move || if records.read().is_empty() {
                view! { <p class="quiet">"No task has come to an end with it yet."</p> }.into_any()
            } else {
                view! { <Records records=records/> }.into_any()
            }}
        </section>
    }
}

type Row = (Guided, Option<String>, Record);

/// The newest version first.
fn rows(all: std::collections::BTreeMap<library::Key, Record>, template: &TemplateId) -> Vec<Row> {
    let own = all.into_iter().filter(|((guided, _), _)| guided.template == *template);
    let mut rows: Vec<Row> = own.map(|((guided, model), record)| (guided, model, record)).collect();
    rows.sort_by_key(|(guided, ..)| std::cmp::Reverse(guided.version));
    rows
}

#[component]
fn Records(records: Memo<Vec<Row>>) -> impl IntoView {
    let row = |(guided, model, record): Row| {
        let unknown = || "unknown".to_owned();
        let between = wilson(record.completed, record.attempts)
            .map_or_else(String::new, |(low, high)| format!("{} to {} %", percent(low), percent(high)));
        let turns = record.mean_turns_tenths().unwrap_or_default();
        view! {
            <tr>
                <td>{format!("{} (v{})", guided.variant, guided.version)}</td>
                <td>{model.unwrap_or_else(unknown)}</td>
                <td>{format!("{} of {}", record.completed, record.attempts)}</td>
                <td>{between}</td>
                <td>{record.mean_cost().map_or_else(unknown, dollars)}</td>
                <td>{format!("{}.{}", turns / 10, turns % 10)}</td>
                <td>{record.mean_time().map(span)}</td>
            </tr>
        }
    };
    view! {
        <div class="scroll-x">
            <table class="ledger">
                <thead><tr>
                    <th scope="col">"Wording"</th><th scope="col">"Model"</th><th scope="col">"Completed"</th>
                    <th scope="col" title="Where the share of success lies, by 95 % (Wilson)">"Likely"</th>
                    <th scope="col">"Mean cost"</th><th scope="col">"Requests"</th><th scope="col">"Time"</th>
                </tr></thead>
                <tbody>{move || records.get().into_iter().map(row).collect_view()}</tbody>
            </table>
        </div>
    }
}

#[component]
fn Failures(patterns: Memo<Vec<Pattern>>) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let name = move |id: &TemplateId| {
        desk.peek(|state| state.templates.get(id).map(|shelf| shelf.template.name.clone()))
    };
    let row = move |pattern: Pattern| {
        let template =
            pattern.template.as_ref().and_then(name).unwrap_or_else(|| "without a template".to_owned());
        view! {
            <tr>
                <td>{class_words(pattern.class)}</td>
                <td>{template}</td>
                <td>{format!("{} of {}", pattern.failed, pattern.of)}</td>
            </tr>
        }
    };
    view! {
        <div class="scroll-x">
            <table class="ledger">
                <thead><tr><th scope="col">"Failure"</th><th scope="col">"Template"</th><th scope="col">"Attempts"</th></tr></thead>
                <tbody>{move || patterns.get().into_iter().map(row).collect_view()}</tbody>
            </table>
        </div>
    }
}
