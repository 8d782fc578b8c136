//! Programs that git is told to convert files with. Those that the person or the system set up (LFS) are theirs; those
//! that a repository or a worktree names may be an agent's, and are not run.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

use super::git::{pieces, to_path};

/// Commands of git that convert no file: they need no look for filters.
const CONVERT_NOTHING: [&str; 17] = [
    "cat-file",
    "commit-tree",
    "config",
    "for-each-ref",
    "index-pack",
    "ls-files",
    "ls-tree",
    "merge-base",
    "pack-objects",
    "read-tree",
    "rev-list",
    "rev-parse",
    "show-ref",
    "symbolic-ref",
    "update-ref",
    "write-tree",
    "hash-object",
];
/// What lists them: `<scope> NUL <key> LF <value> NUL` for each.
pub(super) const LISTED: [&str; 5] = ["config", "--show-scope", "--null", "--get-regexp", "^filter\\."];

pub(super) fn may_convert(command: &OsStr) -> bool {
    CONVERT_NOTHING.iter().all(|known| command != *known)
}

/// Settings that put in place of each that the repository names the person's own, or none.
pub(super) fn instead(listed: &[u8]) -> Vec<(OsString, OsString)> {
    let mut pieces = pieces(listed);
    let (mut own, mut others) = (BTreeMap::new(), BTreeMap::new());
    while let (Some(scope), Some(setting)) = (pieces.next(), pieces.next()) {
        let end = setting.iter().position(|byte| *byte == b'\n');
        let (key, value) = (&setting[..end.unwrap_or(setting.len())], end.map(|end| &setting[end + 1..]));
        // A key alone says yes.
        let value = value.unwrap_or(b"true");
        match scope {
            b"system" | b"global" => own.insert(key, value),
            _ => others.insert(key, value),
        };
    }
    let settings = others.into_keys().map(|key| {
        let none: &[u8] = if key.ends_with(b".required") { b"false" } else { b"" };
        let text = |bytes: &[u8]| to_path(bytes).into_os_string();
        (text(key), text(own.get(key).copied().unwrap_or(none)))
    });
    settings.collect()
}
