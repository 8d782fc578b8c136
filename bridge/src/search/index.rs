//! The index file: FTS5 without the texts themselves, which the store has. A document's number says where it
//! stands: `run << 32 | line` for a line of output, by this file's own numbers of runs, and the `seq` of an entry
//! below that. So no table maps one to the other, and newest first is the order that FTS5 has anyway.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use shared::agent::HarnessId;
use shared::api::SearchIn;
use shared::entry::{Kind, Purpose};
use shared::id::RunId;
use shared::unit::Seq;

use super::query::Words;
use super::{SearchError, said};
use crate::store::{Page, Piece, Store, StoreError, Stored};

/// Raised when what is indexed, or how, changes; an older file is made anew.
const VERSION: i64 = 2;
/// Beginnings of words have indexes of their own: without them FTS5 gathers all places of all words that begin so
/// before it gives the first. They double the file, and filling it takes half as long again.
const SCHEMA: &str = "
    CREATE VIRTUAL TABLE said USING fts5 (
      text, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3 4 5'
    );
    CREATE TABLE place (seq INTEGER NOT NULL, thins INTEGER NOT NULL) STRICT;
    INSERT INTO place VALUES (0, 0);
    CREATE TABLE run (
      no      INTEGER PRIMARY KEY,
      id      TEXT NOT NULL UNIQUE,
      harness TEXT NOT NULL,
      next    INTEGER NOT NULL DEFAULT 0,
      lines   INTEGER
    ) STRICT;
    CREATE INDEX run_open ON run (no) WHERE lines IS NULL OR next < lines;";

/// What is taken from the store at once, and indexed as one transaction.
const ENTRIES: Page = Page { entries: 1_000, bytes: 1024 * 1024 };
const OUTPUT: usize = 512 * 1024;
/// Pages that a step of thinning writes.
const STEP: i64 = 500;
/// Numbers of entries end here, those of lines begin.
const LINES: i64 = 1 << 32;

pub(super) struct Index {
    connection: Connection,
    seq: Seq,
    /// Runs that may have lines which are not indexed yet.
    open: Vec<Run>,
    thins: Thins,
}

/// Whether words of lines that were removed may still stand in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Thins {
    No,
    /// A merge of all parts of the file into one is to begin: that leaves them out.
    Begins,
    GoesOn,
}

struct Run {
    no: i64,
    id: RunId,
    harness: HarnessId,
    next: u64,
    /// When it has ended.
    lines: Option<u64>,
}

/// Where a hit stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Entry(Seq),
    Line { run: RunId, harness: HarnessId, line: u64, number: i64 },
}

impl Place {
    pub(super) fn cursor(&self) -> u64 {
        match self {
            Self::Entry(seq) => seq.0,
            Self::Line { number, .. } => unsigned(*number),
        }
    }
}

impl Index {
    pub(super) fn open(file: &Path) -> Result<Self, SearchError> {
        match Self::try_open(file) {
            Ok(Some(index)) => Ok(index),
            // Of another version, or damaged: all it holds is in the store.
            Ok(None) | Err(_) => {
                tracing::info!(file = %file.display(), "the search index is made anew");
                remove(file)?;
                let made = Self::try_open(file).and_then(|index| index.ok_or(rusqlite::Error::InvalidQuery));
                made.map_err(|error| SearchError::Index(file.to_owned(), error))
            }
        }
    }

    /// Nothing for a file of another version.
    fn try_open(file: &Path) -> rusqlite::Result<Option<Self>> {
        // What agents wrote is its owner's alone, here too.
        crate::store::private(file).map_err(|_| rusqlite::Error::InvalidPath(file.to_owned()))?;
        let mut connection = Connection::open(file)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // After a power cut it lacks the newest lines, and takes them again.
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version == 0 {
            let transaction = connection.transaction()?;
            transaction.execute_batch(SCHEMA)?;
            transaction.pragma_update(None, "user_version", VERSION)?;
            transaction.commit()?;
        } else if version != VERSION {
            return Ok(None);
        }
        let (seq, thins): (i64, bool) =
            connection.query_row("SELECT seq, thins FROM place", [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let open = {
            let mut query = connection.prepare(
                "SELECT no, id, harness, next, lines FROM run WHERE lines IS NULL OR next < lines ORDER BY no",
            )?;
            let runs = query.query_map([], |row| {
                let lines: Option<i64> = row.get(4)?;
                Ok((row.get(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?, row.get(3)?, lines))
            })?;
            let known = runs.collect::<rusqlite::Result<Vec<_>>>()?;
            let known = known.into_iter().filter_map(|(no, id, harness, next, lines)| {
                let (id, harness) = (RunId::new(&id).ok()?, read_harness(&harness)?);
                Some(Run { no, id, harness, next: unsigned(next), lines: lines.map(unsigned) })
            });
            known.collect()
        };
        let thins = if thins { Thins::Begins } else { Thins::No };
        Ok(Some(Self { connection, seq: Seq(unsigned(seq)), open, thins }))
    }

    /// Indexes some of what is new in the store; says whether there may be more.
    pub(super) async fn take_more(&mut self, store: &Store) -> Result<bool, SearchError> {
        let entries = store.entries_after(self.seq, ENTRIES).await?;
        let mut more = !entries.is_empty();
        self.take_entries(&entries).map_err(|error| self.failed(error))?;
        let mut from = 0;
        while from < self.open.len() {
            let read = self.read_lines(store, from).await?;
            more |= read.iter().any(|pieces| !pieces.is_empty());
            self.take_lines(from, &read).map_err(|error| self.failed(error))?;
            from += read.len();
        }
        self.open.retain(|run| run.lines.is_none_or(|lines| run.next < lines));
        if !more && self.thins != Thins::No {
            self.thin().map_err(|error| self.failed(error))?;
            return Ok(true);
        }
        Ok(more)
    }

    /// What is new of the open runs from this place on, as much as one transaction takes.
    async fn read_lines(&self, store: &Store, from: usize) -> Result<Vec<Vec<Piece>>, SearchError> {
        let mut read = Vec::new();
        let mut size = 0;
        for run in &self.open[from..] {
            let pieces = match store.output_from(&run.id, run.next, OUTPUT).await {
                // The store tells whoever reads it; here nothing is missing but hits.
                Err(StoreError::Damaged(_)) => Vec::new(),
                // Those before it are indexed first; the next time it is the first.
                Err(_) if !read.is_empty() => break,
                lines => lines?,
            };
            size += pieces.iter().map(|piece| piece.bytes.len()).sum::<usize>();
            read.push(pieces);
            if size >= OUTPUT {
                break;
            }
        }
        Ok(read)
    }

    /// A step of the merge that leaves removed lines out, as FTS5 prescribes it: the first with a negative number of
    /// pages, the last when less than two rows change.
    fn thin(&mut self) -> rusqlite::Result<()> {
        let pages = if self.thins == Thins::Begins { -STEP } else { STEP };
        let before = self.connection.total_changes();
        self.connection.execute("INSERT INTO said (said, rank) VALUES ('merge', ?1)", [pages])?;
        self.thins = Thins::GoesOn;
        if self.connection.total_changes() - before < 2 {
            self.connection.execute("UPDATE place SET thins = 0", [])?;
            self.thins = Thins::No;
        }
        Ok(())
    }

    /// Nothing is open that could write more.
    #[cfg(test)]
    pub(super) fn is_done(&self) -> bool {
        self.open.is_empty()
    }

    fn failed(&self, error: rusqlite::Error) -> SearchError {
        SearchError::Index(self.connection.path().unwrap_or_default().into(), error)
    }

    fn take_entries(&mut self, entries: &[std::sync::Arc<Stored>]) -> rusqlite::Result<()> {
        let Some(last) = entries.last() else { return Ok(()) };
        let mut begun = Vec::new();
        let mut ended = Vec::new();
        let mut thins = self.thins;
        let transaction = self.connection.transaction()?;
        {
            let mut add = transaction.prepare_cached("INSERT INTO said (rowid, text) VALUES (?1, ?2)")?;
            for stored in entries {
                let Some(kind) = stored.entry.body.known() else { continue };
                if let Some(text) = said::by(kind) {
                    add.execute(params![signed(stored.entry.seq.0), text])?;
                }
                match kind {
                    // What stands on a terminal is drawn and drawn over, and no words to be found.
                    Kind::RunRequested { run, harness, purpose, .. } if *purpose != Purpose::Terminal => {
                        let sql = "INSERT OR IGNORE INTO run (id, harness) VALUES (?1, ?2)";
                        let word = serde_json::to_string(harness).unwrap_or_default();
                        transaction.prepare_cached(sql)?.execute(params![run.as_str(), word])?;
                        let no = transaction.last_insert_rowid();
                        begun.push(Run { no, id: run.clone(), harness: *harness, next: 0, lines: None });
                    }
                    Kind::RunEnded { run, lines, .. } => {
                        let sql = "UPDATE run SET lines = ?2 WHERE id = ?1";
                        transaction.prepare_cached(sql)?.execute(params![run.as_str(), signed(*lines)])?;
                        ended.push((run.clone(), *lines));
                    }
                    Kind::OutputRemoved { run, .. } => {
                        let no = "SELECT no FROM run WHERE id = ?1";
                        let no = transaction.prepare_cached(no)?.query_row([run.as_str()], |row| row.get(0));
                        if let Some(no) = no.optional()? {
                            let no: i64 = no;
                            let sql = "DELETE FROM said WHERE rowid >= ?1 AND rowid < ?2";
                            transaction.execute(sql, [no << 32, (no + 1) << 32])?;
                            thins = Thins::Begins;
                        }
                    }
                    _ => {}
                }
            }
        }
        let place = params![signed(last.entry.seq.0), thins != Thins::No];
        transaction.execute("UPDATE place SET seq = ?1, thins = ?2", place)?;
        transaction.commit()?;
        self.seq = last.entry.seq;
        self.thins = thins;
        self.open.extend(begun);
        for (run, lines) in ended {
            if let Some(open) = self.open.iter_mut().find(|open| open.id == run) {
                open.lines = Some(lines);
            }
        }
        Ok(())
    }

    /// Takes the lines of runs that follow each other from this place on. In one transaction: each ends with words that
    /// FTS5 keeps apart and has to merge later.
    fn take_lines(&mut self, from: usize, read: &[Vec<Piece>]) -> rusqlite::Result<()> {
        let runs = &mut self.open[from..from + read.len()];
        let next: Vec<u64> = runs
            .iter()
            .zip(read)
            .map(|(run, pieces)| match run.lines {
                // Nothing more will come: what is missing was removed before it was read.
                Some(lines) if pieces.is_empty() => lines,
                _ => run.next + u64::try_from(pieces.len()).unwrap_or(0),
            })
            .collect();
        if runs.iter().zip(&next).all(|(run, next)| run.next == *next) {
            return Ok(());
        }
        let transaction = self.connection.transaction()?;
        {
            let mut add = transaction.prepare_cached("INSERT INTO said (rowid, text) VALUES (?1, ?2)")?;
            let mut goes_on = transaction.prepare_cached("UPDATE run SET next = ?2 WHERE no = ?1")?;
            for ((run, pieces), next) in runs.iter().zip(read).zip(&next) {
                for (line, piece) in (run.next..).zip(pieces) {
                    let text = said::in_line(run.harness, piece);
                    if !text.is_empty() {
                        add.execute(params![run.no << 32 | signed(line), text])?;
                    }
                }
                if run.next != *next {
                    goes_on.execute(params![run.no, signed(*next)])?;
                }
            }
        }
        transaction.commit()?;
        for (run, next) in runs.iter_mut().zip(next) {
            run.next = next;
        }
        Ok(())
    }
}

pub(super) fn remove(file: &Path) -> std::io::Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        match std::fs::remove_file(format!("{}{suffix}", file.display())) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// At most `limit` places where all words stand, newest first, below the cursor `before`.
pub(super) fn find(
    file: &Path,
    words: &Words,
    place: SearchIn,
    before: Option<u64>,
    limit: usize,
) -> Result<Vec<Place>, SearchError> {
    let Some(expression) = words.expression() else { return Ok(Vec::new()) };
    let (from, to) = match place {
        SearchIn::Said => (0, LINES),
        SearchIn::Output => (LINES, i64::MAX),
    };
    let to = before.map_or(to, |before| signed(before).min(to));
    let look = || {
        let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        let sql = "SELECT rowid FROM said WHERE said MATCH ?1 AND rowid >= ?2 AND rowid < ?3
                   ORDER BY rowid DESC LIMIT ?4";
        let mut query = connection.prepare(sql)?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = query.query_map(params![expression, from, to, limit], |row| row.get::<_, i64>(0))?;
        let numbers = rows.collect::<rusqlite::Result<Vec<_>>>()?;
        let mut places = Vec::with_capacity(numbers.len());
        for number in numbers {
            places.extend(locate(&connection, number)?);
        }
        Ok(places)
    };
    look().map_err(|error| SearchError::Index(file.to_owned(), error))
}

fn locate(connection: &Connection, number: i64) -> rusqlite::Result<Option<Place>> {
    if number < LINES {
        return Ok(Some(Place::Entry(Seq(unsigned(number)))));
    }
    let mut query = connection.prepare_cached("SELECT id, harness FROM run WHERE no = ?1")?;
    let run = query.query_row([number >> 32], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)));
    let run = run.optional()?;
    Ok(run.and_then(|(id, harness)| {
        let (run, harness) = (RunId::new(&id).ok()?, read_harness(&harness)?);
        Some(Place::Line { run, harness, line: unsigned(number & (LINES - 1)), number })
    }))
}

fn read_harness(word: &str) -> Option<HarnessId> {
    serde_json::from_str(word).ok()
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}
