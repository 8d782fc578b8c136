//! What a finished task still has to show: its checks, then the review of another agent, both after the last work.
//! What they find goes back to the worker, so often and no more. It decides nothing; `decide` does.

use shared::agent::ErrorClass;
use shared::entry::Purpose;
use shared::evidence::{Check, CommitOutcome, is_path};
use shared::id::RunId;
use shared::plan::{Access, Work};

use crate::reuse;
use crate::state::{Goal, State, Task};

/// What is known of a task's work beyond its agent's word.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proof {
    /// What the folder came to before the work began.
    pub base: Option<String>,
    /// Of the last work, in the order in which they were made.
    pub checked: Vec<Checked>,
    pub review: Option<Review>,
    pub commit: Option<CommitOutcome>,
    /// What the folder came to after the work; empty where it could not be looked at.
    pub after: Option<String>,
    /// Times that the work was mended since the person last had a say.
    pub repairs: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    pub check: Check,
    pub run: RunId,
    /// Nothing where it holds.
    pub problem: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    pub run: RunId,
    pub summary: String,
    /// None where it passes.
    pub findings: Vec<String>,
}

/// What comes next for a task whose agent says that it is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Check(Check),
    Review,
    Commit,
    /// All is shown, and what the folder comes to is looked at once more.
    After,
    /// The worker mends what was found.
    Repair,
    /// What was found was mended as often as may be.
    Failed {
        class: ErrorClass,
        why: String,
    },
    Done,
}

/// The next step, by what was shown since the last work.
pub fn step(state: &State, task: &Task) -> Step {
    let proof = &task.proof;
    if let Some((class, why)) = problem(state, task) {
        let mends = proof.repairs < bound(state, task);
        return if mends { Step::Repair } else { Step::Failed { class, why } };
    }
    let made = |check: &&Check| proof.checked.iter().any(|made| made.check == **check);
    if let Some(next) = checks(state, task).find(|check| !made(check)) {
        return Step::Check(next.clone());
    }
    match () {
        () if reviews(state, task) && proof.review.is_none() => Step::Review,
        () if commits(state, task) && proof.commit.is_none() => Step::Commit,
        () if reuse::maker(state, task).is_some() && proof.after.is_none() => Step::After,
        () => Step::Done,
    }
}

/// What was found wrong with the last work, in words for the worker and the person.
pub fn problem(state: &State, task: &Task) -> Option<(ErrorClass, String)> {
    let wanted = |made: &&Checked| checks(state, task).any(|check| *check == made.check);
    let mut made = task.proof.checked.iter().filter(wanted);
    let failed = made.find_map(|made| Some((&made.check, made.problem.as_ref()?)));
    if let Some((check, problem)) = failed {
        return Some((ErrorClass::CheckFailed, format!("The check {check} does not hold. {problem}")));
    }
    if let Some(CommitOutcome::Failed { problem }) =
        task.proof.commit.as_ref().filter(|_| commits(state, task))
    {
        return Some((ErrorClass::CheckFailed, format!("It cannot be committed. {problem}")));
    }
    let review = task.proof.review.as_ref().filter(|_| reviews(state, task))?;
    if review.findings.is_empty() {
        return None;
    }
    let findings: String = review.findings.iter().map(|finding| format!("\n- {finding}")).collect();
    Some((ErrorClass::Rejected, format!("The reviewer does not let it pass:{findings}")))
}

/// Whether an agent's word is not enough.
pub fn is_wanted(state: &State, task: &Task) -> bool {
    let looked_at = reuse::maker(state, task).is_some();
    checks(state, task).next().is_some() || reviews(state, task) || commits(state, task) || looked_at
}

/// The checks that hold for it: that the files which its plan declares are there, and those that it was given. How a
/// folder was before is not known of a task that is a group from its beginning.
pub fn checks<'a>(state: &State, task: &'a Task) -> impl Iterator<Item = &'a Check> {
    let known = task.proof.base.is_some();
    let declared = declares_files(state, task).then_some(&Check::OutputsExist);
    let all = declared.into_iter().chain(&task.evidence.checks).filter(|_| !task.is_goal());
    all.filter(move |check| known || **check != Check::DiffNotEmpty)
}

/// Files that it should make, and nobody said to look for them. Who may change nothing makes none.
fn declares_files(state: &State, task: &Task) -> bool {
    let writes = state.goal_of(task).is_some_and(|goal| goal.access != Access::ReadOnly);
    let asked = task.evidence.checks.contains(&Check::OutputsExist);
    writes && !asked && task.outputs.iter().any(|output| is_path(output))
}

/// Whether another agent reviews it: as the person says, else by the goal's preset, which leaves out groups, since
/// their parts are reviewed, and commands.
pub fn reviews(state: &State, task: &Task) -> bool {
    let usual = || state.goal_of(task).is_some_and(|goal| goal.preset.reviews()) && !task.is_group();
    !task.is_goal() && task.work == Work::Agent && task.evidence.review.unwrap_or_else(usual)
}

/// Whether what it made is committed: as the person says, else by the goal's preset, which leaves out groups, whose parts
/// are committed, commands, and whoever may change nothing.
pub fn commits(state: &State, task: &Task) -> bool {
    let usual = || {
        let commits = |goal: &Goal| goal.preset.commits() && goal.access != Access::ReadOnly;
        state.goal_of(task).is_some_and(commits) && !task.is_group() && task.work == Work::Agent
    };
    !task.is_goal() && task.evidence.commit.unwrap_or_else(usual)
}

/// Times that its work is mended without asking. A command has nobody who could.
pub fn bound(state: &State, task: &Task) -> u32 {
    let usual = state.limits.repairs;
    match task.work {
        Work::Agent => state.goal_of(task).map_or(usual, |goal| goal.preset.repairs(usual)),
        Work::Command { .. } => 0,
    }
}

/// Whether the folder has to be looked at before its work begins. What is done anew is compared with what was there before that.
pub fn needs_base(state: &State, task: &Task) -> bool {
    let compares = task.evidence.checks.contains(&Check::DiffNotEmpty) || reuse::is_allowed(state, task);
    let anew = task.again().is_some() && !task.is_spoken_to();
    compares && (task.proof.base.is_none() || anew) && !task.is_goal() && !task.is_group()
}

/// The run that a step takes; none where the log says enough already.
pub fn purpose(step: &Step) -> Option<Purpose> {
    match step {
        Step::Check(Check::NoErrorInOutput) | Step::Failed { .. } | Step::Done => None,
        Step::Check(_) => Some(Purpose::Check),
        Step::Review => Some(Purpose::Review),
        Step::Commit => Some(Purpose::Commit),
        Step::After => Some(Purpose::After),
        Step::Repair => Some(Purpose::Repair),
    }
}

/// What an output tells of an error: its first line that begins as errors do.
pub fn error_in(output: &str) -> Option<&str> {
    const SIGNS: [&str; 9] = [
        "error:",
        "error[",
        "fatal:",
        "panic:",
        "failed:",
        "traceback (most recent",
        "uncaught ",
        "npm err!",
        "thread '",
    ];
    output.lines().map(str::trim).find(|line| {
        let line = line.to_lowercase();
        SIGNS.iter().any(|sign| line.starts_with(sign))
            && (line.contains("panicked") || !line.starts_with("thread '"))
    })
}
