//! What agents may do at all: how many run, what is tried again, what is spent while nobody looks, and which model
//! does what.

use leptos::prelude::*;
use shared::limits::Limits;
use shared::quiet::Quiet;
use shared::retry::{Policy, Retry};
use shared::reviewer::Reviewer;
use shared::sizing::Sizing;
use shared::unit::{MicroUsd, Millis};

use super::models::ModelsTable;
use super::retry::PolicySelect;
use super::reviewer::ReviewerChoice;
use crate::component::dialog::Dialog;
use crate::component::flow::Show;
use crate::component::latest::Latest;
use crate::desk::Desk;
use crate::words;

const MINUTE: u64 = 60_000;

/// One of the bounds, as a number that a person writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bound {
    Parallel,
    Claude,
    Codex,
    Folder,
    Budget,
    Words,
    Attempts,
    Failures,
    Minutes,
    Unattended,
}

impl Bound {
    /// Its name, and what an empty field says; nothing where it must have a value.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Parallel => ("In all", ""),
            Self::Claude => ("Claude Code", "as many"),
            Self::Codex => ("Codex", "as many"),
            Self::Folder => ("In one folder", "as many"),
            Self::Budget => ("A task goes up to, in dollars", "no limit"),
            Self::Words => ("A turn is told up to, in KB", ""),
            Self::Attempts => ("Tries in all", ""),
            Self::Failures => ("Failures in a row", ""),
            Self::Minutes => ("Then left alone, minutes", ""),
            Self::Unattended => ("Spend at most, in dollars", "no limit"),
        }
    }

    fn text(self, limits: &Limits) -> String {
        let count = |count: Option<u32>| count.map(|count| count.to_string()).unwrap_or_default();
        let money = |sum: Option<MicroUsd>| sum.map(|sum| sum.to_string()).unwrap_or_default();
        match self {
            Self::Parallel => count(Some(limits.parallel)),
            Self::Claude => count(limits.each.claude),
            Self::Codex => count(limits.each.codex),
            Self::Folder => count(limits.per_folder),
            Self::Budget => money(limits.caps.budget),
            Self::Words => (limits.context_bytes / 1024).to_string(),
            Self::Attempts => count(Some(limits.retry.attempts)),
            Self::Failures => count(Some(limits.breaker.failures)),
            Self::Minutes => (limits.breaker.wait.0 / MINUTE).to_string(),
            Self::Unattended => money(limits.unattended),
        }
    }

    /// Takes what is written; what must have a value keeps the one that it has.
    fn set(self, mut limits: Limits, text: &str) -> Limits {
        let count = text.parse::<u32>().ok().filter(|count| *count > 0);
        let money = text.parse::<f64>().ok().and_then(MicroUsd::from_usd);
        match self {
            Self::Parallel => limits.parallel = count.unwrap_or(limits.parallel),
            Self::Claude => limits.each.claude = count,
            Self::Codex => limits.each.codex = count,
            Self::Folder => limits.per_folder = count,
            Self::Budget => limits.caps.budget = money,
            Self::Words => {
                let bytes = count.map(|count| count.clamp(8, 1024) as usize * 1024);
                limits.context_bytes = bytes.unwrap_or(limits.context_bytes);
            }
            Self::Attempts => limits.retry.attempts = count.unwrap_or(limits.retry.attempts),
            Self::Failures => limits.breaker.failures = count.unwrap_or(limits.breaker.failures),
            Self::Minutes => {
                let minutes = count.map(|count| Millis(u64::from(count) * MINUTE));
                limits.breaker.wait = minutes.unwrap_or(limits.breaker.wait);
            }
            Self::Unattended => limits.unattended = money,
        }
        limits
    }
}

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
                <fieldset><legend>"Agents at the same time"</legend>
                    <Bounds book=book bounds=&[Bound::Parallel, Bound::Claude, Bound::Codex, Bound::Folder]/>
                </fieldset>
                <fieldset><legend>"Each task, unless it says otherwise"</legend>
                    <div class="caps">
                        <BoundField book=book bound=Bound::Budget/>
                        <label class="field"><span>"When it fails"</span><UsualPolicy book=book/></label>
                        <BoundField book=book bound=Bound::Attempts/>
                        <BoundField book=book bound=Bound::Words/>
                    </div>
                    <UsualReviewer book=book/>
                    <Switch book=book of=|limits| &mut limits.reuse
                        name="Where words, agent and folder are those of a task that is done and changed nothing, its result is used again"/>
                </fieldset>
                <fieldset><legend>"An agent that fails whatever it is given"</legend>
                    <Bounds book=book bounds=&[Bound::Failures, Bound::Minutes]/>
                    <Switch book=book of=|limits| &mut limits.alternate
                        name="What one agent fails again and again may be done by the other, if that one is installed"/>
                </fieldset>
                <fieldset><legend>"While you do nothing"</legend>
                    <div class="caps"><BoundField book=book bound=Bound::Unattended/><QuietFields book=book/></div>
                    <p class="hint">"At that sum nothing new begins until you do anything here. In quiet hours nothing that was cut short goes on by itself."</p>
                </fieldset>
                <ModelsTable/>
                <SizesField book=book/>
            </div>
        </Dialog>
    }
}

#[component]
fn Bounds(book: Book, bounds: &'static [Bound]) -> impl IntoView {
    let fields = bounds.iter().map(|bound| view! { <BoundField book=book bound=*bound/> });
    view! { <div class="caps">{fields.collect_view()}</div> }
}

#[component]
fn BoundField(book: Book, bound: Bound) -> impl IntoView {
    let (name, empty) = bound.words();
    // Of its own: what is being typed must not be lost when another field's change comes back.
    let text = Memo::new(move |_| book.known.with(|limits| bound.text(limits)));
    let money = matches!(bound, Bound::Budget | Bound::Unattended);
    view! {
        <label class="field">
            <span>{name}</span>
            <input class="input" type="number" min=if money { "0" } else { "1" } step=if money { "any" } else { "1" }
                required=empty.is_empty() placeholder=empty prop:value=move || text.get()
                on:change:target=move |event| {
                    let written = event.target().value();
                    book.change(|limits| bound.set(limits, &written));
                    event.target().set_value(&bound.text(&book.known.get_untracked()));
                }/>
        </label>
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

/// From and to by the clock of this device, which the setting keeps as minutes from UTC.
#[component]
fn QuietFields(book: Book) -> impl IntoView {
    let quiet = Memo::new(move |_| book.known.with(|limits| limits.quiet));
    #[expect(clippy::cast_possible_truncation, reason = "minutes within a day")]
    let here = -js_sys::Date::new_0().get_timezone_offset() as i32;
    let set = move |from: Option<u16>, to: Option<u16>| {
        book.change(|limits| {
            let known = limits.quiet.unwrap_or(Quiet { from: 22 * 60, to: 7 * 60, offset: here });
            let quiet = Quiet { from: from.unwrap_or(known.from), to: to.unwrap_or(known.to), offset: here };
            Limits { quiet: Some(quiet), ..limits }
        });
    };
    let field = move |name: &'static str, of: fn(&Quiet) -> u16, set: Callback<Option<u16>>| {
        let text = Memo::new(move |_| quiet.get().map(|quiet| time(of(&quiet))).unwrap_or_default());
        view! {
            <label class="field"><span>{name}</span>
                <input class="input" type="time" prop:value=move || text.get()
                    on:change:target=move |event| set.run(minutes(&event.target().value()))/>
            </label>
        }
    };
    let elsewhere = move || quiet.get().is_some_and(|quiet| quiet.offset != here);
    let clear = move || book.change(|limits| Limits { quiet: None, ..limits });
    view! {
        {field("Quiet from", |quiet| quiet.from, Callback::new(move |at: Option<u16>| if at.is_some() { set(at, None) } else { clear() }))}
        {field("Quiet until", |quiet| quiet.to, Callback::new(move |at: Option<u16>| if at.is_some() { set(None, at) } else { clear() }))}
        <Show when=move || quiet.get().is_some()>
            <button class="button" data-size="sm" on:click=move |_| clear()>"No quiet hours"</button>
        </Show>
        <Show when=elsewhere>
            <p class="hint">"These hours count by another clock than this device's. "
                <button class="button" data-size="sm" on:click=move |_| set(None, None)>"Use this one"</button>
            </p>
        </Show>
    }
}

/// "22:00".
fn time(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

fn minutes(time: &str) -> Option<u16> {
    let (hours, minutes) = time.split_once(':')?;
    let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.get(..2)?.parse().ok()?);
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}
