//! Keys as the bytes that a terminal sends for them (xterm's).

/// A key that was pressed, as the browser names it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Key<'a> {
    pub name: &'a str,
    pub ctrl: bool,
    pub alt: bool,
    pub shift: bool,
}

/// What is sent for it; nothing for what comes as text, and for what is the browser's. `application`: arrows in their
/// other form.
pub fn bytes(key: Key<'_>, application: bool) -> Option<String> {
    let Key { name, ctrl, alt, shift } = key;
    let mut letters = name.chars();
    if let (Some(letter), None) = (letters.next(), letters.next()) {
        let code = if ctrl { control(letter)?.to_string() } else { letter.to_string() };
        return match (ctrl, alt) {
            // What a keyboard makes with both is a letter of its own.
            (true, true) => None,
            (true, false) => Some(code),
            (false, true) => Some(format!("\u{1b}{code}")),
            (false, false) => None,
        };
    }
    let with = 1 + u8::from(shift) + 2 * u8::from(alt) + 4 * u8::from(ctrl);
    let cursor = |letter: char| match with {
        1 if application => format!("\u{1b}O{letter}"),
        1 => format!("\u{1b}[{letter}"),
        _ => format!("\u{1b}[1;{with}{letter}"),
    };
    let edit = |number: u8| match with {
        1 => format!("\u{1b}[{number}~"),
        _ => format!("\u{1b}[{number};{with}~"),
    };
    let escaped = |text: &str| if alt { format!("\u{1b}{text}") } else { text.to_owned() };
    Some(match name {
        "Enter" => escaped("\r"),
        "Backspace" => escaped("\u{7f}"),
        "Escape" => "\u{1b}".to_owned(),
        "Tab" if shift => "\u{1b}[Z".to_owned(),
        "Tab" => "\t".to_owned(),
        "ArrowUp" => cursor('A'),
        "ArrowDown" => cursor('B'),
        "ArrowRight" => cursor('C'),
        "ArrowLeft" => cursor('D'),
        "Home" => cursor('H'),
        "End" => cursor('F'),
        "Insert" => edit(2),
        "Delete" => edit(3),
        "PageUp" => edit(5),
        "PageDown" => edit(6),
        _ => {
            let number: u8 = name.strip_prefix('F')?.parse().ok()?;
            match number {
                5 => edit(15),
                6..=10 => edit(number + 11),
                11 | 12 => edit(number + 12),
                1..=4 if with == 1 => format!("\u{1b}O{}", char::from(b'O' + number)),
                1..=4 => format!("\u{1b}[1;{with}{}", char::from(b'O' + number)),
                _ => return None,
            }
        }
    })
}

/// The control character of a letter or sign.
pub fn control(letter: char) -> Option<char> {
    match letter {
        ' ' | '@' => Some('\0'),
        'a'..='z' | '[' | '\\' | ']' | '^' | '_' | 'A'..='Z' => {
            Some(char::from(u8::try_from(letter).ok()? & 0x1f))
        }
        _ => None,
    }
}

/// What is pasted, with the ends of lines as Enter. Between marks where the program wants them, which nothing in it can end.
pub fn pasted(text: &str, bracketed: bool) -> String {
    let text = text.replace("\r\n", "\r").replace('\n', "\r").replace('\u{1b}', "");
    if bracketed { format!("\u{1b}[200~{text}\u{1b}[201~") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sends(name: &str) -> Option<String> {
        bytes(Key { name, ..Key::default() }, false)
    }

    #[test]
    fn keys_are_sent_as_a_terminal_sends_them() {
        for (name, sent) in [
            ("Enter", "\r"),
            ("Backspace", "\u{7f}"),
            ("ArrowUp", "\u{1b}[A"),
            ("Delete", "\u{1b}[3~"),
            ("F1", "\u{1b}OP"),
            ("F4", "\u{1b}OS"),
            ("F5", "\u{1b}[15~"),
            ("F10", "\u{1b}[21~"),
            ("F12", "\u{1b}[24~"),
        ] {
            assert_eq!(sends(name).as_deref(), Some(sent), "{name}");
        }
        for none in ["a", "\u{e4}", "Shift", "F13", "Dead", "Process"] {
            assert_eq!(sends(none), None, "{none}");
        }
        assert_eq!(bytes(Key { name: "ArrowUp", ..Key::default() }, true).as_deref(), Some("\u{1b}OA"));
    }

    #[test]
    fn with_others_held_they_are_others() {
        let ctrl = |name| bytes(Key { name, ctrl: true, ..Key::default() }, false);
        let alt = |name| bytes(Key { name, alt: true, ..Key::default() }, false);
        assert_eq!(ctrl("c").as_deref(), Some("\u{3}"));
        assert_eq!(ctrl(" ").as_deref(), Some("\0"));
        assert_eq!(ctrl("ArrowLeft").as_deref(), Some("\u{1b}[1;5D"));
        assert_eq!(ctrl("5"), None);
        assert_eq!(alt("f").as_deref(), Some("\u{1b}f"));
        assert_eq!(alt("Enter").as_deref(), Some("\u{1b}\r"));
        assert_eq!(bytes(Key { name: "@", ctrl: true, alt: true, ..Key::default() }, false), None);
        assert_eq!(
            bytes(Key { name: "Tab", shift: true, ..Key::default() }, false).as_deref(),
            Some("\u{1b}[Z")
        );
    }

    #[test]
    fn what_is_pasted_ends_no_mark() {
        assert_eq!(pasted("a\r\nb\n", false), "a\rb\r");
        assert_eq!(pasted("x\u{1b}[201~rm", true), "\u{1b}[200~x[201~rm\u{1b}[201~");
    }
}
