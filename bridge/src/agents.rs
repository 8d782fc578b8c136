//! Which agent CLIs this machine has. Asked once when the bridge starts.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use shared::agent::{FoundAgent, HarnessId};
use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::time::timeout;

use crate::config::Config;
use crate::config::workers::{self, Worker};
use crate::supervisor::environment;
use crate::system::{self, Group};
use crate::wrapper::{self, Filling, travelling};

/// A CLI that has not told its version by then is not ready to work either.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same through a worker, which may have to begin with a connection or a container.
const PATIENCE_FAR: Duration = Duration::from_secs(30);
/// More than this of an answer is no version; it is not read.
const ANSWER: u64 = 4 * 1024;

/// The agents of this machine, or of the workers that start them, and the built-in one, in order of preference. Never
/// errs: one that is there and does not answer says so in its `problem`.
pub async fn find(config: &Config) -> Vec<FoundAgent> {
    let (claude, codex) = tokio::join!(
        look_for(config, HarnessId::Claude, "claude"),
        look_for(config, HarnessId::Codex, "codex"),
    );
    let version = Some(env!("CARGO_PKG_VERSION").to_owned());
    let demo = FoundAgent { version, ..FoundAgent::new(HarnessId::Demo, "") };
    claude.into_iter().chain(codex).chain([demo]).collect()
}

async fn look_for(config: &Config, harness: HarnessId, program: &str) -> Option<FoundAgent> {
    let wanted = config.program(program);
    let here = look_up(&wanted);
    // One that a worker starts in some folders alone may be here for the others.
    let worker =
        workers::first(&config.workers, harness).filter(|first| first.everywhere || here == Lookup::Missing);
    let (path, answer) = match (&worker, here) {
        (Some(first), _) => {
            (PathBuf::from(&*wanted), version_there(config, harness, first.worker, &wanted).await)
        }
        (None, Lookup::Found(path)) => {
            let answer = version_of(config, &path, &["--version".to_owned()], PATIENCE).await;
            (path, answer)
        }
        (None, Lookup::NotExecutable(path)) => (path, Err("may not be executed (chmod +x)".to_owned())),
        // What the person configured and is not there is worth saying; what is not installed is not.
        (None, Lookup::Missing) if config.names(program) => {
            (PathBuf::from(&*wanted), Err("is not there".to_owned()))
        }
        (None, Lookup::Missing) => return None,
    };
    let (version, problem) = match answer {
        Ok(version) => (Some(version), None),
        Err(problem) => (None, Some(problem)),
    };
    let tools = config.tools.iter().filter(|(_, tool)| tool.is_for_some(harness));
    Some(FoundAgent {
        version,
        problem,
        tools: tools.map(|(name, _)| name.as_str().to_owned()).collect(),
        worker: worker.map(|first| first.name.to_owned()),
        ..FoundAgent::new(harness, path.to_string_lossy())
    })
}

/// Asks a CLI for its version where a worker starts it, in a folder that means nothing.
async fn version_there(
    config: &Config,
    harness: HarnessId,
    worker: &Worker,
    program: &str,
) -> Result<String, String> {
    let env = travelling(environment(config).map(|(name, _)| name));
    let nowhere = std::env::temp_dir();
    let filling = Filling {
        dir: wrapper::dir(&nowhere)?,
        files: &nowhere.to_string_lossy(),
        run: &format!("orchestrator-version-{harness:?}-{}", std::process::id()).to_lowercase(),
        env: &env,
        command: &[program.to_owned(), "--version".to_owned()],
    };
    let words = wrapper::filled(&worker.wrap, &filling);
    let Some((wrapper, args)) = words.split_first() else { return Err("its worker has no words".to_owned()) };
    let Lookup::Found(path) = look_up(wrapper) else {
        return Err(format!("its worker's program {wrapper} is not there"));
    };
    let answer = version_of(config, &path, args, PATIENCE_FAR).await;
    if let Some(words) = &worker.stop {
        wrapper::stop(words, &Filling { command: &[], ..filling }, environment(config).collect()).await;
    }
    answer.map_err(|problem| format!("at its worker: {problem}"))
}

/// Asks a CLI for its version, or says why it gave none. What it started is ended with it.
async fn version_of(
    config: &Config,
    path: &Path,
    args: &[String],
    patience: Duration,
) -> Result<String, String> {
    let mut command = Command::new(path);
    command
        .args(args)
        .env_clear()
        .envs(environment(config))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    Group::lead(&mut command);
    let mut child = command.spawn().map_err(|error| format!("does not start: {error}"))?;
    let group = Group::of(&child);
    let mut answer = Vec::new();
    let asked = timeout(patience, async {
        if let Some(stdout) = child.stdout.take() {
            let _ = stdout.take(ANSWER).read_to_end(&mut answer).await;
        }
        child.wait().await
    });
    match asked.await {
        Ok(Ok(status)) if status.success() => {
            version_in(&answer).ok_or_else(|| "its answer to --version has no version in it".to_owned())
        }
        Ok(Ok(status)) => Err(format!("--version ended with {status}")),
        Ok(Err(error)) => Err(format!("its end could not be read: {error}")),
        Err(_) => {
            // Not waited for yet.
            group.kill();
            let _ = child.wait().await;
            Err(format!("did not answer within {patience:?}"))
        }
    }
}

/// The first word with a digit of the first line: CLIs print "2.1.329 (Claude Code)" or "codex-cli 0.169.0".
fn version_in(output: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(output);
    let mut words = text.lines().next()?.split_whitespace();
    let word = words.find(|word| word.contains(|c: char| c.is_ascii_digit()))?;
    Some(word.chars().filter(|c| !c.is_control()).take(40).collect())
}

/// What became of looking for a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Lookup {
    Found(PathBuf),
    NotExecutable(PathBuf),
    Missing,
}

/// Where a program is: as given when it names a folder, else the first executable of that name on PATH.
pub(crate) fn look_up(program: &str) -> Lookup {
    let mut found = Lookup::Missing;
    let candidates: Vec<PathBuf> = if program.contains(std::path::is_separator) {
        vec![PathBuf::from(program)]
    } else {
        let path = std::env::var_os("PATH").unwrap_or_default();
        // A relative folder on PATH would mean another one for each run.
        std::env::split_paths(&path)
            .filter(|folder| folder.is_absolute())
            .map(|folder| folder.join(program))
            .collect()
    };
    for path in candidates.into_iter().flat_map(system::programs).filter(|path| path.is_file()) {
        if system::may_execute(&path) {
            return Lookup::Found(path);
        }
        if found == Lookup::Missing {
            found = Lookup::NotExecutable(path);
        }
    }
    found
}

// Its agents are shell scripts.
#[cfg(all(test, unix))]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn versions_are_read_from_what_clis_print() {
        assert_eq!(version_in(b"2.1.329 (Claude Code)\n").as_deref(), Some("2.1.329"));
        assert_eq!(version_in(b"codex-cli 0.169.0\n").as_deref(), Some("0.169.0"));
        assert_eq!(version_in(b"\xff\xfe garbage"), None);
        assert_eq!(version_in(b""), None);
    }

    /// The program `claude` in this folder, with these permissions.
    fn claude_in(dir: &Path, script: &str, mode: u32) -> PathBuf {
        let path = dir.join("claude");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    async fn claude_that(script: &str, mode: u32) -> FoundAgent {
        let dir = tempfile::tempdir().unwrap();
        let path = claude_in(dir.path(), script, mode);
        let text = format!("[agents.claude]\nprogram = {path:?}\n");
        let config = toml::from_str(&text).unwrap();
        let found = find(&config).await;
        assert_eq!(found.last().unwrap().harness, HarnessId::Demo);
        found.into_iter().find(|agent| agent.harness == HarnessId::Claude).unwrap()
    }

    #[tokio::test]
    async fn an_agent_that_answers_has_a_version() {
        let agent = claude_that("test \"$1\" = --version && echo '2.1.329 (Claude Code)'", 0o755).await;
        assert_eq!((agent.version.as_deref(), agent.problem), (Some("2.1.329"), None));
        assert_eq!(agent.name, "Claude Code");
    }

    #[tokio::test]
    async fn an_agent_that_does_not_answer_has_a_problem() {
        for (script, mode, said) in [
            ("echo broken >&2; exit 3", 0o755, "exit status: 3"),
            ("printf '\\377\\376'", 0o755, "no version"),
            ("kill -9 $$", 0o755, "signal: 9"),
            ("echo 1.0", 0o644, "chmod"),
        ] {
            let agent = claude_that(script, mode).await;
            assert_eq!(agent.version, None, "{script}");
            assert!(agent.problem.as_ref().unwrap().contains(said), "{script}: {agent:?}");
        }
    }

    #[tokio::test]
    async fn an_agent_of_a_worker_is_asked_there() {
        let dir = tempfile::tempdir().unwrap();
        claude_in(dir.path(), "echo 7.7", 0o755);
        let path = format!("PATH={}:/usr/bin:/bin", dir.path().display());
        let stopped = dir.path().join("stopped");
        let config = |wrap: &str| {
            let text = format!(
                "[workers.box]\nagents = [\"claude\"]\nwrap = [{wrap:?}, {path:?}]\nstop = [\"touch\", {stopped:?}]\n\
                [tools.tracker]\ncommand = [\"x\"]\nagents = [\"claude\"]\neverywhere = true\n"
            );
            toml::from_str::<Config>(&text).unwrap()
        };
        let found = find(&config("env")).await.remove(0);
        assert_eq!((found.program.as_str(), found.version.as_deref()), ("claude", Some("7.7")));
        assert_eq!(
            (found.worker.as_deref(), &*found.tools),
            (Some("box"), ["tracker".to_owned()].as_slice())
        );
        assert!(stopped.exists(), "nothing stays there");
        let found = find(&config("no-such-wrapper")).await.remove(0);
        assert!(found.problem.unwrap().contains("no-such-wrapper is not there"));
        let found = find(&config("false")).await.remove(0);
        assert!(found.problem.unwrap().contains("at its worker: --version ended with exit status: 1"));
    }

    #[tokio::test]
    async fn an_agent_that_hangs_is_ended_with_what_it_started() {
        let dir = tempfile::tempdir().unwrap();
        let path = claude_in(dir.path(), "sleep 1000 &\necho $! > \"${0%/*}/pid\"\nwait", 0o755);
        let answer = version_of(&Config::default(), &path, &[], Duration::from_secs(1)).await;
        assert!(answer.unwrap_err().contains("within 1s"));
        let pid = std::fs::read_to_string(dir.path().join("pid")).unwrap();
        let left = || std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
        // It was killed; that it is gone is for the kernel to bring about.
        let gone = async {
            while !(left().is_empty() || left().contains(" Z ")) {
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_secs(60), gone).await.unwrap();
    }

    #[tokio::test]
    async fn an_endless_answer_is_not_read_to_its_end() {
        let agent = claude_that("echo 7.7; while echo more; do :; done; exit 0", 0o755).await;
        assert!(agent.version.is_some() || agent.problem.is_some());
    }
}
