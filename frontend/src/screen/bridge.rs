//! The bridge itself: who is let in, which processes live, which worktrees it keeps, and whether all is well with it.

use leptos::prelude::*;

use crate::component::icon::Icon;
use crate::place::{Here, Part};

mod devices;
mod processes;
mod self_test;
mod worktrees;

#[component]
pub fn Bridge(part: Part) -> impl IntoView {
    view! {
        <div class="start"><div class="bridge">
            <h1>"Bridge"</h1>
            <Tabs parts=&Part::TABS part=part/>
            {match part {
                Part::Devices => view! { <devices::Devices/> }.into_any(),
                Part::Processes => view! { <processes::Processes/> }.into_any(),
                Part::Worktrees => view! { <worktrees::Worktrees/> }.into_any(),
                Part::Prompts | Part::Agents | Part::Lists | Part::Rules => ().into_any(),
                Part::SelfTest => view! { <self_test::SelfTest/> }.into_any(),
            }}
        </div></div>
    }
}

/// Parts that stand beside each other.
#[component]
pub fn Tabs(parts: &'static [Part], part: Part) -> impl IntoView {
    let here = expect_context::<Here>();
    let tab = move |own: Part| {
        view! { <button role="tab" aria-selected=(own == part).to_string() on:click=move |_| here.open_part(own)>{own.name()}</button> }
    };
    view! {
        <div class="row">
            <div class="tabs" role="tablist">{parts.iter().copied().map(tab).collect_view()}</div>
            <button class="button push" data-kind="plain" data-size="icon" aria-label="Close" title="Back to where you were" on:click=move |_| here.back()><Icon name="close"/></button>
        </div>
    }
}

/// What was asked of the bridge: nothing yet, what it answered, or what is wrong.
type Answer<T> = RwSignal<Option<Result<T, String>>>;

/// Says what is wrong, or that the answer is on its way.
fn pending<T: Send + Sync + 'static>(answer: Answer<T>) -> AnyView {
    let word = Memo::new(move |_| match &*answer.read() {
        None => Some(None),
        Some(Err(why)) => Some(Some(why.clone())),
        Some(Ok(_)) => None,
    });
    (move || {
        Some(match word.get()? {
            None => view! { <p class="meta" aria-busy="true">"Asking the bridge"</p> }.into_any(),
            Some(why) => view! { <p class="hint" data-state="error" role="alert">{why}</p> }.into_any(),
        })
    })
    .into_any()
}
