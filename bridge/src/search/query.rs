//! What a person types, as words: all of them are looked for, the last one by its beginning, what stands in quotes
//! side by side.

use shared::api::Bit;

/// The words of a question.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Words {
    /// Each a word, or several that stand side by side.
    phrases: Vec<Vec<String>>,
    /// The last one may go on: it has two letters at least, and nothing behind it.
    open: bool,
}

/// Words of a question that count; more are left out.
const MOST: usize = 16;
/// Characters that are shown before the first hit, and in all.
const LEAD: usize = 40;
const SHOWN: usize = 160;

impl Words {
    pub(super) fn of(question: &str) -> Self {
        let mut phrases = Vec::new();
        for (place, part) in question.split('"').enumerate() {
            let quoted = place % 2 == 1;
            if quoted {
                phrases.push(words(part).collect());
            } else {
                // What is written together, such as `merge_cart`, is looked for side by side.
                phrases.extend(part.split_whitespace().map(|word| words(word).collect()));
            }
        }
        phrases.retain(|phrase: &Vec<String>| !phrase.is_empty());
        phrases.truncate(MOST);
        let last = phrases.last().and_then(|phrase| phrase.last());
        let begun = last.is_some_and(|word| word.chars().nth(1).is_some());
        let open = begun && question.chars().next_back().is_some_and(char::is_alphanumeric);
        Self { phrases, open }
    }

    /// The question in the language of FTS5; nothing where no word is.
    pub(super) fn expression(&self) -> Option<String> {
        let last = self.phrases.len().checked_sub(1)?;
        let phrases = self.phrases.iter().enumerate().map(|(place, phrase)| {
            // A word holds letters and digits alone, so that it can end no quote.
            let rest = if place == last && self.open { "*" } else { "" };
            format!("\"{}\"{rest}", phrase.join(" "))
        });
        Some(phrases.collect::<Vec<_>>().join(" "))
    }

    fn fits(&self, word: &str) -> bool {
        let word = word.to_lowercase();
        let last = self.phrases.last().and_then(|phrase| phrase.last());
        let begun = self.open && last.is_some_and(|last| word.starts_with(last.as_str()));
        begun || self.phrases.iter().flatten().any(|wanted| *wanted == word)
    }

    /// The part of a text around the first of the words, in bits that are marked where a word stands.
    pub(super) fn excerpt(&self, text: &str) -> Vec<Bit> {
        let first = pieces(text).find(|(_, piece)| self.fits(piece)).map_or(0, |(at, _)| at);
        let lead = text[..first].char_indices().rev().take_while(|(_, letter)| *letter != '\n').take(LEAD);
        let begin = lead.last().map_or(first, |(at, _)| at);
        let shown = &text[begin..];
        let end = shown.char_indices().nth(SHOWN).map_or(shown.len(), |(at, _)| at);
        let mut bits: Vec<Bit> = Vec::new();
        for (_, piece) in pieces(&shown[..end]) {
            let marked = self.fits(piece);
            match bits.last_mut() {
                Some(last) if last.marked == marked => last.text.push_str(piece),
                _ => bits.push(Bit { text: piece.to_owned(), marked }),
            }
        }
        bits
    }
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
}

/// A text as runs of letters and digits, and of what is between them, each with its place.
fn pieces(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let word = rest.chars().next()?.is_alphanumeric();
        let end = rest.find(|letter: char| letter.is_alphanumeric() != word).unwrap_or(rest.len());
        let at = text.len() - rest.len();
        let (piece, left) = rest.split_at(end);
        rest = left;
        Some((at, piece))
    })
}
