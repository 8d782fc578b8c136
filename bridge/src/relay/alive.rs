//! Whether the script of the baton's holder is alive. A browser answers a socket's pings by itself, also for a page that hangs, so a
//! holder says something of its own; one that falls silent loses the baton to whoever else wishes for it, and not its connection.

use std::convert::Infallible;
use std::time::Duration;

use shared::wire::{PULSE, QUIET};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::Connection;
use super::baton::{Baton, Life};

/// Who fell silent is left alone for so long before it may have the baton again, so that a slow client does not take turns.
const REST: Duration = Duration::from_secs(10);

/// Watches one connection while it holds the baton. `heard` has when its client last said something. Never ends.
pub(super) async fn watch(
    baton: &Baton,
    connection: Connection,
    mut heard: watch::Receiver<Instant>,
) -> Infallible {
    // A beat that is late is no sign; two that are missing are one.
    let (falters, quiet) = (Duration::from_millis(2 * PULSE.0), Duration::from_millis(QUIET.0));
    let mut seen = baton.seen();
    while seen.wait_for(|seen| seen.is_watched(connection)).await.is_ok() {
        // It is told that it holds it, and shows life from then on.
        let granted = Instant::now();
        let mut life = Life::Lively;
        while life != Life::Silent {
            let since = granted.max(*heard.borrow_and_update());
            let (due, next) = match life {
                Life::Lively => (since + falters, Life::Falters),
                Life::Falters | Life::Silent => (since + quiet, Life::Silent),
            };
            let now = tokio::select! {
                biased;
                said = heard.changed() => if said.is_ok() { Life::Lively } else { break },
                () = async { drop(seen.wait_for(|seen| !seen.is_watched(connection)).await) } => break,
                () = sleep_until(due) => next,
            };
            if now != life {
                baton.hear(connection, now).await;
                life = now;
            }
        }
        if life == Life::Silent {
            sleep(REST).await;
            heard.mark_unchanged();
            if heard.changed().await.is_ok() {
                baton.hear(connection, Life::Lively).await;
            }
        }
    }
    std::future::pending().await
}
