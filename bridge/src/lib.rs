//! The bridge: the one native process on the person's machine. It stores the log, starts the processes that
//! the log's orders ask for, and relays their output. It does not interpret what agents say and plans nothing.

pub mod access;
pub mod agents;
pub mod cli;
pub mod clock;
pub mod config;
pub mod decode;
pub mod demo;
mod disk;
mod door;
pub mod folders;
pub mod headless;
mod inspect;
pub mod lock;
pub mod look;
mod memory;
pub mod page;
mod pressure;
pub mod relay;
mod retention;
pub mod search;
pub mod serve;
#[cfg(unix)]
pub mod shim;
mod standby;
pub mod store;
pub mod supervisor;
mod system;
pub mod tls;
#[cfg(any(windows, test))]
mod win32;
mod worktree;
mod wrapper;
