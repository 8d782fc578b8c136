//! Tells whether anything changed: a hash over the paths and contents of files.

use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Names of folders that hold output, not sources.
const OUTPUT: [&str; 4] = ["dist", "dist-dev", "target", "node_modules"];

/// A hash of every file at or below `paths` (relative to `root`), in hexadecimal. A path that does not exist
/// counts as empty, so that its coming into being is a change.
///
/// # Errors
/// A file or folder cannot be read.
pub fn of(root: &Path, paths: &[&str]) -> Result<String> {
    let mut files = Vec::new();
    for path in paths {
        gather(&root.join(path), &mut files)?;
    }
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        let content = std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let name = file.strip_prefix(root).unwrap_or(&file).to_string_lossy().into_owned();
        for part in [name.as_bytes(), &content] {
            hasher.write_usize(part.len());
            hasher.write(part);
        }
    }
    Ok(format!("{:016x}", hasher.finish()))
}

/// All files at or below `path`, but for output.
///
/// # Errors
/// A folder cannot be read.
pub fn gather(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if path.is_file() {
        files.push(path.to_owned());
    } else if path.is_dir() {
        for entry in std::fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))? {
            let entry = entry?;
            if !OUTPUT.iter().any(|name| entry.file_name() == *name) {
                gather(&entry.path(), files)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn changes_with_content_and_names_and_not_with_output() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let file = folder.path().join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        };
        let now = || of(folder.path(), &["page", "lock"]).unwrap();
        let empty = now();
        write("page/src/main.rs", "fn main() {}");
        let first = now();
        assert_ne!(empty, first);
        write("page/dist/page.js", "built");
        assert_eq!(first, now(), "output is no change");
        write("page/src/main.rs", "fn main() { }");
        let second = now();
        assert_ne!(first, second);
        write("lock", "1");
        assert_ne!(second, now());
    }
}
