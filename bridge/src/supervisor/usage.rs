//! What the processes of runs use, for people who look. Reads the runs' folders, and asks the system.

use std::path::Path;
use std::time::Duration;

use shared::id::RunId;

use super::folder::RunFolder;
use super::os::{Tree, is_there, usage};

/// One process as it is now.
#[derive(Debug, Clone, PartialEq)]
pub struct ProcessUsage {
    pub pid: i32,
    /// Its command line, cut; on Windows its program.
    pub command: String,
    pub age: Duration,
    /// In user and kernel mode since its start, without that of processes it waited for.
    pub cpu: Duration,
    /// Resident bytes.
    pub memory: u64,
}

/// The processes of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunProcesses {
    pub run: RunId,
    pub shim: Option<ProcessUsage>,
    /// The program and all that it started.
    pub program: Vec<ProcessUsage>,
}

/// Characters of a command line that are shown.
pub(super) const SHOWN: usize = 80;

/// All runs in `runs_dir` that have a living process, by id. Blocks for some milliseconds a run.
pub fn run_processes(runs_dir: &Path) -> Vec<RunProcesses> {
    // Runs are marked by their folder's whole path.
    let Ok(runs_dir) = dunce::canonicalize(runs_dir) else { return Vec::new() };
    let folders = std::fs::read_dir(runs_dir).into_iter().flatten().flatten();
    let mut runs: Vec<RunProcesses> = folders
        .filter_map(|folder| {
            let run = RunId::new(folder.file_name().to_str()?).ok()?;
            let folder = RunFolder::new(folder.path());
            let shim = folder.shim().filter(|shim| is_there(*shim)).and_then(usage);
            let living = Tree::new(folder.path(), folder.leader()).living();
            let program: Vec<ProcessUsage> = living.into_iter().filter_map(usage).collect();
            (shim.is_some() || !program.is_empty()).then_some(RunProcesses { run, shim, program })
        })
        .collect();
    runs.sort_by(|one, other| one.run.cmp(&other.run));
    runs
}
