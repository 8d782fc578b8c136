//! From the log's orders into a run's inbox. The log is the queue: nothing is held in memory, so nothing is
//! dropped, and a new bridge goes on behind what the inbox has.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use shared::entry::Kind;
use shared::id::RunId;
use shared::unit::Seq;
use tokio::sync::Notify;
use tokio::time::sleep;

use super::folder::RunFolder;
use super::inbox::Inbox;
use super::{AGAIN, os};
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
    // A bridge that was killed may have written and not rung.
    os::ring(folder);
    loop {
        let told = match store.orders_to(run, inbox.last().max(since), PAGE).await {
            Ok(orders) if orders.is_empty() => {
                news.notified().await;
                continue;
            }
            Ok(orders) => write(&mut inbox, &orders).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        os::ring(folder);
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
            Some(Kind::InputSent { text, .. } | Kind::TerminalTyped { text, .. }) => inbox.text(seq, text)?,
            Some(Kind::TerminalResized { window, .. }) => inbox.size(seq, window.bounded())?,
            Some(Kind::InputClosed { .. }) => inbox.end(seq)?,
            // Passed over, as a newer version's would be.
            _ => inbox.text(seq, "")?,
        }
    }
    Ok(())
}
