//! What keys and pointers do to the tree. Each makes an edit or an intent; whether it is possible is the
//! conductor's to say.

use conductor::plan::edit::next_mode;
use conductor::plan::name;
use conductor::state::{Standing, Task};
use leptos::leptos_dom::helpers::WindowListenerHandle;
use leptos::prelude::*;
use shared::id::TaskId;
use shared::plan::{Mode, PlanEdit};
use wasm_bindgen::JsCast;

use super::adding;
use super::node::{Drag, Spot};
use super::view::{Pane, Tree};
use crate::component::{copy, dialog};
use crate::words;

/// Keys while a node has the focus. Keys in text fields do not come here.
pub fn pressed(tree: Tree, event: &web_sys::KeyboardEvent) {
    let target = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    let typing = target.is_some_and(|target| is_field(&target));
    let Some(task) = tree.here.now().task else { return };
    if typing || event.ctrl_key() || event.meta_key() {
        return;
    }
    // What is typed while the field of a name is on its way is meant for that, and is no command.
    if named(tree).is_some() {
        if event.key() == "Escape" {
            tree.naming.set(None);
        }
        return event.prevent_default();
    }
    let goal = tree.goal.get_value();
    let mut handled = true;
    match (event.key().as_str(), event.alt_key(), event.shift_key()) {
        ("ArrowUp", true, _) => shift(tree, &task, -1),
        ("ArrowDown", true, _) => shift(tree, &task, 1),
        ("ArrowLeft", true, _) => outdent(tree, &task),
        ("ArrowRight", true, _) => indent(tree, &task),
        ("ArrowUp", ..) => walk(tree, -1),
        ("ArrowDown", ..) => walk(tree, 1),
        ("ArrowLeft", ..) => left(tree, &task),
        ("ArrowRight", ..) => right(tree, &task),
        ("Home", ..) => go(tree, &goal),
        ("Enter", ..) if super::link::choose(tree, &task) => {}
        ("Escape", ..) => handled = super::link::cancel(tree),
        ("l" | "L", ..) => super::link::begin(tree, &task),
        ("Enter", ..) => focus_composer(),
        ("F2", ..) => rename(tree, task),
        ("e" | "E", ..) => change_mode(tree, &task),
        ("n", ..) => add_after(tree, &task),
        ("N", ..) => add_inside(tree, &task),
        ("y" | "Y", ..) => copy(tree, &task),
        ("m" | "M", ..) if task != goal => tree.moving.set(true),
        ("Delete" | "Backspace", ..) => remove(tree, &task),
        ("p", ..) => plan(tree, &task),
        ("r", ..) => tree.desk.retry(&task),
        ("R", ..) => tree.desk.requeue(&task),
        ("s", ..) => super::stopping::stop(tree, &task),
        ("z", ..) => tree.desk.undo(),
        ("Z", ..) => tree.desk.redo(),
        ("+" | "=", ..) => tree.zoom_by(-1),
        ("-", ..) => tree.zoom_by(1),
        ("0", ..) => tree.zoom.set(super::layout::DEFAULT),
        ("f" | "F", ..) => tree.fit(),
        (".", ..) => open_menu(tree, &task),
        _ => handled = false,
    }
    if handled {
        event.prevent_default();
    }
}

/// Puts the focus on the selected node: at once, for the next key may come before the next frame, and again when what
/// changed has been drawn. A name that is being written keeps it, and so does a field that the person went to before
/// that frame.
pub fn focus(tree: Tree) {
    let now = move || {
        if !tree.naming.is_disposed() && named(tree).is_none() {
            tree.here.now().task.into_iter().for_each(|task| focus_node(&task));
        }
    };
    now();
    request_animation_frame(move || {
        if !is_writing() {
            now();
        }
    });
}

/// Gives the selected node the focus again that it lost because something was drawn anew.
pub fn hold(tree: Tree) {
    let lost = document().query_selector(":focus").is_ok_and(|focused| focused.is_none());
    if lost && !tree.held.is_disposed() && tree.held.get_value() && !dialog::is_open() {
        tree.here.now().task.into_iter().for_each(|task| focus_node(&task));
    }
}

/// Asks for another name of the task, or says why it keeps the one that it has.
pub fn rename(tree: Tree, task: TaskId) {
    let edit = PlanEdit::Rename { task: task.clone(), title: "Another".to_owned() };
    if let Err(problem) = tree.desk.check(&tree.goal.get_value(), &edit) {
        return tree.desk.say(format!("Not possible: {problem}."), false);
    }
    tree.pane.set(Pane::Tree);
    tree.reveal(&task);
    tree.naming.set(Some(task));
}

/// The task whose name is being written, unless it is gone.
fn named(tree: Tree) -> Option<TaskId> {
    let task = tree.naming.get_untracked()?;
    let there = |task: &Task| !matches!(task.standing, Standing::Removed { .. });
    if tree.desk.foresee(|state| state.task(&task).is_some_and(there)) {
        return Some(task);
    }
    tree.naming.set(None);
    None
}

/// Ends the writing of a name; nothing leaves it as it was.
pub fn call(tree: Tree, task: &TaskId, title: &str) {
    tree.naming.set(None);
    let title = title.trim();
    if title.is_empty() {
        return;
    }
    let goal = tree.goal.get_value();
    let mut edits = vec![PlanEdit::Rename { task: task.clone(), title: title.to_owned() }];
    // Where its name is all that was said of what it is to reach, the new one is.
    let objective = PlanEdit::SetObjective { task: task.clone(), objective: title.to_owned() };
    let is_all = tree.desk.foresee(|state| state.task(task).is_some_and(|task| task.objective == task.title));
    if is_all && tree.desk.check(&goal, &objective).is_ok() {
        edits.push(objective);
    }
    tree.desk.edit_all(&goal, edits);
}

/// Whether a field has the focus.
pub fn is_writing() -> bool {
    document().active_element().is_some_and(|active| is_field(&active))
}

/// Whether keys are its own.
pub fn is_field(element: &web_sys::Element) -> bool {
    matches!(element.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT")
}

pub fn focus_node(task: &TaskId) {
    focus_on(&format!("[data-task=\"{task}\"]"));
}

pub fn focus_composer() {
    focus_on(".composer textarea");
}

fn focus_on(selector: &str) {
    let found = document().query_selector(selector).ok().flatten();
    if let Some(found) = found.and_then(|found| found.dyn_into::<web_sys::HtmlElement>().ok()) {
        let _ = found.focus();
    }
}

fn go(tree: Tree, task: &TaskId) {
    tree.here.select(task);
    tree.reveal(task);
    focus(tree);
}

fn walk(tree: Tree, step: i64) {
    let Some(task) = tree.here.now().task else { return };
    let next = tree.layout.with_untracked(|layout| {
        let place = i64::try_from(layout.find(&task)?).ok()? + step;
        layout.nodes.get(usize::try_from(place).ok()?).map(|node| node.id.clone())
    });
    if let Some(next) = next {
        go(tree, &next);
    }
}

fn left(tree: Tree, task: &TaskId) {
    let (open, parent) = tree.desk.peek(|state| {
        let found = state.task(task);
        (
            found.is_some_and(|task| task.is_group() && !task.is_goal()),
            found.and_then(|task| task.parent.clone()),
        )
    });
    if open && !tree.folded.with_untracked(|folded| folded.contains(task)) {
        tree.fold(task);
    } else if let Some(parent) = parent {
        go(tree, &parent);
    }
}

fn right(tree: Tree, task: &TaskId) {
    if tree.folded.with_untracked(|folded| folded.contains(task)) {
        tree.fold(task);
    } else if let Some(child) =
        tree.desk.peek(|state| state.task(task).and_then(|task| task.children.first().cloned()))
    {
        go(tree, &child);
    }
}

/// Has the task split or planned again. Of a goal the person may say first what should be different.
pub fn plan(tree: Tree, task: &TaskId) {
    if *task != tree.goal.get_value() {
        tree.desk.split(task, String::new());
    } else if tree.desk.may_plan(task) {
        tree.desk.say("Write what should be different, or nothing, then press Plan again.".to_owned(), false);
        focus_composer();
    }
}

pub fn change_mode(tree: Tree, task: &TaskId) {
    if let Some(mode) = tree.desk.foresee(|state| state.task(task).map(|task| next_mode(state, task))) {
        set_mode(tree, task, mode);
    }
}

/// Makes it the person's own, or an agent's again.
pub fn change_hands(tree: Tree, task: &TaskId) {
    let manual = tree.desk.foresee(|state| state.task(task).is_some_and(|task| task.mode == Mode::Manual));
    set_mode(tree, task, if manual { Mode::Autonomous } else { Mode::Manual });
}

fn set_mode(tree: Tree, task: &TaskId, mode: Mode) {
    let (goal, edit) = (tree.goal.get_value(), PlanEdit::SetMode { task: task.clone(), mode });
    let made = *task != goal && tree.desk.check(&goal, &edit).is_ok();
    tree.desk.edit(&goal, edit);
    if made {
        tree.desk.say(format!("Mode: {}.", words::mode(mode)), true);
    }
}

pub fn remove(tree: Tree, task: &TaskId) {
    let parent = tree.desk.foresee(|state| state.task(task).and_then(|task| task.parent.clone()));
    tree.desk.edit(&tree.goal.get_value(), PlanEdit::Remove { task: task.clone() });
    if let Some(parent) = parent {
        go(tree, &parent);
    }
}

/// A copy of the task and all below it, which is chosen then.
pub fn copy(tree: Tree, task: &TaskId) {
    let Ok(copy) = TaskId::new(&crate::desk::draw()) else { return };
    tree.desk.edit(&tree.goal.get_value(), PlanEdit::Clone { task: task.clone(), copy: copy.clone() });
    if tree.desk.foresee(|state| state.task(&copy).is_some()) {
        tree.desk.say("Cloned.".to_owned(), true);
        tree.awaited.set_value(Some(copy.clone()));
        go(tree, &copy);
    }
}

/// The task and all below it as a document, to paste elsewhere.
pub fn copy_document(tree: Tree, task: &TaskId) {
    let found = tree.desk.peek(|state| {
        let top = state.task(task)?;
        Some((name(top), conductor::plan::document::document(state, top)))
    });
    if let Some((name, text)) = found {
        copy::copy(tree.desk, &format!("{name} as Markdown"), text);
    }
}

/// Asks for a new task as the last of the goal.
pub fn add_last(tree: Tree) {
    let goal = tree.goal.get_value();
    let beside = tree.desk.peek(|state| state.task(&goal).and_then(|task| task.children.last().cloned()));
    adding::ask(tree, &goal, None, beside.as_ref().unwrap_or(&goal));
}

/// Asks for a new task within this one.
pub fn add_inside(tree: Tree, task: &TaskId) {
    adding::ask(tree, task, None, task);
}

/// A task's parent and its place there.
fn seat(tree: Tree, task: &TaskId) -> Option<(TaskId, u32, Vec<TaskId>)> {
    tree.desk.foresee(|state| {
        let parent = state.task(state.task(task)?.parent.as_ref()?)?;
        let index = parent.children.iter().position(|child| child == task)?;
        Some((parent.id.clone(), u32::try_from(index).ok()?, parent.children.clone()))
    })
}

pub fn add_after(tree: Tree, task: &TaskId) {
    match seat(tree, task) {
        Some((parent, index, _)) => adding::ask(tree, &parent, Some(index + 1), task),
        None => add_inside(tree, task),
    }
}

fn relocate(tree: Tree, task: &TaskId, parent: TaskId, index: u32) {
    tree.desk.edit(&tree.goal.get_value(), PlanEdit::Move { task: task.clone(), parent, index });
    focus(tree);
}

fn shift(tree: Tree, task: &TaskId, by: i64) {
    if let Some((parent, index, children)) = seat(tree, task)
        && let Ok(to) = u32::try_from(i64::from(index) + by)
        && (to as usize) < children.len()
    {
        relocate(tree, task, parent, to);
    }
}

fn outdent(tree: Tree, task: &TaskId) {
    if let Some((parent, ..)) = seat(tree, task)
        && let Some((above, index, _)) = seat(tree, &parent)
    {
        relocate(tree, task, above, index + 1);
    }
}

fn indent(tree: Tree, task: &TaskId) {
    if let Some((_, index, children)) = seat(tree, task)
        && let Some(before) = index.checked_sub(1).and_then(|before| children.get(before as usize))
    {
        relocate(tree, task, before.clone(), u32::MAX);
    }
}

fn open_menu(tree: Tree, task: &TaskId) {
    let node = document().query_selector(&format!("[data-task=\"{task}\"]")).ok().flatten();
    if let Some(place) = node.map(|node| node.get_bounding_client_rect()) {
        #[expect(clippy::cast_possible_truncation, reason = "pixels of a screen")]
        tree.menu.set(Some((task.clone(), place.left() as i32 + 16, place.bottom() as i32)));
    }
}

/// Begins a drag; it is one only after four pixels.
pub fn grab(tree: Tree, task: &TaskId, event: &web_sys::PointerEvent) {
    let movable = tree.desk.peek(|state| state.task(task).is_some_and(|task| !task.is_goal()));
    if event.button() != 0 || !movable || event.pointer_type() == "touch" {
        return;
    }
    let with = tree.desk.peek(|state| state.subtree(task).len().saturating_sub(1));
    let begun = Drag {
        task: task.clone(),
        from: (event.client_x(), event.client_y()),
        by: (0, 0),
        drop: None,
        problem: None,
        with,
    };
    let begun = StoredValue::new(begun);
    let moving = window_event_listener(leptos::ev::pointermove, move |event| {
        let mut drag = tree.drag.get_untracked().unwrap_or_else(|| begun.get_value());
        drag.by = (event.client_x() - drag.from.0, event.client_y() - drag.from.1);
        if tree.drag.with_untracked(Option::is_none) && drag.by.0.abs().max(drag.by.1.abs()) < 4 {
            return;
        }
        let drop = target(tree, &drag.task, event.client_x(), event.client_y());
        // Whether it may fall there is asked once, and not with each pixel: in a large tree that takes a while.
        if drop != drag.drop {
            drag.problem = drop.as_ref().and_then(|(at, spot)| refusal(tree, &drag.task, at, *spot));
            drag.drop = drop;
        }
        tree.drag.set(Some(drag));
    });
    let escaping = window_event_listener(leptos::ev::keydown, move |event| {
        if event.key() == "Escape" {
            begun.update_value(|begun| begun.from = (i32::MIN / 2, 0));
            tree.drag.set(None);
        }
    });
    until_let_go([moving, escaping], move || {
        if let Some(drag) = tree.drag.get_untracked() {
            tree.drag.set(None);
            fall(tree, drag);
        }
    });
}

/// Calls `ended` when the pointer is let go, once; nothing listens any more then.
pub(super) fn until_let_go(listening: [WindowListenerHandle; 2], ended: impl Fn() + 'static) {
    let all = StoredValue::new_local(Vec::from(listening));
    let up = window_event_listener(leptos::ev::pointerup, move |_| {
        let listening = all.try_update_value(std::mem::take).unwrap_or_default();
        listening.into_iter().for_each(WindowListenerHandle::remove);
        ended();
    });
    all.update_value(|all| all.push(up));
}

fn fall(tree: Tree, drag: Drag) {
    if let Some(problem) = drag.problem {
        tree.desk.say(problem, false);
    } else if let Some((edit, moved)) =
        drag.drop.and_then(|(at, spot)| relocation(tree, &drag.task, &at, spot)).zip(Some(drag.with))
    {
        tree.desk.edit(&tree.goal.get_value(), edit);
        let with = if moved > 0 { format!(" with {moved} tasks") } else { String::new() };
        tree.desk.say(format!("Moved{with}."), true);
    }
}

fn node_at(x: i32, y: i32) -> Option<web_sys::Element> {
    #[expect(clippy::cast_precision_loss, reason = "pixels of a screen")]
    let under = document().element_from_point(x as f32, y as f32);
    under.and_then(|element| element.closest(".node").ok().flatten())
}

fn task_of(node: &web_sys::Element) -> Option<TaskId> {
    node.get_attribute("data-task").and_then(|id| TaskId::new(&id).ok())
}

/// The task at a point of the window.
pub fn task_at(x: i32, y: i32) -> Option<TaskId> {
    task_of(&node_at(x, y)?)
}

/// The task whose node an event came from.
pub fn task_under(target: Option<web_sys::EventTarget>) -> Option<TaskId> {
    let element = target?.dyn_into::<web_sys::Element>().ok()?;
    task_of(&element.closest(".node").ok().flatten()?)
}

/// As far from a node a drop is still meant for the place beside it, in pixels; between nodes there are 12 at most.
const GAP: i32 = 7;

/// The node under the pointer, and which third of it.
fn target(tree: Tree, task: &TaskId, x: i32, y: i32) -> Option<(TaskId, Spot)> {
    // Between two nodes it is the place between them.
    let node = [0, -GAP, GAP].into_iter().find_map(|by| node_at(x, y + by))?;
    let id = task_of(&node).filter(|id| id != task)?;
    let place = node.get_bounding_client_rect();
    let third = (f64::from(y) - place.top()) / place.height();
    let spot = if id == tree.goal.get_value() || (0.3..0.7).contains(&third) {
        Spot::Under
    } else if third < 0.3 {
        Spot::Before
    } else {
        Spot::After
    };
    Some((id, spot))
}

/// Why the task cannot fall there; nothing where it can.
fn refusal(tree: Tree, task: &TaskId, at: &TaskId, spot: Spot) -> Option<String> {
    let edit = relocation(tree, task, at, spot)?;
    let problem = tree.desk.check(&tree.goal.get_value(), &edit).err()?;
    Some(format!("Not there: {problem}."))
}

fn relocation(tree: Tree, task: &TaskId, at: &TaskId, spot: Spot) -> Option<PlanEdit> {
    let (parent, index) = match spot {
        Spot::Under => (at.clone(), u32::MAX),
        Spot::Before | Spot::After => {
            let (parent, index, children) = seat(tree, at)?;
            // Taken out first, so places behind it move up by one.
            let own = children.iter().position(|child| child == task).and_then(|own| u32::try_from(own).ok());
            let index = index + u32::from(spot == Spot::After);
            (parent, index - u32::from(own.is_some_and(|own| own < index)))
        }
    };
    Some(PlanEdit::Move { task: task.clone(), parent, index })
}
