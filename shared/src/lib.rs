//! What every side agrees on: ids, the log's entries, the wire between page and bridge, run specs,
//! and the harness adapters. Pure: no IO, clock, randomness or threads; time and ids come in as values.
//! The bridge stores and relays these types, the conductor folds them, the page draws the result.

pub mod agent;
pub mod api;
pub mod context;
pub mod entry;
pub mod evidence;
pub mod harness;
pub mod id;
pub mod json;
pub mod limits;
pub mod list;
pub mod models;
pub mod permission;
pub mod persona;
pub mod plan;
pub mod quiet;
pub mod retry;
pub mod reviewer;
pub mod run;
pub mod sizing;
pub mod template;
pub mod unit;
pub mod wire;
pub mod worktree;
