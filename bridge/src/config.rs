//! The configuration file: which programs, folders and environment variables runs may use. Everything has a
//! default; a key that is not known or a value that cannot be meant is an error that names its line, so that
//! a typing mistake does not pass for a setting. `docs/config.md` is its manual.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use serde::de::{Deserialize, Deserializer, Error};
use shared::agent::HarnessId;

use crate::system;

pub mod tools;
pub mod workers;

use tools::Tools;
use workers::Workers;

/// Programs that every configuration allows.
const PROGRAMS: [&str; 4] = ["claude", "codex", "git", "gh"];

/// Names that a run's environment takes from the bridge's; a name ending in `*` stands for all that begin so.
const ENVIRONMENT: [&str; 30] = [
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
    "http_proxy",
    "https_proxy",
    "no_proxy",
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
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Programs that runs may start beside the agents and git: names on PATH or absolute paths.
    #[serde(deserialize_with = "programs")]
    pub programs: Vec<String>,
    /// Further environment variables that runs get; a name may end in `*`.
    #[serde(deserialize_with = "variables")]
    pub environment: Vec<String>,
    /// Whether a task may be a shell command.
    pub commands: bool,
    /// Only folders below these may be worked in; empty allows every opened project.
    #[serde(deserialize_with = "folders")]
    pub folders: Vec<PathBuf>,
    /// Folders of files that may say what an agent is like, beside those of opened projects.
    #[serde(deserialize_with = "folders")]
    pub characters: Vec<PathBuf>,
    /// Agents that are not on PATH.
    pub agents: Agents,
    /// Tools that agents get.
    pub tools: Tools,
    /// Who starts programs in the bridge's place.
    pub workers: Workers,
    #[serde(deserialize_with = "disk")]
    pub disk: Disk,
    #[serde(deserialize_with = "memory")]
    pub memory: Memory,
    pub retention: Retention,
}

/// Bounds of what stands on the disk of the data folder, in MB (10⁶ bytes); 0 switches one off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Disk {
    /// With less room than this the person is warned.
    pub warn_mb: u64,
    /// With less room than this nothing new is started.
    pub pause_mb: u64,
    /// A run that writes more than this to stdout or to stderr is ended.
    pub output_mb: u64,
}

impl Default for Disk {
    fn default() -> Self {
        Self { warn_mb: 500, pause_mb: 100, output_mb: 2_000 }
    }
}

/// Bounds of the machine's memory, in MB (10⁶ bytes); 0 switches one off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Memory {
    /// With less that is free than this the person is warned.
    pub warn_mb: u64,
    /// With less that is free than this nothing new is started.
    pub pause_mb: u64,
    /// The person is warned of a run whose programs hold more than this.
    pub agent_mb: u64,
}

impl Default for Memory {
    fn default() -> Self {
        Self { warn_mb: 500, pause_mb: 200, agent_mb: 2_000 }
    }
}

/// How long raw output is kept. The log is kept for good.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// Days after the end of a run; 0 keeps its output for good.
    pub output_days: u32,
}

/// Where agents are.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Agents {
    pub claude: Option<Agent>,
    pub codex: Option<Agent>,
}

/// An agent's CLI.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agent {
    /// Absolute path of the program.
    #[serde(deserialize_with = "absolute")]
    pub program: PathBuf,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            programs: Vec::new(),
            environment: Vec::new(),
            commands: true,
            folders: Vec::new(),
            characters: Vec::new(),
            agents: Agents::default(),
            tools: Tools::default(),
            workers: Workers::default(),
            disk: Disk::default(),
            memory: Memory::default(),
            retention: Retention::default(),
        }
    }
}

/// Why a configuration is not used. The bridge does not start with half of it. The message is whole: the
/// cause stands in it and not behind it.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("the configuration {} cannot be read: {}", .0.display(), .1)]
    Io(PathBuf, std::io::Error),
    #[error("the configuration {} is wrong: {}", .0.display(), .1)]
    Toml(PathBuf, Box<toml::de::Error>),
}

fn absolute<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
    let path = PathBuf::deserialize(deserializer)?;
    if path.is_absolute() {
        return Ok(path);
    }
    let begins = system::ABSOLUTE;
    Err(D::Error::custom(format!("{} is not an absolute path (it begins {begins})", path.display())))
}

fn disk<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Disk, D::Error> {
    let disk = Disk::deserialize(deserializer)?;
    in_order(disk.warn_mb, disk.pause_mb).map(|()| disk)
}

fn memory<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Memory, D::Error> {
    let memory = Memory::deserialize(deserializer)?;
    in_order(memory.warn_mb, memory.pause_mb).map(|()| memory)
}

/// A person is warned before nothing starts any more, or never.
fn in_order<E: Error>(warn: u64, pause: u64) -> Result<(), E> {
    if warn == 0 || warn >= pause {
        return Ok(());
    }
    Err(E::custom(format!(
        "warn_mb ({warn}) is below pause_mb ({pause}), so that the warning would never come before the pause. Give a warn_mb of at least {pause} (one that is not given has its default), or 0 for no warning"
    )))
}

fn folders<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<PathBuf>, D::Error> {
    #[derive(serde::Deserialize)]
    struct Folder(#[serde(deserialize_with = "absolute")] PathBuf);
    Ok(Vec::<Folder>::deserialize(deserializer)?.into_iter().map(|Folder(path)| path).collect())
}

fn programs<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let programs = Vec::<String>::deserialize(deserializer)?;
    match programs
        .iter()
        .find(|program| program.is_empty() || (program.contains('/') && !program.starts_with('/')))
    {
        None => Ok(programs),
        Some(program) => {
            Err(D::Error::custom(format!("{program:?} is neither a program's name nor an absolute path")))
        }
    }
}

fn variables<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    match names.iter().find(|name| !is_variable(name.strip_suffix('*').unwrap_or(name))) {
        None => Ok(names),
        Some(name) => Err(D::Error::custom(format!(
            "{name:?} is not a variable's name (letters, digits and _, at the end perhaps *)"
        ))),
    }
}

fn is_variable(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// A program that can be started wherever the bridge was started, and its arguments.
fn command<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let words = Vec::<String>::deserialize(deserializer)?;
    let Some(program) = words.first() else {
        return Err(D::Error::custom("there is no program; the first word is one, and its arguments follow"));
    };
    let is_path = program.contains(std::path::is_separator);
    if program.is_empty() || (is_path && !Path::new(program).is_absolute()) {
        return Err(D::Error::custom(format!(
            "{program:?} is neither a program's name nor an absolute path"
        )));
    }
    match words.iter().find(|word| word.contains(char::is_control)) {
        None => Ok(words),
        Some(word) => {
            Err(D::Error::custom(format!("{word:?} has a control character, which no word may have")))
        }
    }
}

/// Whether a folder, which is given without links, is one of these or lies below one.
pub(crate) fn below(roots: &[PathBuf], folder: &Path) -> bool {
    roots.iter().any(|root| dunce::canonicalize(root).is_ok_and(|root| folder.starts_with(root)))
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
        let mut allowed = ENVIRONMENT
            .into_iter()
            .chain(system::ENVIRONMENT)
            .chain(self.environment.iter().map(String::as_str));
        allowed.any(|allowed| match allowed.strip_suffix('*') {
            Some(start) => name.get(..start.len()).is_some_and(|begins| system::same_variable(begins, start)),
            None => system::same_variable(name, allowed),
        })
    }

    /// Whether an order may name this program.
    pub fn allows(&self, program: &str) -> bool {
        let agents = [&self.agents.claude, &self.agents.codex].into_iter().flatten();
        PROGRAMS.contains(&program)
            || self.programs.iter().any(|allowed| allowed == program)
            || agents.into_iter().any(|agent| agent.program.as_os_str() == program)
    }

    /// The program of an agent: as configured, or its own name to be found on PATH.
    pub fn program<'a>(&'a self, name: &'a str) -> Cow<'a, str> {
        self.agent(name).map_or(name.into(), |agent| agent.program.to_string_lossy())
    }

    /// Whether the configuration says where this agent is.
    pub fn names(&self, name: &str) -> bool {
        self.agent(name).is_some()
    }

    /// Whose program an order names: an agent's, or one that counts as a command.
    pub fn harness(&self, program: &str) -> HarnessId {
        let is = |name: &str| {
            program == name || self.agent(name).is_some_and(|agent| agent.program.as_os_str() == program)
        };
        if is("claude") {
            HarnessId::Claude
        } else if is("codex") {
            HarnessId::Codex
        } else {
            HarnessId::Command
        }
    }

    fn agent(&self, name: &str) -> Option<&Agent> {
        match name {
            "claude" => self.agents.claude.as_ref(),
            "codex" => self.agents.codex.as_ref(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    fn mistake(text: &str) -> String {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("config.toml");
        std::fs::write(&file, text).expect("written");
        Config::load(Some(&file)).expect_err(text).to_string()
    }

    // Its paths are not from the root on Windows.
    #[test]
    #[cfg(unix)]
    fn a_mistake_is_told_with_its_line() {
        for (text, line, said) in [
            ("commands = true\nprogrammes = []\n", 2, "programmes"),
            ("\n\ncommands = \"yes\"\n", 3, "boolean"),
            ("[agents.claude]\nprogram = \"bin/claude\"\n", 2, "absolute"),
            ("[agents.cluade]\nprogram = \"/bin/claude\"\n", 1, "cluade"),
            ("folders = [\"/ok\"]\nprograms = [\"make\", \"../x\"]\n", 2, "../x"),
            ("folders = [\n  \"/ok\",\n  \"~/work\",\n]\n", 3, "~/work"),
            ("environment = [\"A B\"]\n", 1, "A B"),
            ("[retention]\noutput_days = -1\n", 2, "invalid value"),
            ("environment = [\"*\"]\n", 1, "*"),
            ("\n[disk]\nwarn_mb = 50\npause_mb = 60\n", 2, "warn_mb (50) is below pause_mb (60)"),
            ("commands = true\n[memory]\npause_mb = 900\n", 2, "warn_mb (500) is below pause_mb (900)"),
            ("commands = true\ncommands = false\n", 2, "duplicate"),
            ("[tools.\"a b\"]\ncommand = [\"x\"]\neverywhere = true\n", 1, "a b"),
            ("[tools.a__b]\ncommand = [\"x\"]\neverywhere = true\n", 1, "a__b"),
            ("\n[tools.a]\ncommand = [\"x\"]\n", 2, "say where"),
            ("[tools.a]\ncommand = [\"x\"]\nprojects = [\"/a\"]\neverywhere = true\n", 1, "take one out"),
            ("[tools.a]\neverywhere = true\ncommand = []\n", 3, "no program"),
            ("[tools.a]\neverywhere = true\ncommand = [\"bin/x\"]\n", 3, "bin/x"),
            ("[tools.a]\neverywhere = true\ncommand = [\"x\"]\nenv = [\"A=secret\"]\n", 4, "Values"),
            ("[tools.a]\neverywhere = true\ncommand = [\"x\"]\nagents = [\"demo\"]\n", 4, "claude"),
            ("[workers.a]\nagents = []\nwrap = [\"x\"]\n", 2, "nothing to do"),
            ("[workers.a]\nagents = [\"claude\"]\nwrap = [\"x\", \"{dri}\"]\n", 3, "{dri}"),
            ("[workers.a]\nagents = [\"claude\"]\nwrap = [\"/bin/ssh\", \"box\"]\n", 3, "{command}"),
            ("[workers.a]\nagents = [\"claude\"]\nwrap = [\"x\"]\nstop = [\"{command}\"]\n", 4, "`stop`"),
        ] {
            let error = mistake(text);
            assert!(error.contains(&format!("line {line}")) && error.contains(said), "{text}: {error}");
        }
    }

    #[test]
    fn a_warning_may_come_with_the_pause_or_never() {
        for bounds in
            ["warn_mb = 60\npause_mb = 60", "warn_mb = 0\npause_mb = 60", "warn_mb = 1\npause_mb = 0"]
        {
            for table in ["disk", "memory"] {
                toml::from_str::<Config>(&format!("[{table}]\n{bounds}\n")).expect(bounds);
            }
        }
    }

    #[test]
    fn a_file_that_was_named_must_be_there() {
        let error = Config::load(Some(Path::new("/nowhere/config.toml"))).expect_err("missing").to_string();
        assert!(error.contains("/nowhere/config.toml"), "{error}");
    }

    #[test]
    #[cfg(unix)]
    fn the_documented_example_is_read_and_changes_nothing() {
        let text = include_str!("../../docs/config.example.toml");
        assert_eq!(toml::from_str::<Config>(text).expect("readable"), Config::default());
        // And each of its settings is one.
        let settings: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("#"))
            .filter(|line| !line.starts_with(' '))
            .collect();
        let config: Config = toml::from_str(&settings.join("\n")).expect("readable when switched on");
        assert_eq!(config.characters, [PathBuf::from("/home/me/agents")]);
        assert_eq!((config.tools.len(), config.workers.len()), (1, 2));
        assert!(!config.commands && config.allows("make") && config.names("codex"), "{config:?}");
        assert_eq!(config.disk, Disk { warn_mb: 2_000, pause_mb: 500, output_mb: 200 });
        assert_eq!(config.memory, Memory { warn_mb: 1_000, pause_mb: 400, agent_mb: 4_000 });
        assert_eq!(config.retention, Retention { output_days: 90 });
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
