//! A connection whose other end has to take what it asked for: one that takes nothing for a while is broken off, so that
//! nobody keeps a place by asking and not reading.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// Reads and writes through `wire`. A write that can go no further errs with `TimedOut` after the time that it has.
pub(super) struct Patient<W> {
    wire: W,
    /// What a write may wait for room.
    most: Duration,
    /// Set while one waits.
    out_of_patience: Option<Pin<Box<Sleep>>>,
}

impl<W: Unpin> Patient<W> {
    pub(super) fn new(wire: W, most: Duration) -> Self {
        Self { wire, most, out_of_patience: None }
    }

    fn timed<T>(
        &mut self,
        context: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut W>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let written = write(Pin::new(&mut self.wire), context);
        if written.is_ready() {
            self.out_of_patience = None;
            return written;
        }
        let most = self.most;
        ready!(self.out_of_patience.get_or_insert_with(|| Box::pin(sleep(most))).as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "what was asked for is not taken")))
    }
}

impl<W: AsyncRead + Unpin> AsyncRead for Patient<W> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_read(context, into)
    }
}

impl<W: AsyncWrite + Unpin> AsyncWrite for Patient<W> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.timed(context, |wire, context| wire.poll_write(context, bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.timed(context, AsyncWrite::poll_flush)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.timed(context, AsyncWrite::poll_shutdown)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.timed(context, |wire, context| wire.poll_write_vectored(context, parts))
    }

    fn is_write_vectored(&self) -> bool {
        self.wire.is_write_vectored()
    }
}
