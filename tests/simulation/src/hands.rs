//! What a person does without agents: plans that they build, tasks that they do late, wrongly or never, and turns of agents
//! that they end to have them begun anew. And the rules of a goal. Its chances are its own, so that a world without it is as it was.

use conductor::State;
use conductor::state::{Standing, Task};
use shared::context::{Charter, Fact};
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

    /// Now and then the goal gets no planner, or rules for all its tasks.
    pub fn begins(&mut self, goal: &TaskId) -> Vec<Kind> {
        let given = Kind::PlanGiven { goal: goal.clone(), reply: String::new(), tasks: Vec::new() };
        let given = self.chance.one_in(3).then_some(given);
        given.into_iter().chain(self.chance.one_in(2).then(|| rule(goal, 0))).collect()
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
        if self.chance.one_in(3) {
            self.said += 1;
            return Some(rule(&goal, self.said));
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

/// The goal's tasks get rules that name this number, and one fact.
fn rule(goal: &TaskId, number: u32) -> Kind {
    let facts = vec![Fact { key: "it".to_owned(), value: format!("FACT {number}") }];
    let charter = Charter { rules: format!("RULE {number}"), facts };
    Kind::PlanEdited { goal: goal.clone(), edit: PlanEdit::SetCharter { task: goal.clone(), charter } }
}
