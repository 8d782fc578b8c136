//! A run's output as it was written, whether it stands in blocks or in rows. One statement reads both, as a block takes
//! the place of its rows at any moment.

use rusqlite::types::{Type, ValueRef};
use rusqlite::{Connection, Row, params};
use shared::id::{ProjectId, RunId};
use shared::run::Stream;
use shared::unit::Millis;

use super::Piece;
use super::block::Unpacked;
use super::read::{signed, text_id, unsigned};

/// Blocks and rows in one shape; a row has no count of lines. A condition follows each.
const BLOCKS: &str = "SELECT first AS line, lines, 0 AS at, 0 AS stream, bytes FROM block
                      WHERE run = (SELECT no FROM run WHERE id = ?1)";
const ROWS: &str =
    "SELECT line, NULL, at, stream, bytes FROM output WHERE run = (SELECT no FROM run WHERE id = ?1)";

pub(super) fn from(
    connection: &Connection,
    run: &RunId,
    from: u64,
    bytes: usize,
) -> rusqlite::Result<Vec<Piece>> {
    let sql = format!(
        "{BLOCKS} AND first + lines > ?2 AND first >= (SELECT coalesce(max(first), 0) FROM block
           WHERE run = (SELECT no FROM run WHERE id = ?1) AND first <= ?2)
         UNION ALL {ROWS} AND line >= ?2 ORDER BY line"
    );
    let mut query = connection.prepare_cached(&sql)?;
    let mut rows = query.query(params![run.as_str(), signed(from)])?;
    let mut pieces = Vec::new();
    let mut size = 0;
    while size < bytes
        && let Some(row) = rows.next()?
    {
        for (line, piece) in held(row, run)? {
            if line >= from && size < bytes {
                size += piece.bytes.len();
                pieces.push(piece);
            }
        }
    }
    Ok(pieces)
}

/// How many times its size a page may have so that it begins where a line begins.
const STRETCH: usize = 16;

pub(super) fn before(
    connection: &Connection,
    run: &RunId,
    before: u64,
    bytes: usize,
) -> rusqlite::Result<(u64, Vec<Piece>)> {
    let sql = format!("{BLOCKS} AND first < ?2 UNION ALL {ROWS} AND line < ?2 ORDER BY line DESC");
    let mut query = connection.prepare_cached(&sql)?;
    let mut rows = query.query(params![run.as_str(), signed(before)])?;
    let mut pieces = Vec::new();
    let (mut first, mut size) = (before, 0);
    'page: while let Some(row) = rows.next()? {
        for (line, piece) in held(row, run)?.into_iter().rev().filter(|(line, _)| *line < before) {
            let begins = piece.bytes.ends_with(b"\n") || size >= STRETCH.saturating_mul(bytes);
            if size >= bytes && begins {
                break 'page;
            }
            first = line;
            size += piece.bytes.len();
            pieces.push(piece);
        }
    }
    pieces.reverse();
    Ok((first, pieces))
}

/// The pieces of a block, or that of a row, with their numbers.
fn held(row: &Row<'_>, run: &RunId) -> rusqlite::Result<Vec<(u64, Piece)>> {
    let first = unsigned(row.get(0)?);
    if row.get_ref(1)? == ValueRef::Null {
        return Ok(vec![(first, piece(row, 2)?)]);
    }
    let block = Unpacked::new(row.get_ref(4)?.as_blob()?).map_err(|why| {
        let damaged = format!("lines of run {run} from {first} on are damaged: {why}");
        rusqlite::Error::FromSqlConversionFailure(4, Type::Blob, damaged.into())
    })?;
    Ok((first..).zip(block.pieces()).collect())
}

/// The piece that stands in a row as time, stream and bytes, from this column on.
pub(super) fn piece(row: &Row<'_>, column: usize) -> rusqlite::Result<Piece> {
    let stream = if row.get::<_, i64>(column + 1)? == 0 { Stream::Stdout } else { Stream::Stderr };
    Ok(Piece { at: Millis(unsigned(row.get(column)?)), stream, bytes: row.get(column + 2)? })
}

/// A stream as it is stored.
pub(super) fn number(stream: Stream) -> i64 {
    match stream {
        Stream::Stdout => 0,
        Stream::Stderr => 1,
    }
}

/// How much of a run's output is stored: lines in all, and bytes of each stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sizes {
    pub lines: u64,
    pub out: u64,
    pub err: u64,
}

/// A run whose output may be removed: over for long, and read to its end, so that nobody waits for a line of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removable {
    pub run: RunId,
    pub project: Option<ProjectId>,
    pub lines: u64,
}

/// Runs that are looked for at once, as looking reads much of the log.
const MANY: u32 = 256;

/// The first of those that ended before `before`, at most [`MANY`].
pub(super) fn removable(connection: &Connection, before: Millis) -> rusqlite::Result<Vec<Removable>> {
    let sql = "SELECT run.id, project FROM run JOIN entry ON entry.seq = ended
               WHERE at < ?1 AND run.id IN (SELECT body ->> '$.run' FROM entry WHERE kind = 'turn_read')
               AND (EXISTS (SELECT 1 FROM block WHERE run = no) OR EXISTS (SELECT 1 FROM output WHERE run = no))
               ORDER BY no LIMIT ?2";
    let mut query = connection.prepare_cached(sql)?;
    let found = query.query_map(params![signed(before.0), MANY], |row| {
        let run = text_id(row, 0, RunId::new)?;
        let project = row.get_ref(1)?.as_str_or_null()?.is_some();
        let project = project.then(|| text_id(row, 1, ProjectId::new)).transpose()?;
        let lines = sizes(connection, &run)?.lines;
        Ok(Removable { run, project, lines })
    })?;
    found.collect()
}

pub(super) fn sizes(connection: &Connection, run: &RunId) -> rusqlite::Result<Sizes> {
    let sql = "SELECT coalesce(sum(lines), 0), coalesce(sum(out), 0), coalesce(sum(err), 0) FROM (
               SELECT lines, out, err FROM block WHERE run = (SELECT no FROM run WHERE id = ?1) UNION ALL
               SELECT count(*), sum(length(bytes)) FILTER (WHERE stream = 0), sum(length(bytes)) FILTER (WHERE stream = 1)
               FROM output WHERE run = (SELECT no FROM run WHERE id = ?1))";
    connection.query_row(sql, [run.as_str()], |row| {
        Ok(Sizes { lines: unsigned(row.get(0)?), out: unsigned(row.get(1)?), err: unsigned(row.get(2)?) })
    })
}
