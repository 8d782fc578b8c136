//! Dependencies in the tree: drawn for the task that is selected or under the pointer, made by dragging from
//! a task's port to the task that shall wait for it, or by keys.

use leptos::prelude::*;
use shared::id::TaskId;
use shared::plan::PlanEdit;
use wasm_bindgen::JsCast;

use super::layout::Placed;
use super::view::Tree;

/// A dependency that is being made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Linking {
    /// From the port of `on` to the pointer, in the tree's own pixels; `over` is the task there.
    Drag { on: TaskId, to: (i32, i32), over: Option<TaskId>, problem: Option<String> },
    /// By keys: `task` shall wait, or no longer wait, for the one that is chosen next.
    Keys { task: TaskId },
}

/// The dashed lines, as one SVG path: between the task that is looked at and what it waits for or what waits
/// for it, as far as they are in the layout.
pub fn path(tree: Tree) -> String {
    let looked_at = tree.hover.get().or_else(|| tree.here.task());
    let Some(task) = looked_at else { return String::new() };
    let pairs = tree.desk.overlook(|state, survey| {
        let before = state.task(&task).map(|task| task.after.clone()).unwrap_or_default();
        let own = before.into_iter().map(|on| (on, task.clone()));
        let others = survey.dependents(&task).iter().map(|other| (task.clone(), other.clone()));
        own.chain(others).collect::<Vec<_>>()
    });
    tree.layout.with(|layout| {
        let place = |id: &TaskId| layout.find(id).map(|place| &layout.nodes[place]);
        pairs.iter().filter_map(|(on, task)| Some(between(place(on)?, place(task)?))).collect()
    })
}

/// The line that is being drawn.
pub fn drawn(tree: Tree) -> Option<String> {
    let Linking::Drag { on, to, .. } = tree.linking.get()? else { return None };
    tree.layout.with(|layout| {
        let node = &layout.nodes[layout.find(&on)?];
        Some(curve(end(node), to))
    })
}

/// Where a dependency leaves the task that comes first: its right edge.
fn end(node: &Placed) -> (i32, i32) {
    (pixels(node.x + node.width), pixels(node.y + node.height / 2))
}

/// Where it reaches the task that waits: its left edge.
fn start(node: &Placed) -> (i32, i32) {
    (pixels(node.x), pixels(node.y + node.height / 2))
}

/// Beside its column where both lie in one, so that the tasks between them do not hide it.
fn between(on: &Placed, task: &Placed) -> String {
    let ((x1, y1), (x2, y2)) = (end(on), end(task));
    if task.x < on.x + on.width {
        let out = x1.max(x2) + ((y2 - y1).abs() / 4).clamp(16, 56);
        format!("M{x1} {y1}C{out} {y1} {out} {y2} {x2} {y2}")
    } else {
        curve((x1, y1), start(task))
    }
}

/// Leaves to the right and arrives from the left, wherever the two lie.
fn curve((x1, y1): (i32, i32), (x2, y2): (i32, i32)) -> String {
    let reach = ((x2 - x1).abs() / 2).clamp(24, 120);
    format!("M{x1} {y1}C{} {y1} {} {y2} {x2} {y2}", x1 + reach, x2 - reach)
}

fn pixels(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

/// Why `task` cannot wait for `on`; nothing where it can.
fn problem(tree: Tree, task: &TaskId, on: &TaskId) -> Option<String> {
    let edit = PlanEdit::AddDependency { task: task.clone(), on: on.clone() };
    tree.desk.check(&tree.goal.get_value(), &edit).err().map(|problem| format!("Not there: {problem}."))
}

/// Makes `task` wait for `on`, or no longer.
fn toggle(tree: Tree, task: &TaskId, on: &TaskId) {
    let waits = tree.desk.foresee(|state| state.task(task).is_some_and(|task| task.after.contains(on)));
    let name = |task: &TaskId| {
        tree.desk.foresee(|state| state.task(task).map(conductor::plan::name)).unwrap_or_default()
    };
    let names = (name(task), name(on));
    let (task, on) = (task.clone(), on.clone());
    let (edit, word) = if waits {
        (PlanEdit::DropDependency { task, on }, "no longer waits for")
    } else {
        (PlanEdit::AddDependency { task, on }, "waits for")
    };
    let goal = tree.goal.get_value();
    let possible = tree.desk.check(&goal, &edit).is_ok();
    tree.desk.edit(&goal, edit);
    // A refusal has its own words.
    if possible {
        tree.desk.say(format!("{} {word} {}.", names.0, names.1), true);
    }
}

/// Begins a dependency by keys; Enter on another task makes or drops it.
pub fn begin(tree: Tree, task: &TaskId) {
    if tree.desk.foresee(|state| state.task(task).is_some_and(|task| !task.is_goal())) {
        tree.linking.set(Some(Linking::Keys { task: task.clone() }));
        tree.desk.say("Go to the task that it waits for and press Enter; Esc cancels.".to_owned(), false);
    }
}

/// What Enter does on `on` while a dependency is being made by keys; says whether one was.
pub fn choose(tree: Tree, on: &TaskId) -> bool {
    let Some(Linking::Keys { task }) = tree.linking.get_untracked() else { return false };
    tree.linking.set(None);
    if task != *on {
        toggle(tree, &task, on);
        tree.here.select(&task);
        super::keys::focus(tree);
    }
    true
}

/// Gives up what is being made; says whether something was.
pub fn cancel(tree: Tree) -> bool {
    let was = tree.linking.with_untracked(Option::is_some);
    tree.linking.set(None);
    was
}

/// The pointer went down on a task's port.
pub fn pull(tree: Tree, on: &TaskId, event: &web_sys::PointerEvent) {
    if event.button() != 0 {
        return;
    }
    // The node itself is not to be dragged.
    event.stop_propagation();
    event.prevent_default();
    let on = StoredValue::new(on.clone());
    let moving = window_event_listener(leptos::ev::pointermove, move |event| {
        let (x, y) = (event.client_x(), event.client_y());
        let on = on.get_value();
        let over = super::keys::task_at(x, y).filter(|over| *over != on);
        let known = tree.linking.get_untracked();
        let problem = match known {
            // Asked once for each task that it comes over, and not with each pixel.
            Some(Linking::Drag { over: former, problem, .. }) if former == over => problem,
            _ => over.as_ref().and_then(|over| problem(tree, over, &on)),
        };
        tree.linking.set(Some(Linking::Drag { to: within(tree, x, y), over, problem, on }));
    });
    let escaping = window_event_listener(leptos::ev::keydown, move |event| {
        if event.key() == "Escape" {
            tree.linking.set(None);
        }
    });
    super::keys::until_let_go([moving, escaping], move || {
        let made = tree.linking.get_untracked();
        tree.linking.set(None);
        if let Some(Linking::Drag { on, over: Some(task), .. }) = made {
            toggle(tree, &task, &on);
        }
    });
}

/// A point of the window in the tree's own pixels.
fn within(tree: Tree, x: i32, y: i32) -> (i32, i32) {
    let place =
        tree.scroller.get_untracked().and_then(|scroller| scroller.query_selector(".tree").ok().flatten());
    let place = place.and_then(|place| place.dyn_into::<web_sys::Element>().ok());
    place.map_or((x, y), |tree| {
        let place = tree.get_bounding_client_rect();
        #[expect(clippy::cast_possible_truncation, reason = "pixels of a screen")]
        (x - place.left() as i32, y - place.top() as i32)
    })
}
