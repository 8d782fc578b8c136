//! What waits for the person is told outside the page too, by the browser's own notices, where they want that and do not look
//! at the page.

use std::collections::BTreeSet;

use conductor::inbox::Request;
use gloo_storage::{LocalStorage as Local, Storage};
use js_sys::Reflect;
use leptos::prelude::*;
use shared::id::TaskId;
use shared::unit::Millis;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Notification, NotificationOptions, NotificationPermission};

use crate::component::flow::Show;
use crate::desk::Desk;
use crate::link::now;
use crate::place::Here;

const KEY: &str = "orchestrator.notices";
/// When a page of this browser was last looked at: another one of it then has nothing to tell.
const LOOKED: &str = "orchestrator.looked";
/// How long that holds; it is said each second.
const ATTENDED: Millis = Millis::from_secs(3);
/// Of more that come at once, one notice tells how many they are.
const EACH: usize = 3;
const REFUSED: &str = "This browser does not let this page do that. Allow its notices in the browser's settings, then try again.";
const UNABLE: &str = "This browser cannot do that here.";

/// Whether notices are wanted, and why there are none.
#[derive(Clone, Copy)]
pub struct Notices {
    wanted: RwSignal<bool>,
    problem: RwSignal<Option<&'static str>>,
}

/// A request as it is told apart from others: the same task may ask again.
type Known = BTreeSet<(TaskId, &'static str, Millis)>;

impl Notices {
    /// Tells from now on of what comes, where that is wanted in this browser.
    pub fn open(desk: Desk, here: Here) -> Self {
        let wanted = Local::get::<bool>(KEY).unwrap_or_default()
            && permission() == Some(NotificationPermission::Granted);
        let notices = Self { wanted: RwSignal::new(wanted), problem: RwSignal::new(None) };
        Effect::new(move |before: Option<Option<Known>>| {
            // What is there when the log has been read is no news.
            if !desk.loaded.get() {
                return None;
            }
            let all = desk.inbox.get();
            let now: Known = all.iter().map(key).collect();
            let known = before.flatten().unwrap_or_else(|| now.clone());
            if notices.wanted.get_untracked() && is_away() && !is_attended() {
                let new: Vec<&Request> =
                    all.iter().filter(|request| !known.contains(&key(request))).collect();
                tell_of(desk, here, &new);
            }
            Some(now)
        });
        Effect::new(move |_| {
            let now = desk.clock.get();
            if notices.wanted.get() && !is_away() {
                let _ = Local::set(LOOKED, now.0);
            }
        });
        notices
    }

    async fn turn(self, on: bool) {
        self.problem.set(None);
        if on && let Err(why) = first().await {
            return self.problem.set(Some(why));
        }
        self.wanted.set(on);
        // Without storage it is off again after a reload.
        let _ = Local::set(KEY, on);
    }
}

fn key(request: &Request) -> (TaskId, &'static str, Millis) {
    (request.task.clone(), request.ask.token(), request.status.since)
}

/// Nobody looks at the page: it is hidden, or another window has the keys.
fn is_away() -> bool {
    let document = document();
    document.hidden() || !document.has_focus().unwrap_or(true)
}

/// Another page of this browser is looked at.
fn is_attended() -> bool {
    Local::get::<u64>(LOOKED).is_ok_and(|at| now().since(Millis(at)) < ATTENDED)
}

/// What the browser allows; nothing where it knows no notices, such as one of a phone that has the page not installed.
fn permission() -> Option<NotificationPermission> {
    Reflect::has(&window(), &JsValue::from_str("Notification"))
        .is_ok_and(|has| has)
        .then(Notification::permission)
}

/// Asks for leave, and tells of it in the first notice: some browsers have leave to give and no way to use it.
async fn first() -> Result<(), &'static str> {
    permission().ok_or(UNABLE)?;
    let asked = Notification::request_permission().map_err(|_| UNABLE)?;
    JsFuture::from(asked).await.map_err(|_| REFUSED)?;
    if permission() != Some(NotificationPermission::Granted) {
        return Err(REFUSED);
    }
    tell("Orchestrator", "You are told here when something waits for you.", "orchestrator", || {})
        .ok_or(UNABLE)
}

fn tell_of(desk: Desk, here: Here, new: &[&Request]) {
    if new.len() > EACH {
        let told = format!("{} things wait for you", new.len());
        tell(&told, "", "orchestrator", || {});
        return;
    }
    for request in new {
        let (name, why) = desk.peek(|state| {
            let name = state.task(&request.task).map(conductor::plan::name).unwrap_or_default();
            (name, request.why(state, request.status.since))
        });
        let (goal, task) = (request.goal.clone(), request.task.clone());
        // Several tabs that tell the same show it once: of one tag the newest stands.
        let tag = task.to_string();
        tell(&name, &why, &tag, move || here.go(Some(goal), Some(task)));
    }
}

/// Shows a notice; who presses it comes to the page and `follow` is done. Nothing where the browser cannot.
fn tell(title: &str, body: &str, tag: &str, follow: impl FnOnce() + 'static) -> Option<()> {
    let options = NotificationOptions::new();
    options.set_body(body);
    options.set_tag(tag);
    let notice = Notification::new_with_options(title, &options).ok()?;
    let shown = notice.clone();
    let pressed = Closure::once_into_js(move || {
        let _ = window().focus();
        shown.close();
        follow();
    });
    notice.set_onclick(pressed.dyn_ref());
    Some(())
}

/// The choice, below what waits.
#[component]
pub fn NoticesChoice(notices: Notices) -> impl IntoView {
    let Notices { wanted, problem } = notices;
    let chosen = move |input: web_sys::HtmlInputElement| {
        let on = input.checked();
        // Until the browser has said yes.
        input.set_checked(wanted.get_untracked());
        leptos::task::spawn_local(async move { notices.turn(on).await });
    };
    view! {
        <label class="tick">
            <input type="checkbox" prop:checked=move || wanted.get() on:change:target=move |event| chosen(event.target())/>
            <span>"Tell me outside the page too"</span>
        </label>
        <Show when=move || problem.read().is_some()>
            <span class="hint" data-state="error" role="alert">{move || problem.get()}</span>
        </Show>
    }
}
