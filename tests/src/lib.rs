//! What the tests run in and against.

pub mod request;
pub mod stub;
pub mod world;
