//! Proving: what looks, checks and reviews come to, and what becomes of a task whose agent says that it is done.

use shared::agent::{AgentError, ErrorClass, HarnessId, TurnReport};
use shared::entry::{Draft, Kind, Outcome, Purpose};
use shared::evidence::{self, COMMITTED, Check, CommitOutcome, ReviewAnswer, ReviewVerdict, is_path};
use shared::harness::CommandLine;
use shared::id::RunId;
use shared::plan::Size;
use shared::unit::Millis;

use super::judge::{clipped, structured};
use super::{again, draft};
use crate::proof::{self, Step, error_in};
use crate::state::{Phase, Run, State, Task};
use crate::terminal;

/// A check's end that is its verdict: it ran, and says no. A look after the work need not come about.
pub(super) fn is_verdict(run: &Run, error: &AgentError) -> bool {
    let said = matches!(
        error.class,
        ErrorClass::TaskFailure | ErrorClass::Timeout | ErrorClass::OutOfMemory | ErrorClass::DiskFull
    );
    matches!(run.purpose, Purpose::Check | Purpose::Commit) && said || run.purpose == Purpose::After
}

/// Why a run failed, and what it was for where that is not the task itself.
pub(super) fn blame(run: &Run, error: &AgentError) -> String {
    let what = match (&run.check, run.purpose) {
        (Some(check), _) => format!("The check {check} could not be made. "),
        (None, Purpose::Base) => "The folder could not be looked at before the work. ".to_owned(),
        (None, Purpose::Commit) => "What was made could not be committed. ".to_owned(),
        (None, Purpose::Review) => "The review did not come about. ".to_owned(),
        (None, _) => String::new(),
    };
    what + &error.message
}

/// What a run that looked at the folder or at the work comes to.
pub(super) fn judge(task: &Task, run: &Run, report: &TurnReport) -> Draft {
    let (id, of) = (task.id.clone(), run.id.clone());
    let kind = match (run.purpose, &run.check) {
        (Purpose::Base, _) => {
            Kind::BaseTaken { task: id, run: of, print: report.final_text.trim().to_owned() }
        }
        (Purpose::Check, Some(check)) => {
            let problem = report.error.as_ref().map(|error| words(check, report, error));
            Kind::TaskChecked { task: id, run: of, check: check.clone(), problem }
        }
        // Who cannot be looked at is not used again, and that holds up nobody.
        (Purpose::After, _) => {
            let seen = report.error.is_none().then(|| report.final_text.trim().to_owned());
            Kind::AfterTaken { task: id, run: of, print: seen.unwrap_or_default() }
        }
        (Purpose::Commit, _) => Kind::TaskCommitted { task: id, run: of, outcome: committed(report) },
        (Purpose::Review, _) => match structured(report) {
            Ok(answer) => reviewed(id, of, answer),
            Err(_) => unsaid(id, of, "The reviewer gave no verdict"),
        },
        _ => unsaid(id, of, "Nobody knows what this run was for"),
    };
    draft(task, kind)
}

fn unsaid(task: shared::id::TaskId, run: RunId, what: &str) -> Kind {
    let why = format!("{what}, so nothing shows that the task is done. Retry it, or call it done as it is.");
    Kind::TaskSettled {
        task,
        run: Some(run),
        outcome: Outcome::Failed { class: ErrorClass::NothingSaid, why },
    }
}

/// What the words of a commit's run come to.
fn committed(report: &TurnReport) -> CommitOutcome {
    let said = report.final_text.trim();
    if let Some(error) = &report.error {
        let problem = if said.is_empty() { error.message.clone() } else { clipped(said) };
        return CommitOutcome::Failed { problem };
    }
    let (left, last) = said.rsplit_once('\n').unwrap_or(("", said));
    match last.strip_prefix(COMMITTED) {
        Some(commit) => CommitOutcome::Made {
            commit: commit.trim().to_owned(),
            left: left.lines().map(str::to_owned).collect(),
        },
        None => CommitOutcome::Nothing { why: clipped(said) },
    }
}

/// Our own looks say what is wrong in words; a command says how it ended.
fn words(check: &Check, report: &TurnReport, error: &AgentError) -> String {
    let own = report.final_text.trim();
    match check {
        Check::CustomCommand { .. } => clipped(&error.message),
        _ if own.is_empty() => error.message.clone(),
        _ => clipped(own),
    }
}

fn reviewed(task: shared::id::TaskId, run: RunId, answer: ReviewAnswer) -> Kind {
    let findings = answer.findings.iter().map(|finding| clipped(finding.trim()));
    let mut findings: Vec<String> = findings.filter(|finding| !finding.is_empty()).collect();
    // Who lets nothing pass and names nothing has found something all the same.
    if answer.verdict == ReviewVerdict::Findings && findings.is_empty() {
        let summary = answer.summary.trim();
        findings.push(if summary.is_empty() { "It gave no reason.".to_owned() } else { clipped(summary) });
    }
    Kind::TaskReviewed { task, run, summary: clipped(&answer.summary), findings }
}

/// What follows for a task whose agent says that it is done, where that takes no run; to be asked where it is shown.
/// What does not hold although it was mended is a failure like others, and worth another try as the policy says.
pub(super) fn settle(state: &State, task: &Task, now: Millis) -> Option<Draft> {
    let run = worker(state, task)?;
    let outcome = match proof::step(state, task) {
        Step::Check(check @ Check::NoErrorInOutput) => {
            let (task_id, problem) = (task.id.clone(), told_error(run));
            return Some(draft(
                task,
                Kind::TaskChecked { task: task_id, run: run.id.clone(), check, problem },
            ));
        }
        Step::Done => {
            let result = task.result.clone().unwrap_or_default();
            let (summary, outputs, not_done) = (result.summary, result.outputs, result.not_done);
            Outcome::Completed { summary, outputs, not_done }
        }
        Step::Failed { class, why } => {
            again::outcome(state, task, run, &AgentError { class, message: why, until: None }, now)
        }
        Step::Check(_) | Step::Review | Step::Commit | Step::After | Step::Repair => return None,
    };
    Some(draft(task, Kind::TaskSettled { task: task.id.clone(), run: Some(run.id.clone()), outcome }))
}

/// The last run that did the work.
pub(super) fn worker<'a>(state: &'a State, task: &Task) -> Option<&'a Run> {
    let mut runs = task.runs.iter().rev().filter_map(|run| state.run(run));
    let works = |run: &&Run| matches!(run.purpose, Purpose::Work | Purpose::Repair | Purpose::Summary);
    runs.find(|run| works(run) || terminal::did_the_work(run))
}

fn told_error(run: &Run) -> Option<String> {
    let Phase::Read { report, .. } = &run.phase else { return None };
    let line = error_in(&report.final_text)?;
    Some(format!("Its last words tell of one: {}", clipped(line)))
}

/// The command of a look or a check.
pub(super) fn command_line(state: &State, task: &Task, purpose: Purpose) -> Option<CommandLine> {
    if matches!(purpose, Purpose::Base | Purpose::After) {
        return Some(evidence::print());
    }
    let paths = paths(task);
    match proof::step(state, task) {
        Step::Check(check) => check.command_line(task.proof.base.as_deref().unwrap_or_default(), &paths),
        Step::Commit => worker(state, task).map(|run| evidence::commit(&run.id, message(task), &paths)),
        _ => None,
    }
}

/// Bytes of a summary that stand in a commit's message.
const SUMMARY: usize = 4 * 1024;

fn message(task: &Task) -> String {
    let title: String = task.title.lines().next().unwrap_or_default().chars().take(72).collect();
    let summary = task.result.as_ref().map(|result| result.summary.trim()).unwrap_or_default();
    let summary = &summary[..summary.floor_char_boundary(SUMMARY)];
    format!("{title}\n\n{summary}\n\nOrchestrator-Task: {}\n", task.id)
}

/// What its plan and its agent name, as far as these read as paths; each once.
fn paths(task: &Task) -> Vec<String> {
    let claimed = task.result.iter().flat_map(|result| &result.outputs);
    let mut paths: Vec<String> = Vec::new();
    for path in task
        .outputs
        .iter()
        .chain(claimed)
        .map(|path| path.trim().trim_matches('`'))
        .filter(|path| is_path(path))
    {
        if !paths.iter().any(|known| known == path) {
            paths.push(path.to_owned());
        }
    }
    paths
}

/// The task as a reviewer of this kind has it, whose model is another one than the worker's: a stronger one where there is one.
pub(super) fn reviewing(state: &State, task: &Task, harness: HarnessId) -> Task {
    let same = worker(state, task).is_none_or(|run| run.harness == harness);
    let size = if task.size == Size::Heavy && same { Size::Standard } else { Size::Heavy };
    Task { size, model: None, effort: None, ..task.clone() }
}
