//! The conductor in worlds of its own. A world is drawn from a seed and lived with its own clock: drivers that
//! pass the baton, a bridge that dies and repeats, agents that fail and lie, a person with whims. At each
//! entry and each moment of rest it is checked what must always hold. The same seed is the same world.

pub mod agent;
pub mod bridge;
mod capped;
pub mod cast;
pub mod chance;
pub mod client;
mod ear;
mod editor;
mod hands;
mod judges;
pub mod permits;
pub mod person;
pub mod process;
pub mod rest;
mod rounds;
mod saver;
mod sitting;
mod steward;
pub mod watch;
pub mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

use anyhow::{Context, Result, anyhow};

pub use world::{Tally, World};

/// Worlds of which one is also read again from its text.
const REPLAYED: u64 = 32;

/// Seeds whose worlds once failed; they are lived first, each time.
pub const FAILED: &str = include_str!("../seeds.txt");

/// The seeds of [`FAILED`]: one to a line, what follows is about it.
pub fn failed() -> impl Iterator<Item = u64> {
    FAILED.lines().filter_map(|line| line.split_whitespace().next()?.parse().ok())
}

/// Lives the world of `seed`.
///
/// # Errors
/// Something that must always hold did not, or the conductor panicked; says where.
pub fn live(seed: u64) -> Result<Tally> {
    let life = catch_unwind(AssertUnwindSafe(|| {
        let mut world = World::new(seed)?;
        let tally = world.live()?;
        if seed.is_multiple_of(REPLAYED) {
            world.replay()?;
        }
        Ok(tally)
    }));
    let told = life.unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<String>().cloned();
        let words = words.or_else(|| panic.downcast_ref::<&str>().map(|words| (*words).to_owned()));
        Err(anyhow!("panicked: {}", words.unwrap_or_default()))
    });
    told.with_context(|| format!("seed {seed}"))
}

/// The log of the world of `seed`, a line for each entry, as far as it came.
///
/// # Errors
/// The world cannot be made.
pub fn log(seed: u64) -> Result<Vec<String>> {
    let mut world = World::new(seed)?;
    let _ = catch_unwind(AssertUnwindSafe(|| world.live()));
    world.log()
}
