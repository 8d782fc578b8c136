//! The house rules that no lint knows, over every file that git knows or would take.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{place, program};

/// Lines of a source file at most; past 400 it asks to be two.
const LINES: usize = 600;
/// Endings of source files.
const SOURCES: [&str; 5] = ["rs", "css", "ts", "js", "mjs"];
/// Names that say nothing of what is inside.
const NAMES: [&str; 6] = ["mod.rs", "utils.rs", "common.rs", "helpers.rs", "manager.rs", "types.rs"];
/// Paths of the machine that something was written on. In pieces, so that this file is clean.
const MACHINE: [&str; 3] = [concat!("/ro", "ot/"), concat!("/wo", "rk/main"), concat!("/wo", "rk/shared")];
const ATTRIBUTES: [&str; 2] = [concat!("#[al", "low("), concat!("#![al", "low(")];

/// Checks all files.
///
/// # Errors
/// Rules are broken; the error has one line for each place.
pub fn check() -> Result<()> {
    let root = place::root();
    let mut git = Command::new("git");
    git.args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"]).current_dir(&root);
    let listed = program::quiet(git).context("cannot list the files")?;
    let mut broken = Vec::new();
    for name in listed.split('\0').filter(|name| !name.is_empty()) {
        // A file that was removed but not yet committed, and one that is not text, has no rules to break.
        if let Ok(text) = std::fs::read_to_string(root.join(name)) {
            broken.extend(faults(name, &text));
        }
    }
    if broken.is_empty() {
        return Ok(());
    }
    bail!("{} rules are broken:\n  {}", broken.len(), broken.join("\n  "))
}

fn faults(name: &str, text: &str) -> Vec<String> {
    let path = Path::new(name);
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let is_source = path.extension().is_some_and(|ending| SOURCES.iter().any(|known| ending == *known));
    let is_fixture = path.components().any(|part| part.as_os_str() == "fixtures");
    let mut faults = Vec::new();
    let lines = text.lines().count();
    if is_source && !is_fixture && lines > LINES {
        faults.push(format!("{name}: {lines} lines, of {LINES} at most. Next: split it by what it does"));
    }
    if NAMES.contains(&&*file) {
        faults.push(format!("{name}: a name that says nothing. Next: name it for its role"));
    }
    for (number, line) in text.lines().enumerate() {
        let place = format!("{name}:{}", number + 1);
        if file.ends_with(".rs") && ATTRIBUTES.iter().any(|attribute| line.contains(attribute)) {
            faults.push(format!("{place}: a lint is silenced for good. Next: #[expect(…, reason = \"…\")]"));
        }
        if MACHINE.iter().any(|path| line.contains(path)) {
            faults.push(format!("{place}: a path of one machine"));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_finds_its_fault() {
        let long = "x\n".repeat(LINES + 1);
        let silenced = format!("fn a() {{}}\n{}dead_code)]\n", ATTRIBUTES[0]);
        let path = format!("see {}x", MACHINE[0]);
        for (name, text, at) in [
            ("bridge/src/long.rs", long.as_str(), "bridge/src/long.rs: 601 lines"),
            ("bridge/src/mod.rs", "", "bridge/src/mod.rs: a name"),
            ("bridge/src/a.rs", &silenced, "bridge/src/a.rs:2: a lint"),
            ("README.md", &path, "README.md:1: a path"),
        ] {
            let found = faults(name, text);
            assert!(found.len() == 1 && found[0].starts_with(at), "{name}: {found:?}");
        }
        assert_eq!(faults("tests/fixtures/long.rs", &long), Vec::<String>::new());
        assert_eq!(faults("docs/long.md", &long), Vec::<String>::new());
    }
}
