//! What a person sees while something takes its time: on a terminal one live line with all steps under
//! way, elsewhere a plain line at the start, every half minute, and at the end of each step.

use std::io::{IsTerminal, Write};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

const REDRAW: Duration = Duration::from_millis(200);
const REMIND: Duration = Duration::from_secs(30);

struct Board {
    terminal: bool,
    steps: Vec<Underway>,
    next: u64,
    drawn: bool,
}

struct Underway {
    id: u64,
    name: String,
    since: Instant,
    told: Instant,
    last: String,
}

static BOARD: LazyLock<Mutex<Board>> = LazyLock::new(|| {
    std::thread::spawn(|| {
        loop {
            std::thread::park_timeout(REDRAW);
            board().tick();
        }
    });
    Mutex::new(Board { terminal: std::io::stderr().is_terminal(), steps: Vec::new(), next: 0, drawn: false })
});

fn board() -> MutexGuard<'static, Board> {
    BOARD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A step under way; it ends with `passed` or `failed`, or as failed when it is dropped.
pub struct Step {
    id: u64,
    ended: bool,
}

impl Step {
    /// Announces a step.
    pub fn begin(name: &str) -> Self {
        let mut board = board();
        let (id, now) = (board.next, Instant::now());
        board.next += 1;
        board.steps.push(Underway { id, name: name.to_owned(), since: now, told: now, last: String::new() });
        if !board.terminal {
            board.write(&format!("      {name} …"));
        }
        Self { id, ended: false }
    }

    /// The last line that the step's program wrote.
    pub fn heard(&self, line: &str) {
        if let Some(step) = board().steps.iter_mut().find(|step| step.id == self.id) {
            step.last = line.trim().chars().filter(|c| !c.is_control()).collect();
        }
    }

    /// Ends the step well.
    pub fn passed(mut self) {
        self.end("   ok");
    }

    /// Ends the step badly.
    pub fn failed(mut self) {
        self.end(" FAIL");
    }

    fn end(&mut self, mark: &str) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let mut board = board();
        if let Some(at) = board.steps.iter().position(|step| step.id == self.id) {
            let step = board.steps.remove(at);
            board.write(&format!("{mark} {} ({})", step.name, spell(step.since.elapsed())));
        }
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        self.end(" FAIL");
    }
}

impl Board {
    fn tick(&mut self) {
        if self.terminal {
            self.draw();
            return;
        }
        let mut lines = Vec::new();
        for step in &mut self.steps {
            if step.told.elapsed() >= REMIND {
                step.told = Instant::now();
                lines.push(format!("      {} … {} {}", step.name, spell(step.since.elapsed()), step.last));
            }
        }
        for line in lines {
            self.write(&line);
        }
    }

    fn draw(&mut self) {
        if self.steps.is_empty() {
            return;
        }
        let shown: Vec<String> = self
            .steps
            .iter()
            .map(|step| format!("{} {} {}", step.name, spell(step.since.elapsed()), step.last))
            .collect();
        let width = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok()).unwrap_or(100_usize);
        let line: String = shown.join(" | ").chars().take(width.saturating_sub(8)).collect();
        self.drawn = true;
        // A terminal that is gone is no reason to stop the work.
        let _ = write!(std::io::stderr(), "\r\x1b[2K  ... {line}");
    }

    fn write(&mut self, line: &str) {
        let clear = if std::mem::take(&mut self.drawn) { "\r\x1b[2K" } else { "" };
        let _ = writeln!(std::io::stderr(), "{clear}{line}");
    }
}

/// Does `work` as a step called `name`.
///
/// # Errors
/// Those of `work`.
pub fn step<T, E>(name: &str, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    let step = Step::begin(name);
    let done = work();
    match done {
        Ok(_) => step.passed(),
        Err(_) => step.failed(),
    }
    done
}

/// One line for the person.
pub fn line(text: &str) {
    board().write(text);
}

/// One line of a result, on stdout.
pub fn result(text: &str) {
    let mut board = board();
    if std::mem::take(&mut board.drawn) {
        let _ = write!(std::io::stderr(), "\r\x1b[2K");
    }
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// An error with its causes, the outermost first.
pub fn error(error: &anyhow::Error) {
    let mut board = board();
    board.write(&format!("error: {error}"));
    for cause in error.chain().skip(1) {
        board.write(&format!("  because: {cause}"));
    }
}

/// A duration as a person says it: `0.4 s`, `12 s`, `3 min 05 s`.
pub fn spell(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", time.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        _ => format!("{} min {:02} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::spell;
    use std::time::Duration;

    #[test]
    fn durations_read_well() {
        let spelled: Vec<String> = [400, 12_000, 185_000].map(Duration::from_millis).map(spell).into();
        assert_eq!(spelled, ["0.4 s", "12 s", "3 min 05 s"]);
    }
}
