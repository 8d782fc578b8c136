//! What agents ask to be allowed: what waits for a person, the rules that hold for a task, and what a rule would have
//! decided of all that was asked. The rules' meaning is `shared::permission`; here it meets the log.

use shared::entry::Kind;
use shared::id::{RuleId, RunId};
use shared::permission::{Ask, Permit, Rule, Scope, What, ruling};
use shared::unit::Millis;

use crate::state::{Ear, Run, State, Task};

/// A request of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub ask: Ask,
    pub at: Millis,
    pub reply: Reply,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Nobody has said anything; when its run is over, nobody can.
    None,
    /// By the person, and not sent yet.
    Said { permit: Permit, word: String },
    /// By the person, with their word to the agent, or by a rule.
    Sent { permit: Permit, by: Option<RuleId>, word: String, at: Millis },
    /// It does not wait any more.
    Withdrawn,
}

/// Why a request cannot be answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TooLate {
    #[error("there is no such request")]
    Unknown,
    #[error("it was answered before: {}", if *.0 == Permit::Allow { "allowed" } else { "denied" })]
    Answered(Permit),
    #[error("its agent does not ask that any more")]
    Withdrawn,
    #[error("its run ended meanwhile, and nothing waits for this answer")]
    Over,
}

impl Run {
    /// It can be answered.
    pub(crate) fn hears_answers(&self) -> bool {
        self.ear == Ear::Open && self.is_active() && self.signalled.is_none()
    }

    /// The request that has waited for the person the longest.
    pub fn asks_now(&self) -> Option<&Asked> {
        self.asks.iter().find(|asked| asked.reply == Reply::None).filter(|_| self.hears_answers())
    }
}

/// Every request that waits for a person, with its run, in the order of the runs.
pub fn waiting(state: &State) -> impl Iterator<Item = (&Run, &Asked)> {
    let runs = state.unread.iter().filter_map(|run| state.run(run)).filter(|run| run.hears_answers());
    runs.flat_map(|run| {
        run.asks.iter().filter(|asked| asked.reply == Reply::None).map(move |asked| (run, asked))
    })
}

/// The person's answer to a request.
///
/// # Errors
/// Nothing waits for it.
pub fn reply(
    state: &State,
    run: &RunId,
    request: &str,
    permit: Permit,
    word: String,
) -> Result<Kind, TooLate> {
    let run = state.run(run).ok_or(TooLate::Unknown)?;
    let asked = run.asks.iter().find(|asked| asked.ask.request == request).ok_or(TooLate::Unknown)?;
    match asked.reply {
        Reply::None if run.hears_answers() => {
            Ok(Kind::PermissionAnswered { run: run.id.clone(), request: request.to_owned(), permit, word })
        }
        Reply::None => Err(TooLate::Over),
        Reply::Said { permit, .. } | Reply::Sent { permit, .. } => Err(TooLate::Answered(permit)),
        Reply::Withdrawn => Err(TooLate::Withdrawn),
    }
}

/// Whether the rule is about what this task's runs ask.
pub fn holds(state: &State, rule: &Rule, task: &Task) -> bool {
    match &rule.scope {
        Scope::Always => true,
        Scope::Project { project } => {
            // Of a worktree it is what it stands in for.
            let home = |project| state.home(project).map_or(project, |(home, _)| home);
            home(project) == home(&task.project)
        }
        Scope::Task { task: id } => *id == task.id || state.ancestors(task).any(|above| above.id == *id),
    }
}

/// The rule that decides this request of the run, of those that are given.
pub fn decides<'a>(
    state: &State,
    rules: impl IntoIterator<Item = &'a Rule>,
    run: &Run,
    ask: &Ask,
) -> Option<&'a Rule> {
    let task = state.task(&run.task)?;
    ruling(rules.into_iter().filter(|rule| holds(state, rule, task)), ask, folder(state, run)?)
}

/// The narrowest rule about what the run asks; nothing where it can only be answered once.
pub fn suggested(state: &State, run: &Run, ask: &Ask) -> Option<What> {
    What::suggested(ask, folder(state, run)?)
}

/// Where the run works.
pub fn folder<'a>(state: &'a State, run: &'a Run) -> Option<&'a str> {
    let of_project = || Some(&state.projects.get(&state.task(&run.task)?.project)?.folder);
    run.folder.as_ref().or_else(of_project).map(String::as_str)
}

/// The requests of all runs that would have had another answer with this rule beside those that there are (in the place of
/// the one with its id), the newest first; and how many requests there were in all.
pub fn replayed<'a>(state: &'a State, rule: &Rule) -> (Vec<(&'a Run, &'a Asked)>, usize) {
    let asked = state.runs.values().flat_map(|run| run.asks.iter().map(move |asked| (&**run, asked)));
    let all: Vec<(&Run, &Asked)> = asked.collect();
    let others = || state.rules.values().filter(|other| other.rule != rule.rule);
    let mut changed: Vec<(&Run, &Asked)> = all
        .iter()
        .copied()
        .filter(|(run, asked)| {
            let before = decides(state, others(), run, &asked.ask);
            let after = decides(state, others().chain([rule]), run, &asked.ask);
            after.is_some_and(|after| after.rule == rule.rule)
                && before.map(|before| before.permit) != Some(rule.permit)
        })
        .collect();
    changed.sort_by_key(|(_, asked)| std::cmp::Reverse(asked.at));
    (changed, all.len())
}
