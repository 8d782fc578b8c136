//! Processes: started in a job from their first moment on, with the handles that they are meant to have and no
//! others; and held, so that no stranger is taken for them.

use std::io;
use std::os::windows::io::{AsRawHandle, OwnedHandle};
use std::path::Path;
use std::ptr;
use std::time::Duration;

use windows_sys::Win32::Foundation::{
    FILETIME, HANDLE, HANDLE_FLAG_INHERIT, SetHandleInformation, WAIT_OBJECT_0,
};
use windows_sys::Win32::System::ProcessStatus::{K32GetProcessMemoryInfo, PROCESS_MEMORY_COUNTERS};
use windows_sys::Win32::System::Threading::{
    CREATE_NEW_PROCESS_GROUP, CREATE_NO_WINDOW, CREATE_UNICODE_ENVIRONMENT, CreateProcessW,
    EXTENDED_STARTUPINFO_PRESENT, GetExitCodeProcess, GetProcessTimes, INFINITE, OpenProcess,
    PROC_THREAD_ATTRIBUTE_HANDLE_LIST, PROC_THREAD_ATTRIBUTE_JOB_LIST, PROC_THREAD_ATTRIBUTE_PSEUDOCONSOLE,
    PROCESS_INFORMATION, PROCESS_QUERY_LIMITED_INFORMATION, PROCESS_SYNCHRONIZE, QueryFullProcessImageNameW,
    STARTF_USESTDHANDLES, STARTUPINFOEXW, WaitForSingleObject,
};

use super::attributes::Attributes;
use super::{Job, PseudoConsole, bytes_of, check, has_console, name, of_ticks, owned, ticks};

/// What is to be started.
pub(crate) struct Start<'a> {
    pub program: &'a Path,
    /// With its zero (`win32::command_line`).
    pub line: &'a mut [u16],
    /// `win32::environment::block`.
    pub environment: &'a [u16],
    pub folder: &'a Path,
    pub job: &'a Job,
    pub streams: Streams<'a>,
}

pub(crate) enum Streams<'a> {
    /// These, for it alone. It leads a group that [`super::interrupt`] reaches where this process has a console.
    Own {
        input: OwnedHandle,
        output: OwnedHandle,
        errors: OwnedHandle,
    },
    Console(&'a PseudoConsole),
}

/// A process that is held: its number is no other's meanwhile.
#[derive(Debug)]
pub(crate) struct Process {
    handle: OwnedHandle,
    pub pid: u32,
}

impl Start<'_> {
    /// Starts it.
    ///
    /// # Errors
    /// As the system has it, such as that the program is not there.
    pub(crate) fn start(self) -> io::Result<Process> {
        let (program, folder) = (name(self.program)?, name(self.folder)?);
        let jobs = [self.job.handle()];
        let handles = match &self.streams {
            Streams::Own { input, output, errors } => vec![input, output, errors],
            Streams::Console(_) => Vec::new(),
        };
        let handles: Vec<HANDLE> = handles.into_iter().map(AsRawHandle::as_raw_handle).collect();
        let mut startup = STARTUPINFOEXW::default();
        startup.StartupInfo.cb = bytes_of::<STARTUPINFOEXW>();
        // Beside a console too, and then without any: it would get this process' own.
        startup.StartupInfo.dwFlags = STARTF_USESTDHANDLES;
        let mut flags = EXTENDED_STARTUPINFO_PRESENT | CREATE_UNICODE_ENVIRONMENT;
        let mut attributes = Attributes::of(2)?;
        attributes.add(PROC_THREAD_ATTRIBUTE_JOB_LIST, &jobs)?;
        let [input, output, errors] = match (&self.streams, &handles[..]) {
            (Streams::Console(console), _) => {
                attributes.add_handle(PROC_THREAD_ATTRIBUTE_PSEUDOCONSOLE, console.handle())?;
                [ptr::null_mut(); 3]
            }
            (Streams::Own { .. }, handles) => {
                for handle in handles {
                    // SAFETY: the handle is open, and this process' own.
                    #[expect(unsafe_code, reason = "a system call")]
                    check(unsafe {
                        SetHandleInformation(*handle, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT)
                    })?;
                }
                attributes.add(PROC_THREAD_ATTRIBUTE_HANDLE_LIST, handles)?;
                flags |= CREATE_NEW_PROCESS_GROUP;
                if !has_console() {
                    // It would open a window.
                    flags |= CREATE_NO_WINDOW;
                }
                [handles[0], handles[1], handles[2]]
            }
        };
        startup.StartupInfo.hStdInput = input;
        startup.StartupInfo.hStdOutput = output;
        startup.StartupInfo.hStdError = errors;
        startup.lpAttributeList = attributes.as_ptr();
        let mut started = PROCESS_INFORMATION::default();
        // SAFETY: all texts end with a zero, the line may be written to, the block of variables ends with two, and
        // the attributes are what the flags promise behind the startup information; all of it outlives the call.
        #[expect(unsafe_code, reason = "a system call")]
        check(unsafe {
            CreateProcessW(
                program.as_ptr(),
                self.line.as_mut_ptr(),
                ptr::null(),
                ptr::null(),
                i32::from(!handles.is_empty()),
                flags,
                self.environment.as_ptr().cast(),
                folder.as_ptr(),
                (&raw const startup).cast(),
                &raw mut started,
            )
        })?;
        // The first thread is of no use here.
        owned(started.hThread)?;
        Ok(Process { handle: owned(started.hProcess)?, pid: started.dwProcessId })
    }
}

/// What a process has used until now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    /// When it was started, since 1601 in steps of 100 ns.
    pub started: u64,
    pub cpu: Duration,
}

impl Process {
    /// Holds the process that has this number now.
    ///
    /// # Errors
    /// There is none, or it is another user's.
    pub(crate) fn open(pid: u32) -> io::Result<Self> {
        let access = PROCESS_QUERY_LIMITED_INFORMATION | PROCESS_SYNCHRONIZE;
        // SAFETY: it takes numbers.
        #[expect(unsafe_code, reason = "a system call")]
        owned(unsafe { OpenProcess(access, 0, pid) }).map(|handle| Self { handle, pid })
    }

    pub(crate) fn times(&self) -> io::Result<Times> {
        let [mut started, mut ended, mut kernel, mut user] = [FILETIME::default(); 4];
        // SAFETY: the handle is open, and the places of the answers outlive the call.
        #[expect(unsafe_code, reason = "a system call")]
        check(unsafe {
            GetProcessTimes(
                self.handle.as_raw_handle(),
                &raw mut started,
                &raw mut ended,
                &raw mut kernel,
                &raw mut user,
            )
        })?;
        Ok(Times { started: ticks(started), cpu: of_ticks(ticks(kernel) + ticks(user)) })
    }

    /// Bytes that it has in memory.
    pub(crate) fn memory(&self) -> io::Result<u64> {
        Ok(self.counters()?.WorkingSetSize as u64)
    }

    /// The most bytes that it had in memory at once, also when it has ended.
    pub(crate) fn peak_memory(&self) -> io::Result<u64> {
        Ok(self.counters()?.PeakWorkingSetSize as u64)
    }

    fn counters(&self) -> io::Result<PROCESS_MEMORY_COUNTERS> {
        let mut counters = PROCESS_MEMORY_COUNTERS::default();
        let size = bytes_of::<PROCESS_MEMORY_COUNTERS>();
        // SAFETY: the handle is open, and the counters have the size that is named.
        #[expect(unsafe_code, reason = "a system call")]
        check(unsafe { K32GetProcessMemoryInfo(self.handle.as_raw_handle(), &raw mut counters, size) })?;
        Ok(counters)
    }

    /// The file of its program.
    pub(crate) fn program(&self) -> io::Result<String> {
        // The longest path there is.
        let mut path = vec![0; 32 * 1024];
        let mut length = 32 * 1024;
        // SAFETY: the handle is open, and the path has room for so many, which the answer counts.
        #[expect(unsafe_code, reason = "a system call")]
        check(unsafe {
            QueryFullProcessImageNameW(self.handle.as_raw_handle(), 0, path.as_mut_ptr(), &raw mut length)
        })?;
        Ok(String::from_utf16_lossy(&path[..length as usize]))
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.waited(0)
    }

    /// Blocks until it has ended.
    pub(crate) fn wait(&self) {
        self.waited(INFINITE);
    }

    fn waited(&self, most: u32) -> bool {
        // SAFETY: the handle is open for as long as this borrows it.
        #[expect(unsafe_code, reason = "a system call")]
        unsafe {
            WaitForSingleObject(self.handle.as_raw_handle(), most) == WAIT_OBJECT_0
        }
    }

    /// What it ended with, once it has.
    pub(crate) fn exit_code(&self) -> io::Result<u32> {
        let mut code = 0;
        // SAFETY: the handle is open, and the place of the answer outlives the call.
        #[expect(unsafe_code, reason = "a system call")]
        check(unsafe { GetExitCodeProcess(self.handle.as_raw_handle(), &raw mut code) })?;
        Ok(code)
    }
}
