//! What names a process for good, whatever system it runs on.

/// One process at one moment. A stranger that got a dead process's number has another start, and so is never
/// taken for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Process {
    pub pid: i32,
    /// In the system's own count: clock ticks since boot, or on Windows since 1601 in steps of 100 ns.
    pub started: u64,
}
