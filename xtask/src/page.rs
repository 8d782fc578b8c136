//! Builds the page with trunk into `frontend/dist`, where the bridge embeds it from. Nothing is called
//! when neither sources, tools nor output changed.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::tools::PageTools;
use crate::{fingerprint, place, program, say, tools};

/// What the page is made of.
const SOURCES: [&str; 6] = ["frontend", "shared", "style", "Trunk.toml", "Cargo.toml", "Cargo.lock"];

/// Compresses each file once, as well as brotli can; the bridge sends these to browsers that take them.
const COMPRESS: &str = "
const fs = require('fs'), zlib = require('zlib');
for (const file of process.argv.slice(1)) {
  const content = fs.readFileSync(file);
  const params = { [zlib.constants.BROTLI_PARAM_QUALITY]: 11, [zlib.constants.BROTLI_PARAM_SIZE_HINT]: content.length };
  fs.writeFileSync(file + '.br', zlib.brotliCompressSync(content, { params }));
}";

/// Endings of files that brotli makes smaller.
const COMPRESSIBLE: [&str; 7] = ["html", "js", "css", "wasm", "svg", "json", "webmanifest"];

/// Leptos then boxes its views instead of compiling each nesting anew, which takes 8 % off the page (492,550 to 452,524
/// bytes of WASM after brotli), and lets an element have more than 26 attributes and children.
const SMALL: (&str, &str) = ("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", "--cfg erase_components");

/// Builds the page if anything changed; says whether it did.
///
/// # Errors
/// A tool is missing and cannot be installed, or the page does not build.
pub fn build() -> Result<bool> {
    let (root, dist) = (place::root(), place::dist());
    let sources = fingerprint::of(&root, &SOURCES)?;
    let stamp = place::target().join("xtask/page.stamp");
    if std::fs::read_to_string(&stamp).is_ok_and(|known| known == stamped(&sources, &dist)) {
        say::line("   ok page (unchanged)");
        return Ok(false);
    }
    let tools = tools::for_page()?;
    let mut trunk = trunk(&tools, "build");
    trunk.arg("--release").arg("--dist").arg(&dist);
    program::run("page: trunk build", trunk)
        .context("the page was not built. Next: mend what the output above names, then run this again")?;
    compress(&dist)?;
    ensure!(
        dist.join("index.html").is_file(),
        "trunk ended well but wrote no {}",
        dist.join("index.html").display()
    );
    std::fs::create_dir_all(stamp.parent().unwrap_or(&root))?;
    std::fs::write(&stamp, stamped(&sources, &dist))
        .with_context(|| format!("cannot write {}", stamp.display()))?;
    Ok(true)
}

/// `trunk VERB` with the tools of this project first on the PATH.
pub fn trunk(tools: &PageTools, verb: &str) -> Command {
    let mut command = Command::new(&tools.trunk);
    command.arg(verb).current_dir(place::root()).env("PATH", &tools.path).envs(tools.env.clone());
    // Trunk takes NO_COLOR for an option of its own, which must be `true` or `false`.
    command.env(SMALL.0, SMALL.1);
    command.env_remove("NO_COLOR").env("TRUNK_SKIP_VERSION_CHECK", "true");
    // A backtrace through trunk hides the compiler's own words.
    command.env("RUST_BACKTRACE", "0");
    command
}

fn compress(dist: &Path) -> Result<()> {
    let files = built(dist)?.into_iter().filter(|file| {
        file.extension().is_some_and(|ending| COMPRESSIBLE.iter().any(|known| ending == *known))
    });
    let mut node = Command::new("node");
    node.args(["-e", COMPRESS]).args(files);
    program::run("page: brotli", node).map(|_| ())
}

/// The built files, without their compressed twins.
///
/// # Errors
/// The folder cannot be read.
pub fn built(dist: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dist).with_context(|| format!("cannot read {}", dist.display()))? {
        fingerprint::gather(&entry?.path(), &mut files)?;
    }
    files.retain(|file| file.extension().is_none_or(|ending| ending != "br"));
    files.sort();
    Ok(files)
}

/// What the stamp holds: the sources' fingerprint, and names and sizes of what was built from them.
fn stamped(sources: &str, dist: &Path) -> String {
    let mut text = format!("{sources} trunk {} {}\n", tools::TRUNK, SMALL.1);
    for file in built(dist).unwrap_or_default() {
        let size = file.metadata().map_or(0, |meta| meta.len());
        text.push_str(&format!("{} {size}\n", file.strip_prefix(dist).unwrap_or(&file).display()));
    }
    text
}
