//! A plain command without a model: each line of its output is shown, and its exit code is its result.

use std::collections::BTreeMap;

use super::fault::{self, Tail};
use super::lines::Line;
use super::{CommandLine, Turn};
use crate::agent::{AgentError, AgentEvent, ErrorClass, HarnessId, TurnReport};
use crate::run::{Program, RunEnd, Signal, Stdin, Stream, Tools};

/// The turn's prompt is the command; the rest of the turn does not concern it.
pub(super) fn command_line(turn: &Turn) -> CommandLine {
    CommandLine {
        program: Program::Shell { command: turn.prompt.clone() },
        args: Vec::new(),
        env: BTreeMap::new(),
        stdin: Stdin::Null,
        files: Vec::new(),
        tools: Tools::None,
        polite: Signal::Terminate,
    }
}

#[derive(Debug, Clone, Default)]
pub(super) struct Reader {
    stdout: Tail,
    stderr: Tail,
}

impl Reader {
    pub fn line(&mut self, stream: Stream, line: Line<'_>, events: &mut Vec<AgentEvent>) {
        match stream {
            Stream::Stdout => self.stdout.keep(line),
            Stream::Stderr => self.stderr.keep(line),
        }
        let mut text = line.raw();
        if line.cut {
            text.push('…');
        }
        events.push(AgentEvent::Line { text });
    }

    /// The final text is the end of what it wrote: of stdout, or of stderr when it wrote nothing there.
    pub fn report(&mut self, end: &RunEnd) -> TurnReport {
        let (stdout, stderr) = (self.stdout.text(), self.stderr.text());
        let final_text = if stdout.is_empty() { stderr.clone() } else { stdout };
        let error = match end {
            RunEnd::Exited { code: 0 } => None,
            RunEnd::Exited { code } if *code != 130 && *code != 143 => {
                Some(failed(*code, if stderr.is_empty() { &final_text } else { &stderr }))
            }
            RunEnd::Exited { .. }
            | RunEnd::Signalled { .. }
            | RunEnd::NotFound { .. }
            | RunEnd::Refused { .. }
            | RunEnd::CouldNotStart { .. }
            | RunEnd::TimedOut
            | RunEnd::TooMuchOutput { .. }
            | RunEnd::Lost { .. } => Some(fault::without_result(fault::Ended {
                harness: HarnessId::Command,
                end,
                said: true,
                stderr: &self.stderr,
                reported: None,
            })),
        };
        TurnReport { final_text, error, ..TurnReport::default() }
    }
}

/// A command that ended with a code of its own: it failed, unless its words tell a lack of means.
fn failed(code: i32, words: &str) -> AgentError {
    let means = |class: &ErrorClass| matches!(class, ErrorClass::DiskFull | ErrorClass::OutOfMemory);
    let class = fault::told_by(words).filter(means).unwrap_or(ErrorClass::TaskFailure);
    let said = if words.is_empty() { String::new() } else { format!(" Its last words: {words}") };
    AgentError { class, message: format!("The command ended with exit code {code}.{said}"), until: None }
}
