//! The demo agent in a terminal of its own: it shows its task and answers each line, so that a terminal can be tried
//! without a key.

use std::io::{BufRead, Write};
use std::process::ExitCode;

/// The longest line that is answered, in bytes; what is more is taken for the next.
const MAX_LINE: u64 = 4 * 1024;

/// Sit at a terminal: show the task, answer lines, end with "exit"
#[derive(Debug, clap::Args)]
pub(super) struct TerminalArgs {
    /// The task
    #[arg(last = true)]
    words: Vec<String>,
}

/// Answers until "exit" or the end of the input.
pub(super) fn run(
    args: &TerminalArgs,
    mut from: impl BufRead,
    mut to: impl Write,
) -> anyhow::Result<ExitCode> {
    let words = args.words.join(" ");
    let title = words.lines().find(|line| !line.trim().is_empty()).unwrap_or("Nothing to do");
    writeln!(to, "\x1b[1m{}\x1b[0m", title.trim_start_matches('#').trim())?;
    writeln!(to, "This is the demo agent: it answers each line and does nothing. \"exit\" ends it.")?;
    loop {
        write!(to, "demo> ")?;
        to.flush()?;
        let mut line = Vec::new();
        std::io::Read::take(&mut from, MAX_LINE).read_until(b'\n', &mut line)?;
        match String::from_utf8_lossy(&line).trim() {
            _ if line.is_empty() => return Ok(ExitCode::SUCCESS),
            "exit" => return Ok(ExitCode::SUCCESS),
            "" => {}
            said => writeln!(to, "You said: {said}")?,
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn it_shows_its_task_and_answers_until_it_is_told_to_end() {
        let args = TerminalArgs { words: vec!["\n# Your task: 2, \u{1f980}\nmore".to_owned()] };
        let mut said = Vec::new();
        run(&args, &b"hello\nexit\nnever"[..], &mut said).unwrap();
        let said = String::from_utf8(said).unwrap();
        assert!(said.starts_with("\x1b[1mYour task: 2, \u{1f980}\x1b[0m\n"), "{said}");
        assert!(said.ends_with("demo> You said: hello\ndemo> "), "{said}");
    }
}
