//! The frame of the page: the bar, banners, one screen, a toast.

use leptos::prelude::*;
use wasm_bindgen::JsCast;

use crate::component::copy::ByHand;
use crate::component::notice::{Banners, ToastView};
use crate::component::topbar::Topbar;
use crate::desk::Desk;
use crate::link::{Standing, enter, is_encrypted};
use crate::place::{Here, Part};
use crate::screen::agents::Agents;
use crate::screen::bridge::Bridge;
use crate::screen::lists::Lists;
use crate::screen::pair::Pair;
use crate::screen::prompts::Prompts;
use crate::screen::rules::Rules;
use crate::screen::start::Start;
use crate::screen::work::Work;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Screen {
    Start,
    Work(shared::id::TaskId),
    Bridge(Part),
    Prompts,
    Agents,
    Lists,
    Rules,
    Pair,
    Loading,
    NotThere,
}

#[component]
pub fn App() -> impl IntoView {
    let (desk, here) = (Desk::open(), Here::open());
    provide_context(desk);
    provide_context(here);
    Effect::new(move |_| {
        let waiting = desk.inbox.read().len();
        let name =
            here.goal().and_then(|goal| desk.read(|state| state.task(&goal).map(|task| task.title.clone())));
        let name = name.unwrap_or_else(|| "Orchestrator".to_owned());
        document().set_title(&if waiting > 0 { format!("({waiting}) {name}") } else { name });
    });
    window_event_listener(leptos::ev::hashchange, move |_| enter::followed(&desk.standing.get_untracked()));
    // A reload, or a way to another page, is a way out of the field that one writes in as any other: what was written is kept.
    window_event_listener_untyped("pagehide", |_| leave_field());
    // A memo, so that choosing a task does not build the screen anew.
    let unknown = Memo::new(move |_| is_encrypted() && desk.standing.get() == Standing::Denied);
    let screen = Memo::new(move |_| match (here.part(), here.goal()) {
        _ if unknown.get() => Screen::Pair,
        (Some(Part::Prompts), _) => Screen::Prompts,
        (Some(Part::Agents), _) => Screen::Agents,
        (Some(Part::Lists), _) => Screen::Lists,
        (Some(Part::Rules), _) => Screen::Rules,
        (Some(part), _) => Screen::Bridge(part),
        (None, None) => Screen::Start,
        (None, Some(goal)) if desk.read(|state| state.task(&goal).is_some()) => Screen::Work(goal),
        (None, Some(_)) if desk.loaded.get() => Screen::NotThere,
        (None, Some(_)) => Screen::Loading,
    });
    view! {
        <div class="app">
            <Topbar/>
            <Banners/>
            <main>
                {move || match screen.get() {
                    Screen::Work(goal) => view! { <Work goal=goal/> }.into_any(),
                    Screen::Bridge(part) => view! { <Bridge part=part/> }.into_any(),
                    Screen::Prompts => view! { <Prompts/> }.into_any(),
                    Screen::Agents => view! { <Agents/> }.into_any(),
                    Screen::Lists => view! { <Lists/> }.into_any(),
                    Screen::Rules => view! { <Rules/> }.into_any(),
                    Screen::Pair => view! { <Pair/> }.into_any(),
                    Screen::Loading => view! { <Loading/> }.into_any(),
                    Screen::NotThere => view! { <NotThere/> }.into_any(),
                    Screen::Start => view! { <Start/> }.into_any(),
                }}
            </main>
            <ToastView/>
            <ByHand/>
        </div>
    }
}

/// Has the field hand in what was written, but for an amount: half a number is another one.
fn leave_field() {
    let Some(field) = document().active_element() else { return };
    let amount = field.get_attribute("type").is_some_and(|kind| kind == "number");
    if let Some(field) = field.dyn_ref::<web_sys::HtmlElement>().filter(|_| !amount) {
        // What cannot be left has nothing to hand in.
        let _ = field.blur();
    }
}

#[component]
fn Loading() -> impl IntoView {
    view! {
        <div class="void" aria-busy="true">
            <span class="meta">"Reading the log"</span>
            <span class="bone"></span>
            <span class="bone"></span>
        </div>
    }
}

#[component]
fn NotThere() -> impl IntoView {
    let here = expect_context::<Here>();
    view! {
        <div class="void">
            <h2>"This goal is not here"</h2>
            <p>"The link may belong to another bridge or data folder."</p>
            <button class="button" data-kind="solid" on:click=move |_| here.go(None, None)>"All goals"</button>
        </div>
    }
}
