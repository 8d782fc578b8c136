//! The processes of a run, found in `/proc`: those in its session, those below it, and those that carry its
//! mark in their environment although they left both. A process is known by pid and start time, so a
//! stranger that got a dead process's number is never taken for one.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use super::prepare::MARK;

/// One process at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Process {
    pub pid: i32,
    /// Clock ticks since boot.
    pub started: u64,
}

pub(crate) struct Stat {
    pub parent: i32,
    pub session: i32,
    pub started: u64,
    pub zombie: bool,
    /// Clock ticks in user and kernel mode, without those of processes that it waited for.
    pub ticks: u64,
    /// Resident memory, in pages.
    pub pages: u64,
}

/// What `/proc/PID/stat` says; nothing when there is no such process.
pub(crate) fn stat(pid: i32) -> Option<Stat> {
    let bytes = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    // The name in brackets may hold anything; fields are counted after its end (proc(5): state is the third).
    let end = bytes.iter().rposition(|&byte| byte == b')')?;
    let text = std::str::from_utf8(bytes.get(end + 1..)?).ok()?;
    let fields: Vec<&str> = text.split_ascii_whitespace().collect();
    Some(Stat {
        zombie: matches!(*fields.first()?, "Z" | "X"),
        parent: fields.get(1)?.parse().ok()?,
        session: fields.get(3)?.parse().ok()?,
        started: fields.get(19)?.parse().ok()?,
        ticks: fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?,
        pages: fields.get(21)?.parse().ok()?,
    })
}

/// Whether this very process is there, be it as a zombie.
pub(super) fn is_there(process: Process) -> bool {
    stat(process.pid).is_some_and(|stat| stat.started == process.started)
}

/// How long ago a process was started, by the system's own count: no change of the date shows in it.
pub(super) fn age(process: Process) -> Option<Duration> {
    let up: f64 = std::fs::read_to_string("/proc/uptime").ok()?.split(' ').next()?.parse().ok()?;
    Some(Duration::try_from_secs_f64(up).ok()?.saturating_sub(of_ticks(process.started)))
}

pub(super) fn of_ticks(ticks: u64) -> Duration {
    Duration::from_millis(ticks.saturating_mul(1_000) / rustix::param::clock_ticks_per_second().max(1))
}

/// All that belongs to one run, as far as it was seen.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    mark: Vec<u8>,
    leader: Option<Process>,
    /// What belonged to it once still does, also when it lost its parent and its environment.
    seen: BTreeSet<Process>,
}

impl Tree {
    /// `leader` is the run's first process. Without it the mark alone counts, since a session's number may
    /// have gone to strangers.
    pub(super) fn new(folder: &Path, leader: Option<Process>) -> Self {
        let mut mark = format!("{MARK}=").into_bytes();
        mark.extend_from_slice(folder.as_os_str().as_bytes());
        Self { mark, leader, seen: leader.into_iter().collect() }
    }

    /// All living processes of the run, now. Reads `/proc`, so it blocks for some milliseconds.
    pub(super) fn living(&mut self) -> BTreeSet<Process> {
        let Ok(entries) = std::fs::read_dir("/proc") else { return BTreeSet::new() };
        let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        // Nothing of a run is older than its first process.
        let since = self.leader.map_or(0, |leader| leader.started);
        let stats: BTreeMap<i32, Stat> = pids
            .filter_map(|pid| stat(pid).filter(|stat| stat.started >= since).map(|stat| (pid, stat)))
            .collect();
        let mut found: BTreeSet<i32> = stats
            .iter()
            .filter(|(pid, stat)| self.is_member(**pid, stat, &stats))
            .map(|(pid, _)| *pid)
            .collect();
        // What they started belongs to them, also when it threw its environment away.
        loop {
            let below =
                stats.iter().filter(|(pid, stat)| found.contains(&stat.parent) && !found.contains(pid));
            let below: Vec<i32> = below.map(|(pid, _)| *pid).collect();
            if below.is_empty() {
                break;
            }
            found.extend(below);
        }
        let own = i32::try_from(std::process::id()).unwrap_or(0);
        let living: BTreeSet<Process> = stats
            .iter()
            .filter(|(pid, stat)| found.contains(pid) && !stat.zombie && **pid != own)
            .map(|(pid, stat)| Process { pid: *pid, started: stat.started })
            .collect();
        self.seen.extend(&living);
        living
    }

    fn is_member(&self, pid: i32, stat: &Stat, stats: &BTreeMap<i32, Stat>) -> bool {
        if self.seen.contains(&Process { pid, started: stat.started }) {
            return true;
        }
        // A number that was given anew names no session of ours.
        let in_session = self.leader.is_some_and(|leader| {
            let same = stats.get(&leader.pid).is_none_or(|stat| stat.started == leader.started);
            stat.session == leader.pid && same
        });
        in_session || (!stat.zombie && self.is_marked(pid))
    }

    fn is_marked(&self, pid: i32) -> bool {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|&byte| byte == 0).any(|variable| variable == self.mark)
    }
}
