//! A hold on exactly one process: through a pidfd, which cannot mean a stranger, and by which the kernel says
//! that the process is gone; without pidfds (before Linux 5.3) start times are compared instead.

use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, kill_process, pidfd_open, pidfd_send_signal};
use shared::run::Signal;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::sleep;

use super::tree::{Tree, is_there};
use crate::supervisor::Process;

/// Before looking again at what could not be held.
const PAUSE: Duration = Duration::from_millis(2);

pub(in crate::supervisor) struct Held {
    process: Process,
    /// Nothing where the system gives none; then number and start time must do.
    pidfd: Option<AsyncFd<OwnedFd>>,
}

/// Nothing when it is gone.
pub(in crate::supervisor) fn hold(process: Process) -> Option<Held> {
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

impl Held {
    /// Waits until it has ended; a zombie has.
    pub(in crate::supervisor) async fn over(self) {
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

impl Tree {
    /// Signals these of its processes.
    pub(in crate::supervisor) fn send(&self, held: &[Held], signal: Signal) {
        let signal = number(signal);
        for Held { process, pidfd } in held {
            // It may have gone this moment, which is what was wanted.
            let _ = match (pidfd, Pid::from_raw(process.pid)) {
                (Some(pidfd), _) => pidfd_send_signal(pidfd, signal),
                (None, Some(pid)) if is_there(*process) => kill_process(pid, signal),
                (None, _) => Ok(()),
            };
        }
    }
}

fn number(signal: Signal) -> rustix::process::Signal {
    match signal {
        Signal::Interrupt => rustix::process::Signal::INT,
        Signal::Terminate => rustix::process::Signal::TERM,
        Signal::Kill => rustix::process::Signal::KILL,
    }
}
