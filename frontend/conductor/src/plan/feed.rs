//! Worker chains: an input that is another task's declared output makes the dependency by itself. Names are compared
//! as they are written. A task that its plan puts before the maker gets nothing from it, and neither does a part from
//! its whole.

use std::collections::BTreeSet;

use shared::id::TaskId;
use shared::plan::{PlanEdit, PlannedTask};

use super::edit::unbegun;
use crate::order::Order;
use crate::state::{State, Task};

/// Who needs what, and who makes what.
#[derive(Debug, Clone)]
struct Wares<'a> {
    task: &'a TaskId,
    inputs: &'a [String],
    outputs: &'a [String],
}

/// That `task` gets an input from `maker`.
type Feed = (TaskId, TaskId);

/// A task needs what only tasks after it make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Late {
    pub task: TaskId,
    pub input: String,
    pub maker: TaskId,
}

/// What an edit does to who waits for whom.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rewiring {
    /// The order as it is then.
    pub order: Order,
    pub gained: Vec<Feed>,
    pub lost: Vec<Feed>,
    pub late: Option<Late>,
}

/// A name without what people and planners put around it: "`./src/a.rs`" is "src/a.rs".
fn bare(name: &str) -> &str {
    let name = name.trim().trim_matches('`');
    name.strip_prefix("./").unwrap_or(name)
}

fn makes(outputs: &[String], input: &str) -> bool {
    !bare(input).is_empty() && outputs.iter().any(|output| bare(output) == bare(input))
}

/// Each input of a task, with the tasks that it waits for and that make it.
pub fn sources<'a>(state: &'a State, task: &'a Task) -> Vec<(&'a str, Vec<&'a Task>)> {
    let waited = super::dependencies(state, task);
    let of = |input: &'a String| {
        let makers = waited.iter().filter(|dep| makes(&dep.outputs, input));
        (input.as_str(), makers.copied().collect())
    };
    task.inputs.iter().map(of).collect()
}

/// Lets each task of a plan come after whoever makes its inputs. Gives what is wrong with that, where something is.
pub(super) fn connect(goal: &TaskId, tasks: &mut [PlannedTask]) -> Vec<String> {
    let mut order = Order::rooted(goal, tasks);
    let wares: Vec<Wares<'_>> = tasks.iter().map(Wares::planned).collect();
    let (feeds, late) = fed(&order, &wares, &BTreeSet::new());
    let key = |id: &TaskId| tasks.iter().find(|task| task.task == *id).map_or("", |task| task.key.as_str());
    let told = |Late { task, input, maker }: &Late| {
        format!(
            "task {:?} needs {input:?}, which {:?} makes and comes after it; turn the order round, or leave the input out",
            key(task),
            key(maker)
        )
    };
    let mut problems: Vec<String> = late.iter().map(told).collect();
    feeds.iter().for_each(|(task, maker)| order.depend(task, maker));
    if let Some(cycle) = order.cycle() {
        let keys: Vec<&str> = cycle.iter().map(key).filter(|key| !key.is_empty()).collect();
        problems.push(format!(
            "a task waits for whoever makes its inputs, and so these wait for each other in a cycle: {}",
            keys.join(" after ")
        ));
    }
    for (task, maker) in feeds {
        let waiting = tasks.iter_mut().find(|planned| planned.task == task);
        waiting.into_iter().for_each(|waiting| waiting.after.push(maker.clone()));
    }
    problems
}

/// What becomes of the order when `edit` changes what a task needs or makes.
pub fn rewire(state: &State, goal: &TaskId, edit: &PlanEdit) -> Rewiring {
    let mut order = Order::of(state, goal);
    let mut wares: Vec<Wares<'_>> = state.subtree(goal).into_iter().map(Wares::of).collect();
    let before = matches(&order, &wares);
    let edited = match edit {
        PlanEdit::SetInputs { task, inputs } => {
            wares.iter_mut().filter(|known| known.task == task).for_each(|known| known.inputs = inputs);
            task
        }
        PlanEdit::SetOutputs { task, outputs } => {
            wares.iter_mut().filter(|known| known.task == task).for_each(|known| known.outputs = outputs);
            task
        }
        PlanEdit::Add { planned, .. } => {
            order.insert(planned.task.clone(), planned.parent.clone(), planned.after.clone());
            wares.push(Wares::planned(planned));
            &planned.task
        }
        _ => return Rewiring { order, ..Rewiring::default() },
    };
    // What has begun has begun with what there was.
    let free = |(task, _): &Feed| state.task(task).is_none_or(|task| unbegun(task).is_ok());
    let now = matches(&order, &wares);
    let lost: Vec<Feed> = before.difference(&now).filter(|feed| free(feed)).cloned().collect();
    lost.iter().for_each(|(task, maker)| order.release(task, maker));
    let (mut gained, late) = fed(&order, &wares, &before);
    gained.retain(free);
    gained.iter().for_each(|(task, maker)| order.depend(task, maker));
    let late = late.into_iter().find(|late| late.task == *edited || late.maker == *edited);
    Rewiring { order, gained, lost, late }
}

impl<'a> Wares<'a> {
    fn planned(task: &'a PlannedTask) -> Self {
        Self { task: &task.task, inputs: &task.inputs, outputs: &task.outputs }
    }

    fn of(task: &'a Task) -> Self {
        Self { task: &task.id, inputs: &task.inputs, outputs: &task.outputs }
    }
}

/// Who makes an input of this one, in whatever order.
fn makers<'a>(
    order: &'a Order,
    wares: &'a [Wares<'a>],
    needs: &'a Wares<'a>,
    input: &'a str,
) -> impl Iterator<Item = &'a TaskId> {
    let others = wares.iter().filter(move |other| makes(other.outputs, input));
    others.map(|other| other.task).filter(move |other| !order.in_line(needs.task, other))
}

fn matches(order: &Order, wares: &[Wares<'_>]) -> BTreeSet<Feed> {
    let each = wares.iter().flat_map(|needs| needs.inputs.iter().map(move |input| (needs, input)));
    each.flat_map(|(needs, input)| {
        makers(order, wares, needs, input).map(|maker| (needs.task.clone(), maker.clone()))
    })
    .collect()
}

/// The feeds that were not `known` and make no cycle one by one, and what nobody can feed.
fn fed(order: &Order, wares: &[Wares<'_>], known: &BTreeSet<Feed>) -> (Vec<Feed>, Vec<Late>) {
    let (mut feeds, mut late) = (Vec::new(), Vec::new());
    for needs in wares {
        for input in needs.inputs {
            let (after, before): (Vec<&TaskId>, Vec<&TaskId>) =
                makers(order, wares, needs, input).partition(|maker| {
                    let mut order = order.clone();
                    order.depend(needs.task, maker);
                    order.cycle().is_some()
                });
            // What it makes itself is there in some form before.
            if let (true, Some(&maker), false) =
                (before.is_empty(), after.first(), makes(needs.outputs, input))
            {
                late.push(Late { task: needs.task.clone(), input: input.clone(), maker: maker.clone() });
            }
            for maker in before {
                let feed = (needs.task.clone(), maker.clone());
                if !known.contains(&feed) && !feeds.contains(&feed) && !order.waits(needs.task, maker) {
                    feeds.push(feed);
                }
            }
        }
    }
    (feeds, late)
}
