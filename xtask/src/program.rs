//! Runs one program as a step: its output is kept and shown only when it fails.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, PipeReader};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::say::{self, Step};
use crate::system;

/// Lines kept of a program's output; the oldest go first, as the end says why it failed.
const KEPT: usize = 4_000;
/// How long a grandchild may hold the pipe after the program itself has ended.
const LEAK: Duration = Duration::from_secs(2);

/// Runs `command` as a step called `name` and gives what it wrote (stdout and stderr as they came).
///
/// # Errors
/// It cannot be started, or ends with anything but success; its output is then printed.
pub fn run(name: &str, command: Command) -> Result<String> {
    let step = Step::begin(name);
    match captured(command, |line| step.heard(line)) {
        Ok(output) => {
            step.passed();
            Ok(output)
        }
        Err(Failed { error, output }) => {
            step.failed();
            let telling = telling(&output);
            for line in &telling {
                say::line(&format!("      ! {line}"));
            }
            for line in output.lines().filter(|line| !is_progress(line)) {
                say::line(&format!("      | {line}"));
            }
            let first = telling.first().map(|line| format!(": {line}")).unwrap_or_default();
            Err(error.context(format!("{name} failed{first}")))
        }
    }
}

/// Lines that say what failed, at most this many.
const TELLING: usize = 40;

/// The lines of `output` that say what failed: they are shown first, as a log may be cut anywhere.
fn telling(output: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut all = output.lines().peekable();
    while let Some(line) = all.next() {
        let panicked = line.contains("panicked at");
        let named = line.starts_with("test ") && line.ends_with("FAILED") || line.contains("✘");
        if panicked || named || line.trim_start().starts_with("Error: ") || line.starts_with("error") {
            lines.push(line.trim());
            // The message of a panic, and the place of a compiler's error, stand on the next line.
            lines.extend(all.next_if(|_| panicked || line.starts_with("error")).map(str::trim));
        }
    }
    lines.truncate(TELLING);
    lines
}

/// Whether `line` is a build's progress, which explains no failure.
fn is_progress(line: &str) -> bool {
    ["Compiling", "Checking", "Downloaded", "Downloading", "Locking", "Blocking"]
        .iter()
        .any(|word| line.trim_start().starts_with(word))
}

/// Like [`run`], without a step: for what is quick, and for what may fail.
///
/// # Errors
/// It cannot be started, or ends with anything but success.
pub fn quiet(command: Command) -> Result<String> {
    captured(command, |_| {}).map_err(|failed| {
        let last: Vec<&str> = failed.output.lines().rev().take(5).collect();
        failed.error.context(last.into_iter().rev().collect::<Vec<_>>().join("\n"))
    })
}

struct Failed {
    error: anyhow::Error,
    output: String,
}

fn captured(mut command: Command, heard: impl Fn(&str)) -> Result<String, Failed> {
    let shown = shown(&command);
    let start = || -> Result<(std::process::Child, PipeReader)> {
        let (reader, writer) = std::io::pipe().context("cannot make a pipe")?;
        command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
        let child = command.spawn().with_context(|| format!("cannot start `{shown}`"))?;
        // The command holds the pipe's other end, which must close for the output to end.
        drop(command);
        Ok((child, reader))
    };
    let (mut child, reader) = start().map_err(|error| Failed { error, output: String::new() })?;
    // Bounded: a program that writes faster than lines are kept waits for us.
    let (send, lines) = mpsc::sync_channel(256);
    std::thread::spawn(move || {
        for line in BufReader::new(reader).split(b'\n').map_while(Result::ok) {
            if send.send(Some(String::from_utf8_lossy(&line).into_owned())).is_err() {
                return;
            }
        }
        let _ = send.send(None);
    });
    let mut kept = VecDeque::new();
    let mut keep = |line: String| {
        heard(&line);
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(line);
    };
    let status = loop {
        // The output's end is the event that is awaited; the time limit only notices a leaky grandchild.
        match lines.recv_timeout(LEAK) {
            Ok(Some(line)) => keep(line),
            Ok(None) | Err(mpsc::RecvTimeoutError::Disconnected) => break child.wait(),
            Err(mpsc::RecvTimeoutError::Timeout) => match child.try_wait() {
                Ok(Some(status)) => break Ok(status),
                Ok(None) => {}
                Err(error) => break Err(error),
            },
        }
    };
    let output = Vec::from(kept).join("\n");
    match status {
        Ok(status) if status.success() => Ok(output),
        Ok(status) => Err(Failed { error: anyhow::anyhow!("`{shown}` ended with {status}"), output }),
        Err(error) => Err(Failed { error: error.into(), output }),
    }
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// `cargo ARGS` in the checkout.
pub fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args).current_dir(crate::place::root());
    command
}

/// Runs `command` on this terminal, its output as it comes.
///
/// # Errors
/// It cannot be started, or ends with anything but success.
pub fn attended(mut command: Command) -> Result<()> {
    let shown = shown(&command);
    let status = command.status().with_context(|| format!("cannot start `{shown}`"))?;
    if status.success() { Ok(()) } else { bail!("`{shown}` ended with {status}") }
}

/// Replaces this process by `command`, so that signals and the exit status are the program's own.
///
/// # Errors
/// It cannot be started; otherwise this does not return.
pub fn become_it(command: Command) -> Result<()> {
    let shown = shown(&command);
    bail!("cannot start `{shown}`: {}", system::become_it(command))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn gives_both_streams() {
        assert_eq!(quiet(shell("echo out; echo err >&2")).unwrap(), "out\nerr");
    }

    #[test]
    fn says_how_it_ended_and_what_it_said() {
        let error = quiet(shell("echo why; exit 3")).unwrap_err();
        let text = format!("{error:#}");
        assert!(text.contains("why") && text.contains("exit status: 3"), "{text}");
    }

    #[test]
    fn what_failed_is_told_first() {
        let output = "   Compiling a v1\ntest one ... ok\ntest two ... FAILED\n\
            thread 'two' panicked at a.rs:3:5:\nleft is not right\nnote: run\n\
            error: test failed, to rerun pass `-p a`\nCaused by:";
        let told = [
            "test two ... FAILED",
            "thread 'two' panicked at a.rs:3:5:",
            "left is not right",
            "error: test failed, to rerun pass `-p a`",
            "Caused by:",
        ];
        assert_eq!(telling(output), told);
    }

    #[test]
    fn a_grandchild_that_holds_the_pipe_does_not_hold_us() {
        assert_eq!(quiet(shell("echo done; sleep 60 & exit 0")).unwrap(), "done");
    }
}
