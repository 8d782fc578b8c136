//! A run's output on its way to the store: read raw, cut into lines, stored as it comes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use shared::id::RunId;
use shared::run::Stream;
use shared::unit::Millis;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Child;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::lines::Splitter;
use super::{AGAIN, Inner};
use crate::clock;
use crate::store::{Piece, StoreError};

/// Bytes that are read at once. With a piece of a long line they are the most that waits for the store per
/// stream: reading goes on when they are stored, so an agent that is faster than the disk is slowed by its
/// pipe. What came meanwhile is one batch; a single line goes out at once.
const CHUNK: usize = 64 * 1024;

/// When a run last said something.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heard {
    pub at: Millis,
    pub moment: Instant,
}

impl Heard {
    fn now() -> Self {
        Self { at: clock::now(), moment: Instant::now() }
    }
}

/// Both streams of a run.
pub(super) struct Output {
    /// Each says whether it came to the stream's end.
    readers: JoinSet<bool>,
    stop: watch::Sender<bool>,
    pub heard: watch::Receiver<Heard>,
    lines: Arc<AtomicU64>,
}

struct Reader {
    inner: Arc<Inner>,
    run: RunId,
    stop: watch::Receiver<bool>,
    heard: Arc<watch::Sender<Heard>>,
    lines: Arc<AtomicU64>,
}

impl Output {
    /// Begins to read what the process writes.
    pub(super) fn of(child: &mut Child, inner: &Arc<Inner>, run: &RunId) -> Self {
        let (stop, stopped) = watch::channel(false);
        let (hears, heard) = watch::channel(Heard::now());
        let (hears, lines) = (Arc::new(hears), Arc::new(AtomicU64::new(0)));
        let mut readers = JoinSet::new();
        let reader = || Reader {
            inner: Arc::clone(inner),
            run: run.clone(),
            stop: stopped.clone(),
            heard: Arc::clone(&hears),
            lines: Arc::clone(&lines),
        };
        if let Some(stdout) = child.stdout.take() {
            readers.spawn(reader().read(Stream::Stdout, stdout));
        }
        if let Some(stderr) = child.stderr.take() {
            readers.spawn(reader().read(Stream::Stderr, stderr));
        }
        Self { readers, stop, heard, lines }
    }

    /// Whether both streams ended within this time.
    pub(super) async fn ends_within(&mut self, span: Duration) -> bool {
        timeout(span, async { while self.readers.join_next().await.is_some() {} }).await.is_ok()
    }

    /// Reads what is there and no further; says whether both streams were at their end.
    pub(super) async fn finish(&mut self) -> bool {
        self.stop.send_replace(true);
        let mut ended = true;
        while let Some(reader) = self.readers.join_next().await {
            ended &= reader.unwrap_or(false);
        }
        ended
    }

    /// Lines that are in the store.
    pub(super) fn lines(&self) -> u64 {
        self.lines.load(Ordering::Acquire)
    }
}

impl Reader {
    async fn read(mut self, stream: Stream, mut pipe: impl AsyncRead + Unpin) -> bool {
        let mut splitter = Splitter::new(stream);
        let mut chunk = vec![0; CHUNK];
        let ended = loop {
            let read = tokio::select! {
                // First what is there: a stop is for a pipe that nobody writes to and somebody holds.
                biased;
                read = pipe.read(&mut chunk) => read,
                _ = self.stop.wait_for(|stop| *stop) => break false,
            };
            let Ok(count @ 1..) = read else { break true };
            self.heard.send_replace(Heard::now());
            self.store(splitter.push(&chunk[..count])).await;
        };
        self.store(splitter.finish().into_iter().collect()).await;
        ended
    }

    async fn store(&self, pieces: Vec<Piece>) {
        if pieces.is_empty() {
            return;
        }
        loop {
            match self.inner.store.append_output(&self.run, pieces.clone()).await {
                Ok(stored) => {
                    self.lines.fetch_max(stored, Ordering::AcqRel);
                    return;
                }
                Err(StoreError::Closed) => return,
                Err(error) => tracing::error!(%error, run = %self.run, "output waits for the store"),
            }
            if *self.inner.closing.borrow() {
                return;
            }
            sleep(AGAIN).await;
        }
    }
}
