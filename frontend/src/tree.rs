//! The tree of tasks: a layout computed from the state, and a view of the part that is in sight.

pub mod adding;
pub mod keys;
pub mod layout;
pub mod link;
pub mod menu;
pub mod node;
pub mod place;
pub mod stopping;
pub mod view;
