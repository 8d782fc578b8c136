//! What one command of a line says of what else it runs, and the words of a rule that is about it and little more.

use super::last;
use super::shell::{Segment, Word};

/// Programs that run what they are given, or read it as a program.
const RUNNERS: [&str; 46] = [
    "sh", "bash", "zsh", "dash", "ksh", "fish", "busybox", "eval", "source", ".", "exec", "command",
    "builtin", "env", "sudo", "doas", "su", "xargs", "parallel", "time", "nice", "ionice", "nohup",
    "timeout", "stdbuf", "setsid", "chroot", "flock", "watch", "strace", "find", "fd", "awk", "gawk", "sed",
    "python", "pypy", "node", "deno", "bun", "perl", "ruby", "php", "lua", "ssh", "docker",
];

/// Those of them that run a text.
const READERS: [&str; 4] = ["eval", "source", ".", "xargs"];
const SHELLS: [&str; 6] = ["sh", "bash", "zsh", "dash", "ksh", "fish"];

impl Segment {
    /// The words that a rule about it has to have, so that it is about little more than this: the program and what of it is
    /// meant where that is plain (`cargo test`), or all of it. Nothing where not enough of it is known.
    pub(super) fn narrowest(&self) -> Option<Vec<String>> {
        let is_name = |text: &str| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b':');
            text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.bytes().all(plain)
        };
        let program = self.words.iter().position(|word| !word.is_assignment())?;
        let text = |word: &Word| match word {
            Word::Plain(text) => Some(text.clone()),
            Word::Open => None,
        };
        let (name, second) = (text(&self.words[program])?, self.words.get(program + 1));
        if is_one_of(&name, &RUNNERS) || matches!(second, Some(Word::Plain(text)) if text.starts_with('-')) {
            return self.plain();
        }
        let named = matches!(second, Some(Word::Plain(text)) if is_name(text));
        self.words[..=program + usize::from(named)].iter().map(text).collect()
    }

    /// It has a text run that nobody looks into, so that any command may be in it.
    pub(super) fn runs_any(&self) -> bool {
        let mut words = self.words.iter().skip_while(|word| word.is_assignment()).peekable();
        let name = |word: &Word| match word {
            Word::Plain(text) => Some(last(text).to_owned()),
            Word::Open => None,
        };
        // A program that runs others may have them anywhere.
        let reach = match words.peek().and_then(|word| name(word)) {
            Some(first) if is_one_of(&first, &RUNNERS) => usize::MAX,
            _ => 1,
        };
        let rest: Vec<&Word> = words.collect();
        rest.iter().take(reach).enumerate().any(|(at, word)| {
            let Some(name) = name(word) else { return false };
            let given = |word: &&Word| match word {
                Word::Plain(text) => {
                    text.starts_with('-') && !text.starts_with("--") && text.contains('c')
                        || text == "--command"
                }
                Word::Open => true,
            };
            // `.` is also a folder.
            (READERS.contains(&&*name) && (name != "." || at == 0))
                || (SHELLS.contains(&&*name) && rest[at + 1..].iter().any(given))
        })
    }
}

/// `python3.12` is one of `python`.
fn is_one_of(program: &str, names: &[&str]) -> bool {
    let name = last(program);
    let bare = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    names.contains(&name) || names.contains(&bare)
}

/// The words as a line that a shell reads as these words.
pub fn written(words: &[String]) -> String {
    let bare = |c: char| c.is_alphanumeric() || "_-./:=@%+,".contains(c);
    let word = |word: &String| {
        if !word.is_empty() && !word.starts_with('=') && word.chars().all(bare) {
            word.clone()
        } else {
            format!("'{}'", word.replace('\'', "'\\''"))
        }
    };
    words.iter().map(word).collect::<Vec<_>>().join(" ")
}
