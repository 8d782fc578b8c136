//! The one who hands orders on. It follows the log as a client does, so orders are carried out in the log's
//! order, once, and also when the client that gave them is gone before their commit is answered.

use std::time::Duration;

use shared::entry::Entry;
use shared::unit::Seq;

use crate::store::{Page, Store};

/// Between tries when the database cannot be read.
const AGAIN: Duration = Duration::from_millis(500);
const PAGE: Page = Page { entries: 256, bytes: 1024 * 1024 };

/// Gives `each` every entry after `after`, in order, as they are committed. It never ends; drop it to stop.
pub async fn follow_log(store: Store, mut after: Seq, mut each: impl FnMut(&Entry)) {
    let wake = store.hub().subscribe();
    loop {
        match store.entries_after(after, PAGE).await {
            Ok(entries) if entries.is_empty() => wake.notified().await,
            Ok(entries) => {
                for stored in entries {
                    after = stored.entry.seq;
                    each(&stored.entry);
                }
            }
            Err(error) => {
                tracing::error!(%error, "orders wait for the store");
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}
