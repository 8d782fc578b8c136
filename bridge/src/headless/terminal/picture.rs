//! What stands on a task's terminal, kept beside what the person was shown of it, so that each time only the difference is
//! drawn. Below it stands a line of ours.

use std::io::{self, Write};

use shared::api::Screen;
use shared::run::Window;
use unicode_width::UnicodeWidthChar;

use crate::relay::screen::drawn;

pub(super) struct Picture {
    terminal: vt100::Parser,
    shown: vt100::Screen,
}

impl Picture {
    pub(super) fn of(screen: &Screen) -> Self {
        let Window { rows, cols } = screen.window.bounded();
        let empty = || vt100::Parser::new(rows, cols, 0);
        let mut terminal = empty();
        drawn(&mut terminal, screen.contents.as_bytes(), 0);
        Self { terminal, shown: empty().screen().clone() }
    }

    /// What its program wrote.
    pub(super) fn hear(&mut self, bytes: &[u8]) {
        drawn(&mut self.terminal, bytes, 0);
    }

    /// Whether that is another size than it had.
    pub(super) fn resize(&mut self, Window { rows, cols }: Window) -> bool {
        let other = self.terminal.screen().size() != (rows, cols);
        if other {
            self.terminal.screen_mut().set_size(rows, cols);
        }
        other
    }

    /// Draws what is not shown yet; all of it and the line below where it is `anew`.
    pub(super) fn show(&mut self, words: &str, anew: bool) -> io::Result<()> {
        let screen = self.terminal.screen();
        let mut out = io::stdout().lock();
        if anew {
            let (rows, cols) = screen.size();
            out.write_all(b"\x1b[0m\x1b[2J")?;
            out.write_all(&screen.state_formatted())?;
            // The cursor goes back to where the program has it.
            write!(out, "\x1b7\x1b[{};1H\x1b[0;7m{}\x1b[0m\x1b8", rows + 1, fitted(words, cols))?;
        } else {
            out.write_all(&screen.state_diff(&self.shown))?;
        }
        out.flush()?;
        self.shown = screen.clone();
        Ok(())
    }
}

/// The person's terminal as it was before: its own screen, no modes that a program set.
pub(super) fn leave(out: &mut impl Write) -> io::Result<()> {
    out.write_all(
        b"\x1b[0m\x1b[?1l\x1b>\x1b[?9l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1005l\x1b[?1006l\x1b[?2004l\x1b[?25h\x1b[?1049l",
    )?;
    out.flush()
}

/// As wide as the line.
fn fitted(words: &str, cols: u16) -> String {
    let mut room = usize::from(cols);
    let fits = |letter: &char| match room.checked_sub(letter.width().unwrap_or(0)) {
        Some(left) => {
            room = left;
            true
        }
        None => false,
    };
    let mut text: String = words.chars().take_while(fits).collect();
    text.extend(std::iter::repeat_n(' ', room));
    text
}
