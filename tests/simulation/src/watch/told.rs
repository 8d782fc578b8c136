//! What a turn is told: no more than the limit, what is left out is said there and in the log, and the results that
//! it builds on are told once each, and no other task's (P1; context isolation, P24).

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use conductor::State;
use conductor::context::LEAST;
use conductor::state::{Standing, Task};
use shared::context::{Charter, Cut, Fact};
use shared::entry::Purpose;
use shared::id::{RunId, TaskId};

use super::Watch;

const CUT: &str = "## Cut to fit\n\n";

impl Watch {
    /// The words of a run that is ordered fit, and say what of them was cut.
    pub(super) fn check_size(&mut self, state: &State, run: &RunId, prompt: &str) -> Result<()> {
        let limit = state.limits.context_bytes.max(LEAST);
        ensure!(prompt.len() <= limit, "is told {} bytes, and {limit} are allowed", prompt.len());
        if let Some((_, list)) = prompt.split_once(CUT) {
            self.trimmed.insert(run.clone(), list.to_owned());
        }
        Ok(())
    }

    /// Who begins is told the project's memory as it is now, and who goes on is not told it again.
    pub(super) fn check_memory(&self, task: &Task, purpose: Purpose, prompt: &str) -> Result<()> {
        let begins = match purpose {
            Purpose::Review => true,
            Purpose::Classify
            | Purpose::Diagnose
            | Purpose::Base
            | Purpose::Check
            | Purpose::Commit
            | Purpose::After => false,
            _ => !self.sessions.contains_key(&task.id),
        };
        let memory = self.memory.as_str();
        let told = prompt.contains("## Memory\n\n");
        ensure!(told == (begins && !memory.is_empty()), "{} is told {memory:?}: {told}", task.id);
        let whole = prompt.contains(CUT) || prompt.contains(memory);
        ensure!(!told || whole, "{} is told another memory than {memory:?}", task.id);
        self.check_charter(task, begins, prompt)
    }

    /// The same of the rules and facts of its goal, and of no other's.
    fn check_charter(&self, task: &Task, begins: bool, prompt: &str) -> Result<()> {
        let told = [prompt.contains("## Rules of this goal\n\n"), prompt.contains("## Facts\n\n")];
        let Some(Charter { rules, facts }) = self.charters.get(&task.root).filter(|_| begins) else {
            ensure!(told == [false, false], "{} is told rules that it should not be", task.id);
            return Ok(());
        };
        ensure!(told == [true, true], "{} is not told the rules of its goal", task.id);
        let each = |fact: &Fact| prompt.contains(&format!("- {}: {}\n", fact.key, fact.value));
        let right = prompt.contains(&format!("\n{rules}\n")) && facts.iter().all(each);
        ensure!(right || prompt.contains(CUT), "{} is told other rules than those of now", task.id);
        Ok(())
    }

    /// Who goes on and was told another memory is told of it, until a turn has come to its session, and then no more.
    pub(super) fn check_change(&self, task: &Task, purpose: Purpose, prompt: &str) -> Result<()> {
        let goes_on = purpose.is_conversation() && self.sessions.contains_key(&task.id);
        let stale = self.remembers.get(&task.id).is_some_and(|memory| *memory != self.memories);
        let told = prompt.contains("## Memory, changed since\n\n");
        ensure!(
            told == (goes_on && stale),
            "{} is told of a change: {told}, and goes on: {goes_on}",
            task.id
        );
        let whole = self.memory.is_empty() || prompt.contains(CUT) || prompt.contains(&self.memory);
        ensure!(!told || whole, "{} is told of another change than {:?}", task.id, self.memory);
        Ok(())
    }

    /// The log says what the words say.
    pub(super) fn trim(&mut self, state: &State, run: &RunId, task: &TaskId, cuts: &[Cut]) -> Result<()> {
        let list = self.trimmed.remove(run).context("nothing was cut, and it is said so")?;
        ensure!(state.run(run).is_some_and(|run| run.task == *task), "{task} is told of another's words");
        ensure!(list.lines().count() == cuts.len(), "{cuts:?} were cut, and the words say {list}");
        for Cut { section, bytes, of } in cuts {
            let line = format!("- {} of {} bytes of {}", bytes.0, of.0, section.name());
            ensure!(list.lines().any(|told| told == line), "{line} is not told");
        }
        Ok(())
    }
}

/// Its parts, and those of each that came to nothing itself.
fn parts<'a>(state: &'a State, task: &'a Task) -> BTreeSet<&'a TaskId> {
    let (mut found, mut looked) = (BTreeSet::new(), vec![task]);
    while let Some(whole) = looked.pop() {
        found.extend(&whole.children);
        looked.extend(whole.children.iter().filter_map(|id| state.task(id)).filter(|it| it.result.is_none()));
    }
    found
}

pub(super) fn check_words(
    state: &State,
    task: &Task,
    purpose: Purpose,
    begins: bool,
    prompt: &str,
) -> Result<()> {
    let told: BTreeSet<&TaskId> = match purpose {
        Purpose::Summary => parts(state, task),
        Purpose::Plan if task.is_goal() && prompt.starts_with("# Plan this goal again") => parts(state, task),
        Purpose::Plan if begins && !task.is_goal() => {
            let holders = std::iter::once(task).chain(state.ancestors(task));
            holders.flat_map(|holder| &holder.after).collect()
        }
        Purpose::Work | Purpose::Repair if begins && (purpose == Purpose::Work || !task.is_group()) => {
            let holders = std::iter::once(task).chain(state.ancestors(task));
            holders.flat_map(|holder| &holder.after).collect()
        }
        _ => BTreeSet::new(),
    };
    if matches!(purpose, Purpose::Work | Purpose::Repair) && !begins {
        return Ok(());
    }
    let whole = !prompt.contains(CUT);
    // A result ends with its line.
    let ends: Vec<&str> = prompt.match_indices('\n').map(|(at, _)| &prompt[..at]).collect();
    for other in state.subtree(&task.root).into_iter().filter(|other| other.id != task.id && !other.is_goal())
    {
        let Some(result) = other.result.as_ref().filter(|result| !result.summary.is_empty()) else {
            continue;
        };
        // What is cut is cut from its end, and fences are everybody's.
        let first = || result.summary.lines().find(|line| line.contains(char::is_alphanumeric));
        let words = if whole { &*result.summary } else { first().unwrap_or_default() };
        let times = ends.iter().filter(|before| before.ends_with(words)).count();
        // Who was given another's result says the same as that.
        let says = |id: &&&TaskId| {
            let there = state.task(id).filter(|task| !matches!(task.standing, Standing::Removed { .. }));
            there.is_some_and(|task| task.result.as_ref() == Some(result))
        };
        let expected = told.iter().filter(says).count();
        ensure!(
            times == expected || (!whole && times < expected),
            "the result of {} is told {times} times",
            other.id
        );
    }
    Ok(())
}
