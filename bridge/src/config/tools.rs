//! Tools of the person's own: MCP servers that agents get by their command lines. Only this file names their programs;
//! an order says no more than how its agent may use what there is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::de::{Deserialize, Deserializer, Error};
use shared::agent::HarnessId;

use super::{command, folders};

/// All of them, by name.
pub type Tools = BTreeMap<Name, Tool>;

/// A tool's name. Agents call what it offers `mcp__NAME__…`, and so do the rules of permission.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name(String);

impl Name {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let fits = (1..=40).contains(&name.len())
            && name.bytes().all(|byte| plain(byte) || matches!(byte, b'_' | b'-'))
            && name.starts_with(|first: char| first.is_ascii_lowercase())
            // Two of them part a tool's server from its name.
            && !name.contains("__")
            && !name.ends_with('_');
        if fits {
            return Ok(Self(name));
        }
        Err(D::Error::custom(format!(
            "{name:?} is not a tool's name (a small letter first, then small letters, digits, - and single _, at most 40)"
        )))
    }
}

/// A program that serves tools by MCP on its standard input and output.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "Given")]
pub struct Tool {
    /// The program, a name on PATH or an absolute path, and its arguments. They stand on agents' command lines.
    pub command: Vec<String>,
    /// Names of the variables of the bridge's environment that it needs, such as a token's.
    pub env: Vec<String>,
    /// Whose agents get it: Claude Code's, Codex's.
    pub agents: Vec<HarnessId>,
    pub place: Place,
}

/// Where agents get a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    Everywhere,
    /// In these folders and below; not empty.
    Below(Vec<PathBuf>),
}

impl Tool {
    pub fn program(&self) -> &str {
        self.command.first().map_or("", String::as_str)
    }

    /// Whether an agent of `harness` gets it in this folder, which is given without links.
    pub fn is_for(&self, harness: HarnessId, folder: &Path) -> bool {
        self.is_for_some(harness)
            && match &self.place {
                Place::Everywhere => true,
                Place::Below(folders) => super::below(folders, folder),
            }
    }

    /// Whether an agent of `harness` gets it anywhere.
    pub fn is_for_some(&self, harness: HarnessId) -> bool {
        self.agents.contains(&harness)
    }
}

/// As it stands in the file.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    #[serde(deserialize_with = "command")]
    command: Vec<String>,
    #[serde(default, deserialize_with = "names")]
    env: Vec<String>,
    #[serde(default = "both", deserialize_with = "takers")]
    agents: Vec<HarnessId>,
    #[serde(default, deserialize_with = "folders")]
    projects: Vec<PathBuf>,
    #[serde(default)]
    everywhere: bool,
}

impl TryFrom<Given> for Tool {
    type Error = &'static str;

    fn try_from(given: Given) -> Result<Self, Self::Error> {
        let Given { command, env, agents, projects, everywhere } = given;
        let place = match (everywhere, projects.is_empty()) {
            (true, true) => Place::Everywhere,
            (false, false) => Place::Below(projects),
            // A tool may reach whatever its token opens, so that nobody gets it by an oversight.
            (false, true) => {
                return Err(
                    "no agent would get this tool: say where, with `projects` or `everywhere = true`",
                );
            }
            (true, false) => return Err("`everywhere` and `projects` cannot both be said; take one out"),
        };
        Ok(Self { command, env, agents, place })
    }
}

fn both() -> Vec<HarnessId> {
    vec![HarnessId::Claude, HarnessId::Codex]
}

fn takers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<HarnessId>, D::Error> {
    let agents = Vec::<HarnessId>::deserialize(deserializer)?;
    if !agents.is_empty() && agents.iter().all(|agent| both().contains(agent)) {
        return Ok(agents);
    }
    Err(D::Error::custom("tools are for \"claude\" and \"codex\"; name one of them, or leave `agents` out"))
}

fn names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    match names.iter().find(|name| !super::is_variable(name)) {
        None => Ok(names),
        Some(name) => Err(D::Error::custom(format!(
            "{name:?} is not a variable's name (letters, digits and _). Values stand in the bridge's environment and not here"
        ))),
    }
}
