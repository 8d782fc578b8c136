//! The standby: while no page decides, the bridge keeps a conductor of its own at work, as a client like any
//! other (`orchestrator conduct`). So closing the tab stops nothing. It ends when nothing is left to decide,
//! and is started again when the log has grown. For a page that seems to hang it is started before that one
//! loses the baton, so that it has read the log by then.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use shared::entry::{Entry, Kind};
use shared::unit::Seq;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::headless::IDLE;
use crate::relay::{Attendance, follow_log};
use crate::store::Store;

/// What a page that is loaded anew gets to be back.
const GRACE: Duration = Duration::from_millis(500);
/// Between starts of a standby that fails; doubled each time.
const AGAIN: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

/// What a standby is started with.
pub(crate) struct Standby {
    pub program: PathBuf,
    pub data_dir: PathBuf,
}

impl Standby {
    /// Never ends while the relay lives; drop it to stop, which ends the process too.
    pub(crate) async fn keep(self, store: Store, mut attendance: Attendance) {
        let mut settled = Seq(0);
        let mut pause = AGAIN;
        loop {
            if attendance.until(false).await.is_err() {
                return;
            }
            // One that may hang comes back or loses the baton within half a second: the standby is to be there by then.
            if !attendance.falters() {
                tokio::select! {
                    () = sleep(GRACE) => {}
                    _ = attendance.until(true) => continue,
                }
            }
            tokio::select! {
                () = news(&store, settled) => {}
                _ = attendance.until(true) => continue,
            }
            let conducted = tokio::select! {
                conducted = self.conduct() => conducted,
                // What it has sent stands, and what it would send is refused.
                _ = attendance.until(true) => continue,
            };
            match conducted {
                Ok(seq) => {
                    settled = seq.unwrap_or(settled);
                    pause = AGAIN;
                }
                Err(error) => {
                    tracing::error!(%error, "the standby failed; it is started again");
                    sleep(pause).await;
                    pause = (pause * 2).min(LONGEST);
                }
            }
        }
    }

    /// One life of the process. Gives the entry after which it had nothing to decide; none when it gave way.
    async fn conduct(&self) -> std::io::Result<Option<Seq>> {
        let mut child = Command::new(&self.program)
            .arg("conduct")
            .arg("--data-dir")
            .arg(&self.data_dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut said = String::new();
        if let Some(stdout) = child.stdout.take() {
            // One short line; a program that says more is not read.
            BufReader::new(tokio::io::AsyncReadExt::take(stdout, 64)).read_line(&mut said).await?;
        }
        let status = child.wait().await?;
        if !status.success() {
            return Err(std::io::Error::other(format!("it ended with {status}")));
        }
        let seq = said.trim().strip_prefix(IDLE).and_then(|seq| seq.trim().parse().ok());
        Ok(seq.map(Seq))
    }
}

/// Waits for an entry after `seq` that could give a conductor anything to do. A grant does not: a standby that
/// ends leaves the baton to a hidden page, and would be started for that for ever.
async fn news(store: &Store, seq: Seq) {
    let found = Notify::new();
    let look = |entry: &Entry| {
        if !matches!(entry.body.known(), Some(Kind::BatonGranted { .. })) {
            found.notify_one();
        }
    };
    tokio::select! {
        () = follow_log(store.clone(), seq, look) => {}
        () = found.notified() => {}
    }
}
