//! The tree's pane: only rows in sight and a screen around them are in the document.

use std::collections::BTreeSet;

use conductor::planning::proposal;
use gloo_storage::{LocalStorage as Local, Storage};
use leptos::html;
use leptos::leptos_dom::helpers::WindowListenerHandle;
use leptos::prelude::*;
use shared::id::TaskId;

use super::adding::Adding;
use super::keys;
use super::layout::{Layout, OUTLINE, Placed, ZOOMS, Zoom, layout};
use super::link::{self, Linking};
use super::node::Node;
use crate::component::flow::For;
use crate::component::icon::Icon;
use crate::component::settled::settled;
use crate::desk::Desk;
use crate::place::Here;

const SEEN: &str = "orchestrator.seen";

/// What the parts of the tree share.
#[derive(Clone, Copy)]
pub struct Tree {
    pub desk: Desk,
    pub here: Here,
    pub goal: StoredValue<TaskId>,
    pub layout: Memo<Layout>,
    /// The part of the layout that is in the document: what is in sight and a screen around it, by its upper and lower edge.
    pub sight: RwSignal<(u32, u32)>,
    pub drawn: Memo<Vec<Placed>>,
    pub folded: RwSignal<BTreeSet<TaskId>>,
    pub zoom: RwSignal<usize>,
    /// The screen is as narrow as a phone's: the tree is an outline.
    pub phone: RwSignal<bool>,
    /// The task whose name is being edited.
    pub naming: RwSignal<Option<TaskId>>,
    /// A task that is to be added, while its name is asked for.
    pub adding: RwSignal<Option<Adding>>,
    /// The task whose node gets the focus as soon as it is drawn.
    pub awaited: StoredValue<Option<TaskId>>,
    /// The focus is on a node, or was until what was drawn anew took it away.
    pub held: StoredValue<bool>,
    /// On a screen as narrow as a phone's, which of the panes is shown.
    pub pane: RwSignal<Pane>,
    /// The chosen task is being given another place.
    pub moving: RwSignal<bool>,
    /// Whether the chosen task shall be stopped with all of its parts is being asked.
    pub stopping: RwSignal<bool>,
    /// Where a menu is open: the task and the point.
    pub menu: RwSignal<Option<(TaskId, i32, i32)>>,
    /// A task that is being dragged, and where it would fall.
    pub drag: RwSignal<Option<super::node::Drag>>,
    /// The task whose proposed plan the person looks at, and approves.
    pub proposal: ReadSignal<Option<TaskId>>,
    /// The version of the plan whose changes were dismissed, as "TASK VERSION".
    pub seen: RwSignal<String>,
    /// Whose proposed version has its changes marked.
    pub marks: ReadSignal<Option<TaskId>>,
    /// The task under the pointer.
    pub hover: RwSignal<Option<TaskId>>,
    pub linking: RwSignal<Option<Linking>>,
    pub scroller: NodeRef<html::Div>,
}

/// The parts of the screen of a goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pane {
    Tree,
    Talk,
}

impl Tree {
    pub fn open(desk: Desk, here: Here, goal: TaskId) -> Self {
        let (folded, zoom) = (RwSignal::new(BTreeSet::new()), RwSignal::new(super::layout::DEFAULT));
        let own = goal.clone();
        let phone = RwSignal::new(is_phone());
        let resized = window_event_listener(leptos::ev::resize, move |_| {
            phone.maybe_update(|phone| std::mem::replace(phone, is_phone()) != is_phone());
        });
        on_cleanup(move || resized.remove());
        let held = StoredValue::new(false);
        let hold = move |target| held.set_value(keys::task_under(target).is_some());
        let came = window_event_listener(leptos::ev::focusin, move |event| hold(event.target()));
        let went = window_event_listener(leptos::ev::pointerdown, move |event| hold(event.target()));
        on_cleanup(move || [came, went].into_iter().for_each(WindowListenerHandle::remove));
        let shaped = goal.clone();
        let shape = settled(move || desk.shape(&shaped));
        let layout = Memo::new(move |_| {
            shape.track();
            let zoom = if phone.get() { OUTLINE } else { ZOOMS[zoom.get()] };
            folded.with(|folded| desk.peek(|state| layout(state, &own, folded, zoom)))
        });
        let sight = RwSignal::new((0, 2_000));
        let drawn = Memo::new(move |_| {
            let (top, bottom) = sight.get();
            layout.with(|layout| layout.between(top, bottom).cloned().collect())
        });
        let seen = RwSignal::new(Local::get::<String>(SEEN).unwrap_or_default());
        let own = goal.clone();
        let proposal = settled(move || {
            let chosen = here.task();
            desk.overlook(|state, survey| {
                let chosen = chosen.and_then(|task| state.task(&task)).filter(|task| task.root == own);
                proposal(state, survey, chosen.or(state.task(&own))?).map(|task| task.id.clone())
            })
        });
        let marks = settled(move || {
            let owner = proposal.get()?;
            let version = desk.read(|state| Some(state.task(&owner)?.planning.as_ref()?.news()?.version))?;
            seen.with(|seen| *seen != format!("{owner} {version}")).then_some(owner)
        });
        Self {
            desk,
            here,
            proposal,
            seen,
            marks,
            goal: StoredValue::new(goal),
            layout,
            sight,
            drawn,
            folded,
            zoom,
            phone,
            naming: RwSignal::new(None),
            adding: RwSignal::new(None),
            awaited: StoredValue::new(None),
            held,
            pane: RwSignal::new(Pane::Tree),
            moving: RwSignal::new(false),
            stopping: RwSignal::new(false),
            menu: RwSignal::new(None),
            drag: RwSignal::new(None),
            hover: RwSignal::new(None),
            linking: RwSignal::new(None),
            scroller: NodeRef::new(),
        }
    }

    /// Takes the marks of this version off, for good.
    pub fn dismiss(self) {
        let Some(owner) = self.proposal.get_untracked() else { return };
        let version = self.desk.peek(|state| Some(state.task(&owner)?.planning.as_ref()?.version));
        self.seen.set(format!("{owner} {}", version.unwrap_or_default()));
        // Without storage they are back after a reload, which does no harm.
        let _ = Local::set(SEEN, self.seen.get_untracked());
    }

    /// Says yes to the plan that the person looks at.
    pub fn approve(self) {
        self.proposal.get_untracked().into_iter().for_each(|task| self.desk.approve(&task));
        // The button goes with the proposal.
        keys::focus(self);
    }

    /// Says no to it.
    pub fn reject(self) {
        self.proposal.get_untracked().into_iter().for_each(|task| self.desk.reject(&task));
    }

    pub fn zoom(self) -> Zoom {
        if self.phone.get() { OUTLINE } else { ZOOMS[self.zoom.get()] }
    }

    pub fn zoom_by(self, steps: i32) {
        let last = i32::try_from(ZOOMS.len() - 1).unwrap_or(0);
        self.zoom.update(|zoom| {
            let now = i32::try_from(*zoom).unwrap_or(0);
            *zoom = usize::try_from((now + steps).clamp(0, last)).unwrap_or(0);
        });
    }

    /// The nearest zoom at which the whole tree is in sight.
    pub fn fit(self) {
        let Some(scroller) = self.scroller.get_untracked() else { return };
        let (width, height) = (scroller.client_width() - 40, scroller.client_height() - 40);
        let goal = self.goal.get_value();
        let fits = |zoom: &Zoom| {
            let layout = self
                .folded
                .with_untracked(|folded| self.desk.peek(|state| layout(state, &goal, folded, *zoom)));
            i64::from(layout.width) <= i64::from(width) && i64::from(layout.height) <= i64::from(height)
        };
        self.zoom.set(ZOOMS.iter().skip(1).position(fits).map_or(ZOOMS.len() - 1, |step| step + 1));
    }

    pub fn fold(self, task: &TaskId) {
        self.folded.update(|folded| {
            if !folded.remove(task) {
                folded.insert(task.clone());
            }
        });
    }

    /// Brings a node into sight.
    pub fn reveal(self, task: &TaskId) {
        let Some(scroller) = self.scroller.get_untracked() else { return };
        let Some((y, height)) = self.layout.with_untracked(|layout| {
            layout.find(task).map(|place| (layout.nodes[place].y, layout.nodes[place].height))
        }) else {
            return;
        };
        let (top, view) = (scroller.scroll_top(), scroller.client_height());
        let (y, bottom) = (i32::try_from(y).unwrap_or(0), i32::try_from(y + height + 32).unwrap_or(0));
        if y < top {
            scroller.set_scroll_top(y);
        } else if bottom > top + view {
            scroller.set_scroll_top(bottom - view);
        }
    }
}

/// As `@media (max-width: 600px)` has it.
fn is_phone() -> bool {
    window().inner_width().ok().and_then(|width| width.as_f64()).is_some_and(|width| width <= 600.0)
}

#[component]
pub fn TreePane(tree: Tree) -> impl IntoView {
    let look = move || {
        if let Some(scroller) = tree.scroller.get() {
            let top = u32::try_from(scroller.scroll_top()).unwrap_or(0);
            let view = u32::try_from(scroller.client_height()).unwrap_or(0).max(400);
            // A screen above and below, in steps, so that scrolling a little changes nothing.
            tree.sight.maybe_update(|sight| {
                let step = top / 200 * 200;
                let new = (step.saturating_sub(view), step + 2 * view + 400);
                let changed = *sight != new;
                *sight = new;
                changed
            });
        }
    };
    Effect::new(move |_| look());
    let ids = move || tree.drawn.with(|drawn| drawn.iter().map(|node| node.id.clone()).collect::<Vec<_>>());
    let wires = move || {
        let (top, bottom) = tree.sight.get();
        tree.layout.with(|layout| layout.wires(top, bottom, tree.zoom(), None))
    };
    let trace = move || {
        let (top, bottom) = tree.sight.get();
        let selected = tree.here.task();
        tree.layout.with(|layout| {
            selected
                .map(|task| layout.wires(top, bottom, tree.zoom(), Some(&layout.trace(&task))))
                .unwrap_or_default()
        })
    };
    Effect::new(move |_| {
        tree.drawn.track();
        // A node that is put elsewhere loses the focus on the way, before this or after it.
        keys::hold(tree);
        request_animation_frame(move || keys::hold(tree));
    });
    Effect::new(move |_| tree.layout.with(|layout| super::adding::placed(tree, layout)));
    let deps = Memo::new(move |_| link::path(tree));
    let refused = move || {
        tree.linking.with(|linking| {
            matches!(linking, Some(Linking::Drag { problem: Some(_), .. })).then_some("failed")
        })
    };
    view! {
        <div class="scroll field-of-work" node_ref=tree.scroller on:scroll=move |_| look()
            on:pointerover=move |event| look_at(tree, super::keys::task_under(event.target()))
            on:pointerleave=move |_| look_at(tree, None)
            on:keydown=move |event| keys::pressed(tree, &event)>
            <div class="tree" data-outline=move || tree.phone.get().then_some("")
                style:width=move || (!tree.phone.get()).then(|| format!("{}px", tree.layout.with(|layout| layout.width + 40)))
                style:height=move || format!("{}px", tree.layout.with(|layout| layout.height + 160))
            >
                <svg class="wires" width="100%" height="100%" aria-hidden="true">
                    <path d=wires/>
                    <path class="trace" d=trace/>
                    <path class="dep" d=move || deps.get()/>
                    <path class="dep" data-state=refused d=move || link::drawn(tree)/>
                </svg>
                <div role="tree" aria-label="Tasks">
                    <For each=ids key=ToString::to_string children=move |id| view! { <Node tree=tree id=id/> }/>
                </div>
                <Adder tree=tree/>
            </div>
        </div>
    }
}

fn look_at(tree: Tree, task: Option<TaskId>) {
    tree.hover.maybe_update(|hover| {
        let changed = *hover != task;
        *hover = task;
        changed
    });
}

/// The place for one more task, while the plan is being made.
#[component]
fn Adder(tree: Tree) -> impl IntoView {
    let goal = tree.goal.get_value();
    let place = Memo::new(move |_| {
        let open = tree.desk.read(|state| {
            state.task(&goal).is_some_and(|task| {
                task.is_group()
                    && !task.is_over()
                    && !matches!(
                        task.planning.as_ref().map(|planning| &planning.plan),
                        Some(conductor::planning::Plan::Wanted)
                    )
            })
        });
        let column =
            tree.layout.with(|layout| layout.nodes.iter().find(|node| node.level == 1).map(|node| node.x));
        column.filter(|_| open).map(|x| (x, tree.layout.with(|layout| layout.height + 12)))
    });
    view! {
        {move || place.get().map(|(x, y)| view! {
            <button class="adder" style:left=format!("{x}px") style:top=format!("{y}px") on:click=move |_| keys::add_last(tree)>
                <Icon name="plus"/>"Add a task"
            </button>
        })}
    }
}
