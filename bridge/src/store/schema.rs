//! Opening the file: migrations, pragmas, and the check that it is sound.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use rusqlite::{Connection, OpenFlags};
use rusqlite_migration::{M, Migrations};
use shared::unit::Millis;

use crate::system;

/// The schema that this version writes.
pub const SCHEMA: usize = 5;

/// The first schema whose log has an identity.
const IDENTITY: i64 = 5;

static MIGRATIONS: LazyLock<Migrations<'static>> = LazyLock::new(|| {
    Migrations::new(vec![
        M::up(include_str!("../../migrations/0001_log.sql")),
        M::up(include_str!("../../migrations/0002_kind.sql")),
        M::up(include_str!("../../migrations/0003_lines.sql")),
        M::up(include_str!("../../migrations/0004_block.sql")),
        M::up(include_str!("../../migrations/0005_identity.sql")),
    ])
});

/// Why the store does not open, with what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("cannot open {}: {}. Check that the folder exists and is yours to write.", .0.display(), .1)]
    Sqlite(PathBuf, #[source] rusqlite::Error),
    #[error("cannot make {}: {}. Check that the folder exists and is yours to write.", .0.display(), .1)]
    Io(PathBuf, #[source] std::io::Error),
    #[error(
        "{} is damaged ({detail}). It was left as it is. {}",
        .file.display(), way_back(file)
    )]
    Damaged { file: PathBuf, detail: String },
    #[error(
        "{} was written by a newer orchestrator (schema {found}, this one knows {SCHEMA}). Start that version, or choose another --data-dir.",
        .file.display()
    )]
    Newer { file: PathBuf, found: i64 },
    #[error("{}", super::missing::told(file, *there, left))]
    Missing { file: PathBuf, there: bool, left: super::missing::Left },
    #[error("cannot start the store's thread: {0}")]
    Thread(String),
}

/// What to do about a damaged file.
fn way_back(file: &Path) -> String {
    let newest = file.parent().map(super::copies).unwrap_or_default().pop();
    match newest {
        Some(copied) => format!(
            "Next: `orchestrator restore` puts the newest backup in its place ({}, up to entry {}) and keeps the damaged file beside it.",
            copied.file.display(),
            copied.seq
        ),
        None => "There is no backup. Move it away to begin anew, or choose another --data-dir.".to_owned(),
    }
}

/// Makes the file as its owner's alone; SQLite gives its side files the same permissions.
pub(crate) fn private(file: &Path) -> Result<(), OpenError> {
    let made = system::private(File::options().write(true).create_new(true)).open(file);
    match made {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(OpenError::Io(file.to_owned(), error)),
        Ok(_) | Err(_) => Ok(()),
    }
}

pub(super) fn open(file: &Path) -> Result<Connection, OpenError> {
    let failed = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => {
            OpenError::Damaged { file: file.to_owned(), detail: error.to_string() }
        }
        _ => OpenError::Sqlite(file.to_owned(), error),
    };
    private(file)?;
    let mut connection = Connection::open(file).map_err(failed)?;
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(failed)?;
    if found > i64::try_from(SCHEMA).unwrap_or(i64::MAX) {
        return Err(OpenError::Newer { file: file.to_owned(), found });
    }
    let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0)).map_err(failed)?;
    if pages == 0 {
        // Lets the file shrink when output was compacted or removed, and can only be chosen now. An older file uses
        // its free pages again; `export` and `import` make a new one of it.
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL").map_err(failed)?;
    }
    connection.pragma_update(None, "journal_mode", "WAL").map_err(failed)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
    connection.pragma_update(None, "foreign_keys", "ON").map_err(failed)?;
    let sound: String =
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(failed)?;
    if sound != "ok" {
        return Err(OpenError::Damaged { file: file.to_owned(), detail: sound });
    }
    MIGRATIONS
        .to_latest(&mut connection)
        .map_err(|error| OpenError::Damaged { file: file.to_owned(), detail: error.to_string() })?;
    Ok(connection)
}

/// Makes a copy another history than what it is a copy of. One of an older schema becomes that when it is migrated.
pub(super) fn renew(copy: &Path) -> rusqlite::Result<()> {
    let connection = Connection::open(copy)?;
    // Without a journal, which would be taken for that of the next copy if this was interrupted.
    connection.pragma_update(None, "journal_mode", "OFF")?;
    let schema: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if schema >= IDENTITY {
        connection.execute("UPDATE identity SET id = lower(hex(randomblob(16)))", [])?;
    }
    Ok(())
}

/// What a look at a database shows; nothing is changed by it, and a bridge may use it meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// What is wrong with it; nothing when it is sound.
    pub detail: Option<String>,
    /// The time of the newest entry.
    pub at: Millis,
    pub bytes: u64,
}

/// Looks at a database: all of it is read, which takes seconds for a large one.
///
/// # Errors
/// It cannot be opened.
pub fn look(file: &Path) -> rusqlite::Result<Look> {
    let bytes = file.metadata().map_or(0, |meta| meta.len());
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let looked = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    let (detail, at) = match looked {
        Ok(sound) if sound == "ok" => (None, super::read::head(&connection)?.1),
        Ok(detail) => (Some(detail), Millis(0)),
        Err(error) => (Some(error.to_string()), Millis(0)),
    };
    Ok(Look { detail, at, bytes })
}
