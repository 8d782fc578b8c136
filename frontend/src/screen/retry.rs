//! What becomes of a task that fails.

use leptos::prelude::*;
use shared::id::TaskId;
use shared::plan::PlanEdit;
use shared::retry::{Policy, Retry};

use crate::component::latest::Latest;
use crate::tree::view::Tree;
use crate::words;

const POLICIES: [Policy; 3] = [Policy::None, Policy::Same, Policy::Analyze];

/// The choice of one task, or what holds for all.
#[component]
pub fn RetryFields(tree: Tree, own: StoredValue<TaskId>) -> impl IntoView {
    let known = Memo::new(move |_| {
        tree.desk.read(|state| (state.task(&own.get_value()).and_then(|task| task.retry), state.limits.retry))
    });
    let latest = Latest::of(Memo::new(move |_| known.get().0));
    let set = move |change: &dyn Fn(Option<Retry>) -> Option<Retry>| {
        let retry = latest.change(change);
        tree.desk.edit(&tree.goal.get_value(), PlanEdit::SetRetry { task: own.get_value(), retry });
    };
    let usual = move || known.get().1;
    let chosen = Memo::new(move |_| known.get().0.map(|retry| retry.policy));
    let attempts =
        Memo::new(move |_| known.get().0.map(|retry| retry.attempts.to_string()).unwrap_or_default());
    view! {
        <div class="field">
            <span>"When it fails"</span>
            <div class="caps">
                <label class="field">
                    <span>"What happens"</span>
                    <PolicySelect chosen=chosen usual=Some(Signal::derive(move || usual().policy)) pick=Callback::new(move |policy: Option<Policy>| {
                        set(&|retry| policy.map(|policy| Retry { policy, ..retry.unwrap_or(usual()) }));
                    })/>
                </label>
                <label class="field">
                    <span>"Tries in all"</span>
                    <input class="input" type="number" min="1" max="20" step="1" prop:value=move || attempts.get()
                        placeholder=move || usual().attempts.to_string()
                        on:change:target=move |event| {
                            let attempts = event.target().value().parse::<u32>().ok();
                            set(&|retry| attempts.map(|attempts| Retry { attempts: attempts.clamp(1, 20), ..retry.unwrap_or(usual()) }));
                        }/>
                </label>
            </div>
        </div>
    }
}

/// A list of the policies; with `usual`, also to leave it to what holds for all.
#[component]
pub fn PolicySelect(
    chosen: Memo<Option<Policy>>,
    usual: Option<Signal<Policy>>,
    pick: Callback<Option<Policy>>,
) -> impl IntoView {
    let place = move || chosen.get().map_or_else(String::new, |policy| words::policy(policy).to_owned());
    view! {
        <select class="input" prop:value=place on:change=move |event| {
            let value = event_target_value(&event);
            pick.run(POLICIES.into_iter().find(|policy| words::policy(*policy) == value));
        }>
            {usual.map(|usual| view! { <option value="" selected=move || chosen.get().is_none()>{move || format!("As usual: {}", words::policy(usual.get()))}</option> })}
            {POLICIES.map(|policy| view! { <option value=words::policy(policy) selected=move || chosen.get() == Some(policy)>{words::policy(policy)}</option> }).collect_view()}
        </select>
    }
}
