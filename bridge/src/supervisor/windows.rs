//! Runs on Windows: each a program in a job of its own, from which nothing that it starts can leave. This bridge
//! keeps them (`keeper`), so they end with it, however it ends; the next one finds what they wrote, and calls them
//! lost. Otherwise it is the same as `unix.rs`, of which this is the other form: a run's folder has the same words.

use std::ffi::OsString;
use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use shared::run::RunEnd;
use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_BAD_EXE_FORMAT, ERROR_COMMITMENT_LIMIT, ERROR_ELEVATION_REQUIRED,
    ERROR_FILE_NOT_FOUND, ERROR_FILENAME_EXCED_RANGE, ERROR_NOT_ENOUGH_MEMORY, ERROR_PATH_NOT_FOUND,
};

use super::Process;
use super::bell::Bell;
use super::folder::RunFolder;
use super::prepare::Prepared;
use crate::win32::{Event, Wide, command_line, wide};

pub(crate) use tree::running;
pub(super) use tree::{Held, Tree, age, environment_of, hold, is_there, may_write, usage};

mod keeper;
mod tree;

/// What a person should know of that.
pub(crate) const END_WITH_BRIDGE: Option<&str> = Some(
    "On Windows agents end with the bridge. Its next start keeps what they wrote and takes up their sessions again.",
);
/// What became of a run that nobody saw the end of.
pub(super) const UNSEEN: &str = "its bridge ended, and on Windows agents end with it";
/// What is left on its way to the output's files when nothing of a run is left: what pipes hold. Past that
/// time a disk without room keeps it.
pub(super) const PIPED: Option<Duration> = Some(Duration::from_secs(5));

/// Nothing bounds what a process may open here.
pub(super) fn make_room() {}

/// Start times are of the calendar here, so they mean the same after a restart of the machine.
pub(super) fn boot() -> &'static str {
    "any"
}

/// Something that the system knows by name: a run's job, or the bell of its inbox. Any process of this login can
/// find it by the run's folder.
fn named(folder: &RunFolder, what: &str) -> String {
    let digest = Sha256::digest(folder.path().as_os_str().as_encoded_bytes());
    digest[..16].iter().fold(format!("Local\\orchestrator-{what}-"), |mut name, byte| {
        // To write into a text does not fail.
        let _ = write!(name, "{byte:02x}");
        name
    })
}

/// Nothing has to be listened to: who writes into a run's folder is in this process, and rings itself.
#[derive(Debug)]
pub(super) struct Bells;

#[derive(Debug)]
pub(super) struct Hung {
    pub bell: Arc<Bell>,
}

impl Bells {
    #[expect(clippy::unnecessary_wraps, reason = "on Unix the system may refuse it")]
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self)
    }

    #[expect(clippy::unnecessary_wraps, reason = "on Unix the system may refuse it")]
    pub(super) fn hang(&self, _folder: &Path) -> io::Result<Hung> {
        Ok(Hung { bell: Arc::default() })
    }
}

/// Starts a run's program, and gives the process that keeps it, which is this one.
pub(super) fn spawn(_own: &Path, prepared: Prepared, bell: &Arc<Bell>) -> Result<Process, RunEnd> {
    let (program, folder) = (prepared.program.clone(), prepared.folder.clone());
    keeper::start(prepared, bell).map_err(|error| {
        // For the next bridge, if this one ends before that is in the log.
        let _ = folder.failed(&error);
        why_not(&program, &error)
    })?;
    let own = i32::try_from(std::process::id()).ok().and_then(running);
    own.ok_or_else(|| RunEnd::Lost { why: "the bridge cannot find itself".to_owned() })
}

/// The bell of an inbox is made with the keeper who listens to it.
#[expect(clippy::unnecessary_wraps, reason = "on Unix the system may refuse it")]
pub(super) fn make_bell(_folder: &RunFolder) -> io::Result<()> {
    Ok(())
}

/// A run that is over hears nothing.
pub(super) fn ring(folder: &RunFolder) {
    let _ = Event::open(&named(folder, "inbox")).and_then(|bell| bell.ring());
}

/// The shell that is given a command, and how it is given.
pub(super) fn shell(command: &str) -> (PathBuf, Vec<OsString>) {
    let args = ["/d", "/s", "/c", command];
    (command_shell(), args.map(OsString::from).into())
}

/// Not as `ComSpec` has it: what stands there need not be `cmd.exe`, whose rules a command line keeps to.
fn command_shell() -> PathBuf {
    let system = std::env::var_os("SystemRoot").unwrap_or_else(|| r"C:\Windows".into());
    Path::new(&system).join(r"System32\cmd.exe")
}

/// What is started for a program, and its command line.
fn line(program: &Path, args: &[OsString]) -> io::Result<(PathBuf, Wide)> {
    let shell = command_shell();
    let is_batch = program
        .extension()
        .is_some_and(|ending| ["bat", "cmd"].iter().any(|batch| ending.eq_ignore_ascii_case(batch)));
    let wide_args: Vec<Wide> = args.iter().map(wide).collect();
    if program == shell
        && let [.., command] = &wide_args[..]
    {
        return Ok((shell, command_line::command(&wide(program), command)?));
    }
    if is_batch {
        let line = command_line::batch(&wide(&shell), &wide(program), &wide_args)?;
        return Ok((shell, line));
    }
    Ok((program.to_owned(), command_line::ordinary(&wide(program), &wide_args)?))
}

/// Why the system did not start a program, and what to do about that.
pub(super) fn why_not(program: &Path, error: &io::Error) -> RunEnd {
    let (there, program) = (program.exists(), program.display());
    let step = match error.raw_os_error().map(i32::cast_unsigned) {
        Some(ERROR_FILE_NOT_FOUND | ERROR_PATH_NOT_FOUND) if !there => {
            return RunEnd::NotFound { program: program.to_string() };
        }
        Some(ERROR_ACCESS_DENIED) => "Check its permissions and those of the folder it should work in.",
        Some(ERROR_BAD_EXE_FORMAT) => "It is no program for this machine.",
        Some(ERROR_FILENAME_EXCED_RANGE) => {
            "Its command line is too long; give it less text, or by its input or a file."
        }
        Some(ERROR_ELEVATION_REQUIRED) => "It wants to be run by an administrator, which agents are not.",
        Some(ERROR_NOT_ENOUGH_MEMORY | ERROR_COMMITMENT_LIMIT) => {
            "The machine has no room for another process; end some."
        }
        None if error.kind() == io::ErrorKind::InvalidInput => {
            "Write it without that, or, where it is an agent's batch file, give the agent's .exe in the configuration."
        }
        _ => "Try it in a terminal.",
    };
    RunEnd::CouldNotStart { why: format!("{program} did not start: {error}. {step}") }
}
