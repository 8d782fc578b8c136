//! The way without rustup's downloads: Debian's compiler for browsers, and the standard library for WASM
//! built from Debian's sources, once, into a sysroot beside the other tools.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::wasm_target::TARGET;
use super::{apt, folder};
use crate::{place, program, system};

const PACKAGES: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "lld-22"];
const RUSTC: &str = "/usr/bin/rustc";
const CARGO: &str = "/usr/bin/cargo";
const LINKER: &str = "/usr/lib/llvm-22/bin/lld";
const NAME: &str = "wasm-std";
const WRAPPER: &str = "bin/rustc";

/// The variables for a sysroot that was built before, if there is one for the compiler that is installed.
///
/// # Errors
/// There is no place for tools.
pub fn built() -> Result<Option<BTreeMap<String, OsString>>> {
    let Some(version) = compiler_version() else { return Ok(None) };
    let wrapper = place::tools()?.join(format!("{NAME}-{version}")).join(WRAPPER);
    Ok(wrapper.exists().then(|| variables(wrapper)))
}

/// Installs Debian's packages, builds the library and gives the variables that use it.
///
/// # Errors
/// The packages cannot be installed, or the library does not build.
pub fn build() -> Result<BTreeMap<String, OsString>> {
    apt::install(&PACKAGES)?;
    let version =
        compiler_version().context("Debian's compiler was installed, but /usr/bin/rustc does not answer")?;
    let sysroot = place::tools()?.join(format!("{NAME}-{version}"));
    let wrapper = folder::ready(NAME, &version, WRAPPER, |folder| {
        let work = folder.join("work");
        write_empty_crate(&work)?;
        program::run("build the standard library for WASM", build_std(&work))?;
        lay_out(folder, &sysroot, &work.join("target").join(TARGET).join("release/deps"))?;
        std::fs::remove_dir_all(&work).context("cannot remove the build of the standard library")
    })?;
    Ok(variables(wrapper))
}

fn compiler_version() -> Option<String> {
    let mut rustc = Command::new(RUSTC);
    rustc.arg("--version");
    let text = program::quiet(rustc).ok()?;
    text.split_whitespace().nth(1).map(str::to_owned)
}

fn variables(wrapper: PathBuf) -> BTreeMap<String, OsString> {
    BTreeMap::from([
        ("RUSTC".to_owned(), wrapper.into()),
        ("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER".to_owned(), LINKER.into()),
    ])
}

fn write_empty_crate(work: &Path) -> Result<()> {
    std::fs::create_dir_all(work.join("src"))?;
    std::fs::write(
        work.join("Cargo.toml"),
        "[package]\nname = \"empty\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n[profile.release]\npanic = \"abort\"\n\n[workspace]\n",
    )?;
    std::fs::write(work.join("src/lib.rs"), "").map_err(Into::into)
}

fn build_std(work: &Path) -> Command {
    let mut cargo = Command::new(CARGO);
    cargo
        .args(["build", "--release", "--target", TARGET, "-Z", "build-std=std,panic_abort"])
        .current_dir(work)
        .env("RUSTC", RUSTC)
        .env("RUSTC_BOOTSTRAP", "1")
        // Without the bitcode a build with LTO fails with "Can't find section .llvmbc".
        .env("RUSTFLAGS", "-C embed-bitcode=yes")
        .env("CARGO_TARGET_DIR", work.join("target"))
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", LINKER)
        .env_remove("RUSTUP_TOOLCHAIN");
    cargo
}

/// Fills `folder`, which will stand at `sysroot`: the WASM libraries, the host's beside them, the wrapper.
fn lay_out(folder: &Path, sysroot: &Path, libraries: &Path) -> Result<()> {
    let rustlib = folder.join("lib/rustlib");
    let wasm = rustlib.join(TARGET).join("lib");
    std::fs::create_dir_all(&wasm)?;
    for entry in
        std::fs::read_dir(libraries).with_context(|| format!("cannot read {}", libraries.display()))?
    {
        let file = entry?.path();
        let is_empty_crate =
            file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("libempty-"));
        if file.extension().is_some_and(|ending| ending == "rlib") && !is_empty_crate {
            std::fs::copy(&file, wasm.join(file.file_name().unwrap_or_default()))?;
        }
    }
    let host = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    system::link(&Path::new("/usr/lib/rustlib").join(&host), &rustlib.join(&host))?;
    let wrapper = folder.join(WRAPPER);
    std::fs::create_dir_all(folder.join("bin"))?;
    std::fs::write(&wrapper, format!("#!/bin/sh\nexec {RUSTC} --sysroot '{}' \"$@\"\n", sysroot.display()))?;
    system::make_program(&wrapper).map_err(Into::into)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_sysroot_holds_the_libraries_and_a_compiler_that_uses_it() {
        let world = tempfile::tempdir().unwrap();
        let (folder, libraries) = (world.path().join("sysroot"), world.path().join("deps"));
        std::fs::create_dir_all(&libraries).unwrap();
        for file in ["libcore-1.rlib", "libempty-2.rlib", "libcore-1.rmeta"] {
            std::fs::write(libraries.join(file), "").unwrap();
        }
        std::fs::create_dir_all(&folder).unwrap();
        lay_out(&folder, Path::new("/final"), &libraries).unwrap();
        let wasm: Vec<_> = std::fs::read_dir(folder.join("lib/rustlib").join(TARGET).join("lib"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        assert_eq!(wasm, ["libcore-1.rlib"]);
        let wrapper = std::fs::read_to_string(folder.join(WRAPPER)).unwrap();
        assert!(wrapper.contains("--sysroot '/final'"), "{wrapper}");
    }
}
