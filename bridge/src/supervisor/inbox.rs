//! A run's inbox: what it is told while it lives, as a file of its folder that only grows, each order of the log
//! one record. The bridge writes an order there once, since the file says which it has; the shim, which lives as
//! long as the program, hands each whole record on once. So none is lost or doubled, whenever a bridge is killed.
//!
//! A record is a line, `SEQ text LENGTH`, `SEQ turn LENGTH`, `SEQ size ROWS COLS` or `SEQ end`, and behind the first two so many bytes.
//! The number of what stands there before any order is 0.

use std::fs::File;
use std::io;
use std::path::Path;

use shared::run::Window;
use shared::unit::Seq;

use crate::system;

/// More than any record's first line has.
const HEAD: usize = 64;

/// One thing that a run is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    /// It stands in the file, so many bytes from here on.
    Text {
        at: u64,
        length: u64,
    },
    /// Likewise, but it waits until its agent has named the session that it is for.
    Turn {
        at: u64,
        length: u64,
    },
    Size(Window),
    /// There is no more to come.
    End,
}

struct Record {
    seq: Seq,
    word: Word,
    /// Where the next one begins.
    end: u64,
}

/// The record that begins there; nothing when it is not there, or not whole.
fn record(file: &File, at: u64) -> io::Result<Option<Record>> {
    let mut head = [0; HEAD];
    let read = system::read_at(file, &mut head, at)?;
    let Some(length) = head[..read].iter().position(|&byte| byte == b'\n') else { return Ok(None) };
    let behind = at + length as u64 + 1;
    let found = std::str::from_utf8(&head[..length]).ok().and_then(|head| parse(head, behind));
    let size = file.metadata()?.len();
    Ok(found.filter(|record| record.end <= size))
}

fn parse(head: &str, behind: u64) -> Option<Record> {
    let words: Vec<&str> = head.split(' ').collect();
    let (seq, word, end) = match words[..] {
        [seq, what @ ("text" | "turn"), length] => {
            let (at, length) = (behind, length.parse().ok()?);
            let word = if what == "text" { Word::Text { at, length } } else { Word::Turn { at, length } };
            (seq, word, behind.checked_add(length)?)
        }
        [seq, "size", rows, cols] => {
            let window = Window { rows: rows.parse().ok()?, cols: cols.parse().ok()? };
            (seq, Word::Size(window), behind)
        }
        [seq, "end"] => (seq, Word::End, behind),
        _ => return None,
    };
    Some(Record { seq: Seq(seq.parse().ok()?), word, end })
}

/// A text as a record.
fn said(seq: Seq, text: &str) -> String {
    format!("{seq} text {}\n{text}", text.len())
}

/// What an inbox begins with where its program has a text to read before any order.
pub(super) fn beginning(text: &str) -> String {
    said(Seq(0), text)
}

/// Likewise, with a turn that waits for its session's name.
pub(super) fn dialog(text: &str, turn: &str) -> String {
    format!("{}{} turn {}\n{turn}", beginning(text), Seq(0), turn.len())
}

/// The bridge's side.
pub(super) struct Inbox {
    file: File,
    end: u64,
    last: Seq,
}

impl Inbox {
    /// Goes on behind the last whole record. What a killed bridge left half written is overwritten.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = File::options().read(true).write(true).open(path)?;
        let mut inbox = Self { file, end: 0, last: Seq(0) };
        while let Some(record) = record(&inbox.file, inbox.end)? {
            (inbox.end, inbox.last) = (record.end, record.seq);
        }
        Ok(inbox)
    }

    /// The newest order that is there; zero when none is.
    pub(super) fn last(&self) -> Seq {
        self.last
    }

    /// Writes an order that is newer than [`Self::last`]; on an error it may be tried again.
    pub(super) fn text(&mut self, seq: Seq, text: &str) -> io::Result<()> {
        self.write(seq, &said(seq, text))
    }

    /// As [`Self::text`].
    pub(super) fn size(&mut self, seq: Seq, Window { rows, cols }: Window) -> io::Result<()> {
        self.write(seq, &format!("{seq} size {rows} {cols}\n"))
    }

    /// As [`Self::text`].
    pub(super) fn end(&mut self, seq: Seq) -> io::Result<()> {
        self.write(seq, &format!("{seq} end\n"))
    }

    fn write(&mut self, seq: Seq, record: &str) -> io::Result<()> {
        system::write_all_at(&self.file, record.as_bytes(), self.end)?;
        self.end += record.len() as u64;
        self.last = seq;
        Ok(())
    }
}

/// The shim's side.
pub(crate) struct Told {
    file: File,
    at: u64,
}

impl Told {
    pub(super) fn new(file: File) -> Self {
        Self { file, at: 0 }
    }

    /// The next whole record; nothing when there is none yet.
    pub(crate) fn next(&mut self) -> io::Result<Option<Word>> {
        let found = record(&self.file, self.at)?;
        Ok(found.map(|record| {
            self.at = record.end;
            record.word
        }))
    }

    /// What stands in the file there, as much as fits.
    pub(crate) fn read(&self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        system::read_at(&self.file, into, at)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn told(path: &Path) -> Vec<String> {
        let mut told = Told::new(File::open(path).unwrap());
        let mut words = Vec::new();
        while let Some(word) = told.next().unwrap() {
            words.push(match word {
                Word::Size(window) => format!("{window:?}"),
                Word::End => "the end".to_owned(),
                Word::Text { at, length } | Word::Turn { at, length } => {
                    let mut text = vec![0; usize::try_from(length).unwrap()];
                    assert_eq!(told.read(at, &mut text).unwrap(), text.len());
                    String::from_utf8(text).unwrap()
                }
            });
        }
        words
    }

    #[test]
    fn an_inbox_cut_anywhere_goes_on_behind_its_last_whole_record() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("inbox");
        let window = Window { rows: 24, cols: 80 };
        let write = |inbox: &mut Inbox| {
            for (seq, text) in [(3, "one\n"), (5, ""), (9, "7 text 3\nend")] {
                if inbox.last() < Seq(seq) {
                    inbox.text(Seq(seq), text).unwrap();
                }
            }
            if inbox.last() < Seq(12) {
                inbox.size(Seq(12), window).unwrap();
            }
            if inbox.last() < Seq(13) {
                inbox.end(Seq(13)).unwrap();
            }
        };
        let prompt = dialog("the prompt\n", "1 end\nin @SESSION@\n");
        std::fs::write(&path, &prompt).unwrap();
        write(&mut Inbox::open(&path).unwrap());
        let (whole, all) = (std::fs::read(&path).unwrap(), told(&path));
        assert_eq!(all[..5], ["the prompt\n", "1 end\nin @SESSION@\n", "one\n", "", "7 text 3\nend"]);
        assert_eq!(all.last().unwrap(), "the end");
        for cut in prompt.len()..=whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            assert!(all.starts_with(&told(&path)), "cut at {cut}: only what is whole");
            write(&mut Inbox::open(&path).unwrap());
            assert_eq!(std::fs::read(&path).unwrap(), whole, "cut at {cut}");
        }
    }
}
