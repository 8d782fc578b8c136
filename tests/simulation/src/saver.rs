//! The person who looks at what turns cost while they go on, and sets budgets for what runs.

use conductor::State;
use shared::entry::Kind;
use shared::limits::Caps;
use shared::plan::PlanEdit;
use shared::unit::MicroUsd;

use crate::chance::Chance;

#[derive(Debug)]
pub struct Saver {
    /// Of its own, so that the other whims are those of the seed.
    chance: Chance,
    /// So often they still set one, so that all comes to an end.
    budgets: u32,
}

impl Saver {
    /// In one of four worlds.
    pub fn of(seed: u64) -> Option<Self> {
        let mut chance = Chance::new(seed ^ 0x005a_7e12);
        chance.one_in(4).then_some(Self { chance, budgets: 8 })
    }

    /// A budget for a task that an agent is at, or for its goal: mostly less than the agent was given.
    pub fn whim(&mut self, seen: &State) -> Option<Kind> {
        if self.budgets == 0 || !self.chance.one_in(20) {
            return None;
        }
        let runs = seen.unread.iter().filter_map(|run| seen.run(run)).filter(|run| run.is_active());
        let tasks: Vec<_> = runs.filter_map(|run| seen.task(&run.task)).collect();
        let task = *self.chance.pick(&tasks)?;
        let holder = if self.chance.one_in(3) { seen.task(&task.root)? } else { task };
        self.budgets -= 1;
        let budget = Some(MicroUsd(1 + self.chance.draw() % 40_000));
        let edit = PlanEdit::SetCaps { task: holder.id.clone(), caps: Caps { budget, ..holder.caps } };
        Some(Kind::PlanEdited { goal: task.root.clone(), edit })
    }
}
