//! How much room the disk of the data folder has. The log says when that becomes little, so that the conductor
//! starts nothing new before agents and the log itself run out of it.

use std::path::PathBuf;
use std::time::Duration;

use shared::entry::{Actor, Draft, Kind, Room};
use shared::unit::Bytes;

use crate::config::Disk;
use crate::store::Store;
use crate::system;

/// Between looks. Nothing tells when a disk fills up.
const LOOK: Duration = Duration::from_secs(5);
pub(crate) const MB: u64 = 1_000_000;
/// More than this has to become free again, so that the log does not fill with going back and forth.
const SLACK: u64 = 2 * MB;

/// Looks at the disk and records every change; never ends. A change that cannot be recorded, as on a full
/// disk it may be, is tried again at the next look.
pub(crate) async fn watch(store: Store, data_dir: PathBuf, bounds: Disk) {
    let mut known = known(&store).await;
    loop {
        if let Some(free) = system::free(&data_dir) {
            let room = room(free, [bounds.warn_mb, bounds.pause_mb], known);
            let measured = Draft::new(None, Kind::DiskMeasured { room, free: Bytes(free) });
            if room != known && store.append(Actor::Bridge, vec![measured]).await.is_ok() {
                known = room;
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// What the log says of it.
async fn known(store: &Store) -> Room {
    let last = store.last_of_kind("disk_measured").await.ok().flatten();
    match last.as_ref().and_then(|stored| stored.entry.body.known()) {
        Some(Kind::DiskMeasured { room, .. }) => *room,
        _ => Room::Plenty,
    }
}

/// What `free` bytes are by a bound below which a person is warned and one below which nothing is started, in MB.
pub(crate) fn room(free: u64, [warn_mb, pause_mb]: [u64; 2], known: Room) -> Room {
    let below =
        |bound: u64, is: bool| free < bound.saturating_mul(MB).saturating_add(if is { SLACK } else { 0 });
    if pause_mb > 0 && below(pause_mb, known == Room::None) {
        Room::None
    } else if warn_mb > 0 && below(warn_mb, known != Room::Plenty) {
        Room::Little
    } else {
        Room::Plenty
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_told_at_its_bounds_and_does_not_flicker() {
        let bounds = [500, 100];
        let then = |free_mb: u64, known| room(free_mb * MB, bounds, known);
        assert_eq!(then(500, Room::Plenty), Room::Plenty);
        assert_eq!(then(499, Room::Plenty), Room::Little);
        assert_eq!(then(501, Room::Little), Room::Little, "hardly more than before");
        assert_eq!(then(502, Room::Little), Room::Plenty);
        assert_eq!(then(99, Room::Little), Room::None);
        assert_eq!(then(101, Room::None), Room::None);
        assert_eq!(then(102, Room::None), Room::Little);
        assert_eq!(then(0, Room::Plenty), Room::None);
        assert_eq!(room(0, [0, 0], Room::Plenty), Room::Plenty, "switched off");
    }
}
