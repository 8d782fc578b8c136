//! From the log's orders into a run's inbox. The log is the queue: nothing is held in memory, so nothing is
//! dropped, and a new bridge goes on behind what the inbox has.

use std::convert::Infallible;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;

use rustix::fs::OFlags;
use shared::entry::Kind;
use shared::id::RunId;
use shared::unit::Seq;
use tokio::sync::Notify;
use tokio::time::sleep;

use super::AGAIN;
use super::folder::RunFolder;
use super::inbox::Inbox;
use crate::store::{Page, Store, Stored};

/// Orders that are read at once.
const PAGE: Page = Page { entries: 256, bytes: 1024 * 1024 };

/// Tells a run what the log orders after `since`, and whatever comes when `news` rings; never ends. A run that
/// does not listen is told nothing.
pub(super) async fn feed(
    store: &Store,
    run: &RunId,
    folder: &RunFolder,
    since: Seq,
    news: Arc<Notify>,
) -> Infallible {
    let mut inbox = match Inbox::open(&folder.inbox()) {
        Ok(inbox) => inbox,
        Err(error) => {
            tracing::error!(%error, %run, "the run cannot be told anything");
            return std::future::pending().await;
        }
    };
    loop {
        let told = match store.orders_to(run, inbox.last().max(since), PAGE).await {
            Ok(orders) if orders.is_empty() => {
                news.notified().await;
                continue;
            }
            Ok(orders) => write(&mut inbox, &orders).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        ring(folder);
        if let Err(error) = told {
            tracing::error!(%error, %run, "what the run is told waits");
            sleep(AGAIN).await;
        }
    }
}

fn write(inbox: &mut Inbox, orders: &[Arc<Stored>]) -> io::Result<()> {
    for order in orders {
        let seq = order.entry.seq;
        match order.entry.body.known() {
            Some(Kind::InputSent { text, .. }) => inbox.text(seq, text)?,
            Some(Kind::TerminalResized { window, .. }) => inbox.size(seq, window.bounded())?,
            // Passed over, as a newer version's would be.
            _ => inbox.text(seq, "")?,
        }
    }
    Ok(())
}

/// A shim that is gone hears nothing, and one whose pipe is full has heard already.
fn ring(folder: &RunFolder) {
    let nonblocking = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or(0);
    let bell = File::options().write(true).custom_flags(nonblocking).open(folder.bell());
    let _ = bell.and_then(|mut bell| bell.write_all(b"!"));
}
