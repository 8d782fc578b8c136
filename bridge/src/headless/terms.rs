//! How a goal is gone about, as it is said in a terminal and over HTTP: of a goal as it is stated, and of a list.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use conductor::reviewer;
use conductor::state::State;
use serde::{Deserialize, Serialize};
use shared::evidence::Preset;
use shared::id::PersonaId;
use shared::models::ModelChoice;
use shared::plan::{Access, Terms};
use utoipa::ToSchema;

use super::agents::NoPersona;
use super::caps::{CapFlags, CapsJson, CapsWish, NoCap};
use super::charter::fact;
use super::choice::{Allowed, How};
use super::edit::NONE;
use super::memory;
use super::own::{self, thinker};
use super::prompts::NoTemplate;
use super::{agents, prompts};

/// The choices of the command line.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct TermFlags {
    /// The template whose guidelines its tasks work by, or none; `orchestrator prompts` lists them
    #[arg(long, value_name = "NAME")]
    template: Option<String>,
    /// Which agent of your own plans and works, or none; `orchestrator agents` lists them
    #[arg(long = "as", value_name = "NAME")]
    persona: Option<String>,
    /// What agents may do in the folder; without it, as its list says, or edit
    #[arg(long, value_enum)]
    access: Option<Allowed>,
    /// Who reviews its tasks, where they are reviewed: auto, other (kind of agent), claude, codex, codex:MODEL, model:MODEL or an agent of your own
    #[arg(long, value_name = "WHO")]
    reviewer: Option<String>,
    /// What all its tasks are told when they begin, in Markdown; `-` reads it from stdin
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// Something that they should know by name. May be given again
    #[arg(long = "fact", value_name = "NAME=VALUE", value_parser = fact)]
    facts: Vec<(String, String)>,
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
    /// Name or id of a template; `none` in the place of a list's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) template: Option<String>,
    /// Name or id of an agent of the person's own; `none` in the place of a list's.
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
    /// What all its tasks are told when they begin, in Markdown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rules: Option<String>,
    /// What they should know, by name; one without a value is forgotten.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) facts: BTreeMap<String, String>,
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
    rules: Option<String>,
    facts: BTreeMap<String, String>,
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

impl TermFlags {
    /// What they say.
    ///
    /// # Errors
    /// The file with the rules cannot be read.
    pub(super) fn wish(&self) -> anyhow::Result<TermsWish> {
        let Self { template, persona, access, reviewer, rules, facts, caps, preset } = self.clone();
        let rules = rules.as_ref().map(memory::read).transpose()?;
        Ok(TermsWish {
            access: access.map(Into::into),
            preset: preset.map(Into::into),
            template,
            agent: persona,
            reviewer,
            model: None,
            caps: (&caps).into(),
            rules,
            facts: facts.into_iter().collect(),
        })
    }
}

impl TermsJson {
    /// Terms of a list, with the names of what they name.
    pub(super) fn of(state: &State, terms: &Terms) -> Self {
        let Terms { access, preset, template, persona, reviewer, model, effort, caps, charter } =
            terms.clone();
        let agent = |id: &PersonaId| state.personas.get(id).map(|known| known.persona.name.clone());
        let thinks = model.is_some() || effort.is_some();
        Self {
            access,
            preset,
            template: template.map(|id| own::named(state, &id)),
            agent: persona.map(|id| agent(&id).unwrap_or_else(|| id.to_string())),
            reviewer: reviewer.map(|who| reviewer::words(state, &who)),
            model: thinks.then(|| ModelChoice::of(model, effort).to_string()),
            caps: CapsJson::of(caps),
            rules: Some(charter.rules).filter(|rules| !rules.is_empty()),
            facts: charter.facts.into_iter().map(|fact| (fact.key, fact.value)).collect(),
        }
    }

    /// # Errors
    /// One of its caps is none.
    pub(super) fn wish(self) -> Result<TermsWish, NoCap> {
        let Self { access, preset, template, agent, reviewer, model, caps, rules, facts } = self;
        let caps = caps.wish()?;
        Ok(TermsWish { access, preset, template, agent, reviewer, model, caps, rules, facts })
    }
}

impl TermsWish {
    /// The terms that hold then, where these held.
    ///
    /// # Errors
    /// It names what is not there.
    pub(super) fn over(self, state: &State, known: Terms) -> Result<Terms, NoTerms> {
        let mut terms = Terms { caps: self.caps.of(known.caps), ..known };
        match self.template.as_deref() {
            None => {}
            Some(NONE) => terms.template = None,
            Some(name) => terms.template = Some(prompts::find(state, name)?.template.template.clone()),
        }
        match self.agent.as_deref() {
            None => {}
            Some(NONE) => terms.persona = None,
            Some(name) => terms.persona = Some(agents::find(state, name)?.persona.clone()),
        }
        if let Some(words) = self.reviewer {
            terms.reviewer = reviewer::named(state, &words).map_err(NoTerms::Words)?;
        }
        if let Some(words) = self.model {
            (terms.model, terms.effort) = thinker(&words).map_err(NoTerms::Words)?;
        }
        terms.charter.amend(self.rules, &self.facts);
        terms.access = self.access.or(terms.access);
        terms.preset = self.preset.or(terms.preset);
        Ok(terms)
    }
}
