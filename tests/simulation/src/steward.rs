//! What a person says of when, in which order, how many at once, how far and by which model, and which goals they put away. Its
//! chances are its own, so that a world without it is as it was.

use conductor::State;
use conductor::planning::Planning;
use conductor::state::Task;
use shared::entry::Kind;
use shared::id::TaskId;
use shared::limits::{Caps, Each, Limits};
use shared::plan::{PlanEdit, PlannedTask, Schedule, Size};
use shared::unit::Millis;

use crate::chance::Chance;

#[derive(Debug)]
pub struct Steward {
    chance: Chance,
    /// So often they still say something of a plan before they say yes to it.
    words: usize,
}

impl Steward {
    /// In one of three worlds.
    pub fn of(seed: u64) -> Option<Self> {
        let mut chance = Chance::new(seed ^ 0x0057_e3a2_d000);
        let (acts, words) = (chance.one_in(3), chance.below(9));
        acts.then_some(Self { chance, words })
    }

    /// Now and then a plan of their own, in the place of a planner's.
    pub fn begins(&mut self, goal: &TaskId) -> Option<Kind> {
        let mut tasks: Vec<PlannedTask> = Vec::new();
        for n in 1..=3 + self.chance.below(3) {
            let id = TaskId::new(&format!("{goal}~{n}")).ok()?;
            let after =
                tasks.iter().filter(|_| self.chance.one_in(4)).map(|task| task.task.clone()).collect();
            let size = self.chance.one_in(2).then_some(Size::Heavy);
            tasks.push(PlannedTask {
                after,
                size,
                ..PlannedTask::new(id, goal.clone(), "Given", "As it is given")
            });
        }
        let given = Kind::PlanGiven { goal: goal.clone(), reply: String::new(), tasks };
        self.chance.one_in(3).then_some(given)
    }

    /// These, with other bounds on what runs side by side and on what a plan may be.
    pub fn limits(&mut self, limits: Limits) -> Limits {
        let depth = [1, 2, 4, 4][self.chance.below(4)];
        let plan_max = [4, 6, 12, 12][self.chance.below(4)];
        let mut few = || self.chance.one_in(2).then(|| [1, 1, 2][self.chance.below(3)]);
        let each = Each { claude: few(), codex: few(), demo: few(), command: few() };
        let per_folder = few().map(|few| few + 1);
        let caps = if self.chance.one_in(2) { self.caps(limits.caps) } else { limits.caps };
        Limits { each, per_folder, depth, plan_max, caps, ..limits }
    }

    /// These, and one on requests, time or tokens.
    fn caps(&mut self, caps: Caps) -> Caps {
        let few = 1 + self.chance.draw() % 4;
        match self.chance.below(3) {
            0 => Caps { turns: u32::try_from(few).ok(), ..caps },
            1 => Caps { time: Some(Millis(few * 500)), ..caps },
            _ => Caps { tokens: Some(few * 10), ..caps },
        }
    }

    /// Something that comes to mind, looking at `seen`, which may be old.
    pub fn whim(&mut self, seen: &State, now: Millis) -> Option<Kind> {
        if !self.chance.one_in(3) {
            return None;
        }
        let goal = self.chance.pick(&seen.goals)?.clone();
        match self.chance.below(8) {
            0 => Some(Kind::GoalArchived { goal }),
            1 => Some(Kind::GoalRestored { goal }),
            2 => Some(Kind::LimitsSet { limits: self.limits(seen.limits.clone()) }),
            _ => self.edit(seen, &goal, now),
        }
    }

    /// A word about a plan that they are asked about.
    pub fn help(&mut self, state: &State, now: Millis) -> Option<Kind> {
        let proposed = |task: &&Task| task.planning.as_ref().is_some_and(Planning::is_proposed);
        let goal = state.goals.iter().filter_map(|goal| state.task(goal)).find(proposed)?;
        self.words = self.words.checked_sub(1)?;
        self.edit(state, &goal.id, now)
    }

    fn edit(&mut self, state: &State, goal: &TaskId, now: Millis) -> Option<Kind> {
        let tasks = state.subtree(goal);
        let task = *self.chance.pick(&tasks)?;
        let id = task.id.clone();
        let edit = match self.chance.below(6) {
            4 | 5 => PlanEdit::SetCaps { task: id, caps: self.caps(task.caps) },
            0 => {
                let model = [None, Some("opus"), Some("haiku")][self.chance.below(3)];
                PlanEdit::SetModel { task: id, model: model.map(str::to_owned), effort: None }
            }
            _ => PlanEdit::SetSchedule { task: id, schedule: self.schedule(task.schedule, now) },
        };
        Some(Kind::PlanEdited { goal: goal.clone(), edit })
    }

    fn schedule(&mut self, known: Schedule, now: Millis) -> Schedule {
        let priority = [-10, -1, 0, 1, 10][self.chance.below(5)];
        let later = Millis(self.chance.draw() % 3_600_000);
        let start = self.chance.one_in(4).then(|| now + later);
        Schedule { priority, start, ..known }
    }
}
