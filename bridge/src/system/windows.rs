//! The system's part on Windows.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::{FileExt, OpenOptionsExt};
use std::os::windows::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use tokio::signal::windows::{
    CtrlBreak, CtrlC, CtrlClose, CtrlShutdown, ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown,
};
use tokio::sync::mpsc;
use windows_sys::Win32::Storage::FileSystem::{
    FILE_ADD_FILE, FILE_FLAG_BACKUP_SEMANTICS, FILE_LIST_DIRECTORY,
};
use windows_sys::Win32::System::Threading::{
    CREATE_NEW_PROCESS_GROUP, CREATE_NO_WINDOW, THREAD_PRIORITY_BELOW_NORMAL, THREAD_PRIORITY_IDLE,
};

use super::{Behind, Wish};
use crate::supervisor::Process;
use crate::win32::{self, Event, Job, programs as win32_programs, rights};

/// What a path from the root is like, for who wrote another.
pub(crate) const ABSOLUTE: &str = r"with a drive, such as C:\, without variables";
/// Variables that every program needs here, beside those of `config.rs`.
pub(crate) const ENVIRONMENT: [&str; 21] = [
    "SystemRoot",
    "SystemDrive",
    "windir",
    "ComSpec",
    "PATHEXT",
    "TEMP",
    "TMP",
    "USERNAME",
    "USERDOMAIN",
    "USERPROFILE",
    "HOMEDRIVE",
    "HOMEPATH",
    "APPDATA",
    "LOCALAPPDATA",
    "ALLUSERSPROFILE",
    "ProgramData",
    "ProgramFiles*",
    "ProgramW6432",
    "CommonProgram*",
    "NUMBER_OF_PROCESSORS",
    "PROCESSOR_*",
];

/// Whether two variables are the same one.
pub(crate) fn same_variable(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// Makes a folder and those above it, for this user alone; what comes to stand in it has that from it.
pub(crate) fn make_private_folder(path: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = path.ancestors().take_while(|folder| !folder.exists()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let private = rights::private(&win32::user()?);
    // What is below has no name yet where a path was given that is not absolute.
    let named = missing.into_iter().rev().filter(|folder| !folder.as_os_str().is_empty());
    named.into_iter().try_for_each(|folder| win32::make_folder(folder, &private))
}

/// Files are this user's alone where their folder is.
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// As [`private`].
#[expect(clippy::unnecessary_wraps, reason = "on Unix the system may refuse it")]
pub(crate) fn make_private(_file: &Path) -> io::Result<()> {
    Ok(())
}

/// Reads what stands in a file from `at` on, as much as fits.
pub(crate) fn read_at(file: &File, into: &mut [u8], at: u64) -> io::Result<usize> {
    file.seek_read(into, at)
}

/// Writes all of it into a file from `at` on.
pub(crate) fn write_all_at(file: &File, mut bytes: &[u8], mut at: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let count = file.seek_write(bytes, at)?;
        if count == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        bytes = &bytes[count..];
        at += count as u64;
    }
    Ok(())
}

/// Whether a path leads to this file and not to one that came in its place. What is asked of that is a shim that
/// comes late, of which there are none here.
pub(crate) fn leads_to(_path: &Path, _file: &File) -> bool {
    true
}

/// The file system's own log keeps which files a folder has.
#[expect(clippy::unnecessary_wraps, reason = "on Unix the system may refuse it")]
pub(crate) fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Errs when this user may not work in a folder.
pub(crate) fn may_enter(folder: &Path) -> io::Result<()> {
    open_folder(folder, FILE_LIST_DIRECTORY)
}

pub(crate) fn may_write(folder: &Path) -> bool {
    open_folder(folder, FILE_ADD_FILE).is_ok()
}

fn open_folder(folder: &Path, to: u32) -> io::Result<()> {
    File::options().access_mode(to).custom_flags(FILE_FLAG_BACKUP_SEMANTICS).open(folder).map(drop)
}

/// What is a program by its name may be started, or the system says why not.
pub(crate) fn may_execute(_file: &Path) -> bool {
    true
}

/// The files that a program of this name may be.
pub(crate) fn programs(named: PathBuf) -> Vec<PathBuf> {
    win32_programs::candidates(named)
}

/// Bytes that are free to this user; nothing when the system does not say.
pub(crate) fn free(folder: &Path) -> Option<u64> {
    win32::free(folder).ok()
}

/// Bytes that a new program could have; nothing when the system does not say.
pub(crate) fn free_memory() -> Option<u64> {
    win32::free_memory().ok()
}

/// Lets the calling thread go behind others. Where it is refused, the work is only done sooner.
pub(crate) fn give_way(behind: Behind) {
    let priority = match behind {
        Behind::Wakers => return,
        Behind::Answers => THREAD_PRIORITY_BELOW_NORMAL,
        Behind::All => THREAD_PRIORITY_IDLE,
    };
    if let Err(error) = win32::prioritise(priority) {
        tracing::debug!(%error, "a thread keeps everything else's priority");
    }
}

/// Lets a command start apart from this terminal, so that it goes on when this process is interrupted: with a
/// console of its own that nobody sees.
pub(crate) fn detach(command: &mut Command) {
    // Who waits for the end of what this process prints would wait for that one too.
    win32::keep_streams();
    command.creation_flags(CREATE_NO_WINDOW | CREATE_NEW_PROCESS_GROUP);
}

/// What shows the URL that it is given as its argument.
#[expect(clippy::unnecessary_wraps, reason = "on Unix there may be no screen")]
pub(crate) fn browser() -> Option<Command> {
    let mut command = Command::new("rundll32.exe");
    command.arg("url.dll,FileProtocolHandler");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Some(command)
}

/// Asks a bridge to end.
///
/// # Errors
/// It is gone, or of another login.
pub(crate) fn ask(bridge: Process, wish: Wish) -> io::Result<()> {
    Event::open(&called(bridge.pid, wish))?.ring()
}

/// By what name a bridge is asked.
fn called(pid: impl std::fmt::Display, wish: Wish) -> String {
    let wish = match wish {
        Wish::End => "end",
        Wish::HandOver => "hand-over",
    };
    format!("Local\\orchestrator-{wish}-{pid}")
}

/// The wishes of the system, of the person and of another bridge that this process ends.
pub(crate) struct Wishes {
    interrupt: CtrlC,
    terminate: CtrlBreak,
    close: CtrlClose,
    shutdown: CtrlShutdown,
    /// Room for each kind; one that was asked twice has been heard.
    asked: mpsc::Receiver<Wish>,
}

impl Wishes {
    /// From here on these are wishes and do not end the process, also before the bridge has started.
    pub(crate) fn listen() -> io::Result<Self> {
        let (tells, asked) = mpsc::channel(2);
        for wish in [Wish::End, Wish::HandOver] {
            let event = Event::make(&called(std::process::id(), wish))?;
            let tells = tells.clone();
            thread::Builder::new()
                .spawn(move || while event.wait().is_ok() && tells.blocking_send(wish).is_ok() {})?;
        }
        Ok(Self {
            interrupt: ctrl_c()?,
            terminate: ctrl_break()?,
            close: ctrl_close()?,
            shutdown: ctrl_shutdown()?,
            asked,
        })
    }

    pub(crate) async fn next(&mut self) -> Wish {
        tokio::select! {
            _ = self.interrupt.recv() => Wish::End,
            _ = self.terminate.recv() => Wish::End,
            _ = self.close.recv() => Wish::End,
            _ = self.shutdown.recv() => Wish::End,
            Some(wish) = self.asked.recv() => wish,
        }
    }
}

/// The moments in which the person's terminal gets another size; nothing tells of them here.
pub(crate) struct Resizes;

impl Resizes {
    #[expect(clippy::unnecessary_wraps, reason = "elsewhere it may fail")]
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    pub(crate) async fn next(&mut self) {
        std::future::pending().await
    }
}

/// A program with what it starts, which can be ended together.
pub(crate) struct Group(Option<Job>);

impl Group {
    /// Lets a command lead a group.
    pub(crate) fn lead(command: &mut tokio::process::Command) {
        command.creation_flags(CREATE_NO_WINDOW);
    }

    pub(crate) fn of(leader: &tokio::process::Child) -> Self {
        let group = leader.id().and_then(|pid| {
            let job = Job::make(None).ok()?;
            job.take_in(pid).is_ok().then_some(job)
        });
        Self(group)
    }

    /// Ends all of it.
    pub(crate) fn kill(&self) {
        if let Some(job) = &self.0 {
            let _ = job.end(1);
        }
    }
}
