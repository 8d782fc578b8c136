//! Pseudo consoles: terminals whose outer end is two pipes.

use std::io;
use std::os::windows::io::{AsHandle, AsRawHandle};

use windows_sys::Win32::System::Console::{
    COORD, ClosePseudoConsole, CreatePseudoConsole, HPCON, ResizePseudoConsole,
};

/// Rows and columns, each from 1 to 32,767.
pub(crate) type Size = (i16, i16);

#[derive(Debug)]
pub(crate) struct PseudoConsole(HPCON);

impl PseudoConsole {
    /// Makes one that reads what is typed from `input` and draws on `output`; it has both for itself from then on.
    pub(crate) fn make(size: Size, input: impl AsHandle, output: impl AsHandle) -> io::Result<Self> {
        let mut console = 0;
        let (input, output) = (input.as_handle().as_raw_handle(), output.as_handle().as_raw_handle());
        // SAFETY: the handles are open during the call, which makes its own of them; the answer's place outlives it.
        #[expect(unsafe_code, reason = "a system call")]
        succeeded(unsafe { CreatePseudoConsole(coordinates(size), input, output, 0, &raw mut console) })?;
        Ok(Self(console))
    }

    pub(crate) fn resize(&self, size: Size) -> io::Result<()> {
        // SAFETY: the console is open.
        #[expect(unsafe_code, reason = "a system call")]
        succeeded(unsafe { ResizePseudoConsole(self.0, coordinates(size)) })
    }

    pub(super) fn handle(&self) -> HPCON {
        self.0
    }
}

impl Drop for PseudoConsole {
    /// Those who still have it are told to end. Blocks until what was drawn has been read, so somebody must read it.
    fn drop(&mut self) {
        // SAFETY: it is open, and nobody has it after this.
        #[expect(unsafe_code, reason = "a system call")]
        unsafe {
            ClosePseudoConsole(self.0);
        }
    }
}

fn coordinates((rows, cols): Size) -> COORD {
    COORD { X: cols, Y: rows }
}

fn succeeded(result: i32) -> io::Result<()> {
    // Errors of the system come with their number in the lower half.
    if result < 0 { Err(io::Error::from_raw_os_error(result & 0xFFFF)) } else { Ok(()) }
}
