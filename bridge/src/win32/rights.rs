//! Who may do what with a folder, in the text form that the system gives
//! (learn.microsoft.com/windows/win32/secauthz/security-descriptor-string-format).

/// Nothing from the folders above; all for a user, for the system and for administrators, also of what comes to
/// stand in it. Not for its owner: what an administrator made would be closed to the same person without that role.
pub(crate) fn private(user: &str) -> String {
    format!("D:P(A;OICI;FA;;;{user})(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)")
}

/// Groups that others than the owner belong to: everybody, guests, who is logged in, users and power users, who
/// works here, who came by the network; at last by their numbers.
const OTHERS: [&str; 12] =
    ["WD", "AN", "BG", "AU", "BU", "PU", "IU", "NU", "RU", "S-1-1-0", "S-1-5-11", "S-1-5-32-545"];

/// Whether a list of rights allows anything to a group of strangers. Users that somebody named are no strangers.
pub(crate) fn open_to_others(list: &str) -> bool {
    // Without any list everybody may do everything.
    if list.contains("NO_ACCESS_CONTROL") || !list.contains("D:") {
        return true;
    }
    let entries = list.split('(').skip(1).filter_map(|entry| entry.split(')').next());
    entries.map(|entry| entry.split(';').collect::<Vec<_>>()).any(|entry| {
        let allows = entry.first().is_some_and(|kind| matches!(*kind, "A" | "OA" | "XA" | "ZA"));
        allows && entry.get(5).is_some_and(|who| OTHERS.contains(who))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_lets_strangers_in_is_known() {
        for closed in [private("S-1-5-21-1-2-3-1001").as_str(), "D:(D;;FA;;;WD)(A;;FA;;;OW)", "D:PAI"] {
            assert!(!open_to_others(closed), "{closed}");
        }
        for open in [
            "D:AI(A;ID;FA;;;BA)(A;ID;0x1200a9;;;BU)",
            "D:(A;OICI;FR;;;WD)",
            "D:(A;;FR;;;S-1-1-0)",
            "D:NO_ACCESS_CONTROL",
            "O:BAG:BA",
        ] {
            assert!(open_to_others(open), "{open}");
        }
    }
}
