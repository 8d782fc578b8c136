//! A bell with a name, which another process can ring.

use std::io;
use std::os::windows::io::{AsRawHandle, OwnedHandle};
use std::ptr;

use windows_sys::Win32::Foundation::WAIT_FAILED;
use windows_sys::Win32::System::Threading::{
    CreateEventW, EVENT_MODIFY_STATE, INFINITE, OpenEventW, SetEvent, WaitForSingleObject,
};

use super::{check, name, owned};

#[derive(Debug)]
pub(crate) struct Event(OwnedHandle);

impl Event {
    /// One that is there for as long as somebody has it.
    pub(crate) fn make(called: &str) -> io::Result<Self> {
        let wide = name(called)?;
        // SAFETY: the name ends with a zero and outlives the call; no attributes are given.
        #[expect(unsafe_code, reason = "a system call")]
        owned(unsafe { CreateEventW(ptr::null(), 0, 0, wide.as_ptr()) }).map(Self)
    }

    /// One that somebody has made.
    pub(crate) fn open(called: &str) -> io::Result<Self> {
        let wide = name(called)?;
        // SAFETY: the name ends with a zero and outlives the call.
        #[expect(unsafe_code, reason = "a system call")]
        owned(unsafe { OpenEventW(EVENT_MODIFY_STATE, 0, wide.as_ptr()) }).map(Self)
    }

    /// Rings. Who waits is woken once, now or when it next waits.
    pub(crate) fn ring(&self) -> io::Result<()> {
        // SAFETY: the handle is open, and an event's.
        #[expect(unsafe_code, reason = "a system call")]
        check(unsafe { SetEvent(self.0.as_raw_handle()) })
    }

    /// Blocks until it rings.
    pub(crate) fn wait(&self) -> io::Result<()> {
        // SAFETY: the handle is open for as long as this borrows it.
        #[expect(unsafe_code, reason = "a system call")]
        let waited = unsafe { WaitForSingleObject(self.0.as_raw_handle(), INFINITE) };
        if waited == WAIT_FAILED { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}
