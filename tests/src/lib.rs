//! What the tests run in and against.

pub mod world;
