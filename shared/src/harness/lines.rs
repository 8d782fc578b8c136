//! Puts lines together from pieces that are cut anywhere, with bounded memory. Knows nothing of their meaning.

/// The longest line that is read, in bytes. Of a longer one the first [`RAW_KEPT`] bytes become
/// [`crate::agent::AgentEvent::Unknown`] and the rest is passed over; the store has it whole.
pub const MAX_LINE: usize = 16 * 1024 * 1024;

/// How much of a line that is not understood is kept, in bytes.
pub const RAW_KEPT: usize = 64 * 1024;

/// Capacity that a buffer may keep between two lines.
const KEPT_CAPACITY: usize = 256 * 1024;

/// One line without its end (LF or CRLF).
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    pub bytes: &'a [u8],
    /// It was longer than the limit; `bytes` is its start.
    pub cut: bool,
}

impl Line<'_> {
    /// The line as text, at most [`RAW_KEPT`] bytes of it; bytes that are not UTF-8 become U+FFFD.
    pub fn raw(&self) -> String {
        let mut raw = String::from_utf8_lossy(&self.bytes[..self.bytes.len().min(RAW_KEPT)]).into_owned();
        let kept = raw.floor_char_boundary(RAW_KEPT);
        raw.truncate(kept);
        raw
    }

    pub fn is_blank(&self) -> bool {
        self.bytes.iter().all(u8::is_ascii_whitespace)
    }
}

#[derive(Debug, Clone)]
pub(super) struct Lines {
    limit: usize,
    /// The start of a line whose end has not come. Bounded by `limit`.
    buffer: Vec<u8>,
    /// The line passed the limit: `buffer` holds its start and the rest is passed over.
    cut: bool,
}

impl Lines {
    pub const fn new(limit: usize) -> Self {
        Self { limit, buffer: Vec::new(), cut: false }
    }

    /// Takes more bytes and hands on each line that they complete.
    pub fn push(&mut self, mut bytes: &[u8], mut each: impl FnMut(Line<'_>)) {
        while let Some(at) = bytes.iter().position(|byte| *byte == b'\n') {
            let (head, tail) = bytes.split_at(at);
            bytes = &tail[1..];
            if self.buffer.is_empty() && !self.cut && head.len() <= self.limit {
                each(Line { bytes: head.strip_suffix(b"\r").unwrap_or(head), cut: false });
            } else {
                self.keep(head);
                self.hand_on(&mut each);
            }
        }
        self.keep(bytes);
    }

    /// Hands on a last line that has no end.
    pub fn finish(&mut self, mut each: impl FnMut(Line<'_>)) {
        if !self.buffer.is_empty() || self.cut {
            self.hand_on(&mut each);
        }
    }

    fn keep(&mut self, piece: &[u8]) {
        if self.cut {
            return;
        }
        if self.buffer.len() + piece.len() > self.limit {
            let room = RAW_KEPT.saturating_sub(self.buffer.len()).min(piece.len());
            self.buffer.extend_from_slice(&piece[..room]);
            self.buffer.truncate(RAW_KEPT);
            self.buffer.shrink_to(KEPT_CAPACITY);
            self.cut = true;
        } else {
            self.buffer.extend_from_slice(piece);
        }
    }

    fn hand_on(&mut self, each: &mut impl FnMut(Line<'_>)) {
        let bytes = self.buffer.strip_suffix(b"\r").unwrap_or(&self.buffer);
        each(Line { bytes, cut: self.cut });
        self.buffer.clear();
        self.buffer.shrink_to(KEPT_CAPACITY);
        self.cut = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(limit: usize, pieces: &[&[u8]]) -> Vec<(Vec<u8>, bool)> {
        let mut lines = Lines::new(limit);
        let mut read = Vec::new();
        for piece in pieces {
            lines.push(piece, |line| read.push((line.bytes.to_vec(), line.cut)));
        }
        lines.finish(|line| read.push((line.bytes.to_vec(), line.cut)));
        read
    }

    #[test]
    fn a_line_may_come_in_any_pieces() {
        let whole: &[u8] = b"one\r\n\ntwo\nlast";
        let expected = read(100, &[whole]);
        assert_eq!(expected.len(), 4);
        assert_eq!(expected[0].0, b"one");
        for at in 0..whole.len() {
            let (head, tail) = whole.split_at(at);
            assert_eq!(read(100, &[head, tail]), expected, "cut at {at}");
        }
    }

    #[test]
    fn a_line_over_the_limit_is_cut_and_the_next_one_is_whole() {
        let mut bytes = vec![b'x'; 2 * RAW_KEPT];
        bytes.extend_from_slice(b"\nnext\n");
        let limit = RAW_KEPT + 10;
        for size in [1000, RAW_KEPT + 7, bytes.len()] {
            let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
            let read = read(limit, &pieces);
            assert_eq!(read.len(), 2, "pieces of {size}");
            assert_eq!((read[0].0.len(), read[0].1), (RAW_KEPT, true));
            assert_eq!(read[1], (b"next".to_vec(), false));
        }
    }

    #[test]
    fn memory_stays_bounded_however_long_a_line_is() {
        let mut lines = Lines::new(MAX_LINE);
        for _ in 0..50 {
            lines.push(&vec![b'x'; 1 << 20], |_| panic!("no line ended"));
            assert!(lines.buffer.capacity() <= 2 * MAX_LINE);
        }
        assert!(lines.buffer.capacity() <= KEPT_CAPACITY);
    }
}
