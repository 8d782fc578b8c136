//! Lists of tasks that are kept: what each has, and how it is run again.

use conductor::list::{offered, said};
use leptos::prelude::*;
use shared::id::ListId;
use shared::list::TaskList;

use super::bridge::Tabs;
use crate::component::flow::{For, Show};
use crate::desk::Desk;
use crate::place::Part;

mod editor;
mod keep;
mod run;

use editor::Editor;
pub use keep::KeepField;
use run::Run;

/// The form that is open: of a list, or of a new one.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    Write(Option<ListId>),
    Run(ListId),
}

#[component]
pub fn Lists() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let form = RwSignal::new(None::<Form>);
    let lists =
        Memo::new(move |_| desk.read(|state| offered(state).into_iter().cloned().collect::<Vec<_>>()));
    view! {
        <div class="start"><div class="bridge">
            <Tabs parts=&Part::LIBRARY part=Part::Lists/>
            <div class="row">
                <h1>"Lists"</h1>
                <button class="button push" data-kind="solid" on:click=move |_| form.set(Some(Form::Write(None)))>"New list"</button>
            </div>
            <p class="quiet">"Tasks that you run again and again, without a planner and without another yes. Words such as {{branch}} in them are asked for at each run. The details of a goal keep its tasks as a list."</p>
            {move || match form.get() {
                Some(Form::Write(id)) => Some(view! { <Editor id=id done=move || form.set(None)/> }.into_any()),
                Some(Form::Run(_)) | None => None,
            }}
            <Show when=move || !desk.loaded.get()>
                <p class="meta" aria-busy="true">"Reading the log"</p>
            </Show>
            <Show when=move || desk.loaded.get() && lists.read().is_empty() && form.get().is_none()>
                <p class="quiet">"There is no list yet."</p>
            </Show>
            <For each=move || lists.get() key=|list| format!("{list:?}") children=move |list| view! { <Section list=list form=form/> }/>
        </div></div>
    }
}

#[component]
fn Section(list: TaskList, form: RwSignal<Option<Form>>) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let (name, id) = (list.name.clone(), list.list.clone());
    let (edited, retired, wished) = (id.clone(), id.clone(), Form::Run(id));
    let harness = list.harness.map(|harness| harness.to_string());
    let terms = desk.peek(|state| said(state, &list.terms));
    let about =
        [harness, list.folder.clone()].into_iter().flatten().chain(terms).collect::<Vec<_>>().join(" · ");
    let task = |task: &shared::plan::ProposedTask| {
        let after =
            if task.after.is_empty() { String::new() } else { format!(", after {}", task.after.join(", ")) };
        view! { <li><span class="meta">{task.key.clone()}</span>" "{task.title.clone()}<span class="hint">{after}</span></li> }
    };
    let tasks = list.tasks.iter().map(task).collect_view();
    let list = StoredValue::new(list);
    let open = wished.clone();
    view! {
        <section class="stack">
            <div class="row">
                <h2 class="clip">{name.clone()}</h2>
                <span class="meta clip">{about}</span>
                <span class="row push">
                    <button class="button" data-kind="solid" data-size="sm" aria-label=format!("Run {name}") on:click=move |_| form.set(Some(wished.clone()))>"Run"</button>
                    <button class="button" data-size="sm" aria-label=format!("Change {name}") on:click=move |_| form.set(Some(Form::Write(Some(edited.clone()))))>"Change"</button>
                    <button class="button" data-kind="plain" data-size="sm" aria-label=format!("Retire {name}") title="It is offered no more; goals that it became stay" on:click=move |_| desk.retire_list(retired.clone())>"Retire"</button>
                </span>
            </div>
            {move || (form.get().as_ref() == Some(&open)).then(|| view! { <Run list=list.get_value() done=move || form.set(None)/> })}
            <ol class="quiet">{tasks}</ol>
        </section>
    }
}
