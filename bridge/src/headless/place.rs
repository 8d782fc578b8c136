//! Where the bridge is, and how one is started where none runs.

use std::fs::{DirBuilder, File};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::access::Access;
use crate::lock::{Holder, holder};
use crate::supervisor::own_session;

/// A bridge that answers.
#[derive(Debug)]
pub(super) struct Place {
    holder: Holder,
    access: Access,
    /// Its process, if this command started it.
    ours: Option<Child>,
}

impl Place {
    /// The bridge of a data folder.
    pub(super) fn find(data_dir: &Path) -> anyhow::Result<Option<Self>> {
        let Some(holder) = holder(data_dir) else { return Ok(None) };
        let access = Access::open(data_dir, holder.address)?;
        Ok(Some(Self { holder, access, ours: None }))
    }

    /// The bridge of a data folder; one is started there if none runs, in a session of its own, so that it
    /// goes on when this command is interrupted.
    ///
    /// Without a `standby` nothing is decided by it, for commands that only look.
    pub(super) async fn find_or_start(data_dir: &Path, standby: bool) -> anyhow::Result<Self> {
        if let Some(place) = Self::find(data_dir)? {
            return Ok(place);
        }
        let program = std::env::current_exe().context("cannot find this program's own file")?;
        DirBuilder::new().recursive(true).mode(0o700).create(data_dir)?;
        let log = data_dir.join("bridge.log");
        let errors = File::options().write(true).create(true).truncate(true).mode(0o600).open(&log)?;
        let mut command = std::process::Command::new(program);
        command.args(["serve", "--no-open", "--listen", "127.0.0.1:0", "--data-dir"]).arg(data_dir);
        command.args((!standby).then_some("--no-standby"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors);
        own_session(&mut command, None);
        let mut bridge = Command::from(command).spawn().context("cannot start a bridge")?;
        let mut line = String::new();
        if let Some(stdout) = bridge.stdout.take() {
            BufReader::new(stdout).read_line(&mut line).await?;
        }
        if let Some(mut place) = Self::find(data_dir)? {
            // Another command may have been quicker; then the bridge is its, and ours has found it there.
            if u32::try_from(place.holder.pid).ok() == bridge.id() {
                place.ours = Some(bridge);
            }
            return Ok(place);
        }
        let why = std::fs::read_to_string(&log).unwrap_or_default();
        bail!("a bridge was started and ended at once: {}", why.trim());
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.holder.address
    }

    pub(super) fn pid(&self) -> i32 {
        self.holder.pid
    }

    pub(super) fn access(&self) -> &Access {
        &self.access
    }

    /// Ends the bridge if this command started it; whoever started another one ends it.
    pub(super) async fn leave(self) -> anyhow::Result<()> {
        let Some(mut bridge) = self.ours else { return Ok(()) };
        if let Some(pid) = Pid::from_raw(self.holder.pid) {
            // It may have ended meanwhile, which is as well.
            let _ = kill_process(pid, Signal::TERM);
        }
        bridge.wait().await.map(drop).context("the bridge that was started does not end")
    }

    /// A sentence about the bridge that this command leaves running; none when it was there before.
    pub(super) fn stays(&self) -> Option<String> {
        let Holder { pid, address } = self.holder;
        self.ours.as_ref().map(|_| {
            format!(
                "A bridge goes on at {address} (pid {pid}); `orchestrator url` prints the way to its page."
            )
        })
    }
}
