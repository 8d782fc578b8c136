//! A run's output on its way to the store: what its files hold beyond what is stored, cut into lines. It
//! begins where the store ends, so that nothing is stored twice or left out, whichever bridge reads.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use shared::id::RunId;
use shared::run::{RunSpec, Stdin, Stream};
use shared::unit::Millis;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::Inner;
use super::bell::Bell;
use super::end::{after, reached};
use super::flight::{Flight, Grounded};
use super::folder::{ERR, OUT, RunFolder};
use super::lines::{Cut, Splitter};
use super::secrets::{Secrets, given};
use crate::clock;
use crate::config::Config;
use crate::store::{Piece, Sizes};
use crate::system;

/// Bytes that are read at once. What came meanwhile is one batch; a single line goes out at once. What the store has
/// no time for waits in the file.
pub(super) const CHUNK: usize = 64 * 1024;

/// How long what may be the beginning of a secret waits on a terminal for what follows. Programs write one in several goes
/// within milliseconds; a person who types waits no longer than this for a word that only looks like it.
const HELD: Duration = Duration::from_secs(1);

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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    No,
    AtTheEnd,
    Here,
}

/// What a run's output may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub cut: Cut,
    /// Bytes of each stream.
    pub limit: u64,
}

impl Shape {
    pub(super) fn of(config: &Config, spec: Option<&RunSpec>) -> Self {
        let on_terminal = spec.is_some_and(|spec| matches!(spec.stdin, Stdin::Pty { .. }));
        let bound = Some(config.disk.output_mb.saturating_mul(1_000_000)).filter(|bound| *bound > 0);
        let ordered = spec.and_then(|spec| spec.limits.output).map(|bytes| bytes.0);
        Self {
            cut: if on_terminal { Cut::Anywhere } else { Cut::AtNewlines },
            limit: bound.into_iter().chain(ordered).min().unwrap_or(u64::MAX),
        }
    }
}

/// Both streams of a run.
pub(super) struct Output {
    reader: JoinHandle<()>,
    stop: watch::Sender<Stop>,
    pub heard: watch::Receiver<Heard>,
    /// Whether a stream is longer than it may be.
    pub too_much: watch::Receiver<bool>,
    lines: Arc<AtomicU64>,
}

/// What of a run's output is stored, as far as it is.
pub(super) struct Read {
    pub lines: u64,
    pub too_much: bool,
}

struct Reader {
    run: RunId,
    flight: Flight,
    bell: Arc<Bell>,
    stop: watch::Receiver<Stop>,
    heard: watch::Sender<Heard>,
    too_much: watch::Sender<bool>,
    shape: Shape,
}

/// One of the two files, read up to here.
struct Tail {
    file: File,
    at: u64,
    splitter: Splitter,
    /// Until when what may be the beginning of a secret waits for what follows.
    held: Option<Instant>,
}

impl Output {
    /// Begins to read what the process of this order writes, from what is `stored` on.
    ///
    /// # Errors
    /// The files are not there.
    pub(super) fn of(
        folder: &RunFolder,
        bell: Arc<Bell>,
        inner: &Arc<Inner>,
        run: &RunId,
        order: Option<&RunSpec>,
        stored: Sizes,
    ) -> io::Result<Self> {
        let shape = Shape::of(&inner.config, order);
        let secrets = given(folder, order, &inner.secrets);
        let tail = |name, stream, at| {
            let file = File::open(folder.path().join(name))?;
            Tail::behind(file, stream, at, shape.cut, &secrets)
        };
        let tails = [tail(OUT, Stream::Stdout, stored.out)?, tail(ERR, Stream::Stderr, stored.err)?];
        let (stop, stopped) = watch::channel(Stop::No);
        let (hears, heard) = watch::channel(Heard::now());
        let (tells, too_much) = watch::channel(false);
        // A terminal's output is cut where a reading ended, which is elsewhere the next time.
        let certain = shape.cut == Cut::AtNewlines;
        let lines = Arc::new(AtomicU64::new(stored.lines));
        let reader = Reader {
            run: run.clone(),
            flight: Flight::new(inner, run, Arc::clone(&lines), certain),
            bell,
            stop: stopped,
            heard: hears,
            too_much: tells,
            shape,
        };
        Ok(Self { reader: tokio::spawn(reader.run(tails)), stop, heard, too_much, lines })
    }

    /// Reads what the files hold now, and no further; gives what is in the store.
    pub(super) async fn finish(self) -> Read {
        self.stop(Stop::AtTheEnd).await
    }

    /// Reads no further: the next bridge goes on behind what is stored.
    pub(super) async fn leave(self) {
        self.stop(Stop::Here).await;
    }

    async fn stop(self, stop: Stop) -> Read {
        self.stop.send_replace(stop);
        if let Err(error) = self.reader.await {
            tracing::error!(%error, "the reading of a run's output broke off");
        }
        Read { lines: self.lines.load(Ordering::Acquire), too_much: *self.too_much.borrow() }
    }
}

impl Reader {
    async fn run(mut self, tails: [Tail; 2]) {
        if let Err(Grounded) = self.read(tails).await {
            tracing::debug!(run = %self.run, "the next bridge reads on");
        }
    }

    async fn read(&mut self, mut tails: [Tail; 2]) -> Result<(), Grounded> {
        let mut chunk = vec![0; CHUNK];
        // Lines of stdout may have been told and not stored by an earlier bridge, before any of stderr.
        let told = tails[0].size();
        loop {
            // Looked at before reading: what is there at the stop is read to its end.
            let stop = *self.stop.borrow_and_update();
            let most = (stop == Stop::AtTheEnd).then(|| tails.each_ref().map(Tail::size));
            let (mut more, mut full) = (true, false);
            while std::mem::take(&mut more) {
                // Also long before it is read: a program can write many times as fast as is stored.
                let near =
                    |tail: &Tail| full || tail.at.saturating_add(chunk.len() as u64) > self.shape.limit;
                if tails.iter().any(|tail| near(tail) && tail.size() > self.shape.limit) {
                    self.too_much.send_if_modified(|too_much| !std::mem::replace(too_much, true));
                }
                let told_first = tails[0].at < told.min(self.shape.limit);
                for (place, tail) in tails.iter_mut().enumerate() {
                    if place == 1 && more && told_first {
                        continue;
                    }
                    let most = most.map_or(self.shape.limit, |most| most[place].min(self.shape.limit));
                    let read = tail.next(&mut chunk, most);
                    let count = read.unwrap_or_else(|error| {
                        tracing::error!(%error, run = %self.run, "output cannot be read");
                        0
                    });
                    if *self.stop.borrow() == Stop::Here {
                        return self.flight.empty().await;
                    }
                    if count > 0 {
                        // For what comes behind the end, the bell rings.
                        full |= count == chunk.len();
                        more |= full || told_first;
                        self.heard.send_replace(Heard::now());
                        let pieces = tail.splitter.push(&chunk[..count]);
                        tail.held = tail.splitter.holds().then(|| after(HELD)).flatten();
                        self.take(pieces).await?;
                    }
                }
            }
            if stop == Stop::AtTheEnd {
                break;
            }
            let held = tails.iter().filter_map(|tail| tail.held).min();
            tokio::select! {
                () = self.bell.output.notified() => {}
                _ = self.stop.changed() => {}
                answer = self.flight.answer() => self.flight.landed(answer).await?,
                () = reached(held) => self.let_go(&mut tails, |tail| tail.held == held).await?,
            }
        }
        self.let_go(&mut tails, |_| true).await?;
        self.flight.empty().await
    }

    /// Takes what nothing ended of such streams.
    async fn let_go(&mut self, tails: &mut [Tail], such: impl Fn(&Tail) -> bool) -> Result<(), Grounded> {
        for tail in tails.iter_mut().filter(|tail| such(tail)) {
            tail.held = None;
            self.take(tail.splitter.let_go()).await?;
        }
        Ok(())
    }

    async fn take(&mut self, pieces: Vec<Piece>) -> Result<(), Grounded> {
        self.flight.take(pieces.into_iter().map(Arc::new).collect()).await
    }
}

impl Tail {
    /// What the file has behind `at`, which is stored up to there.
    fn behind(file: File, stream: Stream, at: u64, cut: Cut, secrets: &Arc<Secrets>) -> io::Result<Self> {
        let reach = u64::try_from(secrets.reach()).unwrap_or(u64::MAX).min(at);
        let mut before = vec![0; usize::try_from(reach).unwrap_or(0)];
        let read = system::read_at(&file, &mut before, at - reach)?;
        let splitter = Splitter::new(stream, cut, Arc::clone(secrets), &before[..read]);
        Ok(Self { file, at, splitter, held: None })
    }

    fn size(&self) -> u64 {
        self.file.metadata().map_or(self.at, |meta| meta.len())
    }

    /// What follows, as much as fits and lies before `most`. Read here and not on a thread of its own: it
    /// was just written, so it comes from memory.
    fn next(&mut self, chunk: &mut [u8], most: u64) -> io::Result<usize> {
        let room = usize::try_from(most.saturating_sub(self.at)).unwrap_or(usize::MAX).min(chunk.len());
        let count = system::read_at(&self.file, &mut chunk[..room], self.at)?;
        self.at += u64::try_from(count).unwrap_or(0);
        Ok(count)
    }
}
