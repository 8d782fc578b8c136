//! Every process of every run, as the system has it; asked for every two seconds while somebody looks.

use leptos::prelude::*;
use shared::api::{Process, RunProcesses};
use shared::id::TaskId;

use super::{Answer, pending};
use crate::component::flow::{For, Show};
use crate::desk::Desk;
use crate::link::enter::call;
use crate::place::Here;
use crate::words::{span, time};

const EVERY: std::time::Duration = std::time::Duration::from_secs(2);

#[component]
pub fn Processes() -> impl IntoView {
    let found: Answer<Vec<RunProcesses>> = RwSignal::new(None);
    let look = move || {
        leptos::task::spawn_local(async move {
            let answer = call("GET", "/api/processes", None).await;
            let answer =
                answer.and_then(|text| serde_json::from_str(&text).map_err(|error| error.to_string()));
            found.try_set(Some(answer));
        });
    };
    look();
    let asking = set_interval_with_handle(
        move || {
            if !document().hidden() {
                look()
            }
        },
        EVERY,
    );
    on_cleanup(move || drop(asking.map(|asking| asking.clear())));
    let runs = Memo::new(move |_| match &*found.read() {
        Some(Ok(runs)) => runs.clone(),
        _ => Vec::new(),
    });
    let sum = move || {
        let runs = runs.read();
        let all = runs.iter().flat_map(|run| &run.processes);
        format!("{} processes, {}", all.clone().count(), memory(all.map(|process| process.memory.0).sum()))
    };
    view! {
        {pending(found)}
        <Show when=move || found.with(|found| matches!(found, Some(Ok(runs)) if runs.is_empty()))>
            <p class="quiet">"No agent runs. Each process of one is listed here while it lives."</p>
        </Show>
        <Show when=move || !runs.read().is_empty()>
            <p class="meta">{sum}</p>
            <For each=move || runs.get().into_iter().map(|run| run.run) key=ToString::to_string children=move |run| {
                let own = run.clone();
                let processes = Memo::new(move |_| {
                    let runs = runs.read();
                    runs.iter().find(|one| one.run == own).map(|one| one.processes.clone()).unwrap_or_default()
                });
                view! { <section class="stack"><Owner run=run/><Table processes=processes/></section> }
            }/>
        </Show>
    }
}

/// Whose run it is, and a way to stop that.
#[component]
fn Owner(run: shared::id::RunId) -> impl IntoView {
    let (desk, here) = (expect_context::<Desk>(), expect_context::<Here>());
    let name = run.to_string();
    let task = Memo::new(move |_| {
        desk.read(|state| {
            let task = state.task(&state.run(&run)?.task)?;
            Some((task.root.clone(), task.id.clone(), conductor::plan::name(task)))
        })
    });
    let open = move |root: TaskId, task: TaskId| here.go(Some(root), Some(task));
    view! {
        <div class="row">
            {move || match task.get() {
                None => view! { <span class="mono clip">{name.clone()}</span> }.into_any(),
                Some((root, id, title)) => {
                    let (stopped, label) = (id.clone(), format!("Stop {title}"));
                    view! {
                        <button class="clip owner" on:click=move |_| open(root.clone(), id.clone())>{title}</button>
                        <button class="button push" data-size="sm" data-kind="danger" aria-label=label on:click=move |_| desk.stop(&stopped)>"Stop"</button>
                    }.into_any()
                }
            }}
        </div>
    }
}

#[component]
fn Table(processes: Memo<Vec<Process>>) -> impl IntoView {
    let desk = expect_context::<Desk>();
    view! {
        <table class="ledger">
            <thead><tr>
                <th scope="col">"PID"</th><th scope="col">"Age"</th><th scope="col" class="wide-only">"Since"</th>
                <th scope="col">"CPU"</th><th scope="col">"Memory"</th><th scope="col">"Command"</th>
            </tr></thead>
            <tbody>
                {move || processes.get().into_iter().map(|process| {
                    let started = process.started;
                    view! {
                        <tr>
                            <td>{process.pid}</td>
                            <td>{move || span(desk.clock.get().since(started))}</td>
                            <td class="wide-only">{time(started)}</td>
                            <td>{format!("{}.{} s", process.cpu.0 / 1_000, process.cpu.0 / 100 % 10)}</td>
                            <td>{memory(process.memory.0)}</td>
                            <td class="mono command">{process.shim.then_some("(shim) ")}{process.command}</td>
                        </tr>
                    }
                }).collect_view()}
            </tbody>
        </table>
    }
}

fn memory(bytes: u64) -> String {
    const MIB: u64 = 1024 * 1024;
    format!("{}.{} MiB", bytes / MIB, bytes % MIB * 10 / MIB)
}
