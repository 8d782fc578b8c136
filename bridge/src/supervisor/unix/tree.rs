//! The processes of a run, found in `/proc`: those in its session, those below it or below its shim, to which its orphans
//! come, and those that carry its mark in their environment although they left all that. A process is known by pid and start time, so a
//! stranger that got a dead process's number is never taken for one.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::supervisor::folder::{ERR, OUT, RunFolder};
use crate::supervisor::usage::SHOWN;
use crate::supervisor::{MARK, Process, ProcessUsage};

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

/// The process that has this number and has not ended.
pub(crate) fn running(pid: i32) -> Option<Process> {
    stat(pid).filter(|stat| !stat.zombie).map(|stat| Process { pid, started: stat.started })
}

/// Whether this very process is there, be it as a zombie.
pub(in crate::supervisor) fn is_there(process: Process) -> bool {
    stat(process.pid).is_some_and(|stat| stat.started == process.started)
}

/// How long ago a process was started, by the system's own count: no change of the date shows in it.
pub(in crate::supervisor) fn age(process: Process) -> Option<Duration> {
    let up: f64 = std::fs::read_to_string("/proc/uptime").ok()?.split(' ').next()?.parse().ok()?;
    Some(Duration::try_from_secs_f64(up).ok()?.saturating_sub(of_ticks(process.started)))
}

fn of_ticks(ticks: u64) -> Duration {
    Duration::from_millis(ticks.saturating_mul(1_000) / rustix::param::clock_ticks_per_second().max(1))
}

/// What a process uses; nothing when it is gone.
pub(in crate::supervisor) fn usage(process: Process) -> Option<ProcessUsage> {
    let Process { pid, started } = process;
    let now = stat(pid).filter(|stat| stat.started == started)?;
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let command = String::from_utf8_lossy(&line).replace('\0', " ");
    Some(ProcessUsage {
        pid,
        command: command.trim().chars().take(SHOWN).collect(),
        age: age(process)?,
        cpu: of_ticks(now.ticks),
        memory: now.pages * u64::try_from(rustix::param::page_size()).ok()?,
    })
}

/// What a process was given as its environment; nothing of one that is gone.
pub(in crate::supervisor) fn environment_of(process: Process) -> Vec<(OsString, OsString)> {
    let environment = std::fs::read(format!("/proc/{}/environ", process.pid)).unwrap_or_default();
    if !is_there(process) {
        // The number is another one's by now.
        return Vec::new();
    }
    let variables = environment.split(|&byte| byte == 0).filter_map(|variable| {
        let equals = variable.iter().position(|&byte| byte == b'=')?;
        let (name, value) = variable.split_at(equals);
        Some((OsString::from_vec(name.to_owned()), OsString::from_vec(value[1..].to_owned())))
    });
    variables.collect()
}

/// Whether a process has the run's output open, be it a file or a pipe of its shim's, so that it may still write there.
pub(in crate::supervisor) fn may_write(folder: &RunFolder, process: Process) -> bool {
    let (out, err) = (folder.path().join(OUT), folder.path().join(ERR));
    let shim = folder.shim().into_iter().flat_map(open_files);
    // One that it also has for writing came to it from whoever started the bridge.
    let (written, read): (BTreeSet<_>, BTreeSet<_>) = shim.partition(|(_, writes)| *writes);
    let is_output = |file: &PathBuf| {
        let piped = file.to_str().is_some_and(|name| name.starts_with("pipe:"));
        let its = |set: &BTreeSet<(PathBuf, bool)>, writes| set.contains(&(file.clone(), writes));
        *file == out || *file == err || piped && its(&read, false) && !its(&written, true)
    };
    open_files(process).any(|(file, writes)| writes && is_output(&file)) && is_there(process)
}

/// What a process has open, and whether for writing (proc(5): the permissions of the links say so).
fn open_files(process: Process) -> impl Iterator<Item = (PathBuf, bool)> {
    let open = std::fs::read_dir(format!("/proc/{}/fd", process.pid));
    open.into_iter().flatten().flatten().filter_map(|entry| {
        let writes = entry.path().symlink_metadata().ok()?.permissions().mode() & 0o200 != 0;
        Some((std::fs::read_link(entry.path()).ok()?, writes))
    })
}

/// Names the time since the machine was started; pids and start times mean nothing across it.
pub(in crate::supervisor) fn boot() -> String {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim().to_owned()
}

/// All that belongs to one run, as far as it was seen.
#[derive(Debug, Clone)]
pub(in crate::supervisor) struct Tree {
    mark: Vec<u8>,
    leader: Option<Process>,
    /// Whose children are the run's, whatever they threw away: it is a subreaper and starts nothing else.
    shim: Option<Process>,
    /// What belonged to it once still does, also when it lost its parent and its environment.
    seen: BTreeSet<Process>,
}

impl Tree {
    /// `leader` is the run's first process. Without it the mark alone counts, since a session's number may
    /// have gone to strangers.
    pub(in crate::supervisor) fn new(folder: &Path, leader: Option<Process>) -> Self {
        let mut mark = format!("{MARK}=").into_bytes();
        mark.extend_from_slice(folder.as_os_str().as_bytes());
        let shim = RunFolder::new(folder.to_owned()).shim();
        Self { mark, leader, shim, seen: leader.into_iter().collect() }
    }

    /// All living processes of the run, now. Reads `/proc`, so it blocks for some milliseconds.
    pub(in crate::supervisor) fn living(&mut self) -> BTreeSet<Process> {
        let Ok(entries) = std::fs::read_dir("/proc") else { return BTreeSet::new() };
        let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        let shim = self.shim.filter(|shim| is_there(*shim)).map(|shim| shim.pid);
        // Nothing of a run is older than its first process.
        let since = self.leader.map_or(0, |leader| leader.started);
        let stats: BTreeMap<i32, Stat> = pids
            .filter_map(|pid| stat(pid).filter(|stat| stat.started >= since).map(|stat| (pid, stat)))
            .collect();
        let mut found: BTreeSet<i32> = stats
            .iter()
            .filter(|(pid, stat)| shim == Some(stat.parent) || self.is_member(**pid, stat, &stats))
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
