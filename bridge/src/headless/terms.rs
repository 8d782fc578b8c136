//! How a goal is gone about, as it is said in a terminal and over HTTP: of a goal as it is stated, and of a list.

use clap::Args;
use conductor::reviewer;
use conductor::state::State;
use serde::{Deserialize, Serialize};
use shared::evidence::Preset;
use shared::id::PersonaId;
use shared::models;
use shared::plan::{Access, Terms};
use utoipa::ToSchema;

use super::agents::NoPersona;
use super::caps::{CapFlags, CapsJson, CapsWish, NoCap};
use super::choice::{Allowed, How};
use super::own::{self, thinker};
use super::prompts::NoTemplate;
use super::{agents, prompts};

/// The choices of the command line.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct TermFlags {
    /// The template whose guidelines its tasks work by; `orchestrator prompts` lists them
    #[arg(long, value_name = "NAME")]
    template: Option<String>,
    /// Which agent of your own plans and works; `orchestrator agents` lists them
    #[arg(long = "as", value_name = "NAME")]
    persona: Option<String>,
    /// What agents may do in the folder; without it, as its list says, or edit
    #[arg(long, value_enum)]
    access: Option<Allowed>,
    /// Who reviews its tasks, where they are reviewed: auto, other (kind of agent), claude, codex, codex:MODEL, model:MODEL or an agent of your own
    #[arg(long, value_name = "WHO")]
    reviewer: Option<String>,
    #[command(flatten, next_help_heading = "How far the goal goes by itself")]
    caps: CapFlags,
    /// How it is gone about: whether each task is reviewed, and whether anybody is asked about a plan; without it, as its list says, or quick
    #[arg(long, value_enum)]
    preset: Option<How>,
}

/// How the goal of a list is gone about, where nothing else is chosen as it is run. What is left out is as usual.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TermsJson {
    /// `read_only`, `ask`, `edit` or `full`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(super) access: Option<Access>,
    /// `quick`, `reviewed` or `autonomous`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(super) preset: Option<Preset>,
    /// Name or id of a template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) template: Option<String>,
    /// Name or id of an agent of the person's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) agent: Option<String>,
    /// Who reviews its tasks, as `POST /api/goals` takes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reviewer: Option<String>,
    /// The model of the goal's own turns, and how hard it thinks: `opus high`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) model: Option<String>,
    /// Of the goal; those of its tasks stand with them.
    #[serde(default)]
    pub(super) caps: CapsJson,
}

/// What is said of them; what is not stays.
#[derive(Debug, Default)]
pub(super) struct TermsWish {
    access: Option<Access>,
    preset: Option<Preset>,
    template: Option<String>,
    agent: Option<String>,
    reviewer: Option<String>,
    model: Option<String>,
    caps: CapsWish,
}

/// Something is named that is not there, or is nothing of the kind.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoTerms {
    #[error(transparent)]
    Template(#[from] NoTemplate),
    #[error(transparent)]
    Persona(#[from] NoPersona),
    #[error("{0}")]
    Words(String),
}

impl From<&TermFlags> for TermsWish {
    fn from(flags: &TermFlags) -> Self {
        let TermFlags { template, persona, access, reviewer, caps, preset } = flags.clone();
        Self {
            access: access.map(Into::into),
            preset: preset.map(Into::into),
            template,
            agent: persona,
            reviewer,
            model: None,
            caps: (&caps).into(),
        }
    }
}

impl TermsJson {
    /// Terms of a list, with the names of what they name.
    pub(super) fn of(state: &State, terms: &Terms) -> Self {
        let Terms { access, preset, template, persona, reviewer, model, effort, caps } = terms.clone();
        let agent = |id: &PersonaId| state.personas.get(id).map(|known| known.persona.name.clone());
        let thinks = model.is_some() || effort.is_some();
        Self {
            access,
            preset,
            template: template.map(|id| own::named(state, &id)),
            agent: persona.map(|id| agent(&id).unwrap_or_else(|| id.to_string())),
            reviewer: reviewer.map(|who| reviewer::words(state, &who)),
            model: thinks.then(|| models::Choice { model, effort, ..models::Choice::default() }.to_string()),
            caps: CapsJson::of(caps),
        }
    }

    /// # Errors
    /// One of its caps is none.
    pub(super) fn wish(self) -> Result<TermsWish, NoCap> {
        let Self { access, preset, template, agent, reviewer, model, caps } = self;
        Ok(TermsWish { access, preset, template, agent, reviewer, model, caps: caps.wish()? })
    }
}

impl TermsWish {
    /// The terms that hold then, where these held.
    ///
    /// # Errors
    /// It names what is not there.
    pub(super) fn over(self, state: &State, known: Terms) -> Result<Terms, NoTerms> {
        let mut terms = Terms { caps: self.caps.of(known.caps), ..known };
        if let Some(name) = self.template {
            let shelf = prompts::find(state, &name)?;
            terms.template = Some(shelf.template.template.clone());
        }
        if let Some(name) = self.agent {
            let persona = agents::find(state, &name)?;
            terms.persona = Some(persona.persona.clone());
        }
        if let Some(words) = self.reviewer {
            terms.reviewer = reviewer::named(state, &words).map_err(NoTerms::Words)?;
        }
        if let Some(words) = self.model {
            (terms.model, terms.effort) = thinker(&words).map_err(NoTerms::Words)?;
        }
        terms.access = self.access.or(terms.access);
        terms.preset = self.preset.or(terms.preset);
        Ok(terms)
    }
}
