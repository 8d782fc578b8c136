//! Compaction: output of runs that have ended becomes blocks, a fifth of its size or less. A thread of the lowest
//! priority reads and compresses beside the writer, which only swaps one block for its rows in a short
//! transaction; so a crash leaves either, and the lines of live runs wait for no compression.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use rusqlite::Connection;
use shared::run::Stream;
use tokio::sync::{mpsc, oneshot};

use super::block::{BadBlock, Packer};
use super::queue::Next;
use super::writer::Job;
use super::{OpenError, StoreError, output, pool, read};
use crate::system::{self, Behind};

/// After each block, so that a folder full of old output does not keep the writer busy.
const PAUSE: Duration = Duration::from_millis(20);
/// Pages (of 4 KiB) that are given back in one transaction.
const PAGES: u32 = 64;
/// Free pages that are kept for the next run's output: as many, or a quarter of the file.
const KEPT: u64 = 4_096;

/// A block, and what it takes the place of.
#[derive(Debug)]
pub(super) struct Packed {
    /// The run's number.
    pub run: i64,
    pub first: u64,
    pub lines: u64,
    /// Bytes of each stream.
    pub out: u64,
    pub err: u64,
    pub bytes: Vec<u8>,
}

/// Why a pass broke off. What it had not reached is looked at again when the next run ends.
#[derive(Debug, thiserror::Error)]
enum CompactError {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("lines from {first} on of the run with number {run} cannot be packed: {why}")]
    Pack { run: i64, first: u64, why: BadBlock },
}

#[derive(Debug)]
pub(super) struct Compactor {
    // One wish can wait; a second would ask for the same.
    wishes: SyncSender<()>,
}

impl Compactor {
    /// Begins with what earlier bridges left; goes on at each wish. Ends with the store.
    pub(super) fn start(jobs: mpsc::WeakSender<Next>, file: PathBuf) -> Result<Self, OpenError> {
        let (wishes, wished) = sync_channel(1);
        std::thread::Builder::new()
            .name("compact".to_owned())
            .spawn(move || keep(&wished, &jobs, &file))
            .map_err(|error| OpenError::Thread(error.to_string()))?;
        let compactor = Self { wishes };
        compactor.wish();
        Ok(compactor)
    }

    /// A run has ended.
    pub(super) fn wish(&self) {
        // A wish that waits already needs no other.
        let _ = self.wishes.try_send(());
    }
}

fn keep(wished: &Receiver<()>, jobs: &mpsc::WeakSender<Next>, file: &Path) {
    system::give_way(Behind::All);
    for () in wished {
        match pass(jobs, file) {
            Ok(()) | Err(CompactError::Store(StoreError::Closed)) => {}
            Err(error) => tracing::warn!(%error, "output could not be compacted; it stays as it is"),
        }
    }
}

/// Compacts all that can be. The connection goes with the pass, and the memory that it took.
fn pass(jobs: &mpsc::WeakSender<Next>, file: &Path) -> Result<(), CompactError> {
    let connection = pool::open(file)?;
    let mut before = 0;
    while let Some((run, ended)) = next_run(&connection, before)? {
        while ended && let Some(block) = next_block(&connection, run)? {
            ask(jobs, |reply| Job::Swap { block, reply })?;
            std::thread::sleep(PAUSE);
        }
        before = run;
    }
    give_back(&connection, jobs)
}

/// The first run behind `before` that has rows of output, and whether it has ended.
fn next_run(connection: &Connection, before: i64) -> rusqlite::Result<Option<(i64, bool)>> {
    let sql = "SELECT no, ended IS NOT NULL FROM run WHERE no = (SELECT min(run) FROM output WHERE run > ?1)";
    let mut query = connection.prepare_cached(sql)?;
    let mut rows = query.query([before])?;
    rows.next()?.map(|row| Ok((row.get(0)?, row.get(1)?))).transpose()
}

/// The block of a run's first rows; nothing when it has none.
fn next_block(connection: &Connection, run: i64) -> Result<Option<Packed>, CompactError> {
    let sql = "SELECT line, at, stream, bytes FROM output WHERE run = ?1 ORDER BY line";
    let mut query = connection.prepare_cached(sql)?;
    let mut rows = query.query([run])?;
    let mut packer = Packer::default();
    let mut block = Packed { run, first: 0, lines: 0, out: 0, err: 0, bytes: Vec::new() };
    while !packer.is_full()
        && let Some(row) = rows.next()?
    {
        let line = read::unsigned(row.get(0)?);
        if block.lines == 0 {
            block.first = line;
        } else if line != block.first + block.lines {
            break;
        }
        let piece = output::piece(row, 1)?;
        let size = u64::try_from(piece.bytes.len()).unwrap_or(u64::MAX);
        match piece.stream {
            Stream::Stdout => block.out += size,
            Stream::Stderr => block.err += size,
        }
        block.lines += 1;
        packer.push(piece);
    }
    if block.lines == 0 {
        return Ok(None);
    }
    let first = block.first;
    block.bytes = packer.pack().map_err(|why| CompactError::Pack { run, first, why })?;
    Ok(Some(block))
}

/// Lets the file shrink when much of it is free. One that was made before this was wished for cannot, and uses
/// its free pages again.
fn give_back(connection: &Connection, jobs: &mpsc::WeakSender<Next>) -> Result<(), CompactError> {
    let count = |name| connection.pragma_query_value(None, name, |row| row.get(0)).map(read::unsigned);
    let mut free = count("freelist_count")?;
    let kept = KEPT.max(count("page_count")? / 4);
    while free > kept {
        let left = ask(jobs, |reply| Job::Shrink { pages: PAGES, reply })?;
        if left >= free {
            break;
        }
        free = left;
        std::thread::sleep(PAUSE);
    }
    Ok(())
}

/// Hands the writer a job and waits for it. The store's handles alone keep the writer: this thread ends with them.
fn ask(
    jobs: &mpsc::WeakSender<Next>,
    job: impl FnOnce(oneshot::Sender<Result<u64, StoreError>>) -> Job,
) -> Result<u64, StoreError> {
    let (reply, answer) = oneshot::channel();
    let writer = jobs.upgrade().ok_or(StoreError::Closed)?;
    writer.blocking_send(Next::Job(job(reply))).map_err(|_| StoreError::Closed)?;
    answer.blocking_recv().map_err(|_| StoreError::Closed)?
}

#[cfg(test)]
mod tests;
