//! What a new version of a plan changed, in the conversation where it was asked for.

use leptos::prelude::*;
use shared::id::TaskId;

use crate::desk::Desk;
use crate::words;

/// The changes of one version; nothing for a first one.
pub fn revision(desk: Desk, goal: &TaskId, version: u32) -> AnyView {
    // Read once: what a version changed stays as it is.
    desk.peek(|state| {
        let revisions = &state.task(goal)?.planning.as_ref()?.revisions;
        let revision = revisions.iter().find(|revision| revision.version == version)?;
        let line = |change: &conductor::plan::diff::Change| {
            let kind = words::change_kind(&change.what);
            let number = state.task(&change.task).map(conductor::state::Task::number_text);
            view! {
                <li data-change=kind>
                    <span class="sr">{kind}</span><span class="change" aria-hidden="true"></span>
                    <span>{number}</span><span class="called">{change.title.clone()}</span>
                    <span class="meta">{words::change(state, &change.what)}</span>
                </li>
            }
            .into_any()
        };
        let lines: Vec<AnyView> = revision.changes.iter().map(line).collect();
        let before = words::before_version(version);
        let label = format!("Plan {before} to v{version}");
        Some(view! {
            <p class="meta">{format!("Against {before}: {}.", words::changes(&revision.changes))}</p>
            {(!lines.is_empty()).then(|| view! { <ul class="plandiff" aria-label=label>{lines}</ul> })}
        })
    })
    .into_any()
}
