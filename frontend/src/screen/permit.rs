//! What an agent asks to be allowed, above its task's conversation: what it would do, and the person's word, once or as a
//! rule. It takes nobody's focus.

use conductor::permission::{Asked, suggested, waiting};
use conductor::state::Run;
use conductor::words::{ONCE, deed};
use gloo_storage::{LocalStorage as Local, Storage};
use leptos::prelude::*;
use shared::id::{RunId, TaskId};
use shared::permission::{Ask, Permit, Scope};
use shared::unit::Millis;

use super::rules::form::{Draft, Form};
use crate::component::dialog;
use crate::component::flow::Show;
use crate::component::icon::Icon;
use crate::component::kept::kept;
use crate::component::picker::{Line, some};
use crate::desk::Desk;
use crate::words;

/// Milliseconds in which nobody has read a card that has just come.
const UNREAD: f64 = 400.0;

/// What waits.
#[derive(Debug, Clone, PartialEq)]
struct Waits {
    run: RunId,
    ask: Ask,
    since: Millis,
}

fn waits(desk: Desk, task: &TaskId) -> Option<Waits> {
    desk.read(|state| {
        let run = state.current(state.task(task)?)?;
        let asked = run.asks_now()?;
        Some(Waits { run: run.id.clone(), ask: asked.ask.clone(), since: asked.at })
    })
}

/// Whether the open task shows a request.
pub fn asks(desk: Desk, task: &TaskId) -> bool {
    untrack(|| waits(desk, task).is_some())
}

/// Under which the word to the agent is kept while it is written.
fn key(run: &RunId, request: &str) -> String {
    format!("orchestrator.word.{run}.{request}")
}

#[component]
pub fn Permission(desk: Desk, id: TaskId) -> impl IntoView {
    let own = StoredValue::new(id);
    let asked = Memo::new(move |_| waits(desk, &own.get_value()));
    // Another request is another card, so that nothing that was written for one answers the next.
    move || asked.get().map(|asked| view! { <Card desk=desk own=own asked=asked/> })
}

#[component]
fn Card(desk: Desk, own: StoredValue<TaskId>, asked: Waits) -> impl IntoView {
    let Waits { run, ask, since } = asked;
    let of_run = run.clone();
    // Told beside the card: another one that comes takes nothing from what is being written in this.
    let behind = Memo::new(move |_| {
        let is = |(other, _): &(&Run, &Asked)| other.id == of_run;
        desk.read(|state| waiting(state).filter(is).count().saturating_sub(1))
    });
    let word = kept(key(&run, &ask.request));
    let as_rule = RwSignal::new(false);
    let suggestion = desk.peek(|state| suggested(state, state.run(&run)?, &ask));
    let (once, scope) = (suggestion.is_none(), Scope::Task { task: own.get_value() });
    let draft = match suggestion {
        Some(what) => Draft::about(what, scope),
        None => Draft::new(scope),
    };
    let task = own.get_value();
    let project = desk.peek(|state| state.task(&task).map(|task| task.project.clone()));
    let project = project.map(|project| (Scope::Project { project }, "In this project"));
    let scopes = [(Scope::Task { task }, "For this task and its parts")].into_iter().chain(project);
    let scopes = scopes.chain([(Scope::Always, "Always")]).map(|(scope, name)| (scope, name.to_owned()));
    let scopes: Vec<(Scope, String)> = scopes.collect();
    let request = StoredValue::new((run, ask.request.clone()));
    let shown = js_sys::Date::now();
    let answer = move |permit: Permit| {
        // It may have taken the place of another under a finger that was on its way.
        if js_sys::Date::now() - shown < UNREAD {
            return;
        }
        let rule = as_rule.get_untracked().then(|| draft.rule(permit));
        let (run, request) = request.get_value();
        Local::delete(key(&run, &request));
        desk.permit(&own.get_value(), (run, request), permit, some(word).unwrap_or_default(), rule);
    };
    let keys = window_event_listener(leptos::ev::keydown, move |event| {
        // A key that is held down answers one request, and not the next one that nobody has read.
        let free = event.ctrl_key()
            && !event.repeat()
            && !event.default_prevented()
            && !dialog::is_open()
            && !super::work::is_typing(&event);
        let permit = match event.key().as_str() {
            "Enter" if free => Permit::Allow,
            "Backspace" if free => Permit::Deny,
            _ => return,
        };
        event.prevent_default();
        answer(permit);
    });
    on_cleanup(move || keys.remove());
    let (title, about) = (deed(&ask), ask.about());
    let more = about.lines().nth(1).is_some();
    view! {
        <section class="permit" data-status="waiting" aria-label="Asks for permission">
            <div class="row">
                <span class="status" data-status="waiting"><Icon name="waiting"/><b>{format!("Asks whether it may {title}")}</b></span>
                <span class="meta push">{format!("{} since {}", ask.tool, words::time(since))}</span>
            </div>
            {more.then(|| view! { <pre class="raw">{about}</pre> })}
            <p class="hint">{move || match behind.get() {
                0 => "It waits until you answer. Nothing is allowed by silence.".to_owned(),
                behind => format!("It waits until you answer; {behind} more wait behind it. Nothing is allowed by silence."),
            }}</p>
            <div class="row">
                <Line label="Word to the agent, if you deny it" value=word hint="why not, or what to do instead"/>
            </div>
            {if once {
                view! { <p class="hint">{format!("{ONCE}.")}</p> }.into_any()
            } else {
                view! {
                    <label class="tick">
                        <input type="checkbox" prop:checked=move || as_rule.get() on:change=move |event| as_rule.set(event_target_checked(&event))/>
                        <span>"Answer such requests by a rule from now on"</span>
                    </label>
                }.into_any()
            }}
            <Show when=move || as_rule.get()>
                {
                    let scopes = scopes.clone();
                    view! { <Form desk=desk draft=draft permit=None scopes=scopes/> }
                }
            </Show>
            <div class="row">
                <button class="button" data-kind="solid" disabled=move || as_rule.get() && draft.problem().is_some() on:click=move |_| answer(Permit::Allow)>
                    {move || if as_rule.get() { "Allow, and save the rule" } else { "Allow once" }}<kbd class="key">"Ctrl Enter"</kbd>
                </button>
                <button class="button" disabled=move || as_rule.get() && draft.problem().is_some() on:click=move |_| answer(Permit::Deny)>
                    {move || if as_rule.get() { "Deny, and save the rule" } else { "Deny" }}<kbd class="key">"Ctrl ⌫"</kbd>
                </button>
            </div>
        </section>
    }
}
