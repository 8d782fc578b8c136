//! The self-test: the bridge looks at its set-up and attacks itself as another site's page would.

use leptos::prelude::*;
use shared::api::{Finding, Verdict};

use super::{Answer, pending};
use crate::component::flow::Show;
use crate::component::icon::Icon;
use crate::link::enter::call;

#[component]
pub fn SelfTest() -> impl IntoView {
    let found: Answer<Vec<Finding>> = RwSignal::new(None);
    let running = RwSignal::new(false);
    let begin = move |which: &'static str| {
        running.set(true);
        found.set(None);
        leptos::task::spawn_local(async move {
            let answer = call("POST", "/api/self-test", Some(which)).await;
            let answer =
                answer.and_then(|text| serde_json::from_str(&text).map_err(|error| error.to_string()));
            found.try_set(Some(answer));
            running.try_set(false);
        });
    };
    let verdict = move || {
        found.with(|found| {
            let findings = found.as_ref()?.as_ref().ok()?;
            let count = |verdict| findings.iter().filter(|finding| finding.verdict == verdict).count();
            Some(match (count(Verdict::Bad), count(Verdict::Warning)) {
                (0, 0) => format!("All is well: {} checks passed.", findings.len()),
                (bad, warnings) => {
                    format!("{bad} bad, {warnings} to look at, {} well.", count(Verdict::Well))
                }
            })
        })
    };
    let rows = move || {
        found.with(|found| {
            let mut findings = found.as_ref()?.as_ref().ok()?.clone();
            // The worst first; those alike stay in their order.
            findings.sort_by_key(|finding| finding.verdict);
            Some(findings.into_iter().map(row).collect_view())
        })
    };
    view! {
        <p>"Looks at folder, database, disk, clock, agents and git, then attacks this bridge: forms and calls of other sites, DNS rebinding, a hijacked socket, a missing origin, the secret in a log, paths out of the page's files."</p>
        <div class="row">
            <button class="button" data-kind="solid" disabled=move || running.get() on:click=move |_| begin("{}")>"Run the self-test"</button>
            <button class="button" disabled=move || running.get() title="A goal, a failure, a stop and a bridge that is killed, with the demo agent, in a place of its own that is gone afterwards" on:click=move |_| begin("{\"first_try\":true}")>"Try it"</button>
            <span role="status">{verdict}</span>
        </div>
        <Show when=move || running.get() || found.read().is_some()>{pending(found)}</Show>
        <ul class="findings">{rows}</ul>
    }
}

fn row(finding: Finding) -> impl IntoView {
    let (status, word) = match finding.verdict {
        Verdict::Bad => ("failed", "Bad"),
        Verdict::Warning => ("waiting", "Look"),
        Verdict::Well => ("completed", "Well"),
    };
    view! {
        <li data-status=status>
            <span class="status"><Icon name=status/>{word}</span>
            <span>{finding.what}<Remedy text=finding.remedy/></span>
        </li>
    }
}

#[component]
fn Remedy(text: String) -> impl IntoView {
    (!text.is_empty()).then(|| view! { <br/><b>{text}</b> })
}
