//! Devices that ask to be let in. A banner and not a dialog: it takes nobody's focus.

use leptos::prelude::*;
use shared::api::{Answer, Asking as Device};

use super::flow::For;
use super::icon::Icon;
use crate::desk::Desk;
use crate::link::enter::call;

#[component]
pub fn Asking() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let answer = move |id: String, allow: bool| {
        leptos::task::spawn_local(async move {
            let sent = serde_json::to_string(&Answer { id, allow }).unwrap_or_default();
            if let Err(why) = call("POST", "/api/pair/answer", Some(&sent)).await {
                desk.say(why, false);
            }
        });
    };
    view! {
        <For each=move || desk.asking.get() key=|device| device.id.clone() children=move |Device { id, name, address, code }| {
            let (yes, no) = (id.clone(), id);
            view! {
                <div class="banner" data-status="waiting" role="alert">
                    <Icon name="waiting"/>
                    <span>{format!("{name} from {address} asks to be let in, and may then do all that you may. Allow it only if you see this code on it: ")}<b class="mono">{code}</b></span>
                    <button class="button push" data-size="sm" on:click=move |_| answer(no.clone(), false)>"Refuse"</button>
                    <button class="button" data-size="sm" on:click=move |_| answer(yes.clone(), true)>"Allow"</button>
                </div>
            }
        }/>
    }
}
