//! A run's folder: what its shim and the bridge tell each other, one file for each word, written whole or
//! not at all. It outlives both, so that the next bridge finds how things stand.

use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use shared::run::{Resources, RunEnd, Stdin};

use super::inbox::{self, Told};
use super::{Process, os};
use crate::system;

/// Made by the bridge that carries the order out, and locked by the shim for as long as it lives. It says which
/// [`FORMAT`] the folder has.
const CLAIM: &str = "claim";
/// The meaning of all these words. Another one begins where a bridge that only knows this one would misread them.
const FORMAT: u32 = 1;
/// The program is about to be started; from here on the order is never carried out again.
const BEGUN: &str = "begun";
/// The shim itself.
pub(super) const SHIM: &str = "shim";
/// The program's process.
const LEADER: &str = "pid";
/// The program could not be started: the system's error number.
const FAILED: &str = "failed";
/// How the program ended, and what it used.
const EXIT: &str = "exit";
/// Nothing that the program started is left. The shim's last word.
const CLEAR: &str = "clear";
/// What the program writes and reads.
pub(super) const OUT: &str = "out";
pub(super) const ERR: &str = "err";
const TEXT: &str = "stdin";
/// What a program that listens is told, an order a record.
const INBOX: &str = "inbox";

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
        system::make_private_folder(&self.files())?;
        write_new(&self.path.join(CLAIM), format!("{FORMAT}\n").as_bytes())
    }

    /// The folder's format where only a newer version of this program knows it. A claim that says nothing is of before
    /// it said so, or of before a power cut; neither is newer.
    fn newer_format(&self) -> Option<u32> {
        let claim = std::fs::read_to_string(self.path.join(CLAIM)).ok()?;
        claim.trim().parse().ok().filter(|format| *format > FORMAT)
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
            Stdin::Pipe | Stdin::Pty { .. } => self.make_inbox(""),
            Stdin::Open { text } => self.make_inbox(&inbox::beginning(text)),
            Stdin::Dialog { text, turn } => self.make_inbox(&inbox::dialog(text, turn)),
        }
    }

    fn make_inbox(&self, beginning: &str) -> io::Result<()> {
        write_new(&self.inbox(), beginning.as_bytes())?;
        os::make_bell(self)
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
        Ok(system::leads_to(&path, &claim).then_some(claim))
    }

    /// Says that the program is about to be started.
    pub(crate) fn begin(&self) -> io::Result<()> {
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

    /// Whether the shim said which process the program is, be it of before the machine was started.
    pub(super) fn names_leader(&self) -> bool {
        self.path.join(LEADER).exists()
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

    /// Records how the program ended and what it used, in one word. Not synced, as its output is not: a power cut ends
    /// both, and what it leaves half written is read as no word at all.
    pub(crate) fn ended(&self, end: &RunEnd, used: Option<Resources>) -> io::Result<()> {
        let mut word = serde_json::to_value(end)?;
        if let Some(fields) = word.as_object_mut() {
            fields.insert("used".to_owned(), serde_json::to_value(used)?);
        }
        self.note(EXIT, &word.to_string())
    }

    pub(super) fn end(&self) -> Option<RunEnd> {
        serde_json::from_str(&self.exit()?).ok()
    }

    /// Whether how it ended, or why it did not start, stands here to be read as if its shim still lived: since the machine
    /// was started, for its processes mean nothing otherwise.
    pub(super) fn is_over(&self) -> bool {
        self.failure().is_some() || (self.end().is_some() && self.leader().is_some())
    }

    /// What the program used, where its end is known and told so.
    pub(super) fn used(&self) -> Option<Resources> {
        #[derive(Deserialize)]
        struct Exit {
            used: Option<Resources>,
        }
        serde_json::from_str::<Exit>(&self.exit()?).ok()?.used
    }

    fn exit(&self) -> Option<String> {
        std::fs::read_to_string(self.path.join(EXIT)).ok()
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

    /// The first of them, to be read while it grows.
    pub(crate) fn out(&self) -> PathBuf {
        self.path.join(OUT)
    }

    /// The text that is the program's input, if it has one.
    pub(crate) fn text(&self) -> io::Result<Option<File>> {
        let text = self.path.join(TEXT);
        if text.exists() { File::open(text).map(Some) } else { Ok(None) }
    }

    /// What the program is told while it lives; nothing for a program that does not listen.
    pub(crate) fn told(&self) -> io::Result<Option<Told>> {
        if self.inbox().exists() { File::open(self.inbox()).map(Told::new).map(Some) } else { Ok(None) }
    }

    pub(super) fn inbox(&self) -> PathBuf {
        self.path.join(INBOX)
    }

    pub(super) fn note(&self, name: &str, text: &str) -> io::Result<()> {
        let new = self.path.join(format!(".{name}"));
        let mut file = system::private(File::options().write(true).create(true).truncate(true)).open(&new)?;
        file.write_all(text.as_bytes())?;
        std::fs::rename(new, self.path.join(name))
    }

    /// Nothing for a note of before the machine was started, whose numbers mean nothing now.
    fn process(&self, name: &str) -> Option<Process> {
        let note = std::fs::read_to_string(self.path.join(name)).ok()?;
        let mut words = note.split_whitespace();
        let (pid, started) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        (words.next()? == os::boot()).then_some(Process { pid, started })
    }
}

/// Whether all runs that were begun can be read.
///
/// # Errors
/// One was begun by a newer version; with what to do.
pub(super) fn readable(runs_dir: &Path) -> io::Result<()> {
    for folder in std::fs::read_dir(runs_dir)?.flatten() {
        if let Some(format) = RunFolder::new(folder.path()).newer_format() {
            return Err(io::Error::other(format!(
                "{} was begun by a newer version of orchestrator (its folder has format {format}; this one knows {FORMAT}). Start that version on this data folder, or wait there until its runs are over. Nothing was touched.",
                folder.path().display()
            )));
        }
    }
    Ok(())
}

pub(super) fn described(Process { pid, started }: Process) -> String {
    format!("{pid} {started} {}\n", os::boot())
}

/// Makes a file that was not there, for the bridge's own user alone.
pub(super) fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    system::private(File::options().write(true).create_new(true)).open(path)?.write_all(bytes)
}
