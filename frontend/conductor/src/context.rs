//! The size of what an agent is told: all words of a turn together keep to one limit. Ours are never cut. Of the
//! others, sections give way in the order of [`Section`], each first down to a floor and only then wholly; within a
//! section the longest pieces are cut. What is cut is said where it was, and once as a list at the end.

use std::borrow::Cow;
use std::fmt::Write;

use shared::context::{Cut, Section};
use shared::unit::Bytes;

/// The least that a limit may be, in bytes: our own words are less than half of it.
pub const LEAST: usize = 8 * 1024;
/// Bytes for the list of what was cut.
const LIST: usize = 1024;
/// A section keeps this part of the room before it gives way wholly.
const FLOOR: usize = 16;
/// Bytes of the longest mark of a cut.
const MARK: usize = " […cut here, 18446744073709551615 more bytes]\n\n".len();

/// A turn's words, in the order in which they are told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Own(Cow<'static, str>),
    Given(Section, String),
}

impl Words {
    /// Words of our own, which are few and never cut.
    pub fn say(&mut self, words: impl Into<Cow<'static, str>>) {
        self.pieces.push(Piece::Own(words.into()));
    }

    /// Words of others as a paragraph, which may be cut; nothing where there are none.
    pub fn give(&mut self, section: Section, words: &str) {
        let words = words.trim_end();
        if !words.is_empty() {
            self.pieces.push(Piece::Given(section, format!("{words}\n\n")));
        }
    }

    /// The text in at most `limit` bytes (or [`LEAST`], where that is more), and what of it was cut, by section.
    pub fn fit(self, limit: usize) -> (String, Vec<Cut>) {
        let limit = limit.max(LEAST);
        let given = |piece: &Piece| if let Piece::Given(_, text) = piece { text.len() } else { 0 };
        let all: usize = self.pieces.iter().map(|piece| piece.text().len()).sum();
        let theirs: usize = self.pieces.iter().map(given).sum();
        let fits = all <= limit;
        let shares = self.shares(if fits { theirs } else { limit.saturating_sub(all - theirs + LIST) });
        let mut text = String::with_capacity(all.min(limit));
        let mut lost = [0; Section::ALL.len()];
        for piece in &self.pieces {
            match piece {
                Piece::Own(words) => text.push_str(words),
                Piece::Given(section, words) => {
                    lost[*section as usize] += cut(words, shares[*section as usize], &mut text)
                }
            }
        }
        let cuts = Section::ALL.into_iter().filter(|section| lost[*section as usize] > 0);
        let cuts: Vec<Cut> = cuts
            .map(|section| Cut {
                section,
                bytes: bytes(lost[section as usize]),
                of: bytes(self.lengths(section).sum()),
            })
            .collect();
        tell(&cuts, &mut text);
        text.truncate(text.trim_end().len());
        text.push('\n');
        (text, cuts)
    }

    fn lengths(&self, section: Section) -> impl Iterator<Item = usize> {
        self.pieces.iter().filter_map(move |piece| match piece {
            Piece::Given(of, text) if *of == section => Some(text.len()),
            _ => None,
        })
    }

    /// The most that a piece of each section may keep, so that all together keep no more than `room`.
    fn shares(&self, room: usize) -> [usize; Section::ALL.len()] {
        let wanted = Section::ALL.map(|section| self.lengths(section).sum::<usize>());
        let mut granted = [0; Section::ALL.len()];
        let mut left = room;
        for most in [room / FLOOR, usize::MAX] {
            // Who gives way last is served first.
            for place in (0..wanted.len()).rev() {
                let more = (wanted[place].min(most) - granted[place]).min(left);
                granted[place] += more;
                left -= more;
            }
        }
        Section::ALL.map(|section| share(self.lengths(section).collect(), granted[section as usize]))
    }
}

impl Piece {
    fn text(&self) -> &str {
        match self {
            Self::Own(words) => words,
            Self::Given(_, words) => words,
        }
    }
}

/// The most that each of these lengths may keep within `room`: the long ones are cut, the short ones stay.
fn share(mut lengths: Vec<usize>, room: usize) -> usize {
    lengths.sort_unstable();
    let (mut left, mut others) = (room, lengths.len());
    for length in lengths {
        let share = left / others;
        if length > share {
            return share;
        }
        (left, others) = (left - length, others - 1);
    }
    usize::MAX
}

/// Adds at most `share` bytes of the words, and says how many are missing.
fn cut(words: &str, share: usize, text: &mut String) -> usize {
    if words.len() <= share {
        text.push_str(words);
        return 0;
    }
    // Without room for the mark it is gone, which the list tells.
    let Some(room) = share.checked_sub(MARK) else { return words.len() };
    let kept = words[..words.floor_char_boundary(room)].trim_end();
    let lost = words.len() - kept.len();
    let _ = write!(text, "{kept} […cut here, {lost} more bytes]\n\n");
    lost
}

fn tell(cuts: &[Cut], text: &mut String) {
    if cuts.is_empty() {
        return;
    }
    text.push_str("## Cut to fit\n\n");
    for Cut { section, bytes, of } in cuts {
        let _ = writeln!(text, "- {} of {} bytes of {}", bytes.0, of.0, section.name());
    }
}

fn bytes(count: usize) -> Bytes {
    Bytes(u64::try_from(count).unwrap_or(u64::MAX))
}
