//! The person who changes parts while a next plan of what they are in waits for a yes, and now and then says no to it.

use conductor::State;
use conductor::state::Task;
use shared::entry::Kind;
use shared::id::TaskId;
use shared::limits::Caps;
use shared::plan::PlanEdit;
use shared::unit::MicroUsd;

use crate::chance::Chance;

#[derive(Debug)]
pub struct Editor {
    /// Of its own, so that the other whims are those of the seed.
    chance: Chance,
    /// So often they still have a word, so that all comes to an end.
    words: u32,
}

impl Editor {
    /// In one of four worlds.
    pub fn of(seed: u64) -> Option<Self> {
        let mut chance = Chance::new(seed ^ 0x00ed_1707);
        chance.one_in(4).then_some(Self { chance, words: 12 })
    }

    /// Another name, aim or budget for a part that would come back, or a no.
    pub fn whim(&mut self, state: &State) -> Option<Kind> {
        if self.words == 0 || !self.chance.one_in(6) {
            return None;
        }
        let waiting: Vec<(&Task, Vec<&TaskId>)> =
            state.tasks.values().filter_map(|task| waits(task)).collect();
        let (owner, parts) = self.chance.pick(&waiting)?;
        self.words -= 1;
        if self.chance.one_in(3) {
            let version = owner.planning.as_ref()?.version;
            return Some(Kind::PlanRejected { task: owner.id.clone(), version });
        }
        let task = (*self.chance.pick(parts)?).clone();
        let word = format!("The person's, with {} more to say", self.words);
        let edit = match self.chance.below(4) {
            0 => PlanEdit::Rename { task, title: word },
            1 => {
                let budget = Some(MicroUsd(1_000_000_000 + u64::from(self.words)));
                PlanEdit::SetCaps { task, caps: Caps { budget, ..Caps::default() } }
            }
            _ => PlanEdit::SetObjective { task, objective: word },
        };
        Some(Kind::PlanEdited { goal: owner.root.clone(), edit })
    }
}

/// The task whose next plan waits for a yes, and what would come back below it.
fn waits(task: &Task) -> Option<(&Task, Vec<&TaskId>)> {
    let former = task.planning.as_ref()?.former.as_ref().filter(|_| task.is_planned())?;
    Some((task, former.tasks.as_ref()?.iter().map(|part| &part.id).collect()))
}
