//! What went wrong, from what CLIs print and from how a run ended: a class, and words with a next step.

use std::collections::VecDeque;

use super::lines::Line;
use super::loose::short;
use crate::agent::{AgentError, ErrorClass, HarnessId};
use crate::run::RunEnd;

/// What of stderr is kept to explain a failure: the last bytes, in whole lines.
const TAIL_BYTES: usize = 4 * 1024;
const TAIL_LINE_CHARS: usize = 400;

/// Words that tell a class, in the order in which they decide; lower case.
const TELLING: &[(&str, ErrorClass)] = &[
    // Before the words of an account's quota, which these hold.
    ("disk quota exceeded", ErrorClass::DiskFull),
    ("edquot", ErrorClass::DiskFull),
    ("no conversation found with session id", ErrorClass::SessionLost),
    ("no rollout found for thread", ErrorClass::SessionLost),
    // Codex was killed before it had written anything of it.
    ("failed to read session metadata", ErrorClass::SessionLost),
    ("usage limit", ErrorClass::RateLimit),
    ("too many requests", ErrorClass::RateLimit),
    ("rate limit", ErrorClass::RateLimit),
    ("rate_limit", ErrorClass::RateLimit),
    ("credit balance", ErrorClass::Billing),
    ("quota exceeded", ErrorClass::Billing),
    ("insufficient_quota", ErrorClass::Billing),
    ("billing", ErrorClass::Billing),
    ("prompt is too long", ErrorClass::ContextOverflow),
    ("context window", ErrorClass::ContextOverflow),
    ("context_length_exceeded", ErrorClass::ContextOverflow),
    ("model_not_found", ErrorClass::ModelNotFound),
    ("issue with the selected model", ErrorClass::ModelNotFound),
    ("unrecognized_model", ErrorClass::ModelNotFound),
    ("not logged in", ErrorClass::Auth),
    ("failed to authenticate", ErrorClass::Auth),
    ("401 unauthorized", ErrorClass::Auth),
    ("403 forbidden", ErrorClass::Auth),
    ("missing environment variable", ErrorClass::Auth),
    ("api key", ErrorClass::Auth),
    ("required mcp server", ErrorClass::McpDisconnect),
    ("mcp server disconnected", ErrorClass::McpDisconnect),
    ("mcp error -32000", ErrorClass::McpDisconnect),
    ("no space left on device", ErrorClass::DiskFull),
    ("enospc", ErrorClass::DiskFull),
    ("out of memory", ErrorClass::OutOfMemory),
    ("cannot allocate memory", ErrorClass::OutOfMemory),
    ("enomem", ErrorClass::OutOfMemory),
    ("memory allocation of", ErrorClass::OutOfMemory),
    ("timed out", ErrorClass::Timeout),
    ("connection refused", ErrorClass::Network),
    ("connection failed", ErrorClass::Network),
    ("econnrefused", ErrorClass::Network),
    ("enotfound", ErrorClass::Network),
    ("waiting for network", ErrorClass::Network),
    ("stream disconnected", ErrorClass::Network),
    ("overloaded", ErrorClass::Overload),
    ("high demand", ErrorClass::Overload),
    ("internal server error", ErrorClass::Overload),
    ("service unavailable", ErrorClass::Overload),
];

/// The class that a CLI's own words tell.
pub(super) fn told_by(text: &str) -> Option<ErrorClass> {
    let text = text.to_lowercase();
    if text.contains("model") && (text.contains("does not exist") || text.contains("not supported")) {
        return Some(ErrorClass::ModelNotFound);
    }
    TELLING.iter().find(|(words, _)| text.contains(words)).map(|(_, class)| *class)
}

/// The class of an HTTP status that a model service answered with.
pub(super) const fn told_by_status(status: u64) -> Option<ErrorClass> {
    match status {
        401 | 403 => Some(ErrorClass::Auth),
        402 => Some(ErrorClass::Billing),
        408 => Some(ErrorClass::Timeout),
        413 => Some(ErrorClass::ContextOverflow),
        429 => Some(ErrorClass::RateLimit),
        500..=599 => Some(ErrorClass::Overload),
        _ => None,
    }
}

/// The last of what a run wrote to stderr.
#[derive(Debug, Clone, Default)]
pub(super) struct Tail {
    /// Bounded: the oldest lines go when it passes [`TAIL_BYTES`].
    lines: VecDeque<String>,
    bytes: usize,
}

impl Tail {
    pub fn keep(&mut self, line: Line<'_>) {
        if !line.is_blank() {
            self.say(line.raw().trim_end());
        }
    }

    /// As if it had been written there.
    pub fn say(&mut self, text: &str) {
        let text = short(text, TAIL_LINE_CHARS);
        self.bytes += text.len();
        self.lines.push_back(text);
        while self.bytes > TAIL_BYTES {
            let Some(oldest) = self.lines.pop_front() else { break };
            self.bytes -= oldest.len();
        }
    }

    pub fn text(&self) -> String {
        let lines: Vec<&str> = self.lines.iter().map(String::as_str).collect();
        lines.join("\n")
    }
}

/// What is known of a run that ended without a result.
pub(super) struct Ended<'a> {
    pub harness: HarnessId,
    pub end: &'a RunEnd,
    /// Whether it said or did anything.
    pub said: bool,
    pub stderr: &'a Tail,
    /// The last error that the stream itself reported.
    pub reported: Option<AgentError>,
}

/// The failure of a run whose process never ran; nothing when it did run.
pub(super) fn of_start(harness: HarnessId, end: &RunEnd) -> Option<AgentError> {
    let message = match end {
        RunEnd::NotFound { program } => {
            let install = match harness {
                HarnessId::Claude => "Install Claude Code (npm install -g @anthropic-ai/claude-code)",
                HarnessId::Codex => "Install Codex (npm install -g @openai/codex)",
                HarnessId::Demo | HarnessId::Command => "Install it",
            };
            format!("{program} was not found on PATH. {install}, or choose another agent.")
        }
        RunEnd::Refused { why } => {
            format!(
                "The bridge's configuration does not allow this: {why}. Allow it there, or choose another agent."
            )
        }
        RunEnd::CouldNotStart { why } => {
            // A machine that lacks the means to start anything is another thing than a program that does not start.
            let means = |class: &ErrorClass| matches!(class, ErrorClass::DiskFull | ErrorClass::OutOfMemory);
            let class = told_by(why).filter(means).unwrap_or(ErrorClass::Launch);
            let message =
                format!("{harness} could not be started: {why}. Try it in a terminal, in the same folder.");
            return Some(AgentError { class, message, until: None });
        }
        RunEnd::Exited { .. }
        | RunEnd::Signalled { .. }
        | RunEnd::TimedOut
        | RunEnd::TooMuchOutput { .. }
        | RunEnd::Lost { .. } => return None,
    };
    Some(AgentError { class: ErrorClass::Launch, message, until: None })
}

/// The failure of a run that ended without a result.
pub(super) fn without_result(run: Ended<'_>) -> AgentError {
    let Ended { harness, end, said, stderr, reported } = run;
    if let Some(error) = of_start(harness, end) {
        return error;
    }
    let tail = stderr.text();
    let last = reported.as_ref().map_or_else(|| tail.clone(), |error| error.message.clone());
    let (class, what) = match end {
        RunEnd::TimedOut => {
            (ErrorClass::Timeout, format!("{harness} had not finished when its time was over."))
        }
        RunEnd::TooMuchOutput { limit } => (
            ErrorClass::Capped,
            format!(
                "{harness} was ended because it wrote more than {} MB. Let it write into a file instead, or raise `disk.output_mb` in the bridge's configuration.",
                limit.0.div_ceil(1_000_000)
            ),
        ),
        RunEnd::Lost { why } if harness == HarnessId::Command => {
            (ErrorClass::Lost, format!("Nobody saw how the command ended: {why}."))
        }
        RunEnd::Lost { why } => (
            ErrorClass::Lost,
            format!("The bridge was gone when {harness} ended: {why}. Its session can be taken up again."),
        ),
        RunEnd::Signalled { signal: 1 | 2 | 15 } | RunEnd::Exited { code: 130 | 143 } => {
            (ErrorClass::Interrupted, format!("{harness} was stopped before it was done."))
        }
        RunEnd::Exited { code: 0 } if !said && reported.is_none() => (
            ErrorClass::NothingSaid,
            format!("{harness} ended well and had said nothing. Try it in a terminal, in the same folder."),
        ),
        // The codes of a shell, or of a launcher such as `env`, that cannot start what it is to start.
        RunEnd::Exited { code: code @ (126 | 127) } if !said && reported.is_none() => (
            ErrorClass::Launch,
            format!("{harness} could not be started: its launcher ended with exit code {code}."),
        ),
        RunEnd::Exited { code } => {
            let class = reported.as_ref().map(|error| error.class).or_else(|| told_by(&tail));
            (
                class.unwrap_or(ErrorClass::CliCrash),
                format!("{harness} ended with exit code {code} and gave no result."),
            )
        }
        RunEnd::Signalled { signal } => {
            let why = if *signal == 9 { " (SIGKILL; the system does that when memory runs out)" } else { "" };
            let class = told_by(&tail).filter(|class| *class == ErrorClass::OutOfMemory);
            (
                class.unwrap_or(ErrorClass::CliCrash),
                format!("{harness} was ended by signal {signal}{why} and gave no result."),
            )
        }
        RunEnd::NotFound { .. } | RunEnd::Refused { .. } | RunEnd::CouldNotStart { .. } => {
            (ErrorClass::Launch, format!("{harness} could not be started."))
        }
    };
    let message = if last.is_empty() { what } else { format!("{what} Its last words: {last}") };
    AgentError { class, message, until: reported.and_then(|error| error.until) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_comes_with_a_next_step() {
        let end = RunEnd::NotFound { program: "claude".to_owned() };
        let error = of_start(HarnessId::Claude, &end).expect("did not start");
        assert_eq!(error.class, ErrorClass::Launch);
        assert!(error.message.starts_with("claude was not found on PATH. Install"), "{}", error.message);
    }

    #[test]
    fn what_a_machine_lacks_is_told_from_what_a_task_or_an_account_lacks() {
        let classes = [
            ("write error: Disk quota exceeded", ErrorClass::DiskFull),
            ("ENOSPC: no space left on device, write", ErrorClass::DiskFull),
            ("You exceeded your current quota: insufficient_quota", ErrorClass::Billing),
            ("FATAL ERROR: Reached heap limit - JavaScript heap out of memory", ErrorClass::OutOfMemory),
            ("memory allocation of 64 bytes failed", ErrorClass::OutOfMemory),
            ("MCP error -32000: Connection closed", ErrorClass::McpDisconnect),
        ];
        for (words, class) in classes {
            assert_eq!(told_by(words), Some(class), "{words}");
        }
        let class = |end: RunEnd, said: bool| {
            let (stderr, harness) = (&Tail::default(), HarnessId::Codex);
            without_result(Ended { harness, end: &end, said, stderr, reported: None }).class
        };
        let why = "Cannot allocate memory (os error 12)".to_owned();
        assert_eq!(class(RunEnd::CouldNotStart { why }, false), ErrorClass::OutOfMemory);
        assert_eq!(
            class(RunEnd::CouldNotStart { why: "Exec format error".to_owned() }, false),
            ErrorClass::Launch
        );
        assert_eq!(class(RunEnd::Exited { code: 127 }, false), ErrorClass::Launch);
        assert_eq!(class(RunEnd::Exited { code: 127 }, true), ErrorClass::CliCrash);
        assert_eq!(class(RunEnd::Signalled { signal: 11 }, true), ErrorClass::CliCrash);
    }

    #[test]
    fn only_the_end_of_stderr_is_kept() {
        let mut tail = Tail::default();
        for n in 0..10_000 {
            tail.keep(Line { bytes: format!("line {n}").as_bytes(), cut: false });
        }
        let text = tail.text();
        assert!(text.len() <= 2 * TAIL_BYTES && text.ends_with("line 9999"));
    }
}
