//! The work: the tree on the left, the open conversation on the right, a divider between them.

use conductor::planning::Plan;
use conductor::state::Task;
use conductor::status::Kind;
use conductor::survey::Row;
use conductor::terminal::opened;
use gloo_storage::{LocalStorage as Local, Storage};
use leptos::prelude::*;
use shared::agent::HarnessId;
use shared::id::TaskId;
use shared::plan::{Mode, PlanEdit};

use super::caps::{AtCap, BudgetField};
use super::details::Details;
use super::health::Warnings;
use super::news::news;
use super::permit::{self, Permission};
use super::terminal::{Terminal, has_place};
use super::waits::Waits;
use crate::component::dialog::{self, Dialog};
use crate::component::flow::{For, Show};
use crate::component::icon::{Icon, StatusMark};
use crate::component::settled::settled;
use crate::conversation::Conversation;
use crate::desk::Desk;
use crate::place::Here;
use crate::tree::adding::NewTask;
use crate::tree::keys;
use crate::tree::layout::ZOOMS;
use crate::tree::menu::Menu;
use crate::tree::place::MoveDialog;
use crate::tree::stopping::StopDialog;
use crate::tree::view::{Pane, Tree, TreePane};
use crate::words;

const WIDTH: &str = "orchestrator.talk";

#[component]
pub fn Work(goal: TaskId) -> impl IntoView {
    let (desk, here) = (expect_context::<Desk>(), expect_context::<Here>());
    let tree = Tree::open(desk, here, goal);
    let help = RwSignal::new(false);
    let pane = tree.pane;
    let width = RwSignal::new(Local::get::<i32>(WIDTH).unwrap_or(680));
    let own = tree.goal;
    let task = Memo::new(move |_| {
        here.task()
            .filter(|task| {
                desk.read(|state| state.task(task).is_some_and(|task| task.root == own.get_value()))
            })
            .unwrap_or_else(|| own.get_value())
    });
    let shortcuts = window_event_listener(leptos::ev::keydown, move |event| everywhere(tree, help, &event));
    on_cleanup(move || shortcuts.remove());
    keys::focus(tree);
    // On a narrow screen a chosen task shows its conversation, but not while its name is being written.
    // Nor does a task that was added in the tree: another may follow it.
    Effect::new(move |before: Option<Option<TaskId>>| {
        let chosen = here.task();
        let naming = tree.naming.with_untracked(Option::is_some);
        let added = tree.awaited.with_value(|awaited| awaited.is_some() && *awaited == chosen);
        if before.is_some_and(|before| before != chosen) && !naming && !added {
            pane.set(Pane::Talk);
        }
        chosen
    });
    view! {
        <div class="split" data-view=move || if pane.get() == Pane::Tree { "tree" } else { "talk" } style=("--talk", move || format!("{}px", width.get()))>
            <section class="pane" data-kind="canvas" aria-label="Task tree">
                <TreeStrip tree=tree help=help/>
                // Also a tap on the task that is chosen already.
                <div class="canvas" on:click=move |event| if on_node(&event) { pane.set(Pane::Talk) }>
                    <TreePane tree=tree/>
                    <Index tree=tree/>
                </div>
                <Approval tree=tree/>
            </section>
            <Divider width=width/>
            <section class="pane" aria-label="Conversation">
                {move || view! { <TaskPane tree=tree id=task.get()/> }}
            </section>
        </div>
        <nav class="switch" aria-label="Views">
            <button aria-pressed=move || (pane.get() == Pane::Tree).to_string() on:click=move |_| pane.set(Pane::Tree)>"Tree"</button>
            <button aria-pressed=move || (pane.get() == Pane::Talk).to_string() on:click=move |_| pane.set(Pane::Talk)>"Talk"</button>
        </nav>
        <Menu tree=tree/>
        <NewTask tree=tree/>
        <MoveDialog tree=tree/>
        <StopDialog tree=tree/>
        <Dialog open=help title="Keys"><Keys/></Dialog>
    }
}

fn on_node(event: &web_sys::MouseEvent) -> bool {
    use wasm_bindgen::JsCast;
    let element = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    element.is_some_and(|element| element.closest(".node").is_ok_and(|node| node.is_some()))
}

/// It is meant for a field.
pub(super) fn is_typing(event: &web_sys::KeyboardEvent) -> bool {
    use wasm_bindgen::JsCast;
    let target = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    target.is_some_and(|target| keys::is_field(&target))
}

/// Keys that work wherever the focus is, but in a text field.
fn everywhere(tree: Tree, help: RwSignal<bool>, event: &web_sys::KeyboardEvent) {
    let typing = is_typing(event);
    if event.default_prevented() || dialog::is_open() {
        return;
    }
    if event.key() == "Enter" && event.ctrl_key() && !typing {
        // Where the open task asks to be allowed something, it is the answer to that.
        if tree.here.now().task.is_none_or(|task| !permit::asks(tree.desk, &task)) {
            tree.approve();
        }
        return;
    }
    if event.key() == "Escape" && typing {
        keys::focus(tree);
        return;
    }
    if typing {
        return;
    }
    let command = event.ctrl_key() || event.meta_key();
    match event.key().as_str() {
        "z" | "Z" if command => {
            event.prevent_default();
            if event.shift_key() { tree.desk.redo() } else { tree.desk.undo() }
        }
        _ if command => {}
        "?" => help.set(true),
        "z" => tree.desk.undo(),
        "Z" => tree.desk.redo(),
        "[" => keys::focus(tree),
        "]" => {
            event.prevent_default();
            keys::focus_composer();
        }
        _ => {}
    }
}

#[component]
fn TreeStrip(tree: Tree, help: RwSignal<bool>) -> impl IntoView {
    let desk = tree.desk;
    let head = Memo::new(move |_| {
        desk.read(|state| {
            let task = state.task(&tree.goal.get_value())?;
            let goal = task.goal.as_ref()?;
            let planning = task.planning.as_ref()?;
            let plan = match &planning.plan {
                Plan::Wanted | Plan::Refused { .. } if task.is_planned_again() => {
                    format!("plan v{}, planned again; what runs goes on", planning.version)
                }
                Plan::Wanted | Plan::Refused { .. } => "no plan yet".to_owned(),
                Plan::Proposed { at, .. } => {
                    let runs =
                        if task.is_planned_again() { "what runs goes on" } else { "nothing has run yet" };
                    format!("proposed plan v{}, {}; {runs}", planning.version, words::time(*at))
                }
                Plan::Approved { at } => {
                    format!("plan v{}, approved {}", planning.version, words::time(*at))
                }
                Plan::Answered | Plan::Unsplit { .. } | Plan::Rejected => "answered directly".to_owned(),
            };
            Some((task.title.clone(), plan, goal.harness == HarnessId::Demo))
        })
    });
    let part =
        move |look: fn(&(String, String, bool)) -> String| move || head.with(|head| head.as_ref().map(look));
    view! {
        <div class="strip">
            <h1 class="clip">{part(|head| head.0.clone())}</h1>
            <span class="meta clip">{part(|head| head.1.clone())}</span>
            <Show when=move || head.with(|head| head.as_ref().is_some_and(|head| head.2))>
                <span class="tag" title="No model and no network: it plans by plain rules and writes small notes.">"demo agent"</span>
            </Show>
            <span class="row push">
                <button class="button" data-kind="plain" data-size="sm" title="Undo the last edit (Z)" on:click=move |_| desk.undo()><Icon name="undo"/></button>
                <button class="button wide-only" data-kind="plain" data-size="sm" aria-label="Copy the plan as Markdown" title="Copy the plan as Markdown, with results" on:click=move |_| keys::copy_document(tree, &tree.goal.get_value())><Icon name="copy"/></button>
                <span class="seg roomy-only" role="group" aria-label="Zoom">
                    <button aria-label="Zoom out" on:click=move |_| tree.zoom_by(1)><Icon name="minus"/></button>
                    <button on:click=move |_| tree.zoom.set(crate::tree::layout::DEFAULT)>{move || format!("{}%", ZOOMS[tree.zoom.get()].percent)}</button>
                    <button aria-label="Zoom in" on:click=move |_| tree.zoom_by(-1)><Icon name="plus"/></button>
                </span>
                <button class="button roomy-only" data-kind="plain" data-size="icon" aria-label="Fit the tree" title="Fit the tree (F)" on:click=move |_| tree.fit()><Icon name="fit"/></button>
                <button class="button wide-only" data-kind="plain" data-size="icon" aria-label="Keys" title="Keys (?)" on:click=move |_| help.set(true)><Icon name="help"/></button>
            </span>
        </div>
    }
}

/// How many tasks are in each status.
#[component]
fn Index(tree: Tree) -> impl IntoView {
    let counted = Memo::new(move |_| {
        let goal = tree.goal.get_value();
        tree.desk.surveyed(&goal, |_, survey| survey.counts(&goal))
    });
    let room = move || {
        tree.layout.with(|layout| layout.nodes.iter().any(|node| node.level == 0))
            && !counted.read().is_empty()
    };
    view! {
        <Show when=room>
            <ul class="index" aria-label="Tasks by status">
                <For each=move || counted.get() key=|count| format!("{count:?}") children=|(kind, count)| view! {
                    <li><StatusMark kind=kind/><span class="push">{count}</span></li>
                }/>
            </ul>
        </Show>
    }
}

/// What is said of a plan that waits for a yes.
#[derive(Debug, Clone, PartialEq)]
struct Proposal {
    /// The task that it is for, where that is not the goal.
    of: Option<String>,
    /// There is something that it is in the place of.
    again: bool,
    tasks: usize,
    with_you: usize,
    may_ask: usize,
    parallel: usize,
    busy: bool,
    most: Option<shared::unit::MicroUsd>,
}

/// How many of these can be at work at once: as many as the limits let, and as there are that have no parts.
fn abreast(state: &conductor::State, below: &[&Task]) -> usize {
    let workers = below.iter().filter(|task| !task.is_group()).count();
    workers.min(state.limits.parallel as usize)
}

fn times(count: usize) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

/// What stands below a plan that waits for a yes, and below a goal that is held up.
#[component]
fn Approval(tree: Tree) -> impl IntoView {
    let desk = tree.desk;
    let plan = Memo::new(move |_| {
        desk.read(|state| {
            let task = state.task(&tree.proposal.get()?)?;
            let below = state.subtree(&task.id);
            let with_you =
                below.iter().filter(|task| matches!(task.mode, Mode::Interactive | Mode::Manual)).count();
            let may_ask = below.iter().filter(|task| task.mode == Mode::Hybrid).count();
            Some(Proposal {
                of: (!task.is_goal()).then(|| conductor::plan::name(task)),
                again: task.is_planned_again(),
                tasks: below.len() - 1,
                with_you,
                may_ask,
                parallel: abreast(state, &below),
                busy: task.current.is_some(),
                most: conductor::budget::most(state, task),
            })
        })
    });
    let stuck = Memo::new(move |_| {
        let stuck =
            desk.look(&tree.goal.get_value(), |state, task, Row { status, .. }| match &status.reason {
                conductor::status::Reason::Stuck(_) => Some(words::says(state, task, status, status.since)),
                _ => None,
            });
        stuck.flatten()
    });
    view! {
        {move || plan.get().map(|Proposal { of, again, tasks, with_you, may_ask, parallel, busy, most }| if tasks == 0 { view! {
            <footer class="approve" role="status">
                <p class="hint">"Your plan has no tasks yet. Add the first one, then more after it (N) or inside it (Shift N), and approve when it is whole. Or write to the planner to have it planned."</p>
                <button class="button push" data-kind="solid" disabled=busy on:click=move |_| keys::add_last(tree)><Icon name="plus"/>"Add the first task"</button>
            </footer>
        }.into_any() } else { view! {
            <footer class="approve">
                {news(tree)}
                {of.clone().map(|of| view! { <p class="clip">"Plan of "<b>{of}</b></p> })}
                <dl>
                    <div><dt>"Tasks"</dt><dd>{tasks}</dd></div>
                    <div><dt>"Side by side"</dt><dd>"up to "{parallel}</dd></div>
                    <div><dt>"Needs you"</dt><dd>{match (with_you, may_ask) {
                        (0, 0) => "not at all".to_owned(),
                        (0, ask) => format!("perhaps {}", times(ask)),
                        (with, 0) => times(with),
                        (with, ask) => format!("{}, perhaps {ask} more", times(with)),
                    }}</dd></div>
                    <div><dt>"May cost"</dt><dd>{most.map_or("no limit".to_owned(), |most| format!("up to {}", words::dollars(most)))}</dd></div>
                </dl>
                {of.is_none().then(|| view! { <BudgetField tree=tree/> })}
                <span class="row push">
                    {again.then(|| view! {
                        <button class="button" disabled=busy && of.is_some() on:click=move |_| tree.reject()>"Leave it as it was"</button>
                    })}
                    <button class="button" on:click=move |_| { tree.proposal.get_untracked().into_iter().for_each(|task| tree.here.select(&task)); keys::focus_composer(); }>"Say what to change"</button>
                    <button class="button" data-kind="solid" disabled=busy on:click=move |_| tree.approve()>
                        {if busy { "The planner is at it" } else { "Approve and start" }}<kbd class="key">"Ctrl Enter"</kbd>
                    </button>
                </span>
            </footer>
        }.into_any() })}
        {move || stuck.get().map(|words| view! {
            <footer class="approve" role="status">
                <span class="status" data-status="waiting"><Icon name="waiting"/>{format!("Nothing more can run: {words}.")}</span>
                <span class="row push">
                    <button class="button" on:click=move |_| desk.retry(&tree.goal.get_value())>"Retry what failed"</button>
                    <button class="button" on:click=move |_| desk.close_goal(&tree.goal.get_value())>"Finish without it"</button>
                </span>
            </footer>
        })}
    }
}

#[component]
fn Divider(width: RwSignal<i32>) -> impl IntoView {
    let set = move |value: i32| {
        width.set(value.clamp(480, 960));
        let _ = Local::set(WIDTH, width.get_untracked());
    };
    let full = || window().inner_width().ok().and_then(|width| width.as_f64()).unwrap_or(1440.0);
    #[expect(clippy::cast_possible_truncation, reason = "pixels of a screen")]
    let from_right = move |x: i32| full() as i32 - x;
    view! {
        <div class="divider" role="separator" aria-orientation="vertical" tabindex="0" aria-label="Width of the conversation"
            aria-valuenow=move || width.get().to_string() aria-valuemin="480" aria-valuemax="960"
            on:keydown=move |event| match event.key().as_str() {
                "ArrowLeft" => set(width.get_untracked() + 32),
                "ArrowRight" => set(width.get_untracked() - 32),
                _ => {}
            }
            on:pointerdown=move |event| {
                use wasm_bindgen::JsCast;
                if let Some(divider) = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok()) {
                    let _ = divider.set_pointer_capture(event.pointer_id());
                }
            }
            on:pointermove=move |event| if event.buttons() == 1 { set(from_right(event.client_x())) }
        ></div>
    }
}

/// The right pane: what the task is, and its conversation or its details.
#[component]
fn TaskPane(tree: Tree, id: TaskId) -> impl IntoView {
    let own = StoredValue::new(id.clone());
    let at_terminal =
        tree.desk.peek(|state| state.task(&id).is_some_and(|task| opened(state, task).is_some()));
    let tab = RwSignal::new(if at_terminal { "terminal" } else { "chat" });
    let place = Memo::new(move |_| {
        tree.desk.read(|state| state.task(&own.get_value()).is_some_and(|task| has_place(state, task)))
    });
    view! {
        <TaskHead tree=tree id=id.clone()/>
        <div class="tabs" role="tablist">
            <button role="tab" aria-selected=move || (tab.get() == "chat").to_string() on:click=move |_| tab.set("chat")>"Chat"</button>
            <button role="tab" aria-selected=move || (tab.get() == "details").to_string() on:click=move |_| tab.set("details")>"Details"</button>
            {move || place.get().then(|| view! {
                <button role="tab" aria-selected=move || (tab.get() == "terminal").to_string() on:click=move |_| tab.set("terminal")>"Terminal"</button>
            })}
        </div>
        <Waits tree=tree id=id/>
        <Permission desk=tree.desk id=own.get_value()/>
        {move || match tab.get() {
            "details" => view! { <Warnings desk=tree.desk id=own.get_value()/><Details tree=tree id=own.get_value()/> }.into_any(),
            "terminal" => view! { <Terminal desk=tree.desk id=own.get_value()/> }.into_any(),
            _ => view! { <AtCap tree=tree id=own.get_value()/><Warnings desk=tree.desk id=own.get_value()/><Conversation id=own.get_value()/> }.into_any(),
        }}
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Head {
    path: Vec<(TaskId, String)>,
    number: String,
    title: String,
    status: conductor::status::Status,
    reason: String,
    mode: &'static str,
    agent: String,
    cost: String,
    busy: bool,
    over: bool,
    removed: bool,
    goal: bool,
    archived: bool,
    can_accept: bool,
    /// A planner thinks about it, and can be sent away: a goal's at any time, any other while it is not at it.
    planned: bool,
    /// It has come to a cap of its own.
    capped: bool,
}

fn head(state: &conductor::State, task: &Task, row: &Row) -> Head {
    use conductor::state::Standing;
    use conductor::status::Reason;
    let status = row.status.clone();
    let capped = matches!(status.reason, conductor::status::Reason::Used { above: None, .. });
    // A reviewer's is not the task's.
    let mut runs = task.runs.iter().rev().filter_map(|run| state.run(run));
    let model = runs.find(|run| run.purpose.is_conversation()).and_then(|run| run.model.clone());
    let agent = state.harness_of(task).to_string();
    let agent = match conductor::persona::of(state, task) {
        _ if task.is_by_hand() => String::new(),
        Some(persona) => format!("{}, {agent}", persona.name),
        None => agent,
    };
    let mut path: Vec<_> =
        state.ancestors(task).map(|above| (above.id.clone(), conductor::plan::name(above))).collect();
    path.reverse();
    Head {
        path,
        number: task.number_text(),
        title: task.title.clone(),
        // What is waited for is counted down below.
        reason: match status.reason {
            Reason::ResumesAt { .. } | Reason::Outage { .. } | Reason::Unattended(_) => String::new(),
            _ => words::says(state, task, &status, status.since),
        },
        status,
        mode: words::mode(task.mode),
        agent: model.map_or(agent.clone(), |model| format!("{agent}, {model}")),
        cost: words::spent(state, task),
        busy: row.busy,
        over: task.is_over(),
        removed: matches!(task.standing, Standing::Removed { .. }),
        goal: task.is_goal(),
        archived: task.goal.as_ref().is_some_and(|goal| goal.archived.is_some()),
        planned: task.is_planned_again()
            && (task.is_goal() || task.current.is_none())
            && !conductor::plan::awaits_approval(task),
        // What came of a task of their own is said where it is written.
        can_accept: !task.is_goal()
            && task.current.is_none()
            && !(task.is_by_hand() && task.standing == Standing::Yielded)
            && (capped
                || matches!(
                    task.standing,
                    Standing::Yielded | Standing::Asked { .. } | Standing::Failed { .. }
                )),
        capped,
    }
}

#[component]
fn TaskHead(tree: Tree, id: TaskId) -> impl IntoView {
    let desk = tree.desk;
    let own = StoredValue::new(id);
    let head = settled(move || desk.look(&own.get_value(), head));
    let elapsed = move || {
        let status = head.with(|head| head.as_ref().map(|head| head.status.clone()))?;
        let time = || {
            let now = desk.clock.get();
            words::span(now.since(status.since_at(now)))
        };
        match status.kind {
            Kind::Active => Some(time()),
            Kind::Completed | Kind::Cancelled => None,
            Kind::Waiting | Kind::Failed | Kind::Limited | Kind::Review | Kind::Pending => {
                Some(format!("for {}", time()))
            }
        }
    };
    let is = move |look: fn(&Head) -> bool| move || head.with(|head| head.as_ref().is_some_and(look));
    view! {
        {move || head.get().map(|shown| view! {
            <header class="task-head">
                <nav class="meta crumbs" aria-label="Path">
                    {shown.path.into_iter().map(|(above, name)| view! {
                        <button on:click=move |_| tree.here.select(&above)>{name}</button><Icon name="right"/>
                    }).collect_view()}
                </nav>
                <div class="row">
                    <h2 class="title clip"><span class="quiet">{shown.number}</span>" "{shown.title}</h2>
                    <span class="row push">
                        <Show when=is(|head| head.planned)>
                            <button class="button" data-size="sm" on:click=move |_| desk.reject(&own.get_value())>"Leave it as it was"</button>
                        </Show>
                        <Show when=is(|head| head.can_accept)>
                            <button class="button" data-size="sm" on:click=move |_| desk.accept(&own.get_value(), String::new())>"Mark as done"</button>
                        </Show>
                        <Show when=is(|head| head.over && !head.busy && !head.removed)>
                            <button class="button" data-kind="plain" data-size="sm" on:click=move |_| desk.retry(&own.get_value())><Icon name="retry"/>"Retry"</button>
                        </Show>
                        <Show when=is(|head| head.busy || head.capped || (head.goal && !head.over))>
                            <button class="button" data-kind="plain" data-size="sm" on:click=move |_| desk.stop(&own.get_value())>
                                <Icon name="stop"/>{move || if is(|head| head.goal)() { "Stop everything" } else { "Stop" }}
                            </button>
                        </Show>
                        <Show when=is(|head| head.removed)>
                            <button class="button" data-size="sm" title="Puts this task back in the plan" on:click=move |_| {
                                desk.edit(&tree.goal.get_value(), PlanEdit::Restore { task: own.get_value() });
                            }>"Bring back"</button>
                        </Show>
                        <Show when=is(|head| head.archived)>
                            <button class="button" data-size="sm" title="Puts this goal back in the lists" on:click=move |_| desk.restore(&own.get_value())>"Bring back"</button>
                        </Show>
                        <Show when=is(|head| head.goal && head.over && !head.busy && !head.archived)>
                            <button class="button" data-kind="plain" data-size="sm" title="Hides this goal; nothing is deleted" on:click=move |_| {
                                desk.archive(&own.get_value());
                                tree.here.go(None, None);
                            }>"Archive"</button>
                        </Show>
                        <button class="button" data-kind="plain" data-size="icon" aria-label="Menu of the task" aria-haspopup="menu" title="What can be done with it" on:click=move |event| {
                            tree.menu.set(Some((own.get_value(), event.client_x(), event.client_y())));
                        }><Icon name="more"/></button>
                    </span>
                </div>
                <div class="facts-line meta">
                    <StatusMark kind=shown.status.kind/>
                    <span class="clip">{shown.reason}</span>
                    <span aria-hidden="true">{elapsed}</span>
                    <span class="row push"><span>{shown.mode}</span><span>{shown.agent}</span><span>{shown.cost}</span></span>
                </div>
            </header>
        })}
    }
}

#[component]
fn Keys() -> impl IntoView {
    const KEYS: [(&str, &str); 26] = [
        ("↑ ↓", "previous, next row"),
        ("←", "fold, or to the parent"),
        ("→", "unfold, or to the first part"),
        ("Enter", "write to the task"),
        ("Esc", "back to the tree"),
        ("[ ]", "tree, conversation"),
        ("F2", "rename"),
        ("E", "change the mode"),
        ("N, Shift N", "add a task below, inside"),
        ("Y", "clone"),
        ("Del", "remove"),
        ("Alt ↑ ↓", "reorder"),
        ("Alt ← →", "move out, move in"),
        ("M", "move under another task"),
        ("L", "add or drop a dependency"),
        ("P", "split, or plan again"),
        ("R", "retry"),
        ("Shift R", "end its turn, back to the queue"),
        ("S", "stop"),
        (".", "menu of the task"),
        ("Z, Shift Z", "undo the last edit, make it again"),
        ("I", "what waits for you"),
        ("+ − 0", "zoom in, out, back"),
        ("F", "fit the tree"),
        ("Ctrl Enter", "approve the plan; allow what is asked"),
        ("Ctrl ⌫", "deny what is asked"),
    ];
    view! {
        <div class="body">
            <dl class="terms">
                {KEYS.map(|(keys, what)| view! { <dt><kbd class="key">{keys}</kbd></dt><dd>{what}</dd> }).collect_view()}
            </dl>
            <p class="meta">"Double click on a node changes its mode, right click opens its menu, dragging moves it, and dragging from its dot makes another task wait for it."</p>
        </div>
    }
}
