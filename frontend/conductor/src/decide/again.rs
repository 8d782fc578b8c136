//! Trying again: which failures pass by themselves, and when the turn that they cut short is taken up again.
//! The same failure of the same run gives the same moment; what looks like chance comes from the run's id.

use shared::agent::{AgentError, ErrorClass};
use shared::id::RunId;
use shared::unit::Millis;

use super::{BASE, hash};

/// Before the first try where nobody says when it may work again; doubles with each try.
const BACK_OFF: Millis = Millis::from_secs(30);
const LONGEST: Millis = Millis::from_secs(10 * 60);
/// Over which those come back that wait for the same end of a limit, so that they do not reach it again at once.
const SPREAD: Millis = Millis::from_secs(5);

/// When a turn that failed after `tries` others is taken up again; nothing for a failure that does not pass.
pub(super) fn after(error: &AgentError, run: &RunId, tries: u32, now: Millis) -> Option<Millis> {
    match (error.class, error.until) {
        (ErrorClass::RateLimit, Some(until)) => Some(until.max(now) + jitter(run, SPREAD)),
        (ErrorClass::RateLimit | ErrorClass::Overload | ErrorClass::Network, _) => {
            let wait = Millis((BACK_OFF.0 << tries.min(10)).min(LONGEST.0));
            Some(now + wait + jitter(run, Millis(wait.0 / 4)))
        }
        // Nothing is wrong with the task: its process or its session went away.
        (ErrorClass::Lost | ErrorClass::SessionLost, _) => Some(now),
        _ => None,
    }
}

/// Zero to `most`, the same each time for the same run.
fn jitter(run: &RunId, most: Millis) -> Millis {
    Millis(hash(run.as_str(), BASE) % (most.0 + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn again(class: ErrorClass, until: Option<u64>, run: &str, tries: u32) -> Option<Millis> {
        let error = AgentError { class, message: "it failed".to_owned(), until: until.map(Millis) };
        after(&error, &RunId::new(run).expect("an id"), tries, Millis(1_000_000))
    }

    #[test]
    fn those_that_wait_for_one_limit_come_back_one_by_one_and_never_before_its_end() {
        let until = 2_000_000;
        let runs = (0..20).map(|n| format!("goal~{n}~r1"));
        let mut times: Vec<u64> = runs
            .filter_map(|run| again(ErrorClass::RateLimit, Some(until), &run, 0))
            .map(|at| at.0)
            .collect();
        assert!(times.iter().all(|at| (until..=until + SPREAD.0).contains(at)), "{times:?}");
        times.sort_unstable();
        times.dedup();
        assert!(times.len() > 15, "{times:?}");
    }

    #[test]
    fn the_wait_doubles_to_ten_minutes() {
        for (tries, secs) in [(0, 30), (1, 60), (4, 480), (5, 600), (30, 600)] {
            let at = again(ErrorClass::Overload, None, "goal~1~r1", tries).expect("it passes");
            let wait = at.since(Millis(1_000_000));
            let least = Millis::from_secs(secs);
            assert!((least..=least + Millis(least.0 / 4)).contains(&wait), "{tries}: {wait:?}");
            assert_eq!(Some(at), again(ErrorClass::Overload, None, "goal~1~r1", tries), "no chance");
        }
    }

    #[test]
    fn what_does_not_pass_is_not_tried_again() {
        for class in [ErrorClass::Auth, ErrorClass::Billing, ErrorClass::TaskFailure, ErrorClass::NothingSaid]
        {
            assert_eq!(again(class, None, "goal~1~r1", 0), None);
        }
    }
}
