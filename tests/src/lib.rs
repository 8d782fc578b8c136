//! What the tests run in and against.

pub mod stub;
pub mod world;
