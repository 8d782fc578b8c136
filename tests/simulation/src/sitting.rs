//! The person at terminals of tasks: opens them, and closes them or forgets that they are open.

use conductor::State;
use conductor::state::Task;
use shared::entry::{Kind, Purpose};
use shared::run::Window;

use crate::chance::Chance;

#[derive(Debug)]
pub struct Sitting {
    /// Of its own, so that the other whims are those of the seed.
    chance: Chance,
}

impl Sitting {
    /// In one of six worlds.
    pub fn of(seed: u64) -> Option<Self> {
        let mut chance = Chance::new(seed ^ 0x7e12_3100);
        chance.one_in(6).then_some(Self { chance })
    }

    /// A terminal that comes to mind.
    pub fn whim(&mut self, seen: &State) -> Option<Kind> {
        if !self.chance.one_in(3) {
            return None;
        }
        let goal = self.chance.pick(&seen.goals)?;
        let tasks = seen.subtree(goal);
        let open: Vec<Kind> = tasks.iter().filter_map(|task| closed(seen, task)).collect();
        if self.chance.one_in(2)
            && let Some(close) = self.chance.pick(&open)
        {
            return Some(close.clone());
        }
        let task = self.chance.pick(&tasks)?.id.clone();
        Some(Kind::TerminalOpened { task, window: Window { rows: 24, cols: 80 } })
    }
}

/// The end of the task's terminal, where one is open.
pub fn closed(state: &State, task: &Task) -> Option<Kind> {
    let run = state.current(task).filter(|run| run.purpose == Purpose::Terminal)?;
    Some(Kind::TerminalClosed { run: run.id.clone() })
}
