//! Parts that several screens share, one component per file.

pub mod asking;
pub mod copy;
pub mod dialog;
pub mod envelope;
pub mod filled;
pub mod flow;
pub mod folders;
pub mod icon;
pub mod kept;
pub mod latest;
pub mod notice;
pub mod picker;
pub mod rove;
pub mod settled;
pub mod theme;
pub mod topbar;
