//! `orchestrator shim`: stands between the bridge and one run's program, so that the program outlives the
//! bridge. It starts the program with its streams on files of the run's folder, takes its orphans in, and
//! leaves word of how it ended. It reads nothing, decides nothing and listens to nobody.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use rustix::io::Errno;
use rustix::process::{Pid, WaitOptions, WaitStatus, getpid, set_child_subreaper, wait};
use shared::run::RunEnd;

use crate::supervisor::{MARK, Process, RunFolder, own_session, stat};

/// Hidden: the bridge starts it.
#[derive(Debug, clap::Args)]
pub struct ShimArgs {
    /// The run's folder, claimed by the bridge.
    folder: PathBuf,
    /// The program and its arguments.
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

/// Sees one run through; ends when nothing of it is left below.
///
/// # Errors
/// The folder cannot be read or written.
pub fn run(args: &ShimArgs) -> anyhow::Result<ExitCode> {
    let folder = RunFolder::new(args.folder.clone());
    // Held until this process is gone.
    let Some(_claim) = folder.lock_claim()? else { return Ok(ExitCode::FAILURE) };
    set_child_subreaper(Pid::from_raw(1))?;
    folder.begin(process(getpid().as_raw_nonzero().get()))?;
    let leader = match start(&folder, &args.command) {
        Ok(leader) => leader,
        Err(error) => {
            folder.failed(&error)?;
            return Ok(ExitCode::FAILURE);
        }
    };
    // Nobody waited for it yet, so its number is its own.
    folder.started(process(leader))?;
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid.as_raw_nonzero().get() == leader => {
                folder.ended(&end_of(status))?
            }
            // An orphan of the run, or a signal that came in between.
            Ok(_) | Err(Errno::INTR) => {}
            // No child is left, and so nothing below: whatever loses its parent comes to a subreaper.
            Err(_) => {
                folder.cleared()?;
                return Ok(ExitCode::SUCCESS);
            }
        }
    }
}

fn start(folder: &RunFolder, command: &[OsString]) -> io::Result<i32> {
    let [program, args @ ..] = command else { return Err(Errno::INVAL.into()) };
    let (stdin, out, err) = folder.streams()?;
    let mut command = Command::new(program);
    command
        .args(args)
        .env(MARK, folder.path())
        .stdin(stdin.map_or_else(Stdio::null, Stdio::from))
        .stdout(out)
        .stderr(err);
    own_session(&mut command, None);
    // Waited for by number, with all others.
    let child = command.spawn()?;
    i32::try_from(child.id()).map_err(|_| Errno::OVERFLOW.into())
}

fn process(pid: i32) -> Process {
    // A time that no process has would keep its number from being taken for a later one's.
    Process { pid, started: stat(pid).map_or(u64::MAX, |stat| stat.started) }
}

fn end_of(status: WaitStatus) -> RunEnd {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => RunEnd::Exited { code },
        (None, Some(signal)) => RunEnd::Signalled { signal },
        (None, None) => RunEnd::Lost { why: "the system did not say how it ended".to_owned() },
    }
}
