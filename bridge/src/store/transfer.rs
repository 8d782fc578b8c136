//! The whole of a data folder's log and output as text, one JSON object per line, and back.
//!
//! The first line is `{"orchestrator":"log","version":1}`. Then come, each on a line, all `{"entry":…}` as the wire
//! has them, all `{"append":{"id":…,"seq":…}}`, and all `{"output":{"run":…,"line":…,"at":…,"stream":0|1,"text":…}}` with
//! `base64` in place of `text` where the bytes are no UTF-8. `{"end":{"entries":…,"appends":…,"lines":…}}` is the last line,
//! so that a file that was cut off is known as such.

use std::io::{BufRead, Write};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use conductor::State;
use rusqlite::{Connection, OpenFlags, Transaction, params};
use serde::{Deserialize, Serialize};
use shared::entry::{Actor, Draft, Entry, Kind};
use shared::id::{AppendId, ClientId, ProjectId, RunId, TaskId};
use shared::run::{Pipes, RunEnd};
use shared::unit::Seq;

use super::read::{self, Page, signed};
use super::{OpenError, Piece, StoreError, Stored, output, schema, writer};
use crate::clock;

const VERSION: u32 = 1;
/// The longest line that is read, in bytes: the largest entry, escaped, and room.
const LONGEST: u64 = 64 * 1024 * 1024;
/// Bytes of output that are written at once.
const PORTION: usize = 1024 * 1024;

/// Why a log was not written out or read in. Of what is read in, nothing is kept then.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the database")]
    Sqlite(#[from] rusqlite::Error),
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error("line {line}: {why}. Nothing was imported.")]
    Line { line: u64, why: String },
    #[error("this data folder has a log already ({0} entries). Import into an empty one: --data-dir DIR.")]
    NotEmpty(Seq),
}

impl TransferError {
    /// Who reads what is written wanted no more.
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == std::io::ErrorKind::BrokenPipe)
    }
}

/// How much there was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub entries: u64,
    pub appends: u64,
    pub lines: u64,
}

#[derive(Serialize, Deserialize)]
struct Head {
    orchestrator: String,
    version: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Row {
    Entry(Entry),
    Append { id: AppendId, seq: u64 },
    Output(Output),
    End(Counts),
}

#[derive(Serialize, Deserialize)]
struct Output {
    run: RunId,
    line: u64,
    at: u64,
    stream: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
}

/// Writes all that a data folder holds, as it is at one moment; a bridge may use the folder meanwhile.
///
/// # Errors
/// There is no log, or it cannot be read, or `out` not written.
pub fn export(data_dir: &Path, out: &mut impl Write) -> Result<Counts, TransferError> {
    let connection = Connection::open_with_flags(data_dir.join("log.db"), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let still = connection.unchecked_transaction()?;
    let mut counts = Counts::default();
    line(out, &Head { orchestrator: "log".to_owned(), version: VERSION })?;
    each(&still, |stored| {
        // As it is stored, also a kind that this version does not know.
        writeln!(out, "{{\"entry\":{}}}", stored.json)?;
        counts.entries += 1;
        Ok(())
    })?;
    let mut appends = still.prepare("SELECT id, seq FROM append ORDER BY id")?;
    let mut rows = appends.query([])?;
    while let Some(row) = rows.next()? {
        let (id, seq): (String, i64) = (row.get(0)?, row.get(1)?);
        let id = AppendId::new(&id).map_err(|error| StoreError::Read(error.to_string()))?;
        line(out, &Row::Append { id, seq: u64::try_from(seq).unwrap_or(0) })?;
        counts.appends += 1;
    }
    let mut runs = still.prepare("SELECT id FROM run ORDER BY no")?;
    let mut rows = runs.query([])?;
    while let Some(row) = rows.next()? {
        let run = RunId::new(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)
            .map_err(|error| StoreError::Read(error.to_string()))?;
        counts.lines += write_output(&still, &run, out)?;
    }
    line(out, &Row::End(counts))?;
    out.flush()?;
    Ok(counts)
}

/// The state that a data folder's log tells of, as it is at one moment; a bridge may use the folder meanwhile.
///
/// # Errors
/// There is no log, or it cannot be read.
pub fn replayed(data_dir: &Path) -> Result<State, TransferError> {
    let connection = Connection::open_with_flags(data_dir.join("log.db"), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut state = State::default();
    each(&connection, |stored| {
        conductor::apply(&mut state, &stored.entry);
        Ok(())
    })?;
    Ok(state)
}

/// Looks at every entry of a log in turn, a page at a time.
fn each(
    connection: &Connection,
    mut look: impl FnMut(&Stored) -> Result<(), TransferError>,
) -> Result<(), TransferError> {
    let page = Page { entries: 1_000, bytes: 4 * 1024 * 1024 };
    let mut since = Seq(0);
    loop {
        let entries = read::entries_after(connection, since, page)?;
        let Some(last) = entries.last() else { return Ok(()) };
        since = last.entry.seq;
        entries.iter().try_for_each(|stored| look(stored))?;
    }
}

/// Writes a run's output; gives how many lines that were.
fn write_output(connection: &Connection, run: &RunId, out: &mut impl Write) -> Result<u64, TransferError> {
    let mut next = 0;
    loop {
        let pieces = output::from(connection, run, next, PORTION)?;
        if pieces.is_empty() {
            return Ok(next);
        }
        for Piece { stream, at, bytes } in pieces {
            let (text, base64) = match String::from_utf8(bytes) {
                Ok(text) => (Some(text), None),
                Err(error) => (None, Some(STANDARD.encode(error.as_bytes()))),
            };
            let stream = output::number(stream);
            line(out, &Row::Output(Output { run: run.clone(), line: next, at: at.0, stream, text, base64 }))?;
            next += 1;
        }
    }
}

fn line(out: &mut impl Write, value: &impl Serialize) -> Result<(), TransferError> {
    serde_json::to_writer(&mut *out, value).map_err(std::io::Error::from)?;
    Ok(out.write_all(b"\n")?)
}

/// Reads into a data folder that has no log yet. Runs that were under way are called lost, as they are not on
/// this machine; and unless `go_on` says otherwise every goal is stopped, so that a file starts nothing.
///
/// # Errors
/// The folder has a log, a line cannot be read or does not fit what was before it; then nothing is imported.
pub fn import(data_dir: &Path, input: &mut impl BufRead, go_on: bool) -> Result<Counts, TransferError> {
    let mut connection = schema::open(&data_dir.join("log.db"))?;
    let (head, _) = read::head(&connection)?;
    if head > Seq(0) {
        return Err(TransferError::NotEmpty(head));
    }
    let mut transaction = connection.transaction()?;
    let counts = rows(&mut transaction, input)?;
    settle(&mut transaction, go_on)?;
    transaction.commit()?;
    Ok(counts)
}

fn rows(transaction: &mut Transaction<'_>, input: &mut impl BufRead) -> Result<Counts, TransferError> {
    let mut counts = Counts::default();
    let mut at = 0;
    let mut text = Vec::new();
    loop {
        text.clear();
        at += 1;
        let wrong = |why: String| TransferError::Line { line: at, why };
        let mut bounded = std::io::Read::take(&mut *input, LONGEST);
        if bounded.read_until(b'\n', &mut text)? == 0 {
            return Err(wrong("the file ends before its end is told; it was cut off".to_owned()));
        }
        if !text.ends_with(b"\n") {
            return Err(wrong(format!("it is cut off, or longer than {LONGEST} bytes")));
        }
        if at == 1 {
            let head: Head = serde_json::from_slice(&text).map_err(|_| {
                wrong("this is no exported log; it begins with {\"orchestrator\":\"log\",…}".to_owned())
            })?;
            if head.version != VERSION {
                return Err(wrong(format!(
                    "version {} is not known here; this version reads {VERSION}",
                    head.version
                )));
            }
            continue;
        }
        match serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))? {
            Row::Entry(entry) => {
                counts.entries += 1;
                if entry.seq != Seq(counts.entries) {
                    return Err(wrong(format!("entry {} stands where {} should", entry.seq, counts.entries)));
                }
                let savepoint = transaction.savepoint()?;
                writer::insert(&savepoint, &entry).map_err(|error| wrong(error.to_string()))?;
                savepoint.commit()?;
            }
            Row::Append { id, seq } => {
                counts.appends += 1;
                let sql = "INSERT INTO append (id, seq) VALUES (?1, ?2)";
                transaction.prepare_cached(sql)?.execute(params![id.as_str(), signed(seq)])?;
            }
            Row::Output(output) => {
                counts.lines += 1;
                store_output(transaction, &output).map_err(wrong)?;
            }
            Row::End(told) if told == counts => return Ok(counts),
            Row::End(told) => return Err(wrong(format!("{told:?} were written and {counts:?} are here"))),
        }
    }
}

fn store_output(transaction: &Transaction<'_>, output: &Output) -> Result<(), String> {
    let bytes = match (&output.text, &output.base64) {
        (Some(text), None) => text.clone().into_bytes(),
        (None, Some(base64)) => STANDARD.decode(base64).map_err(|error| error.to_string())?,
        _ => return Err("output has either text or base64".to_owned()),
    };
    // The lines of a run are numbered from 0, without a gap.
    let sql = "INSERT INTO output (run, line, at, stream, bytes)
               SELECT no, ?2, ?3, ?4, ?5 FROM run WHERE id = ?1
               AND ?2 = (SELECT coalesce(max(line) + 1, 0) FROM output WHERE run = no)";
    let stream = output.stream.clamp(0, 1);
    let done = transaction.prepare_cached(sql).and_then(|mut insert| {
        insert.execute(params![output.run.as_str(), signed(output.line), signed(output.at), stream, bytes])
    });
    match done {
        Ok(1) => Ok(()),
        Ok(_) => Err(format!("line {} of run {} does not follow what is there", output.line, output.run)),
        Err(error) => Err(error.to_string()),
    }
}

/// What was under way elsewhere is not under way here.
fn settle(transaction: &mut Transaction<'_>, go_on: bool) -> Result<(), TransferError> {
    let mut drafts: Vec<(Actor, Option<ProjectId>, Kind)> = Vec::new();
    if !go_on {
        for stored in read::all_of_kind(transaction, "goal_stated")? {
            if let Some(Kind::GoalStated { task, .. }) = stored.entry.body.known() {
                let person = Actor::Person { client: importer()? };
                let stopped = Kind::TaskStopped { task: TaskId::clone(task) };
                drafts.push((person, stored.entry.project.clone(), stopped));
            }
        }
    }
    if !go_on {
        // What waits for a turn would be a reason for one, whatever was stopped. Carried ones are past withdrawing.
        for stored in read::all_of_kind(transaction, "message_sent")? {
            if let Some(Kind::MessageSent { task, message, .. }) = stored.entry.body.known() {
                let person = Actor::Person { client: importer()? };
                let withdrawn = Kind::MessageWithdrawn { task: task.clone(), message: message.clone() };
                drafts.push((person, stored.entry.project.clone(), withdrawn));
            }
        }
    }
    for open in read::open_runs(transaction)? {
        let lines = output::sizes(transaction, &open.run)?.lines;
        let why = "it ran where this log comes from".to_owned();
        let ended = Kind::RunEnded {
            run: open.run,
            end: RunEnd::Lost { why },
            lines,
            pipes: Pipes::Closed,
            used: None,
        };
        drafts.push((Actor::Bridge, open.request.entry.project.clone(), ended));
    }
    let (mut seq, at) = read::head(transaction)?;
    let at = at.max(clock::now());
    for (actor, project, kind) in drafts {
        seq = seq.next();
        let entry = Entry { seq, at, actor, project, body: Draft::new(None, kind).body };
        let savepoint = transaction.savepoint()?;
        writer::insert(&savepoint, &entry)?;
        savepoint.commit()?;
    }
    Ok(())
}

fn importer() -> Result<ClientId, StoreError> {
    ClientId::new("import").map_err(|error| StoreError::Encode(error.to_string()))
}
