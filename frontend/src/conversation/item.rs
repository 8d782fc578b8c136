//! One item of a conversation.

use conductor::status::Reason;
use leptos::prelude::*;
use shared::agent::ErrorClass;
use shared::entry::{Outcome, Purpose};
use shared::evidence::CommitOutcome;
use shared::id::{MessageId, TaskId};
use shared::retry::Again;
use shared::unit::Millis;

use super::revision::revision;
use super::turn::TurnView;
use crate::component::copy::copy;
use crate::component::flow::Show;
use crate::component::icon::Icon;
use crate::desk::Desk;
use crate::markdown::view::markdown;
use crate::transcript::{Item, What};
use crate::words;

/// Where the time will be.
const WAITS: &str = "waits for the bridge";

#[component]
pub fn ItemView(id: TaskId, item: Item) -> impl IntoView {
    let at = item.at;
    if let Some((icon, words)) = deed(&item.what) {
        return line(icon, at, words);
    }
    match item.what {
        What::Goal(text) => person("Goal", at, text, ().into_any()),
        What::Said { text, message } => person("You", at, text.clone(), told(id, message, text)),
        // The rest are deeds.
        What::Withdrawn(_)
        | What::Given(_)
        | What::Wanted
        | What::Rejected
        | What::Approved
        | What::Stopped
        | What::Requeued
        | What::Retried
        | What::GivenUp(_)
        | What::Closed => ().into_any(),
        What::Turn { purpose: Purpose::Terminal, .. } => {
            line("agent", at, "You opened a terminal; it stands under Terminal.".to_owned())
        }
        What::Turn { run, purpose } => {
            let name = match purpose {
                Purpose::Plan => "Planner",
                Purpose::Work => "",
                Purpose::Summary => "Summary",
                Purpose::Talk | Purpose::Terminal => "",
                Purpose::Classify => "Looks how hard it is",
                Purpose::Diagnose => "Looks at why it failed",
                Purpose::Base | Purpose::After => "Look at the folder",
                Purpose::Check => "Check",
                Purpose::Review => "Reviewer",
                Purpose::Commit => "Commit",
                Purpose::Repair => "Repair",
            };
            view! { <TurnView run=run name=name/> }.into_any()
        }
        What::Proposed { version, tasks, .. } => {
            let said = line(
                "tree",
                at,
                format!(
                    "Plan v{version} with {tasks} tasks is on the table. Change it in the tree, say what should be different, or approve it."
                ),
            );
            let changes = revision(expect_context::<Desk>(), &id, version);
            view! { <div class="stack">{said}{changes}</div> }.into_any()
        }
        What::Refused(problems) => refused(at, problems),
        What::Adopted => {
            line("completed", at, "The plan is carried out as it is, as this goal's preset says.".to_owned())
        }
        What::Claimed => {
            line("review", at, "Its agent says that it is done. What was wanted is shown now.".to_owned())
        }
        What::Reused(summary) => view! { <Reused id=id at=at summary=summary/> }.into_any(),
        What::Replaced(why) => line("review", at, format!("{why} Another agent reviews.")),
        What::Trimmed(cuts) => {
            let cuts = words::cuts(&cuts);
            line("minus", at, format!("{cuts} More may fit: see limits and models."))
        }
        What::Checked { check, problem: None } => line("completed", at, format!("{check} holds.")),
        What::Checked { check, problem: Some(problem) } => {
            found(at, &format!("{check} does not hold"), vec![problem])
        }
        What::Reviewed { summary, findings } if findings.is_empty() => {
            line("completed", at, format!("The reviewer lets it pass. {summary}"))
        }
        What::Reviewed { findings, .. } => found(at, "The reviewer does not let it pass", findings),
        What::Committed(CommitOutcome::Made { commit, left }) => {
            line("branch", at, words::committed(&commit, &left))
        }
        What::Committed(CommitOutcome::Nothing { why }) => line("branch", at, why),
        What::Committed(CommitOutcome::Failed { problem }) => {
            found(at, "It cannot be committed", vec![problem])
        }
        What::Settled(outcome) => view! { <Settled id=id at=at outcome=outcome/> }.into_any(),
        What::Handed => {
            let (desk, task) = (expect_context::<Desk>(), StoredValue::new(id));
            let objective = move || {
                desk.read(|state| state.task(&task.get_value()).map(|task| markdown(&task.objective).into_any()))
            };
            view! {
                <div class="outcome" data-status="waiting">
                    <span class="status"><Icon name="waiting"/>"It is yours to do."<span class="meta">{words::time(at)}</span></span>
                    <div class="prose">{objective}</div>
                </div>
            }
            .into_any()
        }
        What::Accepted(words) => view! { <Settled id=id at=at outcome=Outcome::Completed { summary: words, outputs: Vec::new(), not_done: Vec::new() }/> }.into_any(),
    }
}

/// What the person did, in a line: its icon and words. What they said, and what came of work, is more than that.
fn deed(what: &What) -> Option<(&'static str, String)> {
    let (icon, words) = match what {
        What::Given(0) => ("tree", "You make the plan yourself."),
        What::Given(tasks) => return Some(("tree", format!("You gave a plan with {tasks} tasks."))),
        What::Wanted => ("tree", "You asked to have it planned."),
        What::Rejected => ("undo", "You left it as it was."),
        What::Approved => ("completed", "You approved the plan."),
        What::Stopped => ("stop", "You stopped it."),
        What::Requeued => ("retry", "You put it back in the queue."),
        What::Retried => ("retry", "You asked for a fresh attempt."),
        What::Accepted(words) if words.is_empty() => ("completed", "You marked it as done."),
        What::GivenUp(why) => return Some(("failed", format!("You said that it cannot be done: {why}"))),
        What::Closed => ("completed", "You finished the goal without what was left."),
        _ => return None,
    };
    Some((icon, words.to_owned()))
}

/// What the person said and did since the bridge is gone. It has no time: that is when the bridge takes it.
#[component]
pub fn Unsent(what: Memo<Vec<What>>) -> impl IntoView {
    move || {
        let shown = what.get().into_iter().filter_map(|what| match what {
            What::Said { text, .. } | What::Goal(text) | What::Accepted(text) if !text.is_empty() => {
                Some(said("You", WAITS.into_any(), text, ().into_any()))
            }
            what => deed(&what).map(|(icon, words)| {
                view! { <div class="row meta"><Icon name=icon/><span>{words}</span><span class="push">{WAITS}</span></div> }
                    .into_any()
            }),
        });
        shown.map(|item| view! { <div class="said" data-unsent="">{item}</div> }).collect_view()
    }
}

fn person(name: &'static str, at: Millis, text: String, note: AnyView) -> AnyView {
    said(name, words::time(at).into_any(), text, note)
}

fn said(name: &'static str, when: AnyView, text: String, note: AnyView) -> AnyView {
    view! {
        <article class="msg" data-from="person">
            <header><b>{name}</b><span>{when}</span>{note}</header>
            <div class="prose">{text}</div>
        </article>
    }
    .into_any()
}

/// How the message came to a turn that had begun, where it did.
fn told(task: TaskId, message: MessageId, text: String) -> AnyView {
    let desk = expect_context::<Desk>();
    if desk.peek(|state| state.task(&task).is_some_and(|task| task.late.contains(&message))) {
        return view! {
            "came after the question was answered; its agent was not told"
            <button class="button push" data-kind="plain" data-size="sm" on:click=move |_| desk.send(&task, text.clone())>"Send it again"</button>
        }
        .into_any();
    }
    let told = Memo::new(move |_| {
        desk.read(|state| {
            let runs = state.task(&task)?.runs.iter().rev().filter_map(|run| state.run(run));
            runs.flat_map(|run| &run.told).find(|told| told.message.id == message).map(|told| told.read)
        })
    });
    (move || match told.get() {
        Some(true) => "read while it worked",
        Some(false) => "sent; read at its next step",
        None => "",
    })
    .into_any()
}

fn line(icon: &'static str, at: Millis, text: String) -> AnyView {
    view! { <div class="row meta"><Icon name=icon/><span>{text}</span><span class="push">{words::time(at)}</span></div> }.into_any()
}

fn refused(at: Millis, problems: Vec<String>) -> AnyView {
    found(at, "The planner's answer cannot be used", problems)
}

/// What is wrong with an answer or with work, one line each.
fn found(at: Millis, what: &str, problems: Vec<String>) -> AnyView {
    view! {
        <div class="outcome" data-status="failed">
            <span class="status"><Icon name="failed"/>{what.to_owned()}<span class="meta">{words::time(at)}</span></span>
            <ul class="prose">{problems.into_iter().map(|problem| view! { <li>{problem}</li> }).collect_view()}</ul>
        </div>
    }
    .into_any()
}

/// What came of a turn.
#[component]
fn Settled(id: TaskId, at: Millis, outcome: Outcome) -> impl IntoView {
    let desk = expect_context::<Desk>();
    match outcome {
        // The agent's own words stand above; an empty one closes talk.
        Outcome::Completed { summary, .. } if summary.is_empty() => ().into_any(),
        Outcome::Completed { summary, outputs, not_done } => {
            let files = (!outputs.is_empty()).then(|| view! { <p class="meta">"Files: "{outputs.join(", ")}</p> });
            let text = summary.clone();
            let left = (!not_done.is_empty()).then(|| view! { <p class="meta">"Not done: "{not_done.join("; ")}</p> });
            view! {
                <div class="outcome" data-status="completed">
                    <span class="status"><Icon name="completed"/>"Completed"<span class="meta">{words::time(at)}</span>
                        <button class="button push" data-kind="plain" data-size="sm" aria-label="Copy the result as Markdown" title="Copy as Markdown" on:click=move |_| copy(desk, "the result as Markdown", text.clone())><Icon name="copy"/></button>
                    </span>
                    <div class="prose">{markdown(&summary)}</div>{files}{left}
                </div>
            }
            .into_any()
        }
        Outcome::Failed { class, why } => view! {
            <div class="outcome" data-status="failed" role="alert">
                <span class="status"><Icon name="failed"/>{format!("Failed: {}", words::class_words(class))}<span class="meta">{words::time(at)}</span></span>
                <div class="prose">{markdown(&why)}</div>
                <p class="meta">{words::next_step(class)}</p>
                <div><button class="button" data-size="sm" on:click=move |_| desk.retry(&id)><Icon name="retry"/>"Retry"</button></div>
            </div>
        }
        .into_any(),
        Outcome::Asked { question, options } => view! { <Question id=id at=at question=question options=options/> }.into_any(),
        Outcome::Yielded { summary, .. } => view! {
            <div class="outcome" data-status="waiting">
                <span class="status"><Icon name="waiting"/>"Your turn: write what comes next, or mark it as done."<span class="meta">{words::time(at)}</span></span>
                <div class="prose">{markdown(&summary)}</div>
            </div>
        }
        .into_any(),
        Outcome::Limited { again: Again::Instead { harness }, why, .. } => line("retry", at, format!("{why} {harness} goes on with it.")),
        Outcome::Limited { until, .. } if until <= at => line("retry", at, "It was interrupted and goes on when it can.".to_owned()),
        Outcome::Limited { class, again, why, .. } => view! { <CutShort id=id at=at class=class again=again why=why/> }.into_any(),
        Outcome::Cancelled => line("cancelled", at, "Stopped.".to_owned()),
    }
}

/// A result that is another's, and the way to have it done all the same.
#[component]
fn Reused(id: TaskId, at: Millis, summary: String) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let own = StoredValue::new(id);
    let said =
        Memo::new(move |_| desk.read(|state| conductor::words::reused(state, state.task(&own.get_value())?)));
    view! {
        <div class="outcome" data-status="completed">
            <span class="status"><Icon name="completed"/>"Completed, by an earlier result"<span class="meta">{words::time(at)}</span></span>
            <div class="prose">{markdown(&summary)}</div>
            <p class="meta">{move || said.get()}</p>
            <Show when=move || said.get().is_some()>
                <div><button class="button" data-size="sm" on:click=move |_| desk.retry(&own.get_value())><Icon name="retry"/>"Run it anyway"</button></div>
            </Show>
        </div>
    }
}

/// A turn that is taken up again at its time, or as soon as the person wishes.
#[component]
fn CutShort(id: TaskId, at: Millis, class: Option<ErrorClass>, again: Again, why: String) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let own = StoredValue::new(id);
    // While it still waits for this, when that is over.
    let waits = Memo::new(move |_| {
        let now = desk.clock.get();
        let until = desk.look(&own.get_value(), |_, task, row| match row.status.reason {
            Reason::ResumesAt { until, .. } if task.since == at && task.current.is_none() => Some(until),
            _ => None,
        });
        until.flatten().filter(|until| *until > now)
    });
    let what = if again.is_go_on() { "Cut short" } else { "Failed" };
    let class = class.map_or("the provider makes it wait", words::class_words);
    let when = move || match waits.get() {
        Some(until) => {
            let span = words::span(until.since(desk.clock.get()));
            format!("{what}: {class}; {} in {span}, at {}.", words::again_words(again), words::time(until))
        }
        None => format!("{what}: {class}. The wait is over."),
    };
    view! {
        <div class="row meta"><span class="status" data-status="limited"><Icon name="limited"/>{when}</span></div>
        {(!why.is_empty()).then(|| view! { <div class="prose">{markdown(&why)}</div> })}
    }
}

#[component]
fn Question(id: TaskId, at: Millis, question: String, options: Vec<String>) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let (own, asked) = (StoredValue::new(id), question.clone());
    let open = Memo::new(move |_| {
        desk.read(|state| {
            let task = state.task(&own.get_value());
            task.is_some_and(|task| task.since == at && task.queue.is_empty() && matches!(&task.standing, conductor::state::Standing::Asked { question, .. } if *question == asked))
        })
    });
    view! {
        <article class="ask" data-state=move || (!open.get()).then_some("settled")>
            <header><Icon name="waiting"/><b>{move || if open.get() { "Asks you" } else { "Asked, and answered" }}</b><span class="meta push">{words::time(at)}</span></header>
            <div><div class="prose">{markdown(&question)}</div></div>
            <Show when=move || open.get()>
                <footer>
                    {options.clone().into_iter().map(|option| {
                        let answer = option.clone();
                        view! { <button class="button" on:click=move |_| desk.send(&own.get_value(), answer.clone())>{option}</button> }
                    }).collect_view()}
                    <span class="meta push">"or write an answer below. If ignored: it stays waiting."</span>
                </footer>
            </Show>
        </article>
    }
}
