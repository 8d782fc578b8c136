//! The screens.

pub mod bridge;
pub mod caps;
pub mod details;
pub mod finder;
pub mod health;
pub mod news;
pub mod pair;
pub mod prompts;
pub mod schedule;
pub mod start;
pub mod work;
