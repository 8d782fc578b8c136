//! Starting a process on Unix: in a session of its own, with nothing of ours open but its three streams.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::OnceLock;

use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use shared::run::{RunEnd, Stdin};
use tokio::process::Child;

use super::prepare::Prepared;
use super::reaper;
use super::tree::{Process, is_there, stat};

/// A process that was just started.
pub(super) struct Started {
    pub child: Child,
    pub process: Process,
}

/// The limit of open files as the bridge was given it, and so as runs get it.
static FILES: OnceLock<Rlimit> = OnceLock::new();

/// A run takes four files; the usual limit of 1,024 would do for two hundred and little else.
pub(super) fn raise_file_limit() {
    let given = *FILES.get_or_init(|| getrlimit(Resource::Nofile));
    let most = given.maximum.unwrap_or(65_536).min(65_536);
    if given.current.is_some_and(|current| current < most) {
        let raised = Rlimit { current: Some(most), maximum: given.maximum };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            tracing::warn!(%error, "the limit of open files stays as it is");
        }
    }
}

/// Signals that a bridge may have been told to ignore (`nohup`, a shell's background job), which its runs
/// would then ignore too, and could not be asked to end.
const POLITE: [libc::c_int; 4] = [libc::SIGINT, libc::SIGQUIT, libc::SIGHUP, libc::SIGTERM];

/// Starts what was prepared and leaves word of it in the run's folder. Blocks for the fork.
pub(super) fn spawn(prepared: Prepared, stdin: &Stdin) -> Result<Started, RunEnd> {
    let Prepared { mut command, own } = prepared;
    command
        .stdin(match stdin {
            Stdin::Null => Stdio::null(),
            Stdin::Text { .. } | Stdin::Pipe => Stdio::piped(),
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let files = FILES.get().copied();
    // SAFETY: between fork and exec only signal(2), setsid(2) and prlimit(2) are called, which are
    // async-signal-safe (signal-safety(7)) and touch no memory of ours.
    #[expect(unsafe_code, reason = "a session of its own can only be made between fork and exec")]
    unsafe {
        command.pre_exec(move || {
            for signal in POLITE {
                libc::signal(signal, libc::SIG_DFL);
            }
            if let Some(files) = files {
                setrlimit(Resource::Nofile, files)?;
            }
            rustix::process::setsid().map(drop).map_err(Into::into)
        });
    }
    let program = command.as_std().get_program().to_string_lossy().into_owned();
    let child = reaper::spawn(|| command.spawn()).map_err(|error| why_not(&program, &error))?;
    let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).unwrap_or(0);
    // It is there, at least as a zombie, since nobody waited for it yet. A time that no process has would
    // keep its number from being taken for a later one's.
    let started = stat(pid).map_or(u64::MAX, |stat| stat.started);
    // For the next bridge, should this one end before the log has it.
    if let Err(error) = std::fs::write(own.join("pid"), format!("{pid} {started} {}\n", boot())) {
        tracing::warn!(%error, "a run's pid could not be written");
    }
    Ok(Started { child, process: Process { pid, started } })
}

/// Why the system did not start it, and what to do about that.
fn why_not(program: &str, error: &std::io::Error) -> RunEnd {
    let there = Path::new(program).exists();
    let step = match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::NOENT) if !there => return RunEnd::NotFound { program: program.to_owned() },
        Some(Errno::NOENT) => "It is there, but what its first line names to run it is not. Install that.",
        Some(Errno::ACCESS) => "Check its permissions and those of the folder it should work in.",
        Some(Errno::NOEXEC) => "It is no program for this machine.",
        Some(Errno::TOOBIG) => "Its command line is too long; give it less text, or by its input or a file.",
        Some(Errno::AGAIN | Errno::NOMEM) => {
            "The machine has no room for another process; end some, or raise `ulimit -u`."
        }
        Some(Errno::MFILE | Errno::NFILE) => {
            "Too many files are open; run less at once, or raise `ulimit -n`."
        }
        _ => "Try it in a terminal.",
    };
    RunEnd::CouldNotStart { why: format!("{program} did not start: {error}. {step}") }
}

/// Names the time since the machine was started; pids and start times mean nothing across it.
fn boot() -> String {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim().to_owned()
}

/// The first process of a run of an earlier bridge, if it lives: as recorded in the log, or as the run's
/// folder has it.
pub(super) fn left_behind(own: &Path, recorded: Option<(u32, u64)>) -> Option<Process> {
    let note = std::fs::read_to_string(own.join("pid")).unwrap_or_default();
    let mut words = note.split_whitespace();
    let noted = words.next().zip(words.next());
    if words.next().is_some_and(|noted| noted != boot()) {
        return None;
    }
    let (pid, started) = recorded.or_else(|| {
        let (pid, started) = noted?;
        Some((pid.parse().ok()?, started.parse().ok()?))
    })?;
    Some(Process { pid: i32::try_from(pid).ok()?, started }).filter(|process| is_there(*process))
}

pub(super) fn number(signal: shared::run::Signal) -> rustix::process::Signal {
    match signal {
        shared::run::Signal::Interrupt => rustix::process::Signal::INT,
        shared::run::Signal::Terminate => rustix::process::Signal::TERM,
        shared::run::Signal::Kill => rustix::process::Signal::KILL,
    }
}

/// How a process ended, by its own word or a signal.
pub(super) fn end_of(status: ExitStatus) -> RunEnd {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => RunEnd::Exited { code },
        (None, Some(signal)) => RunEnd::Signalled { signal },
        (None, None) => RunEnd::Lost { why: "the system did not say how it ended".to_owned() },
    }
}
