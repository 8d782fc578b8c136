//! What was scrolled away from a terminal. The library keeps the last rows of it and tells nobody how many it has added; but a
//! view that is scrolled up stays where it is while more is added, and where that view stands can be asked.

/// Rows that are kept of a terminal that is looked at.
pub(super) const KEPT: usize = 1_000;

/// How much of what was scrolled away is known already.
#[derive(Debug, Default)]
pub(super) struct Scrolled {
    /// Rows that were kept at the last look.
    kept: usize,
}

impl Scrolled {
    /// Before more is drawn.
    pub(super) fn mark(terminal: &mut vt100::Parser) {
        terminal.screen_mut().set_scrollback(1);
    }

    /// What was scrolled away since the mark, the oldest first, each row as `row` makes it of the view; at most [`KEPT`]. A
    /// program that has the whole screen scrolls nothing away.
    pub(super) fn take<T>(
        &mut self,
        terminal: &mut vt100::Parser,
        row: impl Fn(&vt100::Screen, u16) -> T,
    ) -> Vec<T> {
        let screen = terminal.screen_mut();
        if screen.alternate_screen() {
            return Vec::new();
        }
        let moved = screen.scrollback().saturating_sub(1);
        let kept = all(screen);
        let more = if kept < KEPT {
            // A terminal that was reset begins anew.
            kept.checked_sub(self.kept).unwrap_or(kept)
        } else {
            moved.max(kept - self.kept.min(kept))
        };
        self.kept = kept;
        rows(screen, more, row)
    }
}

/// The last `count` rows that were scrolled away, the oldest first. The view stands at the end afterwards.
pub(super) fn rows<T>(
    screen: &mut vt100::Screen,
    count: usize,
    row: impl Fn(&vt100::Screen, u16) -> T,
) -> Vec<T> {
    let height = screen.size().0;
    let mut rows = Vec::with_capacity(count);
    while rows.len() < count {
        let left = count - rows.len();
        screen.set_scrollback(left);
        let shown = u16::try_from(left).unwrap_or(height).min(height);
        rows.extend((0..shown).map(|number| row(screen, number)));
    }
    screen.set_scrollback(0);
    rows
}

/// How many rows that were scrolled away are kept.
pub(super) fn all(screen: &mut vt100::Screen) -> usize {
    screen.set_scrollback(usize::MAX);
    screen.scrollback()
}

#[cfg(test)]
mod tests {
    use super::super::screen::row_text;
    use super::*;

    fn lines(range: std::ops::Range<usize>) -> Vec<String> {
        range.map(|number| format!("line {number}")).collect()
    }

    /// Draws these lines and gives what that scrolled away.
    fn draws(terminal: &mut vt100::Parser, scrolled: &mut Scrolled, lines: &[String]) -> Vec<String> {
        Scrolled::mark(terminal);
        lines.iter().for_each(|line| terminal.process(format!("\r\n{line}").as_bytes()));
        scrolled.take(terminal, row_text)
    }

    #[test]
    fn each_row_that_is_scrolled_away_is_taken_once() {
        let (mut terminal, mut scrolled) = (vt100::Parser::new(4, 20, KEPT), Scrolled::default());
        terminal.process(b"line 0");
        assert_eq!(draws(&mut terminal, &mut scrolled, &lines(1..4)), lines(0..0));
        assert_eq!(draws(&mut terminal, &mut scrolled, &lines(4..6)), lines(0..2));
        // More than are kept, and more once they are full.
        assert_eq!(draws(&mut terminal, &mut scrolled, &lines(6..1_000)), lines(2..996));
        assert_eq!(draws(&mut terminal, &mut scrolled, &lines(1_000..1_030)), lines(996..1_026));
        assert_eq!(draws(&mut terminal, &mut scrolled, &lines(1_030..1_033)), lines(1_026..1_029));
        assert_eq!(draws(&mut terminal, &mut scrolled, &[]), lines(0..0));
        assert_eq!(terminal.screen().contents(), lines(1_029..1_033).join("\n"));
    }

    #[test]
    fn a_program_that_has_the_whole_screen_scrolls_nothing_away_and_what_was_before_it_is_not_lost() {
        let (mut terminal, mut scrolled) = (vt100::Parser::new(3, 20, KEPT), Scrolled::default());
        terminal.process(b"line 0");
        Scrolled::mark(&mut terminal);
        terminal.process(b"\r\nline 1\r\nline 2\r\nline 3\x1b[?1049h\x1b[H");
        (0..9).for_each(|_| terminal.process(b"\r\nelsewhere"));
        assert_eq!(scrolled.take(&mut terminal, row_text), lines(0..0));
        Scrolled::mark(&mut terminal);
        terminal.process(b"\x1b[?1049l\r\nline 4");
        assert_eq!(scrolled.take(&mut terminal, row_text), lines(0..2));
        // A reset forgets what was kept.
        Scrolled::mark(&mut terminal);
        terminal.process(b"\x1bcline 5\r\nline 6\r\nline 7\r\nline 8");
        assert_eq!(scrolled.take(&mut terminal, row_text), lines(5..6));
    }
}
