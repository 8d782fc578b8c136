//! Who may do what with a folder.

use std::io;
use std::os::windows::io::AsRawHandle;
use std::path::Path;
use std::ptr;

use windows_sys::Win32::Foundation::{ERROR_ALREADY_EXISTS, LocalFree};
use windows_sys::Win32::Security::Authorization::{
    ConvertSecurityDescriptorToStringSecurityDescriptorW, ConvertSidToStringSidW,
    ConvertStringSecurityDescriptorToSecurityDescriptorW, GetNamedSecurityInfoW, SDDL_REVISION_1,
    SE_FILE_OBJECT,
};
use windows_sys::Win32::Security::{
    DACL_SECURITY_INFORMATION, GetTokenInformation, SECURITY_ATTRIBUTES, TOKEN_QUERY, TOKEN_USER, TokenUser,
};
use windows_sys::Win32::Storage::FileSystem::CreateDirectoryW;
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

use super::{bytes_of, check, name, owned};

/// Memory that the system gave.
struct Given<T>(*mut T);

impl<T> Drop for Given<T> {
    fn drop(&mut self) {
        // SAFETY: whoever makes one has the memory from a call that says to free it so, and it is freed once.
        #[expect(unsafe_code, reason = "a system call")]
        unsafe {
            LocalFree(self.0.cast());
        }
    }
}

impl Given<u16> {
    /// The text of so many characters that is there, without the zero behind it.
    fn text(&self, length: usize) -> String {
        // SAFETY: whoever calls this has the length from the call that gave the text.
        #[expect(unsafe_code, reason = "a text comes as a bare address")]
        let characters = unsafe { std::slice::from_raw_parts(self.0, length) };
        String::from_utf16_lossy(characters).trim_end_matches('\0').to_owned()
    }
}

/// The number by which the system knows the user of this process.
pub(crate) fn user() -> io::Result<String> {
    let mut token = ptr::null_mut();
    // SAFETY: the handle of the process itself needs no closing; the place of the answer outlives the call.
    #[expect(unsafe_code, reason = "a system call")]
    check(unsafe { OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &raw mut token) })?;
    let token = owned(token)?;
    // A user with its number takes 84 bytes at most; in words, so that it begins where the system wants it to.
    let mut user = [0_usize; 32];
    let mut length = u32::try_from(size_of_val(&user)).map_err(io::Error::other)?;
    // SAFETY: the handle is open, and the place of the answer has so many bytes.
    #[expect(unsafe_code, reason = "a system call")]
    check(unsafe {
        GetTokenInformation(
            token.as_raw_handle(),
            TokenUser,
            user.as_mut_ptr().cast(),
            length,
            &raw mut length,
        )
    })?;
    let mut text = Given(ptr::null_mut());
    // SAFETY: the call before put that structure there, with the number that it points to; the place of the answer
    // outlives this one.
    #[expect(unsafe_code, reason = "a system call")]
    check(unsafe {
        ConvertSidToStringSidW((*user.as_ptr().cast::<TOKEN_USER>()).User.Sid, &raw mut text.0)
    })?;
    // SAFETY: the call gave a text that ends with a zero.
    #[expect(unsafe_code, reason = "a text comes as a bare address")]
    let length = (0..).take_while(|&at| unsafe { *text.0.add(at) } != 0).count();
    Ok(text.text(length))
}

/// Makes a folder that has these rights (`win32::rights`) from its first moment on. One that is there stays as it is.
pub(crate) fn make_folder(path: &Path, rights: &str) -> io::Result<()> {
    let (path, rights) = (name(path)?, name(rights)?);
    let mut descriptor = Given(ptr::null_mut());
    // SAFETY: the text ends with a zero; the place of the answer outlives the call.
    #[expect(unsafe_code, reason = "a system call")]
    check(unsafe {
        ConvertStringSecurityDescriptorToSecurityDescriptorW(
            rights.as_ptr(),
            SDDL_REVISION_1,
            &raw mut descriptor.0,
            ptr::null_mut(),
        )
    })?;
    let attributes = SECURITY_ATTRIBUTES {
        nLength: bytes_of::<SECURITY_ATTRIBUTES>(),
        lpSecurityDescriptor: descriptor.0,
        bInheritHandle: 0,
    };
    // SAFETY: the path ends with a zero, and the attributes with what they point to outlive the call.
    #[expect(unsafe_code, reason = "a system call")]
    match check(unsafe { CreateDirectoryW(path.as_ptr(), &raw const attributes) }) {
        Err(error) if error.raw_os_error() == Some(ERROR_ALREADY_EXISTS.cast_signed()) => Ok(()),
        made => made,
    }
}

/// Who may do what with a file or folder, as a text.
pub(crate) fn rights(path: &Path) -> io::Result<String> {
    let path = name(path)?;
    let mut descriptor = Given(ptr::null_mut());
    // SAFETY: the path ends with a zero; of the answers only the descriptor is asked for, whose place outlives the call.
    #[expect(unsafe_code, reason = "a system call")]
    let failed = unsafe {
        GetNamedSecurityInfoW(
            path.as_ptr(),
            SE_FILE_OBJECT,
            DACL_SECURITY_INFORMATION,
            ptr::null_mut(),
            ptr::null_mut(),
            ptr::null_mut(),
            ptr::null_mut(),
            &raw mut descriptor.0,
        )
    };
    if failed != 0 {
        return Err(io::Error::from_raw_os_error(failed.cast_signed()));
    }
    let mut text = Given(ptr::null_mut());
    let mut length = 0;
    // SAFETY: the descriptor is what the call before gave; the places of the answers outlive this one.
    #[expect(unsafe_code, reason = "a system call")]
    check(unsafe {
        ConvertSecurityDescriptorToStringSecurityDescriptorW(
            descriptor.0,
            SDDL_REVISION_1,
            DACL_SECURITY_INFORMATION,
            &raw mut text.0,
            &raw mut length,
        )
    })?;
    Ok(text.text(length as usize))
}
