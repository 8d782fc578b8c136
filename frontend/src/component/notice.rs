//! What the product says for itself: banners about the connection, and a toast.

use leptos::prelude::*;
use shared::entry::Room;

use super::asking::Asking;
use super::icon::Icon;
use crate::component::flow::Show;
use crate::desk::Desk;
use crate::link::{Link, Standing, is_encrypted};
use crate::words::{span, time};

#[component]
pub fn Banners() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let disk = Memo::new(move |_| desk.read(|state| state.disk));
    let memory = Memo::new(move |_| desk.read(|state| state.memory));
    // What an older page does not know is told by asking for the newer one.
    let unknown = Memo::new(move |_| match desk.standing.get() {
        Standing::Live => desk.read(|state| state.unknown),
        _ => 0,
    });
    view! {
        <div class="banners">
            <Asking/>
            {move || match desk.standing.get() {
                Standing::Live | Standing::Connecting | Standing::Replaced => ().into_any(),
                // The screen says it, and has a way in.
                Standing::Denied if is_encrypted() => ().into_any(),
                Standing::Lost { since, retry } => {
                    let text = move || {
                        let now = desk.clock.get();
                        let wait = span(retry.since(now));
                        let unsent = match desk.unsent() {
                            0 => String::new(),
                            1 => " One thing you did waits here and is sent then.".to_owned(),
                            many => format!(" {many} things you did wait here and are sent then."),
                        };
                        format!(
                            "The bridge is gone, for {} now. This is the state of {}; the next try is in {wait}.{unsent} If it was stopped, start it again with the command that you used.",
                            span(now.since(since)), time(since)
                        )
                    };
                    view! {
                        <div class="banner" data-status="failed" role="alert">
                            <Icon name="failed"/>
                            <span>{text}</span>
                            <button class="button push" data-size="sm" on:click=move |_| desk.with_link(Link::try_now)>"Try now"</button>
                        </div>
                    }.into_any()
                }
                Standing::Denied => view! {
                    <div class="banner" data-status="failed" role="alert">
                        <Icon name="failed"/>
                        <span>"This browser is not signed in. Open the URL that the bridge printed when it started; it ends in #k=…"</span>
                    </div>
                }.into_any(),
                Standing::Incompatible { version } => outdated(format!(
                    "The bridge is version {version}, this page is another one. Running agents are not touched."
                )),
                Standing::Aged => outdated(
                    "The bridge has a newer page. This one decides nothing until it is reloaded. Agents go on meanwhile, and what you do and write is kept.".to_owned(),
                ),
            }}
            {move || (unknown.get() > 0).then(|| {
                let text = match unknown.get() {
                    1 => "One entry of the log is of a kind that this version does not know.".to_owned(),
                    many => format!("{many} entries of the log are of kinds that this version does not know."),
                };
                view! {
                    <div class="banner" data-status="failed" role="alert">
                        <Icon name="failed"/>
                        <span>{text}" A newer one wrote them. They may forbid what would be done next, so nothing new begins; what runs goes on. Start the newer version again."</span>
                    </div>
                }
            })}
            {move || {
                let mb = disk.get().free.0 / 1_000_000;
                scarce(disk.get().room, [
                    format!("Only {mb} MB are free on the disk of the bridge's data folder. Make room there; when less is left, nothing new starts."),
                    format!("The disk of the bridge's data folder is almost full ({mb} MB free): nothing new starts until there is room again. What runs goes on."),
                ])
            }}
            {move || {
                let mb = memory.get().free.0 / 1_000_000;
                scarce(memory.get().room, [
                    format!("Only {mb} MB of memory are free on the bridge's machine. Close something there, or stop an agent; when less is left, nothing new starts."),
                    format!("The bridge's machine is almost out of memory ({mb} MB free): nothing new starts until there is more. What runs goes on."),
                ])
            }}
        </div>
    }
}

/// That another page is there to be loaded.
fn outdated(text: String) -> AnyView {
    view! {
        <div class="banner" data-status="waiting" role="alert">
            <Icon name="waiting"/>
            <span>{text}</span>
            <button class="button push" data-size="sm" on:click=move |_| drop(window().location().reload())>"Reload"</button>
        </div>
    }.into_any()
}

/// That there is little of something, or none.
fn scarce(room: Room, [little, none]: [String; 2]) -> Option<AnyView> {
    let (status, text) = match room {
        Room::Plenty => return None,
        Room::Little => ("waiting", little),
        Room::None => ("failed", none),
    };
    Some(view! { <div class="banner" data-status=status role="alert"><Icon name=status/><span>{text}</span></div> }.into_any())
}

#[component]
pub fn ToastView() -> impl IntoView {
    let desk = expect_context::<Desk>();
    view! {
        <div aria-live="polite">
            {move || desk.toast.get().map(|toast| view! {
                <div class="toast" role="status">
                    <span>{toast.text}</span>
                    <Show when=move || toast.undo>
                        <button class="button push" data-size="sm" on:click=move |_| desk.undo()>"Undo"</button>
                    </Show>
                    <button class="button" data-kind="plain" data-size="sm" aria-label="Close" on:click=move |_| desk.toast.set(None)>
                        <Icon name="close"/>
                    </button>
                </div>
            })}
        </div>
    }
}
