//! The screens.

pub mod details;
pub mod start;
pub mod work;
