//! What waits for the person, as a list that one key opens: each with what, why, since when, what happens if nobody does
//! anything, and what to do about it. It comes only when it is called for, and takes nobody's focus.

use conductor::inbox::{Ask, Request};
use conductor::status::Kind;
use leptos::prelude::*;
use shared::id::TaskId;

use super::notices::{Notices, NoticesChoice};
use super::work::is_typing;
use crate::component::dialog::{self, Dialog};
use crate::component::flow::{For, Show};
use crate::component::icon::Icon;
use crate::component::rove::rove;
use crate::desk::Desk;
use crate::place::Here;
use crate::tree::keys;
use crate::words;

const ROWS: &str = ".inbox .request";

/// A request as it is shown.
#[derive(Debug, Clone, PartialEq)]
struct Card {
    goal: TaskId,
    task: TaskId,
    kind: Kind,
    ask: Ask,
    name: String,
    /// The goal that it is a part of.
    of: String,
    why: String,
    since: shared::unit::Millis,
    remedy: Option<&'static str>,
    /// Answers that are proposed.
    options: Vec<String>,
}

impl Card {
    fn of(state: &conductor::State, request: &Request) -> Option<Self> {
        let task = state.task(&request.task)?;
        let goal = state.task(&request.goal).filter(|goal| goal.id != task.id);
        Some(Self {
            goal: request.goal.clone(),
            task: request.task.clone(),
            kind: request.status.kind,
            ask: request.ask,
            name: conductor::plan::name(task),
            of: goal.map(|goal| goal.title.clone()).unwrap_or_default(),
            why: request.why(state, request.status.since),
            since: request.status.since,
            remedy: request.remedy(),
            options: request.options(state).to_vec(),
        })
    }
}

#[component]
pub fn InboxButton() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let open = RwSignal::new(false);
    let notices = Notices::open(desk, expect_context());
    let count = move || desk.inbox.read().len();
    let listened = window_event_listener(leptos::ev::keydown, move |event| {
        let plain = !event.ctrl_key() && !event.meta_key() && !event.alt_key() && !is_typing(&event);
        match event.key().as_str() {
            "i" if plain && !dialog::is_open() => open.set(true),
            "ArrowDown" if open.get_untracked() => rove(ROWS, 1),
            "ArrowUp" if open.get_untracked() => rove(ROWS, -1),
            _ => return,
        }
        event.prevent_default();
    });
    on_cleanup(move || listened.remove());
    Effect::new(move |_| {
        if open.get() {
            request_animation_frame(|| rove(ROWS, 1));
        }
    });
    view! {
        <button class="fact" aria-keyshortcuts="i" title="What waits for you (I)" on:click=move |_| open.set(true)>
            <Icon name="inbox"/>
            <span>"Waiting"</span>
            <Show when=move || count() != 0><span class="count">{count}</span></Show>
            <span class="sr">" for you"</span>
        </button>
        <Dialog open=open title="Waiting for you"><Inbox open=open notices=notices/></Dialog>
    }
}

#[component]
fn Inbox(open: RwSignal<bool>, notices: Notices) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let cards: Memo<Vec<Card>> = Memo::new(move |_| {
        let all = desk.inbox.get();
        desk.read(|state| all.iter().filter_map(|request| Card::of(state, request)).collect())
    });
    view! {
        <div class="body settings inbox">
            <Show when=move || !desk.loaded.get()>
                <p class="meta" aria-busy="true">"Reading the log"</p>
            </Show>
            <Show when=move || desk.loaded.get() && cards.read().is_empty()>
                <div class="void">
                    <h3>"Nothing waits for you"</h3>
                    <p>"Questions, plans to approve, budgets that are used up and failures that only you can help with come here."</p>
                </div>
            </Show>
            <ul>
                <For each=move || cards.get() key=|card| format!("{card:?}") children=move |card| view! { <Row card=card open=open/> }/>
            </ul>
        </div>
        <footer class="meta">
            <NoticesChoice notices=notices/>
            <span class="push wide-only"><kbd class="key">"↑"</kbd><kbd class="key">"↓"</kbd>" choose"</span>
            <span class="wide-only"><kbd class="key">"Enter"</kbd>" open"</span>
        </footer>
    }
}

#[component]
fn Row(card: Card, open: RwSignal<bool>) -> impl IntoView {
    let (desk, here) = (expect_context::<Desk>(), expect_context::<Here>());
    let Card { goal, task, kind, ask, name, of, why, since, remedy, options } = card;
    let (token, own) = (kind.token(), task.clone());
    let follow = move |_| {
        open.set(false);
        here.go(Some(goal.clone()), Some(task.clone()));
        let (task, writes) = (task.clone(), matches!(ask, Ask::Answer | Ask::Write | Ask::Begin | Ask::Mend));
        // Behind the dialog, which gives the focus back where it was.
        request_animation_frame(
            move || if writes { keys::focus_composer() } else { keys::focus_node(&task) },
        );
    };
    // What needs no look at the task first.
    let act: Option<fn(Desk, &TaskId)> = match ask {
        Ask::Help | Ask::Unblock => Some(|desk, task| desk.retry(task)),
        Ask::GoOn => Some(|desk, task| desk.resume(task)),
        Ask::Answer
        | Ask::Permit
        | Ask::Write
        | Ask::Begin
        | Ask::Do
        | Ask::Approve
        | Ask::Add
        | Ask::Mend
        | Ask::Raise
        | Ask::Look => None,
    };
    let opened = act.is_none().then(|| ask.action());
    let waits = move || words::span(desk.clock.get().since(since));
    view! {
        <li data-status=token>
            <button class="request" on:click=follow>
                <span class="glyph"><Icon name=token/></span>
                <span class="meta clip">{name}<span class="sr">", "{kind.word()}</span>{(!of.is_empty()).then(|| format!(" · {of}"))}</span>
                <span class="meta" title=words::moment(since) aria-hidden="true">{waits}</span>
                <b>{why}</b>
                <span class="meta">{opened}</span>
                <span class="hint">{remedy.map(|remedy| format!("{remedy} "))}{format!("If ignored: {}.", ask.ignored())}</span>
            </button>
            {(!options.is_empty()).then(|| {
                let task = own.clone();
                view! {
                    <div class="row" role="group" aria-label="Proposed answers">{options.into_iter().map(|option| {
                        let (task, said) = (task.clone(), option.clone());
                        view! { <button class="button" data-size="sm" title="Answer so" on:click=move |_| desk.send(&task, said.clone())>{option}</button> }
                    }).collect_view()}</div>
                }
            })}
            {act.map(|act| view! {
                <button class="button" data-size="sm" on:click=move |_| act(desk, &own)>{ask.action()}</button>
            })}
        </li>
    }
}
