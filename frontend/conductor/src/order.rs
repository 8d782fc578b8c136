//! What must happen before what. A task begins after its dependencies and after its parent began; a group
//! ends after its parts. One graph of beginnings and ends, in which a cycle has a name.

use std::collections::{BTreeMap, BTreeSet};

use shared::id::TaskId;
use shared::plan::PlannedTask;

use crate::planning::is_fixed;
use crate::state::{Standing, State, Task};

/// A task's place in the order, reduced to what ordering needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    pub parent: Option<TaskId>,
    pub children: Vec<TaskId>,
    pub after: Vec<TaskId>,
}

/// The order of a tree, to be changed and checked before the tree is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Order {
    nodes: BTreeMap<TaskId, Node>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Begin,
    End,
}

type Point<'a> = (&'a TaskId, Side);

impl Order {
    pub fn of(state: &State, goal: &TaskId) -> Self {
        let mut order = Self::default();
        order.take(state, goal);
        order
    }

    fn take(&mut self, state: &State, top: &TaskId) {
        let node = |task: &Task| Node {
            parent: task.parent.clone(),
            children: task.children.clone(),
            after: task.after.clone(),
        };
        self.nodes.extend(state.subtree(top).into_iter().map(|task| (task.id.clone(), node(task))));
    }

    /// A task that was taken out is in its place again, with all that was below it and all that it came after.
    pub fn restore(&mut self, state: &State, task: &TaskId, parent: &TaskId) {
        self.take(state, task);
        self.reparent(task, parent);
    }

    /// The order of a plan below `goal` that is not in the tree yet.
    pub fn rooted(goal: &TaskId, planned: &[PlannedTask]) -> Self {
        let mut nodes = BTreeMap::from([(goal.clone(), Node::default())]);
        for task in planned {
            let node =
                Node { parent: Some(task.parent.clone()), children: Vec::new(), after: task.after.clone() };
            nodes.insert(task.task.clone(), node);
        }
        for task in planned {
            if let Some(parent) = nodes.get_mut(&task.parent) {
                parent.children.push(task.task.clone());
            }
        }
        Self { nodes }
    }

    /// The order of the owner's whole tree with this plan in the place of what is below it.
    pub fn planned(state: &State, owner: &Task, planned: &[PlannedTask]) -> Self {
        let mut order = Self::of(state, &owner.root);
        let below: Vec<&Task> = state.subtree(&owner.id).into_iter().skip(1).collect();
        order.nodes.retain(|id, _| !below.iter().any(|part| part.id == *id));
        let kept = below.iter().filter(|part| is_fixed(state, part));
        let kept = kept.filter(|part| !planned.iter().any(|planned| planned.task == part.id));
        let kept = kept.filter_map(|part| Some((part.id.clone(), part.parent.clone()?, part.after.clone())));
        let new = planned.iter().map(|task| (task.task.clone(), task.parent.clone(), task.after.clone()));
        let parts: Vec<(TaskId, TaskId, Vec<TaskId>)> = kept.chain(new).collect();
        for (id, parent, after) in &parts {
            let node = Node { parent: Some(parent.clone()), children: Vec::new(), after: after.clone() };
            order.nodes.insert(id.clone(), node);
        }
        for node in order.nodes.values_mut() {
            node.children.retain(|child| !below.iter().any(|part| part.id == *child));
        }
        for (id, parent, _) in parts {
            if let Some(parent) = order.nodes.get_mut(&parent) {
                parent.children.push(id);
            }
        }
        order
    }

    pub fn insert(&mut self, id: TaskId, parent: TaskId, after: Vec<TaskId>) {
        self.nodes.insert(id.clone(), Node { parent: Some(parent.clone()), children: Vec::new(), after });
        if let Some(parent) = self.nodes.get_mut(&parent) {
            parent.children.push(id);
        }
    }

    pub fn depend(&mut self, task: &TaskId, on: &TaskId) {
        if let Some(node) = self.nodes.get_mut(task) {
            node.after.push(on.clone());
        }
    }

    /// The task waits for this one no more.
    pub fn release(&mut self, task: &TaskId, from: &TaskId) {
        if let Some(node) = self.nodes.get_mut(task) {
            node.after.retain(|dep| dep != from);
        }
    }

    /// Whether the task itself waits for this one.
    pub fn waits(&self, task: &TaskId, on: &TaskId) -> bool {
        self.nodes.get(task).is_some_and(|node| node.after.contains(on))
    }

    /// Whether they are the same, or one is a part of the other at whatever depth.
    pub fn in_line(&self, one: &TaskId, other: &TaskId) -> bool {
        let above = |low: &TaskId, high: &TaskId| {
            let mut next = Some(low);
            while let Some(id) = next.filter(|id| *id != high) {
                next = self.nodes.get(id).and_then(|node| node.parent.as_ref());
            }
            next.is_some()
        };
        above(one, other) || above(other, one)
    }

    pub fn reparent(&mut self, task: &TaskId, parent: &TaskId) {
        for node in self.nodes.values_mut() {
            node.children.retain(|child| child != task);
        }
        if let Some(node) = self.nodes.get_mut(task) {
            node.parent = Some(parent.clone());
        }
        if let Some(node) = self.nodes.get_mut(parent) {
            node.children.push(task.clone());
        }
    }

    /// The tasks of a cycle, each waiting for the next and the last for the first; nothing when all can run.
    pub fn cycle(&self) -> Option<Vec<TaskId>> {
        let mut done = BTreeSet::new();
        for id in self.nodes.keys() {
            if let Some(cycle) = self.search((id, Side::End), &mut done) {
                return Some(cycle);
            }
        }
        None
    }

    /// The tasks of a cycle that this one is in, or that lies before it. Where there was none before the task got another
    /// place or something to wait for, any that came by that is found from here, without a look at the whole tree.
    pub fn cycle_before(&self, task: &TaskId) -> Option<Vec<TaskId>> {
        self.search((task, Side::End), &mut BTreeSet::new())
    }

    /// Depth first from one point, without recursion: a plan from outside may be deep.
    fn search<'a>(&'a self, from: Point<'a>, done: &mut BTreeSet<Point<'a>>) -> Option<Vec<TaskId>> {
        if done.contains(&from) {
            return None;
        }
        let mut path = vec![(from, self.before(from))];
        let mut on_path = BTreeSet::from([from]);
        while let Some((point, todo)) = path.last_mut() {
            let Some(next) = todo.pop() else {
                done.insert(*point);
                on_path.remove(point);
                path.pop();
                continue;
            };
            if on_path.contains(&next) {
                let points = path.iter().map(|(point, _)| *point).skip_while(|point| *point != next);
                return Some(named(points));
            }
            if !done.contains(&next) && self.nodes.contains_key(next.0) {
                on_path.insert(next);
                path.push((next, self.before(next)));
            }
        }
        None
    }

    fn before<'a>(&'a self, (id, side): Point<'a>) -> Vec<Point<'a>> {
        let Some(node) = self.nodes.get(id) else { return Vec::new() };
        match side {
            Side::Begin => {
                let parent = node.parent.iter().map(|parent| (parent, Side::Begin));
                node.after.iter().map(|dep| (dep, Side::End)).chain(parent).collect()
            }
            Side::End => {
                let parts = node.children.iter().map(|child| (child, Side::End));
                parts.chain([(id, Side::Begin)]).collect()
            }
        }
    }
}

/// The tasks of a path of points, each once.
fn named<'a>(points: impl Iterator<Item = Point<'a>>) -> Vec<TaskId> {
    let mut tasks: Vec<TaskId> = Vec::new();
    for (id, _) in points {
        if !tasks.contains(id) {
            tasks.push(id.clone());
        }
    }
    tasks
}

/// What keeps a task from beginning: dependencies of its own or of a group above it that are not completed.
pub fn waits_for<'a>(state: &'a State, task: &'a Task) -> Vec<&'a Task> {
    let mut open: Vec<&Task> = Vec::new();
    for dep in unfinished(state, task) {
        if !open.iter().any(|known| known.id == dep.id) {
            open.push(dep);
        }
    }
    open
}

/// Nothing keeps the task from beginning.
pub(crate) fn is_free(state: &State, task: &Task) -> bool {
    unfinished(state, task).next().is_none()
}

/// Each as often as it is waited for.
fn unfinished<'a>(state: &'a State, task: &'a Task) -> impl Iterator<Item = &'a Task> {
    let holders = std::iter::once(task).chain(state.ancestors(task));
    let deps = holders.flat_map(|holder| &holder.after).filter_map(|id| state.task(id));
    deps.filter(|dep| !matches!(dep.standing, Standing::Completed | Standing::Removed { .. }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> TaskId {
        TaskId::new(text).expect("an id")
    }

    fn order(tasks: &[(&str, &str, &[&str])]) -> Order {
        let mut order = Order::default();
        order.nodes.insert(id("goal"), Node::default());
        for (task, parent, after) in tasks {
            order.insert(id(task), id(parent), after.iter().map(|dep| id(dep)).collect());
        }
        order
    }

    #[test]
    fn a_chain_has_no_cycle() {
        assert_eq!(
            order(&[("a", "goal", &[]), ("b", "goal", &["a"]), ("c", "goal", &["a", "b"])]).cycle(),
            None
        );
    }

    #[test]
    fn a_cycle_is_named() {
        let cycle = order(&[("a", "goal", &["c"]), ("b", "goal", &["a"]), ("c", "goal", &["b"])]).cycle();
        let mut tasks = cycle.expect("a cycle");
        tasks.sort();
        assert_eq!(tasks, [id("a"), id("b"), id("c")]);
    }

    #[test]
    fn a_cycle_is_found_from_each_task_in_it_and_behind_it() {
        let order =
            order(&[("a", "goal", &["b"]), ("b", "goal", &["a"]), ("c", "goal", &["b"]), ("d", "goal", &[])]);
        let found = ["a", "b", "c", "d"].map(|task| order.cycle_before(&id(task)).is_some());
        assert_eq!(found, [true, true, true, false]);
    }

    #[test]
    fn a_part_cannot_wait_for_its_whole() {
        assert!(order(&[("a", "goal", &[]), ("a1", "a", &["a"])]).cycle().is_some());
        assert!(order(&[("a", "goal", &[]), ("a1", "a", &["goal"])]).cycle().is_some());
    }

    #[test]
    fn a_cycle_through_groups_is_found() {
        let through =
            order(&[("a", "goal", &["b"]), ("a1", "a", &[]), ("b", "goal", &[]), ("b1", "b", &["a1"])]);
        assert!(through.cycle().is_some());
    }
}
