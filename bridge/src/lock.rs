//! One bridge per data folder: an advisory lock on a file that names its holder. The system releases it
//! when the process ends, however it ends.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::supervisor::running;
use crate::system;
use crate::tls::Fingerprint;

/// How long a lock may outlive its holder. A bridge that is killed while it starts a process leaves the lock
/// to that process until it has become the program, which nothing tells of.
pub(crate) const HANDED_ON: Duration = Duration::from_secs(5);
/// Between tries meanwhile.
pub(crate) const PAUSE: Duration = Duration::from_millis(5);

/// Names the holder.
const NAMED: &str = "bridge.lock";
/// What is locked: the same file, except where a lock keeps others from reading too.
const LOCKED: &str = if cfg!(windows) { "bridge.held" } else { NAMED };

/// Held while the bridge lives.
#[derive(Debug)]
pub struct Lock {
    file: File,
    /// Locked until it is closed.
    _held: File,
}

/// The bridge that uses a data folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    pub pid: i32,
    /// Where clients of this machine reach it.
    pub address: SocketAddr,
    /// Of its certificate, if it speaks TLS.
    pub fingerprint: Option<Fingerprint>,
}

/// Why the data folder is not ours.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error("{} is in use by another orchestrator (pid {pid}). Open its page, stop it, or choose another --data-dir.", .folder.display())]
    Held { folder: PathBuf, pid: String },
    #[error("cannot use {} as data folder: {}. Check that it exists and is yours to write.", .0.display(), .1)]
    Io(PathBuf, #[source] std::io::Error),
}

impl Lock {
    pub fn take(folder: &Path) -> Result<Self, LockError> {
        let failed = |error| LockError::Io(folder.to_owned(), error);
        // What agents wrote is nobody else's to read.
        system::make_private_folder(folder).map_err(failed)?;
        let open = |name| {
            let mut options = File::options();
            options.read(true).write(true).create(true).truncate(false).open(folder.join(name))
        };
        let mut file = open(NAMED).map_err(failed)?;
        let held = open(LOCKED).map_err(failed)?;
        let deadline = Instant::now() + HANDED_ON;
        loop {
            match held.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) => {
                    let mut pid = String::new();
                    let _ = file.rewind().and_then(|()| file.read_to_string(&mut pid));
                    let pid = pid.lines().next().unwrap_or_default().to_owned();
                    if pid.parse().is_ok_and(is_alive) || Instant::now() > deadline {
                        return Err(LockError::Held { folder: folder.to_owned(), pid });
                    }
                    std::thread::sleep(PAUSE);
                }
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
        file.set_len(0).and_then(|()| file.rewind()).map_err(failed)?;
        writeln!(file, "{}", std::process::id()).and_then(|()| file.flush()).map_err(failed)?;
        Ok(Self { file, _held: held })
    }

    /// Says where clients of this machine reach the bridge, once it answers there, and by what certificate.
    pub fn tell(&mut self, address: SocketAddr, certificate: Option<Fingerprint>) -> std::io::Result<()> {
        let certificate = certificate.map(|fingerprint| format!("{fingerprint}\n")).unwrap_or_default();
        write!(self.file, "{address}\n{certificate}").and_then(|()| self.file.flush())
    }
}

/// Who uses a data folder and answers; nothing when nobody does.
pub fn holder(folder: &Path) -> Option<Holder> {
    let file = File::open(folder.join(LOCKED)).ok()?;
    // A shared lock is refused by the holder's, and keeps nobody from starting for longer than this look.
    if !matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)) {
        return None;
    }
    named(folder).filter(|holder| is_alive(holder.pid))
}

/// Where the bridge listened that used a data folder last, if its process is gone.
pub(crate) fn left_behind(folder: &Path) -> Option<SocketAddr> {
    let last = named(folder)?;
    (!is_alive(last.pid)).then_some(last.address)
}

/// Whom the lock's file names, there or not.
fn named(folder: &Path) -> Option<Holder> {
    let text = std::fs::read_to_string(folder.join(NAMED)).ok()?;
    let mut lines = text.lines();
    let (pid, address) = (lines.next()?.parse().ok()?, lines.next()?.parse().ok()?);
    // One that cannot be read is not the same as none.
    let fingerprint =
        lines.next().map(|line| line.parse().ok()).map_or(Some(None), |known| known.map(Some))?;
    Some(Holder { pid, address, fingerprint })
}

/// Whether the process that a lock names is there and not about to be gone.
fn is_alive(pid: i32) -> bool {
    running(pid).is_some()
}
