//! From an order to a program that may be started: the program is allowed and found, the folder lies in a
//! project, the run's own files are written, and the environment is built from nothing.

use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use shared::id::RunId;
use shared::run::{Arg, Program, RunEnd, RunFile, RunSpec, Stdin, Window};

use super::elsewhere::{self, Inside};
use super::folder::{RunFolder, write_new};
use super::{Inner, insert, os, tools};
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
    #[cfg_attr(windows, expect(dead_code, reason = "there each output goes through pipes"))]
    /// Its output goes through pipes: shells open theirs again by name, which empties a file.
    pub pipes: bool,
}

/// The program, and a claim on the run: the second bridge that would start it finds the claim. Blocks.
pub(super) fn program(inner: &Inner, run: &RunId, spec: &RunSpec) -> Result<Prepared, RunEnd> {
    let cwd = folder(inner, &spec.cwd)?;
    let stdin = insert::stdin(inner, spec, &cwd)?;
    let folder = inner.folder(run);
    let window = match spec.stdin {
        Stdin::Pty { window } => Some(window.bounded()),
        _ => None,
    };
    let home = inner.grounds().home(&cwd);
    let worker = elsewhere::worker(&inner.config, spec, &home)?;
    let tools = match elsewhere::harness(&inner.config, spec) {
        Some(harness) => tools::given(&inner.config, harness, spec, &home, worker.is_some())?,
        None => tools::Given::default(),
    };
    let env = variables(inner, spec, window.is_some(), tools.env);
    let (program, before) = called(inner, &spec.program)?;
    let args = before.into_iter().chain(tools.args).chain(arguments(spec, &folder)?);
    let (program, args) = match worker {
        None if matches!(spec.program, Program::Named { .. }) => (found(&program)?, args.collect()),
        None => (program.into(), args.collect()),
        Some(worker) => {
            let command = [there(inner, spec, program)].into_iter().chain(args).collect();
            let (files, terminal) = (folder.files(), window.is_some());
            elsewhere::wrapped(
                worker,
                &Inside { run, cwd: &cwd, files: &files, terminal, env: &env, command },
            )?
        }
    };
    claim(&folder)?;
    lay_out(&folder, &stdin, &spec.files)?;
    let pipes = matches!(spec.program, Program::Shell { .. });
    Ok(Prepared { folder, program, args, env, cwd, window, pipes })
}

/// The order's own arguments.
fn arguments(spec: &RunSpec, folder: &RunFolder) -> Result<Vec<OsString>, RunEnd> {
    for file in &spec.files {
        // An id's alphabet has no slash and no leading dot, so the file stays in the run's folder.
        RunId::new(&file.name).map_err(|error| refused(&error.to_string()))?;
    }
    let argument = |arg: &Arg| match arg {
        Arg::Text { text } => Ok(text.into()),
        Arg::RunFile { name } if spec.files.iter().any(|file| file.name == *name) => {
            Ok(folder.files().join(name).into())
        }
        Arg::RunFile { name } => {
            Err(refused(&format!("the order refers to a file {name:?} that it does not have")))
        }
    };
    spec.args.iter().map(argument).collect()
}

/// All variables that the program gets; where a name stands twice, the latter counts.
fn variables(
    inner: &Inner,
    spec: &RunSpec,
    has_terminal: bool,
    tools: Vec<(OsString, OsString)>,
) -> Vec<(OsString, OsString)> {
    // The bridge's own terminal is another one, or none.
    let terminal = has_terminal.then(|| ("TERM".into(), "xterm-256color".into()));
    let ordered = spec.env.iter().map(|(name, value)| (name.into(), value.into()));
    environment(&inner.config).chain(tools).chain(terminal).chain(ordered).collect()
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

/// What is to be started, and the arguments that come before all others.
fn called(inner: &Inner, program: &Program) -> Result<(OsString, Vec<OsString>), RunEnd> {
    let config = &inner.config;
    match program {
        Program::Own => {
            // Not its path: that leads nowhere, or to another version, once the binary was replaced.
            let own = if cfg!(target_os = "linux") { Path::new("/proc/self/exe") } else { &*inner.own };
            Ok((own.into(), Vec::new()))
        }
        Program::Shell { command } if config.commands => {
            let (shell, args) = os::shell(command);
            Ok((shell.into(), args))
        }
        Program::Shell { .. } => {
            Err(refused("shell commands are switched off in the configuration (commands = false)"))
        }
        Program::Named { name } if config.allows(name) => {
            Ok((config.program(name).into_owned().into(), Vec::new()))
        }
        Program::Named { name } => Err(refused(&format!(
            "the program {name} is not allowed; add it to `programs` in the configuration"
        ))),
    }
}

/// The program as a worker's wrapper finds it, for whom `/proc/self/exe` is itself.
fn there(inner: &Inner, spec: &RunSpec, program: OsString) -> OsString {
    match spec.program {
        Program::Own => std::fs::read_link(&inner.own).unwrap_or_else(|_| inner.own.clone()).into(),
        Program::Named { .. } | Program::Shell { .. } => program,
    }
}

/// Where a program is.
pub(super) fn found(program: &OsStr) -> Result<PathBuf, RunEnd> {
    let program = program.to_string_lossy();
    match look_up(&program) {
        Lookup::Found(path) => Ok(path),
        Lookup::NotExecutable(path) => {
            Err(failed(&format!("{} may not be executed. Check its permissions (chmod +x).", path.display())))
        }
        Lookup::Missing => Err(RunEnd::NotFound { program: program.into_owned() }),
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

/// Fills the claimed folder: with the run's input, and with the files that its command line names.
fn lay_out(folder: &RunFolder, stdin: &Stdin, files: &[RunFile]) -> Result<(), RunEnd> {
    folder.lay_out(stdin).map_err(|error| no_folder(folder, &error))?;
    for file in files {
        let path = folder.files().join(&file.name);
        write_new(&path, file.text.as_bytes()).map_err(|error| {
            failed(&format!(
                "{} could not be written: {error}. Make room in the data folder.",
                path.display()
            ))
        })?;
    }
    Ok(())
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
