//! One bridge per data folder: an advisory lock on a file that names its holder. The system releases it
//! when the process ends, however it ends.

use std::fs::{DirBuilder, File};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// Held while the bridge lives.
#[derive(Debug)]
pub struct Lock {
    _file: File,
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
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        let path = folder.join("bridge.lock");
        let mut file =
            File::options().read(true).write(true).create(true).truncate(false).open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                let mut pid = String::new();
                let _ = file.read_to_string(&mut pid);
                return Err(LockError::Held { folder: folder.to_owned(), pid: pid.trim().to_owned() });
            }
            Err(std::fs::TryLockError::Error(error)) => return Err(failed(error)),
        }
        file.set_len(0).and_then(|()| file.rewind()).map_err(failed)?;
        writeln!(file, "{}", std::process::id()).and_then(|()| file.flush()).map_err(failed)?;
        Ok(Self { _file: file })
    }
}
