//! Copies of the database beside it, made while it is in use. The newest few are kept; the way back from a
//! damaged file leads over them.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags};
use shared::unit::Seq;

use super::{Store, StoreError, read, schema};
use crate::{memory, system};

/// Copies that are kept.
const KEPT: usize = 5;
/// Pages (of 4 KiB) copied at once, and the pause after them: the writer never waits for longer than that.
const PAGES: i32 = 512;
const PAUSE: Duration = Duration::from_millis(2);
/// What a connection to a copy keeps in memory, in KiB: each page is met once.
const CACHE: i32 = 256;

/// A copy: the file, and the last entry in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    pub file: PathBuf,
    pub seq: Seq,
}

/// Why a copy was not made or not put back.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("{}: {}", .0.display(), .1)]
    Io(PathBuf, #[source] std::io::Error),
    #[error("{}: {}", .0.display(), .1)]
    Sqlite(PathBuf, #[source] rusqlite::Error),
    #[error("{} is damaged too ({detail})", .file.display())]
    Damaged { file: PathBuf, detail: String },
    #[error("there is no backup in {}. Backups are made every 30 minutes while the bridge runs.", .0.display())]
    None(PathBuf),
}

/// Where the copies of a data folder are.
fn folder(data_dir: &Path) -> PathBuf {
    data_dir.join("backups")
}

/// The copies of a data folder, oldest first.
pub fn copies(data_dir: &Path) -> Vec<Copied> {
    let files = std::fs::read_dir(folder(data_dir)).into_iter().flatten().flatten();
    let mut found: Vec<Copied> = files
        .filter_map(|file| {
            let seq = file.file_name().to_str()?.strip_prefix("log-")?.strip_suffix(".db")?.parse().ok()?;
            Some(Copied { file: file.path(), seq: Seq(seq) })
        })
        .collect();
    found.sort_by_key(|copied| copied.seq);
    found
}

impl Store {
    /// Copies the database into `data_dir`'s folder of backups, whole and sound, while it is written to, and
    /// drops the oldest beyond [`KEPT`]. Nothing when no entry came since the newest copy.
    ///
    /// # Errors
    /// The copy cannot be written; a part of one is taken away.
    pub async fn back_up(&self, data_dir: &Path) -> Result<Option<Copied>, StoreError> {
        let data_dir = data_dir.to_owned();
        let copied = self.read(move |connection| {
            let copied = copy(connection, &data_dir);
            memory::give_back();
            Ok(copied)
        });
        copied.await?.map_err(|error| StoreError::Write(format!("the backup {error}")))
    }
}

fn copy(source: &Connection, data_dir: &Path) -> Result<Option<Copied>, BackupError> {
    let folder = folder(data_dir);
    let failed = |error| BackupError::Sqlite(folder.clone(), error);
    let (before, former): (Vec<Copied>, Vec<Copied>) = {
        let (head, _) = read::head(source).map_err(failed)?;
        copies(data_dir).into_iter().partition(|copied| copied.seq <= head)
    };
    // Of another history than this log's: kept, and no longer in the way of newer ones.
    for copied in former {
        let aside = folder.join(format!("former-{}.db", copied.seq));
        std::fs::rename(&copied.file, &aside).map_err(|error| BackupError::Io(aside, error))?;
    }
    let (head, _) = read::head(source).map_err(failed)?;
    if head == Seq(0) || before.iter().any(|copied| copied.seq == head) {
        return Ok(None);
    }
    system::make_private_folder(&folder).map_err(|error| BackupError::Io(folder.clone(), error))?;
    let part = folder.join("part");
    let done = write(source, &part).and_then(|seq| {
        // Before an older one goes for it: what is damaged in the database is damaged in its copy.
        check(&part)?;
        let file = folder.join(format!("log-{}.db", seq.0));
        std::fs::rename(&part, &file).map_err(|error| BackupError::Io(file.clone(), error))?;
        Ok(Copied { file, seq })
    });
    match done {
        Ok(copied) => {
            let over = (before.len() + 1).saturating_sub(KEPT);
            for old in before.iter().take(over) {
                if let Err(error) = std::fs::remove_file(&old.file) {
                    tracing::warn!(%error, file = %old.file.display(), "an old backup stays");
                }
            }
            Ok(Some(copied))
        }
        Err(error) => {
            let _ = std::fs::remove_file(&part);
            Err(error)
        }
    }
}

/// Writes the copy and gives its last entry: the writer may have gone on meanwhile.
fn write(source: &Connection, part: &Path) -> Result<Seq, BackupError> {
    let failed = |error| BackupError::Sqlite(part.to_owned(), error);
    let io = |error| BackupError::Io(part.to_owned(), error);
    match std::fs::remove_file(part) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(io(error)),
        Ok(()) | Err(_) => {}
    }
    let mut target = Connection::open(part).map_err(failed)?;
    target.pragma_update(None, "cache_size", -CACHE).map_err(failed)?;
    system::make_private(part).map_err(io)?;
    {
        // One transaction holds the source still: a copy that began anew at each write might never end.
        let _still = source.unchecked_transaction().map_err(failed)?;
        read::head(source).map_err(failed)?;
        let backup = Backup::new(source, &mut target).map_err(failed)?;
        backup.run_to_completion(PAGES, PAUSE, None).map_err(failed)?;
    }
    // A copy is read by whoever opens it, without the side files that this mode has.
    target.pragma_update(None, "journal_mode", "DELETE").map_err(failed)?;
    let (seq, _) = read::head(&target).map_err(failed)?;
    drop(target);
    sync(part).map_err(io)?;
    Ok(seq)
}

/// Has the disk keep what a file holds.
fn sync(file: &Path) -> std::io::Result<()> {
    // Windows syncs nothing that cannot be written.
    File::options().write(true).open(file)?.sync_all()
}

/// Puts the newest sound copy in the place of a data folder's database, which is kept beside it, as a history of its
/// own from there on. Gives the copy
/// and where the former file is now. No bridge may use the folder meanwhile.
///
/// # Errors
/// There is no sound copy, or a file cannot be moved; the database is then as it was.
pub fn restore(data_dir: &Path) -> Result<(Copied, PathBuf), BackupError> {
    let all = copies(data_dir);
    if all.is_empty() {
        return Err(BackupError::None(folder(data_dir)));
    }
    let mut last = None;
    for copied in all.into_iter().rev() {
        match check(&copied.file) {
            Ok(()) => return put_back(data_dir, copied),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| BackupError::None(folder(data_dir))))
}

/// Runs that have no end in a data folder's log. An older schema is read as far as it has such a table.
///
/// # Errors
/// The log cannot be read.
pub fn without_end(data_dir: &Path) -> Result<Vec<String>, BackupError> {
    let file = data_dir.join("log.db");
    let asked = Connection::open_with_flags(&file, OpenFlags::SQLITE_OPEN_READ_ONLY).and_then(|connection| {
        let mut query = connection.prepare("SELECT id FROM run WHERE ended IS NULL")?;
        let runs = query.query_map([], |row| row.get(0))?;
        runs.collect()
    });
    asked.map_err(|error| BackupError::Sqlite(file, error))
}

fn check(file: &Path) -> Result<(), BackupError> {
    let failed =
        |error: rusqlite::Error| BackupError::Damaged { file: file.to_owned(), detail: error.to_string() };
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(failed)?;
    connection.pragma_update(None, "cache_size", -CACHE).map_err(failed)?;
    let sound: String =
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(failed)?;
    if sound == "ok" { Ok(()) } else { Err(BackupError::Damaged { file: file.to_owned(), detail: sound }) }
}

fn put_back(data_dir: &Path, copied: Copied) -> Result<(Copied, PathBuf), BackupError> {
    let file = data_dir.join("log.db");
    let io = |path: &Path| {
        let path = path.to_owned();
        move |error| BackupError::Io(path, error)
    };
    let fresh = data_dir.join("log.db.new");
    std::fs::copy(&copied.file, &fresh).map_err(io(&fresh))?;
    schema::renew(&fresh).map_err(|error| BackupError::Sqlite(fresh.clone(), error))?;
    sync(&fresh).map_err(io(&fresh))?;
    let mut aside = data_dir.join("log.db.damaged");
    let mut number = 1;
    while aside.exists() {
        number += 1;
        aside = data_dir.join(format!("log.db.damaged-{number}"));
    }
    // The newest entries may stand in the write-ahead log alone, so it is kept with its database; the other side
    // file is only an index of it.
    let with = |path: &Path, suffix: &str| PathBuf::from(format!("{}{suffix}", path.display()));
    let absent = |result: std::io::Result<()>, path: &Path| match result {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(io(path)(error)),
        Ok(()) | Err(_) => Ok(()),
    };
    // A second name first: at no moment is there no database, which a start would take for a new one.
    absent(std::fs::hard_link(&file, &aside), &aside)?;
    let wal = with(&file, "-wal");
    absent(std::fs::rename(&wal, with(&aside, "-wal")), &wal)?;
    let index = with(&file, "-shm");
    absent(std::fs::remove_file(&index), &index)?;
    crate::search::forget(data_dir).map_err(io(data_dir))?;
    std::fs::rename(&fresh, &file).map_err(io(&file))?;
    system::sync_folder(data_dir).map_err(io(data_dir))?;
    Ok((copied, aside))
}
