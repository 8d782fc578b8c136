//! The configuration file: which programs and environment variables runs may use. Everything has a default;
//! a key that is not known is an error, so that a typing mistake does not pass for a setting.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// Names that a run's environment takes from the bridge's; a name ending in `*` stands for all that begin so.
const ENVIRONMENT: [&str; 27] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LC_*",
    "TERM",
    "TMPDIR",
    "TZ",
    "XDG_*",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "SSH_AUTH_SOCK",
    "ANTHROPIC_*",
    "CLAUDE_*",
    "OPENAI_*",
    "CODEX_*",
    "API_TIMEOUT_MS",
    "IS_SANDBOX",
    "DISABLE_*",
    "STUB_API_KEY",
    "ORCHESTRATOR_DEMO_HOME",
];

/// What a person may set.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Programs that runs may start beside the agents and git.
    pub programs: Vec<String>,
    /// Further environment variables that runs get.
    pub environment: Vec<String>,
    /// Whether a task may be a shell command.
    pub commands: bool,
    /// Only folders below these may be projects; empty allows every folder.
    pub folders: Vec<PathBuf>,
    /// Agents that are not on PATH, by name: `claude`, `codex`.
    pub agents: BTreeMap<String, Agent>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agent {
    /// Absolute path of the program.
    pub program: PathBuf,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            programs: Vec::new(),
            environment: Vec::new(),
            commands: true,
            folders: Vec::new(),
            agents: BTreeMap::new(),
        }
    }
}

/// Why a configuration is not used. The bridge does not start with half of it.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read {}: {}", .0.display(), .1)]
    Io(PathBuf, #[source] std::io::Error),
    #[error("{}: {}", .0.display(), .1)]
    Toml(PathBuf, #[source] Box<toml::de::Error>),
}

impl Config {
    /// Reads `path`, or the platform's default place; a default that is not there gives the defaults.
    pub fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        let default = directories::ProjectDirs::from("", "", "orchestrator")
            .map(|dirs| dirs.config_dir().join("config.toml"));
        let (file, given) = match (path, default) {
            (Some(path), _) => (path.to_owned(), true),
            (None, Some(default)) => (default, false),
            (None, None) => return Ok(Self::default()),
        };
        match std::fs::read_to_string(&file) {
            Ok(text) => toml::from_str(&text).map_err(|error| ConfigError::Toml(file, Box::new(error))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !given => Ok(Self::default()),
            Err(error) => Err(ConfigError::Io(file, error)),
        }
    }

    /// Whether a run gets this variable of the bridge's environment.
    pub fn passes(&self, name: &str) -> bool {
        let allowed = ENVIRONMENT.into_iter().chain(self.environment.iter().map(String::as_str));
        allowed.into_iter().any(|allowed| match allowed.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == allowed,
        })
    }

    /// Whether an order may name this program.
    pub fn allows(&self, program: &str) -> bool {
        let known = ["claude", "codex", "git", "gh"];
        known.contains(&program)
            || self.programs.iter().any(|allowed| allowed == program)
            || self.agents.values().any(|agent| agent.program.to_string_lossy() == program)
    }

    /// The program of an agent: as configured, or its own name to be found on PATH.
    pub fn program<'a>(&'a self, name: &'a str) -> std::borrow::Cow<'a, str> {
        self.agents.get(name).map_or(name.into(), |agent| agent.program.to_string_lossy())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_told_with_its_line() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("config.toml");
        std::fs::write(&file, "commands = true\nprogrammes = []\n").expect("written");
        let error = Config::load(Some(&file)).expect_err("an unknown key").to_string();
        assert!(error.contains("line 2") && error.contains("programmes"), "{error}");
    }

    #[test]
    fn only_named_variables_pass() {
        let config = Config { environment: vec!["MINE".to_owned()], ..Config::default() };
        for passes in ["PATH", "LC_ALL", "ANTHROPIC_API_KEY", "MINE"] {
            assert!(config.passes(passes), "{passes}");
        }
        for stays in ["AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "PATHS", "MINE_TOO"] {
            assert!(!config.passes(stays), "{stays}");
        }
    }
}
