//! A terminal of a run's own. Its inner end is the program's; what the program writes there is spooled from the
//! outer end to the run's output file, where it waits for a bridge as any other output does.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::sleep;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{Mode, OFlags, fcntl_setfl, open};
use rustix::io::Errno;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use shared::run::Window;

use super::answers::Picture;

/// What a terminal holds at most (tty(4): 4 KiB); a program that writes more waits.
const CHUNK: usize = 4 * 1024;
/// Between tries to write what the disk has no room for. The program waits meanwhile.
pub(super) const AGAIN: Duration = Duration::from_millis(500);

/// Copies share it.
#[derive(Clone)]
pub(super) struct Terminal {
    outer: Arc<OwnedFd>,
    /// Locked from reading to writing: the order of the bytes stays, whoever empties it.
    out: Arc<Mutex<Spool>>,
}

struct Spool {
    file: File,
    picture: Picture,
}

impl Terminal {
    /// Makes a terminal whose output goes to `out`, and its inner end. That is to be kept while the program
    /// lives: with no end open, the outer one seems closed for good.
    pub(super) fn open(window: Window, out: File) -> io::Result<(Self, OwnedFd)> {
        let outer = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&outer)?;
        unlockpt(&outer)?;
        let name = ptsname(&outer, Vec::new())?;
        let inner = open(&*name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
        fcntl_setfl(&outer, OFlags::RDWR | OFlags::NONBLOCK)?;
        let spool = Spool { file: out, picture: Picture::new(window) };
        let terminal = Self { outer: Arc::new(outer), out: Arc::new(Mutex::new(spool)) };
        terminal.resize(window)?;
        Ok((terminal, inner))
    }

    pub(super) fn resize(&self, window: Window) -> io::Result<()> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner).picture.resize(window);
        let Window { rows, cols } = window;
        let size = Winsize { ws_row: rows, ws_col: cols, ws_xpixel: 0, ws_ypixel: 0 };
        Ok(tcsetwinsize(&self.outer, size)?)
    }

    /// For writing to the program.
    pub(super) fn input(&self) -> io::Result<OwnedFd> {
        self.outer.try_clone()
    }

    /// Spools until the last inner end is closed.
    pub(super) fn spool(&self) -> io::Result<()> {
        loop {
            match poll(&mut [PollFd::new(&*self.outer, PollFlags::IN)], None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            if self.empty() == InnerEnd::Closed {
                return Ok(());
            }
        }
    }

    /// Spools what has been written until now. A program's last words are there when it has ended.
    pub(super) fn empty(&self) -> InnerEnd {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let mut chunk = [0; CHUNK];
        loop {
            match rustix::io::read(&*self.outer, &mut chunk) {
                Ok(0) => return InnerEnd::Closed,
                Ok(count) => {
                    write_all(&mut out.file, &chunk[..count]);
                    let answers = out.picture.hear(&chunk[..count]);
                    if !answers.is_empty() {
                        // A program that does not read what it asked for gets no answer: waiting here would stop both.
                        let _ = rustix::io::write(&*self.outer, &answers);
                    }
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return InnerEnd::Open,
                // On Linux: no inner end is open.
                Err(_) => return InnerEnd::Closed,
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InnerEnd {
    Open,
    Closed,
}

/// Does not give up: what was taken from a terminal or a pipe stands nowhere else.
pub(super) fn write_all(out: &mut File, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match out.write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => sleep(AGAIN),
        }
    }
}

/// Gives a command that starts in a session of its own this terminal, as the session's.
pub(super) fn attach(command: &mut Command, inner: &OwnedFd) -> io::Result<()> {
    use std::os::unix::process::CommandExt;
    let end = || inner.try_clone().map(Stdio::from);
    command.stdin(end()?).stdout(end()?).stderr(end()?);
    // SAFETY: between fork and exec only ioctl(2) is called, a bare system call that touches no memory of ours.
    #[expect(unsafe_code, reason = "a session is given its terminal by its own first process")]
    unsafe {
        command.pre_exec(|| Ok(rustix::process::ioctl_tiocsctty(rustix::stdio::stdin())?));
    }
    Ok(())
}

/// Writes to a pipe, or to a terminal that may be full.
pub(super) fn write_to(to: impl AsFd, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(&to, bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                poll(&mut [PollFd::new(&to, PollFlags::OUT)], None)?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
