//! The tools that the build and the tests need: found, or installed into a folder of this project's own,
//! keyed by version, so that nothing global changes (the exceptions, which the system's package managers
//! own: the targets for WASM and Windows with their C compiler, and Chromium).

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::{place, say};
use cargo::Build;

pub mod agents;
pub mod apt;
pub mod cargo;
pub mod chromium;
pub mod folder;
pub mod npm;
pub mod rustup;
pub mod wasm_std;
pub mod wasm_target;
pub mod windows_target;

/// 0.22 needs a newer compiler than the one this workspace is written for.
pub const TRUNK: &str = "0.21.14";
/// The npm package that holds `wasm-opt`; Debian's is too old for today's compiler output.
const BINARYEN: &str = "132";

/// What trunk needs to build the page.
pub struct PageTools {
    /// The trunk binary.
    pub trunk: PathBuf,
    /// A PATH on which trunk finds the right `wasm-bindgen` and `wasm-opt`.
    pub path: OsString,
    /// Further variables of the build, where the WASM target is not rustup's.
    pub env: BTreeMap<String, OsString>,
}

/// Finds or installs everything for the page, what can be at the same time.
///
/// # Errors
/// A tool is missing and cannot be installed.
pub fn for_page() -> Result<PageTools> {
    let bindgen = locked_version("wasm-bindgen")?;
    let (env, trunk, bindgen, binaryen) = std::thread::scope(|scope| {
        let env = scope.spawn(wasm_target::ready);
        let trunk = scope.spawn(|| cargo::tool("trunk", "trunk", TRUNK, Build::Plain));
        let bindgen =
            scope.spawn(|| cargo::tool("wasm-bindgen-cli", "wasm-bindgen", &bindgen, Build::Optimised));
        let binaryen =
            scope.spawn(|| npm::tool("binaryen", &["binaryen"], BINARYEN, "node_modules/.bin/wasm-opt"));
        (joined(env), joined(trunk), joined(bindgen), joined(binaryen))
    });
    let (trunk, bindgen, binaryen) = (trunk?, bindgen?, binaryen?);
    let folders =
        [&trunk, &bindgen, &binaryen].map(|file| file.parent().map(PathBuf::from).unwrap_or_default());
    let known = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(folders.into_iter().chain(std::env::split_paths(&known)))
        .context("the tools' folder has a name that cannot stand in PATH")?;
    Ok(PageTools { trunk, path, env: env? })
}

/// Installs every tool and says where it is.
///
/// # Errors
/// A tool is missing and cannot be installed.
pub fn print() -> Result<()> {
    let page = for_page()?;
    say::result(&format!("tools     {}", place::tools()?.display()));
    say::result(&format!("trunk     {}", page.trunk.display()));
    say::result(&format!("chromium  {}", chromium::ready()?.display()));
    let agents = agents::ready()?;
    say::result(&format!("claude    {}", agents.claude.display()));
    say::result(&format!("codex     {}", agents.codex.display()));
    Ok(())
}

/// The version of a package in Cargo.lock.
///
/// # Errors
/// There is no lock file, or the package is not in it.
fn locked_version(package: &str) -> Result<String> {
    let lock = place::root().join("Cargo.lock");
    let text = std::fs::read_to_string(&lock).with_context(|| format!("cannot read {}", lock.display()))?;
    match version_in(&text, package) {
        Some(version) => Ok(version.to_owned()),
        None => bail!("{} names no {package}", lock.display()),
    }
}

fn version_in<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let (_, rest) = lock.split_once(&format!("name = \"{package}\"\nversion = \""))?;
    rest.split_once('"').map(|(version, _)| version)
}

fn joined<T>(thread: std::thread::ScopedJoinHandle<'_, Result<T>>) -> Result<T> {
    thread.join().unwrap_or_else(|_| bail!("an install's thread panicked"))
}

#[cfg(test)]
mod tests {
    use super::version_in;

    #[test]
    fn finds_exactly_the_package() {
        let lock = "[[package]]\nname = \"wasm-bindgen-futures\"\nversion = \"0.4.1\"\n\n\
                    [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\n";
        assert_eq!(version_in(lock, "wasm-bindgen"), Some("0.2.130"));
        assert_eq!(version_in(lock, "bindgen"), None);
    }
}
