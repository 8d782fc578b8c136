//! Waits until an agent has named its session in its output.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::thread::sleep;
use std::time::Duration;

use rustix::fs::inotify::{self, CreateFlags, Reader, WatchFlags};
use rustix::io::Errno;
use shared::harness::Naming;

use crate::supervisor::{Lookout, RunFolder};

/// Between looks where the system has no watch to give (`fs.inotify.max_user_instances`).
const AGAIN: Duration = Duration::from_millis(50);
/// Bytes of events that are read at once: of one file without a name each has 16.
const EVENTS: usize = 256;

/// The answer; blocks until it is there.
pub(super) fn named(folder: &RunFolder) -> io::Result<Naming> {
    // Before the first look, so that nothing is missed between.
    let grows = growth(folder).ok();
    let mut lookout = Lookout::new(folder)?;
    let mut events = [MaybeUninit::uninit(); EVENTS];
    let mut events = grows.as_ref().map(|grows| Reader::new(grows, &mut events));
    loop {
        if let Some(naming) = lookout.look()? {
            return Ok(naming);
        }
        match events.as_mut().map(Reader::next) {
            Some(Ok(_) | Err(Errno::INTR)) => {}
            Some(Err(error)) => return Err(error.into()),
            None => sleep(AGAIN),
        }
    }
}

/// Tells of each time that the output grows.
fn growth(folder: &RunFolder) -> io::Result<OwnedFd> {
    let grows = inotify::init(CreateFlags::CLOEXEC)?;
    inotify::add_watch(&grows, folder.out(), WatchFlags::MODIFY)?;
    Ok(grows)
}
