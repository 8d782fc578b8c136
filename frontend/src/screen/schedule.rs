//! When a task gets its turn: its priority, its start, and how often it is done anew.

use leptos::prelude::*;
use shared::id::TaskId;
use shared::plan::{PlanEdit, Schedule};
use shared::unit::Millis;

use crate::component::latest::Latest;
use crate::tree::view::Tree;
use crate::words;

const MINUTE: u64 = 60_000;

#[component]
pub fn ScheduleFields(tree: Tree, own: StoredValue<TaskId>) -> impl IntoView {
    let known = Memo::new(move |_| {
        tree.desk.read(|state| state.task(&own.get_value()).map(|task| task.schedule)).unwrap_or_default()
    });
    let latest = Latest::of(known);
    let set = move |change: &dyn Fn(Schedule) -> Schedule| {
        let schedule = latest.change(change);
        tree.desk.edit(&tree.goal.get_value(), PlanEdit::SetSchedule { task: own.get_value(), schedule });
    };
    // A memo for each field: what is being typed into one must not be lost when another one's edit comes back.
    let priority = Memo::new(move |_| known.get().priority.to_string());
    let again =
        Memo::new(move |_| known.get().repeat.map(|span| (span.0 / MINUTE).to_string()).unwrap_or_default());
    view! {
        <div class="field">
            <span>"Its turn"</span>
            <div class="caps">
                <label class="field">
                    <span>"Priority, -10 to 10"</span>
                    <input class="input" type="number" min="-10" max="10" step="1" prop:value=move || priority.get()
                        on:change:target=move |event| {
                            let priority = event.target().value().parse::<i32>().unwrap_or_default().clamp(-10, 10);
                            set(&|schedule| Schedule { priority, ..schedule });
                        }/>
                </label>
                <label class="field">
                    <span>"Begins in, minutes"</span>
                    <input class="input" type="number" min="0" step="1" placeholder="at once"
                        on:change:target=move |event| {
                            let minutes = event.target().value().parse::<u64>().ok();
                            let start = minutes.map(|minutes| tree.desk.clock.get_untracked() + Millis(minutes.saturating_mul(MINUTE)));
                            set(&|schedule| Schedule { start, ..schedule });
                        }/>
                    <span class="hint">{move || known.get().start.map(|at| format!("not before {}", words::time(at)))}</span>
                </label>
                <label class="field">
                    <span>"Again after, minutes"</span>
                    <input class="input" type="number" min="0" step="1" placeholder="never" prop:value=move || again.get()
                        on:change:target=move |event| {
                            let minutes = event.target().value().parse::<u64>().ok().filter(|minutes| *minutes > 0);
                            let repeat = minutes.map(|minutes| Millis(minutes.saturating_mul(MINUTE)));
                            set(&|schedule| Schedule { repeat, ..schedule });
                        }/>
                </label>
            </div>
        </div>
    }
}
