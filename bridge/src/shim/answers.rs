//! What a program asks its terminal, and the answers: whoever looks at it only sees a picture, so somebody has to say where the
//! cursor is. One answers, however many look, also when nobody does.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

use shared::run::Window;

/// Bytes of answers to one piece of output; a program that asks more gets no more.
const MOST: usize = 256;

/// A picture of the terminal, kept for the questions.
pub(super) struct Picture(vt100::Parser<Answers>);

#[derive(Default)]
struct Answers(Vec<u8>);

impl Picture {
    pub(super) fn new(window: Window) -> Self {
        let Window { rows, cols } = window.bounded();
        Self(vt100::Parser::new_with_callbacks(rows, cols, 0, Answers::default()))
    }

    pub(super) fn resize(&mut self, window: Window) {
        let Window { rows, cols } = window.bounded();
        self.0.screen_mut().set_size(rows, cols);
    }

    /// Takes what a program wrote; gives what is to be typed in answer.
    pub(super) fn hear(&mut self, bytes: &[u8]) -> Vec<u8> {
        // What the library cannot draw must not end what the program lives by.
        if catch_unwind(AssertUnwindSafe(|| self.0.process(bytes))).is_err() {
            let (rows, cols) = self.0.screen().size();
            *self = Self::new(Window { rows, cols });
        }
        std::mem::take(&mut self.0.callbacks_mut().0)
    }
}

impl vt100::Callbacks for Answers {
    fn unhandled_csi(
        &mut self,
        screen: &mut vt100::Screen,
        first: Option<u8>,
        _: Option<u8>,
        params: &[&[u16]],
        last: char,
    ) {
        let asked = params.first().and_then(|param| param.first()).copied().unwrap_or(0);
        if self.0.len() >= MOST || first.is_some() {
            return;
        }
        // Writing to memory does not fail.
        let _ = match (last, asked) {
            // DSR: is it well, and where is the cursor?
            ('n', 5) => write!(self.0, "\x1b[0n"),
            ('n', 6) => {
                let (row, col) = screen.cursor_position();
                write!(self.0, "\x1b[{};{}R", row + 1, col + 1)
            }
            // DA: which terminal is it? One with nothing special.
            ('c', 0) => write!(self.0, "\x1b[?6c"),
            _ => Ok(()),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(picture: &mut Picture, bytes: &[u8]) -> String {
        String::from_utf8_lossy(&picture.hear(bytes)).into_owned()
    }

    #[test]
    fn a_program_learns_where_its_cursor_is_and_nothing_of_the_person() {
        let mut picture = Picture::new(Window { rows: 24, cols: 80 });
        assert_eq!(says(&mut picture, b"one\r\ntwo\x1b[6n"), "\x1b[2;4R");
        assert_eq!(says(&mut picture, b"\x1b[5n\x1b[c"), "\x1b[0n\x1b[?6c");
        assert_eq!(says(&mut picture, b"\x1b]52;c;?\x07\x1b[21t\x1b[?6n\x1bP$qm\x1b\\"), "");
        picture.resize(Window { rows: 2, cols: 10 });
        assert_eq!(says(&mut picture, b"\x1b[99;99H\x1b[6n"), "\x1b[2;10R");
        assert!(says(&mut picture, &b"\x1b[6n".repeat(10_000)).len() <= MOST + 8);
    }
}
