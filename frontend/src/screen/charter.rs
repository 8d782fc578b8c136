//! What all tasks of a goal are told when they begin: its rules and its facts, written by the person.

use leptos::prelude::*;
use shared::context::{Charter, MEMORY};
use shared::id::TaskId;
use shared::plan::PlanEdit;

use crate::component::dialog::Dialog;
use crate::component::filled::Filled;
use crate::component::icon::Icon;
use crate::tree::view::Tree;

/// Says what there is, and opens it.
#[component]
pub fn CharterField(tree: Tree, own: StoredValue<TaskId>) -> impl IntoView {
    let look = move |state: &conductor::State| {
        let goal = state.task(&own.get_value()).and_then(|task| task.goal.as_ref());
        goal.map(|goal| goal.charter.clone()).unwrap_or_default()
    };
    let known = Memo::new(move |_| tree.desk.read(look));
    let filled = Filled::new();
    let open = RwSignal::new(false);
    let (rules, facts) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let show = move |_| {
        // As it is in this moment, not as it was last drawn.
        let charter = tree.desk.peek(look);
        filled.with(charter.clone());
        let line = |fact: &shared::context::Fact| format!("{} = {}", fact.key, fact.value.replace('\n', " "));
        facts.set(charter.facts.iter().map(line).collect::<Vec<_>>().join("\n"));
        rules.set(charter.rules);
        open.set(true);
    };
    let charter = move || {
        let mut charter = Charter { rules: rules.get(), facts: Vec::new() };
        for (key, value) in facts.read().lines().filter_map(|line| line.split_once('=')) {
            charter.set(key.trim(), value.trim());
        }
        charter
    };
    let wrong = move || {
        let lost = facts.read().lines().any(|line| !line.trim().is_empty() && !line.contains('='));
        charter().problem().or_else(|| lost.then(|| "a fact is a line such as server = 10.0.0.7".to_owned()))
    };
    let save = move || {
        let (charter, now) = (charter(), tree.desk.peek(look));
        if charter != now {
            if !filled.may_go(tree.desk, now) {
                return;
            }
            tree.desk.edit(&tree.goal.get_value(), PlanEdit::SetCharter { task: own.get_value(), charter });
        }
        open.set(false);
    };
    let much = move || match known.get() {
        Charter { rules, facts } if rules.trim().is_empty() && facts.is_empty() => "no rules yet".to_owned(),
        Charter { rules, facts } => {
            format!("lines of rules: {}, facts: {}", rules.trim().lines().count(), facts.len())
        }
    };
    view! {
        <div class="field">
            <span>"Rules of the goal"</span>
            <div class="row">
                <button class="button" data-size="sm" on:click=show><Icon name="copy"/>"Rules and facts"</button>
                <span class="hint">{much}</span>
            </div>
        </div>
        <Dialog open=open title="Rules and facts">
            <form class="body stack" on:submit=move |event| { event.prevent_default(); save(); }>
                <label class="field">
                    <span>"Rules that every task of this goal is told when it begins, in Markdown"</span>
                    <textarea class="input" rows="9" maxlength=MEMORY prop:value=move || rules.get() on:input=move |event| rules.set(event_target_value(&event))
                        placeholder="What must always be done. What nobody may do."></textarea>
                </label>
                <label class="field">
                    <span>"Facts, one a line"</span>
                    <textarea class="input" rows="4" prop:value=move || facts.get() on:input=move |event| facts.set(event_target_value(&event))
                        placeholder="server = 10.0.0.7"></textarea>
                </label>
                <div class="row">
                    <button class="button" data-kind="solid" disabled=move || wrong().is_some()>"Save"</button>
                    <span class="hint">{wrong}</span>
                </div>
            </form>
        </Dialog>
    }
}
