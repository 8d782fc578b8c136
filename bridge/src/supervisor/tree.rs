//! The processes of a run, found in `/proc`: those in its session, those below it, and those that carry its
//! mark in their environment although they left both. A process is known by pid and start time, so a
//! stranger that got a dead process's number is never signalled.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use shared::id::RunId;

use super::prepare::MARK;

/// How long processes that were killed may take to go.
const GONE: Duration = Duration::from_secs(5);

/// One process at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Process {
    pub pid: i32,
    pub started: u64,
}

struct Stat {
    parent: i32,
    session: i32,
    started: u64,
    zombie: bool,
}

/// Start time in clock ticks since boot, as `/proc/PID/stat` says it; nothing when there is no such process.
pub(super) fn start_time(pid: u32) -> Option<u64> {
    stat(i32::try_from(pid).ok()?).map(|stat| stat.started)
}

fn stat(pid: i32) -> Option<Stat> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in brackets may hold anything; fields are counted after its end (proc(5): state is the third).
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    Some(Stat {
        zombie: matches!(*fields.first()?, "Z" | "X"),
        parent: fields.get(1)?.parse().ok()?,
        session: fields.get(3)?.parse().ok()?,
        started: fields.get(19)?.parse().ok()?,
    })
}

fn is_marked(pid: i32, run: &RunId) -> bool {
    let wanted = format!("{MARK}={run}");
    let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment.split(|&byte| byte == 0).any(|variable| variable == wanted.as_bytes())
}

/// All living processes of a run, whose first process is or was `leader`.
pub(super) fn members(run: &RunId, leader: Option<Process>) -> BTreeSet<Process> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return BTreeSet::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let stats: BTreeMap<i32, Stat> = pids.filter_map(|pid| stat(pid).map(|stat| (pid, stat))).collect();
    // A pid that was given anew names neither the session nor a parent of ours.
    let leader =
        leader.filter(|leader| stats.get(&leader.pid).is_none_or(|stat| stat.started == leader.started));
    let mut found: BTreeSet<i32> = stats
        .iter()
        .filter(|(pid, stat)| {
            let in_session =
                leader.is_some_and(|leader| stat.session == leader.pid && stat.started >= leader.started);
            in_session || is_marked(**pid, run)
        })
        .map(|(pid, _)| *pid)
        .collect();
    // What they started belongs to them, also when it threw its environment away.
    loop {
        let below: Vec<i32> = stats
            .iter()
            .filter(|(pid, stat)| found.contains(&stat.parent) && !found.contains(pid))
            .map(|(pid, _)| *pid)
            .collect();
        if below.is_empty() {
            break;
        }
        found.extend(below);
    }
    let own = i32::try_from(std::process::id()).unwrap_or(0);
    let living = stats.into_iter().filter(|(pid, stat)| found.contains(pid) && !stat.zombie && *pid != own);
    living.map(|(pid, stat)| Process { pid, started: stat.started }).collect()
}

/// Signals a process if it still is the one that was meant.
fn signal(process: Process, signal: Signal) {
    if stat(process.pid).is_some_and(|stat| stat.started == process.started)
        && let Some(pid) = Pid::from_raw(process.pid)
    {
        // It may have gone this moment, which is what was wanted.
        let _ = kill_process(pid, signal);
    }
}

/// Signals everything of a run.
pub(super) fn signal_all(run: &RunId, leader: Option<Process>, which: Signal) {
    for process in members(run, leader) {
        signal(process, which);
    }
}

/// Kills everything of a run until nothing is left or five seconds have passed; says how many there were.
pub(super) fn kill_all(run: &RunId, leader: Option<Process>) -> usize {
    let began = Instant::now();
    let mut seen = BTreeSet::new();
    loop {
        let left = members(run, leader);
        if left.is_empty() || began.elapsed() > GONE {
            return seen.len();
        }
        left.iter().for_each(|&process| signal(process, Signal::KILL));
        seen.extend(left);
        // A killed process takes a moment to go, and nothing tells when one that is not our child has.
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Ends what a run of an earlier bridge left behind; `process` is its first, where it was recorded.
pub(super) fn end_leftovers(run: &RunId, process: Option<(u32, u64)>) -> usize {
    let leader = process.and_then(|(pid, started)| Some(Process { pid: i32::try_from(pid).ok()?, started }));
    kill_all(run, leader)
}
