//! Debian's packages, for a fresh machine that is ours to change: as root, on Debian or its kin.

use std::process::Command;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, bail};

use crate::{place, program};

/// One at a time, as dpkg's own lock would refuse the second.
static ONE: Mutex<()> = Mutex::new(());

/// Installs `packages`.
///
/// # Errors
/// This is no Debian, not root, or apt fails; the error says what to install by hand.
pub fn install(packages: &[&str]) -> Result<()> {
    let names = packages.join(" ");
    if place::on_path(&["apt-get"]).is_none() {
        bail!(
            "{names}: not found, and this system has no apt-get. Next: install it with this system's package manager"
        );
    }
    if !is_root()? {
        bail!("{names}: not found. Next: sudo apt-get install {names}");
    }
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    program::run("apt-get update", apt(&["update"]))?;
    let mut command = apt(&["install", "-y", "--no-install-recommends"]);
    command.args(packages);
    program::run(&format!("apt-get install {names}"), command).map(|_| ())
}

fn apt(args: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command.args(["-q", "-o", "DPkg::Lock::Timeout=300"]).args(args).env("DEBIAN_FRONTEND", "noninteractive");
    command
}

fn is_root() -> Result<bool> {
    let mut id = Command::new("id");
    id.arg("-u");
    Ok(program::quiet(id).context("cannot tell whether this is root")?.trim() == "0")
}
