//! `orchestrator agents`: the agents of the person's own, as people, scripts and the REST API read them, and as a
//! person changes them.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use conductor::State;
use conductor::persona::{self, Known};
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::agent::HarnessId;
use shared::entry::{Draft, Kind};
use shared::id::PersonaId;
use shared::persona::{Character, Persona};
use utoipa::ToSchema;

use super::client::Client;
use super::place::Place;
use super::statement::drawn;
use super::{DataArgs, Harness, TaskArgs, folder};
use crate::cli::say;

#[derive(Debug, Args)]
pub struct AgentsArgs {
    #[command(subcommand)]
    wish: Option<Wish>,
    /// One JSON object instead of words
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    data: DataArgs,
}

#[derive(Debug, Subcommand)]
enum Wish {
    /// Save an agent, as a new one or in the place of the one that has the name
    Save {
        name: String,
        /// What it is good for, in one line; planners choose by it
        #[arg(long, default_value = "")]
        role: String,
        /// A file in Markdown that says what it is like; its text is taken as it is now
        #[arg(long, value_name = "FILE", conflicts_with = "soul")]
        character: Option<PathBuf>,
        /// A file that is read whenever a session begins: from the folder that it works in, or absolute
        #[arg(long, value_name = "PATH")]
        soul: Option<String>,
        /// Whose model is named, and what does its tasks
        #[arg(long, value_enum)]
        harness: Option<Harness>,
        /// Of its turns, where none was chosen
        #[arg(long)]
        model: Option<String>,
        /// Where its tasks work; in a project that is open
        #[arg(long, value_name = "DIR", value_parser = folder)]
        dir: Option<PathBuf>,
    },
    /// Offer an agent no more; tasks that have it keep it
    Retire { name: String },
}

#[derive(Debug, Args)]
pub struct AsArgs {
    #[command(flatten)]
    pub task: TaskArgs,
    /// As `orchestrator agents` lists it; `nobody` leaves it to whoever does what it is a part of
    pub name: String,
}

/// An agent of the person's own.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AgentView {
    id: String,
    name: String,
    role: String,
    /// Markdown; nothing where it stands in a file.
    character: Option<String>,
    /// The file that says what it is like.
    soul: Option<String>,
    #[schema(value_type = Option<String>)]
    harness: Option<HarnessId>,
    model: Option<String>,
    folder: Option<String>,
    /// It is offered no more.
    retired: bool,
}

/// An agent to be saved, in the place of the one that has the name if there is one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewAgent {
    name: String,
    /// What it is good for, in one line; planners choose by it.
    #[serde(default)]
    role: String,
    /// What it is like, in Markdown.
    character: Option<String>,
    /// In its place, a file that says it and is read whenever a session begins: from the folder that it works in, or absolute.
    soul: Option<String>,
    /// `claude`, `codex` or `demo`: whose model is named, and what does its tasks.
    #[schema(value_type = Option<String>)]
    harness: Option<HarnessId>,
    /// Of its turns, where none was chosen.
    model: Option<String>,
    /// Absolute; where its tasks work, in a project that is open.
    folder: Option<String>,
}

/// Why something is not kept in the library.
#[derive(Debug, thiserror::Error)]
#[error("{0}; nothing was saved.")]
pub(super) struct NotSaved(pub String);

impl NewAgent {
    pub(super) fn persona(self, state: &State) -> Result<Persona, NotSaved> {
        let known = persona::named(state, &self.name).map(|persona| persona.persona.clone());
        let character = match (self.character, self.soul) {
            (Some(_), Some(_)) => {
                return Err(NotSaved(
                    "an agent's character stands in words or in a file, and not in both".to_owned(),
                ));
            }
            (_, Some(path)) => Character::File { path },
            (Some(text), None) => Character::Words { text },
            (None, None) => Character::default(),
        };
        let persona = Persona {
            persona: known.unwrap_or_else(|| drawn(PersonaId::new)),
            name: self.name.trim().to_owned(),
            role: self.role.trim().to_owned(),
            character,
            harness: self.harness,
            model: self.model,
            folder: self.folder,
        };
        persona::problem(state, &persona).map_or(Ok(persona), |problem| Err(NotSaved(problem)))
    }
}

/// There is no such agent.
#[derive(Debug, thiserror::Error)]
#[error("there is no agent {0:?}. `orchestrator agents` lists them.")]
pub(super) struct NoPersona(String);

/// The agent of this name or id that is offered.
pub(super) fn find<'a>(state: &'a State, name: &str) -> Result<&'a Persona, NoPersona> {
    let mut offered = persona::offered(state).into_iter();
    let called = |persona: &&Persona| {
        persona.persona.as_str() == name || persona.name.trim().eq_ignore_ascii_case(name.trim())
    };
    offered.find(called).ok_or_else(|| NoPersona(name.to_owned()))
}

impl AgentView {
    /// All of them, also those that are retired.
    pub(super) fn all(state: &State) -> Vec<Self> {
        state.personas.values().map(Self::of).collect()
    }

    fn of(known: &Known) -> Self {
        let Persona { persona, name, role, character, harness, model, folder } = known.persona.clone();
        let (character, soul) = match character {
            Character::Words { text } => (Some(text), None),
            Character::File { path } => (None, Some(path)),
        };
        let retired = known.retired;
        Self { id: persona.to_string(), name, role, character, soul, harness, model, folder, retired }
    }
}

/// Prints the agents, or changes them.
pub(super) async fn see_to(args: &AgentsArgs) -> anyhow::Result<ExitCode> {
    let place = Place::find_or_start(&args.data.dir()?, false).await?;
    let mut client = Client::connect(&place, "terminal").await?;
    let kind = args.wish.as_ref().map(|wish| change(client.state(), wish)).transpose()?;
    if let Some(kind) = kind {
        client.intend(vec![Draft::new(None, kind)]).await?;
    }
    if args.json {
        say(&json!({ "agents": AgentView::all(client.state()) }).to_string());
    } else {
        tell(client.state());
    }
    drop(client);
    place.leave().await?;
    Ok(ExitCode::SUCCESS)
}

fn change(state: &State, wish: &Wish) -> anyhow::Result<Kind> {
    Ok(match wish {
        Wish::Save { name, role, character, soul, harness, model, dir } => {
            let new = NewAgent {
                name: name.clone(),
                role: role.clone(),
                character: character.as_ref().map(read).transpose()?,
                soul: soul.clone(),
                harness: harness.map(Into::into),
                model: model.clone(),
                folder: dir.as_ref().map(|dir| dir.to_string_lossy().into_owned()),
            };
            Kind::PersonaSaved { persona: new.persona(state)? }
        }
        Wish::Retire { name } => Kind::PersonaRetired { persona: find(state, name)?.persona.clone() },
    })
}

fn read(file: &PathBuf) -> anyhow::Result<String> {
    std::fs::read_to_string(file)
        .with_context(|| format!("{} cannot be read. Give a file in Markdown.", file.display()))
}

fn tell(state: &State) {
    let offered = persona::offered(state);
    if offered.is_empty() {
        say("No agents of your own yet. Next: orchestrator agents save NAME --role \"what it is good for\"");
    }
    for persona in offered {
        let soul = match &persona.character {
            Character::File { path } => Some(path.clone()),
            Character::Words { .. } => None,
        };
        let harness = persona.harness.map(|harness| harness.to_string());
        let more = [soul, harness, persona.model.clone(), persona.folder.clone()];
        let more: Vec<String> = more.into_iter().flatten().collect();
        let more = if more.is_empty() { String::new() } else { format!(" ({})", more.join(", ")) };
        say(&format!("{}{more}", persona::title(persona)));
    }
}
