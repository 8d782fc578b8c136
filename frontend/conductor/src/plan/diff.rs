//! What a version of a plan changed against the tree as it stood before it, a person's own edits included.

use std::collections::BTreeSet;

use shared::id::TaskId;
use shared::plan::{Mode, Size};

use crate::state::{State, Task};

/// A version of a plan, and what it changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    pub version: u32,
    /// In plan order; removed tasks last.
    pub changes: Vec<Change>,
}

/// One task that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub task: TaskId,
    /// Its name in the new version, or its last one.
    pub title: String,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    Added,
    Removed,
    /// Another parent or another place among those that stayed, and nothing else.
    Moved,
    /// Never empty.
    Changed(Vec<Field>),
}

/// A field that changed, with what it was and is where that is short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    Title {
        before: String,
    },
    Objective,
    Mode {
        before: Mode,
        after: Mode,
    },
    Size {
        before: Size,
        after: Size,
    },
    /// What it no longer waits for, and what it waits for now.
    After {
        dropped: Vec<TaskId>,
        added: Vec<TaskId>,
    },
    Inputs,
    Outputs,
    /// An agent's work became a command, a command an agent's work, or another command.
    Work,
    /// What is done when it fails.
    Retry,
    /// What is wanted before it counts as done.
    Evidence,
    /// Which agent of the person's own does it.
    Agent,
    /// Who reviews it.
    Reviewer,
    /// How far it goes by itself.
    Caps,
    Moved,
}

/// Compares the tree of `goal` in two states.
pub fn diff(before: &State, after: &State, goal: &TaskId) -> Vec<Change> {
    let (old, new) = (below(before, goal), below(after, goal));
    let kept: BTreeSet<&TaskId> =
        new.iter().map(|task| &task.id).filter(|id| old.iter().any(|task| task.id == **id)).collect();
    let mut changes = Vec::new();
    for task in &new {
        let what = match old.iter().find(|former| former.id == task.id) {
            None => Some(What::Added),
            Some(former) => altered(former, task, moved(before, after, former, task, &kept)),
        };
        changes.extend(what.map(|what| change(task, what)));
    }
    let gone = old.iter().filter(|task| !kept.contains(&task.id));
    changes.extend(gone.map(|task| change(task, What::Removed)));
    changes
}

fn below<'a>(state: &'a State, goal: &TaskId) -> Vec<&'a Task> {
    state.subtree(goal).into_iter().skip(1).collect()
}

fn change(task: &Task, what: What) -> Change {
    Change { task: task.id.clone(), title: task.title.clone(), what }
}

fn altered(former: &Task, task: &Task, moved: bool) -> Option<What> {
    let mut fields = Vec::new();
    if former.title != task.title {
        fields.push(Field::Title { before: former.title.clone() });
    }
    if former.objective != task.objective {
        fields.push(Field::Objective);
    }
    if former.mode != task.mode {
        fields.push(Field::Mode { before: former.mode, after: task.mode });
    }
    if former.size != task.size {
        fields.push(Field::Size { before: former.size, after: task.size });
    }
    let less = |some: &[TaskId], others: &[TaskId]| {
        some.iter().filter(|id| !others.contains(id)).cloned().collect::<Vec<_>>()
    };
    let (dropped, added) = (less(&former.after, &task.after), less(&task.after, &former.after));
    if !dropped.is_empty() || !added.is_empty() {
        fields.push(Field::After { dropped, added });
    }
    if former.inputs != task.inputs {
        fields.push(Field::Inputs);
    }
    if former.outputs != task.outputs {
        fields.push(Field::Outputs);
    }
    if former.work != task.work {
        fields.push(Field::Work);
    }
    if former.retry != task.retry {
        fields.push(Field::Retry);
    }
    if former.evidence != task.evidence {
        fields.push(Field::Evidence);
    }
    if former.persona != task.persona {
        fields.push(Field::Agent);
    }
    if former.reviewer != task.reviewer {
        fields.push(Field::Reviewer);
    }
    if former.caps != task.caps {
        fields.push(Field::Caps);
    }
    match (fields.is_empty(), moved) {
        (true, false) => None,
        (true, true) => Some(What::Moved),
        (false, moved) => {
            fields.extend(moved.then_some(Field::Moved));
            Some(What::Changed(fields))
        }
    }
}

/// Another parent, or out of the longest row of siblings that kept their order.
fn moved(before: &State, after: &State, former: &Task, task: &Task, kept: &BTreeSet<&TaskId>) -> bool {
    if former.parent != task.parent {
        return true;
    }
    let siblings = |state: &State| -> Vec<TaskId> {
        let parent = task.parent.as_ref().and_then(|parent| state.task(parent));
        let children = parent.map_or(&[][..], |parent| &parent.children);
        children.iter().filter(|id| kept.contains(id)).cloned().collect()
    };
    let (old, new) = (siblings(before), siblings(after));
    let places: Vec<usize> = new.iter().filter_map(|id| old.iter().position(|former| former == id)).collect();
    let stayed = longest_rising(&places);
    old.iter().position(|id| *id == task.id).is_some_and(|place| !stayed.contains(&place))
}

/// The longest run of numbers that rise, not necessarily side by side. Quadratic: a plan has a dozen tasks.
fn longest_rising(numbers: &[usize]) -> Vec<usize> {
    let mut best: Vec<Vec<usize>> = Vec::new();
    for &number in numbers {
        let before = best.iter().filter(|run| run.last().is_some_and(|last| *last < number));
        // The first of the longest, so that the answer does not hang on the order of search.
        let mut run = before.rev().max_by_key(|run| run.len()).cloned().unwrap_or_default();
        run.push(number);
        best.push(run);
    }
    best.into_iter().rev().max_by_key(Vec::len).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::agent::HarnessId;
    use shared::entry::{Actor, Body, Entry, Kind};
    use shared::evidence::{Check, Evidence};
    use shared::id::{ClientId, PersonaId, ProjectId, RunId};
    use shared::limits::Caps;
    use shared::plan::{Access, PlanEdit, PlannedTask, Work};
    use shared::retry::Retry;
    use shared::reviewer::Reviewer;
    use shared::unit::{Millis, Seq};

    fn id(text: &str) -> TaskId {
        TaskId::new(text).expect("an id")
    }

    fn planned(task: &str, parent: &str) -> PlannedTask {
        PlannedTask {
            key: task.to_owned(),
            ..PlannedTask::new(id(task), id(parent), task.to_uppercase(), "do")
        }
    }

    fn take(state: &mut State, kind: Kind) {
        let entry = Entry {
            seq: Seq(state.seq.0 + 1),
            at: Millis(0),
            actor: Actor::Person { client: ClientId::new("c").expect("an id") },
            project: Some(ProjectId::new("p").expect("an id")),
            body: Body::Known(Box::new(kind)),
        };
        crate::apply(state, &entry);
    }

    fn propose(state: &mut State, version: u32, tasks: Vec<PlannedTask>) {
        let (goal, run) = (id("goal"), RunId::new("r").expect("an id"));
        take(state, Kind::PlanProposed { goal, run, version, reply: String::new(), tasks });
    }

    fn plan(tasks: Vec<PlannedTask>) -> State {
        let mut state = State::default();
        let (task, text) = (id("goal"), "Goal".to_owned());
        take(&mut state, Kind::GoalStated { task, text, harness: HarnessId::Demo, access: Access::Edit });
        propose(&mut state, 1, tasks);
        state
    }

    fn flat(names: &[&str]) -> Vec<PlannedTask> {
        names.iter().map(|name| planned(name, "goal")).collect()
    }

    fn check(before: Vec<PlannedTask>, after: Vec<PlannedTask>, expected: &[(&str, What)]) {
        let mut state = plan(before);
        propose(&mut state, 2, after);
        let revision =
            state.task(&id("goal")).and_then(|goal| goal.planning.as_ref()?.revisions.last().cloned());
        let revision = revision.expect("a second version has a revision");
        assert_eq!(revision.version, 2);
        let told: Vec<(&str, What)> =
            revision.changes.iter().map(|change| (change.task.as_str(), change.what.clone())).collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn what_stayed_is_not_told() {
        check(flat(&["a", "b", "c"]), flat(&["a", "b", "c"]), &[]);
    }

    #[test]
    fn added_and_removed() {
        check(flat(&["a", "b", "c"]), flat(&["a", "d", "c"]), &[("d", What::Added), ("b", What::Removed)]);
    }

    #[test]
    fn the_one_that_was_taken_out_of_the_row_moved() {
        check(flat(&["a", "b", "c", "d"]), flat(&["d", "a", "b", "c"]), &[("d", What::Moved)]);
        check(flat(&["a", "b", "c", "d"]), flat(&["b", "c", "d", "a"]), &[("a", What::Moved)]);
        let mut under = flat(&["a", "b", "c"]);
        under[2].parent = id("a");
        check(flat(&["a", "b", "c"]), under, &[("c", What::Moved)]);
    }

    #[test]
    fn a_new_neighbour_moves_nobody() {
        check(flat(&["a", "b", "c"]), flat(&["n", "a", "b", "c"]), &[("n", What::Added)]);
    }

    #[test]
    fn every_field_is_told() {
        let before = flat(&["a", "b", "c"]);
        let mut after = before.clone();
        after[1] = PlannedTask {
            title: "Better".to_owned(),
            objective: "do it well".to_owned(),
            mode: Mode::Hybrid,
            size: Some(Size::Heavy),
            after: vec![id("a")],
            inputs: vec!["a.md".to_owned()],
            outputs: vec!["b.md".to_owned()],
            work: Work::Command { command: "make".to_owned(), timeout: Millis(1) },
            retry: Some(Retry::default()),
            evidence: Evidence::default().and(vec![Check::OutputsExist]),
            persona: PersonaId::new("ann").ok(),
            reviewer: Some(Reviewer::Other),
            caps: Caps { turns: Some(9), ..Caps::default() },
            parent: id("c"),
            ..after[1].clone()
        };
        let fields = vec![
            Field::Title { before: "B".to_owned() },
            Field::Objective,
            Field::Mode { before: Mode::Autonomous, after: Mode::Hybrid },
            Field::Size { before: Size::Standard, after: Size::Heavy },
            Field::After { dropped: Vec::new(), added: vec![id("a")] },
            Field::Inputs,
            Field::Outputs,
            Field::Work,
            Field::Retry,
            Field::Evidence,
            Field::Agent,
            Field::Reviewer,
            Field::Caps,
            Field::Moved,
        ];
        check(before, after, &[("b", What::Changed(fields))]);
    }

    #[test]
    fn it_compares_with_what_the_person_made_of_the_former_version() {
        let mut state = plan(flat(&["a", "b", "c"]));
        let edit = PlanEdit::Rename { task: id("a"), title: "Mine".to_owned() };
        take(&mut state, Kind::PlanEdited { goal: id("goal"), edit });
        let goal =
            |state: &State| state.task(&id("goal")).and_then(|task| task.planning.clone()).expect("a goal");
        assert_eq!(goal(&state).news(), None, "the first version changes nothing");
        let mut kept = flat(&["a", "b", "c"]);
        kept[0].title = "Mine".to_owned();
        propose(&mut state, 2, kept);
        assert_eq!(goal(&state).news().map(|news| news.changes.len()), Some(0));
        take(&mut state, Kind::PlanApproved { goal: id("goal"), version: 2 });
        assert_eq!(goal(&state).news(), None, "what was approved is news no more");
    }
}
