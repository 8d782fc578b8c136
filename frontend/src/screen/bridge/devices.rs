//! The devices that are let in, and how another one is.

use leptos::prelude::*;
use shared::api::{Chosen, Device, Devices as Known};

use super::{Answer, pending};
use crate::component::flow::{For, Show};
use crate::desk::Desk;
use crate::link::enter::call;
use crate::words::moment;

#[component]
pub fn Devices() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let known: Answer<Known> = RwSignal::new(None);
    let look = move || {
        leptos::task::spawn_local(async move {
            let answer = call("GET", "/api/devices", None).await;
            let answer =
                answer.and_then(|text| serde_json::from_str(&text).map_err(|error| error.to_string()));
            known.try_set(Some(answer));
        });
    };
    // Once now, and again whenever one has asked or was answered.
    Effect::new(move |_| {
        desk.asking.track();
        look();
    });
    let revoke = move |id: String| {
        leptos::task::spawn_local(async move {
            let sent = serde_json::to_string(&Chosen { id }).unwrap_or_default();
            if let Err(why) = call("POST", "/api/devices/revoke", Some(&sent)).await {
                desk.say(why, false);
            }
            look();
        });
    };
    let devices = Memo::new(move |_| match &*known.read() {
        Some(Ok(known)) => known.devices.clone(),
        _ => Vec::new(),
    });
    let fingerprint = Memo::new(move |_| match &*known.read() {
        Some(Ok(known)) => Some(known.fingerprint.clone()),
        _ => None,
    });
    view! {
        {pending(known)}
        <Show when=move || fingerprint.read().is_some() && devices.read().is_empty()>
            <p class="quiet">"No other device is let in. Browsers on the bridge's own machine that came by its printed URL are not listed here."</p>
        </Show>
        <Show when=move || !devices.read().is_empty()>
            <ul class="listed">
                <For each=move || devices.get() key=|device| format!("{device:?}") children=move |device| row(device, Callback::new(revoke))/>
            </ul>
        </Show>
        {move || fingerprint.get().map(|fingerprint| match fingerprint {
            Some(fingerprint) => view! {
                <section class="stack">
                    <h2 class="label">"Another device"</h2>
                    <p>"Open this page's address on it and ask to be let in. Its browser warns of a certificate that it does not know; compare the SHA-256 fingerprint that it shows with this one:"</p>
                    <p class="mono fingerprint">{fingerprint}</p>
                </section>
            }.into_any(),
            None => view! {
                <section class="stack">
                    <h2 class="label">"Another device"</h2>
                    <p>"Only this machine reaches the bridge. To let others in, start it with "<code>"--listen 0.0.0.0:4747"</code>"; they are served by TLS and pair with a code."</p>
                </section>
            }.into_any(),
        })}
    }
}

/// A device; it takes two clicks to send it away.
fn row(device: Device, revoke: Callback<String>) -> impl IntoView {
    let sure = RwSignal::new(false);
    let (id, name) = (device.id, device.name.clone());
    let facts = format!(
        "from {} · let in {} · last here {}",
        device.address,
        moment(device.since),
        moment(device.seen)
    );
    view! {
        <li>
            <span class="clip">
                {device.name}{device.here.then(|| view! { " "<span class="tag">"this one"</span> })}<br/>
                <span class="meta">{facts}</span>
            </span>
            <button class="button push" data-size="sm" data-kind=move || sure.get().then_some("danger")
                aria-label=move || if sure.get() { format!("Really revoke {name}") } else { format!("Revoke {name}") }
                on:blur=move |_| sure.set(false)
                on:click=move |_| if sure.get() { revoke.run(id.clone()) } else { sure.set(true) }
            >
                {move || if sure.get() { "Really revoke" } else { "Revoke" }}
            </button>
        </li>
    }
}
