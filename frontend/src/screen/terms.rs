//! How a goal is gone about, as it is chosen before it is stated: on the start page, and of a list.

use leptos::prelude::*;
use shared::context::{Charter, MEMORY};
use shared::evidence::Preset;
use shared::id::{PersonaId, TemplateId};
use shared::limits::Caps;
use shared::plan::{Access, Terms};

use super::agents::PersonaChoice;
use super::caps::{FirstCaps, Unfit};
use super::evidence::PresetChoice;
use super::prompts::TemplateChoice;
use crate::component::icon::Icon;

/// What is chosen so far.
#[derive(Debug, Clone, Copy)]
pub struct Draft {
    pub access: RwSignal<Access>,
    pub preset: RwSignal<Preset>,
    pub caps: RwSignal<Caps>,
    pub template: RwSignal<Option<TemplateId>>,
    pub persona: RwSignal<Option<PersonaId>>,
    pub rules: RwSignal<String>,
    /// What is wrong with a cap as it is written.
    pub unfit: Unfit,
    /// What nobody is asked for here stays.
    base: StoredValue<Terms>,
}

impl Draft {
    pub fn of(terms: Terms) -> Self {
        Self {
            access: RwSignal::new(terms.access.unwrap_or_default()),
            preset: RwSignal::new(terms.preset.unwrap_or_default()),
            caps: RwSignal::new(terms.caps),
            template: RwSignal::new(terms.template.clone()),
            persona: RwSignal::new(terms.persona.clone()),
            rules: RwSignal::new(terms.charter.rules.clone()),
            unfit: RwSignal::new(None),
            base: StoredValue::new(terms),
        }
    }

    /// The terms that were chosen; tracked.
    pub fn terms(self) -> Terms {
        let base = self.base.get_value();
        Terms {
            access: Some(self.access.get()).filter(|access| *access != Access::default()),
            preset: Some(self.preset.get()).filter(|preset| *preset != Preset::default()),
            caps: self.caps.get(),
            template: self.template.get(),
            persona: self.persona.get(),
            charter: Charter { rules: self.rules.get(), ..base.charter },
            ..base
        }
    }
}

/// All of it behind a disclosure, for the forms of a list.
#[component]
pub fn TermsFields(draft: Draft) -> impl IntoView {
    view! {
        <details class="tool">
            <summary><Icon name="right"/>"How its goal is gone about"</summary>
            <div class="stack">
                <div class="pair"><PersonaChoice chosen=draft.persona/><TemplateChoice chosen=draft.template/></div>
                <div class="pair"><PresetChoice preset=draft.preset/><AccessChoice access=draft.access/></div>
                <FirstCaps caps=draft.caps unfit=draft.unfit/>
                <label class="field">
                    <span>"Rules that each of its tasks is told when it begins"</span>
                    <textarea class="input" rows="4" maxlength=MEMORY prop:value=draft.rules on:input=move |event| draft.rules.set(event_target_value(&event))></textarea>
                </label>
            </div>
        </details>
    }
}

#[component]
pub fn AccessChoice(access: RwSignal<Access>) -> impl IntoView {
    let choice = move |value: Access, name: &'static str, about: &'static str| {
        view! {
            <label class="choice">
                <input type="radio" name="access" prop:checked=move || access.get() == value on:change=move |_| access.set(value)/>
                <span>{name}<br/><span class="hint">{about}</span></span>
            </label>
        }
    };
    view! {
        <fieldset>
            <legend class="label">"They may"</legend>
            {choice(Access::Edit, "Edit files", "Commands only as far as the agent allows them by itself.")}
            {choice(Access::Ask, "Ask me first", "Each edit and each command waits for your yes, unless a rule of yours decides. Codex asks for each command, also to look at a file.")}
            {choice(Access::Full, "Edit files and run commands", "Anything that you could run in this folder. For a folder that you could lose.")}
            {choice(Access::ReadOnly, "Only read", "For questions and reviews.")}
        </fieldset>
    }
}
