//! The native side of the journey that compares both folds: a log on stdin, a digest for each of its entries on stdout.

use std::io::{Read, Write};

fn main() -> anyhow::Result<()> {
    let mut log = String::new();
    std::io::stdin().read_to_string(&mut log)?;
    let mut out = std::io::stdout().lock();
    for digest in fold::digests(&log)? {
        writeln!(out, "{digest}")?;
    }
    Ok(())
}
