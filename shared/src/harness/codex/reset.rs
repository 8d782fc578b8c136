//! When a usage limit ends, from Codex's words: "… try again at May 18th, 2033 3:33 AM." Codex writes the time of
//! its machine's zone and does not name it; it is read as UTC. A time without a date is not read.

use crate::unit::Millis;

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// The time that follows "try again at", where it has a date.
pub(super) fn told_by(words: &str) -> Option<Millis> {
    let (_, told) = words.split_once("try again at ")?;
    let mut parts = told.split_whitespace();
    let month = parts.next()?.get(..3)?.to_lowercase();
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    let day: u64 = digits(parts.next()?).parse().ok()?;
    let year: u64 = digits(parts.next()?).parse().ok()?;
    let (hour, minute) = parts.next()?.split_once(':')?;
    let (hour, minute): (u64, u64) = (hour.parse().ok()?, digits(minute).parse().ok()?);
    let afternoon = parts.next()?.to_lowercase().starts_with("pm");
    let sound =
        (1970..10_000).contains(&year) && (1..=31).contains(&day) && (1..=12).contains(&hour) && minute < 60;
    let hour = hour % 12 + if afternoon { 12 } else { 0 };
    sound.then(|| Millis::from_secs(days(year, month as u64, day) * 86_400 + hour * 3_600 + minute * 60))
}

fn digits(word: &str) -> &str {
    let end = word.find(|c: char| !c.is_ascii_digit()).unwrap_or(word.len());
    &word[..end]
}

/// Days from 1970-01-01 to this date of the Gregorian calendar.
const fn days(year: u64, month: u64, day: u64) -> u64 {
    // Years are counted from March, so that a leap day is the last of its year.
    let (years, months) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = years / 4 - years / 100 + years / 400;
    years * 365 + leap_days + (months * 153 + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_read_as_utc() {
        for (words, seconds) in [
            ("or try again at May 18th, 2033 3:33 AM.", 1_999_999_980),
            ("try again at January 1st, 1970 12:00 AM", 0),
            ("try again at Feb 29th, 2024 12:30 PM.", 1_709_209_800),
        ] {
            assert_eq!(told_by(words), Some(Millis::from_secs(seconds)), "{words}");
        }
    }

    #[test]
    fn what_is_no_date_is_not_guessed() {
        for words in
            ["try again at 3:33 AM.", "try again at May", "try again at Mäy 1st, 2033 1:00 AM", "later"]
        {
            assert_eq!(told_by(words), None, "{words}");
        }
    }
}
