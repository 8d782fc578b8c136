//! The files that a program's name may mean.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Endings of what the system starts, first what needs no shell. Without one of them a file is no program here,
/// such as the script for other systems that npm puts beside its batch file.
const ENDINGS: [&str; 4] = ["exe", "com", "cmd", "bat"];

/// What a path without or with such an ending may lead to, best first.
pub(crate) fn candidates(named: PathBuf) -> Vec<PathBuf> {
    let has_ending = |path: &Path| {
        path.extension().is_some_and(|ending| ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known)))
    };
    if has_ending(&named) {
        return vec![named];
    }
    let with = |ending: &str| {
        // Behind the whole name: `node-20.1` has no ending to replace.
        let mut name = OsString::from(&named);
        name.push(".");
        name.push(ending);
        PathBuf::from(name)
    };
    ENDINGS.iter().map(|ending| with(ending)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_a_program_with_an_ending() {
        let of = |name: &str| candidates(PathBuf::from(name));
        let all = ["claude.exe", "claude.com", "claude.cmd", "claude.bat"].map(PathBuf::from);
        assert_eq!(of("claude"), all);
        assert_eq!(of("npm/Codex.CMD"), [PathBuf::from("npm/Codex.CMD")]);
        assert_eq!(of("node-20.1").first(), Some(&PathBuf::from("node-20.1.exe")));
    }
}
