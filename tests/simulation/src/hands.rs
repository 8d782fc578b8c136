//! What a person does without agents: plans that they build, tasks that they do late, wrongly or never, and turns of agents
//! that they end to have them begun anew. Its chances are its own, so that a world without it is as it was.

use conductor::State;
use conductor::state::{Standing, Task};
use shared::entry::Kind;
use shared::id::TaskId;
use shared::plan::{Mode, PlanEdit, PlannedTask};

use crate::chance::Chance;

#[derive(Debug)]
pub struct Hands {
    chance: Chance,
    said: u32,
}

impl Hands {
    /// In one of four worlds.
    pub fn of(seed: u64) -> Option<Self> {
        let mut chance = Chance::new(seed ^ 0x4a2d_5000);
        chance.one_in(4).then_some(Self { chance, said: 0 })
    }

    /// Now and then the goal gets no planner.
    pub fn begins(&mut self, goal: &TaskId) -> Option<Kind> {
        let given = Kind::PlanGiven { goal: goal.clone(), reply: String::new(), tasks: Vec::new() };
        self.chance.one_in(3).then_some(given)
    }

    /// Something that comes to mind about who does what, or how it went.
    pub fn whim(&mut self, seen: &State) -> Option<Kind> {
        if !self.chance.one_in(3) {
            return None;
        }
        let goal = self.chance.pick(&seen.goals)?.clone();
        let tasks = seen.subtree(&goal);
        let busy: Vec<&Task> = tasks.iter().copied().filter(|task| task.current.is_some()).collect();
        if self.chance.one_in(3)
            && let Some(task) = self.chance.pick(&busy)
        {
            return Some(Kind::TaskRequeued { task: task.id.clone() });
        }
        let theirs: Vec<&Task> = tasks.iter().copied().filter(|task| task.is_by_hand()).collect();
        if self.chance.one_in(2)
            && let Some(task) = self.chance.pick(&theirs)
        {
            return Some(self.say(task));
        }
        let task = self.chance.pick(&tasks)?.id.clone();
        let mode = if self.chance.one_in(3) { Mode::Autonomous } else { Mode::Manual };
        Some(Kind::PlanEdited { goal, edit: PlanEdit::SetMode { task, mode } })
    }

    /// A plan without tasks gets one.
    pub fn builds(&mut self, root: &Task) -> Option<Kind> {
        let wanted = root.is_planned() && root.numbered < 3 && !root.is_group();
        let id = TaskId::new(&format!("{}~h{}", root.id, root.numbered)).ok().filter(|_| wanted)?;
        let mode = if self.chance.one_in(2) { Mode::Manual } else { Mode::Autonomous };
        let planned = PlannedTask { mode, ..PlannedTask::new(id, root.id.clone(), "By hand", "Do it") };
        let edit = PlanEdit::Add { planned, index: 0 };
        Some(Kind::PlanEdited { goal: root.id.clone(), edit })
    }

    /// How it went, where it is theirs and its turn has come.
    pub fn help_with(&mut self, task: &Task) -> Option<Kind> {
        (task.is_by_hand() && task.standing == Standing::Yielded).then(|| self.say(task))
    }

    fn say(&mut self, task: &Task) -> Kind {
        self.said += 1;
        let words = format!("by hand {}", self.said);
        match self.chance.below(4) {
            0 => Kind::TaskGivenUp { task: task.id.clone(), why: words },
            1 => Kind::TaskAccepted { task: task.id.clone(), words: String::new() },
            _ => Kind::TaskAccepted { task: task.id.clone(), words },
        }
    }
}
