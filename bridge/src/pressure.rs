//! How much memory the machine has left, and what each run holds. The log says when the first becomes little, so
//! that the conductor starts nothing new, and when the second becomes more than is normal, so that a person looks.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use shared::entry::{Actor, Draft, Kind, Room};
use shared::id::RunId;
use shared::unit::Bytes;

use crate::config::Memory;
use crate::disk::{MB, room};
use crate::store::Store;
use crate::supervisor::{RunProcesses, run_processes};
use crate::system;

/// Between looks. Nothing tells when memory fills up.
const LOOK: Duration = Duration::from_secs(10);

/// Looks at memory and runs and records every change; never ends. A change that cannot be recorded is tried again at the next look.
pub(crate) async fn watch(store: Store, runs_dir: PathBuf, bounds: Memory) {
    let mut known = Known::read(&store).await;
    loop {
        let folder = (bounds.agent_mb > 0).then(|| runs_dir.clone());
        let looked = tokio::task::spawn_blocking(move || {
            (system::memory(), folder.map(|folder| run_processes(&folder)))
        });
        if let Ok((free, runs)) = looked.await {
            let kinds = known.measured(free, bounds).into_iter();
            let kinds: Vec<Kind> = kinds.chain(known.weighed(&runs.unwrap_or_default(), bounds)).collect();
            let drafts = kinds.iter().cloned().map(|kind| Draft::new(None, kind)).collect::<Vec<_>>();
            if !drafts.is_empty() && store.append(Actor::Bridge, drafts).await.is_ok() {
                kinds.into_iter().for_each(|kind| known.learn(kind));
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// What the log says already.
#[derive(Debug, Default)]
struct Known {
    room: Room,
    heavy: BTreeMap<RunId, bool>,
}

impl Known {
    async fn read(store: &Store) -> Self {
        let mut known = Self::default();
        for kind in ["memory_measured", "run_weighed"] {
            for stored in store.all_of_kind(kind).await.unwrap_or_default() {
                stored.entry.body.known().cloned().into_iter().for_each(|kind| known.learn(kind));
            }
        }
        known
    }

    fn learn(&mut self, kind: Kind) {
        match kind {
            Kind::MemoryMeasured { room, .. } => self.room = room,
            Kind::RunWeighed { run, heavy, .. } => drop(self.heavy.insert(run, heavy)),
            _ => {}
        }
    }

    fn measured(&self, free: Option<u64>, bounds: Memory) -> Option<Kind> {
        let free = free?;
        let room = room(free, [bounds.warn_mb, bounds.pause_mb], self.room);
        (room != self.room).then_some(Kind::MemoryMeasured { room, free: Bytes(free) })
    }

    /// Runs that became heavy, or came down to nine tenths of the bound, so that the log does not fill with going back and forth.
    fn weighed(&self, runs: &[RunProcesses], bounds: Memory) -> Vec<Kind> {
        let bound = bounds.agent_mb.saturating_mul(MB);
        let changed = runs.iter().filter_map(|run| {
            let memory: u64 = run.program.iter().map(|process| process.memory).sum();
            let was = self.heavy.get(&run.run).copied().unwrap_or(false);
            let heavy = if was { memory > bound / 10 * 9 } else { memory > bound };
            (heavy != was).then(|| Kind::RunWeighed { run: run.run.clone(), memory: Bytes(memory), heavy })
        });
        changed.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervisor::ProcessUsage;

    fn run(memory_mb: u64) -> Vec<RunProcesses> {
        let usage = |memory| ProcessUsage {
            pid: 1,
            command: String::new(),
            age: Duration::ZERO,
            cpu: Duration::ZERO,
            memory,
        };
        let run = RunId::new("goal~1~r1").expect("an id");
        vec![RunProcesses {
            run,
            shim: None,
            program: vec![usage(memory_mb / 2 * MB), usage(memory_mb / 2 * MB)],
        }]
    }

    #[test]
    fn a_run_is_heavy_once_and_light_again_when_it_is_clearly_lighter() {
        let (mut known, bounds) = (Known::default(), Memory::default());
        for (memory, told) in
            [(1_900, None), (2_100, Some(true)), (2_200, None), (1_900, None), (1_700, Some(false))]
        {
            let kinds = known.weighed(&run(memory), bounds);
            let heavy = |kind: &Kind| match kind {
                Kind::RunWeighed { heavy, .. } => Some(*heavy),
                _ => None,
            };
            assert_eq!(kinds.first().and_then(heavy), told, "{memory} MB");
            kinds.into_iter().for_each(|kind| known.learn(kind));
        }
    }

    #[test]
    fn memory_is_told_at_its_bounds() {
        let (mut known, bounds) = (Known::default(), Memory::default());
        for (free, told) in [
            (600, None),
            (400, Some(Room::Little)),
            (300, None),
            (100, Some(Room::None)),
            (900, Some(Room::Plenty)),
        ] {
            let kind = known.measured(Some(free * MB), bounds);
            let room = |kind: &Kind| match kind {
                Kind::MemoryMeasured { room, .. } => Some(*room),
                _ => None,
            };
            assert_eq!(kind.as_ref().and_then(room), told, "{free} MB");
            kind.into_iter().for_each(|kind| known.learn(kind));
        }
        assert_eq!(known.measured(None, bounds), None, "a system that does not say");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_says_how_much_is_free() {
        assert!(system::memory().is_some_and(|free| free > 0));
    }
}
