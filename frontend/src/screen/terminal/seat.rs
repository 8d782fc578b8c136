//! The place at a terminal: its screen, and the keyboard while the person is there. Ctrl ] gives the keyboard back.

use std::collections::VecDeque;

use gloo_timers::callback::Timeout;
use leptos::html;
use leptos::prelude::*;
use shared::api::{Redrawn, Span};
use shared::id::{RunId, TaskId};
use shared::run::Window;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;

use super::keys::{Key, bytes, control, pasted};
use crate::component::copy::copy;
use crate::component::flow::For;
use crate::component::icon::Icon;
use crate::desk::Desk;

/// Milliseconds for which a pane keeps its size before the terminal gets it.
const SETTLED: u32 = 200;
/// Letters of the probe that measures one.
const PROBE: &str = "MMMMMMMMMM";
/// Rows that are kept of what was scrolled away.
const KEPT: usize = 2_000;
/// Keys that a phone has not, as a terminal names them.
const KEYS: [(&str, &str); 6] = [
    ("Esc", "Escape"),
    ("Tab", "Tab"),
    ("\u{2191}", "ArrowUp"),
    ("\u{2193}", "ArrowDown"),
    ("\u{2190}", "ArrowLeft"),
    ("\u{2192}", "ArrowRight"),
];

/// The picture so far: everything but the rows, these, and what was scrolled away above them.
#[derive(Debug, Clone, Default, PartialEq)]
struct Picture {
    frame: Option<Redrawn>,
    rows: Vec<Vec<Span>>,
    above: VecDeque<Vec<Span>>,
    /// How many of those above are no longer kept.
    gone: usize,
}

impl Picture {
    fn take(&mut self, mut told: Redrawn) {
        if told.anew {
            self.gone += self.above.len();
            self.above.clear();
        }
        self.above.extend(std::mem::take(&mut told.above));
        let more = self.above.len().saturating_sub(KEPT);
        self.above.drain(..more);
        self.gone += more;
        self.rows.resize(usize::from(told.window.rows), Vec::new());
        for drawn in told.rows.drain(..) {
            if let Some(row) = self.rows.get_mut(usize::from(drawn.row)) {
                *row = drawn.spans;
            }
        }
        self.frame = Some(told);
    }

    fn text(&self) -> String {
        let row = |spans: &Vec<Span>| spans.iter().map(|span| span.text.as_str()).collect::<String>();
        self.rows.iter().map(row).collect::<Vec<_>>().join("\n").trim_end().to_owned()
    }
}

#[component]
pub fn Seat(desk: Desk, task: TaskId, run: RunId, open: Signal<bool>) -> impl IntoView {
    let own = StoredValue::new((task, run.clone()));
    let picture = RwSignal::new(Picture::default());
    follow(&run, picture);
    let (screen, probe, hand) =
        (NodeRef::<html::Div>::new(), NodeRef::<html::Span>::new(), NodeRef::<html::Textarea>::new());
    let fits = move || window_of(screen.get_untracked()?.as_ref(), probe.get_untracked()?.as_ref());
    follow_size(screen, move || {
        if let Some(window) = fits().filter(|_| open.get_untracked()) {
            own.with_value(|(task, run)| desk.resize_terminal(task, run, window));
        }
    });
    let ctrl = RwSignal::new(false);
    let send = move |text: String| {
        if open.get_untracked() && !text.is_empty() {
            own.with_value(|(task, run)| desk.type_there(task, run, text, fits()));
        }
    };
    let mode = move |of: fn(&Redrawn) -> bool| picture.with_untracked(|it| it.frame.as_ref().is_some_and(of));
    let press = move |key: Key<'_>| {
        let sent = bytes(key, mode(|frame| frame.application));
        let is_key = sent.is_some();
        sent.into_iter().for_each(send);
        is_key
    };
    let focus = move || drop(hand.get_untracked().map(|hand| hand.focus()));
    let leave = move || drop(screen.get_untracked().map(|screen| screen.focus()));
    let keydown = move |event: web_sys::KeyboardEvent| {
        // None of it is for the page.
        event.stop_propagation();
        let (name, ctrl) = (event.key(), event.ctrl_key());
        if ctrl && name == "]" {
            event.prevent_default();
            return leave();
        }
        // Copying and pasting are the browser's, and so is what is being composed.
        let copies = ctrl && (name == "v" || event.shift_key() || (name == "c" && has_selection()));
        if event.meta_key() || event.is_composing() || copies {
            return;
        }
        if press(Key { name: &name, ctrl, alt: event.alt_key(), shift: event.shift_key() }) {
            event.prevent_default();
        }
    };
    let typed = move |event: web_sys::Event| {
        let Some(hand) = hand.get_untracked() else { return };
        if event.unchecked_ref::<web_sys::InputEvent>().is_composing() {
            return;
        }
        let text = hand.value();
        hand.set_value("");
        let held = ctrl.try_update(std::mem::take).unwrap_or_default();
        let first = text.chars().next().filter(|_| held).and_then(control);
        send(first.map_or_else(
            || pasted(&text, text.chars().count() > 1 && mode(|frame| frame.bracketed)),
            String::from,
        ));
    };
    let count = Memo::new(move |_| picture.read().rows.len());
    let above = Memo::new(move |_| picture.with(|it| (it.gone, it.gone + it.above.len())));
    let cursor = Memo::new(move |_| {
        let picture = picture.read();
        picture.frame.as_ref().filter(|frame| open.get() && !frame.hidden).map(|frame| (frame.row, frame.col))
    });
    let top = move || cursor.get().map(|(row, _)| format!("{row}lh"));
    let left = move || cursor.get().map(|(_, col)| format!("{col}ch"));
    view! {
        <div class="screen" role="group" aria-label="Screen of the terminal" tabindex="0" node_ref=screen
            on:click=move |_| if open.get_untracked() && !has_selection() { focus() }
            on:keydown=move |event: web_sys::KeyboardEvent| if event.key() == "Enter" && event.target() == event.current_target() { event.prevent_default(); focus(); }>
            <span class="probe" aria-hidden="true" node_ref=probe>{PROBE}</span>
            <div class="sheet">
            <div class="above">
                <For each=move || above.get().0..above.get().1 key=|row| row.to_string() children=move |row| {
                    let spans = picture.with_untracked(|it| it.above.get(row.checked_sub(it.gone)?).cloned());
                    view! { <div>{drawn(spans.unwrap_or_default())}</div> }
                }/>
            </div>
            <div class="rows">
                <For each=move || 0..count.get() key=|row| row.to_string() children=move |row| {
                    let spans = Memo::new(move |_| picture.with(|it| it.rows.get(row).cloned().unwrap_or_default()));
                    view! { <div>{move || drawn(spans.get())}</div> }
                }/>
                <i class="caret" hidden=move || cursor.get().is_none() style:top=top style:left=left></i>
                <textarea class="hand" node_ref=hand style:top=top style:left=left aria-label="Type into the terminal; Control and ] give the keyboard back" autocapitalize="off" autocomplete="off" spellcheck="false"
                    disabled=move || !open.get()
                    on:keydown=keydown on:input=typed></textarea>
            </div>
            </div>
        </div>
        <div class="row keys">
            {move || open.get().then(|| view! {
                <span class="touch">
                    <button class="button" data-size="sm" aria-pressed=move || ctrl.get().to_string() on:click=move |_| { ctrl.update(|held| *held = !*held); focus() }>"Ctrl"</button>
                    {KEYS.map(|(label, name)| view! {
                        <button class="button" data-size="sm" aria-label=name on:click=move |_| { press(Key { name, ..Key::default() }); focus() }>{label}</button>
                    })}
                </span>
                <span class="meta wide-only"><kbd class="key">"Enter"</kbd>" types here, "<kbd class="key">"Ctrl ]"</kbd>" gives the keyboard back"</span>
            })}
            <button class="button push" data-kind="plain" data-size="sm" on:click=move |_| copy(desk, "what stands there", picture.with_untracked(Picture::text))><Icon name="copy"/>"Copy"</button>
        </div>
    }
}

fn drawn(spans: Vec<Span>) -> AnyView {
    spans.into_iter().map(|span| view! { <span class=span.look>{span.text}</span> }).collect_view().into_any()
}

/// Takes what the bridge tells of the run's terminal, for as long as it is looked at. A connection that breaks comes again by
/// itself, and begins with all of it.
fn follow(run: &RunId, picture: RwSignal<Picture>) {
    let Ok(source) = web_sys::EventSource::new(&format!("/api/runs/{run}/terminal")) else { return };
    let told = Closure::<dyn FnMut(web_sys::MessageEvent)>::new(move |event: web_sys::MessageEvent| {
        let redrawn = event.data().as_string().and_then(|text| serde_json::from_str::<Redrawn>(&text).ok());
        if let Some(redrawn) = redrawn {
            picture.try_update(|picture| picture.take(redrawn));
        }
    });
    source.set_onmessage(Some(told.as_ref().unchecked_ref()));
    let kept = StoredValue::new_local((source, told));
    on_cleanup(move || {
        let _ = kept.try_with_value(|kept| kept.0.close());
    });
}

/// Calls back when the pane has had another size for a moment.
fn follow_size(screen: NodeRef<html::Div>, settled: impl Fn() + Copy + 'static) {
    Effect::new(move |_| {
        let Some(screen) = screen.get() else { return };
        let mut waits: Option<Timeout> = None;
        let resized = Closure::<dyn FnMut()>::new(move || {
            waits.replace(Timeout::new(SETTLED, settled));
        });
        let Ok(observer) = web_sys::ResizeObserver::new(resized.as_ref().unchecked_ref()) else { return };
        observer.observe(&screen);
        let kept = StoredValue::new_local((observer, resized));
        on_cleanup(move || {
            let _ = kept.try_with_value(|kept| kept.0.disconnect());
        });
    });
}

/// How many rows and columns have room.
fn window_of(screen: &web_sys::HtmlElement, probe: &web_sys::HtmlElement) -> Option<Window> {
    let letter = probe.get_bounding_client_rect();
    let (width, height) = (letter.width() / 10.0, letter.height());
    let room = |pixels: i32, each: f64| f64::from(pixels) / each;
    let (rows, cols) = (room(screen.client_height(), height), room(screen.client_width(), width));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float's cast keeps within bounds"
    )]
    let window = Window { rows: rows as u16, cols: cols as u16 };
    (width > 0.0 && height > 0.0 && window.rows > 1).then(|| window.bounded())
}

fn has_selection() -> bool {
    window().get_selection().ok().flatten().is_some_and(|selection| !selection.is_collapsed())
}
