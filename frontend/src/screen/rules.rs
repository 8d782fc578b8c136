//! The rules about what agents may do: all of them, a new one, and the end of one.

use conductor::words;
use leptos::prelude::*;
use shared::permission::{Permit, Rule, Scope};

use super::bridge::Tabs;
use crate::component::flow::{For, Show};
use crate::desk::Desk;
use crate::place::Part;

pub mod form;

use form::{Draft, Form};

#[component]
pub fn Rules() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let rules = Memo::new(move |_| desk.read(|state| state.rules.values().cloned().collect::<Vec<_>>()));
    let writing = RwSignal::new(false);
    view! {
        <div class="start"><div class="bridge">
            <Tabs parts=&Part::LIBRARY part=Part::Rules/>
            <div class="row">
                <h1>"Rules"</h1>
                <button class="button push" data-kind="solid" on:click=move |_| writing.set(true)>"New rule"</button>
            </div>
            <p class="quiet">"Agents of goals that ask you first are answered by these at once. A line is allowed where each of its commands is, what is denied stands above what is allowed, and what is not understood with certainty comes to you, unless its whole tool is allowed and nothing that may be in it is denied."</p>
            <Show when=move || writing.get()><New desk=desk writing=writing/></Show>
            <Show when=move || !desk.loaded.get()>
                <p class="meta" aria-busy="true">"Reading the log"</p>
            </Show>
            <Show when=move || desk.loaded.get() && rules.read().is_empty() && !writing.get()>
                <p class="quiet">"There is no rule yet: whatever agents ask comes to you."</p>
            </Show>
            <For each=move || rules.get() key=|rule| format!("{rule:?}") children=move |rule| view! { <Row desk=desk rule=rule/> }/>
        </div></div>
    }
}

#[component]
fn Row(desk: Desk, rule: Rule) -> impl IntoView {
    let scope = desk.peek(|state| words::scope(state, &rule.scope));
    let verb = if rule.permit == Permit::Allow { "Allow" } else { "Deny" };
    let what = words::rule(&rule.what);
    let name = format!("Remove: {verb} {what}");
    view! {
        <section class="row">
            <span><b>{verb}</b>" "{what}<br/><span class="meta">{scope}</span></span>
            <button class="button push" data-size="sm" aria-label=name title="What was decided by it stays so" on:click=move |_| desk.remove_rule(rule.rule.clone())>"Remove"</button>
        </section>
    }
}

#[component]
fn New(desk: Desk, writing: RwSignal<bool>) -> impl IntoView {
    let draft = Draft::new(Scope::Always);
    let permit = RwSignal::new(Permit::Allow);
    let scopes = desk.peek(|state| {
        let projects = state.projects.iter();
        let projects = projects
            .map(|(id, project)| (Scope::Project { project: id.clone() }, format!("In {}", project.name)));
        [(Scope::Always, "Always".to_owned())].into_iter().chain(projects).collect::<Vec<_>>()
    });
    let choice = move |own: Permit, name: &'static str| {
        view! {
            <label class="choice">
                <input type="radio" name="permit" prop:checked=move || permit.get() == own on:change=move |_| permit.set(own)/>
                <span>{name}</span>
            </label>
        }
    };
    let save = move || {
        if let Some(rule) = draft.rule(permit.get_untracked()) {
            desk.save_rule(rule);
            writing.set(false);
        }
    };
    view! {
        <form class="stack" aria-label="Rule" on:submit=move |event| { event.prevent_default(); save(); }>
            <div class="row">{choice(Permit::Allow, "Allow")}{choice(Permit::Deny, "Deny")}</div>
            <Form desk=desk draft=draft permit=Some(permit) scopes=scopes/>
            <div class="row">
                <button class="button" data-kind="solid" disabled=move || draft.problem().is_some()>"Save"</button>
                <button class="button" type="button" data-kind="plain" on:click=move |_| writing.set(false)>"Cancel"</button>
            </div>
        </form>
    }
}
