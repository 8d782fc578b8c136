//! From an order to a command that may be started: the program is allowed and found, the folder lies in a
//! project, the run's own files are written, and the environment is built from nothing.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use shared::id::RunId;
use shared::run::{Arg, Program, RunEnd, RunSpec};
use tokio::process::Command;

use super::Inner;
use crate::agents::which;
use crate::config::Config;

/// Marks every process of a run, also those that leave its session and lose their parent.
pub(super) const MARK: &str = "ORCHESTRATOR_RUN";

/// The variables of the bridge's environment that runs get.
pub(crate) fn environment(config: &Config) -> impl Iterator<Item = (OsString, OsString)> + use<'_> {
    std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(|name| config.passes(name)))
}

/// The command, and a claim on the run: the second bridge that would start it finds the claim.
pub(super) fn command(inner: &Inner, run: &RunId, spec: &RunSpec) -> Result<Command, RunEnd> {
    let cwd = folder(inner, &spec.cwd)?;
    let (program, first) = program(&inner.config, &spec.program)?;
    let own = claim(&inner.runs_dir, run)?;
    for file in &spec.files {
        // The name has an id's alphabet, so it stays in the run's folder.
        let path = RunId::new(&file.name)
            .map(|name| own.join(name.as_str()))
            .map_err(|error| refused(&error.to_string()))?;
        std::fs::write(&path, &file.text)
            .map_err(|error| failed(&format!("cannot write {}: {error}", path.display())))?;
    }
    let mut command = Command::new(program);
    command.args(first);
    for arg in &spec.args {
        match arg {
            Arg::Text { text } => command.arg(text),
            Arg::RunFile { name } => command.arg(own.join(name)),
        };
    }
    command
        .env_clear()
        .envs(environment(&inner.config))
        .envs(&spec.env)
        .env(MARK, run.as_str())
        .current_dir(cwd);
    Ok(command)
}

fn folder(inner: &Inner, cwd: &str) -> Result<PathBuf, RunEnd> {
    let path = Path::new(cwd);
    if !path.is_absolute() {
        return Err(refused(&format!("the folder {cwd:?} is not absolute")));
    }
    let path = path.canonicalize().map_err(|error| {
        failed(&format!("the project's folder {cwd} cannot be used: {error}. Bring it back, or open the project from where it is now."))
    })?;
    if !inner.is_open(&path) {
        return Err(refused(&format!("{cwd} lies in no opened project that the configuration allows")));
    }
    if !path.is_dir() {
        return Err(failed(&format!("{cwd} is not a folder")));
    }
    Ok(path)
}

fn program(config: &Config, program: &Program) -> Result<(PathBuf, Vec<OsString>), RunEnd> {
    match program {
        Program::Own => {
            let own = std::env::current_exe()
                .map_err(|error| failed(&format!("the bridge cannot find itself: {error}")))?;
            Ok((own, Vec::new()))
        }
        Program::Shell { command } if config.commands => {
            Ok((PathBuf::from("/bin/sh"), vec!["-c".into(), command.into()]))
        }
        Program::Shell { .. } => {
            Err(refused("shell commands are switched off in the configuration (commands = false)"))
        }
        Program::Named { name } => {
            if !config.allows(name) {
                return Err(refused(&format!(
                    "the program {name} is not allowed; add it to `programs` in the configuration"
                )));
            }
            let wanted = config.program(name);
            which(&wanted)
                .map(|path| (path, Vec::new()))
                .ok_or_else(|| RunEnd::NotFound { program: wanted.into_owned() })
        }
    }
}

fn claim(runs_dir: &Path, run: &RunId) -> Result<PathBuf, RunEnd> {
    let own = runs_dir.join(run.as_str());
    let claimed = std::fs::create_dir_all(&own)
        .and_then(|()| std::fs::File::options().write(true).create_new(true).open(own.join("claim")));
    match claimed {
        Ok(_) => Ok(own),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            Err(RunEnd::Lost { why: "this run was begun before".to_owned() })
        }
        Err(error) => Err(failed(&format!("cannot make the run's folder {}: {error}", own.display()))),
    }
}

fn refused(why: &str) -> RunEnd {
    RunEnd::Refused { why: why.to_owned() }
}

fn failed(why: &str) -> RunEnd {
    RunEnd::CouldNotStart { why: why.to_owned() }
}
