//! `orchestrator demo emit`: plain NDJSON lines at a set rate with time stamps, for benchmarks of what carries them.

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Print numbered NDJSON lines at a set rate, each flushed by itself
#[derive(Debug, clap::Args)]
pub struct EmitArgs {
    /// How many lines
    #[arg(long, default_value_t = 1000)]
    pub lines: u64,
    /// Lines per second; 0 is as fast as the pipe takes them
    #[arg(long, default_value_t = 0)]
    pub rate: u64,
    /// Bytes of each line with its newline, as far as the fields leave room
    #[arg(long, default_value_t = 0)]
    pub bytes: usize,
    /// Add "at" (microseconds since the Unix epoch) and "mono" (since the start) to each line
    #[arg(long)]
    pub stamp: bool,
}

/// Prints the lines; a reader that goes away early is no error.
pub fn run(args: &EmitArgs) -> anyhow::Result<ExitCode> {
    match emit(args, io::stdout().lock()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(error) => Err(error.into()),
        Ok(()) => Ok(ExitCode::SUCCESS),
    }
}

fn emit(args: &EmitArgs, mut out: impl Write) -> io::Result<()> {
    let began = Instant::now();
    let mut line = String::new();
    for n in 0..args.lines {
        if args.rate > 0 {
            // The time that the line is due at, so that a late line is not followed by later ones.
            let due = Duration::from_nanos(
                u64::try_from(u128::from(n) * 1_000_000_000 / u128::from(args.rate)).unwrap_or(u64::MAX),
            );
            if let Some(wait) = due.checked_sub(began.elapsed()) {
                std::thread::sleep(wait);
            }
        }
        line.clear();
        line.push_str(&format!("{{\"type\":\"emit\",\"n\":{n}"));
        if args.stamp {
            let at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |at| at.as_micros());
            line.push_str(&format!(",\"at\":{at},\"mono\":{}", began.elapsed().as_micros()));
        }
        let closing = ",\"pad\":\"\"}\n".len();
        if line.len() + closing < args.bytes {
            let pad = args.bytes - line.len() - closing;
            line.push_str(&format!(",\"pad\":\"{}\"", "x".repeat(pad)));
        }
        line.push_str("}\n");
        out.write_all(line.as_bytes())?;
        out.flush()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]
    use super::*;

    #[test]
    fn lines_are_json_of_the_size_that_was_asked_for() {
        let mut out = Vec::new();
        emit(&EmitArgs { lines: 3, rate: 0, bytes: 200, stamp: true }, &mut out).unwrap();
        let lines: Vec<&[u8]> = out.split_inclusive(|byte| *byte == b'\n').collect();
        assert_eq!(lines.len(), 3);
        for (n, line) in lines.into_iter().enumerate() {
            assert_eq!(line.len(), 200);
            let line: serde_json::Value = serde_json::from_slice(line).unwrap();
            assert_eq!(line["n"], n);
            assert!(line["at"].as_u64().unwrap() > 1_600_000_000_000_000);
        }
    }
}
