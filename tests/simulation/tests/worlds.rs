//! Worlds that failed once, the same world twice, and each log read again. Worlds by the thousand are
//! lived by `cargo xtask simulate`.

#![expect(clippy::unwrap_used, reason = "tests")]

use simulation::{World, failed, live, log};

#[test]
fn worlds_that_failed_once_hold() {
    let seeds: Vec<u64> = failed().collect();
    assert!(!seeds.is_empty());
    for seed in seeds {
        live(seed).unwrap();
    }
}

#[test]
fn the_same_seed_is_the_same_log_byte_for_byte() {
    for seed in 1..20 {
        let one = log(seed).unwrap();
        assert!(one.len() > 4, "seed {seed} lives");
        assert_eq!(one, log(seed).unwrap(), "seed {seed}");
    }
}

#[test]
fn every_prefix_of_a_log_read_again_is_the_state_that_was_lived() {
    for seed in 100..120 {
        let mut world = World::new(seed).unwrap();
        world.live().unwrap();
        world.replay().unwrap();
    }
}
