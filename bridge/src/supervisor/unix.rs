//! Starting a process on Unix: in a session of its own, with nothing of ours open but its three streams.

use std::process::Stdio;

use shared::run::{RunEnd, Stdin};
use tokio::process::{Child, Command};

use super::tree::{Process, start_time};

/// A process that was just started.
pub(super) struct Started {
    pub child: Child,
    pub process: Process,
}

pub(super) fn spawn(mut command: Command, stdin: &Stdin) -> Result<Started, RunEnd> {
    command
        .stdin(match stdin {
            Stdin::Null => Stdio::null(),
            Stdin::Text { .. } | Stdin::Pipe => Stdio::piped(),
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    // SAFETY: between fork and exec only setsid(2) is called, which is async-signal-safe (signal-safety(7))
    // and touches no memory of ours.
    #[expect(unsafe_code, reason = "a session of its own can only be made between fork and exec")]
    unsafe {
        command.pre_exec(|| rustix::process::setsid().map(drop).map_err(Into::into));
    }
    let program = command.as_std().get_program().to_string_lossy().into_owned();
    let child = command.spawn().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => RunEnd::NotFound { program: program.clone() },
        _ => RunEnd::CouldNotStart { why: format!("{program} did not start: {error}") },
    })?;
    let pid = child.id().unwrap_or(0);
    // Gone already: a time that no process has keeps its number from being taken for a later one's.
    let started = start_time(pid).unwrap_or(u64::MAX);
    let process = Process { pid: i32::try_from(pid).unwrap_or(0), started };
    Ok(Started { child, process })
}

pub(super) fn number(signal: shared::run::Signal) -> rustix::process::Signal {
    match signal {
        shared::run::Signal::Interrupt => rustix::process::Signal::INT,
        shared::run::Signal::Terminate => rustix::process::Signal::TERM,
        shared::run::Signal::Kill => rustix::process::Signal::KILL,
    }
}

/// How a process ended, by its own word or a signal.
pub(super) fn end_of(status: std::process::ExitStatus) -> RunEnd {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => RunEnd::Exited { code },
        (None, Some(signal)) => RunEnd::Signalled { signal },
        (None, None) => RunEnd::Lost { why: "the system did not say how it ended".to_owned() },
    }
}
