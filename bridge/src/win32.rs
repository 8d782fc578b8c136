//! What Windows wants that Rust's library has no form of: the calls (`calls`, where all unsafe code of the Windows
//! side is) and the texts that they take and give, which are worked out and tested on every system. It knows
//! nothing of runs. Who calls it: `supervisor/windows.rs`, `system/windows.rs`.

#[cfg(windows)]
pub(crate) use calls::*;

#[cfg(windows)]
mod calls;
pub(crate) mod command_line;
pub(crate) mod environment;
pub(crate) mod programs;
pub(crate) mod rights;

/// A text as the system has it: UTF-16, also where that is not well formed.
pub(crate) type Wide = Vec<u16>;

/// A text that has no form in which the system would understand it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unfit {
    #[error("a zero stands in it, which would cut it there")]
    Zero,
    #[error("a line break stands in it, at which cmd.exe would cut it")]
    LineBreak,
    #[error("{0:?} is no name of a variable")]
    Name(char),
}

impl From<Unfit> for std::io::Error {
    fn from(unfit: Unfit) -> Self {
        Self::new(std::io::ErrorKind::InvalidInput, unfit)
    }
}
