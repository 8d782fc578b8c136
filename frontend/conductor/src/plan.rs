//! Plans: from a planner's answer to checked tasks. Every problem says what is wrong in words that both the
//! planner and the person can act on.

pub mod diff;
pub mod document;
pub mod edit;
pub mod feed;
pub mod given;
pub(crate) mod worded;

use std::collections::{BTreeMap, BTreeSet};

use shared::evidence::{Check, Evidence};
use shared::id::TaskId;
use shared::limits::{Caps, Limits};
use shared::plan::{PlannedTask, PlannerAnswer, ProposedTask, Verdict, Work};
use shared::retry::Retry;

use crate::order::Order;
use crate::persona;
use crate::planning::{Planning, is_fixed, keyed, level, width};
use crate::reviewer;
use crate::state::{Standing, State, Task};

/// Longest title that is kept of a plan, and that a person may give, in characters.
pub const TITLE: usize = 120;
/// Problems that are told at once; a plan of 5,000 bad tasks should not fill a prompt.
const TOLD: usize = 10;
/// Tasks of a plan that a person gives.
const GIVEN: u32 = 500;

/// Checks a plan for a goal, or for a task of it, and gives it ids: a key that the current plan below the task has keeps
/// its task, others get the task's next ids. What has begun is as it was, whatever the plan says of it.
/// Errs with what is wrong, at most ten problems.
pub fn validate(
    state: &State,
    owner: &Task,
    tasks: &[ProposedTask],
) -> Result<Vec<PlannedTask>, Vec<String>> {
    let (plan_min, plan_max) = width(state, owner);
    check(state, owner, tasks, &Limits { plan_min, plan_max, ..state.limits.clone() })
}

fn check(
    state: &State,
    owner: &Task,
    tasks: &[ProposedTask],
    limits: &Limits,
) -> Result<Vec<PlannedTask>, Vec<String>> {
    let mut problems = shape(tasks, limits);
    problems.extend(strangers(state, tasks));
    if problems.is_empty() {
        let ids = ids(state, owner, tasks);
        let made = |task: &ProposedTask| {
            // What is shared by parts cannot be held to what holds for one of them.
            let is_group = tasks.iter().any(|part| part.parent == task.key);
            let caps = if is_group { Caps::default() } else { allowed(task, limits) };
            kept(state, owner, PlannedTask { caps, ..planned(state, task, owner, &ids, limits) })
        };
        let mut planned: Vec<PlannedTask> = tasks.iter().map(made).collect();
        problems = structure(state, owner, tasks, &planned, limits);
        if problems.is_empty() {
            problems = feed::connect(&owner.id, &mut planned);
        }
        if problems.is_empty() {
            problems.extend(cycle(state, owner, &planned));
        }
        if problems.is_empty() {
            return Ok(planned);
        }
    }
    problems.truncate(TOLD);
    Err(problems)
}

/// Checks a plan that a person gives for a goal: a planner's, but that it may be as small and as large as they like.
/// Errs with what is wrong.
pub fn validate_given(
    state: &State,
    goal: &Task,
    answer: &PlannerAnswer,
) -> Result<Vec<PlannedTask>, Vec<String>> {
    if answer.decision == Verdict::Answer {
        return Err(vec!["\"decision\" must be \"plan\"; an answer has nothing to run".to_owned()]);
    }
    let limits = Limits { plan_min: 1, plan_max: GIVEN, tasks: u32::MAX, ..state.limits.clone() };
    check(state, goal, &answer.tasks, &limits)
}

/// What is wrong with the tasks one by one.
fn shape(tasks: &[ProposedTask], limits: &Limits) -> Vec<String> {
    let (min, max) = (limits.plan_min, limits.plan_max);
    if tasks.is_empty() {
        return vec!["the plan has no tasks; answer directly when there is nothing to split".to_owned()];
    }
    if !(min as usize..=max as usize).contains(&tasks.len()) {
        return vec![format!("the plan has {} tasks; it should have {min} to {max}", tasks.len())];
    }
    let mut problems = Vec::new();
    let mut keys = BTreeSet::new();
    for (place, task) in tasks.iter().enumerate() {
        let name =
            if task.key.is_empty() { format!("task {}", place + 1) } else { format!("task {:?}", task.key) };
        if task.key.trim().is_empty() {
            problems.push(format!("{name} has no key"));
        } else if !keys.insert(task.key.as_str()) {
            problems.push(format!("the key {:?} is given twice", task.key));
        }
        if task.title.trim().is_empty() {
            problems.push(format!("{name} has no title"));
        }
        if task.objective.trim().is_empty() && task.command.trim().is_empty() {
            problems.push(format!("{name} has no objective"));
        }
        let wrong = task.checks.iter().filter_map(|check| check.parse::<Check>().err());
        problems.extend(wrong.map(|wrong| format!("{name}: {wrong}")));
    }
    for task in tasks {
        for dep in task.after.iter().filter(|dep| !keys.contains(dep.as_str())) {
            problems.push(format!("task {:?} comes after {dep:?}, which is not in the plan", task.key));
        }
        if !task.parent.is_empty() && !keys.contains(task.parent.as_str()) {
            problems.push(format!(
                "task {:?} is a part of {:?}, which is not in the plan",
                task.key, task.parent
            ));
        }
    }
    problems
}

/// Agents that tasks are given to, or their review, and nobody has.
fn strangers(state: &State, tasks: &[ProposedTask]) -> Vec<String> {
    let unknown = tasks.iter().filter(|task| !task.agent.trim().is_empty());
    let unknown = unknown.filter(|task| persona::named(state, &task.agent).is_none());
    let known: Vec<&str> = persona::offered(state).into_iter().map(|persona| persona.name.as_str()).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    let problem = |task: &ProposedTask| {
        format!(
            "task {:?} is for the agent {:?}, which is not there; there are: {known}",
            task.key, task.agent
        )
    };
    let reviewers = tasks.iter().filter_map(|task| {
        let problem = reviewer::named(state, &task.reviewer).err()?;
        Some(format!("task {:?}: {problem}", task.key))
    });
    unknown.map(problem).chain(reviewers).collect()
}

/// Whether tasks that came with ids can be a goal's plan: each is new or the goal's own, and they make a tree
/// without a cycle, with what stays of it whatever the plan says.
pub fn fits(state: &State, goal: &Task, tasks: &[PlannedTask]) -> bool {
    let ids: BTreeSet<&TaskId> = tasks.iter().map(|task| &task.task).collect();
    let own = |id: &TaskId| *id != goal.id && state.task(id).is_none_or(|known| known.root == goal.id);
    let inside = |task: &PlannedTask| {
        own(&task.task)
            && (task.parent == goal.id || ids.contains(&task.parent))
            && task.after.iter().all(|dep| ids.contains(dep))
    };
    !tasks.is_empty()
        && ids.len() == tasks.len()
        && tasks.iter().all(inside)
        && Order::planned(state, goal, tasks).cycle().is_none()
}

fn ids(state: &State, owner: &Task, tasks: &[ProposedTask]) -> BTreeMap<String, TaskId> {
    let current: BTreeMap<String, &TaskId> =
        keyed(state, owner).into_iter().map(|(key, task)| (key, &task.id)).collect();
    let mut next = owner.planning.as_ref().map_or(0, |planning| planning.derived);
    let mut ids = BTreeMap::new();
    for task in tasks {
        next += 1;
        let id = match current.get(task.key.as_str()) {
            Some(&id) => id.clone(),
            None => owner.id.derived(next),
        };
        ids.insert(task.key.clone(), id);
    }
    ids
}

fn planned(
    state: &State,
    task: &ProposedTask,
    goal: &Task,
    ids: &BTreeMap<String, TaskId>,
    limits: &Limits,
) -> PlannedTask {
    let id = |key: &String| ids.get(key).cloned();
    let work = match task.command.trim() {
        "" => Work::Agent,
        command => Work::Command { command: command.to_owned(), timeout: limits.command },
    };
    PlannedTask {
        task: id(&task.key).unwrap_or_else(|| goal.id.clone()),
        key: task.key.clone(),
        parent: id(&task.parent).unwrap_or_else(|| goal.id.clone()),
        title: task.title.trim().chars().take(TITLE).collect(),
        objective: task.objective.clone(),
        mode: task.mode,
        size: task.size.size(),
        after: task.after.iter().filter_map(id).collect(),
        inputs: task.inputs.clone(),
        outputs: task.outputs.clone(),
        work,
        retry: task.retry.policy().map(|policy| Retry { policy, ..limits.retry }),
        evidence: Evidence {
            checks: task.checks.iter().filter_map(|check| check.parse().ok()).collect(),
            review: None,
            commit: None,
        },
        persona: persona::named(state, &task.agent).map(|persona| persona.persona.clone()),
        reviewer: reviewer::named(state, &task.reviewer).ok().flatten(),
        caps: Caps::default(),
    }
}

/// How far a planner lets a task go, and never further than the person lets all.
fn allowed(task: &ProposedTask, limits: &Limits) -> Caps {
    Caps::default().with(None, task.caps.caps().within(limits.caps.of(None)))
}

/// A part that is there already still comes after what it comes after elsewhere in the tree, keeps the evidence that is
/// wanted of it, since a planner may ask for more and never for less, its caps, and the person's word on tries where the plan
/// has none. One that has begun is what it was.
fn kept(state: &State, owner: &Task, planned: PlannedTask) -> PlannedTask {
    let Some(task) = state.task(&planned.task) else { return planned };
    if is_fixed(state, task) {
        return PlannedTask {
            task: task.id.clone(),
            key: task.key.clone(),
            parent: task.parent.clone().unwrap_or_else(|| owner.id.clone()),
            title: task.title.clone(),
            objective: task.objective.clone(),
            mode: task.mode,
            size: task.chosen_size(),
            after: task.after.clone(),
            inputs: task.inputs.clone(),
            outputs: task.outputs.clone(),
            work: task.work.clone(),
            retry: task.retry,
            evidence: task.evidence.clone(),
            persona: task.persona.clone(),
            reviewer: task.reviewer.clone(),
            caps: task.caps,
        };
    }
    let outside = outside(state, owner);
    let elsewhere = task.after.iter().filter(|dep| outside.iter().any(|other| other.id == **dep));
    let after = planned.after.iter().chain(elsewhere).cloned().collect();
    let attempts =
        |wished: Retry| task.retry.map_or(wished, |own| Retry { attempts: own.attempts, ..wished });
    let retry = planned.retry.map(attempts).or(task.retry);
    let evidence = task.evidence.clone().and(planned.evidence.checks);
    let caps = task.caps.or(planned.caps);
    PlannedTask { after, key: task.key.clone(), retry, evidence, caps, ..planned }
}

/// What is wrong with the tasks together.
fn structure(
    state: &State,
    owner: &Task,
    tasks: &[ProposedTask],
    planned: &[PlannedTask],
    limits: &Limits,
) -> Vec<String> {
    let parents: BTreeMap<&TaskId, &TaskId> = planned.iter().map(|task| (&task.task, &task.parent)).collect();
    let above_all = level(state, owner) as usize;
    let mut problems = Vec::new();
    for (task, words) in planned.iter().zip(tasks) {
        let mut depth = 1;
        let mut above = &task.parent;
        while *above != owner.id && depth <= planned.len() {
            depth += 1;
            above = parents.get(above).copied().unwrap_or(&owner.id);
        }
        let level = above_all + depth;
        // What has begun stays where it is, also where less is allowed since.
        let stays = || state.task(&task.task).is_some_and(|task| is_fixed(state, task));
        if depth > planned.len() {
            problems.push(format!("task {:?} is a part of itself", words.key));
        } else if level > limits.depth as usize && !stays() {
            problems
                .push(format!("task {:?} is {level} levels deep; {} are allowed", words.key, limits.depth));
        }
    }
    problems.extend(lost(state, owner, planned));
    let stays = |task: &&Task| is_fixed(state, task) && !planned.iter().any(|it| it.task == task.id);
    let kept = state.subtree(&owner.id).into_iter().skip(1).filter(stays).count();
    // The goal is none of its tasks.
    let all = outside(state, owner).len() - 1 + kept + planned.len();
    if all > limits.tasks as usize {
        problems.push(format!("the goal would have {all} tasks; {} are allowed in all", limits.tasks));
    }
    if problems.is_empty() {
        problems.extend(cycle(state, owner, planned));
    }
    problems
}

/// The tasks of the plan that wait for each other, also by way of what is elsewhere in the tree.
fn cycle(state: &State, owner: &Task, planned: &[PlannedTask]) -> Option<String> {
    let cycle = Order::planned(state, owner, planned).cycle()?;
    let key = |id: &TaskId| planned.iter().find(|task| task.task == *id).map_or("", |task| task.key.as_str());
    let keys: Vec<&str> = cycle.iter().map(key).filter(|key| !key.is_empty()).collect();
    Some(format!("the tasks wait for each other in a cycle: {}", keys.join(" after ")))
}

/// The rest of the tree that the task is in, and the task itself.
fn outside<'a>(state: &'a State, owner: &Task) -> Vec<&'a Task> {
    let below = state.subtree(&owner.id);
    let inside = |task: &Task| below.iter().skip(1).any(|part| part.id == task.id);
    state.subtree(&owner.root).into_iter().filter(|task| !inside(task)).collect()
}

/// Tasks that others outside the plan come after, and that the plan leaves out.
fn lost(state: &State, owner: &Task, planned: &[PlannedTask]) -> Vec<String> {
    let (below, outside) = (keyed(state, owner), outside(state, owner));
    let out = |task: &Task| !planned.iter().any(|planned| planned.task == task.id) && !is_fixed(state, task);
    let mut problems = Vec::new();
    for (key, part) in below.iter().filter(|(_, part)| out(part)) {
        if let Some(other) = outside.iter().find(|other| other.after.contains(&part.id)) {
            problems.push(format!("task {key:?} must stay, because {} comes after it", name(other)));
        }
    }
    problems
}

/// The tasks that a task waits for, and those that the groups waited for which it is in; without removed ones.
pub fn dependencies<'a>(state: &'a State, task: &'a Task) -> Vec<&'a Task> {
    let mut found: Vec<&Task> = Vec::new();
    for holder in std::iter::once(task).chain(state.ancestors(task)) {
        for dep in holder.after.iter().filter_map(|id| state.task(id)) {
            let gone = matches!(dep.standing, Standing::Removed { .. });
            if !gone && !found.iter().any(|known| known.id == dep.id) {
                found.push(dep);
            }
        }
    }
    found
}

/// "4.2 Merge guest cart"
pub fn name(task: &Task) -> String {
    if task.number.is_empty() { task.title.clone() } else { format!("{} {}", task.number_text(), task.title) }
}

/// Whether what is below the task is a proposal that a person may approve.
pub fn awaits_approval(task: &Task) -> bool {
    task.planning.as_ref().is_some_and(Planning::is_proposed)
}
