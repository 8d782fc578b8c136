//! Queries. Each runs on a connection of its own, beside the writer.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row, Rows, params};
use shared::entry::{Actor, Body, Entry};
use shared::id::{LogId, ProjectId, RunId};
use shared::unit::{Millis, Seq};

use super::Stored;

/// A run that was requested and has not ended.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenRun {
    /// The order.
    pub request: Arc<Stored>,
    pub run: RunId,
    /// Pid and start time, when a process was recorded.
    pub process: Option<(u32, u64)>,
}

/// How much is read at once: at least one entry, and no further one past either bound.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    pub entries: usize,
    /// Of their JSON.
    pub bytes: usize,
}

impl Page {
    pub(super) const ALL: Self = Self { entries: usize::MAX, bytes: usize::MAX };

    pub(super) fn has_room(self, entries: usize, bytes: usize) -> bool {
        entries == 0 || (entries < self.entries && bytes < self.bytes)
    }
}

/// The newest entry's number and time; zeros for an empty log.
pub(super) fn head(connection: &Connection) -> rusqlite::Result<(Seq, Millis)> {
    let newest = connection
        .query_row("SELECT seq, at FROM entry ORDER BY seq DESC LIMIT 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    Ok(newest
        .map_or_else(Default::default, |(seq, at): (i64, i64)| (Seq(unsigned(seq)), Millis(unsigned(at)))))
}

/// Which history this is.
pub(super) fn identity(connection: &Connection) -> rusqlite::Result<LogId> {
    connection.query_row("SELECT id FROM identity", [], |row| text_id(row, 0, LogId::new))
}

const COLUMNS: &str = "SELECT seq, at, actor, project, body FROM entry";

pub(super) fn entries_after(
    connection: &Connection,
    since: Seq,
    page: Page,
) -> rusqlite::Result<Vec<Arc<Stored>>> {
    let mut query = connection.prepare_cached(&format!("{COLUMNS} WHERE seq > ?1 ORDER BY seq"))?;
    paged(query.query([signed(since.0)])?, page)
}

pub(super) fn order_of(connection: &Connection, run: &RunId) -> rusqlite::Result<Option<Arc<Stored>>> {
    let sql = format!("{COLUMNS} WHERE seq = (SELECT requested FROM run WHERE id = ?1)");
    connection.prepare_cached(&sql)?.query_row([run.as_str()], stored).optional()
}

pub(super) fn orders_to(
    connection: &Connection,
    run: &RunId,
    since: Seq,
    page: Page,
) -> rusqlite::Result<Vec<Arc<Stored>>> {
    let sql = format!(
        "{COLUMNS} WHERE kind IN ('input_sent', 'input_closed', 'terminal_typed', 'terminal_resized') AND seq > ?1
         AND json_extract(body, '$.run') = ?2 ORDER BY seq"
    );
    let mut query = connection.prepare_cached(&sql)?;
    paged(query.query(params![signed(since.0), run.as_str()])?, page)
}

fn paged(mut rows: Rows<'_>, page: Page) -> rusqlite::Result<Vec<Arc<Stored>>> {
    let mut entries: Vec<Arc<Stored>> = Vec::new();
    let mut size = 0;
    while page.has_room(entries.len(), size)
        && let Some(row) = rows.next()?
    {
        let stored = stored(row)?;
        size += stored.json.len();
        entries.push(stored);
    }
    Ok(entries)
}

pub(super) fn last_of_kind(connection: &Connection, kind: &str) -> rusqlite::Result<Option<Arc<Stored>>> {
    let sql = format!("{COLUMNS} WHERE kind = ?1 ORDER BY seq DESC LIMIT 1");
    connection.query_row(&sql, [kind], stored).optional()
}

pub(super) fn all_of_kind(connection: &Connection, kind: &str) -> rusqlite::Result<Vec<Arc<Stored>>> {
    let mut query = connection.prepare_cached(&format!("{COLUMNS} WHERE kind = ?1 ORDER BY seq"))?;
    let rows = query.query_map([kind], stored)?;
    rows.collect()
}

pub(super) fn open_runs(connection: &Connection) -> rusqlite::Result<Vec<OpenRun>> {
    let sql = "SELECT entry.seq, at, actor, project, body, run.id, pid, started FROM run JOIN entry ON entry.seq = requested
               WHERE ended IS NULL ORDER BY requested";
    let mut query = connection.prepare_cached(sql)?;
    let rows = query.query_map([], |row| {
        let pid: Option<u32> = row.get(6)?;
        let started: Option<i64> = row.get(7)?;
        Ok(OpenRun {
            request: stored(row)?,
            run: text_id(row, 5, RunId::new)?,
            process: pid.zip(started.map(unsigned)),
        })
    })?;
    rows.collect()
}

fn stored(row: &Row<'_>) -> rusqlite::Result<Arc<Stored>> {
    let bad = |column: usize, error: serde_json::Error| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
    };
    let actor: Actor = serde_json::from_str(row.get_ref(2)?.as_str()?).map_err(|error| bad(2, error))?;
    let body: Body = serde_json::from_str(row.get_ref(4)?.as_str()?).map_err(|error| bad(4, error))?;
    let project = match row.get_ref(3)?.as_str_or_null()? {
        Some(_) => Some(text_id(row, 3, ProjectId::new)?),
        None => None,
    };
    let entry =
        Entry { seq: Seq(unsigned(row.get(0)?)), at: Millis(unsigned(row.get(1)?)), actor, project, body };
    let json = serde_json::to_string(&entry).map_err(|error| bad(4, error))?;
    Ok(Arc::new(Stored { entry, json: json.into() }))
}

pub(super) fn text_id<T>(
    row: &Row<'_>,
    column: usize,
    make: fn(&str) -> Result<T, shared::id::BadId>,
) -> rusqlite::Result<T> {
    make(row.get_ref(column)?.as_str()?).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
    })
}

/// SQLite's integers are signed; ours count up from zero.
pub(super) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}
