//! What a list is run with: words for its blanks, a folder, an agent.

use leptos::prelude::*;
use shared::list::{Fillings, TaskList};

use crate::component::picker::{Line, some};
use crate::desk::Desk;
use crate::place::Here;
use crate::screen::agents::HarnessPicker;
use crate::screen::apart::{Apart, ApartChoice, BEGUN, Who};
use crate::screen::terms::{Draft, TermsFields};

#[component]
pub fn Run(list: TaskList, done: impl Fn() + Copy + Send + Sync + 'static) -> impl IntoView {
    let (desk, here) = (expect_context::<Desk>(), expect_context::<Here>());
    let title = format!("Run {}", list.name);
    let folder = RwSignal::new(list.folder.clone().unwrap_or_default());
    let harness = RwSignal::new(list.harness);
    let apart = Apart::new(false);
    let draft = Draft::of(list.terms.clone());
    let blanks: Vec<(String, RwSignal<String>)> =
        list.blanks().into_iter().map(|blank| (blank, RwSignal::new(String::new()))).collect();
    let lines = blanks.clone().into_iter().map(|(blank, value)| {
        view! {
            <label class="field">
                <span>{blank}</span>
                <input class="input" prop:value=move || value.get() on:input=move |event| value.set(event_target_value(&event))/>
            </label>
        }
    });
    let lines = lines.collect_view();
    let run = move || {
        let words: Fillings =
            blanks.iter().filter_map(|(blank, value)| Some((blank.clone(), some(*value)?))).collect();
        let harness = harness.get_untracked();
        // Also in the rules that were chosen here blanks are filled in.
        let chosen = TaskList { terms: list.fit(untrack(|| draft.terms()), harness), ..list.clone() };
        let filled = desk.fill_list(&chosen, &words, some(folder), harness);
        let Some((filled, folder, harness)) = filled else { return };
        apart.begin(desk, folder, filled.words().to_owned(), move |folder, who| {
            let goal = desk.run_list(filled, folder, harness);
            match who {
                _ if goal.is_none() => {}
                Who::Waits => {
                    done();
                    here.go(goal, None);
                }
                Who::Left => desk.say(BEGUN.to_owned(), false),
            }
        });
    };
    view! {
        <form class="stack" aria-label=title on:submit=move |event| { event.prevent_default(); run(); }>
            {lines}
            <div class="pair">
                <Line label="Folder" value=folder hint="/path/of/a/project"/>
                <HarnessPicker none="The first that works" chosen=harness/>
            </div>
            <ApartChoice apart=apart/>
            <TermsFields draft=draft/>
            <div class="row">
                <button class="button" data-kind="solid" disabled=move || apart.doing().is_some() || draft.unfit.read().is_some()>"Run it"</button>
                <button class="button" type="button" data-kind="plain" on:click=move |_| done()>"Cancel"</button>
                <span class="hint" aria-live="polite">{move || apart.doing()}</span>
            </div>
        </form>
    }
}
