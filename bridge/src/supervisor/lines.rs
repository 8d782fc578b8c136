//! From chunks of a pipe to pieces of output: whole lines with their newline, and pieces of what is too
//! long to wait for.

use shared::run::Stream;

use crate::clock;
use crate::store::Piece;

/// A line longer than this is stored in pieces, so that one line cannot fill the memory.
pub const LONGEST: usize = 1024 * 1024;

/// When a line that has not ended is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// When its end is there, or it is too long.
    AtNewlines,
    /// At once, as what stands on a terminal: a prompt waits for an answer and has no newline.
    Anywhere,
}

/// Cuts one stream of a run.
#[derive(Debug)]
pub struct Splitter {
    stream: Stream,
    cut: Cut,
    rest: Vec<u8>,
}

impl Splitter {
    pub fn new(stream: Stream, cut: Cut) -> Self {
        Self { stream, cut, rest: Vec::new() }
    }

    /// Takes what comes next; gives the pieces that it completes, in order.
    pub fn push(&mut self, chunk: &[u8]) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for mut part in chunk.split_inclusive(|&byte| byte == b'\n') {
            while let Some((fits, more)) = part.split_at_checked(LONGEST - self.rest.len())
                && !more.is_empty()
            {
                self.rest.extend_from_slice(fits);
                pieces.extend(self.finish());
                part = more;
            }
            self.rest.extend_from_slice(part);
            if part.ends_with(b"\n") || self.rest.len() == LONGEST {
                pieces.extend(self.finish());
            }
        }
        if self.cut == Cut::Anywhere {
            pieces.extend(self.finish());
        }
        pieces
    }

    /// The last line, which nothing ended.
    pub fn finish(&mut self) -> Option<Piece> {
        let bytes = std::mem::take(&mut self.rest);
        (!bytes.is_empty()).then(|| Piece { stream: self.stream, at: clock::now(), bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_anywhere_give_the_same_bytes() {
        let text = b"one\n\ntwo\xff\nrest";
        for cut in 0..text.len() {
            let mut splitter = Splitter::new(Stream::Stdout, Cut::AtNewlines);
            let mut pieces = splitter.push(&text[..cut]);
            pieces.extend(splitter.push(&text[cut..]));
            pieces.extend(splitter.finish());
            let lines: Vec<&[u8]> = pieces.iter().map(|piece| piece.bytes.as_slice()).collect();
            assert_eq!(lines, [&b"one\n"[..], b"\n", b"two\xff\n", b"rest"], "cut at {cut}");
        }
    }

    #[test]
    fn what_stands_on_a_terminal_is_not_waited_for() {
        let mut splitter = Splitter::new(Stream::Stdout, Cut::Anywhere);
        let pieces = splitter.push(b"total 0\r\n$ ");
        let lines: Vec<&[u8]> = pieces.iter().map(|piece| piece.bytes.as_slice()).collect();
        assert_eq!(lines, [&b"total 0\r\n"[..], b"$ "]);
        assert!(splitter.finish().is_none());
    }

    #[test]
    fn a_line_without_end_does_not_grow_forever() {
        let mut splitter = Splitter::new(Stream::Stdout, Cut::AtNewlines);
        let chunk = vec![b'x'; 64 * 1024];
        let pieces: Vec<Piece> = (0..50 * 16).flat_map(|_| splitter.push(&chunk)).collect();
        assert_eq!(pieces.len(), 50);
        assert!(pieces.iter().all(|piece| piece.bytes.len() == LONGEST));
    }

    #[test]
    fn a_piece_is_never_longer_than_the_longest() {
        let mut splitter = Splitter::new(Stream::Stdout, Cut::AtNewlines);
        let mut line = vec![b'x'; LONGEST + 10];
        line.push(b'\n');
        let mut pieces: Vec<Piece> = line.chunks(65_537).flat_map(|chunk| splitter.push(chunk)).collect();
        pieces.extend(splitter.finish());
        assert_eq!(pieces.iter().map(|piece| piece.bytes.len()).collect::<Vec<_>>(), [LONGEST, 11]);
    }
}
