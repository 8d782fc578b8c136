//! How far the version of an agent CLI is known: from the recordings that its decoder is tested with.

use crate::agent::HarnessId;

/// What is known of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tried {
    /// There are recordings of it.
    Verified,
    /// Newer than this one, of which there are.
    NewerThan(&'static str),
    /// Older than the oldest of which there are.
    OlderThan(&'static str),
    /// It did not say, or not in numbers. What is recorded is this.
    Unknown(&'static str),
}

/// The versions that there are recordings of (`tests/fixtures`), oldest first; none of what comes with the bridge.
pub const fn recorded(harness: HarnessId) -> &'static [&'static str] {
    match harness {
        HarnessId::Claude => &["2.1.329"],
        HarnessId::Codex => &["0.169.0"],
        HarnessId::Demo | HarnessId::Command => &[],
    }
}

/// What is known of a harness of this version, as its CLI prints it; nothing for what comes with the bridge.
pub fn tried(harness: HarnessId, version: Option<&str>) -> Option<Tried> {
    let known = recorded(harness);
    let (oldest, newest) = (known.first()?, known.last()?);
    let Some((version, numbers)) = version.and_then(|version| Some((version, numbers(version)?))) else {
        return Some(Tried::Unknown(newest));
    };
    if known.contains(&version) {
        return Some(Tried::Verified);
    }
    // A version such as 2.1.329-beta comes before the one that it leads to.
    let below = known.iter().rfind(|known| self::numbers(known).is_some_and(|known| known < numbers));
    Some(below.map_or(Tried::OlderThan(oldest), |below| Tried::NewerThan(below)))
}

/// "2.1.329-beta" as 2, 1, 329.
fn numbers(version: &str) -> Option<Vec<u64>> {
    let plain = version.split(['-', '+']).next()?;
    plain.split('.').map(|number| number.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_known_by_what_was_recorded() {
        let newest = "2.1.329";
        for (version, known) in [
            (Some("2.1.329"), Tried::Verified),
            (Some("2.1.330"), Tried::NewerThan(newest)),
            (Some("10.0.0"), Tried::NewerThan(newest)),
            (Some("2.1.99"), Tried::OlderThan(newest)),
            (Some("2.1.329-beta.1"), Tried::OlderThan(newest)),
            (Some("nightly-7"), Tried::Unknown(newest)),
            (None, Tried::Unknown(newest)),
        ] {
            assert_eq!(tried(HarnessId::Claude, version), Some(known), "{version:?}");
        }
        assert_eq!(tried(HarnessId::Demo, Some("0.1.0")), None);
    }
}
