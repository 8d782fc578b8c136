//! A run's folder: what its shim and the bridge tell each other, one file for each word, written whole or
//! not at all. It outlives both, so that the next bridge finds how things stand.

use std::fs::{DirBuilder, File, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use shared::run::{RunEnd, Stdin};

use super::inbox::Told;
use super::tree::{Process, is_there};

/// Made by the bridge that carries the order out, and locked by the shim for as long as it lives.
const CLAIM: &str = "claim";
/// The shim is about to start the program; from here on the order is never carried out again.
const BEGUN: &str = "begun";
/// The shim itself.
const SHIM: &str = "shim";
/// The program's process.
const LEADER: &str = "pid";
/// The program could not be started: the system's error number.
const FAILED: &str = "failed";
/// How the program ended.
const EXIT: &str = "exit";
/// Nothing that the program started is left. The shim's last word.
const CLEAR: &str = "clear";
/// What the program writes and reads.
pub(super) const OUT: &str = "out";
pub(super) const ERR: &str = "err";
const TEXT: &str = "stdin";
/// What a program that listens is told, an order a record, and the pipe through which its shim hears of more.
const INBOX: &str = "inbox";
const BELL: &str = "bell";

#[derive(Debug, Clone)]
pub(crate) struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn files(&self) -> PathBuf {
        self.path.join("files")
    }

    /// Makes the folder and the claim in it, for the bridge's own user alone.
    ///
    /// # Errors
    /// `AlreadyExists` when the run was claimed before.
    pub(super) fn claim(&self) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(self.files())?;
        write_new(&self.path.join(CLAIM), b"")
    }

    /// Whether a bridge has begun with this run.
    pub(super) fn is_claimed(&self) -> bool {
        self.path.join(CLAIM).exists()
    }

    /// Makes what the program will write to and read from.
    pub(super) fn lay_out(&self, stdin: &Stdin) -> io::Result<()> {
        write_new(&self.path.join(OUT), b"")?;
        write_new(&self.path.join(ERR), b"")?;
        match stdin {
            Stdin::Null => Ok(()),
            Stdin::Text { text } => write_new(&self.path.join(TEXT), text.as_bytes()),
            Stdin::Pipe | Stdin::Pty { .. } => {
                write_new(&self.inbox(), b"")?;
                Ok(mknodat(CWD, self.bell(), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?)
            }
        }
    }

    /// Locks the claim; nothing when a shim that lives has it. Whoever has the lock decides what becomes of
    /// the run, so a shim that comes late finds it taken, or finds that its folder is another one by now.
    pub(crate) fn lock_claim(&self) -> io::Result<Option<File>> {
        let path = self.path.join(CLAIM);
        let claim = File::options().read(true).write(true).open(&path)?;
        match claim.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let same = path.metadata().is_ok_and(|now| claim.metadata().is_ok_and(|own| own.ino() == now.ino()));
        Ok(same.then_some(claim))
    }

    /// Says that the shim is there and begins.
    pub(crate) fn begin(&self, shim: Process) -> io::Result<()> {
        self.note(SHIM, &described(shim))?;
        self.note(BEGUN, "")
    }

    pub(super) fn has_begun(&self) -> bool {
        self.path.join(BEGUN).exists()
    }

    pub(super) fn shim(&self) -> Option<Process> {
        self.process(SHIM)
    }

    pub(crate) fn started(&self, leader: Process) -> io::Result<()> {
        self.note(LEADER, &described(leader))
    }

    /// The program's process, be it alive or not.
    pub(super) fn leader(&self) -> Option<Process> {
        self.process(LEADER)
    }

    pub(crate) fn failed(&self, error: &io::Error) -> io::Result<()> {
        self.note(FAILED, &error.raw_os_error().unwrap_or(0).to_string())
    }

    pub(super) fn failure(&self) -> Option<io::Error> {
        let number = std::fs::read_to_string(self.path.join(FAILED)).ok()?;
        Some(io::Error::from_raw_os_error(number.trim().parse().unwrap_or(0)))
    }

    /// Records how the program ended. Not synced, as its output is not: a power cut ends both, and what it
    /// leaves half written is read as no word at all.
    pub(crate) fn ended(&self, end: &RunEnd) -> io::Result<()> {
        self.note(EXIT, &serde_json::to_string(end)?)
    }

    pub(super) fn end(&self) -> Option<RunEnd> {
        serde_json::from_str(&std::fs::read_to_string(self.path.join(EXIT)).ok()?).ok()
    }

    pub(crate) fn cleared(&self) -> io::Result<()> {
        self.note(CLEAR, "")
    }

    /// Whether the shim saw that nothing of the run is left.
    pub(super) fn is_clear(&self) -> bool {
        self.path.join(CLEAR).exists()
    }

    /// The two files that the program's output goes to, which grow.
    pub(crate) fn output(&self) -> io::Result<(File, File)> {
        let grow = |name| File::options().append(true).open(self.path.join(name));
        Ok((grow(OUT)?, grow(ERR)?))
    }

    /// The text that is the program's input, if it has one.
    pub(crate) fn text(&self) -> io::Result<Option<File>> {
        let text = self.path.join(TEXT);
        if text.exists() { File::open(text).map(Some) } else { Ok(None) }
    }

    /// What the program is told while it lives, with the pipe that rings when there is more; nothing for a
    /// program that does not listen.
    pub(crate) fn told(&self) -> io::Result<Option<(Told, File)>> {
        if !self.inbox().exists() {
            return Ok(None);
        }
        let told = Told::new(File::open(self.inbox())?);
        // For writing too: it then never ends, whichever bridge comes and goes.
        Ok(Some((told, File::options().read(true).write(true).open(self.bell())?)))
    }

    pub(super) fn inbox(&self) -> PathBuf {
        self.path.join(INBOX)
    }

    pub(super) fn bell(&self) -> PathBuf {
        self.path.join(BELL)
    }

    /// Whether a process has one of the run's files open, so that it may still write there.
    pub(super) fn is_held_by(&self, process: Process) -> bool {
        let Ok(open) = std::fs::read_dir(format!("/proc/{}/fd", process.pid)) else { return false };
        let mut files = open.flatten().filter_map(|entry| std::fs::read_link(entry.path()).ok());
        files.any(|file| file == self.path.join(OUT) || file == self.path.join(ERR)) && is_there(process)
    }

    fn note(&self, name: &str, text: &str) -> io::Result<()> {
        let new = self.path.join(format!(".{name}"));
        let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(text.as_bytes())?;
        std::fs::rename(new, self.path.join(name))
    }

    /// Nothing for a note of before the machine was started, whose numbers mean nothing now.
    fn process(&self, name: &str) -> Option<Process> {
        let note = std::fs::read_to_string(self.path.join(name)).ok()?;
        let mut words = note.split_whitespace();
        let (pid, started) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        (words.next()? == boot()).then_some(Process { pid, started })
    }
}

fn described(Process { pid, started }: Process) -> String {
    format!("{pid} {started} {}\n", boot())
}

/// Names the time since the machine was started; pids and start times mean nothing across it.
fn boot() -> String {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim().to_owned()
}

/// Makes a file that was not there, for the bridge's own user alone.
pub(super) fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    File::options().write(true).create_new(true).mode(0o600).open(path)?.write_all(bytes)
}
