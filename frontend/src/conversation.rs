//! A task's conversation: the person's words, each turn as the agent writes it, what came of it, and the
//! place to write. It follows the end only while the view is at the end.

use conductor::state::Task;
use conductor::status::{Reason, Status};
use conductor::survey::Row;
use leptos::html;
use leptos::prelude::*;
use shared::api::HitPlace;
use shared::id::TaskId;

use crate::component::flow::{For, Show};
use crate::component::icon::Icon;
use crate::desk::Desk;
use crate::transcript::{Item, What};

mod composer;
mod hand;
mod item;
mod revision;
mod turn;

use composer::Composer;
use hand::HandIn;
use item::{ItemView, Unsent};

/// Items that are shown at first, and more with each wish for earlier ones.
const WINDOW: usize = 60;
/// Pixels from the end that still count as the end.
const NEAR: i32 = 48;

#[component]
pub fn Conversation(id: TaskId) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let own = StoredValue::new(id);
    let shown = RwSignal::new(WINDOW);
    let count = Memo::new(move |_| desk.journal(&own.get_value(), <[Item]>::len));
    let waiting = Memo::new(move |_| desk.read(|state| queued(state, &own.get_value())));
    // Not of each revision: what is said becomes longer or leaves the queue, or else it is what it was.
    let items = Memo::new(move |_| {
        count.track();
        let shown = shown.get();
        waiting
            .with(|waiting| untrack(|| desk.journal(&own.get_value(), |items| latest(items, waiting, shown))))
    });
    let unsent = Memo::new(move |_| desk.unsaid(&own.get_value()));
    let earlier = Memo::new(move |_| count.get() > shown.get());
    // It is the person's to do, and its turn has come.
    let theirs = Memo::new(move |_| {
        let yours = |_: &_, _: &_, row: &Row| row.status.reason == Reason::Yours;
        desk.look(&own.get_value(), yours) == Some(true)
    });
    let scroller = NodeRef::<html::Div>::new();
    let at_end = RwSignal::new(true);
    let unseen = RwSignal::new(0_usize);
    let to_end = move || {
        if let Some(scroller) = scroller.get_untracked() {
            scroller.set_scroll_top(scroller.scroll_height());
        }
        unseen.set(0);
        at_end.set(true);
    };
    follow_growth(scroller, at_end);
    Effect::new(move |before: Option<usize>| {
        let count = count.get();
        if !at_end.get_untracked() {
            unseen.update(|unseen| *unseen += count.saturating_sub(before.unwrap_or(count)));
        }
        count
    });
    Effect::new(move |_| {
        let Some(HitPlace::Entry { task, seq }) = desk.sought.get() else { return };
        let items = items.get();
        if task != own.get_value() || items.is_empty() {
            return;
        }
        if items[0].seq > seq && earlier.get() {
            shown.update(|shown| *shown += WINDOW);
            return;
        }
        desk.sought.set(None);
        // An entry that speaks in a window of its own has the nearest one before it shown.
        let nearest = items.iter().rev().find(|item| item.seq <= seq).map_or(seq, |item| item.seq);
        at_end.set(false);
        reveal(scroller, format!("[data-seq=\"{nearest}\"]"));
    });
    let scrolled = move || {
        if let Some(scroller) = scroller.get_untracked() {
            let rest = scroller.scroll_height() - scroller.scroll_top() - scroller.client_height();
            at_end.maybe_update(|at_end| std::mem::replace(at_end, rest < NEAR) != (rest < NEAR));
            if rest < NEAR {
                unseen.set(0);
            }
        }
    };
    view! {
        <div class="talk">
            <div class="scroll" role="log" aria-label="Conversation" tabindex="0" node_ref=scroller on:scroll=move |_| scrolled()>
                <div class="chat">
                    <Show when=move || earlier.get()>
                        <button class="button" data-kind="plain" data-size="sm" on:click=move |_| shown.update(|shown| *shown += WINDOW)>"Show what was before"</button>
                    </Show>
                    <Show when=move || items.read().is_empty() && unsent.read().is_empty()>
                        <div class="void">
                            <h3>"Nothing was said here yet"</h3>
                            <p>{move || desk.look(&own.get_value(), |state, task, row| empty_words(state, task, &row.status))}</p>
                        </div>
                    </Show>
                    <For each=move || numbered(items.get()) key=|(key, _)| key.clone() children=move |(_, item)| { let seq = item.seq.0; view! { <div class="said" data-seq=seq><ItemView id=own.get_value() item=item/></div> } }/>
                    <Unsent what=unsent/>
                </div>
            </div>
            <Show when=move || !at_end.get()>
                <button class="button fresh" data-size="sm" on:click=move |_| to_end()>
                    <Icon name="down"/>{move || match unseen.get() { 0 => "To the end".to_owned(), new => format!("{new} new") }}
                </button>
            </Show>
        </div>
        {move || if theirs.get() { view! { <HandIn id=own.get_value()/> }.into_any() } else { view! { <Composer id=own.get_value()/> }.into_any() }}
    }
}

/// Scrolls to what was looked for and marks it, when it has been drawn.
fn reveal(within: NodeRef<html::Div>, selector: String) {
    request_animation_frame(move || {
        let found = within
            .try_get_untracked()
            .flatten()
            .and_then(|node| node.query_selector(&selector).ok().flatten());
        if let Some(found) = found {
            found.scroll_into_view();
            let _ = found.set_attribute("data-sought", "");
        }
    });
}

/// The last `most` of what is shown: messages that wait stand above the composer instead; withdrawn ones are gone.
fn latest(items: &[Item], waiting: &[shared::id::MessageId], most: usize) -> Vec<Item> {
    let withdrawn = |item: &Item| match &item.what {
        What::Withdrawn(message) => Some(message.clone()),
        _ => None,
    };
    let gone: Vec<_> = items.iter().filter_map(withdrawn).collect();
    let stays = |item: &&Item| match &item.what {
        What::Said { message, .. } => !gone.contains(message) && !waiting.contains(message),
        What::Withdrawn(_) => false,
        _ => true,
    };
    let mut latest: Vec<Item> = items.iter().rev().filter(stays).take(most).cloned().collect();
    latest.reverse();
    latest
}

fn queued(state: &conductor::State, id: &TaskId) -> Vec<shared::id::MessageId> {
    state
        .task(id)
        .map(|task| task.queue.iter().map(|message| message.id.clone()).collect())
        .unwrap_or_default()
}

/// Each with a key that stays while the list grows.
fn numbered(items: Vec<Item>) -> Vec<(String, Item)> {
    let key = |item: &Item| match &item.what {
        What::Turn { run, .. } => run.to_string(),
        What::Said { message, .. } => message.to_string(),
        _ => item.seq.to_string(),
    };
    items.into_iter().map(|item| (key(&item), item)).collect()
}

fn empty_words(state: &conductor::State, task: &Task, status: &Status) -> String {
    let reason = crate::words::says(state, task, status, status.since);
    match status.reason {
        Reason::Begin => "This task is done together with you. Say how to begin.".to_owned(),
        _ => format!("{}: {reason}. What you write now is read when it begins.", status.kind.word()),
    }
}

/// Keeps the end in sight while content grows, if the person is at the end.
fn follow_growth(scroller: NodeRef<html::Div>, at_end: RwSignal<bool>) {
    use wasm_bindgen::JsCast;
    use wasm_bindgen::closure::Closure;
    Effect::new(move |_| {
        let Some(scroller) = scroller.get() else { return };
        let Some(content) = scroller.first_element_child() else { return };
        scroller.set_scroll_top(scroller.scroll_height());
        let grown = Closure::<dyn FnMut()>::new(move || {
            if at_end.try_get_untracked() == Some(true) {
                scroller.set_scroll_top(scroller.scroll_height());
            }
        });
        let Ok(observer) = web_sys::ResizeObserver::new(grown.as_ref().unchecked_ref()) else { return };
        observer.observe(&content);
        let kept = StoredValue::new_local((observer, grown));
        on_cleanup(move || {
            if let Some((observer, _)) = kept.try_update_value(|kept| (kept.0.clone(), ())) {
                observer.disconnect();
            }
        });
    });
}
