//! The screens.

pub mod caps;
pub mod details;
pub mod finder;
pub mod news;
pub mod start;
pub mod work;
