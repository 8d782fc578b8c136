//! Runs whose program a worker of the configuration starts, on another machine or in a container: which those are, the
//! wrapper's command line, and what ends the rest of them. All else of such a run is the wrapper's process here.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use shared::agent::HarnessId;
use shared::id::RunId;
use shared::run::{Arg, Program, RunEnd, RunSpec};

use super::Inner;
use super::prepare::{MARK, environment, found, refused};
use crate::config::Config;
use crate::config::workers::{Worker, taker};
use crate::wrapper::{self, Filling, travelling};

/// Whose program an order starts; nothing for our own binary's, which looks at the folder here. Told by the program
/// itself, so that no order gets past its worker under another name.
pub(super) fn harness(config: &Config, spec: &RunSpec) -> Option<HarnessId> {
    match &spec.program {
        Program::Shell { .. } => Some(HarnessId::Command),
        Program::Named { name } => Some(config.harness(name)),
        Program::Own => {
            matches!(spec.args.first(), Some(Arg::Text { text }) if text == "demo").then_some(HarnessId::Demo)
        }
    }
}

/// Who starts the run's program in the bridge's place; `home` is the folder that the configuration is asked about, without links.
pub(super) fn worker<'a>(
    config: &'a Config,
    spec: &RunSpec,
    home: &Path,
) -> Result<Option<&'a Worker>, RunEnd> {
    let Some(harness) = harness(config, spec) else { return Ok(None) };
    taker(&config.workers, harness, home).map_err(|contested| refused(&contested.to_string()))
}

/// A program's command line and environment, before its worker wraps it.
pub(super) struct Inside<'a> {
    pub run: &'a RunId,
    pub cwd: &'a Path,
    pub files: &'a Path,
    /// It has a terminal.
    pub terminal: bool,
    pub env: &'a [(OsString, OsString)],
    /// The program as it is called there, and its arguments.
    pub command: Vec<OsString>,
}

/// What is started here instead.
pub(super) fn wrapped(worker: &Worker, inside: &Inside<'_>) -> Result<(PathBuf, Vec<OsString>), RunEnd> {
    let words = match &worker.terminal {
        None if inside.terminal => {
            return Err(refused("its worker gives no terminals; add `terminal` to it in the configuration"));
        }
        Some(words) if inside.terminal => words,
        _ => &worker.wrap,
    };
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let command: Vec<String> = inside.command.iter().map(|word| text(word.as_ref())).collect();
    let filling = Filling {
        dir: wrapper::dir(inside.cwd).map_err(|why| refused(&why))?,
        files: &text(inside.files),
        run: &wrapper::name(inside.run),
        // By its mark a process is found that a wrapper on this machine starts beside itself.
        env: &travelling(inside.env.iter().map(|(name, _)| &**name).chain([MARK.as_ref()])),
        command: &command,
    };
    let words = wrapper::filled(words, &filling);
    let Some((program, args)) = words.split_first() else { return Err(refused("its worker has no words")) };
    let program = found(program.as_ref())?;
    Ok((program, args.iter().map(OsString::from).collect()))
}

/// Ends what is left of a run that is over where its worker started it. Who the configuration names now is asked, also of a
/// run that an earlier bridge began.
pub(super) async fn stop(inner: &Inner, run: &RunId, spec: &RunSpec) {
    // The same that it was started in, as far as it is still there.
    let Ok(cwd) = dunce::canonicalize(&spec.cwd) else { return };
    let home = inner.grounds().home(&cwd);
    let Ok(Some(Worker { stop: Some(words), .. })) = worker(&inner.config, spec, &home) else { return };
    let Ok(dir) = wrapper::dir(&cwd) else { return };
    let env: Vec<_> = environment(&inner.config).collect();
    let names = travelling(env.iter().map(|(name, _)| name));
    let files = inner.folder(run).files().to_string_lossy().into_owned();
    let filling = Filling { dir, files: &files, run: &wrapper::name(run), env: &names, command: &[] };
    wrapper::stop(words, &filling, env).await;
}
