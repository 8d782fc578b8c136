//! From chunks of what a program writes to pieces of output: whole lines with their newline, and pieces of what is too
//! long to wait for. Secrets in them are hidden, also where a piece ends in the midst of one.

use std::sync::Arc;

use shared::run::Stream;

use super::secrets::{SHORTEST, Secrets};
use crate::clock;
use crate::store::Piece;

/// A line longer than this is stored in pieces, so that one line cannot fill the memory.
pub const LONGEST: usize = 1024 * 1024;

/// When a line that has not ended is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// When its end is there, or it is too long.
    AtNewlines,
    /// At once, as what stands on a terminal: a prompt waits for an answer and has no newline. What may be the
    /// beginning of a secret waits for what follows, or until it is [let go](Splitter::let_go).
    Anywhere,
}

/// Cuts one stream of a run. No secret has a newline, so none goes on in the next line.
#[derive(Debug)]
pub struct Splitter {
    stream: Stream,
    cut: Cut,
    secrets: Arc<Secrets>,
    /// What of the line was given before `rest`, as it was written and as far as a secret can reach.
    before: Vec<u8>,
    /// As it was written.
    rest: Vec<u8>,
}

impl Splitter {
    /// For what a program writes behind `before`, which was given in pieces already; its end is enough, as far as a
    /// secret can [reach](Secrets::reach).
    pub fn new(stream: Stream, cut: Cut, secrets: Arc<Secrets>, before: &[u8]) -> Self {
        let mut splitter = Self { stream, cut, secrets, before: Vec::new(), rest: Vec::new() };
        splitter.pass(before);
        splitter
    }

    /// Takes what comes next; gives the pieces that it completes, in order.
    pub fn push(&mut self, chunk: &[u8]) -> Vec<Piece> {
        let mut pieces = Vec::new();
        // A piece is cut off once all that a secret at its end could reach is there, so that it is cut at the same
        // places whichever secrets there are, and however the chunks come.
        let most = LONGEST + self.secrets.reach();
        for mut part in chunk.split_inclusive(|&byte| byte == b'\n') {
            while let Some((fits, more)) = part.split_at_checked(most - self.rest.len())
                && !more.is_empty()
            {
                self.rest.extend_from_slice(fits);
                pieces.extend(self.give(LONGEST));
                part = more;
            }
            self.rest.extend_from_slice(part);
            if part.ends_with(b"\n") {
                pieces.extend(self.give_all());
            } else if self.rest.len() == most {
                pieces.extend(self.give(LONGEST));
            }
        }
        if self.cut == Cut::Anywhere {
            pieces.extend(self.give(self.rest.len() - self.held()));
        }
        pieces
    }

    /// Whether a piece of a terminal's output waits to be a secret or none.
    pub fn holds(&self) -> bool {
        self.cut == Cut::Anywhere && !self.rest.is_empty()
    }

    /// Gives what nothing ended: the last line, or what waited and nothing followed. What is still the beginning of a
    /// secret, and long enough to be one, is hidden.
    pub fn let_go(&mut self) -> Vec<Piece> {
        let mut begun = if self.begun() < SHORTEST { 0 } else { self.held() };
        let mut pieces = self.give_all();
        for Piece { bytes, .. } in pieces.iter_mut().rev() {
            let open = bytes.len().saturating_sub(begun);
            begun -= bytes.len() - open;
            bytes[open..].fill(b'*');
        }
        pieces
    }

    /// How many bytes at the end may belong to a secret of which more is to come.
    fn begun(&self) -> usize {
        if self.before.is_empty() {
            return self.secrets.begun_in(&self.rest);
        }
        self.secrets.begun_in(&[self.before.as_slice(), &self.rest].concat())
    }

    /// How many of those were not given yet.
    fn held(&self) -> usize {
        self.begun().min(self.rest.len())
    }

    fn give_all(&mut self) -> Vec<Piece> {
        let longest = self.rest.len().saturating_sub(1) / LONGEST;
        (0..=longest).filter_map(|_| self.give(self.rest.len().min(LONGEST))).collect()
    }

    /// So many bytes as a piece; nothing for none.
    fn give(&mut self, count: usize) -> Option<Piece> {
        if count == 0 {
            return None;
        }
        let behind = self.rest.split_off(count);
        let mut bytes = std::mem::replace(&mut self.rest, behind);
        let before = std::mem::take(&mut self.before);
        // Most lines are whole, and are not copied.
        if bytes.ends_with(b"\n") {
            self.secrets.hide(&before, &mut bytes, b"");
        } else {
            let mut hidden = bytes.clone();
            self.secrets.hide(&before, &mut hidden, &self.rest);
            self.before = before;
            self.pass(&bytes);
            bytes = hidden;
        }
        Some(Piece { stream: self.stream, at: clock::now(), bytes })
    }

    /// Keeps the end of what was given of this line.
    fn pass(&mut self, given: &[u8]) {
        let line = given.iter().rposition(|&byte| byte == b'\n').map_or(given, |newline| {
            self.before.clear();
            &given[newline + 1..]
        });
        let reach = self.secrets.reach();
        self.before.extend_from_slice(&line[line.len().saturating_sub(reach)..]);
        self.before.drain(..self.before.len().saturating_sub(reach));
    }
}

#[cfg(test)]
mod tests {
    use super::super::secrets::TELLS;
    use super::*;

    fn plain(cut: Cut) -> Splitter {
        Splitter::new(Stream::Stdout, cut, Arc::default(), b"")
    }

    fn knowing(cut: Cut, values: &[&[u8]], before: &[u8]) -> Splitter {
        let secrets = Secrets::of(values.iter().map(|value| value.to_vec()));
        Splitter::new(Stream::Stdout, cut, Arc::new(secrets), before)
    }

    fn bytes(pieces: Vec<Piece>) -> Vec<u8> {
        pieces.into_iter().flat_map(|piece| piece.bytes).collect()
    }

    #[test]
    fn cuts_anywhere_give_the_same_bytes() {
        let text = b"one\n\ntwo\xff\nrest";
        for cut in 0..text.len() {
            let mut splitter = plain(Cut::AtNewlines);
            let mut pieces = splitter.push(&text[..cut]);
            pieces.extend(splitter.push(&text[cut..]));
            pieces.extend(splitter.let_go());
            let lines: Vec<&[u8]> = pieces.iter().map(|piece| piece.bytes.as_slice()).collect();
            assert_eq!(lines, [&b"one\n"[..], b"\n", b"two\xff\n", b"rest"], "cut at {cut}");
        }
    }

    #[test]
    fn what_stands_on_a_terminal_is_not_waited_for() {
        let mut splitter = plain(Cut::Anywhere);
        let pieces = splitter.push(b"total 0\r\n$ ");
        let lines: Vec<&[u8]> = pieces.iter().map(|piece| piece.bytes.as_slice()).collect();
        assert_eq!(lines, [&b"total 0\r\n"[..], b"$ "]);
        assert!(!splitter.holds() && splitter.let_go().is_empty());
    }

    #[test]
    fn a_line_without_end_does_not_grow_forever() {
        let mut splitter = plain(Cut::AtNewlines);
        let chunk = vec![b'x'; 64 * 1024];
        let pieces: Vec<Piece> = (0..50 * 16).flat_map(|_| splitter.push(&chunk)).collect();
        assert_eq!(pieces.len(), 50);
        assert!(pieces.iter().all(|piece| piece.bytes.len() == LONGEST));
    }

    #[test]
    fn a_piece_is_never_longer_than_the_longest() {
        let mut line = vec![b'x'; LONGEST + 10];
        line.push(b'\n');
        for values in [&[][..], &[b"a secret".as_slice()]] {
            let mut splitter = knowing(Cut::AtNewlines, values, b"");
            let mut pieces: Vec<Piece> = line.chunks(65_537).flat_map(|chunk| splitter.push(chunk)).collect();
            pieces.extend(splitter.let_go());
            assert_eq!(pieces.iter().map(|piece| piece.bytes.len()).collect::<Vec<_>>(), [LONGEST, 11]);
        }
    }

    #[test]
    fn a_secret_is_hidden_wherever_the_border_of_two_pieces_of_a_line_stands_in_it() {
        let secret = b"sk-0123456789";
        for inside in 0..=secret.len() {
            let mut line = vec![b'x'; LONGEST - inside];
            line.extend_from_slice(secret);
            let mut hidden = line.clone();
            hidden[LONGEST - inside..].fill(b'*');
            for ending in [&b""[..], b"\n", b" and more\n"] {
                let (line, hidden) = ([&line, ending].concat(), [&hidden, ending].concat());
                let mut splitter = knowing(Cut::AtNewlines, &[secret], b"");
                let mut pieces: Vec<Piece> =
                    line.chunks(64 * 1024).flat_map(|chunk| splitter.push(chunk)).collect();
                pieces.extend(splitter.let_go());
                assert!(pieces[0].bytes.len() <= LONGEST);
                assert!(bytes(pieces) == hidden, "{inside} bytes before the border");
                // The next bridge begins behind the first piece.
                let (first, rest) = line.split_at(LONGEST.min(line.len()));
                let mut splitter = knowing(Cut::AtNewlines, &[secret], first);
                let mut pieces = splitter.push(rest);
                pieces.extend(splitter.let_go());
                assert_eq!(bytes(pieces), hidden[first.len()..]);
            }
        }
    }

    #[test]
    fn a_secret_that_comes_to_a_terminal_in_two_goes_waits_and_is_hidden() {
        let secret = b"sk-0123456789";
        for first in TELLS..secret.len() {
            let mut splitter = knowing(Cut::Anywhere, &[secret], b"");
            assert_eq!(bytes(splitter.push(&[b"key: ", &secret[..first]].concat())), b"key: ");
            assert!(splitter.holds());
            assert_eq!(bytes(splitter.push(&[&secret[first..], b"\r\n$ "].concat())), b"*************\r\n$ ");
            assert!(!splitter.holds());
        }
        // Too little to tell is given at once; what follows is hidden all the same.
        let mut splitter = knowing(Cut::Anywhere, &[secret], b"");
        let typed: Vec<u8> = secret.iter().flat_map(|&key| bytes(splitter.push(&[key]))).collect();
        assert_eq!(typed, b"sk-**********");
        // Nothing follows: a word is given as it is, and what is long enough to be a secret is not.
        assert_eq!(bytes(splitter.push(b" sk-0")), b" ");
        assert_eq!(bytes(splitter.let_go()), b"sk-0");
        assert_eq!(bytes(splitter.push(b"12345")), b"");
        assert_eq!(bytes(splitter.let_go()), b"*****");
        assert_eq!(bytes(splitter.push(b"6789!")), b"****!");
    }

    proptest::proptest! {
        /// However the chunks come, what is stored is what was written with stars in place of every secret; on a
        /// terminal but for the first letters of one.
        #[test]
        fn what_is_given_is_what_was_written_without_its_secrets(
            text in "[ab\n]{0,200}",
            secrets in proptest::collection::vec("[ab]{8,12}", 0..3),
            sizes in proptest::collection::vec(1_usize..40, 1..20),
        ) {
            let values: Vec<&[u8]> = secrets.iter().map(String::as_bytes).collect();
            let mut hidden = text.clone().into_bytes();
            Secrets::of(values.iter().map(|value| value.to_vec())).hide(b"", &mut hidden, b"");
            let mut rest = text.as_bytes();
            let (mut lines, mut terminal) = (knowing(Cut::AtNewlines, &values, b""), knowing(Cut::Anywhere, &values, b""));
            let (mut cut, mut shown) = (Vec::new(), Vec::new());
            for size in sizes.into_iter().cycle() {
                let (chunk, more) = rest.split_at(size.min(rest.len()));
                cut.extend(bytes(lines.push(chunk)));
                shown.extend(bytes(terminal.push(chunk)));
                rest = more;
                if rest.is_empty() {
                    break;
                }
            }
            // The end of all is the beginning of a secret now and then, and hidden too.
            let (cut_at, shown_at) = (cut.len(), shown.len());
            proptest::prop_assert_eq!(&cut[..], &hidden[..cut_at]);
            cut.extend(bytes(lines.let_go()));
            shown.extend(bytes(terminal.let_go()));
            proptest::prop_assert_eq!((cut.len(), shown.len()), (text.len(), text.len()));
            let mut clear = 0;
            for at in 0..shown_at {
                // A letter that should be a star and is none.
                clear = if hidden[at] == b'*' && shown[at] != b'*' { clear + 1 } else { 0 };
                proptest::prop_assert!(clear < TELLS, "{:?}", String::from_utf8_lossy(&shown));
                proptest::prop_assert!(shown[at] == b'*' || shown[at] == text.as_bytes()[at]);
                proptest::prop_assert!(hidden[at] == b'*' || shown[at] != b'*');
            }
        }
    }
}
