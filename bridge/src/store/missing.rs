//! Before the store is opened: whether a log is missing that was there. An empty log looks like a first start, and
//! a first start ends every run that it does not know.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{Copied, OpenError, copies};

/// What a lost log left behind in its data folder.
#[derive(Debug)]
pub struct Left {
    backups: Vec<Copied>,
    /// Folders of runs.
    runs: usize,
}

/// Sees that a folder whose log is new holds nothing of a former one. Changes nothing.
///
/// # Errors
/// [`OpenError::Missing`]: there is no log, or no entry in it, and there are backups or runs.
pub fn nothing_lost(data_dir: &Path) -> Result<(), OpenError> {
    let file = data_dir.join("log.db");
    if !is_new(&file) {
        return Ok(());
    }
    let runs = std::fs::read_dir(data_dir.join("runs")).into_iter().flatten().flatten();
    let left = Left { backups: copies(data_dir), runs: runs.count() };
    if left.backups.is_empty() && left.runs == 0 {
        return Ok(());
    }
    Err(OpenError::Missing { there: file.exists(), file, left })
}

/// Whether there is no file, or no entry in it. One that cannot be read is not new: opening it says what is wrong.
fn is_new(file: &Path) -> bool {
    // SQLite takes a log of writes beside an empty file for a leftover and deletes it.
    if file.metadata().map_or(true, |found| found.len() == 0) {
        return true;
    }
    let looked = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).and_then(|connection| {
        let tables = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'entry'";
        if connection.query_row(tables, [], |row| row.get::<_, i64>(0))? == 0 {
            return Ok(true);
        }
        connection.query_row("SELECT NOT EXISTS (SELECT 1 FROM entry)", [], |row| row.get(0))
    });
    looked.unwrap_or_else(|error| error.sqlite_error_code() == Some(ErrorCode::CannotOpen) && !file.exists())
}

/// The whole message: what is missing, what is left of it, and what to do.
pub(super) fn told(file: &Path, there: bool, left: &Left) -> String {
    let folder = file.parent().unwrap_or(file);
    let (backups, runs) = (folder.join("backups"), folder.join("runs"));
    let what = if there { "has no entry" } else { "is missing" };
    let newest = match left.backups.last() {
        Some(copied) => format!(" (the newest {}, up to entry {})", age(&copied.file), copied.seq),
        None => String::new(),
    };
    let next = match left.backups.last() {
        Some(_) => "`orchestrator restore` brings back the newest backup",
        None => "put the file back, with its -wal where there is one",
    };
    format!(
        "{} {what}, but {} holds {}{newest} and {} {}. Nothing was touched. Next: {next}; to begin anew, move those folders away.",
        file.display(),
        backups.display(),
        counted(left.backups.len(), "backup"),
        runs.display(),
        counted(left.runs, "run"),
    )
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// How long ago a copy was made, in words.
fn age(file: &Path) -> String {
    let made = file.metadata().and_then(|found| found.modified()).ok();
    let old = made.and_then(|made| made.elapsed().ok()).unwrap_or(Duration::ZERO).as_secs();
    match old / 60 {
        0 => "less than a minute old".to_owned(),
        minutes @ 1..120 => format!("{} old", counted(usize::try_from(minutes).unwrap_or(0), "minute")),
        minutes @ 120..2_880 => format!("{} hours old", minutes / 60),
        minutes => format!("{} days old", minutes / 1_440),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use shared::entry::Actor;

    use super::super::{Store, tests::requests};
    use super::*;

    fn refused(dir: &Path, words: &[&str]) {
        let error = nothing_lost(dir).unwrap_err();
        let said = error.to_string();
        assert!(matches!(error, OpenError::Missing { .. }), "{said}");
        assert!(words.iter().all(|words| said.contains(words)), "{said}");
    }

    #[tokio::test]
    async fn a_log_that_is_gone_is_not_taken_for_a_new_one() {
        let dir = tempfile::tempdir().unwrap();
        nothing_lost(dir.path()).unwrap();
        let store = Store::open(dir.path()).unwrap();
        // A first start that was killed before its first entry.
        nothing_lost(dir.path()).unwrap();
        std::fs::create_dir(dir.path().join("runs")).unwrap();
        nothing_lost(dir.path()).unwrap();
        std::fs::create_dir(dir.path().join("runs/r1")).unwrap();
        refused(dir.path(), &["log.db has no entry", "runs 1 run.", "0 backups", "move those folders away"]);
        store.append(Actor::Bridge, vec![requests("r1")]).await.unwrap();
        store.back_up(dir.path()).await.unwrap();
        nothing_lost(dir.path()).unwrap();
        let lost = tempfile::tempdir().unwrap();
        for folder in ["runs", "backups"] {
            std::fs::rename(dir.path().join(folder), lost.path().join(folder)).unwrap();
        }
        let words =
            ["log.db is missing", "1 backup (the newest less", "runs 1 run.", "`orchestrator restore`"];
        refused(lost.path(), &words);
        assert!(!lost.path().join("log.db").exists(), "nothing is made");
        std::fs::write(lost.path().join("log.db"), "").unwrap();
        refused(lost.path(), &["log.db has no entry"]);
    }
}
