//! The bar: which goal, how many agents, what it cost, who decides, and whether the bridge is there.

use leptos::prelude::*;
use shared::id::TaskId;

use super::envelope::Meter;
use super::icon::Icon;
use super::theme::ThemeChoice;
use crate::component::flow::For;
use crate::desk::Desk;
use crate::link::Standing;
use crate::place::{Here, Part};
use crate::screen::finder::FinderButton;
use crate::screen::health::WorthALook;
use crate::screen::inbox::InboxButton;
use crate::screen::limits::LimitsDialog;
use crate::screen::usage::UsageButton;
use crate::words::spent;

#[component]
pub fn Topbar() -> impl IntoView {
    let (desk, here) = (expect_context::<Desk>(), expect_context::<Here>());
    let goals = Memo::new(move |_| {
        desk.read(|state| {
            let live = state.goals.iter().rev().filter_map(|goal| state.task(goal));
            let live = live.filter(|task| task.goal.as_ref().is_some_and(|goal| goal.archived.is_none()));
            live.map(|task| (task.id.clone(), task.title.clone())).collect::<Vec<_>>()
        })
    });
    let pick = move |value: String| here.go(TaskId::new(&value).ok(), None);
    let chosen = move || here.goal().map(|goal| goal.to_string()).unwrap_or_default();
    view! {
        <header class="topbar">
            <button class="brand" title="All goals" on:click=move |_| here.go(None, None)>
                <Icon name="tree"/>
                <span class="wide-only">"Orchestrator"</span>
            </button>
            <select class="goals" aria-label="Goal" prop:value=chosen on:change=move |event| pick(event_target_value(&event))>
                <option value="" selected=move || here.goal().is_none()>"New goal"</option>
                <For each=move || goals.get() key=|(id, title)| format!("{id} {title}") children=move |(id, title)| {
                    let own = id.clone();
                    view! { <option value=id.to_string() selected=move || here.goal().as_ref() == Some(&own)>{title}</option> }
                }/>
            </select>
            <FinderButton/>
            <Facts/>
        </header>
    }
}

#[component]
fn Facts() -> impl IntoView {
    let (desk, here) = (expect_context::<Desk>(), expect_context::<Here>());
    let agents = Memo::new(move |_| desk.read(|state| (state.active_runs(), state.limits.parallel)));
    let cost = Memo::new(move |_| {
        let goal = here.goal()?;
        desk.read(|state| state.task(&goal).map(|task| spent(state, task)))
    });
    let envelope = Signal::derive(move || {
        let goal = here.goal()?;
        desk.read(|state| conductor::budget::envelope(state, state.task(&goal)?))
    });
    let decider = Memo::new(move |_| {
        let holder = desk.read(|state| state.baton.as_ref().map(|baton| baton.holder.clone()));
        match holder {
            _ if desk.decides() => "This tab decides",
            None => "Nobody decides",
            Some(holder) if holder.as_str().starts_with("standby-") => "The bridge decides",
            Some(holder) if holder.as_str().starts_with("terminal-") => "A terminal decides",
            Some(_) => "Another tab decides",
        }
    });
    let limits = RwSignal::new(false);
    let lost = move || !desk.standing.get().is_connected();
    let word = move || match desk.standing.get() {
        Standing::Live | Standing::Aged => "Live",
        Standing::Connecting | Standing::Replaced => "Connecting",
        Standing::Lost { .. } => "Reconnecting",
        Standing::Denied => "Not signed in",
        Standing::Incompatible { .. } => "Reload needed",
    };
    view! {
        <div class="facts">
            <InboxButton/>
            <WorthALook/>
            <button class="fact" title="Agents running, and how many may; limits and models" on:click=move |_| limits.set(true)>
                <Icon name="agent"/>
                <b>{move || format!("{}/{}", agents.get().0, agents.get().1)}</b>
                <span>" agents"</span>
                <span class="sr">", limits and models"</span>
            </button>
            <UsageButton>
                <b>{move || cost.get().filter(|cost| !cost.is_empty()).unwrap_or("$".to_owned())}</b><Meter envelope=envelope/>
            </UsageButton>
            <span class="fact wide-only" title="One client decides what runs next; the bridge does when no tab is open">
                <Icon name="baton"/>
                <span>{move || decider.get()}</span>
            </span>
            <span class="fact" role="status" title="Connection to the bridge">
                <span class="dot" data-state=move || lost().then_some("lost")></span>
                <span>{word}</span>
            </span>
            <button class="fact" title="Prompts and how each wording did, agents of your own, lists of tasks, and rules" aria-label="Prompts" on:click=move |_| here.open_part(Part::Prompts)>
                <Icon name="library"/>
            </button>
            <button class="fact" title="Bridge: devices, processes, worktrees, self-test" aria-label="Bridge" on:click=move |_| here.open_part(Part::Devices)>
                <Icon name="bridge"/>
            </button>
            <ThemeChoice/>
        </div>
        <LimitsDialog open=limits/>
    }
}
