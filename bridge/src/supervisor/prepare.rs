//! From an order to a program that may be started: the program is allowed and found, the folder lies in a
//! project, the run's own files are written, and the environment is built from nothing.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use shared::id::RunId;
use shared::run::{Arg, Program, RunEnd, RunSpec, Stdin, Window};

use super::folder::{RunFolder, write_new};
use super::{Inner, insert, os};
use crate::agents::{Lookup, look_up};
use crate::config::Config;
use crate::system;

/// Marks every process of a run with its folder, also those that leave its session and lose their parent.
pub(crate) const MARK: &str = "ORCHESTRATOR_RUN";

/// The variables of the bridge's environment that runs get.
pub(crate) fn environment(config: &Config) -> impl Iterator<Item = (OsString, OsString)> + use<'_> {
    std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(|name| config.passes(name)))
}

/// A program that is ready to start.
pub(super) struct Prepared {
    pub folder: RunFolder,
    pub program: PathBuf,
    pub args: Vec<OsString>,
    /// All that it gets; where a name stands twice, the latter counts.
    pub env: Vec<(OsString, OsString)>,
    pub cwd: PathBuf,
    /// The size of its terminal, if it gets one.
    pub window: Option<Window>,
}

/// The program, and a claim on the run: the second bridge that would start it finds the claim. Blocks.
pub(super) fn program(inner: &Inner, run: &RunId, spec: &RunSpec) -> Result<Prepared, RunEnd> {
    let cwd = folder(inner, &spec.cwd)?;
    let stdin = insert::stdin(inner, spec, &cwd)?;
    let (program, mut args) = found(inner, &spec.program)?;
    let folder = inner.folder(run);
    let files = folder.files();
    for arg in &spec.args {
        match arg {
            Arg::Text { text } => args.push(text.into()),
            Arg::RunFile { name } if spec.files.iter().any(|file| file.name == *name) => {
                args.push(files.join(name).into());
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
    claim(&folder)?;
    let laid_out = folder.lay_out(&stdin);
    laid_out.map_err(|error| no_folder(&folder, &error))?;
    for file in &spec.files {
        let path = files.join(&file.name);
        write_new(&path, file.text.as_bytes()).map_err(|error| {
            failed(&format!(
                "{} could not be written: {error}. Make room in the data folder.",
                path.display()
            ))
        })?;
    }
    let mut env: Vec<(OsString, OsString)> = environment(&inner.config).collect();
    let mut window = None;
    if let Stdin::Pty { window: wanted } = spec.stdin {
        window = Some(wanted.bounded());
        // The bridge's own terminal is another one, or none.
        env.push(("TERM".into(), "xterm-256color".into()));
    }
    env.extend(spec.env.iter().map(|(name, value)| (name.into(), value.into())));
    Ok(Prepared { folder, program, args, env, cwd, window })
}

fn folder(inner: &Inner, cwd: &str) -> Result<PathBuf, RunEnd> {
    let path = Path::new(cwd);
    if !path.is_absolute() {
        return Err(refused(&format!("the folder {cwd:?} is not absolute")));
    }
    // Without its links, so that no link leads out of a project.
    let path = dunce::canonicalize(path).map_err(|error| {
        failed(&format!(
            "the project's folder {cwd} cannot be used: {error}. Bring it back, or open the project from where it is now."
        ))
    })?;
    if !path.is_dir() {
        return Err(failed(&format!("{cwd} is not a folder. Open the project from where it is now.")));
    }
    if !inner.is_open(&path) {
        return Err(refused(&format!(
            "{cwd} lies in no opened project that the configuration allows. Open it as a project first"
        )));
    }
    system::may_enter(&path).map_err(|error| {
        failed(&format!(
            "the project's folder {cwd} cannot be entered: {error}. Give yourself the right to read it."
        ))
    })?;
    Ok(path)
}

/// Where a program is, and the arguments that come before all others.
fn found(inner: &Inner, program: &Program) -> Result<(PathBuf, Vec<OsString>), RunEnd> {
    let config = &inner.config;
    match program {
        Program::Own => {
            // Not its path: that leads nowhere, or to another version, once the binary was replaced.
            let own = if cfg!(target_os = "linux") { Path::new("/proc/self/exe") } else { &*inner.own };
            Ok((own.to_owned(), Vec::new()))
        }
        Program::Shell { command } if config.commands => Ok(os::shell(command)),
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

fn claim(folder: &RunFolder) -> Result<(), RunEnd> {
    match folder.claim() {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            Err(RunEnd::Lost { why: "this run was begun before".to_owned() })
        }
        Err(error) => Err(no_folder(folder, &error)),
    }
}

fn no_folder(folder: &RunFolder, error: &std::io::Error) -> RunEnd {
    let path = folder.path().display();
    failed(&format!("the run's folder {path} cannot be made: {error}. See to the data folder."))
}

pub(super) fn refused(why: &str) -> RunEnd {
    RunEnd::Refused { why: why.to_owned() }
}

pub(super) fn failed(why: &str) -> RunEnd {
    RunEnd::CouldNotStart { why: why.to_owned() }
}
