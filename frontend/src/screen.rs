//! The screens.

pub mod bridge;
pub mod caps;
pub mod details;
pub mod evidence;
pub mod finder;
pub mod health;
pub mod limits;
pub mod models;
pub mod news;
pub mod pair;
pub mod prompts;
pub mod retry;
pub mod schedule;
pub mod start;
pub mod waits;
pub mod work;
