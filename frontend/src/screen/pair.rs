//! What a browser shows that the bridge does not know: it asks to be let in, and waits for a person's yes.

use js_sys::Promise;
use leptos::prelude::*;
use shared::api::{Pairing, Ticket};
use shared::unit::Millis;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

use crate::component::flow::Show;
use crate::desk::Desk;
use crate::link::enter::{call, problem, request};
use crate::link::now;
use crate::words::span;

/// Before a question that got no answer is asked again, in milliseconds.
const AGAIN: i32 = 1_000;

#[component]
pub fn Pair() -> impl IntoView {
    let desk = expect_context::<Desk>();
    // The code, and until when it stands.
    let asked = RwSignal::new(None::<(String, Millis)>);
    let (asking, problem) = (RwSignal::new(false), RwSignal::new(None::<String>));
    let ask = move || {
        asking.set(true);
        problem.set(None);
        leptos::task::spawn_local(async move {
            match let_in(asked).await {
                // With its cookie the page is another one.
                Ok(()) => drop(window().location().reload()),
                Err(why) => problem.set(Some(why)),
            }
            asked.set(None);
            asking.set(false);
        });
    };
    let left =
        move || asked.with(|asked| asked.as_ref().map(|(_, until)| span(until.since(desk.clock.get()))));
    view! {
        <div class="start"><div>
            <h1>"Pair this device"</h1>
            <p>"The bridge does not know this browser yet. Ask to be let in, then allow it on a device that is already: both show the same code."</p>
            <Show when=move || asked.read().is_some()>
                <p class="code" role="status" aria-label="Code">{move || asked.with(|asked| asked.as_ref().map(|(code, _)| code.clone()))}</p>
                <p class="meta">"Waiting for a yes. The request stands for another "{left}"."</p>
            </Show>
            <Show when=move || problem.read().is_some()>
                <p class="hint" data-state="error" role="alert">{move || problem.get()}</p>
            </Show>
            <div class="row">
                <button class="button" data-kind="solid" disabled=move || asking.get() on:click=move |_| ask()>"Ask to be let in"</button>
            </div>
            <p class="hint">"No such device at hand? In a terminal on the bridge's machine, "<code>"orchestrator devices"</code>" shows the code and lets you in."</p>
        </div></div>
    }
}

/// Waits so many milliseconds.
async fn pause(millis: i32) {
    let waited = Promise::new(&mut |done, _| {
        // Where the browser refuses, it is asked again at once.
        if window().set_timeout_with_callback_and_timeout_and_arguments_0(&done, millis).is_err() {
            let _ = done.call0(&JsValue::NULL);
        }
    });
    let _ = JsFuture::from(waited).await;
}

/// Asks, shows the code, and waits for the answer. A wire that breaks meanwhile ends nothing: the request stands, and is asked
/// for again.
async fn let_in(asked: RwSignal<Option<(String, Millis)>>) -> Result<(), String> {
    let text = call("POST", "/api/pair", Some("{}")).await?;
    let Pairing { ticket, code, seconds } = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let until = now() + Millis::from_secs(seconds);
    asked.set(Some((code, until)));
    let sent = serde_json::to_string(&Ticket { ticket }).unwrap_or_default();
    loop {
        match request("POST", "/api/pair/outcome", Some(&sent)).await {
            Some(answer) if answer.ok() => return Ok(()),
            Some(answer) => return Err(problem(&answer).await),
            None if now() >= until => return Err("The bridge does not answer.".to_owned()),
            None => pause(AGAIN).await,
        }
    }
}
