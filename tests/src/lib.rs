//! What the tests run in and against.

pub mod random;
pub mod request;
pub mod stub;
pub mod world;
