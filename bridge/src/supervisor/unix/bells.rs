//! Rings by the kernel's word (inotify(7)), whoever changed the folder.

use std::collections::HashMap;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::supervisor::bell::Bell;
use crate::supervisor::folder::{ERR, OUT};

/// Bytes of events that are read at once; what does not fit is read next.
const EVENTS: usize = 16 * 1024;

#[derive(Debug)]
pub(in crate::supervisor) struct Bells {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    inotify: AsyncFd<OwnedFd>,
    /// By the number of their watch.
    bells: Mutex<HashMap<i32, Arc<Bell>>>,
}

/// A bell that hangs until this is dropped.
#[derive(Debug)]
pub(in crate::supervisor) struct Hung {
    pub bell: Arc<Bell>,
    watch: i32,
    inner: Arc<Inner>,
}

impl Bells {
    /// Needs a runtime, on which it listens until that ends.
    pub(in crate::supervisor) fn new() -> io::Result<Self> {
        let inotify = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        // SAFETY: the descriptor is open, and AsyncFd owns it: it stays open and the same until that is dropped.
        #[expect(unsafe_code, reason = "tokio has no safe way to wait for a file that it does not know")]
        let inotify = unsafe { AsyncFd::register_with_interest(inotify, Interest::READABLE) };
        let inotify = inotify.map_err(io::Error::from)?;
        let inner = Arc::new(Inner { inotify, bells: Mutex::default() });
        let listening = Arc::clone(&inner);
        tokio::spawn(async move {
            loop {
                if let Err(error) = listening.listen().await {
                    return tracing::error!(%error, "output of runs is no longer heard of");
                }
            }
        });
        Ok(Self { inner })
    }

    /// Hangs a bell in a folder.
    ///
    /// # Errors
    /// The folder is not there, or the system's limit of watches is reached.
    pub(in crate::supervisor) fn hang(&self, folder: &Path) -> io::Result<Hung> {
        let bell = Arc::new(Bell::default());
        // Held until the bell is known: its first event may come at once.
        let mut bells = self.inner.bells();
        let changes = WatchFlags::MODIFY | WatchFlags::MOVED_TO;
        let watch = inotify::add_watch(self.inner.inotify.get_ref(), folder, changes)?;
        bells.insert(watch, Arc::clone(&bell));
        drop(bells);
        Ok(Hung { bell, watch, inner: Arc::clone(&self.inner) })
    }
}

impl Inner {
    fn bells(&self) -> MutexGuard<'_, HashMap<i32, Arc<Bell>>> {
        self.bells.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for events and rings for all that there are.
    async fn listen(&self) -> io::Result<()> {
        let mut ready = self.inotify.readable().await?;
        let mut buffer = [MaybeUninit::uninit(); EVENTS];
        let mut events = Reader::new(self.inotify.get_ref(), &mut buffer);
        loop {
            match events.next() {
                Ok(event) if event.events().contains(ReadFlags::QUEUE_OVERFLOW) => self.ring_all(),
                Ok(event) => {
                    let name = event.file_name().map(std::ffi::CStr::to_bytes).unwrap_or_default();
                    if let Some(bell) = self.bells().get(&event.wd()) {
                        let output = name == OUT.as_bytes() || name == ERR.as_bytes();
                        if output { bell.output.notify_one() } else { bell.word.notify_one() }
                    }
                }
                Err(Errno::AGAIN) => {
                    ready.clear_ready();
                    return Ok(());
                }
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Events were dropped, so anything may have changed.
    fn ring_all(&self) {
        for bell in self.bells().values() {
            bell.output.notify_one();
            bell.word.notify_one();
        }
    }
}

impl Drop for Hung {
    fn drop(&mut self) {
        self.inner.bells().remove(&self.watch);
        // The folder may be gone, and its watch with it.
        let _ = inotify::remove_watch(self.inner.inotify.get_ref(), self.watch);
    }
}
