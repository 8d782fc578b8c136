//! Each change that a person makes to a plan.

use shared::agent::HarnessId;
use shared::context::{Charter, Fact};
use shared::entry::Kind;
use shared::evidence::{Evidence, Preset};
use shared::limits::{Caps, StageCaps};
use shared::plan::{PlanEdit, PlannedTask, Schedule, Size};
use shared::retry::{Policy, Retry};
use shared::reviewer::Reviewer;
use shared::unit::{MicroUsd, Millis};

use crate::library::{persona, template};
use crate::{checks, edited, planned, task};

/// Its tasks, their bounds and what they have to show.
pub fn of_tasks() -> Vec<Kind> {
    let goal = task("goal");
    let edits = [
        PlanEdit::Add { planned: planned(), index: 2 },
        PlanEdit::Clone { task: task("goal~1"), copy: task("copy") },
        PlanEdit::Move { task: task("goal~1"), parent: goal.clone(), index: 0 },
        PlanEdit::SetCaps {
            task: goal.clone(),
            caps: Caps { budget: Some(MicroUsd(15_000_000)), ..Caps::default() },
        },
        PlanEdit::SetCaps {
            task: task("goal~1"),
            caps: Caps { review: StageCaps { turns: Some(9), ..StageCaps::default() }, ..Caps::default() },
        },
        PlanEdit::SetSchedule {
            task: goal.clone(),
            schedule: Schedule { priority: -3, start: Some(Millis(7)), repeat: Some(Millis(60_000)) },
        },
        PlanEdit::SetRetry {
            task: goal.clone(),
            retry: Some(Retry { policy: Policy::Analyze, attempts: 2 }),
        },
        PlanEdit::SetEvidence {
            task: task("goal~1"),
            evidence: Evidence { checks: checks(), review: Some(true), commit: None },
        },
        PlanEdit::SetPreset { task: goal.clone(), preset: Preset::Autonomous },
        PlanEdit::SetCharter { task: goal.clone(), charter: charter() },
        PlanEdit::SetInputs { task: task("goal~1"), inputs: vec!["schema.sql".to_owned()] },
    ];
    edits.map(edited).into()
}

fn charter() -> Charter {
    let facts = vec![Fact { key: "server".to_owned(), value: "10.0.0.7".to_owned() }];
    Charter { rules: "- Touch no migration.".to_owned(), facts }
}

/// Who does and who reviews a task, and how hard that is.
pub fn of_doers() -> Vec<Kind> {
    let edits = [
        PlanEdit::SetPersona { task: task("goal~1"), persona: Some(persona()) },
        PlanEdit::SetSize { task: task("goal~1"), size: Some(Size::Heavy) },
        PlanEdit::SetSize { task: task("goal~1"), size: None },
        PlanEdit::Add {
            planned: PlannedTask { persona: Some(persona()), size: None, ..planned() },
            index: 0,
        },
        PlanEdit::SetTemplate { task: task("goal~1"), template: Some(template()) },
    ];
    edits.into_iter().chain(reviewers()).map(edited).collect()
}

fn reviewers() -> impl Iterator<Item = PlanEdit> {
    let model = "gpt-5.1-codex".to_owned();
    let all = [
        Reviewer::Auto,
        Reviewer::Other,
        Reviewer::Agent { harness: HarnessId::Codex, model: Some(model.clone()) },
        Reviewer::Model { model },
        Reviewer::Persona { persona: persona() },
    ];
    let chosen = all.map(|reviewer| PlanEdit::SetReviewer { task: task("goal~1"), reviewer: Some(reviewer) });
    let caps = Caps { turns: Some(40), ..Caps::default() };
    let planned = PlannedTask { reviewer: Some(Reviewer::Other), caps, ..planned() };
    chosen.into_iter().chain([PlanEdit::Add { planned, index: 0 }])
}
