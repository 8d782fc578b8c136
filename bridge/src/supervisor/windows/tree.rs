//! The processes of a run: those of its job.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use shared::run::Signal;
use tokio::sync::oneshot;

use super::keeper::{DRAINED, KILLED};
use super::{keeper, named};
use crate::supervisor::folder::RunFolder;
use crate::supervisor::usage::SHOWN;
use crate::supervisor::{Process, ProcessUsage};
use crate::win32::{self, Job};

/// From 1601, where the system's calendar begins, to 1970.
const EPOCH: Duration = Duration::from_secs(11_644_473_600);

/// The process that has this number and has not ended.
pub(crate) fn running(pid: i32) -> Option<Process> {
    let held = win32::Process::open(u32::try_from(pid).ok()?).ok()?;
    let started = held.times().ok()?.started;
    (!held.has_ended()).then_some(Process { pid, started })
}

/// Whether this very process is there.
pub(in crate::supervisor) fn is_there(process: Process) -> bool {
    running(process.pid) == Some(process)
}

/// How long ago a process was started, by the calendar.
pub(in crate::supervisor) fn age(process: Process) -> Option<Duration> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()? + EPOCH;
    Some(now.saturating_sub(Duration::from_micros(process.started / 10)))
}

/// What a process uses; nothing when it is gone. Its command line is its own to know here.
pub(in crate::supervisor) fn usage(process: Process) -> Option<ProcessUsage> {
    let Held(held) = hold(process)?;
    Some(ProcessUsage {
        pid: process.pid,
        command: held.program().ok()?.chars().take(SHOWN).collect(),
        age: age(process)?,
        cpu: held.times().ok()?.cpu,
        memory: held.memory().ok()?,
    })
}

/// Nothing: no run is here that an earlier bridge has started, and what this one gives is known.
pub(in crate::supervisor) fn environment_of(_process: Process) -> Vec<(OsString, OsString)> {
    Vec::new()
}

/// Whether a process may still write to the run's output. Which of them has its pipes nobody says.
pub(in crate::supervisor) fn may_write(folder: &RunFolder, process: Process) -> bool {
    !folder.path().join(DRAINED).exists() && is_there(process)
}

/// A hold on exactly one process.
pub(in crate::supervisor) struct Held(win32::Process);

/// Nothing when it is gone.
pub(in crate::supervisor) fn hold(process: Process) -> Option<Held> {
    let held = win32::Process::open(u32::try_from(process.pid).ok()?).ok()?;
    let is_it = held.times().is_ok_and(|times| times.started == process.started);
    (is_it && !held.has_ended()).then_some(Held(held))
}

impl Held {
    /// Waits until it has ended.
    pub(in crate::supervisor) async fn over(self) {
        let (tells, told) = oneshot::channel::<()>();
        // A thread of its own and none of the runtime's, which would not end before the process does.
        let waits = std::thread::Builder::new().stack_size(keeper::STACK).spawn(move || {
            self.0.wait();
            drop(tells);
        });
        match waits {
            // It errs when the other end is gone, which is the word.
            Ok(_) => drop(told.await),
            Err(error) => tracing::error!(%error, "the end of a process cannot be waited for"),
        }
    }
}

/// All that belongs to one run.
#[derive(Debug, Clone)]
pub(in crate::supervisor) struct Tree {
    folder: RunFolder,
    leader: Option<Process>,
}

impl Tree {
    /// `leader` is the run's first process, which is asked in the name of all.
    pub(in crate::supervisor) fn new(folder: &Path, leader: Option<Process>) -> Self {
        Self { folder: RunFolder::new(folder.to_owned()), leader }
    }

    /// All living processes of the run, now.
    pub(in crate::supervisor) fn living(&mut self) -> BTreeSet<Process> {
        let listed = self.job().and_then(|job| job.processes().ok()).unwrap_or_default();
        listed.into_iter().filter_map(|pid| running(i32::try_from(pid).ok()?)).collect()
    }

    /// Signals the run: to end it takes all of it, to ask goes to its leader's group. What cannot be asked is
    /// ended when its time is over.
    pub(in crate::supervisor) fn send(&self, held: &[Held], signal: Signal) {
        if held.is_empty() {
            return;
        }
        let sent = match signal {
            Signal::Kill => self.job().map_or(Ok(()), |job| job.end(KILLED)),
            Signal::Interrupt | Signal::Terminate => keeper::interrupt(&self.folder, self.leader),
        };
        if let Err(error) = sent {
            tracing::info!(%error, ?signal, folder = %self.folder.path().display(), "a run could not be signalled");
        }
    }

    /// Nothing when no process of it is left, and no bridge that keeps it.
    fn job(&self) -> Option<Job> {
        Job::open(&named(&self.folder, "run")).ok().flatten()
    }
}
