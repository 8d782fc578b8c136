//! Jobs: processes with all that they start, which cannot leave, and end together.

use std::io;
use std::mem::{offset_of, size_of};
use std::os::windows::io::{AsRawHandle, OwnedHandle};
use std::ptr;
use std::time::Duration;

use windows_sys::Win32::Foundation::{ERROR_FILE_NOT_FOUND, ERROR_MORE_DATA, HANDLE};
use windows_sys::Win32::System::JobObjects::{
    AssignProcessToJobObject, CreateJobObjectW, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE,
    JOBOBJECT_BASIC_ACCOUNTING_INFORMATION, JOBOBJECT_BASIC_PROCESS_ID_LIST,
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION, JobObjectBasicAccountingInformation, JobObjectBasicProcessIdList,
    JobObjectExtendedLimitInformation, OpenJobObjectW, QueryInformationJobObject, SetInformationJobObject,
    TerminateJobObject,
};
use windows_sys::Win32::System::SystemServices::{JOB_OBJECT_QUERY, JOB_OBJECT_TERMINATE};
use windows_sys::Win32::System::Threading::{OpenProcess, PROCESS_SET_QUOTA, PROCESS_TERMINATE};

use super::{bytes_of, check, name, of_ticks, owned};

#[derive(Debug)]
pub(crate) struct Job(OwnedHandle);

impl Job {
    /// A job that ends all its processes when the last who holds it is gone, however that comes about.
    /// One of this name that is there already is taken.
    pub(crate) fn make(called: Option<&str>) -> io::Result<Self> {
        let wide = called.map(name).transpose()?;
        let named = wide.as_ref().map_or(ptr::null(), Vec::as_ptr);
        // SAFETY: the name ends with a zero and outlives the call; no attributes are given.
        #[expect(unsafe_code, reason = "a system call")]
        let job = Self(owned(unsafe { CreateJobObjectW(ptr::null(), named) })?);
        let mut limits = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
        limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
        let size = bytes_of::<JOBOBJECT_EXTENDED_LIMIT_INFORMATION>();
        // SAFETY: the handle is open, and the limits are of the kind and size that are named.
        #[expect(unsafe_code, reason = "a system call")]
        check(unsafe {
            SetInformationJobObject(
                job.handle(),
                JobObjectExtendedLimitInformation,
                (&raw const limits).cast(),
                size,
            )
        })?;
        Ok(job)
    }

    /// The job of this name, to look at it and to end it; nothing when there is none.
    pub(crate) fn open(called: &str) -> io::Result<Option<Self>> {
        let wide = name(called)?;
        // SAFETY: the name ends with a zero and outlives the call.
        #[expect(unsafe_code, reason = "a system call")]
        match owned(unsafe { OpenJobObjectW(JOB_OBJECT_QUERY | JOB_OBJECT_TERMINATE, 0, wide.as_ptr()) }) {
            Ok(job) => Ok(Some(Self(job))),
            Err(error) if error.raw_os_error() == Some(ERROR_FILE_NOT_FOUND.cast_signed()) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Takes in the process that has this number now. What it has started by then stays outside.
    pub(crate) fn take_in(&self, pid: u32) -> io::Result<()> {
        // SAFETY: it takes numbers.
        #[expect(unsafe_code, reason = "a system call")]
        let process = owned(unsafe { OpenProcess(PROCESS_SET_QUOTA | PROCESS_TERMINATE, 0, pid) })?;
        // SAFETY: both handles are open.
        #[expect(unsafe_code, reason = "a system call")]
        check(unsafe { AssignProcessToJobObject(self.handle(), process.as_raw_handle()) })
    }

    /// The numbers of its processes.
    pub(crate) fn processes(&self) -> io::Result<Vec<u32>> {
        // Numbers of pointer size behind two of 32 bits.
        const HEAD: usize = offset_of!(JOBOBJECT_BASIC_PROCESS_ID_LIST, ProcessIdList) / size_of::<usize>();
        let mut room = 64;
        loop {
            let mut list = vec![0_usize; HEAD + room];
            let size = u32::try_from(size_of_val(&*list)).map_err(io::Error::other)?;
            // SAFETY: the handle is open, and the list has so many bytes, which begin where its kind wants them to.
            #[expect(unsafe_code, reason = "a system call")]
            let asked = check(unsafe {
                QueryInformationJobObject(
                    self.handle(),
                    JobObjectBasicProcessIdList,
                    list.as_mut_ptr().cast(),
                    size,
                    ptr::null_mut(),
                )
            });
            match asked {
                Ok(()) => {}
                Err(error) if error.raw_os_error() == Some(ERROR_MORE_DATA.cast_signed()) => {
                    room *= 2;
                    continue;
                }
                Err(error) => return Err(error),
            }
            // SAFETY: the list begins with that structure, for which it is large enough and aligned.
            #[expect(unsafe_code, reason = "the system's form of it")]
            let head = unsafe { &*list.as_ptr().cast::<JOBOBJECT_BASIC_PROCESS_ID_LIST>() };
            let count = head.NumberOfProcessIdsInList as usize;
            return Ok(list[HEAD..].iter().take(count).filter_map(|&pid| u32::try_from(pid).ok()).collect());
        }
    }

    /// What its processes have used until now, those that have ended among them.
    pub(crate) fn cpu(&self) -> io::Result<Duration> {
        let mut used = JOBOBJECT_BASIC_ACCOUNTING_INFORMATION::default();
        let size = bytes_of::<JOBOBJECT_BASIC_ACCOUNTING_INFORMATION>();
        // SAFETY: the handle is open, and the place of the answer has the kind and size that are named.
        #[expect(unsafe_code, reason = "a system call")]
        check(unsafe {
            QueryInformationJobObject(
                self.handle(),
                JobObjectBasicAccountingInformation,
                (&raw mut used).cast(),
                size,
                ptr::null_mut(),
            )
        })?;
        Ok(of_ticks(used.TotalUserTime.saturating_add(used.TotalKernelTime).cast_unsigned()))
    }

    /// Ends all of it at once; its processes get this exit code.
    pub(crate) fn end(&self, code: u32) -> io::Result<()> {
        // SAFETY: the handle is open.
        #[expect(unsafe_code, reason = "a system call")]
        check(unsafe { TerminateJobObject(self.handle(), code) })
    }

    pub(super) fn handle(&self) -> HANDLE {
        self.0.as_raw_handle()
    }
}
