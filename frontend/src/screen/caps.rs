//! How far a task may go: the fields in its details, and what is asked when it has come to one of its caps.

use conductor::budget::{Cap, Envelope, caps, envelope};
use conductor::state::Task;
use conductor::status::Reason;
use leptos::prelude::*;
use shared::id::TaskId;
use shared::limits::{Caps, Stage, StageCaps};
use shared::plan::PlanEdit;
use shared::unit::{MicroUsd, Millis};

use crate::component::envelope::Meter;
use crate::component::flow::Show;
use crate::component::icon::Icon;
use crate::component::latest::Latest;
use crate::desk::Desk;
use crate::tree::view::Tree;
use crate::words;

const MINUTE: u64 = 60_000;

/// One of the caps, as a number that a person writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Budget,
    Turns,
    Minutes,
    Tokens,
}

impl Field {
    const ALL: [Self; 4] = [Self::Budget, Self::Turns, Self::Minutes, Self::Tokens];

    fn name(self) -> &'static str {
        match self {
            Self::Budget => "Budget, in dollars",
            Self::Turns => "Requests",
            Self::Minutes => "Minutes",
            Self::Tokens => "Tokens",
        }
    }

    fn step(self) -> &'static str {
        if self == Self::Budget { "any" } else { "1" }
    }

    fn text(self, caps: &StageCaps) -> Option<String> {
        match self {
            Self::Budget => caps.budget.map(|budget| budget.to_string()),
            Self::Turns => caps.turns.map(|turns| turns.to_string()),
            Self::Minutes => caps.time.map(|time| (time.0 / MINUTE).to_string()),
            Self::Tokens => caps.tokens.map(|tokens| tokens.to_string()),
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a cast of a float saturates"
    )]
    fn set(self, mut caps: StageCaps, value: Option<f64>) -> StageCaps {
        match self {
            Self::Budget => caps.budget = value.and_then(MicroUsd::from_usd),
            Self::Turns => caps.turns = value.map(|turns| turns as u32),
            Self::Minutes => caps.time = value.map(|minutes| Millis((minutes as u64).saturating_mul(MINUTE))),
            Self::Tokens => caps.tokens = value.map(|tokens| tokens as u64),
        }
        caps
    }

    /// The same of one stage, or of the task in whole.
    fn change(self, caps: Caps, stage: Option<Stage>, value: Option<f64>) -> Caps {
        caps.with(stage, self.set(caps.of(stage), value))
    }
}

/// The field of a cap that is used up, and what is proposed for it: twice as much.
fn more(cap: Cap) -> (Field, String) {
    match cap {
        Cap::Budget(sum) => (Field::Budget, (sum + sum).to_string()),
        Cap::Turns(turns) => (Field::Turns, turns.saturating_mul(2).to_string()),
        Cap::Time(time) => (Field::Minutes, (time.0 / MINUTE).max(1).saturating_mul(2).to_string()),
        Cap::Tokens(tokens) => (Field::Tokens, tokens.saturating_mul(2).to_string()),
    }
}

/// What the field holds; nothing where it is empty.
///
/// # Errors
/// Why that can be no cap.
fn read(field: Field, input: &web_sys::HtmlInputElement) -> Result<Option<f64>, String> {
    let value = Some(input.value_as_number()).filter(|number| number.is_finite());
    match value {
        _ if !input.check_validity() => Err(input.validation_message().unwrap_or_default()),
        Some(0.0) => Err("At 0 nothing could begin. Leave it empty for no limit.".to_owned()),
        Some(value) if field == Field::Budget && MicroUsd::from_usd(value).is_none() => {
            Err("No budget is that high. Leave it empty for no limit.".to_owned())
        }
        value => Ok(value),
    }
}

/// What a person wrote into a field of a cap; nothing of an empty one. What can be no cap is told, and the field has again
/// what it had.
fn amount(desk: Desk, field: Field, input: &web_sys::HtmlInputElement, had: &str) -> Option<Option<f64>> {
    let problem = match read(field, input) {
        Ok(value) => return Some(value),
        Err(problem) => problem,
    };
    desk.say(problem, false);
    input.set_value(had);
    None
}

/// The caps of one task: as the person set them, and as they hold.
fn own(state: &conductor::State, id: &TaskId) -> Option<(Caps, Caps)> {
    let task = state.task(id)?;
    Some((task.caps, caps(state, task)))
}

/// ", of which about $0.42 is used".
fn so_far(account: Envelope) -> String {
    match account.running {
        MicroUsd(0) => String::new(),
        running => format!(", of which about {} is used", words::dollars(running)),
    }
}

/// The fields of a task's caps; empty means the general one, or none.
#[component]
pub fn CapFields(tree: Tree, own_id: StoredValue<TaskId>) -> impl IntoView {
    let known =
        Memo::new(move |_| tree.desk.read(|state| own(state, &own_id.get_value())).unwrap_or_default());
    let latest = Latest::of(Memo::new(move |_| known.get().0));
    let account =
        Signal::derive(move || tree.desk.read(|state| envelope(state, state.task(&own_id.get_value())?)));
    let row = move |stage: Option<Stage>| {
        let fields = Field::ALL.map(|field| view! { <CapField tree=tree own=own_id known=known latest=latest stage=stage field=field/> });
        view! { <div class="caps">{fields.collect_view()}</div> }
    };
    // What says something is not hidden.
    let says =
        known.with_untracked(|(own, _)| Stage::ALL.iter().any(|stage| !own.of(Some(*stage)).is_none()));
    let staged = RwSignal::new(says);
    let goal = tree.desk.peek(|state| state.task(&own_id.get_value()).is_some_and(Task::is_goal));
    view! {
        <div class="field">
            <span>"Goes on by itself up to"</span>
            {row(None)}
            <Meter envelope=account/>
            {(!goal).then(|| view! {
                <span><button class="button" data-kind="plain" data-size="sm" aria-expanded=move || staged.get().to_string() on:click=move |_| staged.update(|open| *open = !*open)>"Its reviews and repairs alone"</button></span>
                <Show when=move || staged.get()>
                    <fieldset class="field"><legend>"Reviews"</legend>{row(Some(Stage::Review))}</fieldset>
                    <fieldset class="field"><legend>"Repairs"</legend>{row(Some(Stage::Repair))}</fieldset>
                </Show>
            })}
            <Show when=move || account.get().is_some()>
                <span class="hint">{move || account.get().map(|account| format!(
                    "{} spent, {} held by what runs{}, {} free. At the budget it pauses and asks.",
                    words::dollars(account.spent), words::dollars(account.held), so_far(account), words::dollars(account.free()),
                ))}</span>
            </Show>
        </div>
    }
}

/// One of them.
#[component]
fn CapField(
    tree: Tree,
    own: StoredValue<TaskId>,
    known: Memo<(Caps, Caps)>,
    latest: Latest<Caps>,
    stage: Option<Stage>,
    field: Field,
) -> impl IntoView {
    // Of its own: what is being typed must not be lost when another field's edit comes back.
    let text = Memo::new(move |_| known.with(|(own, _)| field.text(&own.of(stage))).unwrap_or_default());
    view! {
        <label class="field">
            <span>{field.name()}</span>
            <input class="input" type="number" min="0" step=field.step()
                prop:value=move || text.get()
                placeholder=move || known.with(|(_, holds)| field.text(&holds.of(stage))).unwrap_or("no limit".to_owned())
                on:change:target=move |event| {
                    // One that goes with what is shown tells of its change when nobody is there any more.
                    let Some(had) = text.try_get_untracked() else { return };
                    let Some(value) = amount(tree.desk, field, &event.target(), &had) else { return };
                    let caps = latest.change(|caps| field.change(caps, stage, value));
                    tree.desk.edit(&tree.goal.get_value(), PlanEdit::SetCaps { task: own.get_value(), caps });
                }
            />
        </label>
    }
}

/// The budget alone, for the foot of a plan.
#[component]
pub fn BudgetField(tree: Tree) -> impl IntoView {
    let known =
        Memo::new(move |_| tree.desk.read(|state| own(state, &tree.goal.get_value())).unwrap_or_default());
    let latest = Latest::of(Memo::new(move |_| known.get().0));
    view! { <CapField tree=tree own=tree.goal known=known latest=latest stage=None field=Field::Budget/> }
}

/// What is wrong with a field of the caps, where something is.
pub type Unfit = RwSignal<Option<String>>;

/// The caps that a person writes before there is a task: its budget, and the others behind a disclosure. They count as they are
/// typed; nothing can begin while one of them is no cap, which is said in `unfit` too.
#[component]
pub fn FirstCaps(caps: RwSignal<Caps>, unfit: Unfit) -> impl IntoView {
    let problems = Field::ALL.map(|field| (field, RwSignal::new(None::<String>)));
    Effect::new(move |_| unfit.set(problems.iter().find_map(|(_, problem)| problem.get())));
    let field = move |field: Field| {
        let problem = problems.iter().find(|(of, _)| *of == field).map(|(_, problem)| *problem);
        let first = caps.with_untracked(|caps| field.text(&caps.of(None)));
        let typed = move |input: web_sys::HtmlInputElement| {
            let read = read(field, &input);
            problem.into_iter().for_each(|problem| problem.set(read.as_ref().err().cloned()));
            caps.update(|caps| *caps = field.change(*caps, None, read.unwrap_or_default()));
        };
        view! {
            <label class="field">
                <span>{field.name()}</span>
                // What is being typed is not written over by what it is read as.
                <input class="input" type="number" min="0" step=field.step() placeholder="no limit" value=first
                    aria-invalid=move || problem.is_some_and(|problem| problem.read().is_some()).then_some("true")
                    on:input:target=move |event| typed(event.target())/>
                {move || problem.and_then(|problem| problem.get()).map(|why| view! { <span class="hint" data-state="error" role="alert">{why}</span> })}
            </label>
        }
    };
    view! {
        <div class="field">
            {field(Field::Budget)}
            <span class="hint">"For all of it. At the budget it pauses and asks; each task has one of its own."</span>
            <details class="tool">
                <summary><Icon name="right"/>"Other limits"</summary>
                <p class="hint">"Of the turns that plan and sum up; the tasks have limits of their own."</p>
                <div class="caps">{[Field::Turns, Field::Minutes, Field::Tokens].map(field).collect_view()}</div>
            </details>
        </div>
    }
}

/// What stands above the conversation of a task that has come to a cap: raise it, call it done, or stop it.
#[component]
pub fn AtCap(tree: Tree, id: TaskId) -> impl IntoView {
    let own = StoredValue::new(id);
    let short = Memo::new(move |_| {
        let short = tree.desk.look(&own.get_value(), |_, task, row| match &row.status.reason {
            Reason::Used { cap, stage, above } => {
                Some(((*cap, *stage), above.clone(), task.caps, task.is_goal()))
            }
            _ => None,
        });
        short.flatten()
    });
    move || {
        short.get().map(|(cap, above, caps, is_goal)| match above {
            Some(above) => view! {
                <div class="short" data-status="pending" role="status">
                    <span>{tree.desk.peek(|state| words::cap(cap.0, cap.1, state.task(&above)))}" used up"</span>
                    <button class="button push" data-size="sm" on:click=move |_| tree.here.select(&above)>"Go to it"</button>
                </div>
            }.into_any(),
            None => view! { <Raise tree=tree own=own cap=cap caps=caps goal=is_goal/> }.into_any(),
        })
    }
}

#[component]
fn Raise(
    tree: Tree,
    own: StoredValue<TaskId>,
    cap: (Cap, Option<Stage>),
    caps: Caps,
    goal: bool,
) -> impl IntoView {
    let (cap, stage) = cap;
    let (field, twice) = more(cap);
    let node = NodeRef::<leptos::html::Input>::new();
    let raise = move || {
        let value =
            node.get_untracked().and_then(|input| amount(tree.desk, field, &input, &input.default_value()));
        let Some(value @ Some(_)) = value else { return };
        let caps = field.change(caps, stage, value);
        tree.desk.edit(&tree.goal.get_value(), PlanEdit::SetCaps { task: own.get_value(), caps });
    };
    view! {
        <form class="short" data-status="waiting" aria-label="At its limit" on:submit=move |event| { event.prevent_default(); raise(); }>
            <span class="status" data-status="waiting"><Icon name="waiting"/>{words::cap(cap, stage, None)}" used up"</span>
            <label class="row push"><span class="sr">{field.name()}</span>
                <input class="input" node_ref=node type="number" min="0" step=field.step() value=twice/>
            </label>
            <button class="button" data-kind="solid" data-size="sm">"Raise and go on"</button>
            <Show when=move || goal>
                <button class="button" type="button" data-size="sm" on:click=move |_| tree.desk.close_goal(&own.get_value())>"Finish without the rest"</button>
            </Show>
        </form>
    }
}
