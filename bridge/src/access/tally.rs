//! How often something may happen in a minute: of all together, or of each address for itself, so that one who guesses
//! locks out nobody else.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use shared::unit::Millis;

use crate::clock;

const MINUTE: Millis = Millis::from_secs(60);
/// Addresses that are told apart. What comes from more of them within a minute is counted together.
const ADDRESSES: usize = 1_024;

/// What was counted since the minute began.
#[derive(Debug, Default, Clone, Copy)]
struct Counted {
    since: Millis,
    count: u32,
}

impl Counted {
    fn is_over(self, now: Millis) -> bool {
        now.since(self.since) > MINUTE
    }

    fn one_more(&mut self, now: Millis) {
        if self.is_over(now) {
            *self = Self { since: now, count: 0 };
        }
        self.count = self.count.saturating_add(1);
    }

    fn has(self, most: u32, now: Millis) -> bool {
        self.count >= most && !self.is_over(now)
    }
}

/// Of all together.
#[derive(Debug)]
pub(super) struct Tally {
    most: u32,
    counted: Mutex<Counted>,
}

impl Tally {
    pub(super) fn of(most: u32) -> Self {
        Self { most, counted: Mutex::default() }
    }

    pub(super) fn count(&self) {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner).one_more(clock::now());
    }

    pub(super) fn is_full(&self) -> bool {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner).has(self.most, clock::now())
    }
}

/// Of each address.
#[derive(Debug)]
pub(super) struct Tallies {
    most: u32,
    counted: Mutex<HashMap<Option<IpAddr>, Counted>>,
}

impl Tallies {
    pub(super) fn of(most: u32) -> Self {
        Self { most, counted: Mutex::default() }
    }

    pub(super) fn count(&self, from: Option<IpAddr>) {
        self.count_at(from, clock::now());
    }

    pub(super) fn is_full(&self, from: Option<IpAddr>) -> bool {
        self.is_full_at(from, clock::now())
    }

    fn count_at(&self, from: Option<IpAddr>, now: Millis) {
        let (from, mut counted) = (from.map(place), self.counted());
        if !counted.contains_key(&from) && counted.len() >= ADDRESSES {
            counted.retain(|_, counted| !counted.is_over(now));
        }
        let known = counted.contains_key(&from) || counted.len() < ADDRESSES;
        counted.entry(from.filter(|_| known)).or_default().one_more(now);
    }

    fn is_full_at(&self, from: Option<IpAddr>, now: Millis) -> bool {
        let (from, counted) = (from.map(place), self.counted());
        // One that has no place of its own is counted with those whose address is not known.
        counted.get(&from).or_else(|| counted.get(&None)).is_some_and(|counted| counted.has(self.most, now))
    }

    fn counted(&self) -> MutexGuard<'_, HashMap<Option<IpAddr>, Counted>> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who is given an address of IPv6 is given all those of its network's half.
pub(crate) fn place(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis::from_secs(1_000_000);

    fn at(address: &str) -> Option<IpAddr> {
        address.parse().ok()
    }

    #[test]
    fn each_address_is_counted_for_itself_and_for_a_minute() {
        let tallies = Tallies::of(2);
        for _ in 0..2 {
            assert!(!tallies.is_full_at(at("10.0.0.1"), NOW));
            tallies.count_at(at("10.0.0.1"), NOW);
        }
        assert!(tallies.is_full_at(at("10.0.0.1"), NOW) && tallies.is_full_at(at("::ffff:10.0.0.1"), NOW));
        assert!(!tallies.is_full_at(at("10.0.0.2"), NOW) && !tallies.is_full_at(None, NOW));
        assert!(!tallies.is_full_at(at("10.0.0.1"), NOW + MINUTE + Millis(1)));
        tallies.count_at(at("fd00::1"), NOW);
        tallies.count_at(at("fd00::2:1"), NOW);
        assert!(tallies.is_full_at(at("fd00::3"), NOW), "one network");
        assert!(!tallies.is_full_at(at("fd00:0:0:1::1"), NOW));
    }

    #[test]
    fn more_addresses_than_are_told_apart_are_counted_together_until_the_minute_is_over() {
        let tallies = Tallies::of(2);
        let nth = |n: usize| at(&format!("10.1.{}.{}", n / 256, n % 256));
        let later = NOW + MINUTE + Millis(1);
        for n in 0..ADDRESSES + 2 {
            assert!(!tallies.is_full_at(nth(n), NOW), "{n}");
            tallies.count_at(nth(n), NOW);
        }
        assert!(tallies.is_full_at(nth(ADDRESSES), NOW) && tallies.is_full_at(nth(ADDRESSES + 9), NOW));
        assert!(!tallies.is_full_at(nth(0), NOW), "it has a place of its own");
        tallies.count_at(nth(ADDRESSES), later);
        assert!(!tallies.is_full_at(nth(ADDRESSES), later));
        assert_eq!(tallies.counted().len(), 1, "what is over is forgotten");
    }
}
