//! Trying again: which failures pass by themselves, which are worth another try and which only a person helps, and
//! when a turn is taken up again. The same failure of the same run gives the same moment; what looks like chance
//! comes from the run's id.

use shared::agent::{AgentError, ErrorClass, HarnessId};
use shared::entry::{Outcome, Purpose};
use shared::id::RunId;
use shared::limits::Recovery;
use shared::plan::Work;
use shared::retry::{Again, Policy};
use shared::run::RunEnd;
use shared::unit::Millis;

use super::{BASE, hash, prove, waits};
use crate::reviewer;
use crate::state::{Phase, Run, State, Task};

/// Before the first try where a service or the task itself needs time; doubles with each try.
pub(super) const SERVICE: Millis = Millis::from_secs(30);
/// The same where something on this machine broke, which a new process mends or does not.
const MACHINE: Millis = Millis::from_secs(5);
const LONGEST: Millis = Millis::from_secs(10 * 60);
/// Over which those come back that wait for the same end of a limit, so that they do not reach it again at once.
const SPREAD: Millis = Millis::from_secs(5);

/// What helps against a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Remedy {
    /// Nothing is wrong with the task: its turn is taken up again after so long.
    GoOn(Millis),
    /// Another attempt, where the task's policy allows one.
    Anew,
    Person,
}

fn remedy(class: ErrorClass, end: Option<&RunEnd>) -> Remedy {
    match class {
        ErrorClass::RateLimit | ErrorClass::Overload => Remedy::GoOn(SERVICE),
        // Its own words tell of a service that did not answer; a task that was too long for its time is another thing.
        ErrorClass::Timeout if end != Some(&RunEnd::TimedOut) => Remedy::GoOn(SERVICE),
        ErrorClass::OutOfMemory | ErrorClass::DiskFull => Remedy::GoOn(SERVICE),
        ErrorClass::Network | ErrorClass::McpDisconnect | ErrorClass::CliCrash => Remedy::GoOn(MACHINE),
        // Its process or its session went away.
        ErrorClass::Lost | ErrorClass::SessionLost => Remedy::GoOn(Millis(0)),
        ErrorClass::TaskFailure
        | ErrorClass::NothingSaid
        | ErrorClass::ContextOverflow
        | ErrorClass::Timeout
        | ErrorClass::Unknown
        // It was mended as often as may be.
        | ErrorClass::CheckFailed
        | ErrorClass::Rejected => Remedy::Anew,
        ErrorClass::Billing
        | ErrorClass::Auth
        | ErrorClass::ModelNotFound
        | ErrorClass::Launch
        | ErrorClass::Capped
        | ErrorClass::Interrupted => Remedy::Person,
    }
}

/// What a run that failed means for its task: another turn at its time, or a person's part.
pub(super) fn outcome(state: &State, task: &Task, run: &Run, error: &AgentError, now: Millis) -> Outcome {
    match remedied(state, task, run, error, now) {
        Outcome::Limited { until, class, again, why } => {
            Outcome::Limited { until: until.max(free(state, task)), class, again, why }
        }
        outcome => outcome,
    }
}

/// From when on the task may be helped on once more.
fn free(state: &State, task: &Task) -> Millis {
    let Recovery { times, window } = state.limits.recovery;
    let times = usize::try_from(times.max(1)).unwrap_or(usize::MAX);
    let first = task.helped.len().checked_sub(times).and_then(|place| task.helped.get(place));
    first.map_or(Millis(0), |first| *first + window)
}

fn remedied(state: &State, task: &Task, run: &Run, error: &AgentError, now: Millis) -> Outcome {
    let (class, why) = (error.class, prove::blame(run, error));
    let end = match &run.phase {
        Phase::Read { end, .. } | Phase::Ended { end, .. } => Some(end),
        Phase::Requested | Phase::Running { .. } => None,
    };
    // A session can be gone on with; what a command did until nobody saw it any more cannot be told.
    let command = run.harness == HarnessId::Command && run.purpose == Purpose::Work;
    if command && class == ErrorClass::Lost {
        let unseen =
            "It may have done its work, in part or as a whole, so it is not carried out again without you.";
        return Outcome::Failed { class, why: format!("{}\n\n{unseen}", why.trim_end()) };
    }
    let limited = |until, again, why| Outcome::Limited { until, class: Some(class), again, why };
    match remedy(class, end) {
        Remedy::GoOn(wait) if task.resumptions < state.limits.resumptions => {
            let reviewing =
                (run.purpose == Purpose::Review).then(|| prove::reviewing(state, task, run.harness));
            let whose = reviewing.as_ref().unwrap_or(task);
            let other = class == ErrorClass::RateLimit
                && waits::has_other(state, whose, run.purpose, run.harness, now);
            let until = match error.until.filter(|_| class == ErrorClass::RateLimit) {
                _ if other => now,
                Some(until) => until.max(now) + jitter(&run.id, SPREAD),
                None => now + back_off(wait, task.resumptions, &run.id),
            };
            limited(until, Again::GoOn, String::new())
        }
        Remedy::GoOn(_) => match alternate(state, task, run, class) {
            Some(harness) => limited(now, Again::Instead { harness }, why),
            None => Outcome::Failed { class, why: tried(&why, task.resumptions + 1, task) },
        },
        Remedy::Anew if is_begun_anew(run) => {
            let retry = task.retry.unwrap_or(state.limits.retry);
            let again = match (retry.policy, &task.work) {
                (Policy::None, _) => return Outcome::Failed { class, why },
                // A command stays the same whatever is found out.
                (Policy::Same, _) | (Policy::Analyze, Work::Command { .. }) => Again::Anew,
                (Policy::Analyze, Work::Agent) => Again::Diagnosed,
            };
            if task.retries.saturating_add(1) >= retry.attempts {
                return Outcome::Failed { class, why: tried(&why, task.retries + 1, task) };
            }
            limited(now + back_off(SERVICE, task.retries, &run.id), again, why)
        }
        Remedy::Anew | Remedy::Person => Outcome::Failed { class, why },
    }
}

/// Who may do what this run's agent fails again and again; nobody for who was chosen to review.
fn alternate(state: &State, task: &Task, run: &Run, class: ErrorClass) -> Option<HarnessId> {
    let chosen = run.purpose == Purpose::Review && matches!(reviewer::chosen(state, task), Some(Ok(_)));
    waits::alternate(state, task, run.harness).filter(|_| class.is_outage() && !chosen)
}

/// Another attempt may do better.
fn is_begun_anew(run: &Run) -> bool {
    match run.purpose {
        Purpose::Plan | Purpose::Work | Purpose::Summary | Purpose::Repair => true,
        Purpose::Talk
        | Purpose::Classify
        | Purpose::Diagnose
        | Purpose::Terminal
        | Purpose::Base
        | Purpose::Check
        | Purpose::Commit
        | Purpose::After
        | Purpose::Review => false,
    }
}

/// What failed, and that nothing more is tried without a person.
fn tried(why: &str, times: u32, task: &Task) -> String {
    let times = if times == 1 { "once".to_owned() } else { format!("{times} times") };
    let other = task.alternate.map_or_else(String::new, |harness| format!(", at last with {harness}"));
    format!("{}\n\nTried {times}{other}; nothing more is tried without you.", why.trim_end())
}

/// How long to wait after `tries` others.
fn back_off(first: Millis, tries: u32, run: &RunId) -> Millis {
    let wait = Millis((first.0 << tries.min(10)).min(LONGEST.0));
    wait + jitter(run, Millis(wait.0 / 4))
}

/// Zero to `most`, the same each time for the same run.
fn jitter(run: &RunId, most: Millis) -> Millis {
    Millis(hash(run.as_str(), BASE) % (most.0 + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str) -> RunId {
        RunId::new(text).expect("an id")
    }

    #[test]
    fn those_that_wait_for_one_limit_come_back_one_by_one() {
        let mut times: Vec<u64> = (0..20).map(|n| jitter(&run(&format!("goal~{n}~r1")), SPREAD).0).collect();
        assert!(times.iter().all(|at| (0..=SPREAD.0).contains(at)), "{times:?}");
        times.sort_unstable();
        times.dedup();
        assert!(times.len() > 15, "{times:?}");
    }

    #[test]
    fn the_wait_doubles_to_ten_minutes() {
        let id = run("goal~1~r1");
        for (first, tries, secs) in [
            (SERVICE, 0, 30),
            (SERVICE, 1, 60),
            (SERVICE, 4, 480),
            (SERVICE, 5, 600),
            (SERVICE, 30, 600),
            (MACHINE, 0, 5),
            (MACHINE, 6, 320),
            (MACHINE, 30, 600),
        ] {
            let wait = back_off(first, tries, &id);
            let least = Millis::from_secs(secs);
            assert!((least..=least + Millis(least.0 / 4)).contains(&wait), "{tries}: {wait:?}");
            assert_eq!(wait, back_off(first, tries, &id), "no chance");
        }
        assert_eq!(back_off(Millis(0), 3, &id), Millis(0), "what was lost is gone on with at once");
    }
}
