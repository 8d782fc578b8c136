//! From chunks of a pipe to pieces of output: whole lines with their newline, and pieces of what is too
//! long to wait for.

use shared::run::Stream;

use crate::clock;
use crate::store::Piece;

/// A line longer than this is stored in pieces, so that one line cannot fill the memory.
pub(super) const LONGEST: usize = 1024 * 1024;

#[derive(Debug)]
pub(super) struct Splitter {
    stream: Stream,
    rest: Vec<u8>,
}

impl Splitter {
    pub(super) fn new(stream: Stream) -> Self {
        Self { stream, rest: Vec::new() }
    }

    pub(super) fn push(&mut self, chunk: &[u8]) -> Vec<Piece> {
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
        pieces
    }

    /// The last line, which nothing ended.
    pub(super) fn finish(&mut self) -> Option<Piece> {
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
            let mut splitter = Splitter::new(Stream::Stdout);
            let mut pieces = splitter.push(&text[..cut]);
            pieces.extend(splitter.push(&text[cut..]));
            pieces.extend(splitter.finish());
            let lines: Vec<&[u8]> = pieces.iter().map(|piece| piece.bytes.as_slice()).collect();
            assert_eq!(lines, [&b"one\n"[..], b"\n", b"two\xff\n", b"rest"], "cut at {cut}");
        }
    }

    #[test]
    fn a_line_without_end_does_not_grow_forever() {
        let mut splitter = Splitter::new(Stream::Stdout);
        let chunk = vec![b'x'; 64 * 1024];
        let pieces: Vec<Piece> = (0..50 * 16).flat_map(|_| splitter.push(&chunk)).collect();
        assert_eq!(pieces.len(), 50);
        assert!(pieces.iter().all(|piece| piece.bytes.len() == LONGEST));
    }

    #[test]
    fn a_piece_is_never_longer_than_the_longest() {
        let mut splitter = Splitter::new(Stream::Stdout);
        let mut line = vec![b'x'; LONGEST + 10];
        line.push(b'\n');
        let mut pieces: Vec<Piece> = line.chunks(65_537).flat_map(|chunk| splitter.push(chunk)).collect();
        pieces.extend(splitter.finish());
        assert_eq!(pieces.iter().map(|piece| piece.bytes.len()).collect::<Vec<_>>(), [LONGEST, 11]);
    }
}
