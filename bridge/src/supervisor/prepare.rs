//! From an order to a command that may be started: the program is allowed and found, the folder lies in a
//! project, the run's own files are written, and the environment is built from nothing.

use std::ffi::OsString;
use std::fs::{DirBuilder, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};
use shared::id::RunId;
use shared::run::{Arg, Program, RunEnd, RunSpec};
use tokio::process::Command;

use super::Inner;
use crate::agents::{Lookup, look_up};
use crate::config::Config;

/// Marks every process of a run, also those that leave its session and lose their parent.
pub(super) const MARK: &str = "ORCHESTRATOR_RUN";

/// The variables of the bridge's environment that runs get.
pub(crate) fn environment(config: &Config) -> impl Iterator<Item = (OsString, OsString)> + use<'_> {
    std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(|name| config.passes(name)))
}

/// A command that is ready to start, and the folder of its run.
pub(super) struct Prepared {
    pub command: Command,
    pub own: PathBuf,
}

/// The command, and a claim on the run: the second bridge that would start it finds the claim. Blocks.
pub(super) fn command(inner: &Inner, run: &RunId, spec: &RunSpec) -> Result<Prepared, RunEnd> {
    let cwd = folder(inner, &spec.cwd)?;
    let (program, first) = program(&inner.config, &spec.program)?;
    let mut command = Command::new(program);
    command.args(first);
    let own = inner.runs_dir.join(run.as_str());
    let files = own.join("files");
    for arg in &spec.args {
        match arg {
            Arg::Text { text } => command.arg(text),
            Arg::RunFile { name } if spec.files.iter().any(|file| file.name == *name) => {
                command.arg(files.join(name))
            }
            Arg::RunFile { name } => {
                return Err(refused(&format!("the order refers to a file {name:?} that it does not have")));
            }
        };
    }
    for file in &spec.files {
        // An id's alphabet has no slash and no leading dot, so the file stays in the run's folder.
        RunId::new(&file.name).map_err(|error| refused(&error.to_string()))?;
    }
    claim(&own)?;
    for file in &spec.files {
        let path = files.join(&file.name);
        write_new(&path, file.text.as_bytes()).map_err(|error| {
            failed(&format!(
                "{} could not be written: {error}. Make room in the data folder.",
                path.display()
            ))
        })?;
    }
    command
        .env_clear()
        .envs(environment(&inner.config))
        .envs(&spec.env)
        .env(MARK, run.as_str())
        .current_dir(cwd);
    Ok(Prepared { command, own })
}

fn folder(inner: &Inner, cwd: &str) -> Result<PathBuf, RunEnd> {
    let path = Path::new(cwd);
    if !path.is_absolute() {
        return Err(refused(&format!("the folder {cwd:?} is not absolute")));
    }
    // Without its links, so that no link leads out of a project.
    let path = path.canonicalize().map_err(|error| {
        failed(&format!(
            "the project's folder {cwd} cannot be used: {error}. Bring it back, or open the project from where it is now."
        ))
    })?;
    if !path.is_dir() {
        return Err(failed(&format!("{cwd} is not a folder. Open the project from where it is now.")));
    }
    if !inner.is_open(&path) {
        return Err(refused(&format!("{cwd} lies in no opened project that the configuration allows")));
    }
    access(&path, Access::READ_OK | Access::EXEC_OK).map_err(|error| {
        failed(&format!(
            "the project's folder {cwd} cannot be entered: {error}. Give yourself the right to read it."
        ))
    })?;
    Ok(path)
}

fn program(config: &Config, program: &Program) -> Result<(PathBuf, Vec<OsString>), RunEnd> {
    match program {
        Program::Own => {
            // Not its path: that leads nowhere, or to another version, once the binary was replaced.
            let own = if cfg!(target_os = "linux") {
                PathBuf::from("/proc/self/exe")
            } else {
                std::env::current_exe()
                    .map_err(|error| failed(&format!("the bridge cannot find itself: {error}")))?
            };
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
            match look_up(&wanted) {
                Lookup::Found(path) => Ok((path, Vec::new())),
                Lookup::NotExecutable(path) => Err(failed(&format!(
                    "{} may not be executed. Check its permissions (chmod +x).",
                    path.display()
                ))),
                Lookup::Missing => Err(RunEnd::NotFound { program: wanted.into_owned() }),
            }
        }
    }
}

/// Whether a bridge has begun with this run.
pub(super) fn is_claimed(runs_dir: &Path, run: &RunId) -> bool {
    runs_dir.join(run.as_str()).join("claim").exists()
}

/// Makes the run's folder and the claim in it, for the bridge's own user alone.
fn claim(own: &Path) -> Result<(), RunEnd> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(own.join("files"));
    match made.and_then(|()| write_new(&own.join("claim"), b"")) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            Err(RunEnd::Lost { why: "this run was begun before".to_owned() })
        }
        Err(error) => Err(failed(&format!(
            "the run's folder {} cannot be made: {error}. See to the data folder.",
            own.display()
        ))),
    }
}

fn write_new(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    File::options().write(true).create_new(true).mode(0o600).open(path)?.write_all(bytes)
}

fn refused(why: &str) -> RunEnd {
    RunEnd::Refused { why: why.to_owned() }
}

fn failed(why: &str) -> RunEnd {
    RunEnd::CouldNotStart { why: why.to_owned() }
}
