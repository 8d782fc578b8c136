//! Ending the processes of a run, however many and wherever they went: asked, given time, then killed until
//! none is left. Signals go through pidfds, which cannot mean a stranger, and the wait is for the kernel's
//! word that a process is gone; without pidfds (before Linux 5.3) start times are compared instead.

use std::collections::BTreeSet;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, kill_process, pidfd_open, pidfd_send_signal};
use shared::run::Signal;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::tree::{Process, Tree, is_there};
use super::unix;

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

/// A hold on exactly one process.
struct Held {
    process: Process,
    /// Nothing where the system gives none; then number and start time must do.
    pidfd: Option<AsyncFd<OwnedFd>>,
}

/// Nothing when it is gone.
fn hold(process: Process) -> Option<Held> {
    let opened = match pidfd_open(Pid::from_raw(process.pid)?, PidfdFlags::empty()) {
        Err(Errno::SRCH) => return None,
        opened => opened.ok(),
    };
    // Looked at after the opening: what is held now is what has this start time.
    if !is_there(process) {
        return None;
    }
    let pidfd = opened.and_then(|opened| {
        // SAFETY: the pidfd is open, and AsyncFd owns it: it stays open and the same until that is dropped.
        #[expect(unsafe_code, reason = "tokio has no safe way to wait for a file that it does not know")]
        let registered = unsafe { AsyncFd::register_with_interest(opened, Interest::READABLE) };
        registered.ok()
    });
    Some(Held { process, pidfd })
}

fn send(held: &[Held], signal: Signal) {
    let signal = unix::number(signal);
    for Held { process, pidfd } in held {
        // It may have gone this moment, which is what was wanted.
        let _ = match (pidfd, Pid::from_raw(process.pid)) {
            (Some(pidfd), _) => pidfd_send_signal(pidfd, signal),
            (None, Some(pid)) if is_there(*process) => kill_process(pid, signal),
            (None, _) => Ok(()),
        };
    }
}

impl Held {
    async fn over(self) {
        if let Some(pidfd) = self.pidfd {
            // Readable means that it ended (pidfd_open(2)).
            let _ = pidfd.readable().await;
        } else {
            while is_there(self.process) {
                sleep(PAUSE).await;
            }
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
    send(&held, signal);
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
            send(&held, polite);
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
        send(&held, Signal::Kill);
        gone(held, limit).await;
    }
}
