//! A rule as a form, and what it would have decided of all that was asked.

use conductor::permission::replayed;
use conductor::words::deed;
use leptos::prelude::*;
use shared::id::RuleId;
use shared::permission::{Permit, Rule, Scope, What, written};

use crate::desk::{Desk, draw};

/// Requests that are shown of those that it would decide; the rest is counted.
const SHOWN: usize = 5;

/// A rule that is being written. Copies share it.
#[derive(Clone, Copy)]
pub struct Draft {
    id: StoredValue<String>,
    kind: RwSignal<&'static str>,
    text: RwSignal<String>,
    pub scope: RwSignal<Scope>,
}

const KINDS: [(&str, &str, &str); 4] = [
    ("commands", "Commands that begin with", "cargo test"),
    ("edits", "Changes of, or below", "src"),
    ("reads", "Looks at, or below", "/etc"),
    ("tool", "Whatever this tool does", "WebFetch"),
];

impl Draft {
    pub fn new(scope: Scope) -> Self {
        Self {
            id: StoredValue::new(draw()),
            kind: RwSignal::new("commands"),
            text: RwSignal::default(),
            scope: RwSignal::new(scope),
        }
    }

    /// It begins as this one.
    pub fn about(what: What, scope: Scope) -> Self {
        let draft = Self::new(scope);
        let (kind, text) = match what {
            What::Commands { words } => ("commands", written(&words)),
            What::Edits { under } => ("edits", under),
            What::Reads { under } => ("reads", under),
            What::Tool { name } => ("tool", name),
        };
        draft.kind.set(kind);
        draft.text.set(text);
        draft
    }

    fn what(self) -> Result<What, String> {
        let text = self.text.get().trim().to_owned();
        let what = match self.kind.get() {
            "edits" => What::Edits { under: text },
            "reads" => What::Reads { under: text },
            "tool" => What::Tool { name: text },
            _ => What::commands(&text)?,
        };
        what.problem().map_or(Ok(what), |problem| Err(problem.to_owned()))
    }

    /// Why it cannot be saved; tracked.
    pub fn problem(self) -> Option<String> {
        self.what().err()
    }

    /// As it is written now; nothing where it cannot be saved.
    pub fn rule(self, permit: Permit) -> Option<Rule> {
        let (what, rule) = untrack(|| (self.what().ok(), RuleId::new(&self.id.get_value()).ok()));
        Some(Rule { rule: rule?, permit, what: what?, scope: self.scope.get_untracked() })
    }
}

/// What it would have decided, as one of these: how many of how many, and the newest of them.
type Trial = (Permit, usize, usize, Vec<String>);

/// Where nothing is chosen of `permit`, it is told for both.
#[component]
pub fn Form(
    desk: Desk,
    draft: Draft,
    permit: Option<RwSignal<Permit>>,
    scopes: Vec<(Scope, String)>,
) -> impl IntoView {
    let trials = Memo::new(move |_| -> Result<Vec<Trial>, String> {
        draft.what()?;
        draft.scope.track();
        let permits = permit.map_or(vec![Permit::Allow, Permit::Deny], |permit| vec![permit.get()]);
        let rules = permits.into_iter().filter_map(|permit| draft.rule(permit));
        Ok(desk.read(|state| {
            let trial = |rule: Rule| {
                let (found, all) = replayed(state, &rule);
                let shown = found.iter().take(SHOWN).map(|(_, asked)| deed(&asked.ask)).collect();
                (rule.permit, found.len(), all, shown)
            };
            rules.map(trial).collect()
        }))
    });
    let chosen = StoredValue::new(scopes.clone());
    let pick = move |at: &str| {
        let picked = at
            .parse::<usize>()
            .ok()
            .and_then(|at| chosen.with_value(|all| all.get(at).map(|(scope, _)| scope.clone())));
        picked.into_iter().for_each(|scope| draft.scope.set(scope));
    };
    view! {
        <div class="caps">
            <label class="field">
                <span>"About"</span>
                <select class="input" on:change=move |event| {
                    let value = event_target_value(&event);
                    KINDS.iter().filter(|kind| kind.0 == value).for_each(|kind| draft.kind.set(kind.0));
                }>
                    {KINDS.map(|(kind, name, _)| view! { <option value=kind selected=move || draft.kind.get() == kind>{name}</option> }).collect_view()}
                </select>
            </label>
            <label class="field">
                <span>"What"</span>
                <input class="input" aria-invalid=move || draft.problem().filter(|_| !draft.text.read().is_empty()).map(|_| "true")
                    placeholder=move || KINDS.iter().find(|kind| kind.0 == draft.kind.get()).map(|kind| kind.2)
                    prop:value=move || draft.text.get() on:input=move |event| draft.text.set(event_target_value(&event))/>
            </label>
            <label class="field">
                <span>"Where"</span>
                <select class="input" on:change=move |event| pick(&event_target_value(&event))>
                    {scopes.into_iter().enumerate().map(|(at, (scope, name))| view! {
                        <option value=at.to_string() selected=move || draft.scope.get() == scope>{name}</option>
                    }).collect_view()}
                </select>
            </label>
        </div>
        <div role="status">
            {move || match trials.get() {
                Err(_) if draft.text.read().is_empty() => ().into_any(),
                Err(why) => view! { <p class="hint" data-state="error">{why}</p> }.into_any(),
                Ok(trials) => trials.into_iter().map(tell).collect_view().into_any(),
            }}
        </div>
    }
}

fn tell((permit, count, all, shown): Trial) -> impl IntoView {
    let verb = if permit == Permit::Allow { "Allowing this" } else { "Denying this" };
    let more = count - shown.len();
    view! {
        <p class="hint">{format!("{verb} would have decided {count} of {all} requests so far otherwise{}", if count > 0 { ":" } else { "." })}</p>
        <ul class="shown">
            {shown.into_iter().map(|line| view! { <li><span>"·"</span><span class="mono clip">{line}</span></li> }).collect_view()}
            {(more > 0).then(|| view! { <li><span>"·"</span><span>{format!("and {more} more")}</span></li> })}
        </ul>
    }
}
