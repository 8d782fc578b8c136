//! Runs on Unix: behind a shim in a session of its own, with nothing of ours open, which outlives the bridge;
//! and what the system says when that or the program behind it fails. `windows.rs` is the other form of it.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use shared::run::{Resources, RunEnd, Window};
use shared::unit::{Bytes, Millis};

use super::Process;
use super::bell::Bell;
use super::folder::{RunFolder, SHIM, described};
use super::prepare::Prepared;

pub(super) use bells::{Bells, Hung};
pub(super) use hold::{Held, hold};
pub(super) use tree::{Tree, age, boot, environment_of, is_there, may_write, usage};
pub(crate) use tree::{running, stat};

mod bells;
mod hold;
mod tree;

/// The pipe through which a shim hears that there is more in the inbox.
const BELL: &str = "bell";

/// Nothing: agents go on without their bridge.
pub(crate) const END_WITH_BRIDGE: Option<&str> = None;
/// What became of a run that nobody saw the end of.
pub(super) const UNSEEN: &str = "its shim ended without a word";
/// What is left on its way to the output's files when nothing of a run is left: nothing, it is written there.
pub(super) const PIPED: Option<Duration> = None;

/// The limit of open files as the bridge was given it, and so as runs get it.
static FILES: OnceLock<Rlimit> = OnceLock::new();

/// A run takes three files; the usual limit of 1,024 would do for three hundred and little else.
pub(super) fn make_room() {
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

/// Lets a command start in a session of its own, asked to end by the usual signals. It is forked: for a large process
/// with many threads that stops them all until the copy is made.
pub(crate) fn own_session(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    // SAFETY: between fork and exec only signal(2) and setsid(2) are called, which are async-signal-safe
    // (signal-safety(7)) and touch no memory of ours.
    #[expect(unsafe_code, reason = "a session of its own can only be made between fork and exec")]
    unsafe {
        command.pre_exec(|| {
            hear_again();
            rustix::process::setsid().map(drop).map_err(Into::into)
        });
    }
}

/// Has the usual signals end this process again.
fn hear_again() {
    for signal in POLITE {
        // SAFETY: signal(2) with the default disposition calls nothing and touches no memory of ours.
        #[expect(unsafe_code, reason = "the standard library has no signals")]
        unsafe {
            libc::signal(signal, libc::SIG_DFL);
        }
    }
}

/// Makes this process, a shim that the bridge has just started, one of its own: with a session, the usual signals,
/// and so many files for what it starts. The bridge could do so between fork and exec alone, and every fork of a bridge
/// stops its threads until its memory is copied; without that the system starts a program beside them (`posix_spawn`).
///
/// # Errors
/// The system refuses.
pub(crate) fn stand_alone(files: Option<u64>) -> io::Result<()> {
    hear_again();
    rustix::process::setsid()?;
    if files.is_some() {
        setrlimit(Resource::Nofile, Rlimit { current: files, ..getrlimit(Resource::Nofile) })?;
    }
    Ok(())
}

/// What the processes used that this one has waited for, with those that they had waited for; nothing when the system
/// does not say.
pub(crate) fn used_by_children() -> Option<Resources> {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: getrusage(2) fills the structure that it is given, all of which may be zero.
    #[expect(unsafe_code, reason = "the standard library does not ask the system for it")]
    let usage = unsafe {
        let told = libc::getrusage(libc::RUSAGE_CHILDREN, usage.as_mut_ptr());
        (told == 0).then(|| usage.assume_init())?
    };
    let millis = |time: libc::timeval| {
        let whole = u64::try_from(time.tv_sec).unwrap_or(0).saturating_mul(1_000);
        whole + u64::try_from(time.tv_usec / 1_000).unwrap_or(0)
    };
    // macOS counts it in bytes, others in units of 1,024 (getrusage(2)).
    let unit = if cfg!(target_os = "macos") { 1 } else { 1_024 };
    Some(Resources {
        cpu: Millis(millis(usage.ru_utime) + millis(usage.ru_stime)),
        memory: Bytes(u64::try_from(usage.ru_maxrss).unwrap_or(0).saturating_mul(unit)),
    })
}

/// Starts a run's shim, by the program `own`, and gives its process. Blocks until it is started; needs a runtime, on
/// which the shim is waited for. The kernel rings the bell.
pub(super) fn spawn(own: &Path, prepared: Prepared, _bell: &Arc<Bell>) -> Result<Process, RunEnd> {
    let Prepared { folder, program, args, env, cwd, window, pipes } = prepared;
    let mut command = Command::new(own);
    command.arg("shim");
    if let Some(files) = FILES.get().and_then(|given| given.current) {
        command.arg(format!("--files={files}"));
    }
    if let Some(Window { rows, cols }) = window {
        command.arg(format!("--terminal={rows}x{cols}"));
    }
    command.args(pipes.then_some("--pipes"));
    command.arg(folder.path()).arg("--").arg(&program).args(args);
    command.env_clear().envs(env).current_dir(cwd);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let spawned = tokio::process::Command::from(command).spawn();
    let mut child = spawned.map_err(|error| why_not(&program, &error))?;
    let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).unwrap_or(0);
    // It is there, at least as a zombie, since nobody waited for it yet. A time that no process has would
    // keep its number from being taken for a later one's.
    let started = stat(pid).map_or(u64::MAX, |stat| stat.started);
    // So that no zombie stays; what it has to say stands in the run's folder.
    tokio::spawn(async move { child.wait().await });
    Ok(Process { pid, started })
}

/// Why the system did not start a program, and what to do about that.
pub(super) fn why_not(program: &Path, error: &std::io::Error) -> RunEnd {
    let (there, program) = (program.exists(), program.display());
    let step = match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::NOENT) if !there => return RunEnd::NotFound { program: program.to_string() },
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

/// The shell that is given a command, and how it is given.
pub(super) fn shell(command: &str) -> (PathBuf, Vec<OsString>) {
    (PathBuf::from("/bin/sh"), vec!["-c".into(), command.into()])
}

impl RunFolder {
    /// Says that the shim is there.
    pub(crate) fn kept_by(&self, shim: Process) -> io::Result<()> {
        self.note(SHIM, &described(shim))
    }

    pub(crate) fn bell(&self) -> PathBuf {
        self.path().join(BELL)
    }
}

/// Makes the pipe that rings when there is more in a run's inbox.
pub(super) fn make_bell(folder: &RunFolder) -> io::Result<()> {
    Ok(mknodat(CWD, folder.bell(), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?)
}

/// A shim that is gone hears nothing, and one whose pipe is full has heard already.
pub(super) fn ring(folder: &RunFolder) {
    let nonblocking = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or(0);
    let bell = File::options().write(true).custom_flags(nonblocking).open(folder.bell());
    let _ = bell.and_then(|mut bell| bell.write_all(b"!"));
}
