//! A pipe for what a shell's command writes, spooled to the run's file. A program whose output is the file itself can empty it by
//! opening it again by name, as `echo … > /dev/stderr` and `tee /dev/stdout` do; through a pipe that only adds.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::io::{Errno, ioctl_fionread};

use super::terminal::write_all;

/// Bytes that are taken at once.
const CHUNK: usize = 16 * 1024;

/// Copies share it.
#[derive(Clone)]
pub(super) struct Piped {
    outer: Arc<OwnedFd>,
    /// Locked from reading to writing: the order of the bytes stays, whoever empties it.
    out: Arc<Mutex<File>>,
}

impl Piped {
    /// Makes a pipe whose bytes go to `out`, and the end that the program gets.
    pub(super) fn open(out: File) -> io::Result<(Self, io::PipeWriter)> {
        let (outer, inner) = io::pipe()?;
        fcntl_setfl(&outer, OFlags::NONBLOCK)?;
        Ok((Self { outer: Arc::new(outer.into()), out: Arc::new(Mutex::new(out)) }, inner))
    }

    /// Spools until nobody has the inner end any more.
    pub(super) fn spool(&self) -> io::Result<()> {
        loop {
            match poll(&mut [PollFd::new(&*self.outer, PollFlags::IN)], None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            if self.take(u64::MAX)? == 0 {
                return Ok(());
            }
        }
    }

    /// Spools what is there now, and no more: others may write without end.
    pub(super) fn empty(&self) {
        // What another has taken is in the file once the lock is free, and not before.
        let written = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let mut left = ioctl_fionread(&*self.outer).unwrap_or(0);
        drop(written);
        while left > 0 {
            match self.take(left) {
                Ok(0) | Err(_) => return,
                Ok(count) => left = left.saturating_sub(count),
            }
        }
    }

    /// Spools some of it, at most so many bytes; none is left and to come where that are none.
    fn take(&self, most: u64) -> io::Result<u64> {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let mut chunk = [0; CHUNK];
        let most = usize::try_from(most).map_or(CHUNK, |most| most.min(CHUNK));
        loop {
            match rustix::io::read(&*self.outer, &mut chunk[..most]) {
                Ok(count) => {
                    write_all(&mut out, &chunk[..count]);
                    return Ok(count as u64);
                }
                Err(Errno::INTR) => {}
                // Another has taken it meanwhile.
                Err(Errno::AGAIN) => return Ok(1),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::thread;
    use std::time::Duration;

    use super::*;

    /// The pipe is empty, and what stood in it is on its way: a process that ended now would take it along.
    #[test]
    fn what_another_has_taken_is_waited_for() {
        let (piped, _inner) = Piped::open(tempfile::tempfile().unwrap()).unwrap();
        let writes = piped.out.lock().unwrap();
        let other = piped.clone();
        let empties = thread::spawn(move || other.empty());
        thread::sleep(Duration::from_millis(100));
        assert!(!empties.is_finished());
        drop(writes);
        empties.join().unwrap();
    }
}
