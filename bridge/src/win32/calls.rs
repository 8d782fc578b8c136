//! The few calls of Windows that Rust's library has no form of, each in a safe one.

use std::ffi::OsStr;
use std::io;
use std::os::windows::ffi::OsStrExt;
use std::os::windows::io::{FromRawHandle, OwnedHandle};
use std::path::Path;
use std::time::Duration;

use super::{Unfit, Wide};
use windows_sys::Win32::Foundation::{FILETIME, HANDLE, HANDLE_FLAG_INHERIT, SetHandleInformation};
use windows_sys::Win32::Storage::FileSystem::GetDiskFreeSpaceExW;
use windows_sys::Win32::System::Console::{
    CTRL_BREAK_EVENT, GenerateConsoleCtrlEvent, GetConsoleCP, GetStdHandle, STD_ERROR_HANDLE,
    STD_INPUT_HANDLE, STD_OUTPUT_HANDLE,
};
use windows_sys::Win32::System::SystemInformation::{GlobalMemoryStatusEx, MEMORYSTATUSEX};
use windows_sys::Win32::System::Threading::{GetCurrentThread, SetThreadPriority, THREAD_PRIORITY};

pub(crate) use console::PseudoConsole;
pub(crate) use event::Event;
pub(crate) use job::Job;
pub(crate) use process::{Process, Start, Streams};
pub(crate) use security::{make_folder, rights, user};

mod attributes;
mod console;
mod event;
mod job;
mod process;
mod security;

/// The error of the call that was made last, where its answer says that there was one.
fn check(answer: i32) -> io::Result<()> {
    if answer == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Takes a handle that a call has made, unless it is its way to say that it failed.
fn owned(made: HANDLE) -> io::Result<OwnedHandle> {
    if made.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call that made it gives it to its caller, who closes it; nobody else has it.
    #[expect(unsafe_code, reason = "a handle comes as a bare number")]
    Ok(unsafe { OwnedHandle::from_raw_handle(made) })
}

/// A text in the system's form.
pub(crate) fn wide(text: impl AsRef<OsStr>) -> Wide {
    text.as_ref().encode_wide().collect()
}

/// A text with the zero behind it that ends it.
///
/// # Errors
/// A zero stands inside, which would cut it.
fn name(text: impl AsRef<OsStr>) -> io::Result<Wide> {
    let mut name = wide(text);
    if name.contains(&0) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, Unfit::Zero));
    }
    name.push(0);
    Ok(name)
}

/// The size of a structure, as the system wants to be told it.
fn bytes_of<T>() -> u32 {
    u32::try_from(size_of::<T>()).unwrap_or(u32::MAX)
}

/// A span or a moment since 1601, in steps of 100 ns.
fn ticks(time: FILETIME) -> u64 {
    u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime)
}

fn of_ticks(ticks: u64) -> Duration {
    Duration::from_micros(ticks / 10)
}

/// Bytes that are free to this user on the disk of a folder.
pub(crate) fn free(folder: &Path) -> io::Result<u64> {
    let folder = name(folder)?;
    let mut free = 0;
    // SAFETY: the name ends with a zero and outlives the call, as does the number; the others are not asked for.
    #[expect(unsafe_code, reason = "a system call")]
    check(unsafe {
        GetDiskFreeSpaceExW(folder.as_ptr(), &raw mut free, std::ptr::null_mut(), std::ptr::null_mut())
    })?;
    Ok(free)
}

/// Bytes of memory that are free, and that the system would also promise.
pub(crate) fn free_memory() -> io::Result<u64> {
    let mut memory = MEMORYSTATUSEX { dwLength: bytes_of::<MEMORYSTATUSEX>(), ..Default::default() };
    // SAFETY: the place of the answer has the size that it names, and outlives the call.
    #[expect(unsafe_code, reason = "a system call")]
    check(unsafe { GlobalMemoryStatusEx(&raw mut memory) })?;
    Ok(memory.ullAvailPhys.min(memory.ullAvailPageFile))
}

/// Sets the calling thread's place among this process' threads.
pub(crate) fn prioritise(priority: THREAD_PRIORITY) -> io::Result<()> {
    // SAFETY: it changes a number of this very thread.
    #[expect(unsafe_code, reason = "a system call")]
    check(unsafe { SetThreadPriority(GetCurrentThread(), priority) })
}

/// Whether this process has a console, seen or not.
pub(crate) fn has_console() -> bool {
    // SAFETY: it only asks.
    #[expect(unsafe_code, reason = "a system call")]
    unsafe {
        GetConsoleCP() != 0
    }
}

/// Asks a group of processes on this process' console to end, as Ctrl and Break do.
///
/// # Errors
/// There is no console, or none that the group is on.
pub(crate) fn interrupt(group: u32) -> io::Result<()> {
    // SAFETY: it takes two numbers.
    #[expect(unsafe_code, reason = "a system call")]
    check(unsafe { GenerateConsoleCtrlEvent(CTRL_BREAK_EVENT, group) })
}

/// Keeps this process' standard streams from processes that are started from here on.
pub(crate) fn keep_streams() {
    for stream in [STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, STD_ERROR_HANDLE] {
        // SAFETY: it changes a flag of a handle of this process; one that is not there is refused, and needs nothing.
        #[expect(unsafe_code, reason = "a system call")]
        unsafe {
            SetHandleInformation(GetStdHandle(stream), HANDLE_FLAG_INHERIT, 0);
        }
    }
}
