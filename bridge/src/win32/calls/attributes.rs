//! What a process is started with beside its command line.

use std::ffi::c_void;
use std::io;
use std::marker::PhantomData;
use std::ptr;

use windows_sys::Win32::System::Threading::{
    DeleteProcThreadAttributeList, InitializeProcThreadAttributeList, LPPROC_THREAD_ATTRIBUTE_LIST,
    UpdateProcThreadAttribute,
};

use super::check;

/// A list of attributes, which borrows what they point to.
pub(super) struct Attributes<'a> {
    /// Of pointers, so that it begins where the system wants it to.
    list: Box<[*const c_void]>,
    borrowed: PhantomData<&'a ()>,
}

impl<'a> Attributes<'a> {
    /// A list with room for so many.
    pub(super) fn of(count: u32) -> io::Result<Self> {
        let mut size = 0;
        // SAFETY: without a list it only says how much room one takes, and errs by design.
        #[expect(unsafe_code, reason = "a system call")]
        unsafe {
            InitializeProcThreadAttributeList(ptr::null_mut(), count, 0, &raw mut size);
        }
        let mut list =
            vec![ptr::null::<c_void>(); size.div_ceil(size_of::<*const c_void>())].into_boxed_slice();
        // SAFETY: the list has at least the room that was asked for, and does not move from its box.
        #[expect(unsafe_code, reason = "a system call")]
        check(unsafe {
            InitializeProcThreadAttributeList(list.as_mut_ptr().cast(), count, 0, &raw mut size)
        })?;
        Ok(Self { list, borrowed: PhantomData })
    }

    /// Adds one whose value is a list in memory, such as of handles.
    pub(super) fn add<T>(&mut self, attribute: u32, value: &'a [T]) -> io::Result<()> {
        self.update(attribute, value.as_ptr().cast(), size_of_val(value))
    }

    /// Adds one whose value is a handle itself and not in memory. It must stay open as long as the list is used.
    pub(super) fn add_handle(&mut self, attribute: u32, handle: isize) -> io::Result<()> {
        self.update(attribute, ptr::without_provenance(handle.cast_unsigned()), size_of::<isize>())
    }

    fn update(&mut self, attribute: u32, value: *const c_void, size: usize) -> io::Result<()> {
        // SAFETY: the list was initialised. It keeps the pointer, which is to what it borrows, or no pointer at all.
        #[expect(unsafe_code, reason = "a system call")]
        check(unsafe {
            UpdateProcThreadAttribute(
                self.as_ptr(),
                0,
                attribute as usize,
                value,
                size,
                ptr::null_mut(),
                ptr::null(),
            )
        })
    }

    pub(super) fn as_ptr(&mut self) -> LPPROC_THREAD_ATTRIBUTE_LIST {
        self.list.as_mut_ptr().cast()
    }
}

impl Drop for Attributes<'_> {
    fn drop(&mut self) {
        // SAFETY: it was initialised, and is not used after this.
        #[expect(unsafe_code, reason = "a system call")]
        unsafe {
            DeleteProcThreadAttributeList(self.as_ptr());
        }
    }
}
