//! `orchestrator decode`: prints the normalised events of a recorded agent stream as NDJSON, for people who
//! report a bug and for tests. Reads stdin as it comes, in bounded memory, whatever the bytes are.

use std::io::{self, ErrorKind, Read, Write};
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::json;
use shared::agent::{AgentEvent, HarnessId};
use shared::harness::Decoder;
use shared::run::{RunEnd, Stream};

const CHUNK: usize = 64 * 1024;

/// Print the events of a recorded stream, one JSON object per line, and a summary as the last line
#[derive(Debug, clap::Args)]
pub struct DecodeArgs {
    /// Whose output it is
    #[arg(long, value_enum)]
    pub harness: HarnessName,
    /// The exit code that the recorded process ended with
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    pub exit_code: i32,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum HarnessName {
    Claude,
    Codex,
    Demo,
    Command,
}

impl From<HarnessName> for HarnessId {
    fn from(name: HarnessName) -> Self {
        match name {
            HarnessName::Claude => Self::Claude,
            HarnessName::Codex => Self::Codex,
            HarnessName::Demo => Self::Demo,
            HarnessName::Command => Self::Command,
        }
    }
}

/// Decodes stdin to stdout. A reader that goes away early is no error; what the stream says never is one.
pub fn run(args: DecodeArgs) -> anyhow::Result<ExitCode> {
    let output = io::BufWriter::with_capacity(CHUNK, io::stdout().lock());
    let end = RunEnd::Exited { code: args.exit_code };
    match decode(args.harness.into(), &end, io::stdin().lock(), output) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(error) => Err(error).context("cannot decode the stream"),
        Ok(()) => Ok(ExitCode::SUCCESS),
    }
}

fn decode(harness: HarnessId, end: &RunEnd, mut input: impl Read, mut output: impl Write) -> io::Result<()> {
    let mut decoder = Decoder::new(harness);
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = match input.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        print(&mut output, &decoder.push(Stream::Stdout, &chunk[..read]))?;
        output.flush()?;
    }
    let (events, report) = decoder.finish(end);
    print(&mut output, &events)?;
    let summary = json!({
        "event": "summary",
        "final_text": report.final_text,
        "is_error": report.error.is_some(),
        "error": report.error,
        "session_id": report.session,
        // The stream's own last running total, which for a resumed session covers more than this run.
        "cost_usd": decoder.total_cost_usd(),
        "turns": report.turns,
        "structured": report.structured,
        "unknown_lines": report.unknown_lines,
    });
    writeln!(output, "{summary}")?;
    output.flush()
}

fn print(output: &mut impl Write, events: &[AgentEvent]) -> io::Result<()> {
    for event in events {
        serde_json::to_writer(&mut *output, event)?;
        output.write_all(b"\n")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]
    use serde_json::Value;

    use super::*;

    fn decoded(harness: HarnessId, input: &[u8]) -> Vec<Value> {
        let mut output = Vec::new();
        decode(harness, &RunEnd::Exited { code: 0 }, input, &mut output).unwrap();
        let lines = output.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
    }

    #[test]
    fn a_stream_becomes_tagged_lines_and_one_summary() {
        let stream = include_bytes!("../../tests/fixtures/claude/resume_2_resumed.ndjson");
        let lines = decoded(HarnessId::Claude, stream);
        assert!(lines.iter().all(|line| line["event"].is_string()));
        let summary = lines.last().unwrap();
        assert_eq!(summary["event"], "summary");
        assert_eq!(summary["final_text"], "Second turn.");
        assert_eq!(summary["is_error"], false);
        assert!((summary["cost_usd"].as_f64().unwrap() - 0.00032).abs() < 1e-9);
        assert_eq!(summary["turns"], 1);
        assert_eq!(summary["unknown_lines"], 0);
    }

    #[test]
    fn garbage_is_shown_and_an_empty_stream_still_has_its_summary() {
        let lines = decoded(HarnessId::Codex, b"\xff\xfe\r\n{\"type\":\"news\"}");
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[2]["unknown_lines"], 2);
        assert_eq!(lines[2]["cost_usd"], Value::Null);
        let lines = decoded(HarnessId::Claude, b"");
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["is_error"], true);
        assert_eq!(lines[0]["error"]["class"], "nothing_said");
    }
}
