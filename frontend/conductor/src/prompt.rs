//! The words that an agent gets. A task sees its objective, what the groups above it are about, and the
//! results of what it depends on; never its siblings. How they are made to fit is `context`'s.

use shared::context::{Cut, Fact, Section};
use shared::entry::Purpose;
use shared::plan::Mode;

use crate::apply::KEPT;
use crate::context::Words;
use crate::library;
use crate::persona;
use crate::plan::feed::sources;
use crate::plan::{dependencies, name};
use crate::planning::{Plan, may_split, room};
use crate::proof::{checks, problem};
use crate::state::{Standing, State, Task, TaskResult};

mod planner;

/// The prompt of the task's next turn for this purpose, and what of it was cut to fit the limit.
pub fn prompt(state: &State, task: &Task, purpose: Purpose) -> (String, Vec<Cut>) {
    let mut words = Words::default();
    match purpose {
        Purpose::Plan => planner::plan(state, task, &mut words),
        Purpose::Work => work(state, task, &mut words),
        Purpose::Terminal => terminal(state, task, &mut words),
        Purpose::Summary => summary(state, task, &mut words),
        Purpose::Talk => talk(state, task, &mut words),
        Purpose::Diagnose => diagnose(task, &mut words),
        Purpose::Classify => classify(task, &mut words),
        Purpose::Repair => repair(state, task, &mut words),
        Purpose::Review => review(state, task, &mut words),
        // A command's words are its own.
        Purpose::Base | Purpose::Check | Purpose::Commit | Purpose::After => {}
    }
    if matches!(purpose, Purpose::Work | Purpose::Summary | Purpose::Repair) {
        unsplit(task, &mut words);
    }
    if purpose.is_conversation() {
        memory_since(state, task, &mut words);
    }
    words.fit(state.limits.context_bytes)
}

const REVIEWING: &str = "\
## How to review

You were not there when this was done, and the worker's words are no evidence. Look into the folder yourself, as far as the objective needs it; \
change nothing. Let it pass when the objective is reached, also where you would have done it otherwise. Otherwise name each thing that has to be mended, \
where it is and what is wrong with it, so that the worker can mend it without asking.
";

const WORKING: &str = "\
Work in the folder that you are in. Do this task and nothing beyond it; other agents do the rest. \
When it is done, report what you did, where, and what others must know.";

const BESIDE: &str = "\
Work in the folder that you are in, together with the person, who sits at this terminal. Do this task and nothing beyond it; \
other agents do the rest.\n\n";

const SPLITTING: &str = "\
Do it yourself if you can. Only where it is clearly too much, change nothing and end with outcome \"split\": the parts go to \"tasks\", \
each for an agent of its own that sees nothing but its objective and the results of the parts it comes after, and you are asked to sum them up.";

const CLASSIFYING: &str = "\
## How to answer

Do not do it and look at nothing. \"light\" is mechanical work of a few steps, \"standard\" is usual work, \"heavy\" has to be thought \
through: a design, a fault that hides, a change in many places.
";

const DIAGNOSING: &str = "\
## How to answer

Look at the folder that you are in, as far as it helps; change nothing. Say in at most ten lines what most likely went wrong \
and what whoever tries it next should do otherwise. Write to that one; do not do the task yourself.
";

/// What was found out about the failure of the attempt before.
fn diagnosis(task: &Task, words: &mut Words) {
    if let Some(diagnosis) = task.diagnosis.as_deref().filter(|diagnosis| !diagnosis.is_empty()) {
        words.say("## The attempt before this one failed\n\n");
        words.give(Section::Attempt, &task.failure);
        words.give(Section::Attempt, diagnosis);
    }
}

fn wrong(problems: &[String], words: &mut Words) {
    words.say("## What was wrong with your last answer\n\n");
    words.give(Section::Found, &list(problems));
}

/// A worker whose split was not taken is told why.
fn unsplit(task: &Task, words: &mut Words) {
    if let Some(Plan::Unsplit { problems }) = task.planning.as_ref().map(|planning| &planning.plan)
        && task.session.is_some()
    {
        wrong(problems, words);
    }
}

fn work(state: &State, task: &Task, words: &mut Words) {
    if task.session.is_some() {
        if is_only_new(task) {
            return said(task, "# The person says\n\n", words);
        }
        words.say("# Go on\n\n");
        words.say(going_on(task));
        return said(task, "## The person says\n\n", words);
    }
    titled("# Your task: ", task, words);
    introduce(state, task, Purpose::Work, words);
    guidelines(state, task, Purpose::Work, words);
    memory(state, task, words);
    objective("## Objective\n\n", task, words);
    inputs(state, task, words);
    expected(task, words);
    words.say("## Mode\n\n");
    words.say(match task.mode {
        Mode::Autonomous | Mode::Manual => {
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
    if may_split(state, task) {
        let (min, max) = (state.limits.plan_min, state.limits.plan_max.min(room(state, task)));
        words.say("## Where it is too much for one agent\n\n");
        words.say(SPLITTING);
        words.say(format!(" Give {min} to {max} parts.\n\n"));
    }
    diagnosis(task, words);
    context(state, task, words);
    results("## Results of earlier tasks\n\n", &dependencies(state, task), words);
    said(task, "## The person says\n\n", words);
}

/// The first words in a terminal, where the person is: what the task is, and no report at the end.
fn terminal(state: &State, task: &Task, words: &mut Words) {
    titled("# Your task: ", task, words);
    memory(state, task, words);
    objective("## Objective\n\n", task, words);
    inputs(state, task, words);
    expected(task, words);
    words.say("## How to work\n\n");
    words.say(BESIDE);
    context(state, task, words);
    results("## Results of earlier tasks\n\n", &dependencies(state, task), words);
    said(task, "## The person says\n\n", words);
}

fn going_on(task: &Task) -> &'static str {
    match task.planning.as_ref().map(|planning| &planning.plan) {
        Some(Plan::Rejected) => {
            "The person does not want this task split. Look at what is there already, do it whole, and report when it is done.\n\n"
        }
        Some(Plan::Unsplit { .. }) => {
            "The task could not be split like that. Split it otherwise, or do it whole and report when it is done.\n\n"
        }
        _ => {
            "You were interrupted. Look at what is there already, go on with your task, and report when it is done.\n\n"
        }
    }
}

/// What was found goes back to the worker; one that lost its session is told its task anew.
fn repair(state: &State, task: &Task, words: &mut Words) {
    let goes_on = task.session.is_some();
    match (goes_on, task.is_group()) {
        (true, _) => words.say("# Mend your work\n\n"),
        (false, true) => {
            words.say("# Mend your work\n\n");
            introduce(state, task, Purpose::Repair, words);
            memory(state, task, words);
            objective("## Objective\n\n", task, words);
        }
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
    introduce(state, task, Purpose::Review, words);
    memory(state, task, words);
    objective("## Objective\n\n", task, words);
    inputs(state, task, words);
    expected(task, words);
    context(state, task, words);
    results("## What the worker says\n\n", &[task], words);
    let held: Vec<String> = checks(state, task).map(|check| format!("{check} holds")).collect();
    if !held.is_empty() {
        words.say("## What was checked by machine\n\n");
        words.give(Section::Found, &list(&held));
    }
    words.say(REVIEWING);
}

fn summary(state: &State, task: &Task, words: &mut Words) {
    titled("# Sum up: ", task, words);
    introduce(state, task, Purpose::Summary, words);
    if task.session.is_none() {
        memory(state, task, words);
    }
    if task.session.is_none() || !task.is_goal() {
        objective(if task.is_goal() { "## Goal\n\n" } else { "## Objective\n\n" }, task, words);
    }
    diagnosis(task, words);
    words.say("All parts are over. Change nothing. Report to the person what was done, where it is, and what was not done.\n\n");
    results("## Results of the parts\n\n", &told(state, task), words);
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

/// A model that knows nothing but the task says how hard it is.
fn classify(task: &Task, words: &mut Words) {
    words.say("# How hard is this task?\n\n");
    titled("## The task: ", task, words);
    words.give(Section::Objective, &task.objective);
    expected(task, words);
    words.say(CLASSIFYING);
}

fn talk(state: &State, task: &Task, words: &mut Words) {
    let first = task.session.is_none();
    if first {
        words.say("# About this goal\n\n");
        introduce(state, task, Purpose::Talk, words);
        memory(state, task, words);
        objective("## Goal\n\n", task, words);
    }
    let only_new = !first && is_only_new(task);
    if !first && !only_new {
        words.say("# Go on\n\n");
    }
    said(task, if only_new { "# The person says\n\n" } else { "## The person says\n\n" }, words);
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

/// Who it is, where a session begins.
fn introduce(state: &State, task: &Task, purpose: Purpose, words: &mut Words) {
    let Some(persona) = persona::begins(state, task, purpose) else { return };
    words.say("## Who you are\n\n");
    words.say(format!("You are {}.\n\n", persona::title(persona).trim_end_matches('.')));
    match persona::insert(persona) {
        // The bridge looks for the mark, so nothing of it may be cut.
        Some(insert) => words.say(format!("{}\n\n", insert.mark)),
        None => words.give(Section::Character, persona::character(persona)),
    }
}

/// Whom a planner may give tasks to.
fn agents(state: &State, words: &mut Words) {
    let offered: Vec<String> = persona::offered(state).into_iter().map(persona::title).collect();
    if !offered.is_empty() {
        words.say(
            "Where a task suits one of these agents, name it there (\"agent\"); else leave that empty.\n",
        );
        words.give(Section::Agents, &list(&offered));
    }
}

/// What all tasks of the project are told, where a session begins.
fn memory(state: &State, task: &Task, words: &mut Words) {
    let memory = state.home(&task.project).map_or("", |(_, project)| project.memory.trim());
    if !memory.is_empty() {
        words.say("## Memory\n\n");
        words.give(Section::Memory, memory);
    }
    charter(state, task, words);
}

/// What all tasks of the goal are told, where a session begins.
fn charter(state: &State, task: &Task, words: &mut Words) {
    let Some(charter) = state.goal_of(task).map(|goal| &goal.charter) else { return };
    if !charter.rules.trim().is_empty() {
        words.say("## Rules of this goal\n\n");
        words.give(Section::Rules, charter.rules.trim());
    }
    let fact = |fact: &Fact| format!("{}: {}", fact.key.trim(), fact.value.trim().replace('\n', "\n  "));
    let facts: Vec<String> = charter.facts.iter().map(fact).collect();
    if !facts.is_empty() {
        words.say("## Facts\n\n");
        words.give(Section::Facts, &list(&facts));
    }
}

/// The same where a session goes on that was told another: once, in the first turn that reaches it.
fn memory_since(state: &State, task: &Task, words: &mut Words) {
    let Some((_, project)) = state.home(&task.project) else { return };
    let turns = task.runs.iter().rev().filter_map(|run| state.run(run));
    let told = turns.filter(|run| run.purpose.is_conversation() && run.session.is_some()).map(|run| run.seq);
    if task.session.is_some() && told.max().is_some_and(|told| told < project.remembered) {
        words.say("\n## Memory, changed since\n\n");
        let memory = project.memory.trim();
        words.give(Section::Memory, if memory.is_empty() { "There is none any more." } else { memory });
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

/// What the person wrote: first what the session may know nothing of though a turn was told it, then what no turn has carried.
fn said(task: &Task, heading: &'static str, words: &mut Words) {
    before(task, words);
    if !task.queue.is_empty() {
        words.say(heading);
    }
    task.queue.iter().for_each(|message| words.give(Section::Said, message.text.trim()));
}

/// The person has words for the session, and none that it should know already.
fn is_only_new(task: &Task) -> bool {
    !task.queue.is_empty() && task.unheard().next().is_none()
}

/// What was said to a session that is gone, or to a run that gave no sign of having read it.
fn before(task: &Task, words: &mut Words) {
    if task.unheard().next().is_none() {
        return;
    }
    words.say("## What the person said before\n\n");
    words.say("To this task, in this order; what came of it may be there already.\n\n");
    if task.said.len() >= KEPT {
        words.say(format!("These are the last of it, of {KEPT} messages at most.\n\n"));
    }
    task.unheard().for_each(|message| words.give(Section::Before, message.text.trim()));
}

/// What the task is a part of: the goal, and the groups between.
fn context(state: &State, task: &Task, words: &mut Words) {
    let above: Vec<&Task> = state.ancestors(task).collect();
    if above.is_empty() {
        return;
    }
    words.say("## Context\n\n");
    for holder in above.into_iter().rev() {
        let about = match holder.is_goal() {
            true => "The goal that this is a part of: ".to_owned(),
            false => format!("It is a part of “{}”: ", holder.title),
        };
        words.give(Section::Above, &(about + &holder.objective));
    }
}

/// The parts of a task, in order; behind one that was cut short before it was summed up its own, of which some may be done.
fn told<'a>(state: &'a State, task: &Task) -> Vec<&'a Task> {
    let parts = task.children.iter().filter_map(|id| state.task(id));
    let with_own = |part: &'a Task| {
        let own = if part.result.is_none() { told(state, part) } else { Vec::new() };
        std::iter::once(part).chain(own)
    };
    parts.flat_map(with_own).collect()
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
