//! Moving the write-ahead log into the database file. That syncs two files, so it is done by a thread of its
//! own beside the writer: no line waits for it. A writer that never pauses outruns that thread; then it does
//! the short rest itself, which lets SQLite begin the log anew and keeps it bounded.

use std::cell::Cell;
use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

use super::OpenError;
use crate::system::{self, Behind};

/// Pages (of 4 KiB) in the log when it is moved beside the writer, and when the writer does it.
const BESIDE: u32 = 4_096;
const INLINE: u32 = 16_384;
/// Pages more before it is tried again.
const STEP: u32 = 1_024;

thread_local! {
    /// Pages in the log after this thread's last commit. SQLite tells it on the thread that commits.
    static PAGES: Cell<u32> = const { Cell::new(0) };
}

#[derive(Debug)]
pub(super) struct Checkpoints {
    // One wish can wait; a second would ask for the same.
    wishes: SyncSender<()>,
    /// One at a time: SQLite turns a second one away, and the log would grow on.
    turn: Arc<Mutex<()>>,
    tried: u32,
}

impl Checkpoints {
    /// Takes over from SQLite's own checkpoints on the writer's connection.
    pub(super) fn start(writer: &Connection, file: &Path) -> Result<Self, OpenError> {
        let failed = |error| OpenError::Sqlite(file.to_owned(), error);
        writer.wal_hook(Some(|_, pages| {
            PAGES.set(u32::try_from(pages).unwrap_or(0));
            Ok(())
        }));
        let connection = Connection::open(file).map_err(failed)?;
        connection.busy_timeout(std::time::Duration::ZERO).map_err(failed)?;
        let (wishes, wished) = sync_channel(1);
        let turn = Arc::default();
        std::thread::Builder::new()
            .name("checkpoint".to_owned())
            .spawn({
                let turn = Arc::clone(&turn);
                move || {
                    system::give_way(Behind::Wakers);
                    wished.iter().for_each(|()| checkpoint(&connection, &turn));
                }
            })
            .map_err(|error| OpenError::Thread(error.to_string()))?;
        Ok(Self { wishes, turn, tried: 0 })
    }

    /// Looks after a commit whether the log has grown enough.
    pub(super) fn after_commit(&mut self, writer: &Connection) {
        let pages = PAGES.get();
        if pages < self.tried {
            self.tried = 0;
        }
        if pages < BESIDE.max(self.tried + STEP) {
            return;
        }
        self.tried = pages;
        if pages >= INLINE {
            // The disk is slower than the agents: this slows them to its pace.
            checkpoint(writer, &self.turn);
        } else {
            // A wish that waits already, or a thread that is gone with the store, needs no other.
            let _ = self.wishes.try_send(());
        }
    }
}

fn checkpoint(connection: &Connection, turn: &Mutex<()>) {
    let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
    // Passive: it waits for nobody, and moves what no reader still needs.
    if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
        tracing::warn!(%error, "the write-ahead log could not be moved; it is tried again");
    }
}
