//! What the bridge needs of the system beside runs (which are `supervisor/unix.rs` and `supervisor/windows.rs`): files
//! that are nobody else's, room, priority, being asked to end. The same small set for each system, and no other
//! module but these and the supervisor's tells one system from another.

#[cfg(unix)]
pub(crate) use unix::*;
#[cfg(windows)]
pub(crate) use windows::*;

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

/// Whom a thread lets go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behind {
    /// Whoever wakes it, until that one waits itself.
    Wakers,
    /// Those who wait for an answer.
    Answers,
    /// Everybody.
    All,
}

/// What a bridge is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    End,
    /// To end because another bridge goes on in its place.
    HandOver,
}
