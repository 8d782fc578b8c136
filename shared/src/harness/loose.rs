//! Reads JSON that others write and change at will: a field that is missing or of another type is empty.

use serde_json::{Map, Value};

use super::lines::Line;
use crate::id::SessionId;

/// Characters of a call that rules know nothing of.
pub(super) const ABOUT: usize = 2_000;

/// The JSON object on this line; nothing when the line was cut or is something else. Bytes that are not
/// UTF-8 and halves of surrogate pairs (JavaScript writes them when it cuts a text) become U+FFFD.
pub(super) fn object(line: Line<'_>) -> Option<Map<String, Value>> {
    if line.cut {
        return None;
    }
    if let Ok(object) = serde_json::from_slice(line.bytes) {
        return Some(object);
    }
    let text = String::from_utf8_lossy(line.bytes);
    serde_json::from_str(&without_half_pairs(&text)).ok()
}

/// Replaces `\uD800`–`\uDFFF` escapes that are not part of a pair by `\uFFFD`.
fn without_half_pairs(text: &str) -> String {
    let unit = |at: usize| {
        let rest = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(rest, 16).ok()
    };
    let mut clean = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(found) = text[at..].find('\\') {
        let escape = at + found;
        clean.push_str(&text[at..escape]);
        let (taken, kept) = match (unit(escape), unit(escape + 6)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => (12, true),
            (Some(0xD800..=0xDFFF), _) => (6, false),
            // An escape of one character, so that `\\` does not begin another.
            _ => (1 + text[escape + 1..].chars().next().map_or(0, char::len_utf8), true),
        };
        clean.push_str(if kept { &text[escape..escape + taken] } else { "\\uFFFD" });
        at = escape + taken;
    }
    clean.push_str(&text[at..]);
    clean
}

/// The text at this key, or the empty text.
pub(super) fn text<'a>(from: &'a Map<String, Value>, key: &str) -> &'a str {
    from.get(key).and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn number(from: &Map<String, Value>, key: &str) -> Option<u64> {
    from.get(key).and_then(Value::as_u64)
}

/// A small count; what does not fit is the largest.
pub(super) fn count(from: &Map<String, Value>, key: &str) -> Option<u32> {
    number(from, key).map(|n| u32::try_from(n).unwrap_or(u32::MAX))
}

/// The session that this text names. One that a command line would take for an option is none.
pub(super) fn session(text: &str) -> Option<SessionId> {
    SessionId::new(text).ok().filter(|_| !text.starts_with('-'))
}

/// The object at this key.
pub(super) fn child<'a>(from: &'a Map<String, Value>, key: &str) -> Option<&'a Map<String, Value>> {
    from.get(key).and_then(Value::as_object)
}

/// The first line of `text`, at most `most` characters of it.
pub(super) fn first_line(text: &str, most: usize) -> String {
    short(text.trim_start().lines().next().unwrap_or_default().trim_end(), most)
}

/// At most `most` characters of `text`; what is cut is told by an ellipsis.
pub(super) fn short(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", text[..at].trim_end()),
    }
}

/// All that a call is given, each field on its line; what is cut is said.
pub(super) fn whole(input: &Value) -> String {
    let shown = |value: &Value| match value {
        Value::String(text) if !text.contains(char::is_control) => text.clone(),
        value => value.to_string(),
    };
    let all = match input.as_object() {
        Some(fields) => {
            let lines: Vec<String> =
                fields.iter().map(|(name, value)| format!("{name}: {}", shown(value))).collect();
            lines.join("\n")
        }
        None => input.to_string(),
    };
    match all.char_indices().nth(ABOUT) {
        None => all,
        Some((at, _)) => {
            format!("{}\n… and {} more characters that are not shown", &all[..at], all[at..].chars().count())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Option<String> {
        object(Line { bytes, cut: false }).map(|object| text(&object, "a").to_owned())
    }

    #[test]
    fn a_text_that_was_cut_within_a_character_still_reads() {
        assert_eq!(read(br#"{"a":"x\ud83d"}"#).as_deref(), Some("x\u{FFFD}"));
        assert_eq!(read(br#"{"a":"\udc00\ud83d\ude00\\ud83d"}"#).as_deref(), Some("\u{FFFD}😀\\ud83d"));
        assert_eq!(read(b"{\"a\":\"x\xff\"}").as_deref(), Some("x\u{FFFD}"));
        assert_eq!(read(b"{\"a\":"), None);
        assert_eq!(read(b"[1]"), None);
        assert_eq!(read(b"\\"), None);
    }

    #[test]
    fn a_session_is_never_an_option() {
        assert_eq!(session("--dangerously-skip-permissions"), None);
        assert_eq!(session("01a1fb67-d610"), SessionId::new("01a1fb67-d610").ok());
    }

    #[test]
    fn a_title_is_one_short_line() {
        assert_eq!(first_line("\n  cargo test\nmore", 20), "cargo test");
        assert_eq!(first_line("äöüß", 2), "äö…");
    }
}
