//! Where the bridge is, and how one is started where none runs.

use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use shared::api::{Clients, Problem};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::access::{Access, Reached};
use crate::cli::say;
use crate::lock::{Holder, holder};
use crate::supervisor::running;
use crate::system::{self, Wish};
use crate::tls::{self, Wire};

/// A bridge that has not answered by then does not.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two looks whether one has ended.
const PAUSE: Duration = Duration::from_millis(10);

/// Bytes of an answer that are read: a screen in JSON is the largest.
const LARGEST: usize = 8 * 1024 * 1024;

/// A bridge that answers. One that was started for a command ends with it, also where that fails, unless it is said to stay.
#[derive(Debug)]
pub(super) struct Place {
    holder: Holder,
    access: Access,
    /// Its process, if this command started it.
    ours: Option<Child>,
}

impl Drop for Place {
    // The next command would else find one that is about to end.
    fn drop(&mut self) {
        let Some(mut bridge) = self.ours.take() else { return };
        self.ask_to_end();
        let until = Instant::now() + PATIENCE;
        while matches!(bridge.try_wait(), Ok(None)) && Instant::now() < until {
            std::thread::sleep(PAUSE);
        }
    }
}

impl Place {
    /// The bridge of a data folder.
    pub(super) fn find(data_dir: &Path) -> anyhow::Result<Option<Self>> {
        let Some(holder) = holder(data_dir) else { return Ok(None) };
        let Holder { address: listen, fingerprint, .. } = holder;
        let access = Access::open(data_dir, Reached { listen, fingerprint, names: Vec::new() })?;
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
        Self::start(data_dir, |command| {
            command.args((!standby).then_some("--no-standby"));
        })
        .await
    }

    /// A bridge of a data folder that has none, in a session of its own; `with` says how it is not as usual.
    ///
    /// # Errors
    /// It does not start, or ends at once; then in its words.
    pub(super) async fn start(
        data_dir: &Path,
        with: impl FnOnce(&mut std::process::Command),
    ) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("cannot find this program's own file")?;
        system::make_private_folder(data_dir)?;
        let log = data_dir.join("bridge.log");
        let errors = system::private(File::options().write(true).create(true).truncate(true)).open(&log)?;
        let mut command = std::process::Command::new(program);
        command.args(["serve", "--no-open", "--listen", "127.0.0.1:0", "--data-dir"]).arg(data_dir);
        with(&mut command);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors);
        system::detach(&mut command);
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

    /// A connection to it, and to nobody else where it speaks TLS.
    pub(super) async fn connect(&self) -> std::io::Result<Box<dyn Wire>> {
        tls::connect(self.holder.address, self.holder.fingerprint).await
    }

    /// Makes a call as the bridge's own user; gives the body of the answer.
    ///
    /// # Errors
    /// The bridge does not answer, or refuses; then in its words.
    pub(super) async fn call(&self, method: &str, path: &str, sent: &str) -> anyhow::Result<String> {
        let mut head =
            format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.address());
        for (name, value) in self.access.credentials() {
            head += &format!("{name}: {value}\r\n");
        }
        head += &format!("Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{sent}", sent.len());
        let answer = self.ask(&head).await?;
        let (head, body) = answer.split_once("\r\n\r\n").context("the bridge broke off")?;
        if head.split(' ').nth(1).is_some_and(|status| status.starts_with('2')) {
            return Ok(body.to_owned());
        }
        match serde_json::from_str(body) {
            Ok(Problem { error, next_step }) => bail!("{error}. {next_step}"),
            Err(_) => bail!("the bridge answered {}", head.lines().next().unwrap_or_default()),
        }
    }

    /// The head of the answer, and the beginning of its body.
    pub(super) async fn ask(&self, request: &str) -> anyhow::Result<String> {
        let asked = async {
            let mut socket = self.connect().await?;
            socket.write_all(request.as_bytes()).await?;
            let mut answer = Vec::new();
            // What asks for a socket is kept open, let in or not: the head alone is the answer.
            let socket_wanted = request.contains("Upgrade: websocket");
            let whole = |head: &[u8]| socket_wanted && head.windows(4).any(|end| end == b"\r\n\r\n");
            while answer.len() < LARGEST && !whole(&answer) {
                if socket.read_buf(&mut answer).await? == 0 {
                    break;
                }
            }
            anyhow::Ok(String::from_utf8_lossy(&answer).into_owned())
        };
        timeout(PATIENCE, asked).await.context("it took too long")?
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

    /// Ends the bridge if this command started it; whoever started another one ends it. It stays, and says so,
    /// where a page was opened on it meanwhile.
    pub(super) async fn leave(mut self) -> anyhow::Result<()> {
        if self.ours.is_none() {
            return Ok(());
        }
        let connected: Clients = serde_json::from_str(&self.call("GET", "/api/clients", "").await?)?;
        if connected.pages > 0 {
            self.stay().iter().for_each(|line| say(line));
            return Ok(());
        }
        let Some(mut bridge) = self.ours.take() else { return Ok(()) };
        self.ask_to_end();
        bridge.wait().await.map(drop).context("the bridge that was started does not end")
    }

    fn ask_to_end(&self) {
        if let Some(process) = running(self.holder.pid) {
            // It may have ended meanwhile, which is as well.
            let _ = system::ask(process, Wish::End);
        }
    }

    /// Ends the bridge at once, if this command started it, as a crash would.
    pub(super) async fn kill(mut self) -> anyhow::Result<()> {
        match self.ours.take() {
            Some(mut bridge) => bridge.kill().await.context("the bridge cannot be killed"),
            None => Ok(()),
        }
    }

    /// Lets the bridge go on when this command ends, with a sentence about it; none when it was there before.
    pub(super) fn stay(&mut self) -> Option<String> {
        let Holder { pid, address, .. } = self.holder;
        self.ours.take().map(|_| {
            format!(
                "A bridge goes on at {address} (pid {pid}); `orchestrator url` prints the way to its page."
            )
        })
    }
}
