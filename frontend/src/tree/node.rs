//! One node: glyph, number, name, what it does or waits for, and what it cost.

use conductor::budget::Envelope;
use conductor::health::{self, Warning};
use conductor::plan::TITLE;
use conductor::status::{Kind, Waker};
use conductor::survey::Survey;
use leptos::attr::custom::custom_attribute;
use leptos::prelude::*;
use shared::id::TaskId;
use shared::plan::Mode;
use shared::unit::Millis;

use super::link::{self, Linking};
use super::view::Tree;
use crate::component::envelope::Meter;
use crate::component::flow::Show;
use crate::component::icon::Icon;
use crate::component::settled::settled;
use crate::words;

/// A task on its way to another place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drag {
    pub task: TaskId,
    /// Where the pointer went down, and how far it is from there.
    pub from: (i32, i32),
    pub by: (i32, i32),
    pub drop: Option<(TaskId, Spot)>,
    /// Why it cannot fall there.
    pub problem: Option<String>,
    pub with: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spot {
    Before,
    Under,
    After,
}

/// Parts of a folded group that are told by a mark each.
const PIPS: usize = 8;

/// What is drawn of a task; a row changes only when this does.
#[derive(Debug, Clone, PartialEq)]
struct Face {
    kind: Kind,
    number: String,
    title: String,
    sub: String,
    cost: String,
    /// 80 % of a cap is used.
    near: bool,
    /// Why it is worth a look, in the place of what it does.
    warned: bool,
    envelope: Option<Envelope>,
    mode: Mode,
    goal: bool,
    plan: bool,
    group: bool,
    pips: Vec<Kind>,
    /// Of a folded branch: how many below it wait for the person.
    waiting: u32,
    done: String,
    /// Since when it runs or waits for the person.
    since: Option<Millis>,
    /// The same of whatever it waits for, as a time of day.
    waits: Option<Millis>,
    /// What the proposed version did to it: the kind, and in words.
    change: Option<(&'static str, String)>,
}

/// The clock where time is part of the words, and the last moment at which a warning came by time.
#[derive(Clone, Copy)]
struct Times {
    now: Millis,
    pulse: Millis,
}

fn face(
    state: &conductor::State,
    survey: &Survey,
    id: &TaskId,
    folded: bool,
    marks: Option<&TaskId>,
    times: Times,
) -> Option<Face> {
    let task = state.task(id)?;
    let sum = survey.row(id)?;
    let own = &sum.status;
    let parts = || task.children.iter().filter_map(|part| Some(survey.row(part)?.status.kind));
    let planner = state.planner_above(task);
    // What has begun is not what the person is asked about.
    let plan = task.runs.is_empty() && planner.is_some_and(conductor::plan::awaits_approval);
    let closed = folded && task.is_group();
    let kind = if closed { sum.worst } else { own.kind };
    let news = planner.filter(|planner| marks == Some(&planner.id));
    let news = news.and_then(|planner| planner.planning.as_ref()?.news());
    let change = news.and_then(|news| news.changes.iter().find(|change| change.task == *id));
    // That a cap is near is marked beside it.
    let warnings = health::warnings(state, task, times.pulse);
    let warning = warnings.iter().find(|warning| !matches!(warning, Warning::Near(_)));
    let persona = conductor::persona::of(state, task).filter(|_| !task.is_goal());
    let name = persona.map(|persona| persona.name.clone());
    let says =
        Some(warning.map_or_else(|| words::says(state, task, own, times.now), |it| words::warning(*it)));
    Some(Face {
        warned: warning.is_some(),
        change: change.map(|change| (words::change_kind(&change.what), words::change(state, &change.what))),
        kind,
        number: task.number_text(),
        title: task.title.clone(),
        sub: [name, says]
            .into_iter()
            .flatten()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(" · "),
        cost: words::spent(state, task),
        near: conductor::budget::near(state, task, times.pulse).is_some(),
        envelope: conductor::budget::envelope(state, task).filter(|_| task.is_goal() || closed),
        mode: task.mode,
        goal: task.is_goal(),
        plan,
        group: task.is_group(),
        waiting: if closed { sum.waiting } else { 0 },
        done: if task.is_group() { format!("{}/{}", sum.done, sum.all) } else { String::new() },
        pips: if task.is_group() && !task.is_goal() { parts().take(PIPS).collect() } else { Vec::new() },
        since: (matches!(own.kind, Kind::Active | Kind::Waiting) && !task.is_group()).then_some(own.since),
        waits: matches!(own.kind, Kind::Waiting | Kind::Failed | Kind::Limited | Kind::Review)
            .then(|| own.since_at(times.now)),
    })
}

#[component]
pub fn Node(tree: Tree, id: TaskId) -> impl IntoView {
    let own = StoredValue::new(id);
    Effect::new(move |_| super::adding::drawn(tree, &own.get_value()));
    let folded = Memo::new(move |_| tree.folded.with(|folded| folded.contains(&own.get_value())));
    let face = settled(move || {
        let (id, folded, marks) = (own.get_value(), folded.get(), tree.marks.get());
        let pulse = tree.desk.pulse.get();
        tree.desk.surveyed(&id, |state, survey| {
            let waker = survey.row(&id).map(|row| row.status.waker());
            // The clock is read only where time is part of the words.
            let counts = matches!(waker, Some(Waker::Clock(_)));
            let times = Times { now: if counts { tree.desk.clock.get() } else { Millis(0) }, pulse };
            face(state, survey, &id, folded, marks.as_ref(), times)
        })
    });
    let spot = Memo::new(move |_| {
        tree.drawn.with(|drawn| own.with_value(|own| drawn.iter().find(|node| node.id == *own).cloned()))
    });
    let selected = Memo::new(move |_| tree.here.task().as_ref() == Some(&own.get_value()));
    let lifted = Memo::new(move |_| {
        tree.drag.with(|drag| drag.as_ref().filter(|drag| drag.task == own.get_value()).map(|drag| drag.by))
    });
    let drop = Memo::new(move |_| {
        tree.drag.with(|drag| {
            let (target, spot) = drag.as_ref()?.drop.as_ref()?;
            (*target == own.get_value()).then_some(match spot {
                Spot::Before => "before",
                Spot::Under => "under",
                Spot::After => "after",
            })
        })
    });
    // Where the dependency that is being drawn would end, and whether it may.
    let link = move || {
        tree.linking.with(|linking| match linking {
            Some(Linking::Drag { over: Some(over), problem, .. }) if *over == own.get_value() => {
                Some(if problem.is_some() { "refused" } else { "to" })
            }
            Some(Linking::Keys { task }) if *task == own.get_value() => Some("from"),
            _ => None,
        })
    };
    let is_goal = Memo::new(move |_| face.with(|face| face.as_ref().map(|face| face.goal)));
    let px = |value: u32| format!("{value}px");
    let left = move || {
        spot.get()
            .map(|spot| format!("{}px", i64::from(spot.x) + i64::from(lifted.get().map_or(0, |by| by.0))))
    };
    let top = move || {
        spot.get()
            .map(|spot| format!("{}px", i64::from(spot.y) + i64::from(lifted.get().map_or(0, |by| by.1))))
    };
    let fold_state = move || {
        face.with(|face| {
            face.as_ref()
                .filter(|face| face.group && !face.goal)
                .map(|_| if folded.get() { "closed" } else { "open" })
        })
    };
    view! {
        <div class="node" role="treeitem"
            data-status=move || face.with(|face| face.as_ref().map(|face| face.kind.token()))
            data-kind=move || face.with(|face| face.as_ref().filter(|face| face.goal).map(|_| "goal"))
            data-plan=move || face.with(|face| face.as_ref().filter(|face| face.plan).map(|_| ""))
            data-fold=fold_state
            data-zoom=move || (tree.zoom().percent != 100).then(|| tree.zoom().percent.to_string())
            data-change=move || face.with(|face| face.as_ref()?.change.as_ref().map(|change| change.0))
            data-lifted=move || lifted.get().map(|_| "")
            data-drop=move || drop.get()
            data-link=link
            data-task=own.get_value().to_string()
            aria-selected=move || selected.get().to_string()
            aria-posinset=move || spot.get().map(|spot| spot.position.0.to_string())
            aria-setsize=move || spot.get().map(|spot| spot.position.1.to_string())
            aria-expanded=move || fold_state().map(|state| (state == "open").to_string())
            tabindex=move || if selected.get() { "0" } else { "-1" }
            title=move || face.get().map(|face| hover(&face))
            style:left=left
            style:top=top
            style:width=move || spot.get().map(|spot| match spot.width {
                0 => format!("calc(100% - {}px)", spot.x),
                width => px(width),
            })
            style:height=move || spot.get().map(|spot| px(spot.height))
            on:click=move |_| tree.here.select(&own.get_value())
            on:dblclick=move |_| super::keys::change_mode(tree, &own.get_value())
            on:contextmenu=move |event| {
                event.prevent_default();
                tree.here.select(&own.get_value());
                tree.menu.set(Some((own.get_value(), event.client_x(), event.client_y())));
            }
            on:pointerdown=move |event| super::keys::grab(tree, &own.get_value(), &event)
            {..custom_attribute("aria-level", move || spot.get().map(|spot| (spot.level + 1).to_string()))}
        >
            {move || is_goal.get().map(|goal| if goal {
                view! { <GoalFace face=face/> }.into_any()
            } else {
                view! { <TaskFace tree=tree own=own face=face folded=folded/> }.into_any()
            })}
        </div>
    }
}

/// The whole name, what the proposed version did to it, and since when it waits.
fn hover(face: &Face) -> String {
    let change =
        face.change.as_ref().map(|(kind, what)| format!(" ({})", format!("{kind} {what}").trim_end()));
    let since = face.waits.map(|since| format!("\n{} since {}", face.kind.word(), words::moment(since)));
    format!("{}{}{}", face.title, change.unwrap_or_default(), since.unwrap_or_default())
}

/// What a screen reader hears where others see a glyph and a mark: "4.2, Merge guest cart
/// waiting for you, …".
fn heard(face: &Face) -> String {
    let since = face.waits.map(|since| format!(" since {}", words::time(since)));
    let status = format!("{}{}", face.kind.word().to_lowercase(), since.unwrap_or_default());
    match &face.change {
        Some((kind, what)) if what.is_empty() => format!("{status}, {kind}, "),
        Some((kind, what)) => format!("{status}, {kind} {what}, "),
        None => format!("{status}, "),
    }
}

#[component]
fn GoalFace(face: ReadSignal<Option<Face>>) -> impl IntoView {
    let part = move |look: fn(&Face) -> String| move || face.with(|face| face.as_ref().map(look));
    view! {
        <span class="name">{part(|face| face.title.clone())}<span class="sr">{part(heard)}</span></span>
        <span class="status" data-status=move || face.with(|face| face.as_ref().map(|face| face.kind.token()))>
            <Icon name=Signal::derive(move || face.with(|face| face.as_ref().map_or("pending", |face| face.kind.token())))/>
            <span class="clip">{part(|face| face.sub.clone())}</span>
        </span>
        <Meter envelope=Signal::derive(move || face.with(|face| face.as_ref().and_then(|face| face.envelope)))/>
        <span class="end">{part(|face| {
            let done = match face.envelope {
                _ if !face.group => String::new(),
                // Beside the budget there is little room.
                Some(_) => face.done.clone(),
                None => format!("{} done", face.done),
            };
            [done, face.cost.clone()].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
        })}</span>
    }
}

#[component]
fn TaskFace(
    tree: Tree,
    own: StoredValue<TaskId>,
    face: ReadSignal<Option<Face>>,
    folded: Memo<bool>,
) -> impl IntoView {
    let part = move |look: fn(&Face) -> String| move || face.with(|face| face.as_ref().map(look));
    let elapsed = move || {
        let since = face.with(|face| face.as_ref().and_then(|face| face.since));
        since.map(|since| words::span(tree.desk.clock.get().since(since)))
    };
    // A memo: a field that is being typed in must not be made anew.
    let naming = Memo::new(move |_| tree.naming.with(|naming| naming.as_ref() == Some(&own.get_value())));
    let pips = move || {
        face.with(|face| {
            face.as_ref().filter(|_| folded.get()).map(|face| {
                face.pips.iter().map(|kind| view! { <i data-status=kind.token()></i> }).collect_view()
            })
        })
    };
    let plan = Memo::new(move |_| face.with(|face| face.as_ref().is_some_and(|face| face.plan)));
    view! {
        <span class="glyph"><Icon name=Signal::derive(move || face.with(|face| face.as_ref().map_or("pending", |face| face.kind.token())))/></span>
        <span class="name">
            <span class="no">{part(|face| face.number.clone())}<span class="comma">", "</span></span>
            {move || if naming.get() {
                view! { <NameField tree=tree own=own title=face.with_untracked(|face| face.as_ref().map(|face| face.title.clone())).unwrap_or_default()/> }.into_any()
            } else {
                view! { <span class="called clip">{part(|face| face.title.clone())}</span> }.into_any()
            }}
            <span class="sr">{part(heard)}</span>
        </span>
        <span class="sub clip" data-near=move || face.with(|face| face.as_ref().filter(|face| face.warned).map(|_| ""))>{part(|face| face.sub.clone())}</span>
        <span class="end">
            <Show when=move || plan.get()>
                <button class="mode" title="Change the mode" tabindex="-1"
                    data-mode=move || face.with(|face| face.as_ref().map(|face| words::mode_token(face.mode)))
                    on:dblclick=move |event| event.stop_propagation()
                    on:click=move |event| { event.stop_propagation(); super::keys::change_mode(tree, &own.get_value()); }
                >{part(|face| words::mode(face.mode).to_owned())}</button>
            </Show>
            <Show when=move || face.with(|face| face.as_ref().is_some_and(|face| face.waiting > 0))>
                <span class="count" title="Wait for you below">{part(|face| face.waiting.to_string())}<span class="sr">" waiting for you below"</span></span>
            </Show>
            <span class="pips" aria-hidden="true">{pips}</span>
            {part(|face| if face.group { face.done.clone() } else { String::new() })}
            // Not a part of the node's name, which would be told anew each second.
            <span aria-hidden="true">{elapsed}</span>
            <span data-near=move || face.with(|face| face.as_ref().filter(|face| face.near).map(|_| ""))>{part(|face| face.cost.clone())}</span>
        </span>
        <Meter envelope=Signal::derive(move || face.with(|face| face.as_ref().and_then(|face| face.envelope)))/>
        <span class="port" aria-hidden="true" title="Drag to the task that shall wait for this one" on:pointerdown=move |event| link::pull(tree, &own.get_value(), &event)></span>
        <Show when=move || face.with(|face| face.as_ref().is_some_and(|face| face.group))>
            <button class="fold" tabindex="-1" aria-label="Fold" on:click=move |event| { event.stop_propagation(); tree.fold(&own.get_value()); }>
                <Icon name=Signal::derive(move || if folded.get() { "plus" } else { "minus" })/>
            </button>
        </Show>
    }
}

/// The name as a field: Enter keeps, Esc restores, leaving it keeps.
#[component]
fn NameField(tree: Tree, own: StoredValue<TaskId>, title: String) -> impl IntoView {
    let text = RwSignal::new(title.clone());
    let node = NodeRef::<leptos::html::Input>::new();
    Effect::new(move |_| {
        if let Some(field) = node.get() {
            // Its text is bound after this effect, and choosing it with the next frame would take in the letters that
            // are typed until then: the next one would replace them.
            field.set_value(&text.get_untracked());
            let _ = field.focus();
            field.select();
        }
    });
    let done = move |keep: bool| {
        if tree.naming.with_untracked(|naming| naming.as_ref() == Some(&own.get_value())) {
            let text = text.get_untracked();
            super::keys::call(tree, &own.get_value(), if keep && text != title { &text } else { "" });
        }
    };
    let (on_key, on_blur) = (done.clone(), done);
    view! {
        <input class="input" aria-label="Name" maxlength=TITLE node_ref=node prop:value=move || text.get()
            on:input=move |event| text.set(event_target_value(&event))
            on:click=move |event| event.stop_propagation()
            on:pointerdown=move |event| event.stop_propagation()
            on:keydown=move |event| {
                event.stop_propagation();
                let key = event.key();
                // While letters are composed, these keys are the composition's.
                if matches!(key.as_str(), "Enter" | "Escape") && !event.is_composing() {
                    on_key(key == "Enter");
                    super::keys::focus(tree);
                }
            }
            on:blur=move |event| {
                on_blur(true);
                // Who went to another field is not called back.
                if event.related_target().is_none() {
                    super::keys::focus(tree);
                }
            }
        />
    }
}
