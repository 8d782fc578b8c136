//! Quiet hours: a part of each day in which nothing that was cut short goes on by itself.

use serde::Serialize;
use shared_derive::FromJson;

use crate::unit::Millis;

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60;

/// A span of the day by the clock of whoever set it. The conductor has no clock of a place, so the setting says how
/// far that one is from UTC; where it is put forward or back in between, it is set again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, FromJson)]
#[serde(default)]
pub struct Quiet {
    /// Minutes since midnight, 0 to 1439. Later than `to` where it spans midnight; the same for no quiet hours at all.
    pub from: u16,
    pub to: u16,
    /// Minutes that this clock is ahead of UTC, -720 to 840.
    pub offset: i32,
}

impl Quiet {
    /// When the quiet hours end in which `at` lies; nothing where it lies in none.
    pub fn ends(&self, at: Millis) -> Option<Millis> {
        let (from, to) = (i64::from(self.from) % DAY, i64::from(self.to) % DAY);
        let span = (to - from).rem_euclid(DAY) * MINUTE;
        let local = i64::try_from(at.0).ok()?.checked_add(i64::from(self.offset) * MINUTE)?;
        let into = (local - from * MINUTE).rem_euclid(DAY * MINUTE);
        let left = u64::try_from(span - into).ok().filter(|left| *left > 0)?;
        Some(at + Millis(left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000;
    /// A midnight by UTC.
    const MIDNIGHT: u64 = 20_000 * 24 * HOUR;

    fn hours(from: u16, to: u16, offset: i32) -> Quiet {
        Quiet { from: from * 60, to: to * 60, offset: offset * 60 }
    }

    #[test]
    fn a_night_spans_midnight_and_has_the_clock_of_its_place() {
        for (quiet, at, end) in [
            (hours(22, 7, 0), 21, None),
            (hours(22, 7, 0), 22, Some(31)),
            (hours(22, 7, 0), 30, Some(31)),
            (hours(22, 7, 0), 31, None),
            (hours(22, 7, 2), 20, Some(29)),
            (hours(22, 7, 2), 29, None),
            (hours(22, 7, -5), 27, Some(36)),
            (hours(9, 17, 0), 8, None),
            (hours(9, 17, 0), 9, Some(17)),
            (hours(9, 9, 0), 9, None),
        ] {
            let at = Millis(MIDNIGHT + at * HOUR);
            let end = end.map(|end| Millis(MIDNIGHT + end * HOUR));
            assert_eq!(quiet.ends(at), end, "{quiet:?} at {at:?}");
        }
    }

    #[test]
    fn no_setting_and_no_time_panics() {
        let odd = Quiet { from: u16::MAX, to: 3, offset: i32::MIN };
        assert_eq!(odd.ends(Millis(u64::MAX)), None);
        assert!(odd.ends(Millis(0)).is_none_or(|end| end > Millis(0)));
    }
}
