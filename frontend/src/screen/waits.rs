//! What a task waits for by itself: until when, and the person's word that goes before it.

use conductor::status::{Kind, Reason};
use conductor::survey::Row;
use leptos::prelude::*;
use shared::id::TaskId;

use crate::component::icon::Icon;
use crate::tree::view::Tree;
use crate::words;

/// What is said of the wait, as of a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wait {
    kind: Kind,
    words: String,
    /// The click that ends it.
    go_on: &'static str,
}

/// Stands above the conversation and the details of a task that waits for a time, an agent or a word.
#[component]
pub fn Waits(tree: Tree, id: TaskId) -> impl IntoView {
    let own = StoredValue::new(id);
    let wait = Memo::new(move |_| {
        let now = tree.desk.clock.get();
        let wait = tree.desk.look(&own.get_value(), |state, _, Row { status, .. }| {
            let go_on = match &status.reason {
                Reason::ResumesAt { until, .. } if *until > now => "Try now",
                Reason::Outage { .. } => "Try now",
                Reason::Unattended(_) => "Go on",
                _ => return None,
            };
            Some(Wait { kind: status.kind, words: words::reason(state, status, now), go_on })
        });
        wait.flatten()
    });
    move || {
        wait.get().map(|wait| {
            let token = wait.kind.token();
            view! {
                <div class="short" data-status=token role="status">
                    <span class="status" data-status=token><Icon name=token/><span>{wait.words}</span></span>
                    <span class="row push">
                        <button class="button" data-size="sm" on:click=move |_| tree.desk.resume(&own.get_value())><Icon name="retry"/>{wait.go_on}</button>
                        <button class="button" data-size="sm" on:click=move |_| tree.desk.stop(&own.get_value())>"Cancel"</button>
                    </span>
                </div>
            }
        })
    }
}
