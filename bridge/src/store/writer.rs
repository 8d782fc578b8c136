//! The writer thread: takes what waits, commits it as one transaction, publishes it, answers. A job
//! that cannot be carried out is rolled back alone; the others of its group are committed. Only lines that cannot be
//! stored take their group along, the first time. Lines that were told are
//! written ahead, in a transaction that the next group goes on with.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Savepoint, params};
use shared::entry::{Actor, Draft, Entry, Kind};
use shared::id::{AppendId, RunId};
use shared::unit::{Millis, Seq};
use tokio::sync::oneshot;

use super::checkpoint::Checkpoints;
use super::compact::{Compactor, Packed};
use super::queue::{Lines, Receiver, Slice, Work};
use super::read::{self, Page, signed, unsigned};
use super::{Hub, Piece, StoreError, Stored, output};

pub(super) type Appended = Result<(Vec<Arc<Stored>>, Seq), StoreError>;
pub(super) type Counted = Result<u64, StoreError>;

#[derive(Debug)]
pub(super) enum Job {
    Append {
        actor: Actor,
        id: Option<AppendId>,
        seen: Option<Seq>,
        drafts: Vec<Draft>,
        reply: oneshot::Sender<Appended>,
    },
    Output {
        run: RunId,
        lines: Lines,
        /// Followers have them.
        told: bool,
    },
    /// Puts a block in the place of its rows; gives how many, which is none when they are not all there.
    Swap { block: Packed, reply: oneshot::Sender<Counted> },
    /// Gives free pages back to the file system, as many at most; gives how many are left.
    Shrink { pages: u32, reply: oneshot::Sender<Counted> },
}

enum Done {
    Append(oneshot::Sender<Appended>, Appended),
    Count(oneshot::Sender<Counted>, Counted),
}

pub(super) struct Writer {
    connection: Connection,
    checkpoints: Checkpoints,
    compactor: Compactor,
    hub: Arc<Hub>,
    /// The machine's, which may jump.
    clock: fn() -> Millis,
    head: Seq,
    /// The clock as the log shows it: it never goes back, whatever the machine's does.
    at: Millis,
    /// The last that a person said since the store was opened. Whoever decides was sent all that is older
    /// before the baton.
    intent: Seq,
    /// Number and line count of runs that have output coming.
    runs: HashMap<RunId, (i64, u64)>,
    durable: bool,
    ahead: Ahead,
    /// Lines were refused, and each run's are within a savepoint until none are.
    cautious: bool,
}

/// The transaction of lines that are written and not committed.
#[derive(Default)]
enum Ahead {
    #[default]
    Nothing,
    Open,
    /// It could not begin, or SQLite rolled it back.
    Broken(StoreError),
}

/// What a group has made so far, to be published after its commit.
#[derive(Default)]
struct Group {
    entries: Vec<Arc<Stored>>,
    /// How many lines a run has now, and the newest of them, unless followers have those.
    output: Vec<(RunId, u64, Vec<Arc<Piece>>)>,
    ended: Vec<RunId>,
    /// There is something to compact, or room to give back.
    wish: bool,
}

impl Writer {
    pub(super) fn new(
        connection: Connection,
        checkpoints: Checkpoints,
        compactor: Compactor,
        hub: Arc<Hub>,
        clock: fn() -> Millis,
        (head, at): (Seq, Millis),
    ) -> Self {
        Self {
            connection,
            checkpoints,
            compactor,
            hub,
            clock,
            head,
            at,
            intent: Seq(0),
            runs: HashMap::new(),
            durable: true,
            ahead: Ahead::Nothing,
            cautious: false,
        }
    }

    pub(super) fn run(mut self, mut queue: Receiver) {
        while let Some(work) = queue.next() {
            match work {
                Work::Slice(lines) => self.write_ahead(lines),
                Work::Group(jobs) if jobs.is_empty() => {}
                Work::Group(jobs) => self.commit(jobs),
            }
        }
    }

    /// Writes lines that the next group commits and answers. Those that are refused are missing then, which refuses
    /// all that follow them.
    pub(super) fn write_ahead(&mut self, lines: Vec<Slice>) {
        for (run, first, pieces) in lines {
            if let Ahead::Nothing = self.ahead {
                self.ahead = match self.begin(false) {
                    Ok(()) => Ahead::Open,
                    Err(error) => Ahead::Broken(error),
                };
            }
            if let Ahead::Broken(_) = self.ahead {
                return;
            }
            if let Err(error) = self.output(&run, first, &pieces) {
                self.runs.remove(&run);
                // Then all of it was rolled back.
                if self.connection.is_autocommit() {
                    self.ahead = Ahead::Broken(error);
                }
            }
        }
    }

    pub(super) fn commit(&mut self, jobs: Vec<Job>) {
        let before = (self.head, self.at);
        match self.write(jobs) {
            Ok((group, done)) => {
                self.hub.publish(group.entries, group.output);
                if group.wish {
                    self.compactor.wish();
                }
                for run in group.ended {
                    self.runs.remove(&run);
                    self.hub.close(&run);
                }
                done.into_iter().for_each(Done::answer);
                self.checkpoints.after_commit(&self.connection);
            }
            Err((error, done)) => {
                tracing::error!(%error, "the store could not commit");
                (self.head, self.at) = before;
                self.recover();
                done.into_iter().for_each(|done| done.fail(&error));
            }
        }
    }

    /// After a failed commit the file says what is stored, not the memory: a disk can fail after the commit
    /// as well as before it. Followers get what came through, so that the log they see has no gap.
    fn recover(&mut self) {
        self.runs.clear();
        let missed = read::entries_after(&self.connection, self.hub.head(), Page::ALL);
        match (read::head(&self.connection), missed) {
            (Ok((head, at)), Ok(missed)) => {
                (self.head, self.at) = (head, self.at.max(at));
                self.intent = self.intent.min(head);
                let over: Vec<RunId> = missed.iter().filter_map(|stored| ended(&stored.entry)).collect();
                self.hub.publish(missed, Vec::new());
                over.iter().for_each(|run| self.hub.close(run));
            }
            // The next append fails at its number if it is taken, and this is tried again.
            (Err(error), _) | (_, Err(error)) => tracing::error!(%error, "the store cannot be read either"),
        }
    }

    /// Output alone need not wait for the disk: the agent's own transcript still has it after a power cut,
    /// and SQLite keeps the file sound. What decides anything is synced.
    fn set_durable(&mut self, durable: bool) -> rusqlite::Result<()> {
        if durable != self.durable {
            self.connection.pragma_update(None, "synchronous", if durable { "FULL" } else { "NORMAL" })?;
            self.durable = durable;
        }
        Ok(())
    }

    /// What SQLite was told of syncing for the last transaction: 2 is FULL.
    #[cfg(test)]
    pub(super) fn synchronous(&self) -> rusqlite::Result<i64> {
        self.connection.pragma_query_value(None, "synchronous", |row| row.get(0))
    }

    fn begin(&mut self, durable: bool) -> Result<(), StoreError> {
        self.set_durable(durable)
            .and_then(|()| self.connection.execute_batch("BEGIN IMMEDIATE"))
            .map_err(write)
    }

    /// The transaction of a group, which is that of the lines written ahead unless more is asked of it: then those
    /// are committed first, and synced with the rest, as both are in one file.
    fn go_on(&mut self, durable: bool) -> Result<(), StoreError> {
        match std::mem::take(&mut self.ahead) {
            Ahead::Nothing => self.begin(durable),
            Ahead::Open if !durable => Ok(()),
            Ahead::Open => {
                self.connection.execute_batch("COMMIT").map_err(write)?;
                self.begin(durable)
            }
            Ahead::Broken(error) => Err(error),
        }
    }

    fn write(&mut self, jobs: Vec<Job>) -> Result<(Group, Vec<Done>), (StoreError, Vec<Done>)> {
        let durable = jobs.iter().any(|job| matches!(job, Job::Append { .. }));
        let mut group = Group::default();
        let mut done = Vec::with_capacity(jobs.len());
        let mut broken = self.go_on(durable).err();
        for job in jobs {
            // Outside the transaction a job would be committed alone, and then be told to have failed.
            if let Some(error) = &broken {
                done.push(Done::failed(job, error));
                continue;
            }
            done.push(self.carry_out(job, &mut group));
            // A full disk rolls back all of it, not only the job that found it full, and so do lines that cannot be stored.
            if self.connection.is_autocommit() {
                broken = Some(done.last().and_then(Done::error).unwrap_or(StoreError::Closed));
            }
        }
        let ended = match broken {
            Some(error) => Err(error),
            None => self.connection.execute_batch("COMMIT").map_err(write),
        };
        match ended {
            Ok(()) => {
                self.cautious &= done.iter().any(|done| done.error().is_some());
                Ok((group, done))
            }
            Err(error) => {
                // It may be rolled back already.
                let _ = self.connection.execute_batch("ROLLBACK");
                Err((error, done))
            }
        }
    }

    fn carry_out(&mut self, job: Job, group: &mut Group) -> Done {
        match job {
            Job::Append { actor, id, seen, drafts, reply } => {
                let before = (self.head, self.at);
                let made = match seen {
                    Some(seen) if seen < self.intent => Err(StoreError::Overtaken(self.intent)),
                    _ => self.append(&actor, id.as_ref(), drafts),
                };
                match &made {
                    Ok((entries, _)) => {
                        group.ended.extend(entries.iter().filter_map(|stored| ended(&stored.entry)));
                        group.wish |= entries.iter().any(|stored| frees(&stored.entry));
                        group.entries.extend(entries.iter().cloned());
                    }
                    Err(_) => (self.head, self.at) = before,
                }
                Done::Append(reply, made)
            }
            Job::Output { run, lines: Lines { first, pieces, reply }, told } => {
                let stored = self.output(&run, first, &pieces);
                if let Ok(next) = stored {
                    group.output.push((run, next, if told { Vec::new() } else { pieces }));
                } else {
                    self.runs.remove(&run);
                }
                Done::Count(reply, stored)
            }
            Job::Swap { block, reply } => Done::Count(reply, self.swap(&block).map_err(write)),
            Job::Shrink { pages, reply } => Done::Count(reply, self.shrink(pages).map_err(write)),
        }
    }

    fn append(&mut self, actor: &Actor, id: Option<&AppendId>, drafts: Vec<Draft>) -> Appended {
        let (head, at) = (self.head, self.at.max((self.clock)()));
        let savepoint = self.connection.savepoint().map_err(write)?;
        if let Some(id) = id
            && let Some(seq) = acknowledged(&savepoint, id).map_err(write)?
        {
            return Ok((Vec::new(), seq));
        }
        let mut entries = Vec::with_capacity(drafts.len());
        let mut seq = head;
        for Draft { project, body } in drafts {
            seq = seq.next();
            let stored = Stored::new(Entry { seq, at, actor: actor.clone(), project, body })?;
            insert(&savepoint, &stored.entry)?;
            entries.push(Arc::new(stored));
        }
        if let Some(id) = id {
            savepoint
                .prepare_cached("INSERT INTO append (id, seq) VALUES (?1, ?2)")
                .and_then(|mut insert| insert.execute(params![id.as_str(), signed(seq.0)]))
                .map_err(write)?;
        }
        savepoint.commit().map_err(write)?;
        (self.head, self.at) = (seq, at);
        let intends =
            |stored: &Arc<Stored>| stored.entry.body.known().is_none_or(|kind| !kind.is_for_a_terminal());
        if let (Actor::Person { .. }, true) = (actor, entries.iter().any(intends)) {
            self.intent = seq;
        }
        Ok((entries, seq))
    }

    /// Stores all of these lines, or none. In a savepoint SQLite copies each page before it changes it, for which there
    /// are too many lines; so one that cannot be stored takes the transaction along, and only then there are savepoints.
    fn output(&mut self, run: &RunId, first: u64, pieces: &[Arc<Piece>]) -> Result<u64, StoreError> {
        let in_transaction = |writer: &Self, words| writer.connection.execute_batch(words).map_err(write);
        if !self.cautious {
            let stored = self.insert_lines(run, first, pieces);
            if let Err(StoreError::Write(_)) = stored {
                self.cautious = true;
                // It may be rolled back already.
                let _ = in_transaction(self, "ROLLBACK");
            }
            return stored;
        }
        in_transaction(self, "SAVEPOINT lines")?;
        let stored = self.insert_lines(run, first, pieces);
        // What took the whole transaction along leaves no savepoint.
        if !self.connection.is_autocommit() {
            let kept = if stored.is_ok() { "RELEASE lines" } else { "ROLLBACK TO lines; RELEASE lines" };
            in_transaction(self, kept)?;
        }
        stored
    }

    /// Writes what of the lines from `first` on is not there yet: a commit that failed may have come through.
    fn insert_lines(&mut self, run: &RunId, first: u64, pieces: &[Arc<Piece>]) -> Result<u64, StoreError> {
        let known = self.runs.get(run).copied().map_or_else(|| self.find_run(run), Ok)?;
        let (no, mut line) = known;
        // Those before the first were refused and come again; these would take their numbers.
        let stored = line.checked_sub(first).ok_or_else(|| StoreError::TooEarly(run.clone()))?;
        let stored = usize::try_from(stored).unwrap_or(usize::MAX).min(pieces.len());
        let sql = "INSERT INTO output (run, line, at, stream, bytes) VALUES (?1, ?2, ?3, ?4, ?5)";
        let mut insert = self.connection.prepare_cached(sql).map_err(write)?;
        for piece in &pieces[stored..] {
            let stream = output::number(piece.stream);
            insert
                .execute(params![no, signed(line), signed(piece.at.0), stream, piece.bytes])
                .map_err(write)?;
            line += 1;
        }
        match self.runs.get_mut(run) {
            Some(known) => known.1 = line,
            None => drop(self.runs.insert(run.clone(), (no, line))),
        }
        Ok(line)
    }

    /// Number and line count of a run.
    fn find_run(&self, run: &RunId) -> Result<(i64, u64), StoreError> {
        let found = self.connection.query_row(
            "SELECT no, coalesce((SELECT max(line) + 1 FROM output WHERE run = no),
             (SELECT max(first + lines) FROM block WHERE run = no), 0) FROM run WHERE id = ?1",
            [run.as_str()],
            |row| Ok((row.get(0)?, unsigned(row.get(1)?))),
        );
        found.optional().map_err(write)?.ok_or_else(|| StoreError::NoSuchRun(run.clone()))
    }

    fn swap(&mut self, block: &Packed) -> rusqlite::Result<u64> {
        let Packed { run, first, lines, out, err, bytes } = block;
        let savepoint = self.connection.savepoint()?;
        let sql = "DELETE FROM output WHERE run = ?1 AND line >= ?2 AND line < ?3";
        let gone =
            savepoint.prepare_cached(sql)?.execute(params![run, signed(*first), signed(first + lines)])?;
        if u64::try_from(gone) != Ok(*lines) {
            return Ok(0);
        }
        let sql = "INSERT INTO block (run, first, lines, out, err, bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let row = params![run, signed(*first), signed(*lines), signed(*out), signed(*err), bytes];
        savepoint.prepare_cached(sql)?.execute(row)?;
        savepoint.commit()?;
        Ok(*lines)
    }

    fn shrink(&mut self, pages: u32) -> rusqlite::Result<u64> {
        self.connection.pragma(None, "incremental_vacuum", pages, |_| Ok(()))?;
        self.connection.pragma_query_value(None, "freelist_count", |row| row.get(0)).map(unsigned)
    }
}

impl Done {
    // Whoever asked may be gone; then nobody needs the answer.
    fn answer(self) {
        match self {
            Self::Append(reply, made) => drop(reply.send(made)),
            Self::Count(reply, count) => drop(reply.send(count)),
        }
    }

    fn failed(job: Job, error: &StoreError) -> Self {
        match job {
            Job::Append { reply, .. } => Self::Append(reply, Err(error.clone())),
            Job::Output { lines: Lines { reply, .. }, .. }
            | Job::Swap { reply, .. }
            | Job::Shrink { reply, .. } => Self::Count(reply, Err(error.clone())),
        }
    }

    fn error(&self) -> Option<StoreError> {
        match self {
            Self::Append(_, made) => made.as_ref().err().cloned(),
            Self::Count(_, count) => count.as_ref().err().cloned(),
        }
    }

    fn fail(self, error: &StoreError) {
        match self {
            Self::Append(reply, _) => drop(reply.send(Err(error.clone()))),
            Self::Count(reply, _) => drop(reply.send(Err(error.clone()))),
        }
    }
}

fn write(error: rusqlite::Error) -> StoreError {
    StoreError::Write(error.to_string())
}

fn acknowledged(savepoint: &Savepoint<'_>, id: &AppendId) -> rusqlite::Result<Option<Seq>> {
    let mut query = savepoint.prepare_cached("SELECT seq FROM append WHERE id = ?1")?;
    let seq: Option<i64> = query.query_row([id.as_str()], |row| row.get(0)).optional()?;
    Ok(seq.map(|seq| Seq(u64::try_from(seq).unwrap_or(0))))
}

pub(super) fn insert(savepoint: &Savepoint<'_>, entry: &Entry) -> Result<(), StoreError> {
    let encoded = |error: serde_json::Error| StoreError::Encode(error.to_string());
    let actor = serde_json::to_string(&entry.actor).map_err(encoded)?;
    let body = serde_json::to_string(&entry.body).map_err(encoded)?;
    let kind = kind_of(&body);
    savepoint
        .prepare_cached(
            "INSERT INTO entry (seq, at, actor, project, kind, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )
        .and_then(|mut insert| {
            let project = entry.project.as_ref().map(shared::id::ProjectId::as_str);
            insert.execute(params![signed(entry.seq.0), signed(entry.at.0), actor, project, kind, body])
        })
        .map_err(write)?;
    index_run(savepoint, entry)
}

/// What a starting bridge must know of runs without reading the whole log; and output goes with the entry that tells it.
fn index_run(savepoint: &Savepoint<'_>, entry: &Entry) -> Result<(), StoreError> {
    match entry.body.known() {
        Some(Kind::RunRequested { run, .. }) => {
            let sql = "INSERT OR IGNORE INTO run (id, requested) VALUES (?1, ?2)";
            let made = savepoint
                .prepare_cached(sql)
                .and_then(|mut insert| insert.execute(params![run.as_str(), signed(entry.seq.0)]));
            if made.map_err(write)? == 0 {
                return Err(StoreError::RunExists(run.clone()));
            }
        }
        Some(Kind::RunStarted { run, pid, started }) => {
            let sql = "UPDATE run SET pid = ?2, started = ?3 WHERE id = ?1";
            let made = savepoint
                .prepare_cached(sql)
                .and_then(|mut update| update.execute(params![run.as_str(), pid, signed(*started)]));
            made.map_err(write)?;
        }
        Some(Kind::RunEnded { run, .. }) => {
            let sql = "UPDATE run SET ended = ?2 WHERE id = ?1";
            let made = savepoint
                .prepare_cached(sql)
                .and_then(|mut update| update.execute(params![run.as_str(), signed(entry.seq.0)]));
            made.map_err(write)?;
        }
        Some(Kind::OutputRemoved { run, .. }) => {
            for table in ["block", "output"] {
                let sql = format!("DELETE FROM {table} WHERE run = (SELECT no FROM run WHERE id = ?1)");
                let gone =
                    savepoint.prepare_cached(&sql).and_then(|mut delete| delete.execute([run.as_str()]));
                gone.map_err(write)?;
            }
        }
        _ => {}
    }
    Ok(())
}

fn ended(entry: &Entry) -> Option<RunId> {
    if let Some(Kind::RunEnded { run, .. }) = entry.body.known() { Some(run.clone()) } else { None }
}

fn frees(entry: &Entry) -> bool {
    matches!(entry.body.known(), Some(Kind::RunEnded { .. } | Kind::OutputRemoved { .. }))
}

/// The body's tag; a body always is an object with one, or was refused at the door.
fn kind_of(body: &str) -> String {
    #[derive(serde::Deserialize)]
    struct Tag {
        kind: String,
    }
    serde_json::from_str::<Tag>(body).map_or_else(|_| "unknown".to_owned(), |tag| tag.kind)
}
