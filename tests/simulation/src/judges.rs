//! Whom a person has review, and how far reviews and repairs may go. Its chances are its own, so that a world without it is as it was.

use conductor::State;
use shared::agent::HarnessId;
use shared::entry::Kind;
use shared::id::{PersonaId, TaskId};
use shared::limits::{Limits, Stage, StageCaps};
use shared::plan::PlanEdit;
use shared::reviewer::Reviewer;
use shared::unit::MicroUsd;

use crate::chance::Chance;

#[derive(Debug)]
pub struct Judges {
    chance: Chance,
}

impl Judges {
    /// In one of four worlds.
    pub fn of(seed: u64) -> Option<Self> {
        let mut chance = Chance::new(seed ^ 0x0004_ed9e_5000);
        chance.one_in(4).then_some(Self { chance })
    }

    /// The choice that it begins with, for all tasks or for a goal.
    pub fn begins(&mut self, goal: &TaskId, limits: &Limits) -> Kind {
        let reviewer = self.pick();
        match self.chance.one_in(3) {
            true => Kind::LimitsSet { limits: Limits { reviewer, ..limits.clone() } },
            false => choose(goal, goal, Some(reviewer)),
        }
    }

    /// Another choice, now and then.
    pub fn whim(&mut self, seen: &State) -> Option<Kind> {
        if !self.chance.one_in(4) {
            return None;
        }
        let goal = self.chance.pick(&seen.goals)?.clone();
        let tasks = seen.subtree(&goal);
        let task = *self.chance.pick(&tasks)?;
        if self.chance.one_in(2) {
            let stage = self.chance.pick(&Stage::ALL).copied();
            let caps = task.caps.with(stage, self.caps());
            let edit = PlanEdit::SetCaps { task: task.id.clone(), caps };
            return Some(Kind::PlanEdited { goal, edit });
        }
        let reviewer = (!self.chance.one_in(4)).then(|| self.pick());
        Some(choose(&goal, &task.id, reviewer))
    }

    fn caps(&mut self) -> StageCaps {
        let turns = u32::try_from(1 + self.chance.below(3)).ok();
        let budget = Some(MicroUsd(1 + self.chance.draw() % 20_000));
        match self.chance.one_in(2) {
            true => StageCaps { turns, ..StageCaps::default() },
            false => StageCaps { budget, ..StageCaps::default() },
        }
    }

    fn pick(&mut self) -> Reviewer {
        let harness = if self.chance.one_in(2) { HarnessId::Claude } else { HarnessId::Codex };
        match self.chance.below(6) {
            0 => Reviewer::Auto,
            1 => Reviewer::Other,
            2 => Reviewer::Agent { harness, model: None },
            3 => Reviewer::Agent { harness, model: Some("haiku".to_owned()) },
            4 => Reviewer::Model { model: "sonnet".to_owned() },
            // One that is there in few worlds: elsewhere the edit is refused.
            _ => PersonaId::new("Ann").map_or(Reviewer::Auto, |persona| Reviewer::Persona { persona }),
        }
    }
}

fn choose(goal: &TaskId, task: &TaskId, reviewer: Option<Reviewer>) -> Kind {
    let edit = PlanEdit::SetReviewer { task: task.clone(), reviewer };
    Kind::PlanEdited { goal: goal.clone(), edit }
}
