//! Retention: takes the output of runs away that ended long ago, where the configuration says so. Never the log: it
//! tells what was done, and that the output was removed.

use std::time::Duration;

use shared::entry::{Actor, Draft, Kind};
use shared::unit::Millis;

use crate::clock;
use crate::store::{Removable, Store, StoreError};

/// Between looks for what has become old meanwhile.
const LOOK: Duration = Duration::from_secs(60 * 60);
const DAY: Millis = Millis::from_secs(24 * 60 * 60);

/// Keeps output for so many days after a run's end; never ends. What cannot be removed is tried again at the
/// next look.
pub(crate) async fn keep(store: Store, days: u32) {
    loop {
        let before = Millis(clock::now().0.saturating_sub(DAY.0.saturating_mul(u64::from(days))));
        if let Err(error) = remove(&store, before).await {
            tracing::error!(%error, "old output could not be removed");
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// One run in one transaction with its entry: what the log says is so.
async fn remove(store: &Store, before: Millis) -> Result<(), StoreError> {
    loop {
        let old = store.removable(before).await?;
        if old.is_empty() {
            return Ok(());
        }
        for Removable { run, project, lines } in old {
            tracing::info!(%run, lines, "old output is removed");
            store
                .append(Actor::Bridge, vec![Draft::new(project, Kind::OutputRemoved { run, lines })])
                .await?;
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use shared::agent::TurnReport;
    use shared::id::RunId;

    use super::*;
    use crate::store::Page;
    use crate::store::tests::{ends, piece, requests};

    #[tokio::test]
    async fn output_goes_when_its_run_is_over_for_long_and_was_read_and_the_log_stays() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let run = |id: &str| RunId::new(id).unwrap();
        let ids = ["open", "unread", "old", "silent"];
        store.append(Actor::Bridge, ids.map(requests).to_vec()).await.unwrap();
        for id in &ids[..3] {
            store.append_output(&run(id), vec![piece("one\n"), piece("two\n")]).await.unwrap();
        }
        let read =
            |id| Draft::new(None, Kind::TurnRead { run: run(id), report: TurnReport::default().into() });
        let ended = vec![ends("unread", 2), ends("old", 2), ends("silent", 0), read("old"), read("silent")];
        let ended = store.append(Actor::Bridge, ended).await.unwrap();
        let at = ended[0].entry.at;
        remove(&store, at).await.unwrap();
        assert_eq!(store.output_from(&run("old"), 0, usize::MAX).await.unwrap().len(), 2, "not old enough");

        remove(&store, Millis(at.0 + 1)).await.unwrap();
        for (id, lines) in [("open", 2), ("unread", 2), ("old", 0)] {
            assert_eq!(store.output_from(&run(id), 0, usize::MAX).await.unwrap().len(), lines, "{id}");
        }
        let all = Page { entries: usize::MAX, bytes: usize::MAX };
        let log = store.entries_after(shared::unit::Seq(0), all).await.unwrap();
        assert_eq!(log.len(), 10, "nothing of the log is gone, and one entry tells of the removal");
        let told = Kind::OutputRemoved { run: run("old"), lines: 2 };
        assert_eq!(log[9].entry.body.known(), Some(&told));
        assert_eq!(log[9].entry.actor, Actor::Bridge);
    }
}
