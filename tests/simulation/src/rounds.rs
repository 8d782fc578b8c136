//! What a person has done anew so long after each success, until they have had enough of it. Its chances are its own, so that a
//! world without it is as it was.

use conductor::State;
use conductor::state::Task;
use shared::entry::Kind;
use shared::plan::{PlanEdit, Schedule};
use shared::unit::Millis;

use crate::chance::Chance;

#[derive(Debug)]
pub struct Rounds {
    chance: Chance,
    /// So often they still wait for what comes round; then nothing is to be done anew any more.
    patience: usize,
}

impl Rounds {
    /// In one of six worlds.
    pub fn of(seed: u64) -> Option<Self> {
        let mut chance = Chance::new(seed ^ 0x0030_0d5e_0000);
        let (repeats, patience) = (chance.one_in(6), 1 + chance.below(8));
        repeats.then_some(Self { chance, patience })
    }

    /// A task that is to be done anew from now on, or no more; or a goal that is over is put away.
    pub fn whim(&mut self, seen: &State) -> Option<Kind> {
        if !self.chance.one_in(3) {
            return None;
        }
        let goal = self.chance.pick(&seen.goals)?;
        if seen.task(goal).is_some_and(Task::is_over) && self.chance.one_in(3) {
            return Some(Kind::GoalArchived { goal: goal.clone() });
        }
        let tasks = seen.subtree(goal);
        let task = *self.chance.pick(&tasks)?;
        let repeat = Millis(1 + self.chance.draw() % 600_000);
        Some(comes_round(task, (!self.chance.one_in(4)).then_some(repeat)))
    }

    /// When they have waited long enough, the end of what is done and comes round.
    pub fn tires(&mut self, state: &State) -> Option<Kind> {
        let task = state.tasks.values().find(|task| task.again().is_some())?;
        if self.patience > 0 {
            self.patience -= 1;
            return None;
        }
        Some(comes_round(task, None))
    }
}

fn comes_round(task: &Task, repeat: Option<Millis>) -> Kind {
    let schedule = Schedule { repeat, ..task.schedule };
    let edit = PlanEdit::SetSchedule { task: task.id.clone(), schedule };
    Kind::PlanEdited { goal: task.root.clone(), edit }
}
