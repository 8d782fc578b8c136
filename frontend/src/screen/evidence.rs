//! What has to be shown before a task counts as done, and what was shown of its last work.

use conductor::proof::{Review, commits, reviews};
use leptos::prelude::*;
use shared::evidence::{Check, CommitOutcome, Evidence, Preset};
use shared::id::TaskId;
use shared::plan::PlanEdit;

use crate::component::flow::For;
use crate::component::icon::Icon;
use crate::component::latest::Latest;
use crate::tree::view::Tree;

/// The checks without a command, in words.
const PLAIN: [(Check, &str); 3] = [
    (Check::OutputsExist, "The expected files are there"),
    (Check::DiffNotEmpty, "Something in the folder changed"),
    (Check::NoErrorInOutput, "Its last words tell of no error"),
];

fn commands(evidence: &Evidence) -> String {
    let commands = evidence.checks.iter().filter_map(|check| match check {
        Check::CustomCommand { command } => Some(command.as_str()),
        _ => None,
    });
    commands.collect::<Vec<_>>().join("\n")
}

/// The same evidence with other commands, which come last.
fn with_commands(evidence: Evidence, text: &str) -> Evidence {
    let is_plain = |check: &Check| !matches!(check, Check::CustomCommand { .. });
    let plain = evidence.checks.iter().filter(|check| is_plain(check)).cloned();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let custom = lines.map(|line| Check::CustomCommand { command: line.to_owned() });
    Evidence { checks: plain.chain(custom).collect(), ..evidence }
}

/// The same evidence with or without one check; those without a command come first.
fn switched(mut evidence: Evidence, check: &Check, on: bool) -> Evidence {
    evidence.checks.retain(|known| known != check);
    if on {
        evidence.checks.insert(0, check.clone());
    }
    evidence
}

#[component]
pub fn EvidenceFields(tree: Tree, own: StoredValue<TaskId>) -> impl IntoView {
    let of = move |state: &conductor::State| state.task(&own.get_value()).map(|task| task.evidence.clone());
    let known = Memo::new(move |_| tree.desk.read(of).unwrap_or_default());
    let latest = Latest::of(known);
    let set = move |change: &dyn Fn(Evidence) -> Evidence| {
        let evidence = latest.change(change);
        tree.desk.edit(&tree.goal.get_value(), PlanEdit::SetEvidence { task: own.get_value(), evidence });
    };
    // Of its own: what is being typed must not be lost when another field's edit comes back.
    let text = Memo::new(move |_| known.with(commands));
    let usual = Memo::new(move |_| {
        tree.desk.read(|state| {
            state.task(&own.get_value()).map(|task| {
                let unsaid = conductor::state::Task { evidence: Evidence::default(), ..task.clone() };
                (reviews(state, &unsaid), commits(state, &unsaid))
            })
        })
    });
    // The goal's word, or another for this task.
    let choice = move |name: &'static str,
                       of: fn(&mut Evidence) -> &mut Option<bool>,
                       hint: Signal<&'static str>| {
        let chosen = Memo::new(move |_| *of(&mut known.get()));
        let option = move |value: Option<bool>, name: &'static str| {
            view! { <button role="radio" aria-checked=move || (chosen.get() == value).to_string() on:click=move |_| set(&|mut evidence| { *of(&mut evidence) = value; evidence })>{name}</button> }
        };
        view! {
            <div class="field">
                <span>{name}</span>
                <span class="seg" role="radiogroup" aria-label=name>
                    {option(None, "As the goal")}{option(Some(true), "Yes")}{option(Some(false), "No")}
                </span>
                <span class="hint">{hint}</span>
            </div>
        }
        .into_any()
    };
    let reviewed = Signal::derive(move || match usual.get() {
        Some((true, _)) => "The goal has its tasks reviewed.",
        _ => "The goal has no reviews.",
    });
    let committed = Signal::derive(move || match usual.get() {
        Some((_, true)) => {
            "The goal has what its tasks make committed on the branch that is checked out, never pushed."
        }
        _ => "The goal commits nothing.",
    });
    view! {
        <fieldset class="field">
            <legend class="label">"Counts as done when"</legend>
            {PLAIN.map(|(check, words)| {
                let (is, other) = (check.clone(), check);
                view! {
                    <label class="tick">
                        <input type="checkbox" prop:checked=move || known.with(|evidence| evidence.checks.contains(&is))
                            on:change:target=move |event| { let on = event.target().checked(); set(&|evidence| switched(evidence, &other, on)) }/>
                        <span>{words}</span>
                    </label>
                }
            }).collect_view()}
            <label class="field">
                <span>"These commands end with 0, one a line"</span>
                <textarea class="input" rows="2" placeholder="npm test" prop:value=move || text.get()
                    on:change:target=move |event| { let text = event.target().value(); set(&|evidence| with_commands(evidence, &text)) }></textarea>
            </label>
            {choice("Another agent reviews it", |evidence| &mut evidence.review, reviewed)}
            {choice("What it made is committed", |evidence| &mut evidence.commit, committed)}
            <Shown tree=tree own=own/>
        </fieldset>
    }
}

/// One thing that was shown: whether it holds, and in what words.
type Row = (bool, String, String);

fn rows(state: &conductor::State, id: &TaskId) -> Vec<Row> {
    let Some(task) = state.task(id) else { return Vec::new() };
    let made = task.proof.checked.iter().map(|made| {
        (made.problem.is_none(), made.check.to_string(), made.problem.clone().unwrap_or_default())
    });
    let review = task.proof.review.iter().map(|Review { summary, findings, .. }| {
        let words = if findings.is_empty() { summary.clone() } else { findings.join("; ") };
        (findings.is_empty(), "review".to_owned(), words)
    });
    let commit = task.proof.commit.iter().map(|outcome| {
        let words = match outcome {
            CommitOutcome::Made { commit, left } => crate::words::committed(commit, left),
            CommitOutcome::Nothing { why } => why.clone(),
            CommitOutcome::Failed { problem } => problem.clone(),
        };
        (!matches!(outcome, CommitOutcome::Failed { .. }), "commit".to_owned(), words)
    });
    made.chain(review).chain(commit).collect()
}

#[component]
fn Shown(tree: Tree, own: StoredValue<TaskId>) -> impl IntoView {
    let rows = Memo::new(move |_| tree.desk.read(|state| rows(state, &own.get_value())));
    view! {
        <ul class="shown" aria-label="Shown of its last work">
            <For each=move || rows.get() key=|row| format!("{row:?}") children=move |(holds, what, words)| {
                let status = if holds { "completed" } else { "failed" };
                view! {
                    <li><span class="status" data-status=status><Icon name=status/>{what}</span><span class="hint">{if holds && words.is_empty() { "holds".to_owned() } else { words }}</span></li>
                }
            }/>
        </ul>
    }
}

/// How a goal is gone about, chosen where it is written.
#[component]
pub fn PresetChoice(preset: RwSignal<Preset>) -> impl IntoView {
    let choice = move |value: Preset| {
        let (name, about) = crate::words::preset(value);
        view! {
            <label class="choice">
                <input type="radio" name="preset" prop:checked=move || preset.get() == value on:change=move |_| preset.set(value)/>
                <span>{name}<br/><span class="hint">{about}</span></span>
            </label>
        }
    };
    view! { <fieldset><legend class="label">"How"</legend>{Preset::ALL.map(choice).collect_view()}</fieldset> }
}

/// The same for a goal that there is.
#[component]
pub fn PresetField(tree: Tree, own: StoredValue<TaskId>) -> impl IntoView {
    let known = Memo::new(move |_| {
        tree.desk.read(|state| {
            state.task(&own.get_value()).and_then(|task| task.goal.as_ref()).map(|goal| goal.preset)
        })
    });
    let set = move |preset| {
        tree.desk.edit(&tree.goal.get_value(), PlanEdit::SetPreset { task: own.get_value(), preset })
    };
    view! {
        <div class="field">
            <span>"How it is gone about"</span>
            <span class="seg" role="radiogroup" aria-label="How it is gone about">
                {Preset::ALL.map(|value| view! {
                    <button role="radio" aria-checked=move || (known.get() == Some(value)).to_string() on:click=move |_| set(value)>{crate::words::preset(value).0}</button>
                }).collect_view()}
            </span>
            <span class="hint">{move || known.get().map(|preset| crate::words::preset(preset).1)}</span>
        </div>
    }
}
