//! How a goal is gone about: what its person chooses of it when it is stated.

use serde::Serialize;
use shared_derive::FromJson;

use super::{Access, PlanEdit};
use crate::evidence::Preset;
use crate::id::{PersonaId, TaskId, TemplateId};
use crate::limits::Caps;
use crate::models::Effort;
use crate::reviewer::Reviewer;

/// The choices beside its words, folder and kind of agent. What is left out is as usual.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, FromJson)]
#[serde(default)]
pub struct Terms {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<Access>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<Preset>,
    /// Whose guidelines its tasks work by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<TemplateId>,
    /// Who plans it and does its tasks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persona: Option<PersonaId>,
    /// Who reviews its tasks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reviewer: Option<Reviewer>,
    /// Of its own turns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// How hard that thinks, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effort: Option<Effort>,
    /// How far its own turns go by themselves; its budget holds for all of it.
    #[serde(skip_serializing_if = "Caps::is_none")]
    pub caps: Caps,
}

impl Terms {
    /// Nothing is said.
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }

    /// The edits of the goal that they come to behind its words, which say its access.
    pub fn edits(self, goal: &TaskId) -> Vec<PlanEdit> {
        let task = || goal.clone();
        let Self { access: _, preset, template, persona, reviewer, model, effort, caps } = self;
        let edits = [
            (!caps.is_none()).then(|| PlanEdit::SetCaps { task: task(), caps }),
            template.map(|template| PlanEdit::SetTemplate { task: task(), template: Some(template) }),
            persona.map(|persona| PlanEdit::SetPersona { task: task(), persona: Some(persona) }),
            reviewer.map(|reviewer| PlanEdit::SetReviewer { task: task(), reviewer: Some(reviewer) }),
            (model.is_some() || effort.is_some()).then(|| PlanEdit::SetModel { task: task(), model, effort }),
            preset
                .filter(|preset| *preset != Preset::default())
                .map(|preset| PlanEdit::SetPreset { task: task(), preset }),
        ];
        edits.into_iter().flatten().collect()
    }
}
