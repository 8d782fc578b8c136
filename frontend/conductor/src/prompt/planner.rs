//! The words that a planner gets: of a goal or of a task below one, for the first time, again, and after an answer that was
//! refused.

use shared::context::Section;
use shared::entry::Purpose;
use shared::id::TaskId;
use shared::plan::ProposedTask;

use super::{
    agents, context, diagnosis, guidelines, introduce, is_only_new, list, memory, objective, results, said,
    titled, told, wrong,
};
use crate::context::Words;
use crate::plan::dependencies;
use crate::plan::worded::worded;
use crate::planning::{Plan, is_fixed, keyed, width};
use crate::state::{Standing, State, Task};

const ANSWERING: &str = "\
Look at the folder that you are in, as far as it helps; change nothing. Then decide:
- A small goal or a question: answer it (decision \"answer\", no tasks).
- Anything larger";

const AGAIN: &str = "\
# Plan this goal again

The person wants another plan for what is left to do. What runs goes on meanwhile, and nothing new begins before your plan is agreed on.

";

const LEAVING: &str = "\
Look at the folder that you are in, as far as it helps; change nothing. Then decide:
- A task that one agent does best as a whole: say why (decision \"answer\", no tasks).
- Any other";

const PLANNING: &str = "\
: split it (decision \"plan\") into focused tasks, each for an agent of its own that sees nothing but its objective \
and the results of the tasks it comes after. Prefer tasks that can run side by side and do not change the same files.
An objective says what to reach, where, and how to know that it is done. Choose \"interactive\" only where the person must take part, \
\"hybrid\" where a question may come up, \"manual\" only for what no agent can do, such as signing or trying a device: the person does it and \
says what came of it.";

pub(super) fn plan(state: &State, task: &Task, words: &mut Words) {
    let Some(planning) = &task.planning else { return };
    let problems = match &planning.plan {
        Plan::Refused { problems } => problems.as_slice(),
        _ => &[],
    };
    let first = task.session.is_none();
    let again = is_asked_again(task) && (first || problems.is_empty());
    heading(task, again, !problems.is_empty(), words);
    introduce(state, task, Purpose::Plan, words);
    guidelines(state, task, Purpose::Plan, words);
    if first {
        beginning(state, task, words);
    }
    let beside = first || again || !is_only_new(task);
    said(task, if beside { "## The person says\n\n" } else { "" }, words);
    if again {
        let parts = told(state, task).into_iter();
        let done: Vec<&Task> = parts.filter(|part| part.result.is_some()).collect();
        results("## Results so far\n\n", &done, words);
    }
    if !problems.is_empty() {
        wrong(problems, words);
        words.say("Answer again, whole.\n\n");
    } else if planning.version > 0 || (!task.is_goal() && task.is_group()) {
        plan_so_far(state, task, words);
    } else if !first && task.queue.is_empty() {
        words.say("You were interrupted. Go on with planning and give your whole answer.\n");
    }
}

/// `again`: another plan of a goal is wanted; `refused`: what it last answered is no plan.
fn heading(task: &Task, again: bool, refused: bool, words: &mut Words) {
    match (task.session.is_none(), is_only_new(task)) {
        _ if again => words.say(AGAIN),
        (true, _) if task.is_goal() => words.say("# Plan this goal\n\n"),
        (true, _) if task.is_group() => titled("# Plan this again: ", task, words),
        (true, _) => titled("# Split this task: ", task, words),
        (false, true) => words.say("# The person says\n\n"),
        (false, false) if refused => words.say("# Mend the plan\n\n"),
        (false, false) => words.say("# Go on\n\n"),
    }
}

/// What a planner's session begins with: what is to be planned, and how to answer.
fn beginning(state: &State, task: &Task, words: &mut Words) {
    memory(state, task, words);
    let (min, max) = width(state, task);
    objective(if task.is_goal() { "## Goal\n\n" } else { "## Objective\n\n" }, task, words);
    words.say("## How to answer\n\n");
    words.say(if task.is_goal() { ANSWERING } else { LEAVING });
    words.say(PLANNING);
    words.say(format!("\nA plan has {min} to {max} tasks.\n\n"));
    agents(state, words);
    if !task.is_goal() {
        before_planning(state, task, words);
    }
    diagnosis(task, words);
}

/// A goal's planner has proposed nothing since the person wanted its plan made again.
fn is_asked_again(task: &Task) -> bool {
    let former = task.planning.as_ref().and_then(|planning| planning.former.as_ref());
    task.is_goal() && former.is_some_and(|former| former.tasks.is_none())
}

/// What the planner of a task below a goal has to know of it: what it is a part of, what it builds on, and how it failed.
fn before_planning(state: &State, task: &Task, words: &mut Words) {
    context(state, task, words);
    let done: Vec<&Task> = dependencies(state, task).into_iter().filter(|dep| dep.result.is_some()).collect();
    results("## Results of earlier tasks\n\n", &done, words);
    let former = task.planning.as_ref().and_then(|planning| planning.former.as_ref());
    if let Some(Standing::Failed { why, .. }) = former.map(|former| &former.standing) {
        words.say("## How it failed\n\n");
        words.give(Section::Attempt, why);
    }
}

/// The plan as it is, and what of it stays.
fn plan_so_far(state: &State, task: &Task, words: &mut Words) {
    words.say("## Current plan\n\n```json\n");
    words.give(Section::Plan, &current_plan(state, task));
    words.say("```\n\nAnswer with the whole plan as it should be now; keep the keys of tasks that stay. Where the person only asks something, answer it.\n\n");
    words.give(Section::Plan, &list(&begun(state, task)));
}

/// The parts of a plan that it can no longer change, and those that failed.
fn begun(state: &State, task: &Task) -> Vec<String> {
    let told = |(key, part): (String, &Task)| match &part.standing {
        _ if is_fixed(state, part) => {
            let status = crate::status::status(state, part).kind.word().to_lowercase();
            Some(format!("{key}: {status}. It stays as it is."))
        }
        Standing::Failed { why, .. } => {
            Some(format!("{key}: failed. Leave it out, and give what is done in its place a new key. {why}"))
        }
        Standing::Cancelled => Some(format!(
            "{key}: stopped by the person. Leave it out; where it is to be done after all, give it a new key."
        )),
        _ => None,
    };
    keyed(state, task).into_iter().filter_map(told).collect()
}

/// The plan as it stands, in the planner's own shape; what comes before it elsewhere in the tree is not the planner's.
fn current_plan(state: &State, owner: &Task) -> String {
    let keyed = keyed(state, owner);
    let key = |id: &TaskId| keyed.iter().find(|(_, task)| task.id == *id).map(|(key, _)| key.clone());
    let tasks: Vec<ProposedTask> =
        keyed.iter().map(|(own, task)| worded(state, task, own.clone(), key)).collect();
    serde_json::to_string_pretty(&tasks).unwrap_or_default()
}
