//! Judging: what a run that was read to its end means for its task. A run that completed is not a task
//! that is done: an error, an empty answer or a plan that cannot be is named here.

use serde_json::Value;
use shared::agent::{AgentError, ErrorClass, HarnessId, TurnReport};
use shared::entry::{Draft, Kind, Outcome, Purpose};
use shared::plan::{Mode, PlannerAnswer, ProposedTask, ReportOutcome, Size, TaskReport, Verdict};
use shared::retry::Again;
use shared::sizing::SizeAnswer;
use shared::unit::Millis;

use super::{again, draft, prove};
use crate::budget::{self, Cap, Short};
use crate::plan::validate;
use crate::planning::{Plan, may_split};
use crate::proof;
use crate::sizing;
use crate::state::{Phase, Run, State, Task};
use crate::terminal;

/// Bytes of a result's text that go on to other tasks.
const SUMMARY: usize = 16 * 1024;

pub(super) fn judge(state: &State, run: &Run, now: Millis) -> Option<Draft> {
    let task = state.task(&run.task)?;
    let Phase::Read { report, .. } = &run.phase else { return None };
    let settled = |outcome| {
        draft(task, Kind::TaskSettled { task: task.id.clone(), run: Some(run.id.clone()), outcome })
    };
    if task.stop.is_some() {
        return Some(settled(Outcome::Cancelled));
    }
    if run.purpose == Purpose::Classify {
        return Some(sized(task, run, report));
    }
    // What a check says with its exit code is no failure of the check.
    let told = |error: &&AgentError| !prove::is_verdict(run, error);
    if let Some(error) = report.error.as_ref().filter(told) {
        return Some(settled(failed(state, task, run, error, now)));
    }
    let worked = |outcome| match outcome {
        // It failed the task, and says so itself or has nothing to show.
        Outcome::Failed { class, why } => {
            let error = AgentError { class, message: why, until: None };
            again::outcome(state, task, run, &error, now)
        }
        outcome => outcome,
    };
    let works = matches!(run.purpose, Purpose::Work | Purpose::Summary | Purpose::Repair);
    let answer: Option<TaskReport> = works.then(|| structured(report).ok()).flatten();
    if let Some(answer) = answer.as_ref().filter(|answer| answer.outcome == ReportOutcome::Split) {
        return Some(split(state, task, run, answer).unwrap_or_else(|failed| settled(worked(failed))));
    }
    Some(match run.purpose {
        Purpose::Plan => planned(state, task, run, report),
        Purpose::Work | Purpose::Summary | Purpose::Repair => {
            shown(state, task, run, worked(reported(task, run, report, answer)))
        }
        Purpose::Terminal => shown(state, task, run, terminal::done(state, task)),
        Purpose::Base | Purpose::Check | Purpose::Review | Purpose::Commit | Purpose::After => {
            prove::judge(task, run, report)
        }
        Purpose::Talk | Purpose::Diagnose | Purpose::Classify => {
            settled(Outcome::Completed { summary: String::new(), outputs: Vec::new(), not_done: Vec::new() })
        }
    })
}

/// What the work came to; done only once all that its task wants is shown.
fn shown(state: &State, task: &Task, run: &Run, outcome: Outcome) -> Draft {
    let (task_id, of) = (task.id.clone(), run.id.clone());
    let kind = match outcome {
        Outcome::Completed { summary, outputs, not_done } if proof::is_wanted(state, task) => {
            Kind::WorkClaimed { task: task_id, run: of, summary, outputs, not_done }
        }
        outcome => Kind::TaskSettled { task: task_id, run: Some(of), outcome },
    };
    draft(task, kind)
}

fn failed(state: &State, task: &Task, run: &Run, error: &AgentError, now: Millis) -> Outcome {
    let capped = match error.class {
        ErrorClass::Capped | ErrorClass::Timeout => used_up(state, task, run).map(|cap| match cap {
            Cap::Time(_) => error.class,
            // That its time was over as well is of no account: it waits for the person.
            Cap::Budget(_) | Cap::Turns(_) | Cap::Tokens(_) => ErrorClass::Capped,
        }),
        // Where it told that it cost less than was thought, it goes on at once.
        ErrorClass::Interrupted if run.overdrew.is_some() => Some(ErrorClass::Capped),
        _ => None,
    };
    // It pauses; whoever raises the cap lets it go on.
    if capped.is_some() {
        let (again, why) = (Again::GoOn, String::new());
        return Outcome::Limited { until: now, class: capped, again, why };
    }
    again::outcome(state, task, run, error, now)
}

/// How hard the task is; who does not say so does not hold it up.
fn sized(task: &Task, run: &Run, report: &TurnReport) -> Draft {
    let answer = match &report.error {
        None => structured::<SizeAnswer>(report),
        Some(error) => Err(error.message.clone()),
    };
    let (size, why) = match answer {
        Ok(answer) => (answer.size, sizing::reason(&answer.why)),
        Err(_) => (Size::Standard, "the model that was asked did not say".to_owned()),
    };
    draft(task, Kind::TaskSized { task: task.id.clone(), run: Some(run.id.clone()), size, why })
}

/// The cap that bounded the run, if it is used up. No money bounds a command, also where its task has parts by now.
fn used_up(state: &State, task: &Task, run: &Run) -> Option<Cap> {
    match budget::short(state, task, run.purpose) {
        Some(Short::Used { cap: Cap::Budget(_), .. }) if run.harness == HarnessId::Command => None,
        Some(Short::Used { cap, .. }) => Some(cap),
        Some(Short::Held { .. }) | None => None,
    }
}

fn planned(state: &State, task: &Task, run: &Run, report: &TurnReport) -> Draft {
    let refused =
        |problems| draft(task, Kind::PlanRefused { goal: task.id.clone(), run: run.id.clone(), problems });
    let answer: PlannerAnswer = match structured(report) {
        Ok(answer) => answer,
        Err(problem) => return refused(vec![problem]),
    };
    let has_plan = task.planning.as_ref().is_some_and(|it| it.version > 0 && it.plan != Plan::Answered);
    match answer.decision {
        Verdict::Answer if answer.reply.trim().is_empty() => refused(vec!["the answer is empty".to_owned()]),
        // Words about a plan that is on the table leave it there; so does a planner who would not split a task.
        Verdict::Answer if has_plan || !task.is_goal() => keep_plan(task, run, answer.reply),
        Verdict::Answer => draft(
            task,
            Kind::TaskSettled {
                task: task.id.clone(),
                run: Some(run.id.clone()),
                outcome: Outcome::Completed {
                    summary: answer.reply,
                    outputs: Vec::new(),
                    not_done: Vec::new(),
                },
            },
        ),
        Verdict::Plan => proposed(state, task, run, answer.reply, &answer.tasks).unwrap_or_else(refused),
    }
}

/// The next version of the task's plan, or what is wrong with it.
fn proposed(
    state: &State,
    task: &Task,
    run: &Run,
    reply: String,
    tasks: &[ProposedTask],
) -> Result<Draft, Vec<String>> {
    let tasks = validate(state, task, tasks)?;
    let version = task.planning.as_ref().map_or(0, |planning| planning.version) + 1;
    let (goal, run) = (task.id.clone(), run.id.clone());
    Ok(draft(task, Kind::PlanProposed { goal, run, version, reply, tasks }))
}

/// What becomes of a worker's wish to split its task; its problems go back to it, so often and no more.
fn split(state: &State, task: &Task, run: &Run, answer: &TaskReport) -> Result<Draft, Outcome> {
    let (goal, of) = (task.id.clone(), run.id.clone());
    let proposed = if run.purpose == Purpose::Work && may_split(state, task) {
        proposed(state, task, run, clipped(&answer.summary), &answer.tasks)
    } else {
        Err(vec!["this task may not be split; do it whole, or say that it cannot be done".to_owned()])
    };
    proposed.or_else(|problems| {
        let refusals = task.planning.as_ref().map_or(0, |planning| planning.refusals);
        if refusals < state.limits.repairs {
            return Ok(draft(task, Kind::PlanRefused { goal, run: of, problems }));
        }
        let why = format!("It wants to be split, and how it would cannot be taken: {}.", problems.join("; "));
        Err(Outcome::Failed { class: ErrorClass::TaskFailure, why })
    })
}

/// The same plan again, with what the planner said about it.
fn keep_plan(task: &Task, run: &Run, reply: String) -> Draft {
    let outcome = Outcome::Asked { question: reply, options: Vec::new() };
    draft(task, Kind::TaskSettled { task: task.id.clone(), run: Some(run.id.clone()), outcome })
}

fn reported(task: &Task, run: &Run, report: &TurnReport, answer: Option<TaskReport>) -> Outcome {
    // By the run: the parts of a command, which it has where a person gave it some, are summed up by an agent.
    if run.harness == HarnessId::Command {
        let summary = quoted(report.final_text.trim_end());
        return Outcome::Completed { summary, outputs: task.outputs.clone(), not_done: Vec::new() };
    }
    let Some(answer) = answer else {
        if report.final_text.trim().is_empty() {
            return nothing_said();
        }
        return over(task, clipped(&report.final_text), Vec::new(), Vec::new());
    };
    match answer.outcome {
        ReportOutcome::Done if answer.summary.trim().is_empty() && answer.outputs.is_empty() => {
            nothing_said()
        }
        ReportOutcome::Done => over(task, clipped(&answer.summary), answer.outputs, answer.not_done),
        ReportOutcome::Question if answer.question.trim().is_empty() => Outcome::Yielded {
            summary: clipped(&answer.summary),
            outputs: answer.outputs,
            not_done: answer.not_done,
        },
        ReportOutcome::Question => Outcome::Asked { question: answer.question, options: answer.options },
        // It is no result: what becomes of it was decided before.
        ReportOutcome::Split | ReportOutcome::Failed => {
            let why = if answer.summary.trim().is_empty() {
                "The agent gave no reason.".to_owned()
            } else {
                clipped(&answer.summary)
            };
            Outcome::Failed { class: ErrorClass::TaskFailure, why }
        }
    }
}

/// A success that nothing shows is a failure with a name.
fn nothing_said() -> Outcome {
    let why = "The agent ended well but said nothing, so nothing shows that the task is done. Retry it, or look at its log.";
    Outcome::Failed { class: ErrorClass::NothingSaid, why: why.to_owned() }
}

/// Done, or the person's word where the task is done together with the person.
fn over(task: &Task, summary: String, outputs: Vec<String>, not_done: Vec<String>) -> Outcome {
    match task.mode {
        Mode::Interactive if !task.is_group() => Outcome::Yielded { summary, outputs, not_done },
        Mode::Autonomous | Mode::Hybrid | Mode::Interactive | Mode::Manual => {
            Outcome::Completed { summary, outputs, not_done }
        }
    }
}

/// The answer in the schema's shape: as the harness gives it, or from the text where the harness has no such thing.
pub(super) fn structured<T: serde::de::DeserializeOwned>(report: &TurnReport) -> Result<T, String> {
    let value = match &report.structured {
        Some(value) => value.clone(),
        None => json_in(&report.final_text).ok_or("the answer is not JSON of the given schema")?,
    };
    serde_json::from_value(value).map_err(|error| format!("the answer does not fit the schema: {error}"))
}

/// The JSON object that a text is, or that its last code block holds.
fn json_in(text: &str) -> Option<Value> {
    let whole = text.trim();
    let fenced = whole.rsplit("```").nth(1).map(|block| block.trim_start_matches("json").trim());
    [Some(whole), fenced]
        .into_iter()
        .flatten()
        .find_map(|text| serde_json::from_str::<Value>(text).ok().filter(Value::is_object))
}

/// What a command wrote, as Markdown that keeps its lines.
fn quoted(output: &str) -> String {
    if output.is_empty() {
        return String::new();
    }
    let longest = output.split(|letter| letter != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}\n{}\n{fence}", clipped(output))
}

pub(super) fn clipped(text: &str) -> String {
    if text.len() <= SUMMARY {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(SUMMARY);
    format!("{}\n\n(cut here; the whole text is in this task's conversation)", &text[..end])
}
