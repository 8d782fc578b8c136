//! The brain: `apply` folds the log into the state of the work, `decide` says what happens next. Both are
//! pure: time and ids come in, decisions are drafts of entries. It knows nothing of sockets or screens.
//! The page runs it, headless clients run it natively, the tests run it by the thousand.

pub mod apply;
pub mod budget;
pub mod context;
pub mod decide;
pub mod driver;
pub mod estimate;
pub mod health;
pub mod inbox;
pub mod library;
pub mod list;
pub mod order;
pub mod outage;
pub mod permission;
pub mod persona;
pub mod plan;
pub mod planning;
pub mod prompt;
pub mod proof;
pub mod reuse;
pub mod reviewer;
pub mod sizing;
pub mod state;
pub mod status;
pub mod survey;
pub mod terminal;
pub mod usage;
pub mod words;
pub mod worktree;

pub use apply::apply;
pub use decide::{Hearing, decide, hearing, next_deadline};
pub use state::State;
