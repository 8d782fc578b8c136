//! Which agent CLIs this machine has. Asked once when the bridge starts.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use shared::agent::{FoundAgent, HarnessId};

use crate::config::Config;
use crate::supervisor::environment;

/// A CLI that has not told its version by then is not ready to work either.
const PATIENCE: Duration = Duration::from_secs(10);

/// The agents of this machine and the built-in one, in order of preference.
pub async fn find(config: &Config) -> Vec<FoundAgent> {
    let (claude, codex) = tokio::join!(
        look_for(config, HarnessId::Claude, "Claude Code", "claude"),
        look_for(config, HarnessId::Codex, "Codex", "codex"),
    );
    let demo = FoundAgent {
        harness: HarnessId::Demo,
        name: "Demo agent".to_owned(),
        program: String::new(),
        version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        problem: None,
    };
    claude.into_iter().chain(codex).chain([demo]).collect()
}

async fn look_for(config: &Config, harness: HarnessId, name: &str, program: &str) -> Option<FoundAgent> {
    let path = which(&config.program(program))?;
    let mut command = tokio::process::Command::new(&path);
    command
        .arg("--version")
        .env_clear()
        .envs(environment(config))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let (version, problem) = match tokio::time::timeout(PATIENCE, command.output()).await {
        Ok(Ok(output)) if output.status.success() => (version_in(&output.stdout), None),
        Ok(Ok(output)) => (None, Some(format!("--version ended with {}", output.status))),
        Ok(Err(error)) => (None, Some(format!("does not start: {error}"))),
        Err(_) => (None, Some(format!("did not answer within {} s", PATIENCE.as_secs()))),
    };
    let program = path.to_string_lossy().into_owned();
    Some(FoundAgent { harness, name: name.to_owned(), program, version, problem })
}

/// The first word with a digit of the first line: CLIs print "2.1.329 (Claude Code)" or "codex-cli 0.169.0".
fn version_in(output: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(output);
    let word =
        text.lines().next()?.split_whitespace().find(|word| word.contains(|c: char| c.is_ascii_digit()))?;
    Some(word.chars().take(40).collect())
}

/// Where a program is: as given when it has a slash, else the first executable of that name on PATH.
pub(crate) fn which(program: &str) -> Option<PathBuf> {
    let executable =
        |path: &PathBuf| path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok();
    if program.contains('/') {
        return Some(PathBuf::from(program)).filter(executable);
    }
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(program)).find(executable)
}

#[cfg(test)]
mod tests {
    use super::version_in;

    #[test]
    fn versions_are_read_from_what_clis_print() {
        assert_eq!(version_in(b"2.1.329 (Claude Code)\n").as_deref(), Some("2.1.329"));
        assert_eq!(version_in(b"codex-cli 0.169.0\n").as_deref(), Some("0.169.0"));
        assert_eq!(version_in(b"\xff\xfe garbage"), None);
    }
}
