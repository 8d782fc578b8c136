//! Orphans of runs come to the bridge, not to init: it is their subreaper, so that they stay below it in the
//! process tree, and it takes away what is left of them when they end. Children that were started here are
//! waited for where they were started and are not touched.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, WaitOptions, getpid, set_child_subreaper, waitpid};
use tokio::process::Child;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::tree::stat;

/// First processes of runs, by pid, until they were waited for. Children are the process's, not a
/// supervisor's, so there is one list.
static LEADERS: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

fn leaders() -> MutexGuard<'static, BTreeSet<i32>> {
    LEADERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a run's first process and knows it before anybody may take it for an orphan.
pub(super) fn spawn(start: impl FnOnce() -> io::Result<Child>) -> io::Result<Child> {
    let mut leaders = leaders();
    let child = start()?;
    leaders.extend(child.id().and_then(|pid| i32::try_from(pid).ok()));
    Ok(child)
}

/// Call it when the process was waited for.
pub(super) fn forget(pid: i32) {
    leaders().remove(&pid);
}

/// Takes orphans in and reaps them until `closing`. A bridge that cannot leaves them to init.
pub(super) fn adopt_orphans(mut closing: watch::Receiver<bool>) {
    let adopted = set_child_subreaper(Pid::from_raw(1)).map_err(io::Error::from);
    let mut ended = match adopted.and_then(|()| signal(SignalKind::child())) {
        Ok(ended) => ended,
        Err(error) => return tracing::warn!(%error, "orphans of runs are left to init"),
    };
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = closing.wait_for(|closing| *closing) => break,
                Some(()) = ended.recv() => reap(),
                else => break,
            }
        }
    });
}

fn reap() {
    // By `stat`, not by `getsid`: in a container the session may have begun outside, and its number is 0 here.
    let Some(own) = stat(getpid().as_raw_nonzero().get()) else { return };
    // Held meanwhile: what is started now is on the list when it is looked at.
    let leaders = leaders();
    for pid in children().into_iter().filter(|pid| !leaders.contains(pid)) {
        // Whatever else the bridge starts stays in its session; runs and their orphans never do.
        let orphan = stat(pid).is_some_and(|stat| stat.zombie && stat.session != own.session);
        if orphan && let Some(pid) = Pid::from_raw(pid) {
            let _ = waitpid(Some(pid), WaitOptions::NOHANG);
        }
    }
}

/// Pids of this process's children, of all its threads.
fn children() -> Vec<i32> {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return Vec::new() };
    let lists =
        threads.flatten().filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .collect()
}
