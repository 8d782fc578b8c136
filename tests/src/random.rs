//! Moments and places that nothing is in step with, and that a seed repeats.

use std::time::{SystemTime, UNIX_EPOCH};

/// xorshift: enough to scatter cuts, and the same on every machine.
pub struct Random(u64);

impl Random {
    /// From the seed in the variable `SEED`, or another one each time; it is printed, for whoever reads of a failure.
    #[expect(clippy::print_stdout, reason = "what a failing test prints is read")]
    pub fn seeded() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
        let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(now);
        println!("SEED={seed}");
        // Of 0 nothing else ever comes.
        let mut random = Self(seed.max(1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        random.below(1);
        random
    }

    /// A number below the bound, which is not 0.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or(0) % bound
    }
}
