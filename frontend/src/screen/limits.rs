//! What agents may do at all: how many run, what is tried again, what is spent while nobody looks, and which model
//! does what. Every bound that is a number comes from the table that terminal and REST API have it from.

use leptos::html;
use leptos::prelude::*;
use shared::limits::{Bound, Group, Limits, Unbounded};
use shared::retry::{Policy, Retry};
use shared::reviewer::Reviewer;
use shared::sizing::Sizing;

use self::quiet::QuietFields;
use super::models::ModelsTable;
use super::retry::PolicySelect;
use super::reviewer::ReviewerChoice;
use crate::component::dialog::Dialog;
use crate::component::flow::Show;
use crate::component::icon::Icon;
use crate::component::latest::Latest;
use crate::desk::Desk;
use crate::words;

mod quiet;

/// What the fields share: the limits as they are known, and the way to change them.
#[derive(Clone, Copy)]
struct Book {
    known: Memo<Limits>,
    set: Callback<Limits>,
    latest: Latest<Limits>,
}

impl Book {
    fn change(self, change: impl FnOnce(Limits) -> Limits) {
        self.set.run(self.latest.change(change));
    }

    /// Sets a bound as it was written; nothing is changed where that cannot be.
    fn write(self, bound: &Bound, text: &str) -> Result<(), Unbounded> {
        let value = bound.read(if text.is_empty() { "none" } else { text })?;
        let mut limits = self.latest.now();
        bound.set(&mut limits, value)?;
        limits.check()?;
        self.change(|_| limits);
        Ok(())
    }
}

#[component]
pub fn LimitsDialog(open: RwSignal<bool>) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let known = Memo::new(move |_| desk.read(|state| state.limits.clone()));
    let set = Callback::new(move |limits| desk.set_limits(limits));
    let book = Book { known, set, latest: Latest::of(known) };
    view! {
        <Dialog open=open title="Limits and models">
            <div class="body settings">
                {group(book, Group::Agents, ().into_any())}
                {group(book, Group::Task, view! {
                    <UsualReviewer book=book/>
                    <Switch book=book of=|limits| &mut limits.reuse
                        name="Where words, agent and folder are those of a task that is done and changed nothing, its result is used again"/>
                }.into_any())}
                {group(book, Group::Failure, view! {
                    <label class="field"><span>"When it fails"</span><UsualPolicy book=book/></label>
                    <Switch book=book of=|limits| &mut limits.alternate
                        name="What one agent fails again and again may be done by the other, if that one is installed"/>
                }.into_any())}
                {group(book, Group::Away, view! {
                    <div class="caps"><QuietFields book=book/></div>
                    <p class="hint">"At that sum nothing new begins until you do anything here. In quiet hours nothing that was cut short goes on by itself."</p>
                }.into_any())}
                {group(book, Group::Plans, ().into_any())}
                {group(book, Group::Programs, ().into_any())}
                {group(book, Group::Warnings, ().into_any())}
                <ModelsTable/>
                <SizesField book=book/>
            </div>
        </Dialog>
    }
}

/// Bounds that belong together, and what else is chosen there; folded but for the first.
fn group(book: Book, group: Group, more: AnyView) -> AnyView {
    let usual = Limits::default();
    let changed = move || {
        let changed = book
            .known
            .with(|limits| group.bounds().filter(|bound| bound.get(limits) != bound.get(&usual)).count());
        (changed > 0).then(|| format!("{changed} changed"))
    };
    let fields = group.bounds().map(|bound| field(book, bound)).collect_view();
    view! {
        <details class="group" open=group == Group::Agents>
            <summary><Icon name="right"/><span>{group.words()}</span><span class="meta push">{changed}</span></summary>
            <div class="stack">{fields}{more}</div>
        </details>
    }
    .into_any()
}

/// One bound: its words, its range, and the way back to what it usually is.
fn field(book: Book, bound: &'static Bound) -> AnyView {
    // Of its own: what is being typed must not be lost when another field's change comes back.
    let value = Memo::new(move |_| book.known.with(|limits| bound.get(limits)));
    let usual = bound.get(&Limits::default());
    let text = |value: Option<u64>| value.map(|value| bound.unit.text(value)).unwrap_or_default();
    let problem = RwSignal::new(None::<String>);
    let node = NodeRef::<html::Input>::new();
    let write = move |written: &str| {
        let done = book.write(bound, written);
        // Also where what is known stays the same: what is written may differ from it.
        if let (Ok(()), Some(input)) = (&done, node.get_untracked()) {
            input.set_value(&text(bound.get(&book.latest.now())));
        }
        problem.set(done.err().map(|error| wrong(&error)));
    };
    let hint = format!("about-{}", bound.name);
    view! {
        <div class="bound">
            <label for=bound.name>{bound.words}</label>
            <input class="input" id=bound.name aria-describedby=hint.clone() placeholder="none" node_ref=node
                aria-invalid=move || problem.read().is_some().to_string()
                prop:value=move || text(value.get())
                on:change:target=move |event| write(event.target().value().trim())/>
            <span class="hint" id=hint role="status" data-state=move || problem.read().is_some().then_some("error")>
                {move || problem.get().unwrap_or_else(|| bound.range())}
            </span>
            <Show when=move || value.get() != usual || problem.read().is_some()>
                <button class="button" data-kind="plain" data-size="sm" on:click=move |_| write(&text(usual))>
                    "Back to "{if usual.is_some() { text(usual) } else { "none".to_owned() }}<span class="sr">", "{bound.words}</span>
                </button>
            </Show>
        </div>
    }
    .into_any()
}

/// Why what was written is not taken, beside its field.
fn wrong(error: &Unbounded) -> String {
    match error {
        Unbounded::Fixed { range, .. } => format!("It cannot be lifted; it goes from {range}."),
        Unbounded::Range { range, .. } => format!("It goes from {range}."),
        Unbounded::NoPlan => "A plan would have more tasks at least than at most.".to_owned(),
        Unbounded::Unread { .. } => format!("{error}."),
    }
}

#[component]
fn UsualPolicy(book: Book) -> impl IntoView {
    let chosen = Memo::new(move |_| Some(book.known.with(|limits| limits.retry.policy)));
    let pick = Callback::new(move |policy: Option<Policy>| {
        let policy = policy.unwrap_or_default();
        book.change(|limits| Limits { retry: Retry { policy, ..limits.retry }, ..limits });
    });
    view! { <PolicySelect chosen=chosen usual=None pick=pick/> }
}

#[component]
fn UsualReviewer(book: Book) -> impl IntoView {
    let known = Memo::new(move |_| {
        Some(book.known.with(|limits| limits.reviewer.clone())).filter(|it| !it.is_auto())
    });
    let set = Callback::new(move |reviewer: Option<Reviewer>| {
        book.change(|limits| Limits { reviewer: reviewer.unwrap_or_default(), ..limits });
    });
    view! { <ReviewerChoice known=known set=set above=None/> }
}

/// Something that is allowed, or not.
#[component]
fn Switch(book: Book, of: fn(&mut Limits) -> &mut bool, name: &'static str) -> impl IntoView {
    let on = Memo::new(move |_| *of(&mut book.known.get()));
    view! {
        <label class="row">
            <input type="checkbox" prop:checked=move || on.get()
                on:change:target=move |event| {
                    let checked = event.target().checked();
                    book.change(|mut limits| { *of(&mut limits) = checked; limits });
                }/>
            <span>{name}</span>
        </label>
    }
}

/// Who says how hard a task is that nobody gave a size.
#[component]
fn SizesField(book: Book) -> impl IntoView {
    const LABEL: &str = "The size of a task that nobody gave one";
    const ALL: [Sizing; 3] = [Sizing::Ask, Sizing::Rule, Sizing::Off];
    let chosen = Memo::new(move |_| book.known.with(|limits| limits.sizing));
    let pick = move |name: String| {
        if let Some(sizing) = ALL.into_iter().find(|sizing| words::sizes(*sizing) == name) {
            book.change(|limits| Limits { sizing, ..limits });
        }
    };
    view! {
        <label class="field">
            <span>{LABEL}</span>
            <select class="input" aria-label=LABEL on:change=move |event| pick(event_target_value(&event))>
                {ALL.map(|sizing| view! { <option selected=move || chosen.get() == sizing>{words::sizes(sizing)}</option> }).collect_view()}
            </select>
        </label>
    }
}
