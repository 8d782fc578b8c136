//! One folder per tool and version. It comes into being by a rename, so an interrupted install is never
//! taken for a good one, and under a lock, so two builds do not install the same tool at once.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::{place, say};

/// Gives `<tools>/<name>-<version>/<file>`, and first lets `fill` make that folder if the file is not there.
/// `fill` gets an empty folder; what it leaves there takes the final place.
///
/// # Errors
/// The folder cannot be written, `fill` fails, or it leaves no such file.
pub fn ready(
    name: &str,
    version: &str,
    file: &str,
    fill: impl FnOnce(&Path) -> Result<()>,
) -> Result<PathBuf> {
    ready_in(&place::tools()?, name, version, file, fill)
}

fn ready_in(
    tools: &Path,
    name: &str,
    version: &str,
    file: &str,
    fill: impl FnOnce(&Path) -> Result<()>,
) -> Result<PathBuf> {
    let folder = tools.join(format!("{name}-{version}"));
    let wanted = folder.join(file);
    if wanted.exists() {
        return Ok(wanted);
    }
    let cannot = || {
        format!(
            "cannot write the folder of tools, {}. Next: set ORCHESTRATOR_TOOLS to one that can",
            tools.display()
        )
    };
    std::fs::create_dir_all(tools).with_context(cannot)?;
    let _lock = lock(&tools.join(format!(".{name}.lock")), name).with_context(cannot)?;
    if wanted.exists() {
        return Ok(wanted);
    }
    let partial = tools.join(format!(".{name}-{version}.partial"));
    remove(&partial)?;
    std::fs::create_dir_all(&partial).with_context(cannot)?;
    fill(&partial)?;
    ensure!(partial.join(file).exists(), "the install of {name} {version} ended well but left no {file}");
    remove(&folder)?;
    std::fs::rename(&partial, &folder).with_context(cannot)?;
    Ok(wanted)
}

/// Waits for, and holds, the lock; it ends with the value or with this process.
fn lock(path: &Path, name: &str) -> Result<File> {
    let file = File::options().create(true).append(true).open(path)?;
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(TryLockError::WouldBlock) => {
            say::line(&format!("      another process installs {name}; waiting for it"))
        }
        Err(TryLockError::Error(error)) => return Err(error.into()),
    }
    file.lock()?;
    Ok(file)
}

fn remove(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    fn write(folder: &Path) -> Result<()> {
        std::fs::write(folder.join("tool"), "good").map_err(Into::into)
    }

    #[test]
    fn an_install_that_failed_is_done_again() {
        let tools = tempfile::tempdir().unwrap();
        let failed = ready_in(tools.path(), "t", "1", "tool", |folder| {
            write(folder)?;
            anyhow::bail!("cut off")
        });
        assert!(failed.is_err());
        assert!(!tools.path().join("t-1").exists());
        let file = ready_in(tools.path(), "t", "1", "tool", write).unwrap();
        assert_eq!(std::fs::read_to_string(file).unwrap(), "good");
    }

    #[test]
    fn an_install_that_leaves_nothing_is_an_error() {
        let tools = tempfile::tempdir().unwrap();
        assert!(ready_in(tools.path(), "t", "1", "tool", |_| Ok(())).is_err());
        assert!(!tools.path().join("t-1").exists());
    }

    #[test]
    fn many_at_once_install_once() {
        let tools = tempfile::tempdir().unwrap();
        let installs = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    ready_in(tools.path(), "t", "1", "tool", |folder| {
                        installs.fetch_add(1, Ordering::SeqCst);
                        write(folder)
                    })
                    .unwrap()
                });
            }
        });
        assert_eq!(installs.load(Ordering::SeqCst), 1);
    }
}
