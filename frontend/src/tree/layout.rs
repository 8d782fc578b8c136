//! Where nodes lie. Left to right, tidy by rows, a parent on the line of its first child. One pass: a leaf
//! takes the cursor and moves it on, so a change shifts only what follows it.

use std::collections::BTreeSet;

use conductor::State;
use shared::id::TaskId;

/// Pixels of a node and between nodes at one zoom step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zoom {
    pub percent: u32,
    height: u32,
    /// Width by level: goal, first level, deeper.
    widths: [u32; 3],
    across: u32,
    leaf_gap: u32,
    branch_gap: u32,
    goal_height: u32,
    /// A row for each node, indented by level and as wide as the pane.
    pub outline: bool,
}

/// For a phone. Rows are targets for a thumb.
pub const OUTLINE: Zoom = Zoom {
    percent: 100,
    height: 52,
    widths: [0, 0, 0],
    across: 16,
    leaf_gap: 4,
    branch_gap: 4,
    goal_height: 84,
    outline: true,
};

/// From near to far.
pub const ZOOMS: [Zoom; 5] = [
    Zoom {
        percent: 150,
        height: 64,
        widths: [224, 304, 304],
        across: 32,
        leaf_gap: 8,
        branch_gap: 12,
        goal_height: 128,
        outline: false,
    },
    Zoom {
        percent: 100,
        height: 40,
        widths: [168, 224, 256],
        across: 32,
        leaf_gap: 8,
        branch_gap: 12,
        goal_height: 116,
        outline: false,
    },
    Zoom {
        percent: 70,
        height: 28,
        widths: [168, 176, 176],
        across: 24,
        leaf_gap: 4,
        branch_gap: 8,
        goal_height: 88,
        outline: false,
    },
    Zoom {
        percent: 45,
        height: 20,
        widths: [120, 64, 64],
        across: 20,
        leaf_gap: 4,
        branch_gap: 6,
        goal_height: 60,
        outline: false,
    },
    Zoom {
        percent: 20,
        height: 8,
        widths: [32, 32, 32],
        across: 16,
        leaf_gap: 2,
        branch_gap: 4,
        goal_height: 8,
        outline: false,
    },
];

/// The step that is taken at first.
pub const DEFAULT: usize = 1;

/// A node's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    pub id: TaskId,
    /// Place of its parent in [`Layout::nodes`].
    pub parent: Option<usize>,
    pub level: u32,
    pub x: u32,
    pub y: u32,
    pub width: u32,
    pub height: u32,
    /// Its place among its siblings, from 1, and how many there are.
    pub position: (usize, usize),
}

/// All nodes that are not hidden in a folded branch, parents first, in plan order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layout {
    pub nodes: Vec<Placed>,
    pub width: u32,
    pub height: u32,
}

/// Lays out a goal's tree.
pub fn layout(state: &State, goal: &TaskId, folded: &BTreeSet<TaskId>, zoom: Zoom) -> Layout {
    let mut layout = Layout::default();
    let mut cursor = 0;
    // Depth first without recursion: id, parent's place, level, x, position, gap before it.
    let mut stack = vec![(goal.clone(), None, 0_u32, 0_u32, (1, 1), 0_u32)];
    let mut fresh_parent = false;
    while let Some((id, parent, level, x, position, gap)) = stack.pop() {
        let Some(task) = state.task(&id) else { continue };
        // A first child lies on its parent's line; others below what came before.
        let y = if fresh_parent && position.0 == 1 { cursor } else { cursor + gap };
        let (width, height) = size(zoom, level);
        let place = layout.nodes.len();
        let open = !task.children.is_empty() && !folded.contains(&id);
        if open {
            let (count, across) = (task.children.len(), x + width + zoom.across);
            let gap = if level == 0 { zoom.branch_gap } else { zoom.leaf_gap };
            for (index, child) in task.children.iter().enumerate().rev() {
                stack.push((child.clone(), Some(place), level + 1, across, (index + 1, count), gap));
            }
            cursor = if zoom.outline { y + height } else { y };
        } else {
            cursor = y + height;
        }
        fresh_parent = open && !zoom.outline;
        layout.width = layout.width.max(x + width);
        layout.height = layout.height.max(y + height);
        layout.nodes.push(Placed { id, parent, level, x, y, width, height, position });
    }
    layout
}

fn size(zoom: Zoom, level: u32) -> (u32, u32) {
    let width = zoom.widths[(level as usize).min(2)];
    (width, if level == 0 { zoom.goal_height } else { zoom.height })
}

impl Layout {
    pub fn find(&self, id: &TaskId) -> Option<usize> {
        self.nodes.iter().position(|node| node.id == *id)
    }

    /// The nodes that touch rows `top` to `bottom`.
    pub fn between(&self, top: u32, bottom: u32) -> impl Iterator<Item = &Placed> {
        self.nodes.iter().filter(move |node| node.y + node.height >= top && node.y <= bottom)
    }

    /// Wires of the nodes that touch rows `top` to `bottom`, as one SVG path; `only` limits it to the way to some nodes.
    pub fn wires(&self, top: u32, bottom: u32, zoom: Zoom, only: Option<&[usize]>) -> String {
        let mut path = String::new();
        for (place, node) in self.nodes.iter().enumerate() {
            let Some(parent) = node.parent.and_then(|parent| self.nodes.get(parent)) else { continue };
            if node.y + node.height < top
                || parent.y > bottom
                || only.is_some_and(|only| !only.contains(&place))
            {
                continue;
            }
            let row = zoom.height / 2;
            let (from, to) = (parent.y + row.min(parent.height / 2), node.y + row);
            let (start, trunk, end) = (parent.x + parent.width, node.x - zoom.across / 2, node.x);
            if from == to {
                path.push_str(&format!("M{start} {from}H{end}"));
            } else {
                let corner = 8.min(to.saturating_sub(from));
                path.push_str(&format!(
                    "M{start} {from}H{trunk}V{}Q{trunk} {to} {} {to}H{end}",
                    to - corner,
                    trunk + corner
                ));
            }
        }
        path
    }

    /// The places from a node up to the goal.
    pub fn trace(&self, id: &TaskId) -> Vec<usize> {
        let mut trace = Vec::new();
        let mut next = self.find(id);
        while let Some(place) = next {
            trace.push(place);
            next = self.nodes[place].parent;
        }
        trace
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::entry::{Actor, Body, Entry, Kind};
    use shared::id::{ClientId, ProjectId, RunId};
    use shared::plan::{Access, PlannedTask, Size};
    use shared::unit::{Millis, Seq};

    fn id(text: &str) -> TaskId {
        TaskId::new(text).expect("an id")
    }

    /// A goal with `tasks` as (id, parent).
    fn tree(tasks: &[(String, String)]) -> State {
        let mut state = State::default();
        let planned = tasks
            .iter()
            .map(|(task, parent)| PlannedTask {
                key: task.clone(),
                size: Some(Size::Light),
                ..PlannedTask::new(id(task), id(parent), task.clone(), "x")
            })
            .collect();
        let harness = shared::agent::HarnessId::Demo;
        let kinds = [
            Kind::GoalStated { task: id("goal"), text: "Goal".to_owned(), harness, access: Access::Edit },
            Kind::PlanProposed {
                goal: id("goal"),
                run: RunId::new("r").expect("an id"),
                version: 1,
                reply: String::new(),
                tasks: planned,
            },
        ];
        for (seq, kind) in (1..).zip(kinds) {
            let entry = Entry {
                seq: Seq(seq),
                at: Millis(0),
                actor: Actor::Person { client: ClientId::new("c").expect("an id") },
                project: Some(ProjectId::new("p").expect("an id")),
                body: Body::Known(Box::new(kind)),
            };
            conductor::apply(&mut state, &entry);
        }
        state
    }

    fn small() -> State {
        let pairs = [("a", "goal"), ("a1", "a"), ("a2", "a"), ("b", "goal")];
        tree(&pairs.map(|(task, parent)| (task.to_owned(), parent.to_owned())))
    }

    fn places(layout: &Layout) -> Vec<(&str, u32, u32)> {
        layout.nodes.iter().map(|node| (node.id.as_str(), node.x, node.y)).collect()
    }

    #[test]
    fn a_parent_lies_on_the_line_of_its_first_child() {
        let layout = layout(&small(), &id("goal"), &BTreeSet::new(), ZOOMS[DEFAULT]);
        assert_eq!(
            places(&layout),
            [("goal", 0, 0), ("a", 200, 0), ("a1", 456, 0), ("a2", 456, 48), ("b", 200, 100)]
        );
    }

    #[test]
    fn a_folded_branch_takes_one_row() {
        let layout = layout(&small(), &id("goal"), &BTreeSet::from([id("a")]), ZOOMS[DEFAULT]);
        assert_eq!(places(&layout), [("goal", 0, 0), ("a", 200, 0), ("b", 200, 52)]);
    }

    #[test]
    fn an_outline_is_a_row_for_each_node_in_plan_order() {
        let layout = layout(&small(), &id("goal"), &BTreeSet::new(), OUTLINE);
        assert_eq!(
            places(&layout),
            [("goal", 0, 0), ("a", 16, 88), ("a1", 32, 144), ("a2", 32, 200), ("b", 16, 256)]
        );
    }

    #[test]
    fn nothing_overlaps() {
        let tasks: Vec<(String, String)> = (0..1_000)
            .map(|n| (format!("t{n}"), if n < 10 { "goal".to_owned() } else { format!("t{}", n / 10 - 1) }))
            .collect();
        let state = tree(&tasks);
        for zoom in ZOOMS {
            let layout = layout(&state, &id("goal"), &BTreeSet::new(), zoom);
            assert_eq!(layout.nodes.len(), 1_001);
            let mut rows: Vec<(u32, u32, u32)> =
                layout.nodes.iter().map(|node| (node.x, node.y, node.height)).collect();
            rows.sort_unstable();
            for pair in rows.windows(2) {
                assert!(
                    pair[0].0 != pair[1].0 || pair[0].1 + pair[0].2 <= pair[1].1,
                    "{pair:?} at {}",
                    zoom.percent
                );
            }
        }
    }
}
