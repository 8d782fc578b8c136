//! Where a person writes. The draft is kept per task; what waits for the agent's turn stands above.

use conductor::planning::{may_plan_beside, planned_below_beside};
use conductor::state::Task;
use conductor::status::{Reason, Status};
use conductor::survey::Survey;
use conductor::{Hearing, hearing, words};
use leptos::prelude::*;
use shared::id::TaskId;
use shared::plan::Work;

use crate::component::flow::{For, Show};
use crate::component::icon::Icon;
use crate::component::kept::kept;
use crate::desk::Desk;
use crate::place::Here;

/// What the person has written about a task and not sent.
pub(super) fn draft(task: &TaskId) -> RwSignal<String> {
    kept(format!("orchestrator.draft.{task}"))
}

#[component]
pub fn Composer(id: TaskId) -> impl IntoView {
    let (desk, here) = (expect_context::<Desk>(), expect_context::<Here>());
    let text = draft(&id);
    let own = StoredValue::new(id);
    let hint = Memo::new(move |_| {
        let hint = desk.look(&own.get_value(), |state, task, row| hint(state, task, &row.status));
        hint.unwrap_or_else(|| Err("This task is gone.".to_owned()))
    });
    let closed = move || hint.with(|hint| hint.is_err());
    let words = move || hint.with(|hint| hint.clone().unwrap_or_else(|why| why));
    let heard = Memo::new(move |_| desk.read(|state| is_heard(state, &own.get_value())));
    let send = move |now: bool| {
        let words = text.get_untracked();
        if !words.trim().is_empty() && !closed() {
            desk.write(&own.get_value(), words, now && heard.get_untracked());
            text.set(String::new());
        }
    };
    let plan = move |_| {
        desk.split(&own.get_value(), text.get_untracked());
        text.set(String::new());
    };
    let again = Memo::new(move |_| {
        desk.overlook(|state, survey| {
            state.task(&own.get_value()).map_or(Again::No, |task| Again::of(state, survey, task))
        })
    });
    let queue = Memo::new(move |_| {
        desk.read(|state| state.task(&own.get_value()).map(|task| task.queue.clone()).unwrap_or_default())
    });
    view! {
        <For each=move || queue.get() key=|message| message.id.to_string() children=move |message| {
            let (id, words) = (message.id.clone(), message.text.clone());
            let (for_edit, again, for_now) = (message.id.clone(), words.clone(), message.id);
            view! {
                <div class="queued">
                    <Icon name="clock"/>
                    <span class="clip">"Queued: “"{words}"”"</span>
                    <Show when=move || heard.get()>
                        <button class="button" data-kind="plain" data-size="sm" on:click={ let id = for_now.clone(); move |_| desk.urge(&own.get_value(), id.clone()) }>"Send now"</button>
                    </Show>
                    <button class="button" data-kind="plain" data-size="sm" on:click=move |_| {
                        desk.withdraw(&own.get_value(), for_edit.clone());
                        text.update(|text| *text = if text.is_empty() { again.clone() } else { format!("{again}\n{text}") });
                    }>"Edit"</button>
                    <button class="button" data-kind="plain" data-size="sm" on:click=move |_| desk.withdraw(&own.get_value(), id.clone())>"Withdraw"</button>
                </div>
            }
        }/>
        <form class="composer" on:submit=move |event| { event.prevent_default(); send(false); }>
            <textarea aria-label="Message" rows="1" placeholder=words disabled=closed
                prop:value=move || text.get()
                on:input=move |event| text.set(event_target_value(&event))
                on:keydown=move |event| if event.key() == "Enter" && !event.shift_key() && !event.is_composing() {
                    event.prevent_default();
                    send(event.ctrl_key() || event.meta_key());
                }
            ></textarea>
            <div>
                <span class="meta clip"><kbd class="key">"Enter"</kbd>{move || if heard.get() { " queues, " } else { " sends, " }}<kbd class="key">"Shift Enter"</kbd>" new line"</span>
                <span class="push"></span>
                <Show when=move || heard.get()>
                    <button class="button" type="button" data-kind="plain" data-size="sm" title="Its agent reads it at its next step" disabled=move || text.read().trim().is_empty() on:click=move |_| send(true)>
                        "Send now "<kbd class="key">"Ctrl Enter"</kbd>
                    </button>
                </Show>
                {move || match again.get() {
                    Again::No => None,
                    Again::Now => Some(view! { <button class="button" type="button" data-kind="plain" data-size="sm" title="The planner changes what is left to do, also without words of yours; what runs goes on" on:click=plan>"Plan again"</button> }.into_any()),
                    Again::After(part, number) => Some(view! { <button class="button" type="button" data-kind="plain" data-size="sm" title="Say yes or no to it before all is planned again" on:click=move |_| here.select(&part)>{format!("To the plan of {number}")}</button> }.into_any()),
                }}
                <button class="button" data-kind="solid" data-size="icon" aria-label=move || if heard.get() { "Queue" } else { "Send" } disabled=move || closed() || text.read().trim().is_empty()>
                    <Icon name="send"/>
                </button>
            </div>
        </form>
    }
}

/// Whether a goal can be planned again.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Again {
    No,
    Now,
    /// When the plan of this part, by its number, is agreed on or not.
    After(TaskId, String),
}

impl Again {
    fn of(state: &conductor::State, survey: &Survey, task: &Task) -> Self {
        if !task.is_goal() || task.is_planned() {
            return Self::No;
        }
        match planned_below_beside(state, survey, task) {
            Some(part) => Self::After(part.id.clone(), part.number_text()),
            None if may_plan_beside(state, survey, task).is_ok() => Self::Now,
            None => Self::No,
        }
    }
}

/// What is written now can be read by the turn that runs.
fn is_heard(state: &conductor::State, id: &TaskId) -> bool {
    state.task(id).is_some_and(|task| hearing(state, task) == Hearing::Now)
}

/// The placeholder, or why nothing can be written.
fn hint(state: &conductor::State, task: &Task, status: &Status) -> Result<String, String> {
    if let Work::Command { .. } = task.work {
        return Err("A command runs here; there is nobody to write to.".to_owned());
    }
    if status.reason == Reason::Removed {
        return Err("It was removed from the plan, and nobody reads what is written here.".to_owned());
    }
    let name = match (task.is_goal(), task.is_planned()) {
        (true, _) => "the planner".to_owned(),
        (false, true) => format!("the planner of {}", task.number_text()),
        (false, false) => task.number_text(),
    };
    Ok(match &status.reason {
        Reason::Approve { .. } => "Say what to change, or edit the tree".to_owned(),
        Reason::Asks(_) => "Your answer".to_owned(),
        Reason::NoTasks => "Ask the planner for a plan after all".to_owned(),
        _ if task.is_by_hand() => "A note: an agent that gets this task reads it".to_owned(),
        Reason::Begin => format!("Say how to begin with {name}"),
        Reason::PlanProblem(_) => "Tell the planner how to go on".to_owned(),
        _ if task.current.is_some() => {
            let when = words::deaf(hearing(state, task));
            format!(
                "Message {name}. {}",
                when.unwrap_or_else(|| "It reads this when its turn is over.".to_owned())
            )
        }
        _ if task.runs.is_empty() => format!("Message {name}. It reads this when it begins."),
        _ => format!("Message {name}. It goes on in the same session."),
    })
}
