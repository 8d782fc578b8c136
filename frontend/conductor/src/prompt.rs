//! The words that an agent gets. A task sees its objective, what the groups above it are about, and the
//! results of what it depends on; never its siblings. How they are made to fit is `context`'s.

use shared::context::{Cut, Section};
use shared::entry::Purpose;
use shared::plan::{Mode, ProposedTask, Work};
use shared::retry::RetryWish;

use crate::context::Words;
use crate::library;
use crate::plan::feed::sources;
use crate::plan::{dependencies, name};
use crate::proof::{checks, problem};
use crate::state::{Goal, Plan, Standing, State, Task, TaskResult};

/// The prompt of the task's next turn for this purpose, and what of it was cut to fit the limit.
pub fn prompt(state: &State, task: &Task, purpose: Purpose) -> (String, Vec<Cut>) {
    let mut words = Words::default();
    match purpose {
        Purpose::Plan => plan(state, task, &mut words),
        Purpose::Work => work(state, task, &mut words),
        Purpose::Summary => summary(state, task, &mut words),
        Purpose::Talk => talk(state, task, &mut words),
        Purpose::Diagnose => diagnose(task, &mut words),
        Purpose::Repair => repair(state, task, &mut words),
        Purpose::Review => review(state, task, &mut words),
        // A command's words are its own.
        Purpose::Base | Purpose::Check | Purpose::Commit => {}
    }
    words.fit(state.limits.context_bytes)
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

const DIAGNOSING: &str = "\
## How to answer

Look at the folder that you are in, as far as it helps; change nothing. Say in at most ten lines what most likely went wrong \
and what whoever tries it next should do otherwise. Write to that one; do not do the task yourself.
";

fn plan(state: &State, task: &Task, words: &mut Words) {
    let Some(goal) = &task.goal else { return };
    let problems = match &goal.plan {
        Plan::Refused { problems } => problems.as_slice(),
        _ => &[],
    };
    let first = task.session.is_none();
    words.say(match (first, problems.is_empty(), task.queue.is_empty()) {
        (true, ..) => "# Plan this goal\n\n",
        (false, false, true) => "# Mend the plan\n\n",
        (false, _, false) => "# The person says\n\n",
        (false, true, true) => "# Go on\n\n",
    });
    guidelines(state, task, Purpose::Plan, words);
    if first {
        let (min, max) = (state.limits.plan_min, state.limits.plan_max);
        words.say("## Goal\n\n");
        words.give(Section::Objective, &task.objective);
        words.say("## How to answer\n\n");
        words.say(PLANNING);
        words.say(format!("\nA plan has {min} to {max} tasks.\n\n"));
    }
    said(task, if first { "## The person says\n\n" } else { "" }, words);
    if !problems.is_empty() {
        words.say("## What was wrong with your last answer\n\n");
        words.give(Section::Found, &list(problems));
        words.say("Answer again, whole.\n\n");
    } else if goal.version > 0 {
        words.say("## Current plan\n\n```json\n");
        words.give(Section::Plan, &current_plan(state, task));
        words.say("```\n\nAnswer with the whole plan as it should be now; keep the keys of tasks that stay. Where the person only asks something, answer it.\n");
    } else if !first && task.queue.is_empty() {
        words.say("You were interrupted. Go on with planning and give your whole answer.\n");
    }
}

fn work(state: &State, task: &Task, words: &mut Words) {
    if task.session.is_some() {
        if task.queue.is_empty() {
            words.say("# Go on\n\nYou were interrupted. Look at what is there already, go on with your task, and report when it is done.\n");
        }
        return said(task, "# The person says\n\n", words);
    }
    titled("# Your task: ", task, words);
    guidelines(state, task, Purpose::Work, words);
    objective("## Objective\n\n", task, words);
    inputs(state, task, words);
    expected(task, words);
    words.say("## Mode\n\n");
    words.say(match task.mode {
        Mode::Autonomous => {
            "Autonomous: nobody is there to ask. Decide for yourself and say what you assumed."
        }
        Mode::Hybrid => "Hybrid: work alone, but where a decision is not yours to make, end with a question.",
        Mode::Interactive => {
            "Interactive: do this together with the person, who answers after each of your turns."
        }
    });
    words.say("\n\n## How to work\n\n");
    words.say(WORKING);
    words.say("\n\n");
    if let Some(diagnosis) = task.diagnosis.as_deref().filter(|diagnosis| !diagnosis.is_empty()) {
        words.say("## The attempt before this one failed\n\n");
        words.give(Section::Attempt, &task.failure);
        words.give(Section::Attempt, diagnosis);
    }
    context(state, task, words);
    results("## Results of earlier tasks\n\n", &dependencies(state, task), words);
    said(task, "## The person says\n\n", words);
}

/// What was found goes back to the worker; one that lost its session is told its task anew.
fn repair(state: &State, task: &Task, words: &mut Words) {
    let goes_on = task.session.is_some();
    match (goes_on, task.is_group()) {
        (true, _) => words.say("# Mend your work\n\n"),
        (false, true) => objective("# Mend your work\n\n## Objective\n\n", task, words),
        (false, false) => work(state, task, words),
    }
    words.say("## What was found\n\n");
    words.give(Section::Found, &problem(state, task).map(|(_, found)| found).unwrap_or_default());
    words.say("You said that the task is done, and this is not as it should be. Look at it, mend it, and report anew, whole. Where it cannot be mended, say so.\n\n");
    if goes_on || task.is_group() {
        said(task, "## The person says\n\n", words);
    }
}

/// The reviewer sees the task, what the worker says of it, and the folder; nothing of how it was done.
fn review(state: &State, task: &Task, words: &mut Words) {
    titled("# Review: ", task, words);
    objective("## Objective\n\n", task, words);
    inputs(state, task, words);
    expected(task, words);
    context(state, task, words);
    results("## What the worker says\n\n", &[task], words);
    let held: Vec<String> = checks(task).map(|check| format!("{check} holds")).collect();
    if !held.is_empty() {
        words.say("## What was checked by machine\n\n");
        words.give(Section::Found, &list(&held));
    }
    words.say(REVIEWING);
}

fn summary(state: &State, task: &Task, words: &mut Words) {
    titled("# Sum up: ", task, words);
    if task.session.is_none() || !task.is_goal() {
        objective(if task.is_goal() { "## Goal\n\n" } else { "## Objective\n\n" }, task, words);
    }
    words.say("All parts are over. Change nothing. Report to the person what was done, where it is, and what was not done.\n\n");
    let parts: Vec<&Task> = task.children.iter().filter_map(|id| state.task(id)).collect();
    results("## Results of the parts\n\n", &parts, words);
    said(task, "## The person says\n\n", words);
}

/// A look at what went wrong, by an agent that changes nothing and knows nothing but the task and its failure.
fn diagnose(task: &Task, words: &mut Words) {
    words.say("# Find out why this task failed\n\n");
    titled("## The task: ", task, words);
    words.give(Section::Objective, &task.objective);
    words.say("## The failure\n\n");
    words.give(Section::Found, &task.failure);
    words.say(DIAGNOSING);
}

fn talk(state: &State, task: &Task, words: &mut Words) {
    let first = task.session.is_none();
    if first {
        objective("# About this goal\n\n## Goal\n\n", task, words);
    }
    said(task, if first { "## The person says\n\n" } else { "# The person says\n\n" }, words);
    words.say("## Where the work is\n\n");
    let parts = task.children.iter().filter_map(|id| state.task(id));
    let standing = |part| crate::status::status(state, part).kind.word().to_lowercase();
    let parts: Vec<String> = parts.map(|part| format!("{}: {}", name(part), standing(part))).collect();
    words.give(Section::Plan, &list(&parts));
    words.say("Answer the person in Markdown. The tasks go on by themselves.\n");
}

fn titled(heading: &'static str, task: &Task, words: &mut Words) {
    words.say(heading);
    words.give(Section::Objective, &task.title);
}

fn objective(heading: &'static str, task: &Task, words: &mut Words) {
    words.say(heading);
    words.give(Section::Objective, &task.objective);
}

fn list(lines: &[String]) -> String {
    lines.iter().map(|line| format!("- {line}\n")).collect()
}

/// Those of the task's template, where a session begins.
fn guidelines(state: &State, task: &Task, purpose: Purpose, words: &mut Words) {
    if let Some((_, said)) = library::guidelines(state, task, purpose) {
        words.say("## Guidelines\n\n");
        words.give(Section::Guidelines, said.trim());
    }
}

/// What it needs, and which task before it made that.
fn inputs(state: &State, task: &Task, words: &mut Words) {
    let told = |(input, makers): (&str, Vec<&Task>)| {
        let makers: Vec<String> = makers.into_iter().map(name).collect();
        if makers.is_empty() {
            input.to_owned()
        } else {
            format!("{input}, made by {}", makers.join(" and "))
        }
    };
    let lines: Vec<String> = sources(state, task).into_iter().map(told).collect();
    if !lines.is_empty() {
        words.say("## Inputs\n\n");
        words.give(Section::Wares, &list(&lines));
    }
}

fn expected(task: &Task, words: &mut Words) {
    if !task.outputs.is_empty() {
        words.say("## Expected when it is done\n\n");
        words.give(Section::Wares, &list(&task.outputs));
    }
}

/// What the person wrote and no turn has carried.
fn said(task: &Task, heading: &'static str, words: &mut Words) {
    if !task.queue.is_empty() {
        words.say(heading);
    }
    task.queue.iter().for_each(|message| words.give(Section::Said, message.text.trim()));
}

/// What the task is a part of: the goal, and the groups between.
fn context(state: &State, task: &Task, words: &mut Words) {
    let above = state.ancestors(task);
    if above.is_empty() {
        return;
    }
    words.say("## Context\n\n");
    for holder in above.into_iter().rev() {
        let about = match &holder.goal {
            Some(Goal { plan: Plan::Approved { .. }, .. }) => "The goal that this is a part of: ".to_owned(),
            _ => format!("It is a part of “{}”: ", holder.title),
        };
        words.give(Section::Above, &(about + &holder.objective));
    }
}

/// What each of these came to. Their names and failures are pieces of their own, so that long words are cut before them.
fn results(heading: &'static str, tasks: &[&Task], words: &mut Words) {
    if tasks.is_empty() {
        return;
    }
    words.say(heading);
    let nothing = TaskResult::default();
    for task in tasks {
        let mut tell = |text: &str| words.give(Section::Results, text);
        tell(&format!("### {}", name(task)));
        let result = task.result.as_ref().unwrap_or(&nothing);
        match &task.standing {
            Standing::Failed { why, .. } => tell(&format!("Failed: {why}")),
            Standing::Cancelled => tell("Stopped before it was done."),
            _ if result.summary.is_empty() => tell("It left no words."),
            _ => {}
        }
        tell(&result.summary);
        if !result.outputs.is_empty() {
            tell(&format!("Files: {}", result.outputs.join(", ")));
        }
        if !result.not_done.is_empty() {
            tell(&format!("Not done: {}", result.not_done.join("; ")));
        }
    }
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
            size: task.size,
            after: task.after.iter().map(key).collect(),
            parent: task.parent.as_ref().map(key).unwrap_or_default(),
            inputs: task.inputs.clone(),
            outputs: task.outputs.clone(),
            command: match &task.work {
                Work::Agent => String::new(),
                Work::Command { command, .. } => command.clone(),
            },
            retry: task.retry.map_or(RetryWish::Usual, |retry| retry.policy.into()),
            checks: task.evidence.checks.iter().map(ToString::to_string).collect(),
        })
        .collect();
    serde_json::to_string_pretty(&tasks).unwrap_or_default()
}
