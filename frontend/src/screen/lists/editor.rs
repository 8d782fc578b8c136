//! A list as a form: a task in each line. What has more than that in its tasks came from a goal, and keeps them.

use conductor::list::{from_lines, lines};
use leptos::prelude::*;
use shared::id::ListId;
use shared::list::TaskList;

use crate::component::picker::{Line, some};
use crate::desk::{Desk, draw};
use crate::screen::agents::HarnessPicker;
use crate::screen::terms::{Draft, TermsFields};

/// Writes a list; without an id a new one.
#[component]
pub fn Editor(id: Option<ListId>, done: impl Fn() + Copy + Send + Sync + 'static) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let known = desk.peek(|state| Some(state.lists.get(id.as_ref()?)?.list.clone()));
    let line = |look: fn(&TaskList) -> Option<String>| {
        RwSignal::new(known.as_ref().and_then(look).unwrap_or_default())
    };
    let name = line(|known| Some(known.name.clone()));
    let goal = line(|known| Some(known.goal.clone()));
    let folder = line(|known| known.folder.clone());
    let tasks = line(lines);
    let harness = RwSignal::new(known.as_ref().and_then(|known| known.harness));
    let draft = Draft::of(known.as_ref().map(|known| known.terms.clone()).unwrap_or_default());
    // More than lines can say.
    let rich = known.filter(|known| lines(known).is_none());
    let is_rich = rich.is_some();
    let save = move || {
        let Some(list) = id.clone().or_else(|| ListId::new(&draw()).ok()) else { return };
        let written = || (from_lines(&tasks.get_untracked()), Default::default());
        let (tasks, own) = rich.as_ref().map_or_else(written, |rich| (rich.tasks.clone(), rich.own()));
        let saved = desk.save_list(TaskList {
            list,
            name: some(name).unwrap_or_default(),
            goal: some(goal).unwrap_or_default(),
            harness: harness.get_untracked(),
            folder: some(folder),
            terms: untrack(|| draft.terms()),
            tasks,
            caps: own.caps,
            choices: own.choices,
        });
        if saved {
            done();
        }
    };
    view! {
        <form class="stack" aria-label="List" on:submit=move |event| { event.prevent_default(); save(); }>
            <div class="pair">
                <Line label="Name" value=name hint=""/>
                <Line label="Goal that it becomes" value=goal hint="its name"/>
            </div>
            <label class="field">
                <span>"Tasks, one a line; all of them run side by side"</span>
                <textarea class="input" rows="6" disabled=is_rich prop:value=move || tasks.get() on:input=move |event| tasks.set(event_target_value(&event))
                    placeholder="Review the changes on {{branch}} for mistakes"></textarea>
            </label>
            {is_rich.then(|| view! { <span class="hint">"Its tasks have more than lines can say, such as an order, and stay as they are. Run it, change the tasks of that goal, and keep those under this name."</span> })}
            <div class="pair">
                <Line label="Folder" value=folder hint="chosen at each run"/>
                <HarnessPicker none="Chosen at each run" chosen=harness/>
            </div>
            <TermsFields draft=draft/>
            <div class="row">
                <button class="button" data-kind="solid" disabled=move || draft.unfit.read().is_some()>"Save"</button>
                <button class="button" type="button" data-kind="plain" on:click=move |_| done()>"Cancel"</button>
            </div>
        </form>
    }
}
