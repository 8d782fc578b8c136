//! `cargo xtask dev`: trunk rebuilds the page on every change, the bridge serves it from disk and tells
//! open tabs to reload. Whatever ends first, or ctrl-c, ends both.

use std::process::{Child, Command};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::{page, place, program, say, tools};

/// What a bridge needs at most to end its runs politely.
const GRACE: Duration = Duration::from_secs(15);

enum Ended {
    Asked,
    Trunk,
    Bridge,
}

/// Runs both until one ends or a signal comes; `args` go to the bridge.
///
/// # Errors
/// A build fails at the start, or a program cannot be started.
pub fn dev(args: &[String]) -> Result<()> {
    let tools = tools::for_page()?;
    let dist = place::dist_dev();
    let mut first = page::trunk(&tools, "build");
    first.arg("--dist").arg(&dist);
    program::run("page: first build", first)?;
    std::fs::create_dir_all(place::dist()).context("cannot make frontend/dist")?;
    program::run("bridge: debug build", program::cargo(&["build", "-p", "bridge", "--bin", "orchestrator"]))?;

    // Bounded: three things can be told, and the first one decides.
    let (tell, told) = mpsc::sync_channel(8);
    let asked = tell.clone();
    ctrlc::set_handler(move || drop(asked.try_send(Ended::Asked))).context("cannot listen for ctrl-c")?;

    let mut watch = page::trunk(&tools, "watch");
    watch.arg("--dist").arg(&dist);
    let mut serve = Command::new(place::binary("debug"));
    serve.arg("serve").arg("--page-dir").arg(&dist).args(args).current_dir(std::env::current_dir()?);
    let trunk = watch.spawn().context("cannot start trunk")?;
    let bridge = match serve.spawn() {
        Ok(bridge) => bridge,
        Err(error) => {
            end(trunk.id());
            return Err(error).context("cannot start the bridge");
        }
    };
    say::line("      the page is rebuilt and reloaded on every change; ctrl-c ends both");
    let ids = [trunk.id(), bridge.id()];
    wait_aside(trunk, tell.clone(), || Ended::Trunk);
    wait_aside(bridge, tell, || Ended::Bridge);
    let first = told.recv().unwrap_or(Ended::Asked);
    for id in ids {
        end(id);
    }
    let mut missing = if matches!(first, Ended::Asked) { 2 } else { 1 };
    while missing > 0 {
        match told.recv_timeout(GRACE) {
            Ok(Ended::Asked) => {}
            Ok(Ended::Trunk | Ended::Bridge) => missing -= 1,
            Err(_) => break,
        }
    }
    match first {
        Ended::Asked => Ok(()),
        Ended::Trunk => anyhow::bail!("trunk ended. Next: read its output above"),
        Ended::Bridge => anyhow::bail!("the bridge ended. Next: read its output above"),
    }
}

fn wait_aside(
    mut child: Child,
    tell: mpsc::SyncSender<Ended>,
    what: impl FnOnce() -> Ended + Send + 'static,
) {
    std::thread::spawn(move || {
        let _ = child.wait();
        let _ = tell.send(what());
    });
}

/// Asks a child of ours to end. A child that ended a moment ago is not waited for by anybody else, so its
/// id may at worst be free, and `kill` says so.
fn end(id: u32) {
    let _ =
        Command::new("kill").args(["-TERM", &id.to_string()]).stderr(std::process::Stdio::null()).status();
}
