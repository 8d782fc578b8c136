//! What agents ask, so that people see all of it.

/// The text with every character that shows nothing, or that changes how others are shown, as its number: `\u{202e}`. Ends
/// of lines and tabs stay.
pub fn seen(text: &str) -> String {
    let shown = |c: char| if is_hidden(c) { c.escape_unicode().collect() } else { String::from(c) };
    text.chars().map(shown).collect()
}

/// Controls, and what Unicode calls format characters and fillers.
fn is_hidden(c: char) -> bool {
    let of_lines = matches!(c, '\n' | '\t');
    (c.is_control() && !of_lines)
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_is_told() {
        let table = [
            ("rm a\u{202e}txt\u{200b}", "rm a\\u{202e}txt\\u{200b}"),
            ("\u{feff}ls\r\u{1b}[2K", "\\u{feff}ls\\u{d}\\u{1b}[2K"),
            ("\u{2066}a\u{2069}", "\\u{2066}a\\u{2069}"),
            ("Grüße\n\t😀 дом", "Grüße\n\t😀 дом"),
        ];
        for (text, expected) in table {
            assert_eq!(seen(text), expected);
        }
    }
}
