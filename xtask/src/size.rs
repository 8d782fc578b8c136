//! The page's size as a browser downloads it, against its aim and its ceiling.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::{page, place, say};

/// What the page shall come to: all assets together, in bytes after brotli, but for what is loaded on
/// demand (`LAZY`).
const AIM: u64 = 300_000;
/// What fails the build. The page is over its aim since it was first whole; this stands close above where it is, so
/// that nothing large comes in unseen. It was 410,000 before search, budgets, the queue, devices, processes and the
/// self-test came in, 480,000 before retries, limits, warnings, prompts and evidence did, 560,000 before splitting,
/// agents, memory, sizes, words to running turns and commits did, and 620,000 before permissions and their rules, tasks of
/// the person's own, the inbox, usage, a goal's charter and the tree of ten thousand did, 690,000 before lists,
/// terminals, reviewers, caps of stages and every bound in the dialog did, and 760,000 before themes, plans of a goal that
/// are made again, what turns are thought to have cost, a terminal's earlier rows and the first try did, and 785,000
/// before prices and how a list's goal is gone about had forms, and 796,000 before worktrees had a screen and a page that
/// arrives in part was loaded again, and 810,000 before Codex was spoken to by its server, and 825,000 before an end told
/// what its run used, 829,000 before a new task was asked for its name first and what was taken back could be made again,
/// and 837,000 before menus and moved tasks kept the keys, and what is chosen for a goal or half written outlived a reload,
/// and notices came in.
const CEILING: u64 = 858_000;
/// Folder of assets that are loaded when they are first needed.
const LAZY: &str = "lazy";

struct Asset {
    name: String,
    raw: u64,
    sent: u64,
    lazy: bool,
}

/// Prints one line per asset and the sum.
///
/// # Errors
/// The page is not built.
pub fn print() -> Result<()> {
    let assets = assets(&place::dist())?;
    say::result(&format!("{:>10} {:>10}  asset", "raw", "brotli"));
    for asset in &assets {
        let note = if asset.lazy { " (on demand)" } else { "" };
        say::result(&format!("{:>10} {:>10}  {}{note}", asset.raw, asset.sent, asset.name));
    }
    let total = total(&assets);
    say::result(&format!("{:>10} {total:>10}  in all; the ceiling is {CEILING}, the aim {AIM}", ""));
    if total > AIM {
        say::result(&format!("{:>10} {:>10}  over the aim", "", total - AIM));
    }
    Ok(())
}

/// # Errors
/// The page is not built, or larger than its budget.
pub fn within_budget() -> Result<()> {
    let total = total(&assets(&place::dist())?);
    ensure!(
        total <= CEILING,
        "the page is {total} bytes after brotli, {} over its ceiling. Next: see `cargo xtask size` and `twiggy top`",
        total.saturating_sub(CEILING)
    );
    Ok(())
}

fn total(assets: &[Asset]) -> u64 {
    assets.iter().filter(|asset| !asset.lazy).map(|asset| asset.sent).sum()
}

fn assets(dist: &Path) -> Result<Vec<Asset>> {
    let files = page::built(dist)?;
    ensure!(!files.is_empty(), "there is no page in {}. Next: cargo xtask page", dist.display());
    let size = |file: &Path| std::fs::metadata(file).map(|meta| meta.len());
    let mut assets = Vec::new();
    for file in files {
        let raw = size(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let mut twin = file.clone().into_os_string();
        twin.push(".br");
        // What does not compress (fonts, images) has no twin and is sent as it is.
        let sent = size(&PathBuf::from(twin)).unwrap_or(raw);
        let name = file.strip_prefix(dist).unwrap_or(&file).to_owned();
        assets.push(Asset { lazy: name.starts_with(LAZY), name: name.display().to_string(), raw, sent });
    }
    assets.sort_by_key(|asset| std::cmp::Reverse(asset.sent));
    Ok(assets)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn counts_what_is_sent_at_the_start() {
        let dist = tempfile::tempdir().unwrap();
        std::fs::create_dir(dist.path().join(LAZY)).unwrap();
        for (name, size) in [("a.wasm", 900), ("a.wasm.br", 300), ("font.woff2", 50), ("lazy/term.js", 700)] {
            std::fs::write(dist.path().join(name), vec![0; size]).unwrap();
        }
        let assets = assets(dist.path()).unwrap();
        assert_eq!(assets.len(), 3);
        assert_eq!(total(&assets), 350);
    }
}
