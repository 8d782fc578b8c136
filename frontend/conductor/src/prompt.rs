//! The words that an agent gets. A task sees its objective, what the groups above it are about, and the
//! results of what it depends on; never its siblings. What a size limit cuts is said where it is cut.

use std::fmt::Write;

use shared::entry::Purpose;
use shared::plan::{Mode, ProposedTask, Work};
use shared::retry::RetryWish;

use crate::library;
use crate::persona;
use crate::plan::name;
use crate::proof::{checks, problem};
use crate::state::{Goal, Plan, Standing, State, Task, TaskResult};

/// The prompt of the task's next turn for this purpose.
pub fn prompt(state: &State, task: &Task, purpose: Purpose) -> String {
    let mut text = match purpose {
        Purpose::Plan => plan(state, task),
        Purpose::Work => work(state, task),
        Purpose::Summary => summary(state, task),
        Purpose::Talk => talk(state, task),
        Purpose::Diagnose => diagnose(task),
        Purpose::Classify => classify(task),
        Purpose::Repair => repair(state, task),
        Purpose::Review => review(state, task),
        // A command's words are its own.
        Purpose::Base | Purpose::Check => String::new(),
    };
    if let Some(persona) = persona::begins(state, task, purpose) {
        let at = text.find("\n\n").map_or(0, |end| end + 2);
        text.insert_str(at, &format!("## Who you are\n\n{}\n\n", persona::words(state, persona)));
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

const PLANNING: &str = "\
Look at the folder that you are in, as far as it helps; change nothing. Then decide:
- A small goal or a question: answer it (decision \"answer\", no tasks).
- Anything larger: split it (decision \"plan\") into focused tasks, each for an agent of its own that sees nothing but its objective \
and the results of the tasks it comes after. Prefer tasks that can run side by side and do not change the same files.
An objective says what to reach, where, and how to know that it is done. Choose \"interactive\" only where the person must take part, \
\"hybrid\" where a question may come up.";

const REVIEWING: &str = "\
## How to review

You were not there when this was done, and the worker's words are no evidence. Look into the folder yourself, as far as the objective needs it; \
change nothing. Let it pass when the objective is reached, also where you would have done it otherwise. Otherwise name each thing that has to be mended, \
where it is and what is wrong with it, so that the worker can mend it without asking.
";

const WORKING: &str = "\
Work in the folder that you are in. Do this task and nothing beyond it; other agents do the rest. \
When it is done, report what you did, where, and what others must know.";

fn plan(state: &State, task: &Task) -> String {
    let Some(goal) = &task.goal else { return String::new() };
    let mut text = String::new();
    let problems = match &goal.plan {
        Plan::Refused { problems } => problems.as_slice(),
        _ => &[],
    };
    let first = task.session.is_none();
    let heading = match (first, problems.is_empty(), task.queue.is_empty()) {
        (true, ..) => "# Plan this goal",
        (false, false, true) => "# Mend the plan",
        (false, _, false) => "# The person says",
        (false, true, true) => "# Go on",
    };
    let _ = writeln!(text, "{heading}\n");
    guidelines(state, task, Purpose::Plan, &mut text);
    if first {
        let (min, max) = (state.limits.plan_min, state.limits.plan_max);
        let _ = writeln!(
            text,
            "## Goal\n\n{}\n\n## How to answer\n\n{PLANNING}\nA plan has {min} to {max} tasks.\n",
            task.objective
        );
        agents(state, &mut text);
    }
    said(task, first, &mut text);
    if !problems.is_empty() {
        text.push_str("## What was wrong with your last answer\n\n");
        for problem in problems {
            let _ = writeln!(text, "- {problem}");
        }
        text.push_str("\nAnswer again, whole.\n\n");
    } else if goal.version > 0 {
        let _ = writeln!(text, "## Current plan\n\n```json\n{}\n```\n", current_plan(state, task));
        text.push_str("Answer with the whole plan as it should be now; keep the keys of tasks that stay. Where the person only asks something, answer it.\n");
    } else if !first && task.queue.is_empty() {
        text.push_str("You were interrupted. Go on with planning and give your whole answer.\n");
    }
    text
}

fn work(state: &State, task: &Task) -> String {
    let mut text = String::new();
    if task.session.is_some() {
        if task.queue.is_empty() {
            return "# Go on\n\nYou were interrupted. Look at what is there already, go on with your task, and report when it is done.\n".to_owned();
        }
        said(task, true, &mut text);
        return text.replacen("## The person says", "# The person says", 1);
    }
    let _ = writeln!(text, "# Your task: {}\n", task.title);
    guidelines(state, task, Purpose::Work, &mut text);
    let _ = writeln!(text, "## Objective\n\n{}\n", task.objective);
    expected(task, &mut text);
    let mode = match task.mode {
        Mode::Autonomous => {
            "Autonomous: nobody is there to ask. Decide for yourself and say what you assumed."
        }
        Mode::Hybrid => "Hybrid: work alone, but where a decision is not yours to make, end with a question.",
        Mode::Interactive => {
            "Interactive: do this together with the person, who answers after each of your turns."
        }
    };
    let _ = writeln!(text, "## Mode\n\n{mode}\n\n## How to work\n\n{WORKING}\n");
    if let Some(diagnosis) = task.diagnosis.as_deref().filter(|diagnosis| !diagnosis.is_empty()) {
        let (failure, diagnosis) = (cut(&task.failure, FAILURE), cut(diagnosis, FAILURE));
        let _ = writeln!(text, "## The attempt before this one failed\n\n{failure}\n\n{diagnosis}\n");
    }
    context(state, task, &mut text);
    results("## Results of earlier tasks", &dependencies(state, task), state.limits.context_bytes, &mut text);
    said(task, true, &mut text);
    text
}

/// What was found goes back to the worker; one that lost its session is told its task anew.
fn repair(state: &State, task: &Task) -> String {
    let found = problem(state, task).map(|(_, found)| found).unwrap_or_default();
    let mut text = match (&task.session, task.is_group()) {
        (Some(_), _) => "# Mend your work\n\n".to_owned(),
        (None, true) => format!("# Mend your work\n\n## Objective\n\n{}\n\n", task.objective),
        (None, false) => work(state, task),
    };
    let _ = writeln!(text, "## What was found\n\n{found}\n");
    text.push_str("You said that the task is done, and this is not as it should be. Look at it, mend it, and report anew, whole. Where it cannot be mended, say so.\n");
    if task.session.is_some() || task.is_group() {
        said(task, true, &mut text);
    }
    text
}

/// The reviewer sees the task, what the worker says of it, and the folder; nothing of how it was done.
fn review(state: &State, task: &Task) -> String {
    let mut text = format!("# Review: {}\n\n## Objective\n\n{}\n\n", task.title, task.objective);
    expected(task, &mut text);
    context(state, task, &mut text);
    results("## What the worker says", &[task], state.limits.context_bytes, &mut text);
    let held: Vec<String> = checks(task).map(|check| format!("- {check} holds\n")).collect();
    if !held.is_empty() {
        let _ = writeln!(text, "## What was checked by machine\n\n{}", held.concat());
    }
    text.push_str(REVIEWING);
    text
}

fn summary(state: &State, task: &Task) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "# Sum up: {}\n", task.title);
    if task.session.is_none() || !task.is_goal() {
        let heading = if task.is_goal() { "## Goal" } else { "## Objective" };
        let _ = writeln!(text, "{heading}\n\n{}\n", task.objective);
    }
    text.push_str("All parts are over. Change nothing. Report to the person what was done, where it is, and what was not done.\n\n");
    let parts: Vec<&Task> = task.children.iter().filter_map(|id| state.task(id)).collect();
    results("## Results of the parts", &parts, state.limits.context_bytes, &mut text);
    said(task, true, &mut text);
    text
}

/// Bytes of what is told of a failure.
const FAILURE: usize = 8 * 1024;

/// A look at what went wrong, by an agent that changes nothing and knows nothing but the task and its failure.
fn diagnose(task: &Task) -> String {
    format!(
        "# Find out why this task failed\n\n## The task: {}\n\n{}\n\n## The failure\n\n{}\n\n## How to answer\n\n\
        Look at the folder that you are in, as far as it helps; change nothing. Say in at most ten lines what most likely went wrong \
        and what whoever tries it next should do otherwise. Write to that one; do not do the task yourself.\n",
        task.title,
        cut(&task.objective, FAILURE),
        cut(&task.failure, FAILURE),
    )
}

/// A model that knows nothing but the task says how hard it is.
fn classify(task: &Task) -> String {
    let mut text = format!(
        "# How hard is this task?\n\n## The task: {}\n\n{}\n\n",
        task.title,
        cut(&task.objective, FAILURE)
    );
    expected(task, &mut text);
    text.push_str(
        "## How to answer\n\nDo not do it and look at nothing. \"light\" is mechanical work of a few steps, \"standard\" is usual work, \
        \"heavy\" has to be thought through: a design, a fault that hides, a change in many places.\n",
    );
    text
}

fn talk(state: &State, task: &Task) -> String {
    let mut text = String::new();
    if task.session.is_none() {
        let _ = writeln!(text, "# About this goal\n\n## Goal\n\n{}\n", task.objective);
    }
    said(task, true, &mut text);
    text.push_str("## Where the work is\n\n");
    for part in task.children.iter().filter_map(|id| state.task(id)) {
        let _ = writeln!(
            text,
            "- {}: {}",
            name(part),
            crate::status::status(state, part).kind.word().to_lowercase()
        );
    }
    text.push_str("\nAnswer the person in Markdown. The tasks go on by themselves.\n");
    if task.session.is_some() { text.replacen("## The person says", "# The person says", 1) } else { text }
}

/// Those of the task's template, where a session begins.
fn guidelines(state: &State, task: &Task, purpose: Purpose, text: &mut String) {
    if let Some((_, said)) = library::guidelines(state, task, purpose) {
        let _ = writeln!(text, "## Guidelines\n\n{}\n", cut(said.trim(), state.limits.context_bytes));
    }
}

/// Whom a planner may give tasks to.
fn agents(state: &State, text: &mut String) {
    let offered = persona::offered(state);
    if offered.is_empty() {
        return;
    }
    text.push_str(
        "Where a task suits one of these agents, name it there (\"agent\"); else leave that empty.\n",
    );
    let lines: String = offered.iter().map(|persona| format!("- {}\n", persona::title(persona))).collect();
    let _ = writeln!(text, "{}\n", cut(lines.trim_end(), state.limits.context_bytes / 4));
}

fn expected(task: &Task, text: &mut String) {
    if task.outputs.is_empty() {
        return;
    }
    let _ = writeln!(text, "## Expected when it is done\n");
    for output in &task.outputs {
        let _ = writeln!(text, "- {output}");
    }
    text.push('\n');
}

/// What the person wrote and no turn has carried; `heading` is left out where the prompt's own says it.
fn said(task: &Task, heading: bool, text: &mut String) {
    if task.queue.is_empty() {
        return;
    }
    if heading {
        text.push_str("## The person says\n\n");
    }
    for message in &task.queue {
        let _ = writeln!(text, "{}\n", message.text.trim());
    }
}

/// What the task is a part of: the goal, and the groups between.
fn context(state: &State, task: &Task, text: &mut String) {
    let above = state.ancestors(task);
    if above.is_empty() {
        return;
    }
    text.push_str("## Context\n\n");
    for holder in above.into_iter().rev() {
        let share = state.limits.context_bytes / 4;
        if let Some(Goal { plan: Plan::Approved { .. }, .. }) = &holder.goal {
            let _ = writeln!(text, "The goal that this is a part of: {}\n", cut(&holder.objective, share));
        } else {
            let _ = writeln!(text, "It is a part of “{}”: {}\n", holder.title, cut(&holder.objective, share));
        }
    }
}

/// The task's dependencies, and those of the groups that it is in.
fn dependencies<'a>(state: &'a State, task: &'a Task) -> Vec<&'a Task> {
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

fn results(heading: &str, tasks: &[&Task], limit: usize, text: &mut String) {
    if tasks.is_empty() {
        return;
    }
    let _ = writeln!(text, "{heading}\n");
    let share = limit / tasks.len();
    for task in tasks {
        let _ = writeln!(text, "### {}\n", name(task));
        let nothing = TaskResult::default();
        let result = task.result.as_ref().unwrap_or(&nothing);
        match &task.standing {
            Standing::Failed { why, .. } => {
                let _ = writeln!(text, "Failed: {}\n", cut(why, share));
            }
            Standing::Cancelled => text.push_str("Stopped before it was done.\n\n"),
            _ if result.summary.is_empty() => text.push_str("It left no words.\n\n"),
            _ => {}
        }
        if !result.summary.is_empty() {
            let _ = writeln!(text, "{}\n", cut(&result.summary, share));
        }
        if !result.outputs.is_empty() {
            let _ = writeln!(text, "Files: {}\n", result.outputs.join(", "));
        }
        if !result.not_done.is_empty() {
            let _ = writeln!(text, "Not done: {}\n", result.not_done.join("; "));
        }
    }
}

/// At most so many bytes of it, and how many more there are.
pub(crate) fn cut(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(limit);
    format!("{} […cut here, {} more bytes]", &text[..end], text.len() - end)
}

/// The plan as it stands, in the planner's own shape.
fn current_plan(state: &State, goal: &Task) -> String {
    let key = |id| {
        state
            .task(id)
            .map_or_else(String::new, |task| if task.is_goal() { String::new() } else { task.key.clone() })
    };
    let tasks: Vec<ProposedTask> = state
        .subtree(&goal.id)
        .into_iter()
        .skip(1)
        .map(|task| ProposedTask {
            key: task.key.clone(),
            title: task.title.clone(),
            objective: task.objective.clone(),
            mode: task.mode,
            size: task.chosen_size().into(),
            after: task.after.iter().map(key).collect(),
            parent: task.parent.as_ref().map(key).unwrap_or_default(),
            outputs: task.outputs.clone(),
            command: match &task.work {
                Work::Agent => String::new(),
                Work::Command { command, .. } => command.clone(),
            },
            retry: task.retry.map_or(RetryWish::Usual, |retry| retry.policy.into()),
            checks: task.evidence.checks.iter().map(ToString::to_string).collect(),
            agent: persona::own(state, task).map(|persona| persona.name.clone()).unwrap_or_default(),
        })
        .collect();
    serde_json::to_string_pretty(&tasks).unwrap_or_default()
}
