//! Ending the processes of a run, however many and wherever they went: asked, given time, then killed until
//! none is left. What a signal is and how a process is held is the system's.

use std::collections::BTreeSet;
use std::time::Duration;

use shared::run::Signal;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::Process;
use super::os::{Held, Tree, hold};

/// How long killed processes may take to go; what the kernel itself holds longer is left to it.
const GONE: Duration = Duration::from_secs(5);
/// Before looking again for what could not be held or was started meanwhile.
const PAUSE: Duration = Duration::from_millis(2);

/// The moment after this span; nothing when it lies beyond what a clock can say.
pub(super) fn after(span: Duration) -> Option<Instant> {
    Instant::now().checked_add(span)
}

/// Waits for a moment, for ever when there is none.
pub(super) async fn reached(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

async fn living(tree: &mut Tree) -> BTreeSet<Process> {
    let mut looking = tree.clone();
    let looked = tokio::task::spawn_blocking(move || {
        let living = looking.living();
        (looking, living)
    });
    match looked.await {
        Ok((looked, living)) => {
            *tree = looked;
            living
        }
        Err(error) => {
            tracing::error!(%error, "the processes of a run could not be listed");
            BTreeSet::new()
        }
    }
}

/// Waits until all of these are gone, or for the moment; not at all without one. Says whether they are.
async fn gone(held: Vec<Held>, until: Option<Instant>) -> bool {
    let Some(until) = until else { return held.is_empty() };
    let all = async {
        for held in held {
            held.over().await;
        }
    };
    timeout_at(until, all).await.is_ok()
}

/// Waits until a process has ended; a zombie has.
pub(crate) async fn over(process: Process) {
    if let Some(held) = hold(process) {
        held.over().await;
    }
}

/// The living processes of the run that are such.
pub(super) async fn those(mut tree: Tree, such: impl Fn(Process) -> bool) -> Vec<Process> {
    living(&mut tree).await.into_iter().filter(|process| such(*process)).collect()
}

/// Waits for processes to end by themselves; says whether they did.
pub(super) async fn go(processes: Vec<Process>, until: Option<Instant>) -> bool {
    gone(processes.into_iter().filter_map(hold).collect(), until).await
}

/// Signals everything of the run, once.
pub(super) async fn signal(mut tree: Tree, signal: Signal) {
    let held: Vec<_> = living(&mut tree).await.into_iter().filter_map(hold).collect();
    tree.send(&held, signal);
}

/// Ends everything of the run: asks where `polite` says so, waits until the moment where there is one, then
/// kills until nothing is left. Gives how many processes there were.
pub(super) async fn end(mut tree: Tree, polite: Option<Signal>, until: Option<Instant>) -> usize {
    let mut seen = living(&mut tree).await;
    if seen.is_empty() {
        return 0;
    }
    if polite != Some(Signal::Kill) && until.is_some() {
        let held: Vec<_> = seen.iter().copied().filter_map(hold).collect();
        if let Some(polite) = polite {
            tree.send(&held, polite);
        }
        gone(held, until).await;
    }
    let limit = after(GONE);
    loop {
        let left = living(&mut tree).await;
        if left.is_empty() || limit.is_some_and(|limit| Instant::now() > limit) {
            return seen.len();
        }
        let held: Vec<_> = left.iter().copied().filter_map(hold).collect();
        seen.extend(left);
        if held.is_empty() {
            sleep(PAUSE).await;
        }
        tree.send(&held, Signal::Kill);
        gone(held, limit).await;
    }
}
